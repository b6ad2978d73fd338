/** A job as it goes on: its state and its events, from the service's stream. A stream that breaks is taken up again. */
import { api, answered, Refusal, type Shapes } from "../../api/client";
import { events } from "../../api/events";
import { goesOn, type Job } from "./states";

export type JobEvent = Shapes["FineTuneEvent"];

const SETTLE = 200;
const REREAD = 2500;
const PAUSE = 3000;

export class Followed {
  job = $state.raw<Job | null>(null);
  events = $state.raw<JobEvent[]>([]);
  /** Why the job cannot be shown. */
  refused = $state("");
  /** Whether the stream is cut off at the moment. */
  away = $state(false);
  private heard: JobEvent[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly id: string) {}

  /** Follow the job until it is over, or `signal` stops it. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (await this.listen(signal)) return;
      } catch (cause) {
        if (signal.aborted) return;
        if (cause instanceof Refusal && cause.status >= 400 && cause.status < 500) {
          this.refused = cause.message;
          return;
        }
        this.away = true;
      }
      await new Promise((wake) => setTimeout(wake, PAUSE));
    }
  }

  /** Read the job again. */
  async reread(): Promise<Job> {
    const call = api.GET("/v1/flow/fine-tunes/{job_id}", { params: { path: { job_id: this.id } } });
    this.job = await answered(call);
    return this.job;
  }

  private async listen(signal: AbortSignal): Promise<boolean> {
    await this.reread();
    this.refused = "";
    const after = this.heard.at(-1)?.id ?? 0;
    const again = setInterval(() => void this.reread().catch(() => undefined), REREAD);
    try {
      return await this.hear(after, signal);
    } finally {
      clearInterval(again);
    }
  }

  private async hear(after: number, signal: AbortSignal): Promise<boolean> {
    const path = `/v1/whence/runs/${encodeURIComponent(this.id)}/events?after=${after}`;
    for await (const told of events(path, { signal })) {
      this.away = false;
      if (told.name === "end") {
        this.show();
        await this.reread();
        return true;
      }
      this.heard.push(told.data as JobEvent);
      this.timer ??= setTimeout(() => this.show(), SETTLE);
    }
    return !goesOn(await this.reread());
  }

  private show(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.events = [...this.heard];
  }
}
