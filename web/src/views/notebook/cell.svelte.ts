/** What a cell shows, kept the same as the kernel's side of the widget. */
import { theme } from "../../state/theme.svelte";
import type { Range } from "../../text/pieces";
import type { Attribution } from "../ask/shapes";

/** The part of anywidget's model that is used. */
export type Model = {
  get: (name: string) => unknown;
  set: (name: string, value: unknown) => void;
  save_changes: () => void;
  on: (event: string, told: () => void) => void;
  off: (event: string, told: () => void) => void;
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
    this.shade = shadeOfPlace();
    theme.follow(this.shade);
    this.take();
    for (const name of NAMES) model.on(`change:${name}`, this.read);
  }

  /** Ask the kernel to explain this part only; null: the whole answer. */
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

/** Jupyter says on the body whether its theme is light; elsewhere the system does. */
function shadeOfPlace(): "light" | "dark" {
  const said = document.body.dataset["jpThemeLight"];
  if (said) return said === "false" ? "dark" : "light";
  return window.matchMedia?.("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}
