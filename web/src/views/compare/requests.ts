/** The requests of a comparison: why the words of a side, or one text rather than the other. */
import type { Attribution } from "../../api/types";
import { unwrap, api } from "../../api/client";
import type { Span } from "./parts";
/** `left` explains the model's words, `right` the user's, `contrast` one text rather than the other. */
export const SIDES = ["left", "right", "contrast"] as const;
export type Side = (typeof SIDES)[number];
/** The number of pairs that each list shows. */
export type Lists = Record<`${Side}-${"for" | "against"}`, number>;
export type Question = { answer: string; selection: Span | null; instead: string | null };

const MOST = 10;
export const forEachSide = <T>(value: T): Record<Side, T> => ({ left: value, right: value, contrast: value });

/** Request the attribution of an answer. */
export function explain(
  about: { model: string; question: string; system: string },
  { answer, selection, instead }: Question,
  signal: AbortSignal,
): Promise<Attribution> {
  const { model, question, system } = about;
  const body = { model, question, answer, selection, instead, system_prompt: system || null, top_k: MOST };
  return unwrap(api.POST("/v1/whence/attributions", { body, signal }));
}

/** Load a stored attribution by its id. */
export async function load(id: string, signal: AbortSignal | undefined): Promise<Attribution | null> {
  if (!id) return null;
  const params = { path: { attribution_id: id } };
  return unwrap(api.GET("/v1/whence/attributions/{attribution_id}", { params, signal: signal ?? null }));
}

/** All pairs of an attribution, for and against. */
export const rowsOf = (one: Attribution | null): Attribution["results"] => [
  ...(one?.results ?? []),
  ...(one?.opposing ?? []),
];

/** The number of pairs that each list shows according to an address; one by default. */
export function readRows(query: URLSearchParams): Lists {
  const read = (name: string): number =>
    Math.min(MOST, Math.max(0, Math.round(Number(query.get(name) ?? 1)) || 0));
  const names = SIDES.flatMap((side) => [`${side}-for`, `${side}-against`]);
  return Object.fromEntries(names.map((name) => [name, read(name)])) as Lists;
}
