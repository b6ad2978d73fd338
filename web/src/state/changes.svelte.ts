/** The change set of a run: pairs excluded, edited, added and flagged, to be applied in a new version of the data.
 *
 * It is stored in this browser, one set per run. Files are never changed in place.
 */

export type PairRef = {
  id: string;
  file_id: string;
  file: string;
  line: number;
  question: string;
  answer: string;
};
export type Change =
  | { kind: "exclude"; pair: PairRef; predicted: Record<string, number> }
  | { kind: "edit"; pair: PairRef; question: string; answer: string; predicted: Record<string, number> }
  | { kind: "add"; id: string; question: string; answer: string };
/** A watched answer, with its log-probability before the changes. */
export type Watched = { attribution: string; question: string; answer: string; before: number };

type ChangeSet = {
  run: string;
  changes: Change[];
  pinned: PairRef[];
  flagged: { pair: PairRef; note: string }[];
  watched: Watched[];
};

const NAME = "whence-changes";
const empty = (run: string): ChangeSet => ({ run, changes: [], pinned: [], flagged: [], watched: [] });

class Changes {
  private all = $state<Record<string, ChangeSet>>(read());
  /** The run whose changes are shown: a job's id. */
  run = $state(localStorage.getItem(`${NAME}-run`) ?? "");

  get here(): ChangeSet {
    return this.all[this.run] ?? empty(this.run);
  }

  get size(): number {
    return this.here.changes.length;
  }

  /** Switch to another run's changes. */
  turn(run: string): void {
    if (run === this.run) return;
    this.run = run;
    localStorage.setItem(`${NAME}-run`, run);
  }

  /** Exclude a pair; `predicted` is the effect on each answer, in nats, by attribution id. */
  exclude(pair: PairRef, predicted: Record<string, number> = {}): void {
    this.replace(pair.id, { kind: "exclude", pair, predicted });
  }

  edit(pair: PairRef, question: string, answer: string, predicted: Record<string, number> = {}): void {
    this.replace(pair.id, { kind: "edit", pair, question, answer, predicted });
  }

  add(question: string, answer: string): void {
    const id = crypto.randomUUID();
    this.replace(id, { kind: "add", id, question, answer });
  }

  /** Undo a change. */
  undo(id: string): void {
    this.write({ changes: this.here.changes.filter((change) => idOf(change) !== id) });
  }

  /** The change of a pair, if there is one. */
  of(id: string): Change | undefined {
    return this.here.changes.find((change) => idOf(change) === id);
  }

  pin(pair: PairRef): void {
    const pinned = this.here.pinned.some((one) => one.id === pair.id);
    this.write({
      pinned: pinned ? this.here.pinned.filter((one) => one.id !== pair.id) : [...this.here.pinned, pair],
    });
  }

  flag(pair: PairRef, note: string): void {
    this.write({ flagged: [...this.here.flagged.filter((one) => one.pair.id !== pair.id), { pair, note }] });
  }

  unflag(id: string): void {
    this.write({ flagged: this.here.flagged.filter((one) => one.pair.id !== id) });
  }

  watch(answer: Watched): void {
    this.write({
      watched: [...this.here.watched.filter((one) => one.attribution !== answer.attribution), answer],
    });
  }

  unwatch(attribution: string): void {
    this.write({ watched: this.here.watched.filter((one) => one.attribution !== attribution) });
  }

  /** Delete the run's changes once they are applied. Pins, flags and watched answers stay. */
  clear(): void {
    this.write({ changes: [] });
  }

  private replace(id: string, change: Change): void {
    this.write({ changes: [...this.here.changes.filter((one) => idOf(one) !== id), change] });
  }

  private write(parts: Partial<ChangeSet>): void {
    this.all = { ...this.all, [this.run]: { ...this.here, ...parts } };
    localStorage.setItem(NAME, JSON.stringify(this.all));
  }
}

/** A pair reduced to what the change set stores. */
export function refOf({ id, file_id, file, line, question, answer }: PairRef): PairRef {
  return { id, file_id, file, line, question, answer };
}

export function idOf(change: Change): string {
  return change.kind === "add" ? change.id : change.pair.id;
}

function read(): Record<string, ChangeSet> {
  try {
    return JSON.parse(localStorage.getItem(NAME) ?? "{}") as Record<string, ChangeSet>;
  } catch {
    return {};
  }
}

export const changes = new Changes();
