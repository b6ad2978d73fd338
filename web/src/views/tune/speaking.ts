/** A model's answer to a question, piece by piece. */
import { events } from "../../api/events";
import { Refusal } from "../../api/client";

type Choice = { delta?: { content?: string | null }; finish_reason?: string | null };
type Chunk = { choices?: Choice[]; error?: { message?: string } };

/** Tokens of an answer at most: an engine speaks for one model at a time, and the other side waits for it. */
export const LONGEST = 256;

/** The pieces of the answer as they are made, the likeliest word each time; `oncut` is called if it was cut off. */
export async function* spoken(
  model: string,
  question: string,
  signal: AbortSignal,
  oncut: () => void = () => undefined,
): AsyncGenerator<string> {
  const messages = [{ role: "user", content: question }];
  const body = JSON.stringify({ model, messages, stream: true, temperature: 0, max_tokens: LONGEST });
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
