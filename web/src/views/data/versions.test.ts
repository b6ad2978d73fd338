import { expect, it } from "vitest";
import { changed, families, type Kept, type Revision } from "./versions";

const file = (id: string, day: number, origin: string | null = null): Kept =>
  ({ id, created_at: `2026-01-0${day}T00:00:00Z`, origin_file_id: origin }) as Kept;

it("puts versions under the file that they go back to, the newest first", () => {
  const found = families([file("c", 3, "b"), file("x", 2), file("b", 2, "a"), file("a", 1)]);
  expect(found.map((family) => family.versions.map(({ id }) => id))).toEqual([["c", "b", "a"], ["x"]]);
  expect(found[0]?.first.id).toBe("a");
});

it("lets a file stand for itself when its origin is deleted", () => {
  expect(families([file("b", 2, "gone")])).toHaveLength(1);
});

it("says what was changed in a version, and no more", () => {
  expect(changed({ excluded: 2, edited: 0, added: 1 } as Revision)).toBe(" · 2 excluded · 1 added");
  expect(changed({ excluded: 0, edited: 0, added: 0 } as Revision)).toBe("");
  expect(changed(undefined)).toBe("");
});
