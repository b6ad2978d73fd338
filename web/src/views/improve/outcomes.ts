/** What came of an experiment for each watched answer: three kept attributions, and what was foretold.
 *
 * In the address an outcome is `watched:measured:own:predicted`, so that a copied address brings the comparison back.
 */

export type Outcome = {
  /** The watched answer under the old model. */
  watched: string;
  /** The same text under the new model. */
  measured: string;
  /** The new model's own answer. */
  own: string;
  /** Change of the log-probability that was foretold, in nats. */
  predicted: number | null;
};

export function written(outcomes: readonly Outcome[]): string {
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

/** Nats that no one should read anything into: two trainings on the same data differ by as much. */
const SMALL = 1;

/** How well an effect was foretold, in words. A prediction of exactly 0 is one that was too small to tell. */
export function verdictOn(predicted: number, actual: number): string {
  const little = Math.abs(actual) < SMALL;
  if (Math.abs(predicted) < SMALL) {
    return little ? "As foretold: hardly any change." : "It changed, though little was foretold.";
  }
  if (little) return "It hardly changed, though more was foretold.";
  if (Math.sign(predicted) !== Math.sign(actual)) return "It went the other way than foretold.";
  const ratio = actual / predicted;
  if (ratio > 0.67 && ratio < 1.5) return "As foretold.";
  return ratio >= 1.5 ? "The same way, and more than foretold." : "The same way, but less than foretold.";
}
