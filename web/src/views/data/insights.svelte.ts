/** Insights into the pairs of a run: those suspected to be wrong, and duplicates. */
import type { Pair, RunInsights, Suspect } from "../../api/types";
import { unwrap, api } from "../../api/client";

const PAUSE = 6000;

export class Insights {
  state = $state<"loading" | RunInsights["state"]>("loading");
  suspects = $state.raw<Suspect[]>([]);
  duplicates = $state.raw<Pair[]>([]);
  private byId = new Map<string, Suspect>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private left = false;

  constructor(run: string | null) {
    if (run) void this.read(run);
    else this.state = "absent";
  }

  of(id: string): Suspect | undefined {
    return this.suspects.length ? this.byId.get(id) : undefined;
  }

  leave(): void {
    this.left = true;
    clearTimeout(this.timer);
  }

  /** Load them, repeatedly while they are being computed. */
  private async read(run: string): Promise<void> {
    try {
      const params = { path: { job_id: run } };
      const found = await unwrap(api.GET("/v1/whence/runs/{job_id}/insights", { params }));
      this.byId = new Map(found.suspects.map((one) => [one.pair.id, one]));
      this.suspects = found.suspects;
      this.duplicates = found.duplicates.flatMap((group) => group.pairs);
      this.state = found.state;
      if (found.state === "computing" && !this.left)
        this.timer = setTimeout(() => void this.read(run), PAUSE);
    } catch {
      this.state = "absent";
    }
  }
}
