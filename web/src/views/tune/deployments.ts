/** Creating, promoting, demoting and awaiting deployments. */
import type { Deployment, Job } from "../../api/types";
import { api, unwrap } from "../../api/client";
import { jobName } from "./status";

export async function deployments(): Promise<Deployment[]> {
  return (await unwrap(api.GET("/v1/flow/deployments", { params: { query: { limit: 1000 } } }))).data;
}

/** Deploy a job's model. Repeating it with the same key returns the same deployment. */
export async function create(job: Job, name: string, key: string): Promise<Deployment> {
  const body = {
    model_type: "Fine-tuned Run" as const,
    model_id: job.id,
    name: name.slice(0, 100),
    description: `The model of ${jobName(job)}, job ${job.id}`.slice(0, 1000),
    n_instances: 1,
  };
  return unwrap(api.POST("/v1/flow/deployments", { body, params: { header: { "Idempotency-Key": key } } }));
}

export async function promote(id: string): Promise<Deployment> {
  const params = { path: { deployment_id: id } };
  return unwrap(api.PUT("/v1/flow/deployments/{deployment_id}/promote", { params }));
}

export async function demote(id: string): Promise<Deployment> {
  const params = { path: { deployment_id: id } };
  return unwrap(api.PUT("/v1/flow/deployments/{deployment_id}/demote", { params }));
}

/** Wait until the deployment's model is loaded or has failed to load. */
export async function settled(id: string, signal: AbortSignal): Promise<Deployment> {
  for (;;) {
    const params = { path: { deployment_id: id } };
    const found = await unwrap(api.GET("/v1/flow/deployments/{deployment_id}", { params, signal }));
    if (found.status !== "Pending") return found;
    await new Promise((wake) => setTimeout(wake, 1000));
  }
}
