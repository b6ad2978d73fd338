import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Pages, type Page } from "./pages.svelte";

const TOTAL = 1000;
const page = (offset: number, limit: number): Page<number> => ({
  data: Array.from({ length: Math.min(limit, TOTAL - offset) }, (_, place) => offset + place),
  total: TOTAL,
});

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it("fetches the first page at once and others when they come into sight", async () => {
  const asked: number[] = [];
  const pages = new Pages((offset, limit) => (asked.push(offset), Promise.resolve(page(offset, limit))), 100);
  await vi.runAllTimersAsync();
  expect(pages.total).toBe(TOTAL);
  expect(pages.items[99]).toBe(99);
  pages.sight(450, 520);
  await vi.runAllTimersAsync();
  expect(asked).toEqual([0, 400, 500]);
  expect(pages.items[451]).toBe(451);
  expect(pages.items[300]).toBeUndefined();
  pages.sight(450, 520);
  await vi.runAllTimersAsync();
  expect(asked).toHaveLength(3);
});

it("does not ask for what is only passed by, and gives up pages that went out of sight", async () => {
  const asked: number[] = [];
  const given: number[] = [];
  const pages = new Pages<number>((offset, limit, signal) => {
    asked.push(offset);
    if (offset === 0) return Promise.resolve(page(offset, limit));
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => {
        given.push(offset);
        reject(new DOMException("", "AbortError"));
      });
    });
  }, 100);
  for (let row = 0; row < 900; row += 100) pages.sight(row, row + 20);
  await vi.runAllTimersAsync();
  expect(asked).toEqual([0, 800]);
  pages.sight(300, 320);
  await vi.runAllTimersAsync();
  expect(given).toEqual([800]);
  expect(asked).toEqual([0, 800, 300]);
  expect(pages.trouble).toBe("");
});

it("says what the service said, and tries again when told to", async () => {
  let broken = true;
  const pages = new Pages<number>((offset, limit) => {
    if (broken) return Promise.reject(new Error("The file is gone."));
    return Promise.resolve(page(offset, limit));
  }, 100);
  await vi.runAllTimersAsync();
  expect(pages.trouble).toBe("The file is gone.");
  broken = false;
  pages.again();
  await vi.runAllTimersAsync();
  expect(pages.trouble).toBe("");
  expect(pages.items[0]).toBe(0);
});
