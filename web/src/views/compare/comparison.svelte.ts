/** The state of a comparison, its texts and results, which the address restores. */
import type { Attribution } from "../../api/types";
import { address } from "../../state/address.svelte";
import {
  explain,
  forEachSide,
  load,
  readRows,
  rowsOf,
  SIDES,
  type Question,
  type Lists,
  type Side,
} from "./requests";
import { partsOf, wholeOf, type Part } from "./parts";
import { compared, secondOf, type Piece } from "./words";

export class Comparison {
  model = $state("");
  question = $state("");
  system = $state("");
  answer = $state("");
  pieces = $state.raw<Piece[]>([]);
  /** The part to explain: its number from 1, or 0 for all of them together. */
  part = $state(0);
  /** The way of editing: by word, or typed. */
  mode = $state("words");
  /** The unfolded row, by its list and its pair; one at a time. */
  open = $state("");
  ids = $state(forEachSide(""));
  found = $state.raw<Record<Side, Attribution | null>>(forEachSide<Attribution | null>(null));
  busy = $state(forEachSide(false));
  failed = $state(forEachSide(""));
  /** An error that occurred before there was anything to compare. */
  error = $state("");
  rows = $state<Lists>(readRows(new URLSearchParams()));
  #before = $state.raw<Piece[][]>([]);
  #running: AbortController | undefined;

  readonly text = $derived(secondOf(this.pieces));
  readonly parts: Part[] = $derived(partsOf(this.pieces));
  readonly chosen: Part | null = $derived(
    this.parts[this.part - 1] ?? wholeOf(this.parts, this.answer, this.text),
  );
  readonly working = $derived(SIDES.some((side) => this.busy[side]));
  /** For each side, true if its result is for the current texts. */
  readonly fresh = $derived(
    Object.fromEntries(SIDES.map((side) => [side, this.#isFresh(side)])) as Record<Side, boolean>,
  );
  readonly canUndo = $derived(this.#before.length > 0);
  /** The largest score in all lists, which every bar is relative to. */
  readonly most = $derived(
    Math.max(1e-9, ...SIDES.flatMap((side) => rowsOf(this.found[side]).map((row) => Math.abs(row.score)))),
  );

  /** Start with an answer of the model; the user's text starts as a copy of it. */
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

  /** Restore the state from the address. */
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
    this.found = forEachSide<Attribution | null>(null);
    this.failed = forEachSide("");
    this.error = "";
    const id = address.get("attribution");
    if (id) await this.adopt(id);
    else {
      const { signal } = (this.#running = new AbortController());
      await Promise.all(SIDES.map((side) => this.#fill(side, () => load(this.ids[side], signal), signal)));
    }
  }

  /** Start from an answer explained earlier. */
  async adopt(id: string): Promise<void> {
    let one: Attribution | null;
    try {
      one = await load(id, undefined);
    } catch (cause) {
      this.error = (cause as Error).message;
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
    this.ids = forEachSide("");
    this.found = forEachSide<Attribution | null>(null);
    this.failed = forEachSide("");
  }

  /** The state as the address holds it. */
  toQuery(): Record<string, string | null> {
    const { model, question, system, answer } = this;
    // The address holds no empty values: a text equal to the model's is left out, an empty one is a space.
    const text = this.text === answer.trim() ? null : this.text || " ";
    const rows = Object.entries(this.rows).map(([name, most]) => [name, most === 1 ? null : String(most)]);
    const part = this.part ? String(this.part) : null;
    const look = { mode: this.mode === "words" ? null : this.mode, open: this.open, attribution: null };
    return { model, question, system, answer, text, part, ...look, ...this.ids, ...Object.fromEntries(rows) };
  }

  /** Explain each side's words and the contrast, one after the other: the engine serves one request at a time. */
  async explain(): Promise<void> {
    this.stop();
    this.#running = new AbortController();
    const { signal } = this.#running;
    const requests = SIDES.map((side) => [side, this.#question(side)] as const);
    this.#drop(requests.filter(([, request]) => !request).map(([side]) => side));
    for (const [side, request] of requests) this.busy[side] = Boolean(request);
    for (const [side, request] of requests) {
      if (request && !signal.aborted) await this.#fill(side, () => explain(this, request, signal), signal);
    }
  }

  stop(): void {
    this.#running?.abort();
    this.busy = forEachSide(false);
  }

  #drop(sides: Side[]): void {
    for (const side of sides) {
      this.ids[side] = "";
      this.failed[side] = "";
      this.found = { ...this.found, [side]: null };
    }
  }

  #question(side: Side): Question | null {
    const { answer, text, chosen } = this;
    if (!chosen) return null;
    if (side === "contrast") return answer.trim() && text ? { answer, selection: null, instead: text } : null;
    const selection = chosen[side];
    return selection ? { answer: side === "left" ? answer : text, selection, instead: null } : null;
  }

  #isFresh(side: Side): boolean {
    const [request, found] = [this.#question(side), this.found[side]];
    if (!request || !found) return !request && !found;
    const [start, end] = found.selection ?? [];
    const sameSelection = request.selection
      ? request.selection.start === start && request.selection.end === end
      : start === undefined;
    const sameQuestion = found.question === this.question && (found.system_prompt ?? "") === this.system;
    const sameTexts = found.answer === request.answer && (found.instead ?? null) === request.instead;
    return sameSelection && sameQuestion && sameTexts;
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
