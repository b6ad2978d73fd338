/** What a fine-tuning would take, told before it is started. */
import { api, answered, type Shapes } from "../../api/client";
import type { Form } from "./recipe";

export type Estimate = Shapes["EstimateAnswer"];
type Asked = Shapes["NewEstimate"];

/** What of a form an estimate depends on. */
export function askedOf(form: Pick<Form, "files" | "model" | "epochs" | "full" | "rank">): Asked {
  const { files, model, epochs, full, rank } = form;
  return { files, model, epochs, ...(full ? { full } : { rank }) };
}

export async function estimate(asked: Asked, signal: AbortSignal): Promise<Estimate> {
  return answered(api.POST("/v1/whence/estimate", { body: asked, signal }));
}
