import { describe, expect, it } from "vitest";
import { bytes, chance, duration, nats, percent, plural, when } from "./numbers";

describe("numbers as people read them", () => {
  it("have a true minus sign", () => {
    expect([nats(-3.14159), percent(-0.126)]).toEqual(["−3.1", "−13 %"]);
  });

  it("are never a chance of nothing", () => {
    expect(chance(1e-50)).toBe("p < 0.0001");
    expect(chance(0.0123)).toBe("p = 0.012");
  });

  it("have units that fit", () => {
    expect([bytes(999), bytes(28179), bytes(2_500_000)]).toEqual(["999 B", "28 kB", "2.5 MB"]);
    expect([duration(0.4), duration(48), duration(600), duration(7200)]).toEqual([
      "under a second",
      "48 s",
      "10 min",
      "2.0 h",
    ]);
    expect([plural(1, "pair"), plural(1234, "pair")]).toEqual(["1 pair", "1,234 pairs"]);
  });

  it("tell how long ago", () => {
    const now = Date.parse("2026-11-27T12:00:00Z");
    expect(when("2026-11-27T11:59:50Z", now)).toBe("just now");
    expect(when("2026-11-27T11:30:00Z", now)).toBe("30 min ago");
    expect(when("2026-11-27T07:00:00Z", now)).toBe("5 h ago");
  });
});
