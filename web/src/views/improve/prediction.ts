/** The predicted effect of a change set on an answer, from the contributions of its pairs, before any training. */
import type { Attribution } from "../../api/types";
import { plural } from "../../text/numbers";
import type { Change } from "../../state/changes.svelte";
export type Effect = {
  /** Change of the answer's log-probability, in nats. */
  nats: number;
  /** Removed pairs that stand out for the answer. */
  counted: number;
  /** Removed pairs that do not. */
  small: number;
  /** Pairs with a new text, whose effect cannot be predicted. */
  edited: number;
  added: number;
};

/** The effect on one answer, or null if its scores predict none: they are not in nats, or of only a part of it. */
export function effectOn(answer: Attribution, changes: readonly Change[]): Effect | null {
  if (answer.unit !== "nats" || isPart(answer)) return null;
  const scores = new Map([...answer.results, ...answer.opposing].map((pair) => [pair.id, pair.score]));
  const effect: Effect = { nats: 0, counted: 0, small: 0, edited: 0, added: 0 };
  for (const change of changes) {
    if (change.kind === "add") {
      effect.added += 1;
      continue;
    }
    const score = scores.get(change.pair.id);
    if (change.kind === "edit") effect.edited += 1;
    if (score === undefined) effect.small += 1;
    else {
      effect.counted += 1;
      effect.nats -= score;
    }
  }
  return effect;
}

/** True if an attribution covers only a part of its answer, or is a contrast. */
export function isPart(answer: Attribution): boolean {
  return Boolean(answer.selection) || Boolean(answer.instead);
}

/** The changes that the predicted number leaves out, in words. */
export function reservations(effect: Effect): string[] {
  const notes: string[] = [];
  if (effect.small) notes.push(`${plural(effect.small, "pair")} with too small an effect`);
  if (effect.edited) notes.push(`the new text of ${plural(effect.edited, "edited pair")}`);
  if (effect.added) notes.push(plural(effect.added, "added pair"));
  return notes;
}
