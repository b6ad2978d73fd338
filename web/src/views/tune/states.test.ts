import { describe, expect, it } from "vitest";
import { come, doing, goesOn, nameOf, toneOf, type Job } from "./states";

const job = (parts: Partial<Job>): Job =>
  ({ status: "running", phase: "train", progress: 0.4, seconds_left: 120, place: null, ...parts }) as Job;

describe("a job in words", () => {
  it("says what it does, how far it is and what is left", () => {
    expect(doing(job({}))).toBe("Fine-tuning, 40 %, 2 min left in this step");
    expect(doing(job({ phase: "index", progress: null, seconds_left: null }))).toBe("Measuring each pair");
    expect(doing(job({ status: "queued", place: 2 }))).toBe("Waiting, place 2 in the queue");
    expect(doing(job({ status: "cancelled" }))).toBe("Cancelled");
  });

  it("counts training and index as half each", () => {
    expect(come(job({}))).toBe(0.2);
    expect(come(job({ phase: "index", progress: 0.5 }))).toBe(0.75);
    expect(come(job({ status: "completed" }))).toBe(1);
    expect(come(job({ status: "queued", progress: null }))).toBeNull();
  });

  it("goes on until it has ended", () => {
    expect(goesOn({ status: "pending" })).toBe(true);
    expect(goesOn({ status: "failed" })).toBe(false);
    expect(toneOf("failed")).toBe("bad");
    expect(toneOf("Active")).toBe("good");
  });

  it("is called by its name, else by its model", () => {
    expect(nameOf({ experiment_name: "", model: "m" })).toBe("m");
    expect(nameOf({ experiment_name: "x", model: "m" })).toBe("x");
  });
});
