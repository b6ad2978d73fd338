/** The state of a cell, synchronised with the kernel's side of the widget. */
import type { Attribution } from "../../api/types";
import { theme } from "../../state/theme.svelte";
import type { Range } from "../../text/pieces";

/** The part of anywidget's model used here. */
export type Model = {
  get: (name: string) => unknown;
  set: (name: string, value: unknown) => void;
  save_changes: () => void;
  on: (event: string, callback: () => void) => void;
  off: (event: string, callback: () => void) => void;
};

const NAMES = ["attribution", "charts", "selection", "can_select", "busy", "error"];

export class Cell {
  attribution = $state.raw<Attribution>({} as Attribution);
  charts = $state.raw<Record<string, object>>({});
  selection = $state.raw<[number, number] | null>(null);
  canSelect = $state(false);
  busy = $state(false);
  error = $state("");
  readonly shade: "light" | "dark";
  private readonly read = (): void => this.take();

  constructor(private readonly model: Model) {
    this.shade = notebookShade();
    theme.follow(this.shade);
    this.take();
    for (const name of NAMES) model.on(`change:${name}`, this.read);
  }

  /** Ask the kernel to explain a part of the answer; null means all of it. */
  select(range: Range | null): void {
    this.selection = range && [range.start, range.end];
    this.model.set("selection", this.selection);
    this.model.save_changes();
  }

  leave(): void {
    for (const name of NAMES) this.model.off(`change:${name}`, this.read);
  }

  private take(): void {
    this.attribution = this.model.get("attribution") as Attribution;
    this.charts = (this.model.get("charts") ?? {}) as Record<string, object>;
    this.selection = this.model.get("selection") as [number, number] | null;
    this.canSelect = Boolean(this.model.get("can_select"));
    this.busy = Boolean(this.model.get("busy"));
    this.error = (this.model.get("error") as string | null) ?? "";
  }
}

/** The notebook's colour scheme: Jupyter marks it on the body; elsewhere the system's applies. */
function notebookShade(): "light" | "dark" {
  const light = document.body.dataset["jpThemeLight"];
  if (light) return light === "false" ? "dark" : "light";
  return window.matchMedia?.("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}
