/** The API key of this browser, stored for the tab only unless the user asks to remember it. */
const NAME = "whence-key";

class Key {
  value = $state(sessionStorage.getItem(NAME) ?? localStorage.getItem(NAME) ?? "");
  /** True while the key dialog is open. */
  asked = $state(false);

  /** Store a key for this tab, or for this browser. */
  take(value: string, keep: boolean): void {
    this.value = value.trim();
    this.asked = false;
    sessionStorage.setItem(NAME, this.value);
    if (keep) localStorage.setItem(NAME, this.value);
    else localStorage.removeItem(NAME);
  }

  /** Delete the key. */
  drop(): void {
    this.value = "";
    sessionStorage.removeItem(NAME);
    localStorage.removeItem(NAME);
  }
}

export const key = new Key();
