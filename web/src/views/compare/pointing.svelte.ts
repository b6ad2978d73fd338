/** What the pointer or the focus is on, a word or a bin, and which rows have it. */
import type { Bin } from "../../parts/vega";
import type { Attribution } from "./comparison.svelte";
import { wordsOf } from "../../words/keywords";

export type Row = Attribution["results"][number];

export class Pointing {
  word = $state("");
  bin = $state.raw<Bin | null>(null);

  /** Whether a row holds the word, or its score is in the bin. Bins are of the two sides, not of the contrast. */
  outlines(row: Row, binned: boolean): boolean {
    if (this.word) return wordsOf(textOf(row)).includes(this.word);
    return binned && this.bin !== null && inBin(row.score, this.bin);
  }
}

export const inBin = (score: number, { lo, hi }: Bin): boolean => score >= lo && score < hi;

/** What a pair says, question and answer. */
export function textOf(row: Pick<Row, "conversation">): string {
  return row.conversation.map((turn) => turn.content).join("\n");
}

/** The last question of a pair and the answer to it. */
export function sayingOf(row: Pick<Row, "conversation">): { question: string; answer: string } {
  const last = (role: string): string =>
    row.conversation.findLast((turn) => turn.role === role)?.content ?? "";
  return { question: last("user"), answer: last("assistant") };
}
