/** The service, typed by its own OpenAPI document. A call gives what was answered, or throws a `Refusal`. */
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";
import { key } from "../state/key.svelte";

export type Shapes = components["schemas"];

/** Where the API is: beside the page, under whatever prefix a proxy has put both. */
export const BASE = new URL(".", document.baseURI).href.replace(/\/$/, "");

/** What the service says when it will not or cannot: its own words, which state rule, value and next step. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
}

export const api = createClient<paths>({ baseUrl: BASE });

api.use({
  onRequest({ request }) {
    if (key.value) request.headers.set("Authorization", `Bearer ${key.value}`);
    return request;
  },
});

/** What a call answered; a refusal is thrown, and one for want of a key asks for it. */
export async function answered<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  let found: { data?: T; error?: unknown; response: Response };
  try {
    found = await call;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new Refusal(0, "The service does not answer. Is `whence up` still running? Then try again.");
  }
  if (found.response.ok) return found.data as T;
  throw refusal(found.response, found.error);
}

/** A refused response as an error; the page asks for a key when that is what is missing. */
export function refusal(response: Response, body: unknown): Refusal {
  if (response.status === 401) key.asked = true;
  const after = Number(response.headers.get("retry-after"));
  return new Refusal(
    response.status,
    messageOf(body) ?? `The service answered ${response.status}.`,
    after || null,
  );
}

function messageOf(body: unknown): string | null {
  if (typeof body === "string" && body) return body;
  if (typeof body !== "object" || body === null) return null;
  const told = body as { message?: unknown; error?: { message?: unknown } };
  if (typeof told.message === "string") return told.message;
  return typeof told.error?.message === "string" ? told.error.message : null;
}
