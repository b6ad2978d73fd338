/** The requests of the insights view. */
import type { Job, Pair, RecurringPair, RunInsights, UnsupportedAnswer } from "../../api/types";
import { unwrap, api } from "../../api/client";

/** The completed runs, newest first. */
export async function completedRuns(): Promise<Job[]> {
  const { data } = await unwrap(api.GET("/v1/flow/fine-tunes"));
  return data.filter((run) => run.status === "completed");
}

/** The insights into a run's data. */
export function insightsOf(run: string, signal: AbortSignal): Promise<RunInsights> {
  const params = { path: { job_id: run } };
  return unwrap(api.GET("/v1/whence/runs/{job_id}/insights", { params, signal }));
}

/** The URL of the last evaluation's report. It is fetched, because a link would not carry the key. */
export async function reportOf(run: string): Promise<string> {
  const params = { path: { job_id: run } };
  const page = await unwrap(api.GET("/v1/whence/runs/{job_id}/evaluation", { params, parseAs: "text" }));
  return URL.createObjectURL(new Blob([page as string], { type: "text/html" }));
}

/** The pairs with `high` influence on the most answers of a run. */
export async function recurring(
  run: string,
  limit: number,
  signal: AbortSignal,
): Promise<{ rows: RecurringPair[]; total: number }> {
  const query = { model: run, level: "high" as const, limit };
  const { data, total } = await unwrap(api.GET("/v1/whence/pairs/recurring", { params: { query }, signal }));
  return { rows: data, total };
}

/** A pair by its id, for lists that lack question and answer. */
export function pairOf(id: string, run: string): Promise<Pair> {
  const params = { path: { pair_id: id }, query: { model: run } };
  return unwrap(api.GET("/v1/whence/pairs/{pair_id}", { params }));
}

/** Keep the latest answer to each question: a question is often asked several times. */
export function distinct(unsupported: UnsupportedAnswer[]): UnsupportedAnswer[] {
  const seen = new Set<string>();
  return unsupported.filter(({ question }) => !seen.has(question.trim()) && seen.add(question.trim()));
}
