/** The source of the pairs shown: a file, or the data of a run. */
import type { Job, Pair, PairInPlace } from "../../api/types";
import { unwrap, api } from "../../api/client";
import type { Fetch } from "./pages.svelte";

export type Source = { kind: "file" | "run"; id: string };

/** Return a function that loads a page of a source's pairs: all, or those that contain a text. */
export function pairsOf(source: Source, search: string): Fetch<Pair> {
  return (offset, limit, signal) => {
    const query = { offset, limit, ...(search ? { search } : {}) };
    return source.kind === "file"
      ? unwrap(
          api.GET("/v1/whence/files/{file_id}/pairs", {
            params: { path: { file_id: source.id }, query },
            signal,
          }),
        )
      : unwrap(
          api.GET("/v1/whence/runs/{job_id}/pairs", {
            params: { path: { job_id: source.id }, query },
            signal,
          }),
        );
  };
}

/** The name of a source, and the latest completed run trained on it. */
export type Named = { name: string; files: string[]; run: string | null };

export async function named(source: Source): Promise<Named> {
  if (source.kind === "run") {
    const run = await unwrap(
      api.GET("/v1/whence/runs/{job_id}", { params: { path: { job_id: source.id } } }),
    );
    const files = run.files.map((file) => file.filename);
    return { name: files.join(", ") || source.id, files, run: source.id };
  }
  const file = await unwrap(
    api.GET("/v1/flow/files/{file_id}", { params: { path: { file_id: source.id } } }),
  );
  const jobs = await unwrap(api.GET("/v1/flow/fine-tunes"));
  return { name: file.filename, files: [file.filename], run: runOn(jobs.data, source.id)?.id ?? null };
}

/** The newest completed job on a file; `jobs` come newest first. */
export function runOn(jobs: Job[], file: string): Job | undefined {
  return jobs.find((job) => job.status === "completed" && job.training_files.includes(file));
}

/** A pair of a file that no model was trained on, with its neighbours; found by its line, else by its question. */
export async function pairInFile(
  file: string,
  id: string,
  line: number,
  question: string,
): Promise<PairInPlace> {
  const path = { file_id: file };
  const near = { offset: Math.max(0, line - 4), limit: 8 };
  const around = await unwrap(api.GET("/v1/whence/files/{file_id}/pairs", { params: { path, query: near } }));
  const at = around.data.findIndex((pair) => pair.id === id);
  const found = around.data[at];
  if (found) {
    const neighbours = [around.data[at - 1], around.data[at + 1]].filter((pair) => pair !== undefined);
    return { ...found, neighbours };
  }
  const query = { search: question.slice(0, 1000), limit: 1000 };
  const alike = await unwrap(api.GET("/v1/whence/files/{file_id}/pairs", { params: { path, query } }));
  const pair = alike.data.find((one) => one.id === id);
  if (!pair) throw new Error("This pair is not in the file. Search for it in the list of the file's pairs.");
  return { ...pair, neighbours: [] };
}
