/** A running experiment: new versions of the data, a job with the same recipe, its deployment, its answers, a verdict. */
import { api, unwrap } from "../../api/client";
import { changes } from "../../state/changes.svelte";
import { create, demote, deployments, promote, settled } from "../tune/deployments";
import { FollowedJob } from "../tune/follow.svelte";
import { configOf, formOfRun } from "../tune/recipe";
import { isOpen, isServing, jobName } from "../tune/status";
import { forget, load, save, stepOf, type SavedExperiment } from "./experiments";
import { createRevision, outcomeOf } from "./attributions";
import { replaced, type Revision } from "./plan";

export class Experiment {
  saved = $state.raw<SavedExperiment | null>(null);
  followed = $state.raw<FollowedJob | null>(null);
  answers = $state(false);
  error = $state("");
  busy = $state(false);
  readonly step = $derived(
    this.saved ? stepOf(this.saved, this.followed?.job?.status === "completed", this.answers) : null,
  );

  /** Open the experiment of a run; `elsewhere` is one described by the address that this browser has not saved. */
  open(run: string, elsewhere: SavedExperiment | null): void {
    this.saved = load(run) ?? elsewhere;
    this.followed = this.saved?.job ? new FollowedJob(this.saved.job) : null;
    this.answers = Boolean(this.saved?.outcomes.length);
    this.error = "";
  }

  /** Start an experiment with the current change set. */
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

  /** Carry out the remaining steps up to the decision. Steps done before a reload are not repeated. */
  async proceed(signal: AbortSignal): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.error = "";
    try {
      while (!signal.aborted && (await this.advance(signal)));
    } catch (cause) {
      if (!signal.aborted) this.error = (cause as Error).message;
    }
    this.busy = false;
  }

  /** Activate the new model instead of the old one. */
  async accept(): Promise<void> {
    if (!this.saved) return;
    const { run, deployment, changes: applied } = this.saved;
    await promote(deployment);
    for (const one of await deployments()) {
      if (one.model_id === run && isServing(one)) await demote(one.id);
    }
    this.write({ verdict: "accepted" });
    const same = JSON.stringify(applied) === JSON.stringify(changes.here.changes);
    if (changes.run === run && same) changes.clear();
  }

  /** Deactivate the new model. The old one and the change set are kept. */
  async discard(): Promise<void> {
    if (!this.saved) return;
    const { deployment, job } = this.saved;
    if (deployment) await demote(deployment);
    else if (job && this.followed?.job && isOpen(this.followed.job)) {
      await unwrap(api.PUT("/v1/flow/fine-tunes/{job_id}/cancel", { params: { path: { job_id: job } } }));
    }
    this.write({ verdict: "thrown away" });
  }

  /** Close the experiment, so that another can be started. */
  close(): void {
    if (this.saved) forget(this.saved.run);
    this.saved = this.followed = null;
    this.error = "";
  }

  private put(next: SavedExperiment): void {
    this.saved = next;
    save(next);
  }

  /** Record progress, without overwriting a verdict given in the meantime. */
  private write(parts: Partial<SavedExperiment>): void {
    if (this.saved) this.put({ ...this.saved, ...parts });
  }

  private async advance(signal: AbortSignal): Promise<boolean> {
    const now = this.saved;
    if (!now) return false;
    if (now.job && !this.followed) this.followed = new FollowedJob(now.job);
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

  private async makeVersion(now: SavedExperiment): Promise<boolean> {
    const next = now.revisions.find((one) => !now.versions[one.file]);
    if (!next) return false;
    const version = await createRevision(next);
    this.write({ versions: { ...now.versions, [next.file]: version } });
    return true;
  }

  private async makeJob(now: SavedExperiment): Promise<boolean> {
    const path = { job_id: now.run };
    const [job, run] = await Promise.all([
      unwrap(api.GET("/v1/flow/fine-tunes/{job_id}", { params: { path } })),
      unwrap(api.GET("/v1/whence/runs/{job_id}", { params: { path } })),
    ]);
    const files = run.files.map((file) => file.id);
    const form = { ...formOfRun(job, run.manifest), files: replaced(files, now.versions) };
    const body = {
      training_config: configOf({ ...form, name: `${jobName(job)}, improved`.slice(0, 200) }),
      infrastructure_config: { accel_type: job.accel_type, n_accel: job.n_accel, n_node: job.n_node },
    };
    const params = { header: { "Idempotency-Key": `${now.id} job` } };
    const { id } = await unwrap(api.POST("/v1/flow/fine-tune", { body, params }));
    this.write({ job: id });
    this.followed = new FollowedJob(id);
    return true;
  }

  private async train(signal: AbortSignal): Promise<boolean> {
    const followed = this.followed;
    if (!followed) return false;
    await followed.follow(signal);
    if (signal.aborted || this.saved?.verdict) return false;
    if (followed.error) throw new Error(followed.error);
    if (followed.job?.status === "completed") return true;
    const why = followed.job?.error_analysis ?? `The job's status is ${followed.job?.status ?? "unknown"}.`;
    throw new Error(`${why} Close this experiment and start another.`);
  }

  private async deploy(now: SavedExperiment, signal: AbortSignal): Promise<boolean> {
    const job = this.followed?.job ?? (await this.followed?.reread());
    if (!job) return false;
    const name = jobName(job).padEnd(5, ".");
    const id = now.deployment || (await create(job, name, `${now.id} deployment`)).id;
    if (!now.deployment) this.write({ deployment: id });
    if (this.saved?.verdict) return false;
    await promote(id);
    const done = await settled(id, signal);
    if (done.status === "Failed") throw new Error(done.failure ?? "The new model could not be loaded.");
    this.answers = true;
    return true;
  }

  private async ask(now: SavedExperiment, signal: AbortSignal): Promise<boolean> {
    const next = now.watched[now.outcomes.length];
    if (!next) return false;
    const outcome = await outcomeOf(next, now.deployment, now.changes, signal);
    this.write({ outcomes: [...now.outcomes, outcome] });
    return true;
  }
}
