/** Server-sent events by fetch, so that they carry the key; `EventSource` cannot. */
import { BASE, refusal } from "./client";
import { key } from "../state/key.svelte";

export type Told = { name: string; data: unknown; id: string | null };

/** The events of a stream, one by one, until it ends or `signal` stops it. */
export async function* events(path: string, init: RequestInit = {}): AsyncGenerator<Told> {
  const headers = new Headers(init.headers);
  if (key.value) headers.set("Authorization", `Bearer ${key.value}`);
  const response = await fetch(BASE + path, { ...init, headers });
  if (!response.ok || !response.body) {
    const body: unknown = await response.json().catch(() => null);
    throw refusal(response, body);
  }
  yield* parsed(response.body.pipeThrough(new TextDecoderStream()));
}

/** The events in a stream of text. Comments, which keep a silent stream open, are passed over. */
export async function* parsed(texts: ReadableStream<string>): AsyncGenerator<Told> {
  const reader = texts.getReader();
  let rest = "";
  let over = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      over = done;
      if (done) return;
      const blocks = (rest + value).split(/\r?\n\r?\n/);
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const told = event(block);
        if (told) yield told;
      }
    }
  } finally {
    if (!over) await reader.cancel().catch(() => undefined);
  }
}

function event(block: string): Told | null {
  let name = "message";
  let id: string | null = null;
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const field = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") name = value;
    else if (field === "id") id = value;
    else if (field === "data") data.push(value);
  }
  if (!data.length) return null;
  const text = data.join("\n");
  try {
    return { name, id, data: JSON.parse(text) as unknown };
  } catch {
    return { name, id, data: text };
  }
}
