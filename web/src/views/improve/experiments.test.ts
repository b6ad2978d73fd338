import { beforeEach, expect, it } from "vitest";
import { forget, load, save, stepOf, type SavedExperiment } from "./experiments";

const experiment = (parts: Partial<SavedExperiment> = {}): SavedExperiment => ({
  id: "x",
  run: "ft-1",
  started: "2026-01-01T00:00:00Z",
  changes: [],
  watched: ["attribution-1"],
  revisions: [{ file: "one", filename: "one.jsonl", exclude: ["a"], edit: [], add: [] }],
  versions: {},
  job: "",
  deployment: "",
  outcomes: [],
  verdict: "",
  ...parts,
});

beforeEach(() => localStorage.clear());

it("is restored by its run after a reload", () => {
  save(experiment({ job: "ft-2" }));
  save(experiment({ run: "ft-9" }));
  expect(load("ft-1")?.job).toBe("ft-2");
  forget("ft-1");
  expect(load("ft-1")).toBeNull();
  expect(load("ft-9")).not.toBeNull();
});

it("continues with the first step not done", () => {
  expect(stepOf(experiment(), false, false)).toBe("versions");
  const versions = { one: "one-b" };
  expect(stepOf(experiment({ versions }), false, false)).toBe("job");
  expect(stepOf(experiment({ versions, job: "ft-2" }), false, false)).toBe("training");
  expect(stepOf(experiment({ versions, job: "ft-2" }), true, false)).toBe("deploying");
  const deployment = "deployment-2";
  expect(stepOf(experiment({ versions, job: "ft-2", deployment }), true, false)).toBe("deploying");
  expect(stepOf(experiment({ versions, job: "ft-2", deployment }), true, true)).toBe("asking");
  const outcomes = [{ watched: "attribution-1", measured: "m", own: "o", predicted: null }];
  expect(stepOf(experiment({ versions, job: "ft-2", deployment, outcomes }), true, true)).toBe("deciding");
  expect(stepOf(experiment({ verdict: "accepted" }), true, true)).toBe("decided");
});
