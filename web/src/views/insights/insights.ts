/** What was found out about a run: its shapes, and how they are fetched. */
import { answered, api, type Shapes } from "../../api/client";
import type { Told } from "../../state/changes.svelte";

export type Found = Shapes["InsightsAnswer"];
export type Pair = Shapes["PairAnswer"];
export type Run = Shapes["FineTune"];
export type Recurring = Shapes["RecurringPair"];
export type Topic = Shapes["TopicAnswer"];
export type Unsupported = Shapes["UnsupportedAnswer"];
export type Evaluated = Shapes["EvaluationBrief"];

/** The finished runs, the newest first. */
export async function finished(): Promise<Run[]> {
  const { data } = await answered(api.GET("/v1/flow/fine-tunes"));
  return data.filter((run) => run.status === "completed");
}

/** What a run tells of its data. */
export function insightsOf(run: string, signal: AbortSignal): Promise<Found> {
  const params = { path: { job_id: run } };
  return answered(api.GET("/v1/whence/runs/{job_id}/insights", { params, signal }));
}

/** The report of the last evaluation, as a page of its own: fetched, as a link would not carry the key. */
export async function reportOf(run: string): Promise<string> {
  const params = { path: { job_id: run } };
  const page = await answered(api.GET("/v1/whence/runs/{job_id}/evaluation", { params, parseAs: "text" }));
  return URL.createObjectURL(new Blob([page as string], { type: "text/html" }));
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

/** One of each question, the latest: a question is often asked several times. */
export function distinct(unsupported: Unsupported[]): Unsupported[] {
  const seen = new Set<string>();
  return unsupported.filter(({ question }) => !seen.has(question.trim()) && seen.add(question.trim()));
}
