/** The difference between two versions of a text, by word. */
import { diffWordsWithSpace, type ChangeObject } from "diff";

const ENOUGH = 0.5;

export function wordDiff(before: string, after: string): ChangeObject<string>[] {
  return diffWordsWithSpace(before, after);
}

/** True if two texts share at least half of their words, so that marking the difference helps. */
export function isSimilar(before: string, after: string): boolean {
  const kept = wordDiff(before, after).reduce(
    (sum, part) => sum + (part.added || part.removed ? 0 : part.value.trim().length),
    0,
  );
  return kept >= ENOUGH * Math.max(before.trim().length, after.trim().length);
}
