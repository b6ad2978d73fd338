/** A pair as the change set keeps it. */
import type { Told } from "../../state/changes.svelte";
import type { Pair } from "./source";

export function told({ id, file_id, file, line, question, answer }: Pair): Told {
  return { id, file_id, file, line, question, answer };
}
