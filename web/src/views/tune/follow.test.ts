import { expect, it, vi } from "vitest";
import { Followed } from "./follow.svelte";

/** The client takes `fetch` as it is when it is made: before that, one that can be told what to answer. */
const service = vi.hoisted(() => {
  const held = { answer: (_: Request): Promise<Response> => Promise.reject(new Error("not told")) };
  globalThis.fetch = (input, init) => held.answer(new Request(input, init));
  return held;
});

const event = (id: number, loss: number): string =>
  `event: progress\nid: ${id}\ndata: ${JSON.stringify({ id, loss, step: id, phase: "fine-tuning" })}\n\n`;

it("takes up a stream that broke after the last event that was heard", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  const streams = [event(1, 5), event(2, 4) + 'event: end\ndata: {"status": "completed"}\n\n'];
  const asked: string[] = [];
  service.answer = ({ url }) => {
    if (!url.includes("/events")) {
      return Promise.resolve(Response.json({ id: "ft-1", status: streams.length ? "running" : "completed" }));
    }
    asked.push(new URL(url).search);
    return Promise.resolve(new Response(streams.shift()));
  };
  const followed = new Followed("ft-1");
  const over = followed.follow(new AbortController().signal);
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  await vi.waitFor(async () => {
    await vi.advanceTimersByTimeAsync(4000);
    expect(asked).toHaveLength(2);
  });
  await over;
  expect(asked).toEqual(["?after=0", "?after=1"]);
  expect(followed.events.map((one) => one.loss)).toEqual([5, 4]);
  expect(followed.job?.status).toBe("completed");
  vi.useRealTimers();
});

it("says why a job cannot be shown", async () => {
  const message = "No fine-tuning job 'ft-9' exists for your user.";
  service.answer = () => Promise.resolve(Response.json({ message }, { status: 404 }));
  const followed = new Followed("ft-9");
  await followed.follow(new AbortController().signal);
  expect(followed.refused).toBe(message);
});
