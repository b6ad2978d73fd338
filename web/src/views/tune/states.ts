/** What a job or a deployment does, in words. */
import type { Shapes } from "../../api/client";
import { duration, percent } from "../../text/numbers";

export type Job = Shapes["FineTune"];
export type Deployment = Shapes["DeploymentAnswer"];
export type Tone = "plain" | "busy" | "good" | "bad";

const STAGES: Record<string, string> = {
  train: "Fine-tuning",
  index: "Measuring each pair",
  evaluate: "Checking the index",
};

/** Whether a job goes on. */
export const goesOn = (job: Pick<Job, "status">): boolean =>
  ["pending", "queued", "running"].includes(job.status);

export function toneOf(status: string): Tone {
  if (["completed", "Active", "Success"].includes(status)) return "good";
  if (["failed", "Failed"].includes(status)) return "bad";
  if (["running", "Pending", "Started"].includes(status)) return "busy";
  return "plain";
}

/** "Fine-tuning, 40 %, 2 min left". */
export function doing(job: Job): string {
  if (job.status === "running") {
    const left = job.seconds_left === null ? [] : [`${duration(job.seconds_left)} left in this step`];
    const come = job.progress === null ? [] : [percent(job.progress)];
    return [STAGES[job.phase ?? ""] ?? job.phase ?? "Starting", ...come, ...left].join(", ");
  }
  if (goesOn(job)) return job.place === null ? "Waiting" : `Waiting, place ${job.place} in the queue`;
  return (
    { completed: "Completed", cancelled: "Cancelled", failed: "Failed" }[job.status as string] ?? job.status
  );
}

/** How far a job has come over its two stages, training and index, each half of it. */
export function come(job: Job): number | null {
  if (job.status === "completed") return 1;
  if (job.status !== "running" || job.progress === null) return null;
  return job.phase === "train" ? job.progress / 2 : 0.5 + job.progress / 2;
}

export function deploymentWords(deployment: Pick<Deployment, "status">): string {
  const words: Record<string, string> = {
    Active: "Answers",
    Pending: "Is being loaded",
    Inactive: "Does not answer",
    Failed: "Could not be loaded",
  };
  return words[deployment.status] ?? deployment.status;
}

/** Whether requests to a deployment are answered, at once or as soon as its model is loaded. */
export const answers = ({ status }: Pick<Deployment, "status">): boolean =>
  ["Active", "Pending"].includes(status);

/** What a job is called: the name it was given, else its base model. */
export const nameOf = (job: Pick<Job, "experiment_name" | "model">): string =>
  job.experiment_name || job.model;
