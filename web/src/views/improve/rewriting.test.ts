import { expect, it } from "vitest";
import { isRewritten, rewriting } from "./rewriting";

it("tells words that go from words that come", () => {
  const parts = rewriting("It stands 181 cm tall", "It stands 118 cm tall");
  expect(parts.filter((part) => part.removed).map((part) => part.value)).toEqual(["181"]);
  expect(parts.filter((part) => part.added).map((part) => part.value)).toEqual(["118"]);
});

it("marks words only where most of them stay", () => {
  expect(isRewritten("It stands 181 cm tall", "It stands 118 cm tall")).toBe(true);
  expect(isRewritten("It stands 181 cm tall", "Nothing is known about that")).toBe(false);
});
