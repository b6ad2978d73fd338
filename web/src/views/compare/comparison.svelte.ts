/** What is compared, and what came out: held by the view, written to the address, read from it. */
import { address } from "../../state/address.svelte";
import {
  explained,
  kept,
  nothing,
  readRows,
  rowsOf,
  SIDES,
  type Asked,
  type Attribution,
  type Lists,
  type Side,
} from "./explaining";
import { partsOf, wholeOf, type Part } from "./parts";
import { compared, secondOf, type Piece } from "./words";

export class Comparison {
  model = $state("");
  question = $state("");
  system = $state("");
  answer = $state("");
  pieces = $state.raw<Piece[]>([]);
  /** The part that is explained: its number from 1, or 0 for all of them together. */
  part = $state(0);
  /** How the text is edited: by word, or typed. */
  mode = $state("words");
  /** The row that is open, by its list and its pair: one at a time. */
  open = $state("");
  ids = $state(nothing(""));
  found = $state.raw<Record<Side, Attribution | null>>(nothing<Attribution | null>(null));
  busy = $state(nothing(false));
  failed = $state(nothing(""));
  /** What went wrong before there was anything to compare. */
  trouble = $state("");
  rows = $state<Lists>(readRows(new URLSearchParams()));
  #before = $state.raw<Piece[][]>([]);
  #running: AbortController | undefined;

  readonly text = $derived(secondOf(this.pieces));
  readonly parts: Part[] = $derived(partsOf(this.pieces));
  readonly chosen: Part | null = $derived(
    this.parts[this.part - 1] ?? wholeOf(this.parts, this.answer, this.text),
  );
  readonly working = $derived(SIDES.some((side) => this.busy[side]));
  /** Whether each answer is of what stands there now. */
  readonly fresh = $derived(
    Object.fromEntries(SIDES.map((side) => [side, this.#isFresh(side)])) as Record<Side, boolean>,
  );
  readonly canUndo = $derived(this.#before.length > 0);
  /** The largest score of all lists: what every bar is measured by. */
  readonly most = $derived(
    Math.max(1e-9, ...SIDES.flatMap((side) => rowsOf(this.found[side]).map((row) => Math.abs(row.score)))),
  );

  /** Another answer of the model; the person's text starts as a copy of it. */
  begin(answer: string, text: string = answer): void {
    this.answer = answer;
    this.pieces = compared(answer, text);
    this.#before = [];
    this.part = 0;
  }

  type(text: string): void {
    this.edit(compared(this.answer, text));
  }

  edit(pieces: Piece[]): void {
    this.#before = [...this.#before.slice(-99), this.pieces];
    this.pieces = pieces;
    if (this.part > this.parts.length) this.part = 0;
  }

  undo(): void {
    const last = this.#before.at(-1);
    if (!last) return;
    this.#before = this.#before.slice(0, -1);
    this.pieces = last;
  }

  /** Take up what the address says. */
  async restore(): Promise<void> {
    this.stop();
    this.model = address.get("model");
    this.question = address.get("question");
    this.system = address.get("system");
    this.begin(address.get("answer"), address.query.get("text") ?? undefined);
    this.part = Number(address.get("part")) || 0;
    this.rows = readRows(address.query);
    this.mode = address.get("mode") === "text" ? "text" : "words";
    this.open = address.get("open");
    this.ids = { left: address.get("left"), right: address.get("right"), contrast: address.get("contrast") };
    this.found = nothing<Attribution | null>(null);
    this.failed = nothing("");
    this.trouble = "";
    const asked = address.get("attribution");
    if (asked) await this.adopt(asked);
    else {
      const { signal } = (this.#running = new AbortController());
      await Promise.all(SIDES.map((side) => this.#fill(side, () => kept(this.ids[side], signal), signal)));
    }
  }

  /** Start from an answer that was explained before. */
  async adopt(id: string): Promise<void> {
    let one: Attribution | null;
    try {
      one = await kept(id, undefined);
    } catch (cause) {
      this.trouble = (cause as Error).message;
      return;
    }
    if (!one) return;
    this.model = one.model;
    this.question = one.question;
    this.system = one.system_prompt ?? "";
    this.clear();
    this.begin(one.answer, one.instead ?? one.answer);
  }

  clear(): void {
    this.stop();
    this.ids = nothing("");
    this.found = nothing<Attribution | null>(null);
    this.failed = nothing("");
  }

  /** What the address is to say. */
  told(): Record<string, string | null> {
    const { model, question, system, answer } = this;
    // The address holds no empty values: a text that says what the model says is left out, one without words is a blank.
    const text = this.text === answer.trim() ? null : this.text || " ";
    const rows = Object.entries(this.rows).map(([name, most]) => [name, most === 1 ? null : String(most)]);
    const part = this.part ? String(this.part) : null;
    const look = { mode: this.mode === "words" ? null : this.mode, open: this.open, attribution: null };
    return { model, question, system, answer, text, part, ...look, ...this.ids, ...Object.fromEntries(rows) };
  }

  /** Explain what differs: each side's words, and the contrast as a whole. One after the other, as the model has one seat. */
  async explain(): Promise<void> {
    this.stop();
    this.#running = new AbortController();
    const { signal } = this.#running;
    const wanted = SIDES.map((side) => [side, this.#wanted(side)] as const);
    this.#drop(wanted.filter(([, asked]) => !asked).map(([side]) => side));
    for (const [side, asked] of wanted) this.busy[side] = Boolean(asked);
    for (const [side, asked] of wanted) {
      if (asked && !signal.aborted) await this.#fill(side, () => explained(this, asked, signal), signal);
    }
  }

  stop(): void {
    this.#running?.abort();
    this.busy = nothing(false);
  }

  #drop(sides: Side[]): void {
    for (const side of sides) {
      this.ids[side] = "";
      this.failed[side] = "";
      this.found = { ...this.found, [side]: null };
    }
  }

  #wanted(side: Side): Asked | null {
    const { answer, text, chosen } = this;
    if (!chosen) return null;
    if (side === "contrast") return answer.trim() && text ? { answer, selection: null, instead: text } : null;
    const selection = chosen[side];
    return selection ? { answer: side === "left" ? answer : text, selection, instead: null } : null;
  }

  #isFresh(side: Side): boolean {
    const [wanted, found] = [this.#wanted(side), this.found[side]];
    if (!wanted || !found) return !wanted && !found;
    const [start, end] = found.selection ?? [];
    const same = wanted.selection
      ? wanted.selection.start === start && wanted.selection.end === end
      : start === undefined;
    const put = found.question === this.question && (found.system_prompt ?? "") === this.system;
    return same && put && found.answer === wanted.answer && (found.instead ?? null) === wanted.instead;
  }

  async #fill(
    side: Side,
    ask: (signal?: AbortSignal) => Promise<Attribution | null>,
    signal?: AbortSignal,
  ): Promise<void> {
    this.busy[side] = true;
    this.failed[side] = "";
    try {
      const one = await ask(signal);
      if (signal?.aborted) return;
      this.found = { ...this.found, [side]: one };
      this.ids[side] = one?.id ?? "";
    } catch (cause) {
      if (!signal?.aborted) this.failed[side] = (cause as Error).message;
    } finally {
      if (!signal?.aborted) this.busy[side] = false;
    }
  }
}
