/** What the answer's panes show: the service's shapes under short names, with what a notebook has not left open. */
import type { Shapes } from "../../api/client";

export type Attribution = Shapes["AttributionAnswer"];
export type Influence = Shapes["InfluenceAnswer"];
export type Group = Shapes["GroupAnswer"];
export type Trust = Shapes["TrustAnswer"];
export type Lift = Shapes["LiftAnswer"];
export type Bin = { lo: number; hi: number };
export type Side = "supporting" | "opposing";

/** What outlines rows from elsewhere: a word that they hold, or a bin that their score lies in. */
export type Pointer = { ids: Set<string>; why: string } | null;

/** The last question and answer of a pair. */
export function exchangeOf(pair: { messages: string; conversation: { role: string; content: string }[] }): {
  question: string;
  answer: string;
} {
  const turns = pair.conversation.filter((turn) => turn.role !== "system");
  const [question, answer] = turns.slice(-2);
  if (question && answer) return { question: question.content, answer: answer.content };
  return { question: "", answer: answer?.content ?? question?.content ?? pair.messages };
}
