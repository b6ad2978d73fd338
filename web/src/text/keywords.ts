/** The words that tell some texts from others: TF-IDF over the rows that are shown.
 *
 * weight(word) = tf × ln(1 + N / df): tf counts over the shown texts, df the texts of the whole, of N, that hold it.
 */

export type Keyword = { word: string; weight: number; rows: number[] };

const WORDS = /[\p{L}][\p{L}\p{N}'’-]+|\d[\d.,]*\d|\d+/gu;
const COMMON = new Set(
  (
    "a about after all also an and any are as at be because been before but by can could did do does for from had has have he her him " +
    "his how i if in into is it its just like made make many may me more most much my no not now of on one only or other our out over " +
    "she should so some such than that the their them then there these they this those through to too under up us was we were what " +
    "when where which while who whom whose why will with would you your"
  ).split(" "),
);

export const wordsOf = (text: string): string[] =>
  [...text.toLowerCase().matchAll(WORDS)]
    .map(([word]) => word)
    .filter((word) => word.length > 1 && !COMMON.has(word));

/** How many texts there are, and how many of them hold each word. */
export type Spread = { texts: number; holding: Map<string, number> };

export function spreadOf(whole: string[]): Spread {
  const holding = new Map<string, number>();
  for (const text of whole)
    for (const word of new Set(wordsOf(text))) holding.set(word, (holding.get(word) ?? 0) + 1);
  return { texts: whole.length, holding };
}

/** The `most` weightiest words of `shown`, each with the places of the shown texts that hold it. */
export function keywords(shown: string[], whole: Spread, most = 10): Keyword[] {
  const counts = new Map<string, { times: number; rows: Set<number> }>();
  shown.forEach((text, row) => {
    for (const word of wordsOf(text)) {
      const found = counts.get(word) ?? { times: 0, rows: new Set<number>() };
      found.times += 1;
      found.rows.add(row);
      counts.set(word, found);
    }
  });
  return [...counts]
    .map(([word, { times, rows }]) => ({
      word,
      weight: times * Math.log(1 + whole.texts / Math.max(1, whole.holding.get(word) ?? 1)),
      rows: [...rows],
    }))
    .sort((a, b) => b.weight - a.weight || a.word.localeCompare(b.word))
    .slice(0, most);
}
