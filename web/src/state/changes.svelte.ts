/** The change set of a run: pairs excluded, edited, added, and flagged, until a new version of the data is made of them.
 *
 * It is kept in this browser, for one run at a time each. Files are never changed in place.
 */

export type Told = {
  id: string;
  file_id: string;
  file: string;
  line: number;
  question: string;
  answer: string;
};
export type Change =
  | { kind: "exclude"; pair: Told; predicted: Record<string, number> }
  | { kind: "edit"; pair: Told; question: string; answer: string; predicted: Record<string, number> }
  | { kind: "add"; id: string; question: string; answer: string };
/** An answer whose change is watched: its log-probability before, predicted and after. */
export type Watched = { attribution: string; question: string; answer: string; before: number };

type Kept = {
  run: string;
  changes: Change[];
  pinned: Told[];
  flagged: { pair: Told; note: string }[];
  watched: Watched[];
};

const NAME = "whence-changes";
const nothing = (run: string): Kept => ({ run, changes: [], pinned: [], flagged: [], watched: [] });

class Changes {
  private all = $state<Record<string, Kept>>(read());
  /** The run whose changes are looked at: a job's id. */
  run = $state(localStorage.getItem(`${NAME}-run`) ?? "");

  get here(): Kept {
    return this.all[this.run] ?? nothing(this.run);
  }

  get size(): number {
    return this.here.changes.length;
  }

  /** Look at another run's changes from now on. */
  turn(run: string): void {
    if (run === this.run) return;
    this.run = run;
    localStorage.setItem(`${NAME}-run`, run);
  }

  /** Leave a pair out; `predicted` says what that does to each watched answer, in nats, by attribution id. */
  exclude(pair: Told, predicted: Record<string, number> = {}): void {
    this.replace(pair.id, { kind: "exclude", pair, predicted });
  }

  edit(pair: Told, question: string, answer: string, predicted: Record<string, number> = {}): void {
    this.replace(pair.id, { kind: "edit", pair, question, answer, predicted });
  }

  add(question: string, answer: string): void {
    const id = crypto.randomUUID();
    this.replace(id, { kind: "add", id, question, answer });
  }

  /** Take a change back. */
  undo(id: string): void {
    this.write({ changes: this.here.changes.filter((change) => idOf(change) !== id) });
  }

  /** What is to become of a pair. */
  of(id: string): Change | undefined {
    return this.here.changes.find((change) => idOf(change) === id);
  }

  pin(pair: Told): void {
    const pinned = this.here.pinned.some((one) => one.id === pair.id);
    this.write({
      pinned: pinned ? this.here.pinned.filter((one) => one.id !== pair.id) : [...this.here.pinned, pair],
    });
  }

  flag(pair: Told, note: string): void {
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

  /** Forget the run's changes, once they are made or thrown away. Pins, flags and watched answers stay. */
  clear(): void {
    this.write({ changes: [] });
  }

  private replace(id: string, change: Change): void {
    this.write({ changes: [...this.here.changes.filter((one) => idOf(one) !== id), change] });
  }

  private write(parts: Partial<Kept>): void {
    this.all = { ...this.all, [this.run]: { ...this.here, ...parts } };
    localStorage.setItem(NAME, JSON.stringify(this.all));
  }
}

export function idOf(change: Change): string {
  return change.kind === "add" ? change.id : change.pair.id;
}

function read(): Record<string, Kept> {
  try {
    return JSON.parse(localStorage.getItem(NAME) ?? "{}") as Record<string, Kept>;
  } catch {
    return {};
  }
}

export const changes = new Changes();
