import { fireEvent, render, screen } from "@testing-library/svelte";
import { beforeEach, describe, expect, it } from "vitest";
import { changes } from "../state/changes.svelte";
import PairActions from "./PairActions.svelte";

const pair = {
  id: "pair-1",
  file_id: "file-1",
  file: "faq.jsonl",
  line: 61,
  turn: 0,
  question: "How tall is it?",
  answer: "181 cm",
  messages: "",
  conversation: [],
  metadata: {},
};

const show = (run = "job-1") => render(PairActions, { pair, run, predicted: { "attribution-1": -1.5 } });
const button = (name: string): HTMLElement => screen.getByRole("button", { name });

describe("what can be done with a pair", () => {
  beforeEach(() => {
    changes.turn("job-1");
    changes.clear();
    changes.unflag(pair.id);
  });

  it("excludes it, with what that is predicted to do, and takes that back", async () => {
    show();
    await fireEvent.click(button("Exclude"));
    expect(changes.of("pair-1")).toMatchObject({ kind: "exclude", predicted: { "attribution-1": -1.5 } });
    expect(button("Excluded").getAttribute("aria-pressed")).toBe("true");
    await fireEvent.click(button("Undo"));
    expect(changes.of("pair-1")).toBeUndefined();
  });

  it("keeps an edit once it is complete, and begins with it the next time", async () => {
    show();
    await fireEvent.click(button("Edit"));
    const answer = screen.getByLabelText("Answer");
    await fireEvent.input(answer, { target: { value: " " } });
    expect(button("Keep the edit").hasAttribute("disabled")).toBe(true);
    await fireEvent.input(answer, { target: { value: "118 cm" } });
    await fireEvent.click(button("Keep the edit"));
    expect(changes.of("pair-1")).toMatchObject({
      kind: "edit",
      question: "How tall is it?",
      answer: "118 cm",
    });
    await fireEvent.click(button("Edit"));
    expect((screen.getByLabelText("Answer") as HTMLTextAreaElement).value).toBe("118 cm");
  });

  it("pins and flags it", async () => {
    show();
    await fireEvent.click(button("Pin"));
    expect(changes.here.pinned.map((one) => one.id)).toEqual(["pair-1"]);
    await fireEvent.click(button("Pinned"));
    expect(changes.here.pinned).toEqual([]);
    await fireEvent.click(button("Flag"));
    await fireEvent.input(screen.getByLabelText("What is the matter with it?"), {
      target: { value: "digits" },
    });
    await fireEvent.click(button("Flag it"));
    expect(changes.here.flagged).toMatchObject([{ note: "digits", pair: { id: "pair-1", line: 61 } }]);
    expect(screen.getByText(/digits/)).toBeTruthy();
  });

  it("asks for a model first where none was trained on it", () => {
    show("");
    expect(screen.queryByRole("button")).toBeNull();
    expect(screen.getByRole("link").getAttribute("href")).toBe("#/tune?file=file-1");
  });
});
