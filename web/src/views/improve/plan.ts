/** What is to be made of a change set: for each file it touches, a new version. */
import type { Shapes } from "../../api/client";
import type { Change } from "../../state/changes.svelte";
import { plural } from "../../text/numbers";

export type Pair = { question: string; answer: string };
export type Revision = {
  file: string;
  filename: string;
  exclude: string[];
  edit: (Pair & { id: string })[];
  add: Pair[];
};
export type Plan = { revisions: Revision[]; strays: Change[] };

/** The new versions, in the order of the run's files; pairs of no file of the run are strays. Added ones go to `home`. */
export function planOf(changes: readonly Change[], files: readonly Shapes["RunFile"][], home: string): Plan {
  const all = new Map(files.map((file) => [file.id, blank(file.id, file.filename)]));
  const strays: Change[] = [];
  for (const change of changes) {
    const place = all.get(change.kind === "add" ? home : change.pair.file_id);
    if (!place) strays.push(change);
    else if (change.kind === "exclude") place.exclude.push(change.pair.id);
    else if (change.kind === "edit")
      place.edit.push({ id: change.pair.id, question: change.question, answer: change.answer });
    else place.add.push({ question: change.question, answer: change.answer });
  }
  return { revisions: [...all.values()].filter(touches), strays };
}

function blank(file: string, filename: string): Revision {
  return { file, filename, exclude: [], edit: [], add: [] };
}

const touches = (one: Revision): boolean => one.exclude.length + one.edit.length + one.add.length > 0;

/** "1 pair excluded, 2 edited, 1 added". */
export function inWords(revision: Revision): string {
  const parts: [number, string][] = [
    [revision.exclude.length, "excluded"],
    [revision.edit.length, "edited"],
    [revision.add.length, "added"],
  ];
  return parts
    .filter(([count]) => count > 0)
    .map(([count, word], place) => `${place === 0 ? plural(count, "pair") : count} ${word}`)
    .join(", ");
}

/** The run's files, each that has a new version replaced by it, in the same order. */
export function replaced(files: readonly string[], versions: Readonly<Record<string, string>>): string[] {
  return files.map((file) => versions[file] ?? file);
}
