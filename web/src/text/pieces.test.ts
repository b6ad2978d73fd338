import { describe, expect, it } from "vitest";
import { cut, piecesOf, rangeFrom, rangeText, spanOf } from "./pieces";

describe("pieces of a text", () => {
  it("give the text when they are put together", () => {
    for (const text of ["The lamp is 181 cm, isn’t it?", "  two  blanks\n", "naïve 東京 🎈🎈 done", ""]) {
      expect(
        piecesOf(text)
          .map((piece) => piece.text)
          .join(""),
      ).toBe(text);
    }
  });

  it("count code points, not half characters", () => {
    const text = "🎈 red";
    const red = piecesOf(text).find((piece) => piece.text === "red");
    expect(red).toMatchObject({ start: 2, end: 5 });
    expect(cut(text, { start: 2, end: 5 })).toBe("red");
  });

  it("span either way", () => {
    const [a, , b] = piecesOf("one two");
    expect(spanOf(b!, a!)).toEqual({ start: 0, end: 7 });
  });
});

describe("a range in the address", () => {
  it("comes back as it was", () => {
    expect(rangeFrom(rangeText({ start: 3, end: 9 })!)).toEqual({ start: 3, end: 9 });
  });

  it("is nothing where it holds nothing", () => {
    for (const text of ["", "5-5", "9-3", "a-b", "-4-2"]) expect(rangeFrom(text)).toBeNull();
  });
});
