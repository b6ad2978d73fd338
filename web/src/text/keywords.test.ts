import { describe, expect, it } from "vitest";
import { keywords, spreadOf } from "./keywords";

describe("keywords", () => {
  const texts = ["the lamp is tall and the lamp is red", "the parcel is late", "a red parcel"];

  it("leave out words that say nothing", () => {
    expect(keywords(texts, spreadOf(texts)).map(({ word }) => word)).not.toContain("the");
  });

  it("put the word first that is frequent here and rare elsewhere", () => {
    expect(keywords([texts[0]!], spreadOf(texts))[0]).toMatchObject({ word: "lamp", rows: [0] });
  });

  it("weigh as the formula says", () => {
    const [lamp] = keywords([texts[0]!], spreadOf(texts));
    expect(lamp!.weight).toBeCloseTo(2 * Math.log(1 + 3 / 1), 12);
  });

  it("name every row that holds a word", () => {
    expect(keywords(texts, spreadOf(texts)).find(({ word }) => word === "red")!.rows).toEqual([0, 2]);
  });

  it("are none of nothing", () => {
    expect(keywords([], spreadOf([]))).toEqual([]);
  });
});
