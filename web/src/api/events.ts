/** Server-sent events over fetch, which can send the key; `EventSource` cannot. */
import { authorization, BASE, errorOf } from "./client";

export type ServerEvent = { name: string; data: unknown; id: string | null };

/** Yield the events of a stream until it ends or `signal` aborts it. */
export async function* events(path: string, init: RequestInit = {}): AsyncGenerator<ServerEvent> {
  const response = await fetch(BASE + path, { ...init, headers: { ...init.headers, ...authorization() } });
  if (!response.ok || !response.body) throw await errorOf(response);
  yield* parsed(response.body.pipeThrough(new TextDecoderStream()));
}

/** Parse the events in a stream of text. Comments, which keep an idle stream open, are skipped. */
export async function* parsed(texts: ReadableStream<string>): AsyncGenerator<ServerEvent> {
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
        const one = event(block);
        if (one) yield one;
      }
    }
  } finally {
    if (!over) await reader.cancel().catch(() => undefined);
  }
}

function event(block: string): ServerEvent | null {
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
