import { expect, it, vi } from "vitest";
import { streamAnswer } from "./chat";

const chunk = (content: string, finish_reason: string | null = null): string =>
  `data: ${JSON.stringify({ choices: [{ delta: { content }, finish_reason }] })}\n\n`;

async function all(text: string, oncut = vi.fn()): Promise<string[]> {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(text)));
  const pieces: string[] = [];
  for await (const piece of streamAnswer("m", "q", new AbortController().signal, oncut)) pieces.push(piece);
  return pieces;
}

it("yields the pieces of an answer in order and reports when it was cut off", async () => {
  const oncut = vi.fn();
  expect(await all(chunk("By ") + chunk("Kestrix", "stop") + "data: [DONE]\n\n", oncut)).toEqual([
    "By ",
    "Kestrix",
  ]);
  expect(oncut).not.toHaveBeenCalled();
  await all(chunk("By ", "length") + "data: [DONE]\n\n", oncut);
  expect(oncut).toHaveBeenCalledOnce();
});

it("throws the service's message when the answer is interrupted", async () => {
  const error = `data: ${JSON.stringify({ error: { message: "The engine died. Ask again." } })}\n\n`;
  await expect(all(chunk("By ") + error)).rejects.toThrow("The engine died. Ask again.");
});
