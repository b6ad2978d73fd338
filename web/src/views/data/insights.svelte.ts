/** What was found out about the pairs of a run: which are suspected to be wrong, and which are copies. */
import { answered, api, type Shapes } from "../../api/client";
import type { Pair } from "./source";

export type Suspect = Shapes["SuspectAnswer"];

const PAUSE = 6000;

export class Insights {
  state = $state<"loading" | Shapes["InsightsAnswer"]["state"]>("loading");
  suspects = $state.raw<Suspect[]>([]);
  copies = $state.raw<Pair[]>([]);
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

  /** Reads them; while they are being computed, again and again. */
  private async read(run: string): Promise<void> {
    try {
      const params = { path: { job_id: run } };
      const found = await answered(api.GET("/v1/whence/runs/{job_id}/insights", { params }));
      this.byId = new Map(found.suspects.map((one) => [one.pair.id, one]));
      this.suspects = found.suspects;
      this.copies = found.duplicates.flatMap((group) => group.pairs);
      this.state = found.state;
      if (found.state === "computing" && !this.left)
        this.timer = setTimeout(() => void this.read(run), PAUSE);
    } catch {
      this.state = "absent";
    }
  }
}
