import { beforeEach, describe, expect, it, vi } from "vitest";

type Body = {
  answer: string;
  selection: { start: number; end: number } | null;
  instead: string | null;
  question: string;
};
const { asked, service } = vi.hoisted(() => {
  const asked: Body[] = [];
  const kept = new Map<string, object>();
  /** A service that stores what it is asked, as far as the view can tell. */
  const service = async (request: Request): Promise<Response> => {
    const reply = (body: object, status = 200): Response => Response.json(body, { status });
    if (request.method === "GET") {
      const found = kept.get(new URL(request.url).pathname.split("/").at(-1) ?? "");
      return found ? reply(found) : reply({ error: { message: "There is no such attribution." } }, 404);
    }
    const body = (await request.json()) as Body;
    asked.push(body);
    if (body.instead === "refuse me") return reply({ error: { message: "This method cannot." } }, 400);
    const selection = body.selection && [body.selection.start, body.selection.end];
    const one = {
      ...body,
      id: `attribution-${asked.length}`,
      selection,
      results: [{ score: asked.length }],
      opposing: [],
    };
    kept.set(one.id, one);
    return reply(one);
  };
  globalThis.fetch = service as typeof fetch;
  return { asked, service };
});
const { Comparison } = await import("./comparison.svelte");
const { address } = await import("../../state/address.svelte");

const A = "The 🔥 began in May.";
const of = (text: string): InstanceType<typeof Comparison> => {
  const one = new Comparison();
  [one.model, one.question] = ["deployment-1", "When?"];
  one.begin(A, text);
  return one;
};
beforeEach(() => {
  asked.length = 0;
  expect(globalThis.fetch).toBe(service);
});

describe("explaining", () => {
  it("requests the words that differ on either side, in code points, and the contrast", async () => {
    const one = of("The 🔥 began in June.");
    await one.explain();
    expect(asked.map(({ answer, selection, instead }) => ({ answer, selection, instead }))).toEqual([
      { answer: A, selection: { start: 15, end: 18 }, instead: null },
      { answer: "The 🔥 began in June.", selection: { start: 15, end: 19 }, instead: null },
      { answer: A, selection: null, instead: "The 🔥 began in June." },
    ]);
    expect(one.fresh).toEqual({ left: true, right: true, contrast: true });
    expect(one.most).toBe(3);
  });

  it("requests nothing for a side without words of its own", async () => {
    const one = of("The 🔥 began.");
    await one.explain();
    expect(asked.map(({ selection }) => selection)).toEqual([{ start: 12, end: 18 }, null]);
    expect([one.found.right, one.fresh.right]).toEqual([null, true]);
  });

  it("spans from the first part to the last, or the chosen one", async () => {
    const one = of("A 🔥 began in June.");
    await one.explain();
    expect(asked[0]?.selection).toEqual({ start: 0, end: 18 });
    one.part = 2;
    expect(one.fresh).toEqual({ left: false, right: false, contrast: true });
    await one.explain();
    expect(asked[3]?.selection).toEqual({ start: 15, end: 18 });
  });

  it("keeps the other results when a side fails, with the service's message", async () => {
    const one = of("refuse me");
    await one.explain();
    expect([one.failed.contrast, one.failed.left]).toEqual(["This method cannot.", ""]);
    expect(one.found.left?.id).toBe("attribution-1");
    expect(one.working).toBe(false);
  });

  it("marks results as stale once the text has changed", async () => {
    const one = of("The 🔥 began in June.");
    await one.explain();
    one.type("The 🔥 began in July.");
    expect(one.fresh).toEqual({ left: true, right: false, contrast: false });
    one.undo();
    expect(one.fresh.right).toBe(true);
  });
});

describe("the address", () => {
  it("restores the whole view", async () => {
    const one = of("The 🔥 began in June.");
    one.rows["left-for"] = 4;
    await one.explain();
    address.query = new URLSearchParams();
    address.set(one.toQuery());
    const again = new Comparison();
    await again.restore();
    expect(again.toQuery()).toEqual(one.toQuery());
    expect(again.found.right?.id).toBe(one.found.right?.id);
    expect(again.fresh).toEqual({ left: true, right: true, contrast: true });
  });

  it.each([A, "", "Other words."])("holds the text %j", async (text) => {
    address.query = new URLSearchParams();
    address.set(of(text).toQuery());
    const again = new Comparison();
    await again.restore();
    expect(again.text).toBe(text);
  });

  it("reports an attribution that no longer exists", async () => {
    address.query = new URLSearchParams({ attribution: "nobody" });
    const one = new Comparison();
    await one.restore();
    expect(one.error).toBe("There is no such attribution.");
  });
});
