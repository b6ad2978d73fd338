/** The answers that a pair had a part in, a page at a time, and what leaving the pair out would do to each. */
import { answered, api, Refusal, type Shapes } from "../../api/client";

export type Part = Shapes["PairInAnswer"];

const STEP = 20;

export class Influenced {
  answers = $state.raw<Part[] | null>(null);
  total = $state(0);
  trouble = $state("");
  busy = $state(false);
  private units = $state.raw(new Map<string, string>());

  constructor(
    private readonly pair: string,
    private readonly model: string,
    /** Whether a model was trained on the pair: else there is nothing to ask for. */
    trained: boolean,
  ) {
    if (trained) void this.more();
    else this.answers = [];
  }

  /** The run of the latest of them. */
  get run(): string | null {
    return this.answers?.[0]?.job_id ?? null;
  }

  /** By attribution, in nats: a pair that is left out takes its score with it. Similarities foretell nothing. */
  get predicted(): Record<string, number> {
    const own = (this.answers ?? []).filter((one) => this.units.get(one.method) === "nats");
    return Object.fromEntries(own.map((one) => [one.id, -one.score]));
  }

  async more(): Promise<void> {
    this.busy = true;
    try {
      const query = {
        limit: STEP,
        offset: this.answers?.length ?? 0,
        ...(this.model ? { model: this.model } : {}),
      };
      const params = { path: { pair_id: this.pair }, query };
      const found = await answered(api.GET("/v1/whence/pairs/{pair_id}/answers", { params }));
      this.answers = [...(this.answers ?? []), ...found.data];
      this.total = found.total;
      this.trouble = "";
      if (found.total && !this.units.size) await this.readUnits();
    } catch (cause) {
      if (cause instanceof Refusal && cause.status === 404) this.answers ??= [];
      else this.trouble = (cause as Error).message;
    } finally {
      this.busy = false;
    }
  }

  private async readUnits(): Promise<void> {
    const methods = await answered(api.GET("/v1/whence/methods"));
    this.units = new Map(methods.data.map((method) => [method.name, method.unit]));
  }
}
