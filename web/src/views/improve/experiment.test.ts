/** An experiment from the change set to the verdict, against a simulated service. */
import { beforeEach, expect, it, vi } from "vitest";
import { changes } from "../../state/changes.svelte";
import { Experiment } from "./experiment.svelte";

/** The client takes `fetch` when its module is loaded, so a programmable one is installed before. */
const service = vi.hoisted(() => {
  const service = { answer: (_: Request): Promise<Response> => Promise.reject(new Error("no answer set")) };
  globalThis.fetch = (input, init) => service.answer(new Request(input, init));
  return service;
});

const pair = { id: "p1", file_id: "one", file: "one.jsonl", line: 3, question: "q", answer: "wrong" };
const revision = { file: "one", filename: "one.jsonl", exclude: ["p1"], edit: [], add: [] };
const job = { model: "small", training_files: ["one", "two"], accel_type: "A100", n_accel: 1, n_node: 1 };
const manifest = {
  config: { epochs: 5, batch_size: 8, learning_rate: 0.002, rank: 16, alpha: 32, targets: "mlp" },
};
const attribution = {
  question: "q",
  unit: "nats",
  selection: null,
  instead: null,
  opposing: [],
  system_prompt: null,
};
let asked: string[];
let bodies: Record<string, unknown>[];
let newJob: string;

function reply(method: string, path: string, body: Record<string, unknown> | null): unknown {
  if (path === "/v1/whence/files/one/revisions") return { id: "one-b" };
  if (path === "/v1/flow/fine-tunes/ft-old") return { ...job, id: "ft-old", status: "completed" };
  if (path === "/v1/whence/runs/ft-old") return { files: [{ id: "one" }, { id: "two" }], manifest };
  if (path === "/v1/flow/fine-tune") return { ...job, id: "ft-new", status: "pending" };
  if (path === "/v1/flow/fine-tunes/ft-new") return { ...job, id: "ft-new", status: newJob };
  if (path === "/v1/flow/deployments" && method === "POST") return { id: "d-new", status: "Inactive" };
  if (path === "/v1/flow/deployments") {
    return {
      data: [
        { id: "d-old", model_id: "ft-old", status: "Active" },
        { id: "d-x", model_id: "x", status: "Active" },
      ],
    };
  }
  if (path.startsWith("/v1/flow/deployments/")) return { id: path.split("/")[4], status: "Active" };
  if (path === "/v1/whence/attributions/a-old") {
    const results = [{ id: "p1", score: 40 }];
    return { ...attribution, id: "a-old", answer: "wrong", results, lift: { fine_tuned: -1 } };
  }
  if (path === "/v1/whence/attributions") {
    const own = !body?.["answer"];
    const answer = own ? "right" : "wrong";
    return {
      ...attribution,
      id: own ? "a-own" : "a-measured",
      answer,
      results: [],
      lift: { fine_tuned: -38 },
    };
  }
  throw new Error(`${method} ${path}`);
}

beforeEach(() => {
  localStorage.clear();
  asked = [];
  bodies = [];
  newJob = "completed";
  service.answer = async (request) => {
    const path = new URL(request.url).pathname;
    const body = request.method === "POST" ? ((await request.json()) as Record<string, unknown>) : null;
    asked.push(`${request.method} ${path}`);
    if (body) bodies.push(body);
    if (path.endsWith("/events")) return new Response(`event: end\ndata: {"status": "${newJob}"}\n\n`);
    return Response.json(reply(request.method, path, body));
  };
  changes.turn("ft-old");
  changes.clear();
  changes.exclude(pair);
  changes.watch({ attribution: "a-old", question: "q", answer: "wrong", before: -1 });
});

async function done(experiment: Experiment): Promise<void> {
  await experiment.proceed(new AbortController().signal);
}

it("creates a version, trains on it with the same recipe, deploys, and asks the watched questions again", async () => {
  const experiment = new Experiment();
  experiment.open("ft-old", null);
  experiment.begin("ft-old", [revision]);
  await done(experiment);
  expect(experiment.error).toBe("");
  expect(experiment.step).toBe("deciding");
  expect(bodies[0]).toEqual({ exclude: ["p1"], edit: [], add: [] });
  expect(bodies[1]?.["training_config"]).toMatchObject({
    training_files: ["one-b", "two"],
    n_epochs: 5,
    batch_size: 8,
  });
  expect(experiment.saved?.outcomes).toEqual([
    { watched: "a-old", measured: "a-measured", own: "a-own", predicted: -40 },
  ]);
});

it("continues after a reload without repeating steps", async () => {
  newJob = "failed";
  const before = new Experiment();
  before.begin("ft-old", [revision]);
  await done(before);
  expect(before.error).toContain("failed");
  newJob = "completed";
  const after = new Experiment();
  after.open("ft-old", null);
  await done(after);
  expect(after.step).toBe("deciding");
  expect(asked.filter((one) => one.endsWith("/revisions"))).toHaveLength(1);
  expect(asked.filter((one) => one === "POST /v1/flow/fine-tune")).toHaveLength(1);
});

it("activates the accepted model and clears the change set", async () => {
  const experiment = new Experiment();
  experiment.begin("ft-old", [revision]);
  await done(experiment);
  await experiment.accept();
  expect(asked).toContain("PUT /v1/flow/deployments/d-old/demote");
  expect(asked).not.toContain("PUT /v1/flow/deployments/d-x/demote");
  expect(experiment.step).toBe("decided");
  expect(changes.size).toBe(0);
});

it("keeps the old model and the change set when discarded", async () => {
  const experiment = new Experiment();
  experiment.begin("ft-old", [revision]);
  await done(experiment);
  await experiment.discard();
  expect(asked).toContain("PUT /v1/flow/deployments/d-new/demote");
  expect(asked).not.toContain("PUT /v1/flow/deployments/d-old/demote");
  expect(changes.size).toBe(1);
});
