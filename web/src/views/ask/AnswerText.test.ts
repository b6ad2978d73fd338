import { fireEvent, render, screen } from "@testing-library/svelte";
import { describe, expect, it, vi } from "vitest";
import AnswerText from "./AnswerText.svelte";

const TEXT = "The lamp stands 181 centimetres tall.";

function shown(selection: { start: number; end: number } | null = null) {
  const onselect = vi.fn();
  render(AnswerText, { text: TEXT, selection, onselect });
  const word = (text: string): HTMLElement => screen.getByRole("button", { name: text });
  return { onselect, word };
}

describe("a selectable answer", () => {
  it("shows the whole text", () => {
    shown();
    expect(screen.getByRole("group").textContent).toBe(TEXT);
  });

  it("explains the focused word on Enter", async () => {
    const { onselect, word } = shown();
    word("181").focus();
    await fireEvent.keyDown(word("181"), { key: "Enter" });
    expect(onselect).toHaveBeenCalledWith({ start: 16, end: 19 });
  });

  it("extends with Shift and arrow keys, across the spaces between words", async () => {
    const { onselect, word } = shown();
    word("181").focus();
    await fireEvent.keyDown(word("181"), { key: "ArrowRight", shiftKey: true });
    await fireEvent.keyDown(word("centimetres"), { key: "Enter" });
    const [range] = onselect.mock.calls[0] as [{ start: number; end: number }];
    expect(TEXT.slice(range.start, range.end)).toBe("181 centimetres");
  });

  it("is a single tab stop at any length", () => {
    shown();
    const stops = screen.getAllByRole("button").filter((word) => word.tabIndex === 0);
    expect(stops).toHaveLength(1);
  });

  it("marks the explained words, and clears them on Escape", async () => {
    const { onselect, word } = shown({ start: 16, end: 19 });
    expect(word("181").getAttribute("aria-pressed")).toBe("true");
    expect(word("lamp").getAttribute("aria-pressed")).toBe("false");
    await fireEvent.keyDown(word("181"), { key: "Escape" });
    expect(onselect).toHaveBeenCalledWith(null);
  });
});
