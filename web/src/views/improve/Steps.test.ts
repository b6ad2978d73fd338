import { render } from "@testing-library/svelte";
import { expect, it } from "vitest";
import Steps from "./Steps.svelte";
import { Experiment } from "./experiment.svelte";
import { save, type SavedExperiment } from "./experiments";

const revisions = [{ file: "one", filename: "one.jsonl", exclude: ["a"], edit: [], add: [] }];
const base: SavedExperiment = {
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

function shown(parts: Partial<SavedExperiment>): string[] {
  save({ ...base, ...parts });
  const experiment = new Experiment();
  experiment.open("ft-1", null);
  const { container } = render(Steps, { experiment });
  return [...container.querySelectorAll(".name .hidden-label")].map((one) => one.textContent ?? "");
}

it("shows what is done, in progress and to do", () => {
  expect(shown({})).toEqual(["(done)", "(in progress)", "(to do)", "(to do)"]);
});

it("shows the remaining steps of a discarded experiment as not done", () => {
  expect(shown({ verdict: "thrown away" })).toEqual(["(done)", "(not done)", "(not done)", "(not done)"]);
});

it("shows an accepted experiment as done", () => {
  const outcomes = [{ watched: "a", measured: "m", own: "o", predicted: null }];
  const states = shown({ job: "ft-2", deployment: "d", outcomes, verdict: "accepted" });
  expect(states).toEqual(["(done)", "(done)", "(done)", "(done)"]);
});
