/** What the answer's panes share: the question and answer of a pair, and the rows to outline. */
import type { Bin } from "../../components/vega";

export type Side = "supporting" | "opposing";

/** The rows to outline, and why: they contain a word, or their score is in a bin. */
export type Pointer = { ids: Set<string>; why: string } | null;

type Talk = { messages: string; conversation: { role: string; content: string }[] };

/** The last question and answer of a pair. */
export function exchangeOf(pair: Talk): { question: string; answer: string } {
  const turns = pair.conversation.filter((turn) => turn.role !== "system");
  const [question, answer] = turns.slice(-2);
  if (question && answer) return { question: question.content, answer: answer.content };
  return { question: "", answer: answer?.content ?? question?.content ?? pair.messages };
}

/** The text of a pair: question and answer. */
export function textOf(pair: Talk): string {
  const { question, answer } = exchangeOf(pair);
  return `${question} ${answer}`;
}

export const inBin = (score: number, { lo, hi }: Bin): boolean => score >= lo && score < hi;
