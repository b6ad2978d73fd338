import { expect, it } from "vitest";
import { lineIn } from "./look";

it("finds the one line that a text speaks of", () => {
  expect(lineIn("The pair on line 61 is wrong on purpose: the lamp stands 118 centimetres tall.")).toBe(61);
  expect(lineIn("Lines 56, 90 and 131 are the same pair three times.")).toBeNull();
  expect(lineIn("No pair speaks of this.")).toBeNull();
});
