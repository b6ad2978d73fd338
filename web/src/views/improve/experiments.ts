/** Experiments as this browser keeps them: one for each run, so that a reload goes on where it was. */
import type { Change } from "../../state/changes.svelte";
import type { Outcome } from "./outcomes";
import type { Revision } from "./plan";

export type Verdict = "" | "accepted" | "thrown away";
export type Kept = {
  /** Makes each request of the experiment one that can be repeated without being done twice. */
  id: string;
  run: string;
  started: string;
  changes: Change[];
  watched: string[];
  revisions: Revision[];
  /** New versions by the id of the file they come from. */
  versions: Record<string, string>;
  job: string;
  deployment: string;
  outcomes: Outcome[];
  verdict: Verdict;
};
export type Step = "versions" | "job" | "training" | "deploying" | "asking" | "deciding" | "decided";

const NAME = "whence-experiments";

export function kept(run: string): Kept | null {
  return all()[run] ?? null;
}

export function keep(experiment: Kept): void {
  localStorage.setItem(NAME, JSON.stringify({ ...all(), [experiment.run]: experiment }));
}

export function forget(run: string): void {
  const rest = all();
  delete rest[run];
  localStorage.setItem(NAME, JSON.stringify(rest));
}

function all(): Record<string, Kept> {
  try {
    return JSON.parse(localStorage.getItem(NAME) ?? "{}") as Record<string, Kept>;
  } catch {
    return {};
  }
}

/** What is to be done next; `trained` says whether the job is completed, `answers` whether its model is in memory. */
export function stepOf(experiment: Kept, trained: boolean, answers: boolean): Step {
  if (experiment.verdict) return "decided";
  if (experiment.revisions.some((one) => !experiment.versions[one.file])) return "versions";
  if (!experiment.job) return "job";
  if (experiment.deployment && answers) {
    return experiment.outcomes.length < experiment.watched.length ? "asking" : "deciding";
  }
  return trained ? "deploying" : "training";
}
