/** The outcome of an experiment for a watched answer: three stored attributions and the prediction.
 *
 * In the address an outcome is `watched:measured:own:predicted`, so a copied address restores the comparison.
 */

export type Outcome = {
  /** The watched answer under the old model. */
  watched: string;
  /** The same text under the new model. */
  measured: string;
  /** The new model's own answer. */
  own: string;
  /** The predicted change of the log-probability, in nats. */
  predicted: number | null;
};

export function formatOutcomes(outcomes: readonly Outcome[]): string {
  return outcomes
    .map((one) => [one.watched, one.measured, one.own, one.predicted?.toFixed(3) ?? ""].join(":"))
    .join(",");
}

export function readOutcomes(text: string): Outcome[] {
  return text.split(",").flatMap((part) => {
    const [watched, measured, own, predicted] = part.split(":");
    if (!watched || !measured || !own) return [];
    const number = Number(predicted);
    return [{ watched, measured, own, predicted: predicted && Number.isFinite(number) ? number : null }];
  });
}

/** Nats by which two trainings on the same data differ. */
const SMALL = 1;

/** Describe how well an effect was predicted. A prediction of exactly 0 was too small to tell. */
export function verdictOn(predicted: number, actual: number): string {
  const little = Math.abs(actual) < SMALL;
  if (Math.abs(predicted) < SMALL) {
    return little ? "As predicted: hardly any change." : "It changed, though little change was predicted.";
  }
  if (little) return "It hardly changed, though more was predicted.";
  if (Math.sign(predicted) !== Math.sign(actual)) return "It changed in the opposite direction.";
  const ratio = actual / predicted;
  if (ratio > 0.67 && ratio < 1.5) return "As predicted.";
  return ratio >= 1.5 ? "In the predicted direction, but more." : "In the predicted direction, but less.";
}
