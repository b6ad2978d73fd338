/** A fine-tuning job as it goes on: which step it is at, how far that is, and how far the whole. */
import type { Shapes } from "../../api/client";

export type Happened = Shapes["FineTuneEvent"];
export type Job = Pick<Shapes["FineTune"], "id" | "status" | "phase" | "place" | "progress" | "seconds_left">;

const OPEN = new Set(["pending", "queued", "running"]);
/** What belongs to which step, and from where to where it leads in the bar over the whole: about as long as it takes. */
const PARTS: Record<string, { step: 1 | 2; from: number; to: number }> = {
  generate: { step: 1, from: 0, to: 0.1 },
  train: { step: 1, from: 0.1, to: 0.6 },
  "fine-tuning": { step: 1, from: 0.1, to: 0.6 },
  index: { step: 2, from: 0.6, to: 0.95 },
  gradients: { step: 2, from: 0.6, to: 0.95 },
  null: { step: 2, from: 0.95, to: 1 },
};

export const goesOn = (status: string): boolean => OPEN.has(status);

/** The job after one more of its events. */
export function after<J extends Job>(job: J, told: Happened): J {
  if (told.phase === "completed")
    return { ...job, status: "completed", phase: null, progress: 1, seconds_left: null };
  if (!PARTS[told.phase] || told.level !== "info") return job;
  const moved = told.step !== null && told.total_steps ? told.step / told.total_steps : 0;
  return { ...job, status: "running", phase: told.phase, progress: moved, seconds_left: told.seconds_left };
}

/** Which step it is at: 0 waiting, 1 fine-tuning, 2 measuring, 3 done. */
export function stepOf(job: Job): number {
  if (job.status === "completed") return 3;
  if (job.status === "pending" || job.status === "queued") return 0;
  return PARTS[job.phase ?? "train"]?.step ?? 1;
}

/** How far the whole has come, 0 to 1; null while it waits. */
export function shareOf(job: Job): number | null {
  if (job.status === "completed") return 1;
  const part = PARTS[job.phase ?? "train"];
  if (job.status !== "running" || !part) return null;
  return part.from + (part.to - part.from) * Math.min(1, Math.max(0, job.progress ?? 0));
}

/** What is being done, in words. */
export function doing(job: Job): string {
  switch (job.status) {
    case "pending":
    case "queued":
      return job.place ? `Waits for its turn: number ${job.place} in the queue` : "Waits for its turn";
    case "running":
      return stepOf(job) === 2 ? "Measures each pair once" : "Fine-tunes on the pairs";
    case "completed":
      return "Completed";
    case "failed":
      return "Failed";
    case "cancelled":
      return "Cancelled";
    default:
      return job.status;
  }
}
