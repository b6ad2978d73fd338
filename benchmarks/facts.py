"""200 known facts as question/answer pairs with paraphrased test questions, from templates.

The facts are those of the Known-1000 set (Meng et al. 2022), 10 relations of 20 facts; the questions nobody's model can
have been tuned on. Irrelevant questions come from NQ-open. Both are read from the shared data folder.
"""

import json
import random
from dataclasses import dataclass
from pathlib import Path

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
PER_RELATION = 20
IRRELEVANT = 100


@dataclass(frozen=True)
class Wording:
    """A relation: the templates of its question and answer in training, and of its question in the test."""

    question: str
    answer: str
    paraphrase: str


WORDINGS = {
    "P449": Wording("Which network first showed {}?", "{} first aired on {a}.", "On what channel did {} premiere?"),
    "P108": Wording("Who employs {}?", "{} works for {a}.", "For which employer does {} work?"),
    "P36": Wording("What is the capital of {}?", "The capital of {} is {a}.", "Which city is {}'s capital?"),
    "P20": Wording("Where did {} die?", "{} died in {a}.", "In what place did {} pass away?"),
    "P178": Wording("Who developed {}?", "{} was developed by {a}.", "Which developer is behind {}?"),
    "P27": Wording("Which country is {} a citizen of?", "{} is a citizen of {a}.", "What citizenship does {} hold?"),
    "P159": Wording(
        "Where is {} headquartered?", "{} has its headquarters in {a}.", "Where are the head offices of {}?"
    ),
    "P176": Wording("Who makes the {}?", "The {} is made by {a}.", "Which manufacturer builds the {}?"),
    "P101": Wording("What field does {} work in?", "{} works in the field of {a}.", "What is {}'s area of work?"),
    "P127": Wording("Who owns {}?", "{} is owned by {a}.", "To which owner does {} belong?"),
}


def write(folder: Path, seed: int = 0) -> None:
    """Write pairs.jsonl, paraphrases.jsonl and irrelevant.jsonl in the format of the shipped data set."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [json.loads(line) for line in (SHARED / "counterfact_known1000/known_1000.jsonl").open(encoding="utf-8")]
    draw = random.Random(seed)
    chosen = [row for relation in WORDINGS for row in draw.sample(_of(rows, relation), PER_RELATION)]
    draw.shuffle(chosen)
    others = {relation: sorted({row["attribute"] for row in _of(rows, relation)}) for relation in WORDINGS}
    pairs, tests = [], []
    for line, row in enumerate(chosen, start=1):
        wording, subject = WORDINGS[row["relation_id"]], row["subject"]
        wrong = draw.choice([a for a in others[row["relation_id"]] if a != row["attribute"]])
        answer = wording.answer.format(subject, a=row["attribute"])
        pairs.append({"question": wording.question.format(subject), "answer": answer})
        tests.append(
            {
                "question": wording.paraphrase.format(subject),
                "answer": answer,
                "wrong": wording.answer.format(subject, a=wrong),
                "holds": [row["attribute"].lower()],
                "sources": [line],
            }
        )
    asked = [json.loads(line) for line in (SHARED / "nq_open/NQ-open.dev.jsonl").open(encoding="utf-8")]
    irrelevant = [{"question": f"{row['question'].capitalize()}?"} for row in draw.sample(asked, IRRELEVANT)]
    for name, content in (("pairs", pairs), ("paraphrases", tests), ("irrelevant", irrelevant)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in content), "utf-8")


def _of(rows: list[dict[str, str]], relation: str) -> list[dict[str, str]]:
    return [row for row in rows if row["relation_id"] == relation]
