import { expect, it } from "vitest";
import { formatOutcomes, readOutcomes, verdictOn, type Outcome } from "./outcomes";

it("survives a round trip through the address", () => {
  const outcomes: Outcome[] = [
    { watched: "attribution-1", measured: "attribution-2", own: "attribution-3", predicted: -41.25 },
    { watched: "attribution-4", measured: "attribution-5", own: "attribution-5", predicted: null },
  ];
  expect(readOutcomes(formatOutcomes(outcomes))).toEqual(outcomes);
  expect(readOutcomes("")).toEqual([]);
  expect(readOutcomes("half:of it")).toEqual([]);
});

it("describes how well an effect was predicted", () => {
  expect(verdictOn(-40, -38)).toBe("As predicted.");
  expect(verdictOn(-40, -12)).toBe("In the predicted direction, but less.");
  expect(verdictOn(-4, -12)).toBe("In the predicted direction, but more.");
  expect(verdictOn(-4, 3)).toBe("It changed in the opposite direction.");
  expect(verdictOn(0.1, -0.2)).toBe("As predicted: hardly any change.");
  expect(verdictOn(0, -9)).toBe("It changed, though little change was predicted.");
  expect(verdictOn(-9, 0.2)).toBe("It hardly changed, though more was predicted.");
});
