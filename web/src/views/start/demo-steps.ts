/** The steps of the guided tour: what each question of the demo shows, in the demo's order. */
export const STEPS = [
  "The same question in other words",
  "A wrong answer, and the pair that caused it",
  "An answer learned from three copies",
  "A question that the data does not cover",
];

/** The line that a text names, "The pair on line 61 is wrong on purpose"; null if it lists several. */
export function lineIn(text: string): number | null {
  const found = /\bline (\d+)\b/.exec(text);
  return found ? Number(found[1]) : null;
}
