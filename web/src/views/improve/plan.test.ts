import { expect, it } from "vitest";
import type { Change, PairRef } from "../../state/changes.svelte";
import { planOf, replaced, summaryOf } from "./plan";

const pair = (id: string, file_id: string): PairRef => ({
  id,
  file_id,
  file: "f",
  line: 1,
  question: "q",
  answer: "a",
});
const files = [
  { id: "one", filename: "one.jsonl", deleted: false },
  { id: "two", filename: "two.jsonl", deleted: false },
  { id: "three", filename: "three.jsonl", deleted: false },
];
const changes: Change[] = [
  { kind: "exclude", pair: pair("a", "two"), predicted: {} },
  { kind: "exclude", pair: pair("b", "two"), predicted: {} },
  { kind: "edit", pair: pair("c", "two"), question: "q2", answer: "a2", predicted: {} },
  { kind: "add", id: "n", question: "new", answer: "pair" },
  { kind: "exclude", pair: pair("s", "elsewhere"), predicted: {} },
];

it("plans one version per changed file, and lists changes outside the files", () => {
  const { revisions, strays } = planOf(changes, files, "one");
  expect(revisions.map((one) => one.file)).toEqual(["one", "two"]);
  expect(revisions[0]?.add).toEqual([{ question: "new", answer: "pair" }]);
  expect(revisions[1]?.exclude).toEqual(["a", "b"]);
  expect(revisions[1]?.edit).toEqual([{ id: "c", question: "q2", answer: "a2" }]);
  expect(strays).toHaveLength(1);
  expect(revisions.map(summaryOf)).toEqual(["1 pair added", "2 pairs excluded, 1 edited"]);
});

it("keeps the order of the files", () => {
  expect(replaced(["one", "two"], { two: "two-b" })).toEqual(["one", "two-b"]);
});
