/** A long list that is fetched a page at a time, as its rows come into sight; pages that went out of sight are not waited for. */
export type Page<Item> = { data: Item[]; total: number };
export type Fetch<Item> = (offset: number, limit: number, signal: AbortSignal) => Promise<Page<Item>>;

const PAUSE = 60;

export class Pages<Item> {
  /** The rows that are there; the others are holes. */
  items = $state.raw<Item[]>([]);
  total = $state<number | null>(null);
  trouble = $state("");
  private readonly there = new Set<number>();
  private readonly onway = new Map<number, AbortController>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private wanted: [number, number] = [0, 0];

  constructor(
    private readonly fetch: Fetch<Item>,
    readonly size = 200,
  ) {
    void this.load(0);
  }

  /** Rows `first` to `last` are looked at now. */
  sight(first: number, last: number): void {
    this.wanted = [Math.floor(first / this.size), Math.floor(last / this.size)];
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.need(), PAUSE);
  }

  again(): void {
    this.trouble = "";
    if (this.total === null) void this.load(0);
    else this.need();
  }

  leave(): void {
    clearTimeout(this.timer);
    for (const stop of this.onway.values()) stop.abort();
  }

  private need(): void {
    const [from, to] = this.wanted;
    for (const [page, stop] of this.onway) if (page < from || page > to) stop.abort();
    for (let page = from; page <= to; page += 1) void this.load(page);
  }

  private async load(page: number): Promise<void> {
    if (this.there.has(page) || this.onway.has(page)) return;
    const stop = new AbortController();
    this.onway.set(page, stop);
    try {
      const offset = page * this.size;
      const found = await this.fetch(offset, this.size, stop.signal);
      const next = this.items.slice();
      found.data.forEach((item, place) => (next[offset + place] = item));
      this.items = next;
      this.total = found.total;
      this.trouble = "";
      this.there.add(page);
    } catch (cause) {
      if (!stop.signal.aborted) this.trouble = (cause as Error).message;
    } finally {
      if (this.onway.get(page) === stop) this.onway.delete(page);
    }
  }
}
