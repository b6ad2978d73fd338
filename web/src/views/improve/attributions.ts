/** The requests of an experiment. */
import type { Attribution } from "../../api/types";
import { api, unwrap } from "../../api/client";
import { effectOn, isPart } from "./prediction";
import type { Change } from "../../state/changes.svelte";
import type { Outcome } from "./outcomes";
import type { Revision } from "./plan";

/** Create a new version of a file and return its id. */
export async function createRevision(revision: Revision): Promise<string> {
  const { file, exclude, edit, add } = revision;
  const params = { path: { file_id: file } };
  const call = api.POST("/v1/whence/files/{file_id}/revisions", { params, body: { exclude, edit, add } });
  return (await unwrap(call)).id;
}

const cache = new Map<string, Attribution>();

/** A stored attribution. It never changes, so it is fetched once. */
export async function attributionOf(id: string): Promise<Attribution> {
  const cached = cache.get(id);
  if (cached) return cached;
  const params = { path: { attribution_id: id } };
  const found = await unwrap(api.GET("/v1/whence/attributions/{attribution_id}", { params }));
  cache.set(id, found);
  return found;
}

/** Request an attribution of a given text, or of the model's own answer. */
export async function explain(
  model: string,
  asked: Attribution,
  answer: string | null,
  signal: AbortSignal,
): Promise<Attribution> {
  const body = { model, question: asked.question, answer, system_prompt: asked.system_prompt };
  const found = await unwrap(api.POST("/v1/whence/attributions", { body, signal }));
  cache.set(found.id, found);
  return found;
}

/** Measure a watched answer under the new model. */
export async function outcomeOf(
  watched: string,
  model: string,
  changes: readonly Change[],
  signal: AbortSignal,
): Promise<Outcome> {
  let old = await attributionOf(watched);
  if (isPart(old)) old = await explain(old.model, old, old.answer, signal);
  const own = await explain(model, old, null, signal);
  const measured = own.answer === old.answer ? own : await explain(model, old, old.answer, signal);
  const predicted = effectOn(old, changes)?.nats ?? null;
  return { watched: old.id, measured: measured.id, own: own.id, predicted };
}
