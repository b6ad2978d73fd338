/** What the service is asked for in an experiment. */
import { api, answered } from "../../api/client";
import { effectOn, isPart, type Attribution } from "./prediction";
import type { Change } from "../../state/changes.svelte";
import type { Outcome } from "./outcomes";
import type { Revision } from "./plan";

/** The id of the new version of a file. The old one stays as it is. */
export async function revised(revision: Revision): Promise<string> {
  const { file, exclude, edit, add } = revision;
  const params = { path: { file_id: file } };
  const call = api.POST("/v1/whence/files/{file_id}/revisions", { params, body: { exclude, edit, add } });
  return (await answered(call)).id;
}

const known = new Map<string, Attribution>();

/** A kept attribution; it never changes, so it is fetched once. */
export async function attributionOf(id: string): Promise<Attribution> {
  const before = known.get(id);
  if (before) return before;
  const params = { path: { attribution_id: id } };
  const found = await answered(api.GET("/v1/whence/attributions/{attribution_id}", { params }));
  known.set(id, found);
  return found;
}

/** A new attribution: of a text that is given, or of the model's own answer. */
export async function explained(
  model: string,
  asked: Attribution,
  answer: string | null,
  signal: AbortSignal,
): Promise<Attribution> {
  const body = { model, question: asked.question, answer, system_prompt: asked.system_prompt };
  const found = await answered(api.POST("/v1/whence/attributions", { body, signal }));
  known.set(found.id, found);
  return found;
}

/** What became of one watched answer under the new model. */
export async function outcomeOf(
  watched: string,
  model: string,
  changes: readonly Change[],
  signal: AbortSignal,
): Promise<Outcome> {
  let old = await attributionOf(watched);
  if (isPart(old)) old = await explained(old.model, old, old.answer, signal);
  const own = await explained(model, old, null, signal);
  const measured = own.answer === old.answer ? own : await explained(model, old, old.answer, signal);
  const predicted = effectOn(old, changes)?.nats ?? null;
  return { watched: old.id, measured: measured.id, own: own.id, predicted };
}
