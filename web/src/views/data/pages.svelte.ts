/** A long list loaded page by page as its rows become visible; requests for pages scrolled past are cancelled. */
export type Page<Item> = { data: Item[]; total: number };
export type Fetch<Item> = (offset: number, limit: number, signal: AbortSignal) => Promise<Page<Item>>;

const PAUSE = 60;

export class Pages<Item> {
  /** The loaded rows; the others are holes. */
  items = $state.raw<Item[]>([]);
  total = $state<number | null>(null);
  error = $state("");
  private readonly loaded = new Set<number>();
  private readonly pending = new Map<number, AbortController>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private needed: [number, number] = [0, 0];

  constructor(
    private readonly fetch: Fetch<Item>,
    readonly size = 200,
  ) {
    void this.load(0);
  }

  /** Load the pages of rows `first` to `last`, which are now visible. */
  show(first: number, last: number): void {
    this.needed = [Math.floor(first / this.size), Math.floor(last / this.size)];
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.need(), PAUSE);
  }

  retry(): void {
    this.error = "";
    if (this.total === null) void this.load(0);
    else this.need();
  }

  leave(): void {
    clearTimeout(this.timer);
    for (const stop of this.pending.values()) stop.abort();
  }

  private need(): void {
    const [from, to] = this.needed;
    for (const [page, stop] of this.pending) if (page < from || page > to) stop.abort();
    for (let page = from; page <= to; page += 1) void this.load(page);
  }

  private async load(page: number): Promise<void> {
    if (this.loaded.has(page) || this.pending.has(page)) return;
    const stop = new AbortController();
    this.pending.set(page, stop);
    try {
      const offset = page * this.size;
      const found = await this.fetch(offset, this.size, stop.signal);
      const next = this.items.slice();
      found.data.forEach((item, place) => (next[offset + place] = item));
      this.items = next;
      this.total = found.total;
      this.error = "";
      this.loaded.add(page);
    } catch (cause) {
      if (!stop.signal.aborted) this.error = (cause as Error).message;
    } finally {
      if (this.pending.get(page) === stop) this.pending.delete(page);
    }
  }
}
