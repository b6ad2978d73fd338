import { describe, expect, it } from "vitest";
import { matched } from "./marks";

describe("matching words", () => {
  const answer = "The Morwick lamp stands 181 centimetres tall.";

  it("keep the text whole", () => {
    const text = "How tall is the Morwick lamp, at full height?";
    expect(
      matched(text, answer)
        .map((stretch) => stretch.text)
        .join(""),
    ).toBe(text);
  });

  it("are marked, with the blank between two of them", () => {
    const marked = matched("a Morwick lamp of 12 kilos", answer).filter((stretch) => stretch.marked);
    expect(marked.map((stretch) => stretch.text)).toEqual(["Morwick lamp"]);
  });

  it("are not the words that say nothing", () => {
    expect(matched("the the the", answer).some((stretch) => stretch.marked)).toBe(false);
  });
});
