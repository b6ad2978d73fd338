/** A text and what it was made into, word by word. */
import { diffWordsWithSpace, type ChangeObject } from "diff";

const ENOUGH = 0.5;

export function rewriting(before: string, after: string): ChangeObject<string>[] {
  return diffWordsWithSpace(before, after);
}

/** Whether one text is the other with some words changed, so that marking them helps; else it is another text. */
export function isRewritten(before: string, after: string): boolean {
  const kept = rewriting(before, after).reduce(
    (sum, part) => sum + (part.added || part.removed ? 0 : part.value.trim().length),
    0,
  );
  return kept >= ENOUGH * Math.max(before.trim().length, after.trim().length);
}
