/** The status of jobs and deployments, in words. */
import type { Deployment, Job } from "../../api/types";
import { duration, percent } from "../../text/numbers";

export type Tone = "plain" | "busy" | "good" | "bad";

const STAGES: Record<string, string> = {
  train: "Fine-tuning",
  index: "Indexing the pairs",
  evaluate: "Checking the index",
};

/** True until a job has ended. */
export const isOpen = (job: Pick<Job, "status">): boolean =>
  ["pending", "queued", "running"].includes(job.status);

export function toneOf(status: string): Tone {
  if (["completed", "Active", "Success"].includes(status)) return "good";
  if (["failed", "Failed"].includes(status)) return "bad";
  if (["running", "Pending", "Started"].includes(status)) return "busy";
  return "plain";
}

/** "Fine-tuning, 40 %, 2 min left in this step". */
export function statusOf(job: Job): string {
  if (job.status === "running") {
    const left = job.seconds_left === null ? [] : [`${duration(job.seconds_left)} left in this step`];
    const progress = job.progress === null ? [] : [percent(job.progress)];
    return [STAGES[job.phase ?? ""] ?? job.phase ?? "Starting", ...progress, ...left].join(", ");
  }
  if (isOpen(job)) return job.place === null ? "Queued" : `Queued, position ${job.place}`;
  return (
    { completed: "Completed", cancelled: "Cancelled", failed: "Failed" }[job.status as string] ?? job.status
  );
}

/** The step of a job: 0 queued, 1 fine-tuning, 2 indexing, 3 done. */
export function stepOf(job: Pick<Job, "status" | "phase">): number {
  if (job.status === "completed") return 3;
  if (job.status !== "running") return 0;
  return ["index", "evaluate"].includes(job.phase ?? "") ? 2 : 1;
}

/** The progress of a job over its two main steps, fine-tuning and indexing, each half of it; null if unknown. */
export function progressOf(job: Job): number | null {
  if (job.status === "completed") return 1;
  if (job.status !== "running" || job.progress === null) return null;
  return (stepOf(job) - 1 + job.progress) / 2;
}

export function deploymentStatus({ status }: Pick<Deployment, "status">): string {
  const words: Record<string, string> = {
    Success: "Active",
    Pending: "Loading",
    Started: "Loading",
    Failed: "Failed to load",
  };
  return words[status] ?? status;
}

/** True if a deployment accepts requests, at once or as soon as its model is loaded. */
export const isServing = ({ status }: Pick<Deployment, "status">): boolean =>
  ["Active", "Pending"].includes(status);

/** The name of a job: its own, else that of its base model. */
export const jobName = (job: Pick<Job, "experiment_name" | "model">): string =>
  job.experiment_name || job.model;
