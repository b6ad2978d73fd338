import { expect, it } from "vitest";
import { factsOf } from "./facts";
import type { Job } from "./states";

const job = {
  model: "small",
  training_files: ["file-1"],
  lora_config: { r: 16, alpha: 32 },
  n_epochs: null,
  learning_rate: null,
  batch_size: 4,
} as unknown as Job;

it("tells what was asked for until the run is finished", () => {
  const facts = Object.fromEntries(factsOf(job, null));
  expect(facts).toMatchObject({ Epochs: "from the data", Batch: "4", Weights: "LoRA, rank 16, alpha 32" });
  expect("Steps" in facts).toBe(false);
});

it("tells what was made of it afterwards", () => {
  const manifest = {
    config: { epochs: 5, learning_rate: 0.002, full: true },
    facts: { steps: 1000, final_loss: 0.05001258, examples: 154, tokens: { total: 8987 } },
    versions: { whence: "0.1.0" },
  };
  const facts = Object.fromEntries(factsOf(job, manifest));
  expect(facts).toMatchObject({
    Epochs: "5",
    Weights: "all of them",
    Steps: "1,000",
    Tokens: "8,987",
    "Last loss": "0.0500",
    "Made with": "Whence 0.1.0",
  });
});
