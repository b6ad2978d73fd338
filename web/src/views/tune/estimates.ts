/** The estimated cost of a fine-tuning job. */
import type { Estimate, EstimateRequest } from "../../api/types";
import { api, unwrap } from "../../api/client";
import type { Form } from "./recipe";

/** The part of a form that the estimate depends on. */
export function requestOf(form: Pick<Form, "files" | "model" | "epochs" | "full" | "rank">): EstimateRequest {
  const { files, model, epochs, full, rank } = form;
  return { files, model, epochs, ...(full ? { full } : { rank }) };
}

export async function estimate(request: EstimateRequest, signal: AbortSignal): Promise<Estimate> {
  return unwrap(api.POST("/v1/whence/estimate", { body: request, signal }));
}
