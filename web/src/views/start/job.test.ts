import { describe, expect, it } from "vitest";
import { after, doing, shareOf, stepOf, type Happened, type Job } from "./job";

const job: Job = { id: "j", status: "queued", phase: null, place: 2, progress: null, seconds_left: null };
const told = (phase: string, step: number | null = null, total: number | null = null): Happened => ({
  object: "fine-tune-event",
  id: 1,
  created_at: "2026-01-01T00:00:00Z",
  loss: null,
  epoch: null,
  reward: null,
  step,
  total_steps: total,
  phase,
  message: "",
  level: "info",
  seconds_left: 7,
});

describe("a job as it goes on", () => {
  it("waits until something happens", () => {
    expect(doing(job)).toBe("Waits for its turn: number 2 in the queue");
    expect(shareOf(job)).toBeNull();
    expect(stepOf(job)).toBe(0);
  });

  it("gets further with each event, over both stages", () => {
    const tuned = after(job, told("fine-tuning", 50, 100));
    expect(tuned).toMatchObject({ status: "running", phase: "fine-tuning", progress: 0.5, seconds_left: 7 });
    expect(shareOf(tuned)).toBeCloseTo(0.35);
    const measured = after(tuned, told("gradients", 1, 2));
    expect(stepOf(measured)).toBe(2);
    expect(shareOf(measured)).toBeCloseTo(0.775);
    expect(shareOf(after(measured, told("completed")))).toBe(1);
  });

  it("keeps its place when an error is told", () => {
    const tuned = after(job, told("fine-tuning", 50, 100));
    expect(after(tuned, { ...told("train"), level: "error" })).toEqual(tuned);
  });
});
