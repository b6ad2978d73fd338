/** What a fine-tuning would take, told before it is started. */
import { api, answered } from "../../api/client";
import type { Form } from "./recipe";

export type Estimate = {
  train_seconds: number;
  index_seconds: number;
  memory_bytes: number;
  disk_bytes: number;
  tokens: number;
  epochs: number;
  basis: string;
};
type Asked = { files: string[]; model: string; epochs?: number; rank?: number; full?: boolean };
type Post = (
  path: string,
  init: { body: Asked; signal: AbortSignal },
) => Promise<{ data?: Estimate; error?: unknown; response: Response }>;

/** What of a form an estimate depends on. */
export function askedOf(form: Form): Asked {
  const epochs = form.epochs ? { epochs: form.epochs } : {};
  const size = form.full ? { full: true } : form.rank ? { rank: form.rank } : {};
  return { files: form.files, model: form.model, ...epochs, ...size };
}

export async function estimate(asked: Asked, signal: AbortSignal): Promise<Estimate> {
  return answered((api.POST as unknown as Post)("/v1/whence/estimate", { body: asked, signal }));
}
