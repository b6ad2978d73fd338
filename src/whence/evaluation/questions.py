"""The questions of an evaluation, by kind: given in a file, or drawn from the run's own pairs.

    {"question": …, "answer": … (else the model's own), "kind": …, "sources": [lines of the data, from 1]}

A drawn question is one of the training data, word for word or in other words (a template), with the model's own answer,
or with the answer of another pair. Held-out questions, which no pair answers, need a file.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from whence.data.read import Record, rows, short
from whence.errors import DataError, Fault
from whence.gradients.subject import Examples, Subject
from whence.levels.lift import own_answers
from whence.types import ANSWER_TOKENS, Example, Message, Query, Report, silent

Kind = Literal["paraphrase", "training", "held-out", "wrong"]
KINDS: tuple[Kind, ...] = get_args(Kind)
EACH = 8
"""The number of questions drawn per kind if no file is given."""
WORDINGS = (
    "Please tell me: {0}",
    "I have a question. {1}",
    "{1} Please answer it.",
    "Could you help me with this? {1}",
    "Here is what I would like to know: {0}",
)


@dataclass(frozen=True)
class Asked:
    """A question before it is answered. `answer` None: the model's own. `sources`: rows, from 0."""

    prompt: tuple[Message, ...]
    kind: Kind
    answer: str | None = None
    sources: tuple[int, ...] = ()


@dataclass(frozen=True)
class Question:
    """A query with its kind, and the rows that its answer is known to come from (empty: not known)."""

    query: Query
    kind: Kind
    sources: tuple[int, ...] = ()


def read(path: Path, examples: Examples) -> list[Asked]:
    """Return the questions of a file.

    Raises:
        DataError: a line breaks a rule; the error lists them all.
    """
    lines, found = lines_of(examples), list[Asked]()
    faults = list[Fault]()
    for row in rows(path):
        one = row.record if isinstance(row.record, Fault) else _asked(row.record, lines, path.name, row.line)
        faults.append(one) if isinstance(one, Fault) else found.append(one)
    if faults:
        raise DataError("\n".join(map(str, faults)), tuple(faults))
    return found


def drawn(examples: Examples, each: int = EACH, seed: int = 0) -> list[Asked]:
    """Draw `each` questions of every kind from the pairs, no pair twice if there are enough.

    Raises:
        DataError: the pairs are given as tokens, without text.
    """
    draw = random.Random(seed)
    having = [i for i in range(len(examples)) if examples[i].question and examples[i].answer]
    if not having:
        raise DataError("Questions can only be drawn from pairs with text (found none). Give a file of questions.")
    chosen = draw.sample(having, min(3 * each, len(having)))
    size = max(1, len(chosen) // 3)
    training, again, wrong = chosen[:size], chosen[size : 2 * size], chosen[2 * size :]
    return [
        *(Asked(_prompt(examples[i]), "training", None, (i,)) for i in training),
        *(Asked(_reworded(examples[i], WORDINGS[k % len(WORDINGS)]), "paraphrase", None, (i,))
          for k, i in enumerate(again)),
        *(Asked(_prompt(examples[i]), "wrong", _other_answer(examples, having, i, draw)) for i in wrong),
    ]  # fmt: skip


def answered(
    subject: Subject, asked: Sequence[Asked], max_new_tokens: int = ANSWER_TOKENS, report: Report = silent
) -> list[Question]:
    """Return the questions with the given answers or the model's own; unanswered ones are dropped."""
    open_ones = [i for i, one in enumerate(asked) if one.answer is None]
    own = own_answers(subject, [asked[i].prompt for i in open_ones], max_new_tokens, report) if open_ones else []
    texts = {i: (answer.text, answer.ended) for i, answer in zip(open_ones, own, strict=True)}
    found = [_answered(i, one, *texts.get(i, (one.answer or "", True))) for i, one in enumerate(asked)]
    return [question for question in found if question.query.answer.strip()]


def lines_of(examples: Examples) -> dict[int | str, tuple[int, ...]]:
    """Return the rows on each line of the data, by "file:line" and, for a single file, by number."""
    found: dict[int | str, tuple[int, ...]] = {}
    items = [examples[i] for i in range(len(examples))]
    single = len({item.file_id for item in items}) == 1
    for row, item in enumerate(items):
        for name in (f"{item.file}:{item.line}", *([item.line] if single else [])):
            found[name] = (*found.get(name, ()), row)
    return found


def rows_on(names: Sequence[int | str], examples: Examples) -> tuple[int, ...]:
    """Return the rows on these lines of the data.

    Raises:
        DataError: there is no such line.
    """
    lines = lines_of(examples)
    if unknown := [name for name in names if name not in lines]:
        raise DataError(
            f"Lines must be those of the run's data (found {short(unknown)}). Of several files write file:line."
        )
    return tuple(row for name in names for row in lines[name])


def _asked(record: Record, lines: dict[int | str, tuple[int, ...]], file: str, line: int) -> Asked | Fault:
    for name, (holds, rule) in RULES.items():
        if not holds(record.get(name)):
            return Fault(file, line, f"{name} must be {rule}", short(record.get(name)), "Correct it.")
    names = cast(list[int | str], record.get("sources") or [])
    if unknown := [name for name in names if name not in lines]:
        rule, fix = "sources must be lines of the run's data", "Of several files write file:line."
        return Fault(file, line, rule, short(unknown), fix)
    sources = tuple(row for name in names for row in lines[name])
    kind = record.get("kind") or ("paraphrase" if sources else "held-out")
    prompt = (Message("user", str(record["question"])),)
    return Asked(prompt, cast(Kind, kind), cast(str | None, record.get("answer")), sources)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _are_lines(value: object) -> bool:
    return isinstance(value, list) and all(type(name) in (int, str) for name in cast(list[object], value))


RULES: dict[str, tuple[Callable[[object], bool], str]] = {
    "question": (_is_text, "a text that is not empty"),
    "answer": (lambda value: value is None or _is_text(value), "a text that is not empty, or left out"),
    "kind": (lambda value: value is None or value in KINDS, f"one of {', '.join(KINDS)}, or left out"),
    "sources": (lambda value: value is None or _are_lines(value), "a list of lines of the data, or left out"),
}
"""The rule of each field of a line."""


def _prompt(example: Example) -> tuple[Message, ...]:
    return example.messages[:-1]


def _reworded(example: Example, wording: str) -> tuple[Message, ...]:
    question = example.question
    # A question that begins with a name or an abbreviation keeps its capital.
    plain = question[:1].lower() + question[1:] if question[1:2].islower() or question[1:2] == " " else question
    return (*_prompt(example)[:-1], Message("user", wording.format(plain, question)))


def _other_answer(examples: Examples, having: Sequence[int], row: int, draw: random.Random) -> str:
    def others() -> Iterator[str]:
        yield from (examples[i].answer for i in draw.sample(having, len(having)))

    return next((answer for answer in others() if answer != examples[row].answer), "")


def _answered(place: int, one: Asked, text: str, ended: bool) -> Question:
    query = Query(f"question-{place + 1}", (*one.prompt, Message("assistant", text)), ended=ended)
    return Question(query, one.kind, one.sources)
