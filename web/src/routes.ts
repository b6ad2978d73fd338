/** The views of the page by the first segment of the address. Each is loaded when it is first opened. */
import type { Component } from "svelte";

export type Route = { path: string; name: string; load: () => Promise<{ default: Component }> };

export const routes: Route[] = [
  { path: "", name: "Start", load: () => import("./views/start/Start.svelte") },
  { path: "data", name: "Data", load: () => import("./views/data/Data.svelte") },
  { path: "tune", name: "Fine-tune", load: () => import("./views/tune/Tune.svelte") },
  { path: "ask", name: "Ask", load: () => import("./views/ask/Ask.svelte") },
  { path: "compare", name: "Compare", load: () => import("./views/compare/Compare.svelte") },
  { path: "improve", name: "Improve", load: () => import("./views/improve/Improve.svelte") },
  { path: "insights", name: "Insights", load: () => import("./views/insights/Insights.svelte") },
];

/** The route of an address; Start for an unknown one. */
export function routeOf(path: string): Route {
  const start = routes[0] as Route;
  return routes.find((route) => route.path === path) ?? start;
}
