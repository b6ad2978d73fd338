/** A model's answer to a question, piece by piece. */
import { events } from "./events";
import { Refusal } from "./client";

type Choice = { delta?: { content?: string | null }; finish_reason?: string | null };
type Chunk = { choices?: Choice[]; error?: { message?: string } };

/** The pieces of the answer as they are made, the likeliest word each time. It has `most` tokens, or as many as the
 * service allows; `oncut` is called if it was cut off. */
export async function* spoken(
  model: string,
  question: string,
  signal: AbortSignal,
  oncut: () => void = () => undefined,
  most?: number,
): AsyncGenerator<string> {
  const messages = [{ role: "user", content: question }];
  const body = JSON.stringify({
    model,
    messages,
    stream: true,
    temperature: 0,
    ...(most && { max_tokens: most }),
  });
  const init = { method: "POST", signal, body, headers: { "Content-Type": "application/json" } };
  for await (const told of events("/v1/chat/completions", init)) {
    if (told.data === "[DONE]") return;
    const chunk = told.data as Chunk;
    if (chunk.error) throw new Refusal(500, chunk.error.message ?? "The answer broke off. Ask again.");
    const choice = chunk.choices?.[0];
    if (choice?.delta?.content) yield choice.delta.content;
    if (choice?.finish_reason === "length") oncut();
  }
}
