/** What jsdom has not and components ask for. */
import { afterEach } from "vitest";
import { cleanup } from "@testing-library/svelte";

class Unobserving {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}
globalThis.ResizeObserver ??= Unobserving as unknown as typeof ResizeObserver;
Element.prototype.scrollIntoView ??= () => {};
afterEach(() => cleanup());
