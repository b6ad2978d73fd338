import type { DataFile, FileRevision } from "../../api/types";
import { expect, it } from "vitest";
import { changed, families } from "./versions";

const file = (id: string, day: number, origin: string | null = null): DataFile =>
  ({ id, created_at: `2026-01-0${day}T00:00:00Z`, origin_file_id: origin }) as DataFile;

it("groups versions under their original file, newest first", () => {
  const found = families([file("c", 3, "b"), file("x", 2), file("b", 2, "a"), file("a", 1)]);
  expect(found.map((family) => family.versions.map(({ id }) => id))).toEqual([["c", "b", "a"], ["x"]]);
  expect(found[0]?.first.id).toBe("a");
});

it("treats a file as its own origin when its origin is deleted", () => {
  expect(families([file("b", 2, "gone")])).toHaveLength(1);
});

it("lists only the kinds of change that occurred in a version", () => {
  expect(changed({ excluded: 2, edited: 0, added: 1 } as FileRevision)).toBe(" · 2 excluded · 1 added");
  expect(changed({ excluded: 0, edited: 0, added: 0 } as FileRevision)).toBe("");
  expect(changed(undefined)).toBe("");
});
