/** Light, dark, or as the system has it. */
export type Wanted = "system" | "light" | "dark";

const NAME = "whence-theme";
const dark = window.matchMedia?.("(prefers-color-scheme: dark)");

class Theme {
  wanted = $state<Wanted>((localStorage.getItem(NAME) as Wanted | null) ?? "system");
  private system = $state(dark?.matches ?? false);

  constructor() {
    dark?.addEventListener("change", (change) => (this.system = change.matches));
  }

  /** What is shown now. */
  get shown(): "light" | "dark" {
    if (this.wanted !== "system") return this.wanted;
    return this.system ? "dark" : "light";
  }

  /** From now on. */
  want(wanted: Wanted): void {
    this.wanted = wanted;
    localStorage.setItem(NAME, wanted);
  }

  /** As what surrounds a view has it, for as long as that is open: a notebook's own theme. */
  follow(shade: "light" | "dark"): void {
    this.wanted = shade;
  }
}

export const theme = new Theme();
