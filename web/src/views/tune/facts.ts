/** The facts of a run as names and values: its recipe as carried out, and its results. */
import type { Job } from "../../api/types";
import { count } from "../../text/numbers";
import { formOfRun } from "./recipe";

type Facts = Record<string, unknown>;

const CHOSEN = "automatic";
const LAYERS: Record<string, string> = { mlp: "feed-forward", "all-linear": "all linear" };

/** The facts of a job: from its manifest once the run is completed, before that from its settings. */
export function factsOf(job: Job, manifest: Facts | null): [string, string][] {
  const recipe = formOfRun(job, manifest);
  const results = (manifest?.["facts"] ?? {}) as Facts;
  const tokens = (results["tokens"] ?? {}) as Facts;
  const versions = (manifest?.["versions"] ?? {}) as Facts;
  const adapter = recipe.full ? "all" : `LoRA, rank ${recipe.rank}, alpha ${recipe.alpha}`;
  const layers: [string, string][] =
    recipe.full || !recipe.targets ? [] : [["Layers", LAYERS[recipe.targets] ?? recipe.targets]];
  return [
    ["Base model", recipe.model],
    ["Weights", adapter],
    ...layers,
    ["Epochs", numberOr(recipe.epochs, CHOSEN)],
    ["Learning rate", recipe.rate === null ? CHOSEN : String(recipe.rate)],
    ["Batch size", numberOr(recipe.batch, CHOSEN)],
    ...optional("Pairs", results["examples"]),
    ...optional("Tokens", tokens["total"]),
    ...optional("Steps", results["steps"]),
    ...optional("Final loss", results["final_loss"], (loss) => loss.toPrecision(3)),
    ...optional("Checkpoints", recipe.points),
    ...optional("Seed", recipe.seed),
    ...(typeof versions["whence"] === "string"
      ? [["Trained with", `Whence ${versions["whence"]}`] as [string, string]]
      : []),
  ];
}

const numberOr = (value: number | null, words: string): string => (value === null ? words : count(value));

function optional(
  name: string,
  value: unknown,
  format: (value: number) => string = count,
): [string, string][] {
  return typeof value === "number" ? [[name, format(value)]] : [];
}
