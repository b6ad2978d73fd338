"""Label noise: a run repeated with some answers swapped, to find the wrong pairs in.

<run>/evaluation/swapped-<seed>/        a run of its own, with its trace
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from whence.data.identity import content_key, example_id
from whence.data.table import ExampleTable, write_table
from whence.data.tokenize import fit
from whence.errors import DataError
from whence.evaluation.mislabel import Mislabelled
from whence.models.base import context_length, load_tokenizer
from whence.retraining.retrain import recipe_of
from whence.store.artifact import Manifest, make
from whence.training.fit import fit_run
from whence.training.run import EXAMPLES, KIND, Run
from whence.types import NO_LOSS, Example, Message, Report, Tokens, silent

SHARE = 0.1
Pair = tuple[Example, Tokens]


def swapped_run(run: Run, seed: int = 0, report: Report = silent) -> tuple[Run, Mislabelled]:
    """Repeat a run with the answers of a tenth of its pairs swapped among them; return it and the swapped pairs.

    Raises:
        DataError: no two pairs have different answers.
        TrainingError: the run was trained elsewhere.
    """
    recipe, givers = recipe_of(run), swaps(run.examples, seed)
    wanted = Manifest(KIND, {**run.manifest.config, "swapped": seed}, {**run.manifest.inputs, "run": run.manifest.key})

    def work(part: Path) -> Mapping[str, Any]:
        if not (part / EXAMPLES).exists():
            write_table(part / EXAMPLES, swapped(run.examples, givers, context_length(run.base_folder)))
        facts = fit_run(part, run.base_folder, load_tokenizer(run.base_folder), recipe, report, run.like)
        return {**facts, "examples": len(run.examples)}

    folder = run.folder / "evaluation" / f"swapped-{seed}"
    made = Run(folder, make(folder, wanted, work))
    return made, Mislabelled(tuple(sorted(givers)), len(run.examples), made=True)


def swaps(examples: ExampleTable, seed: int) -> dict[int, int]:
    """Return the row whose answer each chosen row gets. Rows that would keep their own answer are left out."""
    draw = random.Random(seed)
    chosen = draw.sample(range(len(examples)), min(max(2, round(SHARE * len(examples))), len(examples)))
    circle = zip(chosen, [*chosen[1:], *chosen[:1]], strict=True)
    found = {row: giver for row, giver in circle if _answer_key(examples, row) != _answer_key(examples, giver)}
    if not found:
        raise DataError("Swapped answers must differ (found only equal ones). Vary the answers.")
    return found


def swapped(examples: ExampleTable, givers: Mapping[int, int], longest: int) -> Iterator[Pair]:
    """Yield all pairs in order, those in `givers` with another one's answer, cut to `longest` tokens."""
    for row, example in enumerate(examples):
        if row in givers:
            giver = givers[row]
            yield _with_answer((example, examples.tokens(row)), (examples[giver], examples.tokens(giver)), longest)
        else:
            yield example, examples.tokens(row)


def _with_answer(pair: Pair, giver: Pair, longest: int) -> Pair:
    (example, own), (other, given) = pair, giver
    start, theirs = _answer_start(own), _answer_start(given)
    ids = (*own.input_ids[:start], *given.input_ids[theirs:])
    tokens = fit(Tokens(ids, (*own.labels[:start], *given.labels[theirs:])), longest, truncate=True)
    messages = (*example.messages[:-1], Message("assistant", other.answer)) if example.messages else ()
    name = example_id(example.file_id, example.line, example.turn, messages or tokens)
    return replace(example, id=name, messages=messages, tokens=None if messages else tokens), tokens


def _answer_start(tokens: Tokens) -> int:
    return next(i for i, label in enumerate(tokens.labels) if i and label != NO_LOSS)


def _answer_key(examples: ExampleTable, row: int) -> bytes:
    tokens = examples.tokens(row)
    answer = slice(_answer_start(tokens), None)
    return content_key(Tokens(tokens.input_ids[answer], tokens.labels[answer]))
