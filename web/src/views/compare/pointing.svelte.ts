/** What the pointer or the focus is on, a word or a bin, and which rows have it. */
import { exchangeOf, type Bin, type Influence } from "../ask/shapes";
import { wordsOf } from "../../text/keywords";

export class Pointing {
  word = $state("");
  bin = $state.raw<Bin | null>(null);

  /** Whether a row holds the word, or its score is in the bin. Bins are of the two sides, not of the contrast. */
  outlines(row: Influence, binned: boolean): boolean {
    if (this.word) return wordsOf(textOf(row)).includes(this.word);
    return binned && this.bin !== null && inBin(row.score, this.bin);
  }
}

export const inBin = (score: number, { lo, hi }: Bin): boolean => score >= lo && score < hi;

/** What a pair says, question and answer. */
export function textOf(row: Influence): string {
  const { question, answer } = exchangeOf(row);
  return `${question} ${answer}`;
}
