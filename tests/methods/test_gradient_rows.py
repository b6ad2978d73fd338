from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.methods import oracles
from whence.data.text import TextError
from whence.data.tokenize import tokenize
from whence.errors import MethodError
from whence.methods import gradient_rows
from whence.methods.base import Compute, Subject
from whence.methods.grad_dot import GradDot
from whence.methods.gradient_rows import (
    GradientSpec,
    batches,
    cut_note,
    embed,
    example_tokens,
    query_tokens,
    values_at,
    values_now,
)
from whence.types import Query, Tokens, silent


def of_length(length: int) -> Tokens:
    return Tokens((1,) * length, (1,) * length)


def test_batches_hold_every_item_once_and_items_of_like_length_together() -> None:
    found = batches([of_length(n) for n in (9, 2, 7, 3, 8)], 2)
    assert found == [[1, 3], [2, 4], [0]]


def test_no_items_make_no_batches() -> None:
    assert batches([], 4) == []


def test_items_of_equal_length_keep_their_order() -> None:
    assert batches([of_length(5)] * 4, 3) == [[0, 1, 2], [3]]


@pytest.mark.parametrize("compute", [Compute(1), Compute(5), Compute(12, padding="left")])
def test_values_are_log_probabilities_in_the_order_of_the_items(subject: Subject, compute: Compute) -> None:
    items = oracles.train_tokens(subject)
    for checkpoint in subject.trajectory.checkpoints:
        found = values_at(subject.trajectory, checkpoint, items, compute)
        wanted = [oracles.log_p(subject, checkpoint, tokens) for tokens in items]
        np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-5)


def test_values_now_are_those_of_the_weights_in_the_model(subject: Subject) -> None:
    items = oracles.train_tokens(subject)[:3]
    with subject.trajectory.base():
        found = values_now(subject.trajectory, items, subject.compute)
    np.testing.assert_allclose(found.numpy(), [oracles.log_p(subject, None, t) for t in items], rtol=1e-5)


def test_rows_are_the_sketches_at_each_checkpoint_side_by_side(subject: Subject) -> None:
    points = subject.trajectory.checkpoints[:2]
    items, ticks = oracles.train_tokens(subject)[:5], list[int]()
    rows, values = embed(subject.trajectory, GradientSpec(points, 16, 3, adam=True), items, Compute(2), ticks.append)
    wanted = [
        [oracles.sketched(subject, c, t, 16, 3, oracles.adam_weight(subject, i)) for i, c in enumerate(points)]
        for t in items
    ]
    np.testing.assert_allclose(rows.numpy(), np.array(wanted).reshape(5, 32), rtol=1e-3, atol=1e-2)
    assert ticks == [2, 2, 1] * 2
    np.testing.assert_allclose(values[:, 1].numpy(), [oracles.log_p(subject, points[1], t) for t in items], rtol=1e-5)


def test_no_items_give_no_rows(subject: Subject) -> None:
    rows, values = embed(subject.trajectory, GradientSpec(subject.trajectory.checkpoints, 16, 0, False), [], Compute())
    assert (rows.shape, values.shape) == ((0, 48), (0, 3))


def test_example_tokens_are_those_of_the_span(subject: Subject) -> None:
    assert example_tokens(subject, range(3, 5)) == [subject.examples.tokens(3), subject.examples.tokens(4)]


def test_query_tokens_are_those_the_example_was_trained_with(subject: Subject) -> None:
    asked = Query.of(subject.examples[4].question, subject.examples[4].answer)
    assert query_tokens(subject, [asked]) == [subject.examples.tokens(4)]


def test_a_pre_tokenised_query_brings_its_tokens(subject: Subject) -> None:
    tokens = Tokens((5, 6, 7), (-100, 6, 7))
    assert query_tokens(subject, [Query("q", (), tokens)]) == [tokens]


@pytest.mark.parametrize("query", [Query.of("Who?", "", id="mine"), Query("mine", (), Tokens((5, 6), (-100, -100)))])
def test_a_query_without_an_answer_is_refused_by_name(subject: Subject, query: Query) -> None:
    with pytest.raises(MethodError, match="must not be empty, but query 'mine' has none"):
        query_tokens(subject, [query])


def whole_tokens(subject: Subject, asked: str, said: str) -> Tokens:
    return tokenize(Query.of(asked, said), subject.trajectory.tokenizer)


@pytest.mark.parametrize(
    ("asked", "said", "first", "length", "answer"),
    [
        (40, 500, 0, 256, 198),  # the answer loses its end: the prompt keeps its 58 tokens
        (400, 500, 290, 256, 128),  # the prompt is longer than half, and keeps half
        (400, 60, 224, 256, 62),  # the prompt makes room for the answer, its blank and its closing token
        (40, 60, 0, 120, 62),
    ],
)
def test_a_long_query_is_cut_to_what_the_model_reads(
    subject: Subject, asked: int, said: int, first: int, length: int, answer: int
) -> None:
    whole = whole_tokens(subject, "q" * asked, "a" * said)
    (found,) = query_tokens(subject, [Query.of("q" * asked, "a" * said)])
    assert found.input_ids == whole.input_ids[first : first + length]
    assert found.answer_length == answer
    last = subject.trajectory.last
    values = values_at(subject.trajectory, last, [found], subject.compute)
    assert float(values) == pytest.approx(oracles.log_p(subject, last, found), rel=1e-4)


def test_no_more_is_explained_of_a_model_that_reads_more(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradient_rows, "LONGEST_QUERY", 80)
    (found,) = query_tokens(subject, [Query.of("Who?", "a" * 100)])
    whole = whole_tokens(subject, "Who?", "a" * 100)
    assert (found.input_ids, found.labels) == (whole.input_ids[:80], whole.labels[:80])


def test_of_a_cut_answer_a_part_that_is_left_may_be_selected(subject: Subject) -> None:
    whole, answer = Query.of("Who?", "a" * 300), "a" * 300
    (found,) = query_tokens(subject, [replace(whole, selected=(230, 300))])
    (kept,) = query_tokens(subject, [whole])
    assert found.input_ids == kept.input_ids
    assert found.answer_length == kept.answer_length - 231  # the blank before the answer is not selected
    with pytest.raises(TextError, match="must touch a token"):
        query_tokens(subject, [Query.of("Who?", answer, selected=(290, 300))])


def test_a_note_says_what_was_cut(subject: Subject) -> None:
    assert cut_note(subject, Query.of("Who?", "a" * 100)) == ()
    (tail,) = cut_note(subject, Query.of("q" * 40, "a" * 500, selected=(0, 3)))
    assert tail.startswith("Only the first 198 of the answer's 502 tokens could be explained")
    assert tail.endswith("cut to 256.")
    (head,) = cut_note(subject, Query.of("q" * 400, "a" * 60))
    assert head.startswith("Of the question only the last 194 of its 418 tokens were read")


def test_scores_of_parts_add_up_to_that_of_the_answer(subject: Subject, tmp_path: Path) -> None:
    method, answer = GradDot(sketch=256), "Forty fathoms, by the bell."
    method.build(subject, tmp_path, silent)
    cuts = [0, 1, 6, 14, 27]
    parts = [Query.of("How deep?", answer, selected=span) for span in pairwise(cuts)]
    whole = Query.of("How deep?", answer, selected=(0, len(answer)))
    scores = method.score(subject, tmp_path, parts)
    assert np.abs(scores).min(axis=1).all()
    np.testing.assert_allclose(scores.sum(axis=0), method.score(subject, tmp_path, [whole])[0], rtol=1e-3, atol=1e-2)
    values = values_now(subject.trajectory, query_tokens(subject, [*parts, whole]), subject.compute)
    assert float(values[:-1].sum()) == pytest.approx(float(values[-1]), rel=1e-5)


def test_gradients_are_finite_float32(subject: Subject) -> None:
    spec = GradientSpec((subject.trajectory.last,), 64, 0, adam=True)
    rows, _ = embed(subject.trajectory, spec, oracles.train_tokens(subject), subject.compute)
    assert rows.dtype == torch.float32
    assert bool(torch.isfinite(rows).all())
