import { describe, expect, it } from "vitest";
import { holding, pieces } from "./shown";

describe("what a search finds", () => {
  it("finds pairs by question or answer in any case", () => {
    const pairs = [
      { question: "How tall is it?", answer: "118 cm" },
      { question: "Who?", answer: "The TALL one" },
      { question: "Why?", answer: "So" },
    ];
    expect(holding(pairs, " tall ")).toEqual(pairs.slice(0, 2));
    expect(holding(pairs, "")).toBe(pairs);
  });

  it("marks each place and loses no character", () => {
    const found = pieces("Lamp, lamp and lamps", "lamp");
    expect(found.filter((piece) => piece.marked).map((piece) => piece.text)).toEqual([
      "Lamp",
      "lamp",
      "lamp",
    ]);
    expect(found.map((piece) => piece.text).join("")).toBe("Lamp, lamp and lamps");
  });

  it("leaves a text whole whose letters change their number in lower case", () => {
    expect(pieces("İstanbul", "stan")).toEqual([{ text: "İstanbul", marked: false }]);
  });
});
