/** The answers that a pair influenced, loaded page by page, with the predicted effect of excluding it. */
import type { PairInAnswer } from "../../api/types";
import { unwrap, api, ApiError } from "../../api/client";

const STEP = 20;

export class Influenced {
  answers = $state.raw<PairInAnswer[] | null>(null);
  total = $state(0);
  error = $state("");
  busy = $state(false);
  private units = $state.raw(new Map<string, string>());

  constructor(
    private readonly pair: string,
    private readonly model: string,
    /** True if a model was trained on the pair; otherwise there are no answers to load. */
    trained: boolean,
  ) {
    if (trained) void this.more();
    else this.answers = [];
  }

  /** The run of the latest answer. */
  get run(): string | null {
    return this.answers?.[0]?.job_id ?? null;
  }

  /** The predicted effect of excluding the pair, in nats by attribution: minus its score. Similarities predict nothing. */
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
      const found = await unwrap(api.GET("/v1/whence/pairs/{pair_id}/answers", { params }));
      this.answers = [...(this.answers ?? []), ...found.data];
      this.total = found.total;
      this.error = "";
      if (found.total && !this.units.size) await this.readUnits();
    } catch (cause) {
      if (cause instanceof ApiError && cause.status === 404) this.answers ??= [];
      else this.error = (cause as Error).message;
    } finally {
      this.busy = false;
    }
  }

  private async readUnits(): Promise<void> {
    const methods = await unwrap(api.GET("/v1/whence/methods"));
    this.units = new Map(methods.data.map((method) => [method.name, method.unit]));
  }
}
