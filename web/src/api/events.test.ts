import { describe, expect, it } from "vitest";
import { parsed, type ServerEvent } from "./events";

async function read(...chunks: string[]): Promise<ServerEvent[]> {
  const texts = new ReadableStream<string>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  const found: ServerEvent[] = [];
  for await (const one of parsed(texts)) found.push(one);
  return found;
}

describe("server-sent events", () => {
  it("are parsed the same however the text is split into chunks", async () => {
    const text = 'event: progress\nid: 7\ndata: {"loss": 0.5}\n\ndata: [DONE]\n\n';
    const expected = [
      { name: "progress", id: "7", data: { loss: 0.5 } },
      { name: "message", id: null, data: "[DONE]" },
    ];
    expect(await read(text)).toEqual(expected);
    expect(await read(...text)).toEqual(expected);
  });

  it("skip comments", async () => {
    expect(await read(": still here\n\n", "data: 1\r\n\r\n")).toEqual([
      { name: "message", id: null, data: 1 },
    ]);
  });

  it("are dropped when the stream ends in the middle of one", async () => {
    expect(await read("data: 1\n\ndata: {")).toHaveLength(1);
  });
});
