/** A run in lines of name and value: its recipe as it was carried out, and what came of it. */
import { count } from "../../text/numbers";
import { formOfRun } from "./recipe";
import type { Job } from "./states";

type Facts = Record<string, unknown>;

const CHOSEN = "from the data";
const LAYERS: Record<string, string> = { mlp: "feed-forward", "all-linear": "all linear ones" };

/** What is known of a job: from its manifest once the run is finished, before it from what was asked for. */
export function factsOf(job: Job, manifest: Facts | null): [string, string][] {
  const made = formOfRun(job, manifest);
  const came = (manifest?.["facts"] ?? {}) as Facts;
  const tokens = (came["tokens"] ?? {}) as Facts;
  const versions = (manifest?.["versions"] ?? {}) as Facts;
  const adapter = made.full ? "all of them" : `LoRA, rank ${made.rank}, alpha ${made.alpha}`;
  const layers: [string, string][] =
    made.full || !made.targets ? [] : [["Layers", LAYERS[made.targets] ?? made.targets]];
  return [
    ["Base model", made.model],
    ["Weights", adapter],
    ...layers,
    ["Epochs", numberOr(made.epochs, CHOSEN)],
    ["Learning rate", made.rate === null ? CHOSEN : String(made.rate)],
    ["Batch", numberOr(made.batch, CHOSEN)],
    ...known("Pairs", came["examples"]),
    ...known("Tokens", tokens["total"]),
    ...known("Steps", came["steps"]),
    ...known("Last loss", came["final_loss"], (loss) => loss.toPrecision(3)),
    ...known("Checkpoints", made.points),
    ...known("Seed", made.seed),
    ...(typeof versions["whence"] === "string"
      ? [["Made with", `Whence ${versions["whence"]}`] as [string, string]]
      : []),
  ];
}

const numberOr = (value: number | null, words: string): string => (value === null ? words : count(value));

function known(name: string, value: unknown, say: (value: number) => string = count): [string, string][] {
  return typeof value === "number" ? [[name, say(value)]] : [];
}
