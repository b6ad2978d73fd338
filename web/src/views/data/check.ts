/** Checking and uploading a file, and locating the problems in its text. */
import type { DataFile, FileCheck, FileProblem } from "../../api/types";
import { unwrap, api } from "../../api/client";

/** The accepted file extensions. */
export const ENDINGS = ".jsonl,.json,.csv,.parquet,.txt";
const LONGEST = 400;

/** Check a file. The service does not store it. */
export function checkFile(file: File, signal: AbortSignal): Promise<FileCheck> {
  const body = { files: file as unknown as string };
  return unwrap(api.POST("/v1/whence/files/check", { body, bodySerializer: form, signal }));
}

/** Upload a file. */
export function uploadFile(file: File): Promise<DataFile> {
  const body = { files: file as unknown as string, purpose: "fine-tune" };
  return unwrap(api.PUT("/v1/flow/files", { body, bodySerializer: form }));
}

function form(body: unknown): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(body as Record<string, string | File>)) data.append(name, value);
  return data;
}

/** The lines of a text with the given numbers, counted from 1; very long ones are cut. Reads no further than needed. */
export async function linesOf(
  text: ReadableStream<Uint8Array>,
  numbers: Set<number>,
): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  const last = Math.max(...numbers);
  const reader = text
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader();
  let [rest, number] = ["", 1];
  const keep = (line: string): void => {
    if (numbers.has(number)) found.set(number, cut(line.replace(/\r$/, "")));
    number += 1;
  };
  while (number <= last) {
    const { done, value } = await reader.read();
    if (done) {
      if (rest) keep(rest);
      break;
    }
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(keep);
  }
  await reader.cancel().catch(() => undefined);
  return found;
}

const cut = (line: string): string => (line.length > LONGEST ? `${line.slice(0, LONGEST)} …` : line);

export type Place = { line: number; text: string | null; before: string | null; problems: FileProblem[] };

/** The problems grouped by line, in the file's order; line 0 stands for the whole file. */
export function places(problems: FileProblem[], text: Map<number, string>): Place[] {
  const byLine = new Map<number, FileProblem[]>();
  for (const problem of problems) byLine.set(problem.line, [...(byLine.get(problem.line) ?? []), problem]);
  return [...byLine.entries()]
    .toSorted(([a], [b]) => a - b)
    .map(([line, found]) => ({
      line,
      text: text.get(line) ?? null,
      before: byLine.has(line - 1) ? null : (text.get(line - 1) ?? null),
      problems: found,
    }));
}
