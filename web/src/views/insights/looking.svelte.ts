/** The findings of a run as they are fetched, and again while the service still looks for them. */
import { distinct, insightsOf, recurring, type Found, type Recurring } from "./insights";

type Kept = Pick<
  Found,
  "suspects" | "duplicates" | "topics" | "contradictions" | "unsupported" | "evaluation"
>;
const AGAIN = 4000;
const NOTHING: Kept = {
  suspects: [],
  duplicates: [],
  topics: [],
  contradictions: [],
  unsupported: [],
  evaluation: null,
};

export class Looking {
  state = $state<"loading" | "ready" | "computing" | "absent" | "failed">("loading");
  found = $state.raw<Kept>(NOTHING);
  recurring = $state.raw<Recurring[]>([]);
  total = $state(0);
  trouble = $state("");
  recurringTrouble = $state("");

  /** Fetch a run's findings; what is given back stops it. */
  follow(run: string): () => void {
    const stop = new AbortController();
    [this.state, this.found, this.recurring, this.total] = ["loading", NOTHING, [], 0];
    [this.trouble, this.recurringTrouble] = ["", ""];
    void this.#look(run, stop.signal);
    void this.#recur(run, stop.signal);
    return () => stop.abort();
  }

  async #look(run: string, signal: AbortSignal): Promise<void> {
    try {
      const { state, ...found } = await insightsOf(run, signal);
      if (signal.aborted) return;
      [this.state, this.found] = [state, { ...NOTHING, ...found, unsupported: distinct(found.unsupported) }];
      if (state !== "computing") return;
      const timer = setTimeout(() => void this.#look(run, signal), AGAIN);
      signal.addEventListener("abort", () => clearTimeout(timer));
    } catch (cause) {
      if (!signal.aborted) [this.state, this.trouble] = ["failed", (cause as Error).message];
    }
  }

  async #recur(run: string, signal: AbortSignal): Promise<void> {
    try {
      const { rows, total } = await recurring(run, 50, signal);
      if (!signal.aborted) [this.recurring, this.total] = [rows, total];
    } catch (cause) {
      if (!signal.aborted) this.recurringTrouble = (cause as Error).message;
    }
  }
}
