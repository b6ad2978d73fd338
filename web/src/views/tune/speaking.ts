/** A model's answer to a question, piece by piece. */
import { events } from "../../api/events";
import { Refusal } from "../../api/client";

type Chunk = { choices?: { delta?: { content?: string | null } }[]; error?: { message?: string } };

/** The pieces of the answer as they are made; the likeliest word each time. */
export async function* spoken(model: string, question: string, signal: AbortSignal): AsyncGenerator<string> {
  const body = { model, stream: true, temperature: 0, messages: [{ role: "user", content: question }] };
  const init = {
    method: "POST",
    signal,
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json" },
  };
  for await (const told of events("/v1/chat/completions", init)) {
    if (told.data === "[DONE]") return;
    const chunk = told.data as Chunk;
    if (chunk.error) throw new Refusal(500, chunk.error.message ?? "The answer broke off. Ask again.");
    const piece = chunk.choices?.[0]?.delta?.content;
    if (piece) yield piece;
  }
}
