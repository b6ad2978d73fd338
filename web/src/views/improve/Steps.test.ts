import { render } from "@testing-library/svelte";
import { expect, it } from "vitest";
import Steps from "./Steps.svelte";
import { Experiment } from "./experiment.svelte";
import { keep, type Kept } from "./experiments";

const revisions = [{ file: "one", filename: "one.jsonl", exclude: ["a"], edit: [], add: [] }];
const kept: Kept = {
  id: "x",
  run: "ft-1",
  started: "",
  changes: [],
  watched: ["a"],
  revisions,
  versions: { one: "one-b" },
  job: "",
  deployment: "",
  outcomes: [],
  verdict: "",
};

function shown(parts: Partial<Kept>): string[] {
  keep({ ...kept, ...parts });
  const experiment = new Experiment();
  experiment.open("ft-1", null);
  const { container } = render(Steps, { experiment });
  return [...container.querySelectorAll(".name .hidden-label")].map((one) => one.textContent ?? "");
}

it("says what is done, what goes on and what is to come", () => {
  expect(shown({})).toEqual(["(done)", "(going on)", "(to come)", "(to come)"]);
});

it("claims nothing of an experiment that was thrown away on its way", () => {
  expect(shown({ verdict: "thrown away" })).toEqual(["(done)", "(not done)", "(not done)", "(not done)"]);
});

it("shows an accepted one as done", () => {
  const outcomes = [{ watched: "a", measured: "m", own: "o", predicted: null }];
  const states = shown({ job: "ft-2", deployment: "d", outcomes, verdict: "accepted" });
  expect(states).toEqual(["(done)", "(done)", "(done)", "(done)"]);
});
