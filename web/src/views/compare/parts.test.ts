import { describe, expect, it } from "vitest";
import { cut, partsOf, wholeOf } from "./parts";
import { compared } from "./words";

const A = "🔥 The fire began in May with lasers.";
const B = "🔥 The fire began in June with dry grass.";

describe("parts", () => {
  it("span the words that differ, in code points", () => {
    const parts = partsOf(compared(A, B));
    expect(parts.map((part) => [cut(A, part.left), cut(B, part.right)])).toEqual([
      ["May", "June"],
      ["lasers", "dry grass"],
    ]);
    expect(parts.map((part) => [part.gone, part.added])).toEqual([
      ["May", "June"],
      ["lasers", "dry grass"],
    ]);
    expect(parts[0]?.left).toEqual({ start: 20, end: 23 });
  });

  it("have no side where words were only added or only deleted", () => {
    const [added] = partsOf(compared("a c", "a b c"));
    expect([added?.left, added?.right]).toEqual([null, { start: 2, end: 3 }]);
    const [gone] = partsOf(compared("a b c", "b c"));
    expect([gone?.left, gone?.right]).toEqual([{ start: 0, end: 1 }, null]);
  });

  it("join into one from the first to the last", () => {
    const whole = wholeOf(partsOf(compared(A, B)), A, B);
    expect(whole?.gone).toBe("May with lasers");
    expect(whole?.added).toBe("June with dry grass");
    expect(wholeOf([], A, A)).toBeNull();
  });

  it("count from the start of a text that begins with spaces", () => {
    const text = "  a b";
    const [part] = partsOf(compared(text, "a c"));
    expect(cut(text, part?.left ?? null)).toBe("b");
    expect(cut("a c", part?.right ?? null)).toBe("c");
  });
});
