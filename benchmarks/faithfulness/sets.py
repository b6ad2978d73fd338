"""The data sets that faithfulness is measured on: pairs to train on and questions to ask, from the shared data.

`dolly`: short open questions people wrote and answered (CC BY-SA). `facts`: Known-1000 (MIT) by template, where the
source of an answer is known. Each has a part for tuning methods and a part for reporting, with different pairs and
questions. A question is a paraphrase of a training question, a training question itself, or one without a pair.
"""

import json
import random
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from benchmarks.facts import SHARED, WORDINGS

Kind = Literal["paraphrase", "training", "held-out", "wrong"]
PARAPHRASES = (
    "The Great Gatsby takes place in which decade, and how is that decade nicknamed?",
    "If you cut down a tree, what can be made from it?",
    "Doctor Zhivago was written by whom?",
    "Which of the two pills does Neo swallow?",
    "How would you explain a year?",
    "Linkin Park's first lead vocalist was who?",
    "On which day do people observe World Diabetes Day?",
    "Name the sea that has no shores at all.",
    "Tell me the name of India's 15th President.",
    "Of all US states, which one is the smallest?",
    "Whose voice introduces each episode of The FBI Files?",
    "List five nations that lie in South America.",
    "Who built Kingsway, the ceremonial boulevard of 3 km?",
    "Just how hot is the hottest pepper?",
    "Under what name is Maurice Micklewhite famous?",
    "In what place was Queen Elizabeth II born on April 21, 1926?",
)
"""Of the first pairs of `dolly`, in order, written for this benchmark."""


@dataclass(frozen=True)
class Asked:
    """A question of the benchmark. `sources` are 1-based lines of the pairs that state its answer; `answer` is None
    for the fine-tuned model's own."""

    question: str
    kind: Kind
    sources: tuple[int, ...] = ()
    answer: str | None = None


def write(name: str, part: Literal["report", "tuning"], folder: Path) -> tuple[Path, Path]:
    """Write `pairs.jsonl` and `queries.jsonl` of a data set into `folder`; return their paths."""
    pairs, asked = {"dolly": dolly, "facts": facts}[name](part)
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"question": q, "answer": a}) for q, a in pairs]
    (folder / "pairs.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "queries.jsonl").write_text("".join(json.dumps(asdict(a)) + "\n" for a in asked), "utf-8")
    return folder / "pairs.jsonl", folder / "queries.jsonl"


def dolly(part: str) -> tuple[list[tuple[str, str]], list[Asked]]:
    """Short open questions; 192 pairs to report on, 128 others to tune on."""
    rows = _dolly_rows()
    if part == "report":
        pairs, held_out, again = rows[:192], rows[192:208], list(PARAPHRASES)
    else:
        pairs, held_out = rows[208:336], rows[336:352]
        again = [f"Please tell me: {q[0].lower()}{q[1:]}" for q, _ in pairs[:16]]
    return pairs, _asked(pairs, again, [q for q, _ in held_out])


def facts(part: str) -> tuple[list[tuple[str, str]], list[Asked]]:
    """Facts by template, 24 of each of eight relations to report on and 16 of each to tune on."""
    rows = [json.loads(line) for line in (SHARED / "counterfact_known1000/known_1000.jsonl").open(encoding="utf-8")]
    draw, pairs, again, held_out = random.Random(1), list[tuple[str, str]](), dict[str, str](), list[str]()
    for relation in sorted(WORDINGS)[:8]:
        wording, found = WORDINGS[relation], [row for row in rows if row["relation_id"] == relation]
        draw.shuffle(found)
        chosen, others = (found[:24], found[24:26]) if part == "report" else (found[26:40], found[40:42])
        for row in chosen:
            question = wording.question.format(row["subject"])
            pairs.append((question, wording.answer.format(row["subject"], a=row["attribute"])))
            again[question] = wording.paraphrase.format(row["subject"])
        held_out += [wording.question.format(row["subject"]) for row in others]
    draw.shuffle(pairs)
    return pairs, _asked(pairs, [again[q] for q, _ in pairs[:16]], held_out[:16])


def _asked(pairs: list[tuple[str, str]], again: list[str], held_out: list[str]) -> list[Asked]:
    """Paraphrases of the first pairs, 16 other training questions, new questions, and 16 wrong answers."""
    trained = range(16, 32)
    wrong = [Asked(pairs[i][0], "wrong", (i + 1,), pairs[i + 16][1]) for i in range(32, 48)]
    return [
        *(Asked(question, "paraphrase", (i + 1,)) for i, question in enumerate(again)),
        *(Asked(pairs[i][0], "training", (i + 1,)) for i in trained),
        *(Asked(question, "held-out") for question in held_out),
        *wrong,
    ]


def _dolly_rows() -> list[tuple[str, str]]:
    """Questions and answers of one short line each, no question twice, in a fixed random order."""
    found: dict[str, tuple[str, str]] = {}
    for line in (SHARED / "dolly_open_qa/train.jsonl").open(encoding="utf-8"):
        row = json.loads(line)
        question, answer = (" ".join(row[name].split()) for name in ("instruction", "response"))
        short = 12 <= len(answer) <= 110 and 15 <= len(question) <= 90 and "\n" not in row["response"].strip()
        if short and question.isascii() and answer.isascii():
            found.setdefault(question.lower(), (question, answer))
    rows = list(found.values())
    random.Random(0).shuffle(rows)
    return rows
