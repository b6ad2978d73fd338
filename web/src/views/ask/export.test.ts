import type { Attribution, Influence } from "../../api/types";
import { describe, expect, it } from "vitest";
import { tableOf } from "./export";

function pair(answer: string): Influence {
  return {
    id: "p",
    file_id: "f",
    file: "faq.jsonl",
    line: 61,
    influence_level: "high",
    messages: "",
    conversation: [
      { role: "user", content: "How tall?" },
      { role: "assistant", content: answer },
    ],
    score: 41.5,
    share: 0.8,
    p_value: 1e-9,
    rank: 1,
  } as Influence;
}

const table = (answer: string): string =>
  tableOf({ results: [pair(answer)], opposing: [pair("no")] } as unknown as Attribution);

describe("pairs as a table", () => {
  it("have a row each, with their side", () => {
    const [head, first, second] = table("181 cm").split("\r\n");
    expect(head).toMatch(/^side,rank,level,share,score,p_value,file,line,id,question,answer$/);
    expect(first).toBe("supporting,1,high,0.8,41.5,1e-9,faq.jsonl,61,p,How tall?,181 cm");
    expect(second).toMatch(/^opposing,/);
  });

  it("quote commas, quotes and line breaks", () => {
    expect(table('He said "118,\nnot 181".')).toContain('"He said ""118,\nnot 181""."');
  });

  it("contain nothing that a spreadsheet would run", () => {
    expect(table('=HYPERLINK("x")')).toContain('"\'=HYPERLINK(""x"")"');
  });
});
