/** A file checked and uploaded: what the service finds in it, and where in the text that is. */
import { answered, api, type Shapes } from "../../api/client";

export type Check = Shapes["CheckAnswer"];
export type Problem = Shapes["ProblemAnswer"];
export type Uploaded = Shapes["FileAnswer"];

/** The endings that a file of pairs may have. */
export const ENDINGS = ".jsonl,.json,.csv,.parquet,.txt";
const LONGEST = 400;

/** What is in the file. Nothing is kept of it. */
export function checked(file: File, signal: AbortSignal): Promise<Check> {
  const body = { files: file as unknown as string };
  return answered(api.POST("/v1/whence/files/check", { body, bodySerializer: form, signal }));
}

/** The file, kept by the service. */
export function uploaded(file: File): Promise<Uploaded> {
  const body = { files: file as unknown as string, purpose: "fine-tune" };
  return answered(api.PUT("/v1/flow/files", { body, bodySerializer: form }));
}

function form(body: unknown): FormData {
  const made = new FormData();
  for (const [name, value] of Object.entries(body as Record<string, string | File>)) made.append(name, value);
  return made;
}

/** The wanted lines of a text, by their numbers from 1 on, cut where they are very long. Reads no further than needed. */
export async function linesOf(
  text: ReadableStream<Uint8Array>,
  wanted: Set<number>,
): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  const last = Math.max(...wanted);
  const reader = text
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader();
  let [rest, number] = ["", 1];
  const keep = (line: string): void => {
    if (wanted.has(number)) found.set(number, cut(line.replace(/\r$/, "")));
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

export type Place = { line: number; text: string | null; before: string | null; problems: Problem[] };

/** The problems by the line they are in, in the file's order; line 0 is the file as a whole. */
export function places(problems: Problem[], text: Map<number, string>): Place[] {
  const byLine = new Map<number, Problem[]>();
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
