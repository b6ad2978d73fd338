/** Browser features that components need and jsdom lacks. */
import { afterEach } from "vitest";
import { cleanup } from "@testing-library/svelte";

class NoObserver {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}
globalThis.ResizeObserver ??= NoObserver as unknown as typeof ResizeObserver;
Element.prototype.scrollIntoView ??= () => {};
afterEach(() => cleanup());
