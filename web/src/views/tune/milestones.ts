/** The milestones among a job's events: all but the steps, and the latest step of each phase. */
import type { JobEvent } from "../../api/types";

export function milestones(events: JobEvent[]): JobEvent[] {
  return events.filter((event, place) => {
    if (event.step === null || event.level !== "info") return true;
    const next = events[place + 1];
    return next === undefined || next.phase !== event.phase || next.step === null;
  });
}
