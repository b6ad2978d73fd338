import type { Attribution } from "../../api/types";
import { describe, expect, it } from "vitest";
import type { Change, PairRef } from "../../state/changes.svelte";
import { effectOn, reservations } from "./prediction";

const pair = (id: string): PairRef => ({
  id,
  file_id: "file-1",
  file: "faq.jsonl",
  line: 1,
  question: "q",
  answer: "a",
});
const answer = (parts: Partial<Attribution> = {}): Attribution =>
  ({
    unit: "nats",
    selection: null,
    instead: null,
    results: [
      { id: "a", score: 40 },
      { id: "b", score: 10 },
    ],
    opposing: [{ id: "c", score: -5 }],
    ...parts,
  }) as Attribution;

describe("the effect of a change set", () => {
  it("is minus the sum of the pairs' contributions, including opposing ones", () => {
    const changes: Change[] = [
      { kind: "exclude", pair: pair("a"), predicted: {} },
      { kind: "exclude", pair: pair("c"), predicted: {} },
      { kind: "exclude", pair: pair("z"), predicted: {} },
    ];
    expect(effectOn(answer(), changes)).toEqual({ nats: -35, counted: 2, small: 1, edited: 0, added: 0 });
  });

  it("counts an edit as the removal of the old text, and says so", () => {
    const changes: Change[] = [
      { kind: "edit", pair: pair("b"), question: "q", answer: "new", predicted: {} },
      { kind: "add", id: "n", question: "q", answer: "a" },
    ];
    const effect = effectOn(answer(), changes);
    expect(effect).toEqual({ nats: -10, counted: 1, small: 0, edited: 1, added: 1 });
    expect(effect && reservations(effect)).toEqual(["the new text of 1 edited pair", "1 added pair"]);
  });

  it("is not predicted from similarities or from a part of an answer", () => {
    expect(effectOn(answer({ unit: "similarity" }), [])).toBeNull();
    expect(effectOn(answer({ selection: [0, 4] }), [])).toBeNull();
    expect(effectOn(answer({ instead: "another" }), [])).toBeNull();
  });
});
