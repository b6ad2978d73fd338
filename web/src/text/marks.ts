/** Where a pair says what the answer says: the words that both hold, as marked and unmarked stretches of the pair's text. */
import { piecesOf } from "./pieces";
import { wordsOf } from "./keywords";

export type Stretch = { text: string; marked: boolean };

/** `text` in stretches; marked are the words of `other` that say something, with the blanks between two of them. */
export function matched(text: string, other: string): Stretch[] {
  const known = new Set(wordsOf(other));
  const pieces = piecesOf(text);
  const hit = pieces.map((piece) => piece.word && known.has(piece.text.toLowerCase()));
  const on = pieces.map(
    (piece, at) => hit[at] || (!piece.word && Boolean(hit[at - 1]) && Boolean(hit[at + 1])),
  );
  const stretches: Stretch[] = [];
  pieces.forEach((piece, at) => {
    const last = stretches[stretches.length - 1];
    const marked = Boolean(on[at]);
    if (last && last.marked === marked) last.text += piece.text;
    else stretches.push({ text: piece.text, marked });
  });
  return stretches;
}
