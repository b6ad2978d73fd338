/** The API key of this browser. Kept for the tab only, unless the person wants it kept. */
const NAME = "whence-key";

class Key {
  value = $state(sessionStorage.getItem(NAME) ?? localStorage.getItem(NAME) ?? "");
  /** Whether the service has asked for one. */
  asked = $state(false);

  /** Take a key: for this tab, or for this browser. */
  take(value: string, keep: boolean): void {
    this.value = value.trim();
    this.asked = false;
    sessionStorage.setItem(NAME, this.value);
    if (keep) localStorage.setItem(NAME, this.value);
    else localStorage.removeItem(NAME);
  }

  /** Forget it. */
  drop(): void {
    this.value = "";
    sessionStorage.removeItem(NAME);
    localStorage.removeItem(NAME);
  }
}

export const key = new Key();
