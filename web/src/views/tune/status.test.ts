import { describe, expect, it } from "vitest";
import type { Job } from "../../api/types";
import { isOpen, jobName, progressOf, statusOf, stepOf, toneOf } from "./status";

const job = (parts: Partial<Job>): Job =>
  ({ status: "running", phase: "train", progress: 0.4, seconds_left: 120, place: null, ...parts }) as Job;

describe("a job's status", () => {
  it("names the stage, the progress and the time left", () => {
    expect(statusOf(job({}))).toBe("Fine-tuning, 40 %, 2 min left in this step");
    expect(statusOf(job({ phase: "index", progress: null, seconds_left: null }))).toBe("Indexing the pairs");
    expect(statusOf(job({ status: "queued", place: 2 }))).toBe("Queued, position 2");
    expect(statusOf(job({ status: "cancelled" }))).toBe("Cancelled");
  });

  it("counts training and indexing as half each", () => {
    expect(progressOf(job({}))).toBe(0.2);
    expect(progressOf(job({ phase: "index", progress: 0.5 }))).toBe(0.75);
    expect(progressOf(job({ status: "completed" }))).toBe(1);
    expect(progressOf(job({ status: "queued", progress: null }))).toBeNull();
  });

  it("has steps from the queue to the end", () => {
    const jobs = [job({ status: "queued" }), job({}), job({ phase: "index" }), job({ status: "completed" })];
    expect(jobs.map(stepOf)).toEqual([0, 1, 2, 3]);
    expect(stepOf(job({ phase: "evaluate" }))).toBe(2);
  });

  it("is open until the job has ended", () => {
    expect(isOpen({ status: "pending" })).toBe(true);
    expect(isOpen({ status: "failed" })).toBe(false);
    expect(toneOf("failed")).toBe("bad");
    expect(toneOf("Active")).toBe("good");
  });
});

it("a job is called by its name, else by its model", () => {
  expect(jobName({ experiment_name: "", model: "m" })).toBe("m");
  expect(jobName({ experiment_name: "x", model: "m" })).toBe("x");
});
