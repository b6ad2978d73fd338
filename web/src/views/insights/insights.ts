/** What was found out about a run: its shapes, and how they are fetched. */
import { answered, api, BASE, refusal, type Shapes } from "../../api/client";
import { key } from "../../state/key.svelte";
import type { Told } from "../../state/changes.svelte";

export type Pair = Shapes["PairAnswer"];
export type Run = Shapes["FineTune"];
export type Recurring = Shapes["RecurringPair"];
export type Suspect = {
  pair: Pair;
  self_influence: number;
  percentile: number;
  agreement: number | null;
  reason: string;
};
export type Copies = { pairs: Pair[]; question: string };
export type Contradiction = { pairs: Pair[]; question: string; reason: string };
export type Topic = { name: string; size: number; files: string[]; answered: number };
export type Unsupported = {
  attribution_id: string;
  question: string;
  answer: string;
  sentence: string;
  lift: number;
  needed: number;
};
export type Found = {
  state: "ready" | "computing" | "absent";
  suspects: Suspect[];
  duplicates: Copies[];
  topics: Topic[];
  contradictions: Contradiction[];
  unsupported: Unsupported[];
  evaluation: Record<string, unknown> | null;
};

/** The finished runs, the newest first. */
export async function finished(): Promise<Run[]> {
  const { data } = await answered(api.GET("/v1/flow/fine-tunes"));
  return data.filter((run) => run.status === "completed");
}

/** What a run is called. */
export function nameOf(run: Run): string {
  const day = new Date(run.created_at).toLocaleDateString("en", { month: "short", day: "numeric" });
  return `${run.experiment_name || run.model}, ${day} (${run.id.slice(-6)})`;
}

export async function insightsOf(run: string, signal: AbortSignal): Promise<Found> {
  const headers: HeadersInit = key.value ? { Authorization: `Bearer ${key.value}` } : {};
  const response = await fetch(`${BASE}/v1/whence/runs/${encodeURIComponent(run)}/insights`, {
    headers,
    signal,
  });
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw refusal(response, body);
  return body as Found;
}

/** The pairs that were `high` in the most answers of a run, as they stand in their files. */
export async function recurring(
  run: string,
  limit: number,
  signal: AbortSignal,
): Promise<{ rows: Recurring[]; total: number }> {
  const query = { model: run, level: "high" as const, limit };
  const { data, total } = await answered(
    api.GET("/v1/whence/pairs/recurring", { params: { query }, signal }),
  );
  return { rows: data, total };
}

/** A pair by its id, for those that are listed without question and answer. */
export function pairOf(id: string, run: string): Promise<Pair> {
  const params = { path: { pair_id: id }, query: { model: run } };
  return answered(api.GET("/v1/whence/pairs/{pair_id}", { params }));
}

/** A pair as the change set keeps it. */
export function toldOf({ id, file_id, file, line, question, answer }: Pair): Told {
  return { id, file_id, file, line, question, answer };
}

/** The pairs of a group that say the same as the first of them. */
export const copiesOf = (pairs: Pair[]): Pair[] => pairs.slice(1);
