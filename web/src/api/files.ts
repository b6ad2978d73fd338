/** Files to and from the user's computer. */
import { authorization, BASE, errorOf } from "./client";

/** Fetch a file of the service. A link would not carry the key. */
export async function fetchFile(path: string): Promise<Blob> {
  const response = await fetch(BASE + path, { headers: authorization() });
  if (!response.ok) throw await errorOf(response);
  return response.blob();
}

/** Save a file on the user's computer. */
export function save(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}
