/** Experiments saved in this browser, one per run, so that they continue after a reload. */
import type { Change } from "../../state/changes.svelte";
import type { Outcome } from "./outcomes";
import type { Revision } from "./plan";

export type Verdict = "" | "accepted" | "thrown away";
export type SavedExperiment = {
  /** Part of the idempotency key of each request. */
  id: string;
  run: string;
  started: string;
  changes: Change[];
  watched: string[];
  revisions: Revision[];
  /** The new versions by the id of the original file. */
  versions: Record<string, string>;
  job: string;
  deployment: string;
  outcomes: Outcome[];
  verdict: Verdict;
};
export type Step = "versions" | "job" | "training" | "deploying" | "asking" | "deciding" | "decided";

const NAME = "whence-experiments";

export function load(run: string): SavedExperiment | null {
  return all()[run] ?? null;
}

export function save(experiment: SavedExperiment): void {
  localStorage.setItem(NAME, JSON.stringify({ ...all(), [experiment.run]: experiment }));
}

export function forget(run: string): void {
  const rest = all();
  delete rest[run];
  localStorage.setItem(NAME, JSON.stringify(rest));
}

function all(): Record<string, SavedExperiment> {
  try {
    return JSON.parse(localStorage.getItem(NAME) ?? "{}") as Record<string, SavedExperiment>;
  } catch {
    return {};
  }
}

/** The next step; `trained` is true if the job is completed, `answers` if its model is loaded. */
export function stepOf(experiment: SavedExperiment, trained: boolean, answers: boolean): Step {
  if (experiment.verdict) return "decided";
  if (experiment.revisions.some((one) => !experiment.versions[one.file])) return "versions";
  if (!experiment.job) return "job";
  if (experiment.deployment && answers) {
    return experiment.outcomes.length < experiment.watched.length ? "asking" : "deciding";
  }
  return trained ? "deploying" : "training";
}
