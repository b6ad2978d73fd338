/** The colour scheme: light, dark, or the system's. */
export type ThemeChoice = "system" | "light" | "dark";

const NAME = "whence-theme";
const dark = window.matchMedia?.("(prefers-color-scheme: dark)");

class Theme {
  choice = $state<ThemeChoice>((localStorage.getItem(NAME) as ThemeChoice | null) ?? "system");
  private system = $state(dark?.matches ?? false);

  constructor() {
    dark?.addEventListener("change", (change) => (this.system = change.matches));
  }

  /** The scheme in use. */
  get shown(): "light" | "dark" {
    if (this.choice !== "system") return this.choice;
    return this.system ? "dark" : "light";
  }

  /** Choose a theme and remember it. */
  choose(choice: ThemeChoice): void {
    this.choice = choice;
    localStorage.setItem(NAME, choice);
  }

  /** Use the scheme of the surrounding notebook, without remembering it. */
  follow(scheme: "light" | "dark"): void {
    this.choice = scheme;
  }
}

export const theme = new Theme();
