import { expect, it } from "vitest";
import { readOutcomes, verdictOn, written, type Outcome } from "./outcomes";

it("goes into an address and comes back", () => {
  const outcomes: Outcome[] = [
    { watched: "attribution-1", measured: "attribution-2", own: "attribution-3", predicted: -41.25 },
    { watched: "attribution-4", measured: "attribution-5", own: "attribution-5", predicted: null },
  ];
  expect(readOutcomes(written(outcomes))).toEqual(outcomes);
  expect(readOutcomes("")).toEqual([]);
  expect(readOutcomes("half:of it")).toEqual([]);
});

it("says how well an effect was foretold", () => {
  expect(verdictOn(-40, -38)).toBe("As foretold.");
  expect(verdictOn(-40, -12)).toBe("The same way, but less than foretold.");
  expect(verdictOn(-4, -12)).toBe("The same way, and more than foretold.");
  expect(verdictOn(-4, 3)).toBe("It went the other way than foretold.");
  expect(verdictOn(0.1, -0.2)).toBe("As foretold: hardly any change.");
  expect(verdictOn(0, -9)).toBe("It changed, though little was foretold.");
  expect(verdictOn(-9, 0.2)).toBe("It hardly changed, though more was foretold.");
});
