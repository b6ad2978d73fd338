import type { FileProblem } from "../../api/types";
import { expect, it } from "vitest";
import { linesOf, places } from "./check";

const stream = (...parts: string[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(new TextEncoder().encode(part));
      controller.close();
    },
  });
const problem = (line: number): FileProblem => ({ line, rule: `rule ${line}`, value: "", fix: "" });

it("finds lines by number however the text is split into chunks", async () => {
  const found = await linesOf(stream("one\r\ntw", "o\nthree\nfo", "ur"), new Set([2, 4, 9]));
  expect([...found]).toEqual([
    [2, "two"],
    [4, "four"],
  ]);
});

it("cuts a line that is very long", async () => {
  const found = await linesOf(stream("x".repeat(5000)), new Set([1]));
  expect(found.get(1)?.length).toBeLessThan(500);
});

it("groups problems by line, with the line before if that is valid", () => {
  const text = new Map([
    [1, "a"],
    [2, "b"],
    [3, "c"],
  ]);
  const found = places([problem(3), problem(2), problem(2), problem(0)], text);
  expect(found.map(({ line, before, text, problems }) => [line, before, text, problems.length])).toEqual([
    [0, null, null, 1],
    [2, "a", "b", 2],
    [3, null, "c", 1],
  ]);
});
