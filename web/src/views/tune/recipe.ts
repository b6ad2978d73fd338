/** The settings of a fine-tuning job, as the form and as the service have them. */
import type { BaseModel, Job, Lora, TrainingConfig } from "../../api/types";
type Facts = Record<string, unknown>;

/** The settings in the form. `null` leaves a choice to the service, which makes it from the data. */
export type Form = {
  model: string;
  files: string[];
  name: string;
  full: boolean;
  rank: number | null;
  alpha: number | null;
  dropout: number | null;
  targets: string;
  epochs: number | null;
  rate: number | null;
  batch: number | null;
  longest: number | null;
  points: number | null;
  seed: number | null;
};

export function emptyForm(): Form {
  return {
    model: "",
    files: [],
    name: "",
    full: false,
    rank: 16,
    alpha: 32,
    dropout: 0,
    targets: "mlp",
    epochs: null,
    rate: null,
    batch: null,
    longest: null,
    points: null,
    seed: null,
  };
}

/** The form as the service's configuration, without the choices left to the service. */
export function configOf(form: Form): TrainingConfig {
  const config: TrainingConfig = {
    training_files: form.files,
    model: form.model,
    n_epochs: form.epochs,
    learning_rate: form.rate,
    batch_size: form.batch,
    max_length: form.longest,
    n_checkpoints: form.points,
    seed: form.seed,
    experiment_name: form.name.trim() || null,
    lora_config: form.full ? null : loraOf(form),
  };
  const chosen = Object.entries(config).filter(([, value]) => value !== null);
  return Object.fromEntries(chosen) as TrainingConfig;
}

function loraOf(form: Form): Lora {
  const targets = form.targets.includes(",")
    ? form.targets.split(",").map((name) => name.trim())
    : form.targets;
  return {
    r: form.rank ?? 16,
    alpha: form.alpha ?? 32,
    dropout: form.dropout ?? 0,
    bias: "none",
    extras: targets.length ? { target_modules: targets } : {},
  };
}

/** The form of an existing job. Choices left to the service stay so. */
export function formOfJob(job: Job): Form {
  const lora = (job.lora_config ?? null) as Facts | null;
  const targets = ((lora?.["extras"] ?? {}) as Facts)["target_modules"];
  return {
    ...emptyForm(),
    model: job.model,
    files: [...job.training_files],
    name: job.experiment_name ?? "",
    full: lora === null,
    rank: numberOf(lora?.["r"]) ?? 16,
    alpha: numberOf(lora?.["alpha"]) ?? 32,
    dropout: numberOf(lora?.["dropout"]) ?? 0,
    targets: lora ? targetsOf(targets) : "mlp",
    epochs: job.n_epochs,
    rate: job.learning_rate,
    batch: job.batch_size,
    longest: job.max_length,
    points: job.n_checkpoints,
  };
}

/** The recipe of a completed run with every choice as it was made, so that only the data differ in the next run. */
export function formOfRun(job: Job, manifest: Facts | null): Form {
  const asked = formOfJob(job);
  const config = manifest?.["config"] as Facts | undefined;
  if (!config) return asked;
  return {
    ...asked,
    full: config["full"] === true,
    rank: numberOf(config["rank"]) ?? asked.rank,
    alpha: numberOf(config["alpha"]) ?? asked.alpha,
    dropout: numberOf(config["dropout"]) ?? asked.dropout,
    targets: targetsOf(config["targets"]),
    epochs: numberOf(config["epochs"]) ?? asked.epochs,
    rate: numberOf(config["learning_rate"]) ?? asked.rate,
    batch: numberOf(config["batch_size"]) ?? asked.batch,
    longest: numberOf(config["max_length"]) ?? asked.longest,
    points: numberOf(config["checkpoints"]) ?? asked.points,
    seed: numberOf(config["seed"]),
  };
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function targetsOf(value: unknown): string {
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "string" ? value : "";
}

/** The preselected model: that of the latest job, else the smallest chat model. */
export function firstModel(models: BaseModel[], jobs: Job[]): string {
  const chat = models.filter((model) => model.type === "chat");
  const latest = jobs.find((job) => chat.some((model) => model.id === job.model));
  if (latest) return latest.model;
  const sorted = chat.toSorted((one, other) => (one.bytes ?? Infinity) - (other.bytes ?? Infinity));
  return sorted[0]?.id ?? "";
}
