/** The findings of a run, reloaded while the service is still computing them. */
import type { RecurringPair, RunInsights } from "../../api/types";
import { distinct, insightsOf, recurring } from "./insights";

type Found = Pick<
  RunInsights,
  "suspects" | "duplicates" | "topics" | "contradictions" | "unsupported" | "evaluation"
>;
const AGAIN = 4000;
const NOTHING: Found = {
  suspects: [],
  duplicates: [],
  topics: [],
  contradictions: [],
  unsupported: [],
  evaluation: null,
};

export class RunFindings {
  state = $state<"loading" | "ready" | "computing" | "absent" | "failed">("loading");
  found = $state.raw<Found>(NOTHING);
  recurring = $state.raw<RecurringPair[]>([]);
  total = $state(0);
  error = $state("");
  recurringError = $state("");

  /** Load a run's findings; the returned function stops it. */
  follow(run: string): () => void {
    const stop = new AbortController();
    [this.state, this.found, this.recurring, this.total] = ["loading", NOTHING, [], 0];
    [this.error, this.recurringError] = ["", ""];
    void this.#loadFindings(run, stop.signal);
    void this.#loadRecurring(run, stop.signal);
    return () => stop.abort();
  }

  async #loadFindings(run: string, signal: AbortSignal): Promise<void> {
    try {
      const { state, ...found } = await insightsOf(run, signal);
      if (signal.aborted) return;
      [this.state, this.found] = [state, { ...NOTHING, ...found, unsupported: distinct(found.unsupported) }];
      if (state !== "computing") return;
      const timer = setTimeout(() => void this.#loadFindings(run, signal), AGAIN);
      signal.addEventListener("abort", () => clearTimeout(timer));
    } catch (cause) {
      if (!signal.aborted) [this.state, this.error] = ["failed", (cause as Error).message];
    }
  }

  async #loadRecurring(run: string, signal: AbortSignal): Promise<void> {
    try {
      const { rows, total } = await recurring(run, 50, signal);
      if (!signal.aborted) [this.recurring, this.total] = [rows, total];
    } catch (cause) {
      if (!signal.aborted) this.recurringError = (cause as Error).message;
    }
  }
}
