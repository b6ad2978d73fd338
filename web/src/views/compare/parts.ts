/** The parts in which two texts differ, with their characters in both. */
import type { Piece } from "./words";

/** A range of characters, end excluded, in Unicode code points, as the service counts them. */
export type Span = { start: number; end: number };

/** Pieces `from` to `to`, both included. A side without words of its own is null. */
export type Part = {
  from: number;
  to: number;
  gone: string;
  added: string;
  left: Span | null;
  right: Span | null;
};

const lengthOf = (text: string): number => [...text].length;

/** The stretches of changed words. */
export function partsOf(pieces: Piece[]): Part[] {
  const parts: Part[] = [];
  let open: Part | null = null;
  let [left, right, started] = [0, 0, false];
  pieces.forEach((piece, place) => {
    const ours = piece.kind !== "new";
    const theirs = piece.kind !== "gone";
    const own = started ? lengthOf(piece.own) : 0;
    const mine = { start: left + lengthOf(piece.gap), end: left + lengthOf(piece.gap + piece.word) };
    const yours = { start: right + own, end: right + own + lengthOf(piece.word) };
    if (piece.kind === "same") open = null;
    else {
      if (!open)
        parts.push((open = { from: place, to: place, gone: "", added: "", left: null, right: null }));
      open.to = place;
      if (ours) {
        open.gone += (open.left ? piece.gap : "") + piece.word;
        open.left = joined(open.left, mine);
      } else {
        open.added += (open.right ? piece.own : "") + piece.word;
        open.right = joined(open.right, yours);
      }
    }
    if (ours) left = mine.end;
    if (theirs) [right, started] = [yours.end, true];
  });
  return parts;
}

/** All parts as one, from the first to the last, with the unchanged words between them. */
export function wholeOf(parts: Part[], first: string, second: string): Part | null {
  const [start, end] = [parts[0], parts.at(-1)];
  if (!start || !end) return null;
  const left = parts.reduce<Span | null>((so, part) => joined(so, part.left), null);
  const right = parts.reduce<Span | null>((so, part) => joined(so, part.right), null);
  return { from: start.from, to: end.to, gone: cut(first, left), added: cut(second, right), left, right };
}

/** The characters of a span. */
export function cut(text: string, span: Span | null): string {
  return span ? [...text].slice(span.start, span.end).join("") : "";
}

function joined(one: Span | null, other: Span | null): Span | null {
  if (!one || !other) return one ?? other;
  return { start: Math.min(one.start, other.start), end: Math.max(one.end, other.end) };
}
