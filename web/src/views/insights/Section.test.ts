import { fireEvent, render, screen } from "@testing-library/svelte";
import { createRawSnippet } from "svelte";
import { expect, it, vi } from "vitest";
import Section from "./Section.svelte";

const entry = createRawSnippet((item: () => unknown) => ({ render: () => `<span>${String(item())}</span>` }));
const shown = (items: string[], more: object = {}) => {
  const onfold = vi.fn();
  const props = {
    id: "x",
    title: "Duplicates",
    about: "Repeated pairs.",
    empty: "Nothing yet.",
    items,
    open: true,
    onfold,
    entry,
  };
  render(Section, { props: { ...props, ...more } } as never);
  return onfold;
};

it("shows a hint while it is empty", () => {
  shown([]);
  expect(screen.getByText("Nothing yet.")).toBeTruthy();
  expect(screen.queryByRole("list")).toBeNull();
});

it("lists the first items, and all on request", async () => {
  shown(["a", "b", "c"], { shown: 2 });
  expect(screen.getAllByRole("listitem").map((item) => item.textContent?.trim())).toEqual(["a", "b"]);
  await fireEvent.click(screen.getByRole("button", { name: "Show all 3" }));
  expect(screen.getAllByRole("listitem")).toHaveLength(3);
});

it("reports when it is folded", async () => {
  const onfold = shown(["a"]);
  const details = screen.getByRole("group") as HTMLDetailsElement;
  details.open = false;
  await fireEvent(details, new Event("toggle"));
  expect(onfold).toHaveBeenLastCalledWith(false);
});
