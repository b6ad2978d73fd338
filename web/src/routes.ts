/** The views of the page, by the first step of the address. Each is fetched when it is first opened. */
import type { Component } from "svelte";

export type Room = { path: string; name: string; load: () => Promise<{ default: Component }> };

export const rooms: Room[] = [
  { path: "", name: "Start", load: () => import("./views/start/Start.svelte") },
  { path: "data", name: "Data", load: () => import("./views/data/Data.svelte") },
  { path: "tune", name: "Fine-tune", load: () => import("./views/tune/Tune.svelte") },
  { path: "ask", name: "Ask", load: () => import("./views/ask/Ask.svelte") },
  { path: "compare", name: "Compare", load: () => import("./views/compare/Compare.svelte") },
  { path: "improve", name: "Improve", load: () => import("./views/improve/Improve.svelte") },
  { path: "insights", name: "Insights", load: () => import("./views/insights/Insights.svelte") },
];

/** The room of an address; the start for one that is not known. */
export function roomOf(path: string): Room {
  const first = rooms[0] as Room;
  return rooms.find((room) => room.path === path) ?? first;
}
