/** The keyword or bin under the pointer or focus, and the rows that match it. */
import type { Influence } from "../../api/types";
import type { Bin } from "../../components/vega";
import { wordsOf } from "../../text/keywords";
import { inBin, textOf } from "../ask/exchange";

export class Pointing {
  word = $state("");
  bin = $state.raw<Bin | null>(null);

  /** True if a row contains the word or its score is in the bin. Bins apply to the two sides, not to the contrast. */
  outlines(row: Influence, binned: boolean): boolean {
    if (this.word) return wordsOf(textOf(row)).includes(this.word);
    return binned && this.bin !== null && inBin(row.score, this.bin);
  }
}
