/** The guided first look, in words. */

/** What each question of the demo shows, in the demo's order. */
export const STEPS_OF_LOOK = [
  "The same question in other words",
  "A wrong answer, and the pair that caused it",
  "An answer learned from three copies",
  "A question that the data says nothing about",
];

/** The line that a text speaks of: "The pair on line 61 is wrong on purpose". Lists of lines are not one line. */
export function lineIn(text: string): number | null {
  const found = /\bline (\d+)\b/.exec(text);
  return found ? Number(found[1]) : null;
}
