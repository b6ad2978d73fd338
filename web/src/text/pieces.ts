/** An answer in pieces that can be pointed at. Places are counted in Unicode code points, as the service counts them. */

export type Piece = { text: string; start: number; end: number; word: boolean };
export type Range = { start: number; end: number };

const PIECES = /\s+|[\p{L}\p{N}][\p{L}\p{N}\p{M}'’_-]*|./gsu;

/** Words, single signs, and the blanks between them, in order; together they are the text. */
export function piecesOf(text: string): Piece[] {
  let start = 0;
  return [...text.matchAll(PIECES)].map(([piece]) => {
    const end = start + [...piece].length;
    const made = { text: piece, start, end, word: /\S/u.test(piece) };
    start = end;
    return made;
  });
}

/** The part of a text from one code point to before another. */
export function cut(text: string, range: Range): string {
  return [...text].slice(range.start, range.end).join("");
}

/** The smallest range over two pieces. */
export function spanOf(one: Piece, other: Piece): Range {
  return { start: Math.min(one.start, other.start), end: Math.max(one.end, other.end) };
}

export const within = (piece: Piece, range: Range | null): boolean =>
  range !== null && piece.start >= range.start && piece.end <= range.end;

/** `12-20` as the address has it. */
export const rangeText = (range: Range | null): string | null =>
  range ? `${range.start}-${range.end}` : null;

export function rangeFrom(text: string): Range | null {
  const found = /^(\d+)-(\d+)$/.exec(text);
  if (!found) return null;
  const range = { start: Number(found[1]), end: Number(found[2]) };
  return range.start < range.end ? range : null;
}
