import { describe, expect, it } from "vitest";
import {
  compared,
  inserted,
  removed,
  replaced,
  restored,
  reverted,
  secondOf,
  unitsOf,
  type Piece,
} from "./words";

const A = "The fire began with directed-energy weapons.";
const B = "The fire began with very dry weather.";
const shown = (pieces: Piece[]): string =>
  pieces.map((p) => ({ same: "", gone: "-", new: "+" })[p.kind] + p.word).join(" ");

describe("words", () => {
  it("keep the space before each, and punctuation separate", () => {
    expect(unitsOf("It's  so, yes. ")).toEqual([
      { gap: "", word: "It's" },
      { gap: "  ", word: "so" },
      { gap: "", word: "," },
      { gap: " ", word: "yes" },
      { gap: "", word: "." },
    ]);
  });

  it("come deleted before added", () => {
    expect(shown(compared(A, B))).toBe(
      "The fire began with -directed -- -energy -weapons +very +dry +weather .",
    );
  });

  it("give back the second text unchanged", () => {
    for (const [first, second] of [
      [A, B],
      ["a b", "a\n\nb  c"],
      ["", "new words"],
      ["old words", ""],
      ["日本語の答え", "日本の答え"],
      ["x", "x 👩‍🚒 y"],
    ] as const)
      expect(secondOf(compared(first, second))).toBe(second);
  });

  it("do not differ in spaces alone", () => {
    expect(compared("a b", " a   b ").every((piece) => piece.kind === "same")).toBe(true);
  });
});

describe("edits", () => {
  const start = compared("The fire began.", "The fire began.");

  it("delete words and restore them", () => {
    const without = removed(start, 0, 0);
    expect(secondOf(without)).toBe("fire began.");
    expect(secondOf(restored(without, 0, 0))).toBe("The fire began.");
  });

  it("replace words in their place", () => {
    const now = replaced(start, 1, 1, "wild fire");
    expect(secondOf(now)).toBe("The wild fire began.");
    expect(shown(now)).toBe("The -fire +wild +fire began .");
  });

  it("replace added words without leaving a trace", () => {
    const now = replaced(replaced(start, 1, 1, "smoke"), 2, 2, "ash");
    expect(shown(now)).toBe("The -fire +ash began .");
  });

  it("insert words after one, and at the start", () => {
    expect(secondOf(inserted(start, 1, "soon"))).toBe("The fire soon began.");
    expect(secondOf(inserted(start, -1, "Then"))).toBe("Then The fire began.");
  });

  it("revert one stretch and leave the others", () => {
    const two = replaced(replaced(start, 0, 0, "A"), 3, 3, "ended");
    expect(secondOf(two)).toBe("A fire ended.");
    expect(secondOf(reverted(two, 0, 1))).toBe("The fire ended.");
    expect(secondOf(reverted(two, 0, two.length - 1))).toBe("The fire began.");
  });
});
