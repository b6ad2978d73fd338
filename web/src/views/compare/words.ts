/** Two texts compared by word (same, deleted, added), and edits of the second by word. */
import { diffArrays } from "diff";

/** A word (or a mark of punctuation) with the space before it: `gap` in the first text, `own` in the second. */
export type Piece = { kind: "same" | "gone" | "new"; word: string; gap: string; own: string };

type Unit = { gap: string; word: string };

const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });

/** The words of a text, each with the space before it. Trailing space is dropped. */
export function unitsOf(text: string): Unit[] {
  const units: Unit[] = [];
  let gap = "";
  for (const { segment } of segmenter.segment(text)) {
    if (segment.trim() === "") gap += segment;
    else {
      units.push({ gap, word: segment });
      gap = "";
    }
  }
  return units;
}

/** Compare two texts by word. Differences in spaces alone are ignored. */
export function compared(first: string, second: string): Piece[] {
  const [ours, theirs] = [unitsOf(first), unitsOf(second.trim())];
  const pieces: Piece[] = [];
  let [i, j] = [0, 0];
  for (const run of diffArrays(ours, theirs, { comparator: (a, b) => a.word === b.word })) {
    for (let step = 0; step < run.count; step += 1) {
      const [mine, yours] = [ours[i], theirs[j]];
      if (run.removed && mine) pieces.push({ kind: "gone", word: mine.word, gap: mine.gap, own: mine.gap });
      else if (run.added && yours)
        pieces.push({ kind: "new", word: yours.word, gap: yours.gap, own: yours.gap });
      else if (mine && yours) pieces.push({ kind: "same", word: mine.word, gap: mine.gap, own: yours.gap });
      if (!run.added) i += 1;
      if (!run.removed) j += 1;
    }
  }
  return ordered(pieces);
}

/** The second text. */
export function secondOf(pieces: Piece[]): string {
  const kept = pieces.filter((piece) => piece.kind !== "gone");
  return kept.map((piece, place) => (place ? piece.own : "") + piece.word).join("");
}

/** Delete words from the second text. Added words are removed entirely. */
export function removed(pieces: Piece[], from: number, to: number): Piece[] {
  const rest = pieces.filter((piece, place) => place < from || place > to || piece.kind !== "new");
  const hit = new Set(pieces.slice(from, to + 1));
  return ordered(rest.map((piece) => (hit.has(piece) ? { ...piece, kind: "gone" } : piece)));
}

/** Restore words of the first text. Added words stay. */
export function restored(pieces: Piece[], from: number, to: number): Piece[] {
  const back = (piece: Piece): Piece =>
    piece.kind === "gone" ? { ...piece, kind: "same", own: piece.gap } : piece;
  return ordered(pieces.map((piece, place) => (place >= from && place <= to ? back(piece) : piece)));
}

/** Replace words. */
export function replaced(pieces: Piece[], from: number, to: number, text: string): Piece[] {
  const gap = pieces[from]?.own ?? " ";
  const fresh = freshOf(text, gap);
  const before = removed(pieces.slice(0, to + 1), from, to);
  return ordered([...before, ...fresh, ...pieces.slice(to + 1)]);
}

/** Insert words after the piece at an index; -1 inserts them at the start. */
export function inserted(pieces: Piece[], after: number, text: string): Piece[] {
  const fresh = freshOf(text, after < 0 ? "" : " ");
  if (!fresh.length) return pieces;
  const rest = pieces.slice(after + 1).map((piece, place) => {
    return after < 0 && place === 0 && !piece.own ? { ...piece, own: " " } : piece;
  });
  return ordered([...pieces.slice(0, after + 1), ...fresh, ...rest]);
}

/** Revert a range of pieces to the first text. */
export function reverted(pieces: Piece[], from: number, to: number): Piece[] {
  const inside = (place: number): boolean => place >= from && place <= to;
  return restored(pieces, from, to).filter((piece) => piece.kind !== "new" || !inside(pieces.indexOf(piece)));
}

function freshOf(text: string, gap: string): Piece[] {
  return unitsOf(text.trim()).map((unit, place) => {
    const space = place ? unit.gap : gap;
    return { kind: "new", word: unit.word, gap: space, own: space };
  });
}

/** Order each stretch of changed words: deleted before added. */
function ordered(pieces: Piece[]): Piece[] {
  const result: Piece[] = [];
  let fresh: Piece[] = [];
  for (const piece of pieces) {
    if (piece.kind === "new") fresh.push(piece);
    else {
      if (piece.kind === "same") {
        result.push(...fresh);
        fresh = [];
      }
      result.push(piece);
    }
  }
  return [...result, ...fresh];
}
