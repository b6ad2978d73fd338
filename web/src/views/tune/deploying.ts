/** Deployments: made, promoted, demoted, waited for. */
import { api, answered } from "../../api/client";
import { nameOf, type Deployment, type Job } from "./states";

export async function deployments(): Promise<Deployment[]> {
  return (await answered(api.GET("/v1/flow/deployments", { params: { query: { limit: 1000 } } }))).data;
}

/** Make a deployment of a job's model. The same key makes the same one again, not another. */
export async function create(job: Job, name: string, key: string): Promise<Deployment> {
  const body = {
    model_type: "Fine-tuned Run" as const,
    model_id: job.id,
    name: name.slice(0, 100),
    description: `The model of ${nameOf(job)}, job ${job.id}`.slice(0, 1000),
    n_instances: 1,
  };
  return answered(api.POST("/v1/flow/deployments", { body, params: { header: { "Idempotency-Key": key } } }));
}

export async function promote(id: string): Promise<Deployment> {
  const params = { path: { deployment_id: id } };
  return answered(api.PUT("/v1/flow/deployments/{deployment_id}/promote", { params }));
}

export async function demote(id: string): Promise<Deployment> {
  const params = { path: { deployment_id: id } };
  return answered(api.PUT("/v1/flow/deployments/{deployment_id}/demote", { params }));
}

/** The deployment, once its model is in memory or could not be loaded. */
export async function settled(id: string, signal: AbortSignal): Promise<Deployment> {
  for (;;) {
    const params = { path: { deployment_id: id } };
    const found = await answered(api.GET("/v1/flow/deployments/{deployment_id}", { params, signal }));
    if (found.status !== "Pending") return found;
    await new Promise((wake) => setTimeout(wake, 1000));
  }
}
