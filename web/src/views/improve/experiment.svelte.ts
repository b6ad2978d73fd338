/** An experiment as it goes on: new versions, a job with the same recipe, its model deployed and asked, a verdict. */
import { api, answered } from "../../api/client";
import { changes } from "../../state/changes.svelte";
import { create, demote, deployments, promote, settled } from "../tune/deploying";
import { Followed } from "../tune/follow.svelte";
import { configOf, formOfRun } from "../tune/recipe";
import { answers, nameOf } from "../tune/states";
import { forget, keep, kept, stepOf, type Kept } from "./experiments";
import { outcomeOf, revised } from "./measuring";
import { replaced, type Revision } from "./plan";

export class Experiment {
  kept = $state.raw<Kept | null>(null);
  followed = $state.raw<Followed | null>(null);
  answers = $state(false);
  refused = $state("");
  busy = $state(false);
  readonly step = $derived(
    this.kept ? stepOf(this.kept, this.followed?.job?.status === "completed", this.answers) : null,
  );

  /** Look at the experiment of a run; `elsewhere` is one that an address tells of and this browser does not know. */
  open(run: string, elsewhere: Kept | null): void {
    this.kept = kept(run) ?? elsewhere;
    this.followed = this.kept?.job ? new Followed(this.kept.job) : null;
    this.answers = Boolean(this.kept?.outcomes.length);
    this.refused = "";
  }

  /** Begin: the change set as it stands now. */
  begin(run: string, revisions: Revision[]): void {
    this.put({
      id: crypto.randomUUID(),
      run,
      started: new Date().toISOString(),
      changes: $state.snapshot(changes.here.changes),
      watched: changes.here.watched.map((one) => one.attribution),
      revisions,
      versions: {},
      job: "",
      deployment: "",
      outcomes: [],
      verdict: "",
    });
    this.followed = null;
    this.answers = false;
  }

  /** Do what is not done yet, until something is to be decided. What was done before a reload is not done again. */
  async proceed(signal: AbortSignal): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.refused = "";
    try {
      while (!signal.aborted && (await this.advance(signal)));
    } catch (cause) {
      if (!signal.aborted) this.refused = (cause as Error).message;
    }
    this.busy = false;
  }

  /** Let the new model take over from the old one. */
  async accept(): Promise<void> {
    if (!this.kept) return;
    const { run, deployment, changes: made } = this.kept;
    await promote(deployment);
    await this.rest((one) => one.model_id === run);
    this.write({ verdict: "accepted" });
    const same = JSON.stringify(made) === JSON.stringify(changes.here.changes);
    if (changes.run === run && same) changes.clear();
  }

  /** Let the new model answer no longer. The old one, and the change set, stay. */
  async throwAway(): Promise<void> {
    if (!this.kept) return;
    const { deployment, job } = this.kept;
    if (deployment) await demote(deployment);
    else if (
      job &&
      this.followed?.job &&
      ["pending", "queued", "running"].includes(this.followed.job.status)
    ) {
      await answered(api.PUT("/v1/flow/fine-tunes/{job_id}/cancel", { params: { path: { job_id: job } } }));
    }
    this.write({ verdict: "thrown away" });
  }

  /** Put it aside, so that another can be begun. */
  close(): void {
    if (this.kept) forget(this.kept.run);
    this.kept = this.followed = null;
    this.refused = "";
  }

  private async rest(chosen: (one: { model_id: string }) => boolean): Promise<void> {
    const all = await deployments();
    for (const one of all.filter((one) => chosen(one) && answers(one))) {
      await demote(one.id);
    }
  }

  private put(next: Kept): void {
    this.kept = next;
    keep(next);
  }

  /** Note what was done; a verdict that was given meanwhile stays. */
  private write(parts: Partial<Kept>): void {
    if (this.kept) this.put({ ...this.kept, ...parts });
  }

  private async advance(signal: AbortSignal): Promise<boolean> {
    const now = this.kept;
    if (!now) return false;
    if (now.job && !this.followed) this.followed = new Followed(now.job);
    switch (this.step) {
      case "versions":
        return this.makeVersion(now);
      case "job":
        return this.makeJob(now);
      case "training":
        return this.train(signal);
      case "deploying":
        return this.deploy(now, signal);
      case "asking":
        return this.ask(now, signal);
      default:
        return false;
    }
  }

  private async makeVersion(now: Kept): Promise<boolean> {
    const next = now.revisions.find((one) => !now.versions[one.file]);
    if (!next) return false;
    const made = await revised(next);
    this.write({ versions: { ...now.versions, [next.file]: made } });
    return true;
  }

  private async makeJob(now: Kept): Promise<boolean> {
    const path = { job_id: now.run };
    const [job, run] = await Promise.all([
      answered(api.GET("/v1/flow/fine-tunes/{job_id}", { params: { path } })),
      answered(api.GET("/v1/whence/runs/{job_id}", { params: { path } })),
    ]);
    const files = run.files.map((file) => file.id);
    const form = { ...formOfRun(job, run.manifest), files: replaced(files, now.versions) };
    const body = {
      training_config: configOf({ ...form, name: `${nameOf(job)}, improved`.slice(0, 200) }),
      infrastructure_config: { accel_type: job.accel_type, n_accel: job.n_accel, n_node: job.n_node },
    };
    const params = { header: { "Idempotency-Key": `${now.id} job` } };
    const made = await answered(api.POST("/v1/flow/fine-tune", { body, params }));
    this.write({ job: made.id });
    this.followed = new Followed(made.id);
    return true;
  }

  private async train(signal: AbortSignal): Promise<boolean> {
    const followed = this.followed;
    if (!followed) return false;
    await followed.follow(signal);
    if (signal.aborted || this.kept?.verdict) return false;
    if (followed.refused) throw new Error(followed.refused);
    if (followed.job?.status === "completed") return true;
    const why = followed.job?.error_analysis ?? `The job is ${followed.job?.status ?? "gone"}.`;
    throw new Error(`${why} Throw the experiment away, and try again.`);
  }

  private async deploy(now: Kept, signal: AbortSignal): Promise<boolean> {
    const job = this.followed?.job ?? (await this.followed?.reread());
    if (!job) return false;
    const name = nameOf(job).padEnd(5, ".");
    const id = now.deployment || (await create(job, name, `${now.id} deployment`)).id;
    if (!now.deployment) this.write({ deployment: id });
    if (this.kept?.verdict) return false;
    await promote(id);
    const done = await settled(id, signal);
    if (done.status === "Failed") throw new Error(done.failure ?? "The new model could not be loaded.");
    this.answers = true;
    return true;
  }

  private async ask(now: Kept, signal: AbortSignal): Promise<boolean> {
    const next = now.watched[now.outcomes.length];
    if (!next) return false;
    const outcome = await outcomeOf(next, now.deployment, now.changes, signal);
    this.write({ outcomes: [...now.outcomes, outcome] });
    return true;
  }
}
