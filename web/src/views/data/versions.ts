/** Files grouped with their versions. */
import type { DataFile, FileRevision } from "../../api/types";
export type Family = { first: DataFile; latest: DataFile; versions: DataFile[] };

/** The changes in a version, as a suffix to its description; empty if unknown. */
export function changed(revision: FileRevision | undefined): string {
  if (!revision) return "";
  const { excluded, edited, added } = revision;
  const parts = Object.entries({ excluded, edited, added }).filter(([, size]) => size > 0);
  return parts.map(([name, size]) => ` · ${size} ${name}`).join("");
}

/** Group files by their origin; families in the order of the list, versions newest first. */
export function families(files: DataFile[]): Family[] {
  const byId = new Map(files.map((file) => [file.id, file]));
  const rootOf = (file: DataFile): DataFile => {
    let root = file;
    for (let steps = 0; steps < files.length; steps += 1) {
      const origin = root.origin_file_id ? byId.get(root.origin_file_id) : undefined;
      if (!origin) break;
      root = origin;
    }
    return root;
  };
  const found = new Map<string, DataFile[]>();
  for (const file of files) {
    const root = rootOf(file).id;
    found.set(root, [...(found.get(root) ?? []), file]);
  }
  return [...found.values()].map((members) => {
    const versions = members.toSorted((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));
    const [latest, first] = [versions[0] as DataFile, versions[versions.length - 1] as DataFile];
    return { first, latest, versions };
  });
}
