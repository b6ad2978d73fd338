import { describe, expect, it } from "vitest";
import { Address, addressOf } from "./address.svelte";

describe("the address", () => {
  it("returns what was put into it", () => {
    location.hash = addressOf("/ask", { question: "How tall? 100 % & more", model: "m", none: null });
    const address = new Address();
    expect([address.view, address.get("question"), address.get("model"), address.get("none")]).toEqual([
      "ask",
      "How tall? 100 % & more",
      "m",
      "",
    ]);
  });

  it("changes in place, without an entry in the history", () => {
    location.hash = "#/ask?model=m&pair=p";
    const [address, steps] = [new Address(), history.length];
    address.set({ pair: null, select: "3-9" });
    expect(location.hash).toBe("#/ask?model=m&select=3-9");
    expect(history.length).toBe(steps);
  });

  it("has a view and an item in it", () => {
    location.hash = "#/data/pair%2F1?run=r";
    const address = new Address();
    expect([address.view, address.subject, address.get("run")]).toEqual(["data", "pair/1", "r"]);
  });
});
