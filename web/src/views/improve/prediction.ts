/** What the change set should do to an answer: told by what its pairs contributed to it, before anything is trained. */
import type { Shapes } from "../../api/client";
import type { Change } from "../../state/changes.svelte";

export type Attribution = Shapes["AttributionAnswer"];
export type Effect = {
  /** Change of the answer's log-probability, in nats. */
  nats: number;
  /** Pairs that the answer rests on and that are taken away. */
  told: number;
  /** Pairs that are taken away and are too small to tell. */
  small: number;
  /** Pairs whose new text comes in; what it does cannot be told. */
  edited: number;
  added: number;
};

/** The effect on one answer, or null where its scores do not foretell: no nats, or a part of an answer only. */
export function effectOn(answer: Attribution, changes: readonly Change[]): Effect | null {
  if (answer.unit !== "nats" || isPart(answer)) return null;
  const scores = new Map([...answer.results, ...answer.opposing].map((pair) => [pair.id, pair.score]));
  const effect: Effect = { nats: 0, told: 0, small: 0, edited: 0, added: 0 };
  for (const change of changes) {
    if (change.kind === "add") {
      effect.added += 1;
      continue;
    }
    const score = scores.get(change.pair.id);
    if (change.kind === "edit") effect.edited += 1;
    if (score === undefined) effect.small += 1;
    else {
      effect.told += 1;
      effect.nats -= score;
    }
  }
  return effect;
}

/** Whether an attribution speaks of a part of its answer, or of a comparison, rather than of the whole. */
export function isPart(answer: Attribution): boolean {
  return Boolean(answer.selection) || Boolean(answer.instead);
}

/** What stands beside the number: which of the changes it leaves out. */
export function reservations(effect: Effect): string[] {
  const notes: string[] = [];
  const pairs = (count: number): string => (count === 1 ? "1 pair" : `${count} pairs`);
  if (effect.small) notes.push(`${pairs(effect.small)} too small to tell`);
  if (effect.edited)
    notes.push(`of ${pairs(effect.edited)} edited, only the removal of the old text is told`);
  if (effect.added) notes.push(`what ${pairs(effect.added)} added will do cannot be told`);
  return notes;
}
