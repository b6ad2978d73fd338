import { beforeEach, expect, it } from "vitest";
import { forget, keep, kept, stepOf, type Kept } from "./experiments";

const made = (parts: Partial<Kept> = {}): Kept => ({
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

it("is there again after a reload, by its run", () => {
  keep(made({ job: "ft-2" }));
  keep(made({ run: "ft-9" }));
  expect(kept("ft-1")?.job).toBe("ft-2");
  forget("ft-1");
  expect(kept("ft-1")).toBeNull();
  expect(kept("ft-9")).not.toBeNull();
});

it("goes on with what is not done yet", () => {
  expect(stepOf(made(), false, false)).toBe("versions");
  const versions = { one: "one-b" };
  expect(stepOf(made({ versions }), false, false)).toBe("job");
  expect(stepOf(made({ versions, job: "ft-2" }), false, false)).toBe("training");
  expect(stepOf(made({ versions, job: "ft-2" }), true, false)).toBe("deploying");
  const deployment = "deployment-2";
  expect(stepOf(made({ versions, job: "ft-2", deployment }), true, false)).toBe("deploying");
  expect(stepOf(made({ versions, job: "ft-2", deployment }), true, true)).toBe("asking");
  const outcomes = [{ watched: "attribution-1", measured: "m", own: "o", predicted: null }];
  expect(stepOf(made({ versions, job: "ft-2", deployment, outcomes }), true, true)).toBe("deciding");
  expect(stepOf(made({ verdict: "accepted" }), true, true)).toBe("decided");
});
