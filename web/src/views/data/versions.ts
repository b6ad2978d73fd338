/** Files in families: each with the versions that were made of it. */
import type { Shapes } from "../../api/client";

export type Kept = Shapes["FileAnswer"];
export type Family = { first: Kept; latest: Kept; versions: Kept[] };

export type Revision = Shapes["RevisionAnswer"];

/** What was changed in a version, in words that follow others; nothing where nothing is known. */
export function changed(revision: Revision | undefined): string {
  if (!revision) return "";
  const { excluded, edited, added } = revision;
  const parts = Object.entries({ excluded, edited, added }).filter(([, size]) => size > 0);
  return parts.map(([name, size]) => ` · ${size} ${name}`).join("");
}

/** Files by the one that each goes back to; families in the order of the list, versions the newest first. */
export function families(files: Kept[]): Family[] {
  const byId = new Map(files.map((file) => [file.id, file]));
  const rootOf = (file: Kept): Kept => {
    let root = file;
    for (let steps = 0; steps < files.length; steps += 1) {
      const origin = root.origin_file_id ? byId.get(root.origin_file_id) : undefined;
      if (!origin) break;
      root = origin;
    }
    return root;
  };
  const found = new Map<string, Kept[]>();
  for (const file of files) {
    const root = rootOf(file).id;
    found.set(root, [...(found.get(root) ?? []), file]);
  }
  return [...found.values()].map((members) => {
    const versions = members.toSorted((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));
    const [latest, first] = [versions[0] as Kept, versions[versions.length - 1] as Kept];
    return { first, latest, versions };
  });
}
