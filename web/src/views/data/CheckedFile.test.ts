import type { FileCheck } from "../../api/types";
import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { expect, it, vi } from "vitest";
import CheckedFile from "./CheckedFile.svelte";

/** A service that returns the queued answers. The client takes `fetch` when its module is loaded. */
const service = vi.hoisted(() => {
  const state = { answers: [] as [number, unknown][], asked: [] as string[] };
  globalThis.fetch = (input) => {
    const request = input as Request;
    state.asked.push(`${request.method} ${new URL(request.url).pathname}`);
    const [status, body] = state.answers.shift() ?? [500, {}];
    const headers = { "content-type": "application/json" };
    return Promise.resolve(new Response(JSON.stringify(body), { status, headers }));
  };
  return state;
});

const found: FileCheck = {
  object: "check",
  filename: "faq.jsonl",
  bytes: 60,
  lines: 3,
  pairs: 3,
  problems: [],
  problems_total: 0,
  duplicates: [],
  question_chars: 4,
  answer_chars: 2,
  sample: [],
};
const text = '{"question": "A?"}\n{"question": "B?", "answer": ""}\n{"question": "C?", "answer": "C."}\n';
const file = (): File => {
  const file = new File([text], "faq.jsonl");
  // jsdom's files lack `stream`.
  file.stream = () =>
    new ReadableStream({
      start(parts) {
        parts.enqueue(new TextEncoder().encode(text));
        parts.close();
      },
    });
  return file;
};

function answer(...answers: [status: number, body: unknown][]): string[] {
  service.answers = answers;
  service.asked = [];
  return service.asked;
}

it("shows an invalid line in context, with rule, value and fix, and offers no upload", async () => {
  const problem = { line: 2, rule: "`answer` must not be empty", value: "", fix: "Write its text." };
  answer([200, { ...found, pairs: 1, problems: [problem], problems_total: 1 }]);
  render(CheckedFile, { file: file(), onclose: () => {} });
  await screen.findByText(/1 problem to fix/);
  const lines = await screen.findByRole("list", { name: "Lines to fix" });
  await waitFor(() => expect(lines.textContent).toContain('{"question": "B?", "answer": ""}'));
  expect(lines.textContent).toContain('{"question": "A?"}');
  expect(lines.textContent).toContain("must not be empty");
  expect(lines.textContent).toContain("Write its text.");
  expect(screen.queryByRole("button", { name: /Upload/ })).toBeNull();
});

it("uploads a valid file and goes to its pairs", async () => {
  const asked = answer([200, found], [200, { id: "file-7" }]);
  render(CheckedFile, { file: file(), onclose: () => {} });
  await fireEvent.click(await screen.findByRole("button", { name: "Upload 3 pairs" }));
  await waitFor(() => expect(location.hash).toBe("#/data?file=file-7"));
  expect(asked).toEqual(["POST /v1/whence/files/check", "PUT /v1/flow/files"]);
});

it("says what the service says when it refuses the file", async () => {
  answer([400, { message: "The file is larger than 1 GB. Split it." }]);
  render(CheckedFile, { file: file(), onclose: () => {} });
  expect(await screen.findByText("The file is larger than 1 GB. Split it.")).toBeTruthy();
  expect(screen.getByRole("button", { name: "Check again" })).toBeTruthy();
});
