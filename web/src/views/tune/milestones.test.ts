import type { JobEvent } from "../../api/types";
import { expect, it } from "vitest";
import { milestones } from "./milestones";

const event = (phase: string, step: number | null, level = "info"): JobEvent =>
  ({ phase, step, level }) as JobEvent;

it("keeps warnings, events other than steps, and the last step of each phase", () => {
  const events = [
    event("queued", null),
    event("fine-tuning", 1),
    event("fine-tuning", 2, "warning"),
    event("fine-tuning", 3),
    event("gradients", 1),
    event("gradients", 2),
  ];
  expect(milestones(events)).toEqual([events[0], events[2], events[3], events[5]]);
});
