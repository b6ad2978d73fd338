import { expect, it } from "vitest";
import { isSimilar, wordDiff } from "./word-diff";

it("separates removed words from added ones", () => {
  const parts = wordDiff("It stands 181 cm tall", "It stands 118 cm tall");
  expect(parts.filter((part) => part.removed).map((part) => part.value)).toEqual(["181"]);
  expect(parts.filter((part) => part.added).map((part) => part.value)).toEqual(["118"]);
});

it("marks words only if at least half of the text stays", () => {
  expect(isSimilar("It stands 181 cm tall", "It stands 118 cm tall")).toBe(true);
  expect(isSimilar("It stands 181 cm tall", "Nothing is known about that")).toBe(false);
});
