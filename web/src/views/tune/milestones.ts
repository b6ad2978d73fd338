/** The events of a job that a person wants to see: what is no mere step, and the latest step of each phase. */
import type { JobEvent } from "./follow.svelte";

export function milestones(events: JobEvent[]): JobEvent[] {
  return events.filter((event, place) => {
    if (event.step === null || event.level !== "info") return true;
    const next = events[place + 1];
    return next === undefined || next.phase !== event.phase || next.step === null;
  });
}
