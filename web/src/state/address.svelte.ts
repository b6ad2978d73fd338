/** The state of the view in the URL, `#/ask?model=…&attribution=…`: a copied address restores the whole view. */

export class Address {
  path = $state("/");
  query = $state(new URLSearchParams());

  constructor() {
    this.read();
    window.addEventListener("hashchange", () => this.read());
  }

  /** The first segment of the path: the view. */
  get view(): string {
    return this.path.split("/")[1] ?? "";
  }

  /** The second segment: the item shown in the view. */
  get subject(): string {
    return decodeURIComponent(this.path.split("/")[2] ?? "");
  }

  get(name: string): string {
    return this.query.get(name) ?? "";
  }

  /** Go to a view, with an entry in the browser's history. */
  go(path: string, query: Record<string, string | null | undefined> = {}): void {
    location.hash = addressOf(path, query);
  }

  /** Change parts of the query in place, without an entry in the history. */
  set(changes: Record<string, string | null | undefined>): void {
    const next = new URLSearchParams(this.query);
    for (const [name, value] of Object.entries(changes)) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    if (next.toString() === this.query.toString()) return;
    this.query = next;
    history.replaceState(null, "", addressOf(this.path, Object.fromEntries(next)));
  }

  private read(): void {
    const [path = "/", query = ""] = (location.hash.slice(1) || "/").split("?");
    this.path = path.startsWith("/") ? path : `/${path}`;
    this.query = new URLSearchParams(query);
  }
}

/** A link to a view. */
export function addressOf(path: string, query: Record<string, string | null | undefined> = {}): string {
  const kept = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]));
  const text = new URLSearchParams(kept).toString();
  return `#${path}${text ? `?${text}` : ""}`;
}

export const address = new Address();
