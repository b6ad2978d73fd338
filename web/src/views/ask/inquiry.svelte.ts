/** A question to a model, its streamed answer, and the attribution of that answer or of the selected part. */
import type { Attribution, VerbatimSpan } from "../../api/types";
import { unwrap, api, ApiError } from "../../api/client";
import { streamAnswer } from "../../api/chat";
import type { Range } from "../../text/pieces";

type Verbatim = VerbatimSpan[];
type Activity = "idle" | "answering" | "explaining" | "opening";

export class Inquiry {
  model = $state("");
  question = $state("");
  answer = $state("");
  attribution = $state<Attribution | null>(null);
  /** The attribution of the whole answer, to return to from a selection. */
  whole = $state<Attribution | null>(null);
  verbatim = $state<Verbatim>([]);
  spread = $state<object | null>(null);
  activity = $state<Activity>("idle");
  error = $state("");

  private stop: AbortController | null = null;

  get busy(): boolean {
    return this.activity !== "idle";
  }

  /** Ask the model, stream its answer, then explain it. */
  async ask(): Promise<void> {
    await this.work("answering", async (signal) => {
      [this.answer, this.attribution, this.whole, this.verbatim, this.spread] = ["", null, null, [], null];
      for await (const piece of streamAnswer(this.model, this.question, signal)) this.answer += piece;
      if (!this.answer.trim())
        throw new ApiError(0, "The model returned an empty answer. Ask a different question.");
      this.activity = "explaining";
      await this.explained(null, signal);
    });
  }

  /** Explain the answer, or a selection of it. */
  async explain(selection: Range | null): Promise<void> {
    if (!selection && this.whole && this.whole.answer === this.answer) {
      this.cancel();
      await this.take(this.whole);
      return;
    }
    await this.work("explaining", (signal) => this.explained(selection, signal));
  }

  /** Load a stored attribution. */
  async open(id: string): Promise<void> {
    await this.work("opening", async (signal) => {
      const found = await unwrap(
        api.GET("/v1/whence/attributions/{attribution_id}", {
          params: { path: { attribution_id: id } },
          signal,
        }),
      );
      [this.model, this.question, this.answer] = [found.model, found.question, found.answer];
      this.whole = found.selection ? null : found;
      await this.take(found);
    });
  }

  cancel(): void {
    this.stop?.abort();
    this.stop = null;
    this.activity = "idle";
  }

  private async explained(selection: Range | null, signal: AbortSignal): Promise<void> {
    const body = {
      model: this.model,
      question: this.question,
      answer: this.answer,
      groups: ["duplicates", "topic", "file"] as ("duplicates" | "topic" | "file")[],
      ...(selection ? { selection } : {}),
    };
    const found = await unwrap(api.POST("/v1/whence/attributions", { body, signal }));

    if (!selection) this.whole = found;
    await this.take(found);
  }

  private async take(found: Attribution): Promise<void> {
    this.attribution = found;
    const params = { path: { attribution_id: found.id } };
    const [spread, verbatim] = await Promise.allSettled([
      found.distribution
        ? unwrap(api.GET("/v1/whence/attributions/{attribution_id}/charts/distribution", { params }))
        : null,
      unwrap(api.GET("/v1/whence/attributions/{attribution_id}/verbatim", { params })),
    ]);
    if (this.attribution.id !== found.id) return;
    this.spread = spread.status === "fulfilled" ? (spread.value as object | null) : null;
    if (verbatim.status === "fulfilled") this.verbatim = verbatim.value.spans;
  }

  private async work(activity: Activity, task: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.cancel();
    const stop = (this.stop = new AbortController());
    [this.activity, this.error] = [activity, ""];
    try {
      await task(stop.signal);
    } catch (cause) {
      if (stop.signal.aborted) return;
      this.error = cause instanceof Error ? cause.message : String(cause);
    } finally {
      if (this.stop === stop) [this.activity, this.stop] = ["idle", null];
    }
  }
}
