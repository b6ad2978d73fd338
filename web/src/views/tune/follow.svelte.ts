/** A job followed live: its state and events, from the service's stream. A broken stream is resumed. */
import type { Job, JobEvent } from "../../api/types";
import { api, unwrap, ApiError } from "../../api/client";
import { events } from "../../api/events";
import { isOpen } from "./status";

const SETTLE = 200;
const REREAD = 2500;
const PAUSE = 3000;

export class FollowedJob {
  job = $state.raw<Job | null>(null);
  events = $state.raw<JobEvent[]>([]);
  /** The reason why the job cannot be shown. */
  error = $state("");
  /** True while the stream is disconnected. */
  disconnected = $state(false);
  private received: JobEvent[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly id: string,
    job: Job | null = null,
  ) {
    this.job = job;
  }

  /** The problem in following the job, if there is one. */
  get notice(): string {
    return this.error || (this.disconnected ? "The service does not respond. Reconnecting…" : "");
  }

  /** The latest training loss. */
  get loss(): number | null {
    return this.events.findLast(({ loss }) => loss !== null)?.loss ?? null;
  }

  /** Follow the job until it ends or `signal` aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (await this.listen(signal)) return;
      } catch (cause) {
        if (signal.aborted) return;
        if (cause instanceof ApiError && cause.status >= 400 && cause.status < 500) {
          this.error = cause.message;
          return;
        }
        this.disconnected = true;
      }
      await new Promise((wake) => setTimeout(wake, PAUSE));
    }
  }

  /** Reload the job. */
  async reread(): Promise<Job> {
    const call = api.GET("/v1/flow/fine-tunes/{job_id}", { params: { path: { job_id: this.id } } });
    return (this.job = await unwrap(call));
  }

  private async listen(signal: AbortSignal): Promise<boolean> {
    await this.reread();
    this.error = "";
    const after = this.received.at(-1)?.id ?? 0;
    const timer = setInterval(() => void this.reread().catch(() => undefined), REREAD);
    try {
      return await this.hear(after, signal);
    } finally {
      clearInterval(timer);
    }
  }

  private async hear(after: number, signal: AbortSignal): Promise<boolean> {
    const path = `/v1/whence/runs/${encodeURIComponent(this.id)}/events?after=${after}`;
    for await (const { name, data } of events(path, { signal })) {
      this.disconnected = false;
      if (name === "end") {
        this.show();
        await this.reread();
        return true;
      }
      this.received.push(data as JobEvent);
      this.timer ??= setTimeout(() => this.show(), SETTLE);
    }
    return !isOpen(await this.reread());
  }

  private show(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.events = [...this.received];
  }
}
