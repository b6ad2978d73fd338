/** Filtering pairs, and marking the matches of a search in a text. */

export type Filter = "all" | "duplicates" | "suspected" | "changed";

const FILTERS: readonly string[] = ["all", "duplicates", "suspected", "changed"];

export const isFilter = (text: string): boolean => FILTERS.includes(text);

/** The pairs whose question or answer contains a text, ignoring case. */
export function matching<P extends { question: string; answer: string }>(pairs: P[], search: string): P[] {
  const needle = search.trim().toLowerCase();
  if (!needle) return pairs;
  return pairs.filter((pair) => `${pair.question}\n${pair.answer}`.toLowerCase().includes(needle));
}

export type Piece = { text: string; marked: boolean };
const LONGEST = 600;

/** Split a text at the matches of a search; a long text is cut to what a row can show. */
export function pieces(text: string, search: string): Piece[] {
  const seen = text.length > LONGEST ? text.slice(0, LONGEST) : text;
  const needle = search.toLowerCase();
  const low = seen.toLowerCase();
  if (!needle || low.length !== seen.length) return [{ text: seen, marked: false }];
  const found: Piece[] = [];
  let from = 0;
  for (let at = low.indexOf(needle); at >= 0; at = low.indexOf(needle, from)) {
    if (at > from) found.push({ text: seen.slice(from, at), marked: false });
    found.push({ text: seen.slice(at, at + needle.length), marked: true });
    from = at + needle.length;
  }
  if (from < seen.length) found.push({ text: seen.slice(from), marked: false });
  return found;
}
