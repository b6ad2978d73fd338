/** Numbers as people read them. */

export const nats = (value: number): string => `${value < 0 ? "−" : ""}${Math.abs(value).toFixed(1)}`;

export const percent = (share: number): string =>
  `${share < 0 ? "−" : ""}${Math.round(Math.abs(share) * 100)} %`;

export const count = (value: number): string => value.toLocaleString("en");

/** "1 pair", "2 pairs". */
export const plural = (value: number, noun: string): string =>
  `${count(value)} ${noun}${value === 1 ? "" : "s"}`;

export function duration(seconds: number): string {
  if (seconds < 1) return "under a second";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let rest = value;
  let place = 0;
  while (rest >= 1000 && place < units.length - 1) {
    rest /= 1000;
    place += 1;
  }
  return `${rest >= 10 || place === 0 ? Math.round(rest) : rest.toFixed(1)} ${units[place]}`;
}

/** A p-value: never "0". */
export function chance(p: number): string {
  if (p < 0.0001) return "p < 0.0001";
  return `p = ${p.toPrecision(2)}`;
}

export function when(moment: string, now: number = Date.now()): string {
  const seconds = (now - Date.parse(moment)) / 1000;
  if (seconds < 45) return "just now";
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  if (seconds < 86400) return `${Math.round(seconds / 3600)} h ago`;
  return new Date(moment).toLocaleDateString("en", { year: "numeric", month: "short", day: "numeric" });
}
