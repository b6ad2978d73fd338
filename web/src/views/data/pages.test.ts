import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Pages, type Page } from "./pages.svelte";

const TOTAL = 1000;
const page = (offset: number, limit: number): Page<number> => ({
  data: Array.from({ length: Math.min(limit, TOTAL - offset) }, (_, place) => offset + place),
  total: TOTAL,
});

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it("loads the first page at once and others when they become visible", async () => {
  const asked: number[] = [];
  const pages = new Pages((offset, limit) => (asked.push(offset), Promise.resolve(page(offset, limit))), 100);
  await vi.runAllTimersAsync();
  expect(pages.total).toBe(TOTAL);
  expect(pages.items[99]).toBe(99);
  pages.show(450, 520);
  await vi.runAllTimersAsync();
  expect(asked).toEqual([0, 400, 500]);
  expect(pages.items[451]).toBe(451);
  expect(pages.items[300]).toBeUndefined();
  pages.show(450, 520);
  await vi.runAllTimersAsync();
  expect(asked).toHaveLength(3);
});

it("does not load pages that are only scrolled past, and cancels those no longer visible", async () => {
  const asked: number[] = [];
  const cancelled: number[] = [];
  const pages = new Pages<number>((offset, limit, signal) => {
    asked.push(offset);
    if (offset === 0) return Promise.resolve(page(offset, limit));
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => {
        cancelled.push(offset);
        reject(new DOMException("", "AbortError"));
      });
    });
  }, 100);
  for (let row = 0; row < 900; row += 100) pages.show(row, row + 20);
  await vi.runAllTimersAsync();
  expect(asked).toEqual([0, 800]);
  pages.show(300, 320);
  await vi.runAllTimersAsync();
  expect(cancelled).toEqual([800]);
  expect(asked).toEqual([0, 800, 300]);
  expect(pages.error).toBe("");
});

it("reports the service's error, and retries on request", async () => {
  let broken = true;
  const pages = new Pages<number>((offset, limit) => {
    if (broken) return Promise.reject(new Error("The file is gone."));
    return Promise.resolve(page(offset, limit));
  }, 100);
  await vi.runAllTimersAsync();
  expect(pages.error).toBe("The file is gone.");
  broken = false;
  pages.retry();
  await vi.runAllTimersAsync();
  expect(pages.error).toBe("");
  expect(pages.items[0]).toBe(0);
});
