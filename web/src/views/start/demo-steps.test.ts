import { expect, it } from "vitest";
import { lineIn } from "./demo-steps";

it("finds the single line that a text names", () => {
  expect(lineIn("The pair on line 61 is wrong on purpose: the lamp stands 118 centimetres tall.")).toBe(61);
  expect(lineIn("Lines 56, 90 and 131 are the same pair three times.")).toBeNull();
  expect(lineIn("No pair speaks of this.")).toBeNull();
});
