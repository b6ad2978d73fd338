/** The overview of a team's files, jobs, models and answers, and of the demo; reloaded regularly. */
import type { Demo, Deployment, Overview } from "../../api/types";
import { unwrap, api } from "../../api/client";
import { plural } from "../../text/numbers";
import { isOpen } from "../tune/status";

const EVERY = 5000;
const LATEST = 200;

export class Workspace {
  overview = $state<Overview | null>(null);
  /** The questions to the demo's model with their latest answers. */
  private asked = $state.raw(new Map<string, string>());
  error = $state("");
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

  /** True if the team has nothing yet. */
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

  /** True if the demo's model is active. */
  get answering(): boolean {
    return this.deployment?.status === "Active";
  }

  /** True until every question of the guided tour was asked. */
  get touring(): boolean {
    return !!this.demo && this.demo.questions.some((one) => one.answer === null);
  }

  get summary(): string {
    const has = this.overview;
    if (!has) return "";
    const running = has.jobs.filter(isOpen).length;
    const active = has.deployments.filter((one) => one.status === "Active").length;
    return [
      `${plural(has.pairs, "pair")} in ${plural(has.files, "file")}.`,
      active ? `${plural(active, "active model")}.` : "No active model yet.",
      running ? `${plural(running, "job")} running or queued.` : "",
    ].join(" ");
  }

  async read(): Promise<void> {
    if (this.reading) return;
    this.reading = true;
    try {
      const overview = await unwrap(api.GET("/v1/whence/overview"));
      const demo = overview.demo;
      const unasked = demo?.questions.some((one) => one.answer === null && !this.asked.has(one.question));
      if (demo?.deployment_id && unasked) this.asked = await asked(demo.deployment_id);
      this.overview = overview;
      this.error = "";
    } catch (cause) {
      this.error = messageOf(cause);
    } finally {
      this.reading = false;
    }
  }

  /** Start the demo, or resume an existing one. */
  start(): Promise<void> {
    return this.run(async () => {
      await unwrap(api.POST("/v1/whence/demo"));
    });
  }

  /** Deploy and activate the demo's model; repeating it has no effect. */
  deploy(): Promise<void> {
    const demo = this.demo;
    return this.run(async () => {
      if (demo) await deployDemo(demo);
    });
  }

  private async run(action: () => Promise<void>): Promise<void> {
    this.busy = true;
    try {
      await action();
      await this.read();
    } catch (cause) {
      this.error = messageOf(cause);
    } finally {
      this.busy = false;
    }
  }
}

/** The questions to a model, each with its latest explained answer. */
async function asked(model: string): Promise<Map<string, string>> {
  const query = { model, limit: LATEST };
  const rows = (await unwrap(api.GET("/v1/whence/attributions", { params: { query } }))).data;
  return new Map(rows.toReversed().map((row) => [row.question, row.answer]));
}

async function deployDemo(demo: Demo): Promise<void> {
  const body = {
    model_type: "Fine-tuned Run" as const,
    model_id: demo.job_id,
    name: "Help-desk demo",
    description: "SmolLM2 fine-tuned on the included help-desk pairs",
    n_instances: 1,
  };
  const header = { "Idempotency-Key": `demo-${demo.job_id}` };
  const id =
    demo.deployment_id ?? (await unwrap(api.POST("/v1/flow/deployments", { body, params: { header } }))).id;
  await unwrap(
    api.PUT("/v1/flow/deployments/{deployment_id}/promote", { params: { path: { deployment_id: id } } }),
  );
}

export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
