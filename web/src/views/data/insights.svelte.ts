/** What was found out about the pairs of a run: which are suspected to be wrong, and which are copies. */
import { BASE, refusal } from "../../api/client";
import { key } from "../../state/key.svelte";
import type { Pair } from "./source";

export type Suspect = { pair: Pair; self_influence: number; percentile: number; reason: string };
type Found = {
  state: "ready" | "computing" | "absent";
  suspects: Suspect[];
  duplicates: { pairs: Pair[]; question: string }[];
};

export class Insights {
  state = $state<"loading" | Found["state"]>("loading");
  suspects = $state.raw<Suspect[]>([]);
  copies = $state.raw<Pair[]>([]);
  private byId = new Map<string, Suspect>();

  constructor(run: string | null) {
    if (run) void this.read(run);
    else this.state = "absent";
  }

  of(id: string): Suspect | undefined {
    return this.suspects.length ? this.byId.get(id) : undefined;
  }

  private async read(run: string): Promise<void> {
    try {
      const headers = key.value ? { Authorization: `Bearer ${key.value}` } : undefined;
      const response = await fetch(`${BASE}/v1/whence/runs/${run}/insights`, headers ? { headers } : {});
      if (!response.ok) throw refusal(response, null);
      const found = (await response.json()) as Found;
      this.byId = new Map(found.suspects.map((one) => [one.pair.id, one]));
      this.suspects = found.suspects;
      this.copies = found.duplicates.flatMap((group) => group.pairs);
      this.state = found.state;
    } catch {
      this.state = "absent";
    }
  }
}
