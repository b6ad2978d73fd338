/** A job followed live by its stream of events; a stream that breaks off is taken up where it was. */
import { Refusal } from "../../api/client";
import { events } from "../../api/events";
import { after, goesOn, type Happened, type Job } from "./job";

const PAUSE = 2000;

export class Following<J extends Job = Job> {
  job = $state() as J;
  loss = $state<number | null>(null);
  trouble = $state("");
  private last = 0;
  private stop = new AbortController();

  constructor(
    job: J,
    private readonly onend: (status: string) => void = () => {},
  ) {
    this.job = job;
    if (goesOn(job.status)) void this.follow();
  }

  leave(): void {
    this.stop.abort();
  }

  private async follow(): Promise<void> {
    while (!this.stop.signal.aborted) {
      try {
        if (await this.listen()) return;
      } catch (cause) {
        if (this.stop.signal.aborted) return;
        this.trouble =
          cause instanceof Refusal ? cause.message : "The service does not answer. Trying again …";
        if (cause instanceof Refusal && cause.status >= 400 && cause.status < 500) return;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }

  /** Whether the job has ended. */
  private async listen(): Promise<boolean> {
    const path = `/v1/whence/runs/${this.job.id}/events?after=${this.last}`;
    for await (const told of events(path, { signal: this.stop.signal })) {
      this.trouble = "";
      if (told.name === "end") {
        const { status } = told.data as { status: J["status"] };
        this.job = { ...this.job, status };
        this.onend(status);
        return true;
      }
      const happened = told.data as Happened;
      this.last = Number(told.id ?? this.last);
      this.loss = happened.loss ?? this.loss;
      this.job = after(this.job, happened);
    }
    return false;
  }
}
