/** A question to a model, its streamed answer, and what made that answer or the part of it that is pointed at. */
import { answered, api, Refusal, type Shapes } from "../../api/client";
import { spoken } from "../../api/speaking";
import type { Range } from "../../text/pieces";
import type { Attribution } from "./shapes";

type Verbatim = Shapes["VerbatimAnswer"]["spans"];
type Doing = "nothing" | "answering" | "explaining" | "opening";

export class Inquiry {
  model = $state("");
  question = $state("");
  answer = $state("");
  attribution = $state<Attribution | null>(null);
  /** The attribution of the whole answer, which a selection is a part of. */
  whole = $state<Attribution | null>(null);
  verbatim = $state<Verbatim>([]);
  spread = $state<object | null>(null);
  doing = $state<Doing>("nothing");
  trouble = $state("");
  /** Seconds that the last attribution took, from asking to having it. */
  seconds = $state(0);
  private stop: AbortController | null = null;

  get busy(): boolean {
    return this.doing !== "nothing";
  }

  /** Ask the model, stream its answer, then explain it. */
  async ask(): Promise<void> {
    await this.work("answering", async (signal) => {
      [this.answer, this.attribution, this.whole, this.verbatim, this.spread] = ["", null, null, [], null];
      for await (const piece of spoken(this.model, this.question, signal)) this.answer += piece;
      if (!this.answer.trim()) throw new Refusal(0, "The model gave an empty answer. Ask something else.");
      this.doing = "explaining";
      await this.explained(null, signal);
    });
  }

  /** Explain a text as this model's answer to the question. */
  async explain(selection: Range | null): Promise<void> {
    if (!selection && this.whole && this.whole.answer === this.answer) {
      this.cancel();
      await this.take(this.whole);
      return;
    }
    await this.work("explaining", (signal) => this.explained(selection, signal));
  }

  /** Bring back an attribution that was made before. */
  async open(id: string): Promise<void> {
    await this.work("opening", async (signal) => {
      const found = await answered(
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
    this.doing = "nothing";
  }

  private async explained(selection: Range | null, signal: AbortSignal): Promise<void> {
    const began = performance.now();
    const body = {
      model: this.model,
      question: this.question,
      answer: this.answer,
      groups: ["duplicates", "topic", "file"] as ("duplicates" | "topic" | "file")[],
      ...(selection ? { selection } : {}),
    };
    const found = await answered(api.POST("/v1/whence/attributions", { body, signal }));
    this.seconds = (performance.now() - began) / 1000;
    if (!selection) this.whole = found;
    await this.take(found);
  }

  private async take(found: Attribution): Promise<void> {
    this.attribution = found;
    const params = { path: { attribution_id: found.id } };
    const [spread, verbatim] = await Promise.allSettled([
      found.distribution
        ? answered(api.GET("/v1/whence/attributions/{attribution_id}/charts/distribution", { params }))
        : null,
      answered(api.GET("/v1/whence/attributions/{attribution_id}/verbatim", { params })),
    ]);
    if (this.attribution.id !== found.id) return;
    this.spread = spread.status === "fulfilled" ? (spread.value as object | null) : null;
    if (verbatim.status === "fulfilled") this.verbatim = verbatim.value.spans;
  }

  private async work(doing: Doing, task: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.cancel();
    const stop = (this.stop = new AbortController());
    [this.doing, this.trouble] = [doing, ""];
    try {
      await task(stop.signal);
    } catch (cause) {
      if (stop.signal.aborted) return;
      this.trouble = cause instanceof Error ? cause.message : String(cause);
    } finally {
      if (this.stop === stop) [this.doing, this.stop] = ["nothing", null];
    }
  }
}
