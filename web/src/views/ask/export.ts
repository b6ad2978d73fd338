/** Exports of an attribution. */
import type { Attribution, Influence } from "../../api/types";
import { exchangeOf } from "./exchange";

const COLUMNS = [
  "side",
  "rank",
  "level",
  "share",
  "score",
  "p_value",
  "file",
  "line",
  "id",
  "question",
  "answer",
];

/** The pairs as CSV. Text that a spreadsheet would run as a formula gets an apostrophe in front. */
export function tableOf(attribution: Attribution): string {
  const sides: [string, Influence[]][] = [
    ["supporting", attribution.results],
    ["opposing", attribution.opposing],
  ];
  const rows = sides.flatMap(([side, pairs]) => pairs.map((pair) => cells(side, pair)));
  return [COLUMNS, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

function cells(side: string, pair: Influence): (string | number)[] {
  const { question, answer } = exchangeOf(pair);
  const { rank, influence_level, share, score, p_value, file, line, id } = pair;
  return [side, rank, influence_level, share, score, p_value, file, line, id, question, answer];
}

function cell(value: string | number): string {
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
