/** Which pairs are shown, and the parts of a text that a search found. */

export type Filter = "all" | "duplicates" | "suspected" | "changed";

const FILTERS: readonly string[] = ["all", "duplicates", "suspected", "changed"];

export const isFilter = (text: string): boolean => FILTERS.includes(text);

/** The pairs whose question or answer holds a text, in whatever case. */
export function holding<P extends { question: string; answer: string }>(pairs: P[], search: string): P[] {
  const wanted = search.trim().toLowerCase();
  if (!wanted) return pairs;
  return pairs.filter((pair) => `${pair.question}\n${pair.answer}`.toLowerCase().includes(wanted));
}

export type Piece = { text: string; marked: boolean };
const LONGEST = 600;

/** A text cut where the search stands in it; a long one only as far as a row can show. */
export function pieces(text: string, search: string): Piece[] {
  const seen = text.length > LONGEST ? text.slice(0, LONGEST) : text;
  const wanted = search.toLowerCase();
  const low = seen.toLowerCase();
  if (!wanted || low.length !== seen.length) return [{ text: seen, marked: false }];
  const found: Piece[] = [];
  let from = 0;
  for (let at = low.indexOf(wanted); at >= 0; at = low.indexOf(wanted, from)) {
    if (at > from) found.push({ text: seen.slice(from, at), marked: false });
    found.push({ text: seen.slice(at, at + wanted.length), marked: true });
    from = at + wanted.length;
  }
  if (from < seen.length) found.push({ text: seen.slice(from), marked: false });
  return found;
}
