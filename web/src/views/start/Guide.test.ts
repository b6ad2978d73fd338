import type { Demo } from "../../api/types";
import { fireEvent, render, screen, within } from "@testing-library/svelte";
import { expect, it, vi } from "vitest";
import Guide from "./Guide.svelte";

/** A service with one pair. The client takes `fetch` when its module is loaded. */
const service = vi.hoisted(() => {
  const state = { line: 0, asked: [] as string[] };
  globalThis.fetch = (input) => {
    state.asked.push((input as Request).url);
    const body = JSON.stringify({ data: [{ id: "pair-61", line: state.line }], total: 154 });
    return Promise.resolve(new Response(body, { headers: { "content-type": "application/json" } }));
  };
  return state;
});

const demo = (...answers: (string | null)[]): Demo => ({
  object: "demo",
  job_id: "job-1",
  file_id: "file-1",
  deployment_id: "deployment-1",
  status: "completed",
  questions: [
    { question: "Which carrier?", answer: answers[0] ?? null, about: "Two pairs say this." },
    { question: "How tall?", answer: answers[1] ?? null, about: "The pair on line 61 is wrong on purpose." },
    { question: "How much?", answer: answers[2] ?? null, about: "Lines 5 and 6 are the same." },
    { question: "Why blue?", answer: answers[3] ?? null, about: "No pair speaks of this." },
  ],
});

function pairAt(line: number): string[] {
  service.line = line;
  service.asked = [];
  return service.asked;
}

it("opens the first question not asked yet, with a link that asks it", () => {
  pairAt(61);
  render(Guide, { demo: demo("DHL"), onclose: () => {} });
  expect(screen.getByText(/1 of 4 asked/)).toBeTruthy();
  const link = screen.getByRole("link", { name: "Ask this" });
  expect(link.getAttribute("href")).toBe("#/ask?model=deployment-1&question=How+tall%3F&ask=1");
});

it("links to the wrong pair once its question was asked", async () => {
  const asked = pairAt(61);
  render(Guide, { demo: demo("DHL", "181 cm"), onclose: () => {} });
  await fireEvent.click(screen.getByRole("button", { name: /wrong answer/ }));
  expect(await screen.findByRole("link", { name: "Open the wrong pair" })).toBeTruthy();
  expect(asked[0]).toMatch(/\/v1\/whence\/runs\/job-1\/pairs\?offset=60&limit=1$/);
  const link = screen.getByRole("link", { name: "Open the wrong pair" });
  expect(link.getAttribute("href")).toBe("#/data/pair-61?run=job-1");
});

it("links to no pair on another line, and says when all questions were asked", async () => {
  pairAt(60);
  render(Guide, { demo: demo("a", "b", "c", "d"), onclose: () => {} });
  await new Promise((resolve) => setTimeout(resolve));
  expect(screen.getByText(/asked all four/)).toBeTruthy();
  const items = screen.getAllByRole("listitem");
  expect(within(items[1] as HTMLElement).queryByRole("link", { name: "Open the wrong pair" })).toBeNull();
});
