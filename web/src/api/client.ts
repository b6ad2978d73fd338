/** The client of the service, typed by its OpenAPI document. `unwrap` returns a call's data or throws an `ApiError`. */
import createClient from "openapi-fetch";
import type { paths } from "./schema";
import { key } from "../state/key.svelte";

/** The API's base URL: next to the page, under any prefix that a proxy has added. */
export const BASE = new URL(".", document.baseURI).href.replace(/\/$/, "");

/** An error response in the service's own words: rule, value and next step. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
}

/** The header that carries the key. */
export const authorization = (): Record<string, string> =>
  key.value ? { Authorization: `Bearer ${key.value}` } : {};

export const api = createClient<paths>({ baseUrl: BASE });

api.use({
  onRequest({ request }) {
    for (const [name, value] of Object.entries(authorization())) request.headers.set(name, value);
    return request;
  },
});

/** The data of a successful call; any other response is thrown as an `ApiError`. */
export async function unwrap<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  let result: Awaited<typeof call>;
  try {
    result = await call;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new ApiError(0, "The service does not respond. Check that `whence up` is running, then try again.");
  }
  if (result.response.ok) return result.data as T;
  throw apiError(result.response, result.error);
}

/** Turn an error response into an `ApiError`; a 401 also opens the key dialog. */
function apiError(response: Response, body: unknown): ApiError {
  if (response.status === 401) key.asked = true;
  const after = Number(response.headers.get("retry-after"));
  return new ApiError(
    response.status,
    messageOf(body) ?? `The service responded with status ${response.status}.`,
    after || null,
  );
}

/** The error of a response whose body has not been read yet. */
export async function errorOf(response: Response): Promise<ApiError> {
  return apiError(response, await response.json().catch(() => null));
}

function messageOf(body: unknown): string | null {
  if (typeof body === "string" && body) return body;
  if (typeof body !== "object" || body === null) return null;
  const { message, error } = body as { message?: unknown; error?: { message?: unknown } };
  if (typeof message === "string") return message;
  return typeof error?.message === "string" ? error.message : null;
}
