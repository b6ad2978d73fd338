import { afterEach, beforeEach, expect, it, vi } from "vitest";

const { replies } = vi.hoisted(() => {
  const replies: Record<string, () => Response> = {};
  globalThis.fetch = (async (request: Request) => {
    const part = new URL(request.url).pathname.endsWith("/insights") ? "insights" : "recurring";
    return replies[part]?.() ?? Response.json({}, { status: 500 });
  }) as typeof fetch;
  return { replies };
});
const { RunFindings } = await import("./findings.svelte");
const empty = {
  suspects: [],
  duplicates: [],
  topics: [],
  contradictions: [],
  unsupported: [],
  evaluation: null,
};

beforeEach(() => {
  vi.useFakeTimers();
  replies["recurring"] = () => Response.json({ data: [{ id: "pair-1" }], total: 7 });
});
afterEach(() => vi.useRealTimers());

it("reloads until the service is done", async () => {
  let [calls, state] = [0, "computing"];
  replies["insights"] = () => {
    calls += 1;
    return Response.json({
      ...empty,
      state,
      duplicates: state === "ready" ? [{ pairs: [], question: "Why?" }] : [],
    });
  };
  const findings = new RunFindings();
  findings.follow("run-1");
  await vi.waitFor(() => expect(findings.state).toBe("computing"));
  expect(findings.total).toBe(7);
  state = "ready";
  await vi.advanceTimersByTimeAsync(4100);
  await vi.waitFor(() => expect(findings.state).toBe("ready"));
  expect(findings.found.duplicates).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(20000);
  expect(calls).toBe(2);
});

it("stops when another run is shown", async () => {
  let calls = 0;
  replies["insights"] = () => {
    calls += 1;
    return Response.json({ ...empty, state: "computing" });
  };
  const findings = new RunFindings();
  const stop = findings.follow("run-1");
  await vi.waitFor(() => expect(findings.state).toBe("computing"));
  stop();
  await vi.advanceTimersByTimeAsync(20000);
  expect(calls).toBe(1);
});

it("reports the service's error", async () => {
  replies["insights"] = () =>
    Response.json({ error: { message: "There is no job run-1." } }, { status: 404 });
  const findings = new RunFindings();
  findings.follow("run-1");
  await vi.waitFor(() => expect(findings.state).toBe("failed"));
  expect(findings.error).toBe("There is no job run-1.");
});

it("lists each unsupported question once", async () => {
  const unsupported = ["Why?", "Who?", "Why? "].map((question, place) => ({
    question,
    attribution_id: String(place),
  }));
  replies["insights"] = () => Response.json({ ...empty, state: "ready", unsupported });
  const findings = new RunFindings();
  findings.follow("run-1");
  await vi.waitFor(() => expect(findings.state).toBe("ready"));
  expect(findings.found.unsupported.map((one) => one.attribution_id)).toEqual(["0", "1"]);
});
