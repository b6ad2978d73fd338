import type { BaseModel, Job } from "../../api/types";
import { describe, expect, it } from "vitest";
import { configOf, emptyForm, firstModel, formOfJob, formOfRun } from "./recipe";

const job = {
  id: "ft-1",
  model: "small",
  training_files: ["file-1"],
  lora_config: {
    r: 4,
    alpha: 8,
    dropout: 0.1,
    bias: "none",
    extras: { target_modules: ["q_proj", "v_proj"] },
  },
  n_epochs: null,
  learning_rate: 0.001,
  batch_size: null,
  max_length: null,
  n_checkpoints: 3,
  experiment_name: "First",
} as unknown as Job;

describe("a recipe", () => {
  it("leaves out the service's choices", () => {
    const config = configOf({ ...emptyForm(), model: "small", files: ["file-1"], epochs: 3 });
    expect(config.n_epochs).toBe(3);
    expect("learning_rate" in config).toBe(false);
    expect("experiment_name" in config).toBe(false);
    expect(config.lora_config).toEqual({
      r: 16,
      alpha: 32,
      dropout: 0,
      bias: "none",
      extras: { target_modules: "mlp" },
    });
  });

  it("has no adapter if all weights are trained", () => {
    expect("lora_config" in configOf({ ...emptyForm(), full: true })).toBe(false);
  });

  it("restores the settings of a job", () => {
    const config = configOf(formOfJob(job));
    expect(config.lora_config).toEqual(job.lora_config);
    expect(config.learning_rate).toBe(0.001);
    expect("n_epochs" in config).toBe(false);
  });

  it("takes the choices of a completed run", () => {
    const manifest = {
      config: { epochs: 5, batch_size: 8, rank: 4, targets: ["q_proj"], seed: 7, max_length: null },
    };
    const form = formOfRun(job, manifest);
    expect(form).toMatchObject({
      epochs: 5,
      batch: 8,
      rank: 4,
      targets: "q_proj",
      seed: 7,
      longest: null,
      rate: 0.001,
    });
    expect(formOfRun(job, null)).toEqual(formOfJob(job));
  });

  it("starts with the smallest chat model, or that of the latest job", () => {
    const models = [
      { id: "large", type: "chat", bytes: 900 },
      { id: "small", type: "chat", bytes: 100 },
      { id: "encoder", type: "embedding", bytes: 1 },
    ] as BaseModel[];
    expect(firstModel(models, [])).toBe("small");
    expect(firstModel(models, [{ ...job, model: "large" } as Job])).toBe("large");
  });
});
