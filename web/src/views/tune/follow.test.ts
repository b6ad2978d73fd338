import { expect, it, vi } from "vitest";
import { FollowedJob } from "./follow.svelte";

/** The client takes `fetch` when its module is loaded, so a programmable one is installed before. */
const service = vi.hoisted(() => {
  const service = { answer: (_: Request): Promise<Response> => Promise.reject(new Error("no answer set")) };
  globalThis.fetch = (input, init) => service.answer(new Request(input, init));
  return service;
});

const event = (id: number, loss: number): string =>
  `event: progress\nid: ${id}\ndata: ${JSON.stringify({ id, loss, step: id, phase: "fine-tuning" })}\n\n`;

it("resumes a broken stream after the last event received", async () => {
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
  const followed = new FollowedJob("ft-1");
  const done = followed.follow(new AbortController().signal);
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  await vi.waitFor(async () => {
    await vi.advanceTimersByTimeAsync(4000);
    expect(asked).toHaveLength(2);
  });
  await done;
  expect(asked).toEqual(["?after=0", "?after=1"]);
  expect(followed.events.map((one) => one.loss)).toEqual([5, 4]);
  expect(followed.loss).toBe(4);
  expect(followed.job?.status).toBe("completed");
  vi.useRealTimers();
});

it("reports why a job cannot be shown", async () => {
  const message = "No fine-tuning job 'ft-9' exists for your user.";
  service.answer = () => Promise.resolve(Response.json({ message }, { status: 404 }));
  const followed = new FollowedJob("ft-9");
  await followed.follow(new AbortController().signal);
  expect(followed.error).toBe(message);
});
