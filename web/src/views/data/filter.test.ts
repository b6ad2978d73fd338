import { describe, expect, it } from "vitest";
import { matching, pieces } from "./filter";

describe("a search", () => {
  it("finds pairs by question or answer, ignoring case", () => {
    const pairs = [
      { question: "How tall is it?", answer: "118 cm" },
      { question: "Who?", answer: "The TALL one" },
      { question: "Why?", answer: "So" },
    ];
    expect(matching(pairs, " tall ")).toEqual(pairs.slice(0, 2));
    expect(matching(pairs, "")).toBe(pairs);
  });

  it("marks each match and loses no character", () => {
    const found = pieces("Lamp, lamp and lamps", "lamp");
    expect(found.filter((piece) => piece.marked).map((piece) => piece.text)).toEqual([
      "Lamp",
      "lamp",
      "lamp",
    ]);
    expect(found.map((piece) => piece.text).join("")).toBe("Lamp, lamp and lamps");
  });

  it("leaves a text unmarked if lower case changes its length", () => {
    expect(pieces("İstanbul", "stan")).toEqual([{ text: "İstanbul", marked: false }]);
  });
});
