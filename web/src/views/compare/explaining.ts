/** What is asked of the service: why the words of a side, or the one text rather than the other. */
import { answered, api, type Shapes } from "../../api/client";
import type { Span } from "./parts";

export type Attribution = Shapes["AttributionAnswer"];
/** `left` explains the model's words, `right` the person's, `contrast` the one text rather than the other. */
export const SIDES = ["left", "right", "contrast"] as const;
export type Side = (typeof SIDES)[number];
/** How many pairs each list shows. */
export type Lists = Record<`${Side}-${"for" | "against"}`, number>;
export type Asked = { answer: string; selection: Span | null; instead: string | null };

const MOST = 10;
export const nothing = <T>(value: T): Record<Side, T> => ({ left: value, right: value, contrast: value });

/** An answer explained anew. */
export function explained(
  about: { model: string; question: string; system: string },
  { answer, selection, instead }: Asked,
  signal: AbortSignal,
): Promise<Attribution> {
  const { model, question, system } = about;
  const body = { model, question, answer, selection, instead, system_prompt: system || null, top_k: MOST };
  return answered(api.POST("/v1/whence/attributions", { body, signal }));
}

/** A kept attribution, by its id. */
export async function kept(id: string, signal: AbortSignal | undefined): Promise<Attribution | null> {
  if (!id) return null;
  const params = { path: { attribution_id: id } };
  return answered(api.GET("/v1/whence/attributions/{attribution_id}", { params, signal: signal ?? null }));
}

/** All pairs that were returned, for and against. */
export const rowsOf = (one: Attribution | null): Attribution["results"] => [
  ...(one?.results ?? []),
  ...(one?.opposing ?? []),
];

/** How many pairs each list shows, as an address says: one where it says nothing. */
export function readRows(query: URLSearchParams): Lists {
  const read = (name: string): number =>
    Math.min(MOST, Math.max(0, Math.round(Number(query.get(name) ?? 1)) || 0));
  const names = SIDES.flatMap((side) => [`${side}-for`, `${side}-against`]);
  return Object.fromEntries(names.map((name) => [name, read(name)])) as Lists;
}
