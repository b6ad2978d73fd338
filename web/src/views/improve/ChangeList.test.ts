import { fireEvent, render, screen } from "@testing-library/svelte";
import { beforeEach, expect, it } from "vitest";
import { changes } from "../../state/changes.svelte";
import ChangeList from "./ChangeList.svelte";

const pair = { id: "p1", file_id: "f", file: "faq.jsonl", line: 61, question: "How tall?", answer: "181 cm" };

beforeEach(() => {
  changes.turn("ft-1");
  changes.clear();
});

it("lists an excluded pair, and undoes the change", async () => {
  changes.exclude(pair);
  render(ChangeList, { run: "ft-1" });
  expect(screen.getByText("1 change")).toBeTruthy();
  await fireEvent.click(screen.getByRole("button", { name: "Undo the change to faq.jsonl:61" }));
  expect(changes.size).toBe(0);
  expect(screen.getByText("No changes yet")).toBeTruthy();
});

it("marks the words that an edit removes and adds", () => {
  changes.edit(pair, "How tall?", "118 cm");
  const { container } = render(ChangeList, { run: "ft-1" });
  expect(container.querySelector("del")?.textContent).toBe("181");
  expect(container.querySelector("ins")?.textContent).toBe("118");
});

it("adds a pair", async () => {
  render(ChangeList, { run: "ft-1" });
  await fireEvent.click(screen.getByRole("button", { name: "Add a pair" }));
  await fireEvent.input(screen.getByLabelText("Question"), { target: { value: "What bulb?" } });
  await fireEvent.input(screen.getByLabelText("Answer"), { target: { value: "HT9." } });
  await fireEvent.click(screen.getByRole("button", { name: "Add pair" }));
  expect(changes.here.changes[0]).toMatchObject({ kind: "add", question: "What bulb?", answer: "HT9." });
});

it("excludes a flagged pair", async () => {
  changes.flag(pair, "looks wrong");
  render(ChangeList, { run: "ft-1" });
  await fireEvent.click(screen.getByRole("button", { name: "Exclude faq.jsonl:61" }));
  expect(changes.of("p1")?.kind).toBe("exclude");
  expect(changes.here.flagged).toHaveLength(0);
});
