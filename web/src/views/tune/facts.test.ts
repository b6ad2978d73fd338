import type { Job } from "../../api/types";
import { expect, it } from "vitest";
import { factsOf } from "./facts";

const job = {
  model: "small",
  training_files: ["file-1"],
  lora_config: { r: 16, alpha: 32 },
  n_epochs: null,
  learning_rate: null,
  batch_size: 4,
} as unknown as Job;

it("lists the settings until the run is completed", () => {
  const facts = Object.fromEntries(factsOf(job, null));
  expect(facts).toMatchObject({
    Epochs: "automatic",
    "Batch size": "4",
    Weights: "LoRA, rank 16, alpha 32",
  });
  expect("Steps" in facts).toBe(false);
});

it("lists the recipe and the results afterwards", () => {
  const manifest = {
    config: { epochs: 5, learning_rate: 0.002, full: true },
    facts: { steps: 1000, final_loss: 0.05001258, examples: 154, tokens: { total: 8987 } },
    versions: { whence: "0.1.0" },
  };
  const facts = Object.fromEntries(factsOf(job, manifest));
  expect(facts).toMatchObject({
    Epochs: "5",
    Weights: "all",
    Steps: "1,000",
    Tokens: "8,987",
    "Final loss": "0.0500",
    "Trained with": "Whence 0.1.0",
  });
});
