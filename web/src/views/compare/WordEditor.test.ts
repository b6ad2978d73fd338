import { fireEvent, render, screen } from "@testing-library/svelte";
import { beforeEach, describe, expect, it } from "vitest";
import WordEditor from "./WordEditor.svelte";
import { compared, secondOf, type Piece } from "./words";

const TEXT = "The fire began in May.";
let pieces: Piece[];
let show: (next: Piece[]) => Promise<void>;

beforeEach(() => {
  pieces = compared(TEXT, TEXT);
  const props = { pieces, canUndo: true, onundo: () => {}, onedit: (next: Piece[]) => void show(next) };
  const { rerender } = render(WordEditor, props);
  show = (next) => {
    pieces = next;
    return rerender({ pieces });
  };
});

const word = (name: RegExp | string): HTMLElement => screen.getByRole("option", { name });
const click = async (target: HTMLElement): Promise<void> => {
  await fireEvent.pointerDown(target, { button: 0 });
  await fireEvent.pointerUp(window);
};
const press = (key: string, shiftKey = false): Promise<boolean> =>
  fireEvent.keyDown(document.activeElement as Element, { key, shiftKey });

describe("by mouse", () => {
  it("deletes a word and restores it", async () => {
    await click(word("fire"));
    expect(secondOf(pieces)).toBe("The began in May.");
    await click(word("fire, deleted"));
    expect(secondOf(pieces)).toBe(TEXT);
  });

  it("deletes the words that are dragged over", async () => {
    const under: { at: Element } = { at: word("in") };
    document.elementFromPoint = () => under.at;
    await fireEvent.pointerDown(word("in"), { button: 0 });
    under.at = word("May");
    await fireEvent.pointerMove(window);
    await fireEvent.pointerUp(window);
    expect(secondOf(pieces)).toBe("The fire began.");
  });

  it("replaces a word with what is typed, or leaves it on Escape", async () => {
    await fireEvent.click(screen.getByLabelText("Replace"));
    await click(word("May"));
    const typed = screen.getByRole("textbox", { name: "Replacement" });
    await fireEvent.input(typed, { target: { value: "early June" } });
    await fireEvent.keyDown(typed, { key: "Enter" });
    expect(secondOf(pieces)).toBe("The fire began in early June.");
    await click(word("began"));
    await fireEvent.input(screen.getByRole("textbox"), { target: { value: "ended" } });
    await fireEvent.keyDown(screen.getByRole("textbox"), { key: "Escape" });
    expect(secondOf(pieces)).toBe("The fire began in early June.");
  });

  it("adds words after one and reverts them", async () => {
    await fireEvent.click(screen.getByLabelText("Add"));
    await click(word("fire"));
    await fireEvent.input(screen.getByRole("textbox"), { target: { value: "soon" } });
    await fireEvent.keyDown(screen.getByRole("textbox"), { key: "Enter" });
    expect(secondOf(pieces)).toBe("The fire soon began in May.");
    await fireEvent.click(screen.getByLabelText("Revert"));
    await click(word("soon, added"));
    expect(secondOf(pieces)).toBe(TEXT);
  });
});

describe("by keyboard", () => {
  it("has one word in the tab order, and arrow keys move", async () => {
    const inOrder = screen.getAllByRole("option").filter((option) => option.tabIndex === 0);
    expect(inOrder.map((option) => option.textContent)).toEqual(["The"]);
    inOrder[0]?.focus();
    await press("ArrowRight");
    expect(document.activeElement?.textContent).toBe("fire");
    await press("End");
    expect(document.activeElement?.textContent).toBe(".");
  });

  it("deletes what Shift selects, and replaces a word with F2", async () => {
    word("The").focus();
    await press("ArrowRight", true);
    await press("Delete");
    expect(secondOf(pieces)).toBe("began in May.");
    await press("End");
    await press("F2");
    await fireEvent.input(screen.getByRole("textbox"), { target: { value: "!" } });
    await fireEvent.keyDown(screen.getByRole("textbox"), { key: "Enter" });
    expect(secondOf(pieces)).toBe("began in May!");
  });
});

it("reverts all at once", async () => {
  await click(word("fire"));
  await click(word("May"));
  await fireEvent.click(screen.getByRole("button", { name: "Revert all" }));
  expect(secondOf(pieces)).toBe(TEXT);
});
