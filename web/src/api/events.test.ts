import { describe, expect, it } from "vitest";
import { parsed, type Told } from "./events";

async function told(...chunks: string[]): Promise<Told[]> {
  const texts = new ReadableStream<string>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  const found: Told[] = [];
  for await (const one of parsed(texts)) found.push(one);
  return found;
}

describe("server-sent events", () => {
  it("are read whole, however they are cut up on the way", async () => {
    const text = 'event: progress\nid: 7\ndata: {"loss": 0.5}\n\ndata: [DONE]\n\n';
    const wanted = [
      { name: "progress", id: "7", data: { loss: 0.5 } },
      { name: "message", id: null, data: "[DONE]" },
    ];
    expect(await told(text)).toEqual(wanted);
    expect(await told(...text)).toEqual(wanted);
  });

  it("pass over what only keeps the line open", async () => {
    expect(await told(": still here\n\n", "data: 1\r\n\r\n")).toEqual([
      { name: "message", id: null, data: 1 },
    ]);
  });

  it("are dropped where the stream breaks off inside of one", async () => {
    expect(await told("data: 1\n\ndata: {")).toHaveLength(1);
  });
});
