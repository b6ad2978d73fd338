/** How things stand: what the team has, and how far the demo is. Read again whenever something may have changed. */
import { answered, api, type Shapes } from "../../api/client";
import { count, plural } from "../../text/numbers";
import { goesOn } from "./job";

export type Overview = Shapes["OverviewAnswer"];
export type Demo = Shapes["DemoAnswer"];
type Deployment = Shapes["DeploymentAnswer"];

const EVERY = 5000;
const LATEST = 200;

export class Standing {
  overview = $state<Overview | null>(null);
  /** What the demo's model was asked, with its latest answer, however it was asked. */
  private asked = $state.raw(new Map<string, string>());
  trouble = $state("");
  busy = $state(false);
  private readonly timer: ReturnType<typeof setInterval>;
  private reading = false;

  constructor() {
    void this.read();
    this.timer = setInterval(() => document.visibilityState === "visible" && void this.read(), EVERY);
  }

  leave(): void {
    clearInterval(this.timer);
  }

  /** Nothing was done here yet. */
  get empty(): boolean {
    const has = this.overview;
    return (
      !!has &&
      !this.demo &&
      !has.files &&
      !has.deployments.length &&
      !has.jobs.length &&
      !has.attributions.length
    );
  }

  get demo(): Demo | null {
    const demo = this.overview?.demo;
    if (!demo) return null;
    const questions = demo.questions.map((one) => ({
      ...one,
      answer: one.answer ?? this.asked.get(one.question) ?? null,
    }));
    return { ...demo, questions };
  }

  get deployment(): Deployment | null {
    return this.overview?.deployments.find((one) => one.id === this.demo?.deployment_id) ?? null;
  }

  /** Whether the demo's model can be asked. */
  get answering(): boolean {
    return this.deployment?.status === "Active";
  }

  /** Whether the guided look is still to be offered: until every question was asked. */
  get looking(): boolean {
    return !!this.demo && this.demo.questions.some((one) => one.answer === null);
  }

  get inBrief(): string {
    const has = this.overview;
    if (!has) return "";
    const going = has.jobs.filter((job) => goesOn(job.status)).length;
    const answering = has.deployments.filter((one) => one.status === "Active").length;
    return [
      `${plural(has.pairs, "pair")} in ${plural(has.files, "file")}.`,
      answering ? `${plural(answering, "model")} can be asked.` : "No model can be asked yet.",
      going ? `${count(going)} ${going === 1 ? "job runs or waits" : "jobs run or wait"}.` : "",
    ].join(" ");
  }

  async read(): Promise<void> {
    if (this.reading) return;
    this.reading = true;
    try {
      const overview = await answered(api.GET("/v1/whence/overview"));
      const demo = overview.demo;
      const unasked = demo?.questions.some((one) => one.answer === null && !this.asked.has(one.question));
      if (demo?.deployment_id && unasked) this.asked = await asked(demo.deployment_id);
      this.overview = overview;
      this.trouble = "";
    } catch (cause) {
      this.trouble = wordsOf(cause);
    } finally {
      this.reading = false;
    }
  }

  /** Start the demo; one that is there already goes on. */
  start(): Promise<void> {
    return this.doing(async () => {
      await answered(api.POST("/v1/whence/demo"));
    });
  }

  /** Let the demo's model answer: once, whoever asks for it how often. */
  deploy(): Promise<void> {
    const demo = this.demo;
    return this.doing(async () => {
      if (demo) await promoted(demo);
    });
  }

  private async doing(what: () => Promise<void>): Promise<void> {
    this.busy = true;
    try {
      await what();
      await this.read();
    } catch (cause) {
      this.trouble = wordsOf(cause);
    } finally {
      this.busy = false;
    }
  }
}

/** The questions to a model, each with the latest answer that was explained. */
async function asked(model: string): Promise<Map<string, string>> {
  const query = { model, limit: LATEST };
  const rows = (await answered(api.GET("/v1/whence/attributions", { params: { query } }))).data;
  return new Map(rows.toReversed().map((row) => [row.question, row.answer]));
}

async function promoted(demo: Demo): Promise<void> {
  const body = {
    model_type: "Fine-tuned Run" as const,
    model_id: demo.job_id,
    name: "Help-desk demo",
    description: "SmolLM2 fine-tuned on the shipped help-desk pairs",
    n_instances: 1,
  };
  const header = { "Idempotency-Key": `demo-${demo.job_id}` };
  const made =
    demo.deployment_id ?? (await answered(api.POST("/v1/flow/deployments", { body, params: { header } }))).id;
  await answered(
    api.PUT("/v1/flow/deployments/{deployment_id}/promote", { params: { path: { deployment_id: made } } }),
  );
}

export function wordsOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
