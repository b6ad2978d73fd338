/** A model's answer to a question, streamed. */
import { events } from "./events";
import { ApiError } from "./client";

type Choice = { delta?: { content?: string | null }; finish_reason?: string | null };
type Chunk = { choices?: Choice[]; error?: { message?: string } };

/** Yield the pieces of an answer as they are generated, decoded greedily. `most` limits its tokens, else the service's
 * own limit does; `oncut` is called when the answer was cut off. */
export async function* streamAnswer(
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
  for await (const { data } of events("/v1/chat/completions", init)) {
    if (data === "[DONE]") return;
    const chunk = data as Chunk;
    if (chunk.error) throw new ApiError(500, chunk.error.message ?? "The answer was interrupted. Ask again.");
    const choice = chunk.choices?.[0];
    if (choice?.delta?.content) yield choice.delta.content;
    if (choice?.finish_reason === "length") oncut();
  }
}
