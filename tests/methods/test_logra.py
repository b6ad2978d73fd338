from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy import ndarray

from tests.methods import oracles
from whence.errors import MethodError
from whence.gradients.subject import Compute, Subject, example_tokens
from whence.gradients.trajectory import Trajectory
from whence.methods.contract import built, check_formula
from whence.methods.contract_subject import own_queries
from whence.methods.logra import Blocks, LoGra, damped_inverse, embed_blocks, narrowed, widest
from whence.types import Query, Tokens

Rows = dict[str, list[ndarray]]


def blocks_of(subject: Subject, items: Sequence[Tokens], side: int | None, place: int = -1) -> Rows:
    """Each layer's narrowed gradients of all items, by autograd; whole where there is no `side`."""
    found: Rows = {}
    for tokens in items:
        for name, g in oracles.gradient(subject, subject.trajectory.checkpoints[place], tokens).items():
            left, right = (
                narrowed(f"{name}/{end}", length, side or length, 0).double().numpy()
                for end, length in zip(("left", "right"), g.shape, strict=True)
            )
            found.setdefault(name, []).append((left.T @ g @ right).reshape(-1))
    return found


def logra_oracle(side: int | None, damping: float) -> oracles.Oracle:
    """One layer, one query, one example at a time, with a dense inverse."""

    def scores(subject: Subject, queries: Sequence[Query]) -> ndarray:
        train = blocks_of(subject, oracles.train_tokens(subject), side)
        asked = blocks_of(subject, oracles.tokens_of(subject, queries), side)
        total = np.zeros((len(queries), len(subject.examples)))
        for name, rows in train.items():
            fisher = sum(np.outer(g, g) for g in rows) / len(rows)
            inverse = np.linalg.inv(fisher + damping * np.linalg.eigvalsh(fisher).mean() * np.eye(len(fisher)))
            for j, q in enumerate(asked[name]):
                for i, g in enumerate(rows):
                    total[j, i] += q @ inverse @ g
        return total

    return scores


def test_scores_agree_with_the_formula_written_out(tmp_path: Path) -> None:
    # Twelve factors of rank 4: 12 x 4 x 6 numbers are a side of 6.
    check_formula(LoGra(288), logra_oracle(6, 0.1), tmp_path)


def test_whole_gradients_agree_with_the_formula_written_out(tmp_path: Path) -> None:
    check_formula(LoGra(0, damping=1.0), logra_oracle(None, 1.0), tmp_path)


@pytest.mark.parametrize("numbers", [12, 50, 300, 10**6, 0])
def test_the_side_is_the_longest_that_fits(numbers: int) -> None:
    shapes = [(4, 32), (16, 4), (4, 64), (32, 4)] * 3

    def total(side: int) -> int:
        return sum(min(out, side) * min(inner, side) for out, inner in shapes)

    fitting = [side for side in range(1, 65) if not numbers or total(side) <= numbers]
    assert widest(shapes, numbers) == max(fitting)


def test_a_row_of_fewer_numbers_than_layers_is_refused(subject: Subject) -> None:
    with pytest.raises(MethodError, match=r"each of the 12 layers \(found 11\)\. Raise sketch"):
        Blocks.of(subject.trajectory, 11, 0)


def test_a_row_of_the_default_takes_at_most_32_kilobytes(subject: Subject) -> None:
    layers = [(576, 16), (16, 1536), (1536, 16), (16, 576)] * 45  # as many as a 135-million-parameter model has
    side = widest(layers, LoGra().sketch)
    assert 2 * sum(min(out, side) * min(inner, side) for out, inner in layers) <= 32 * 1024
    assert side >= 9


def test_inner_products_of_narrowed_gradients_are_right_on_average() -> None:
    made = torch.randn(3, 20, 9, generator=torch.Generator().manual_seed(0))
    grams = []
    for seed in range(400):
        rows = (narrowed("left", 20, 6, seed).T @ made @ narrowed("right", 9, 6, seed)).flatten(1)
        grams.append(rows @ rows.T)
    wanted = made.flatten(1) @ made.flatten(1).T
    torch.testing.assert_close(torch.stack(grams).mean(0), wanted, rtol=0.1, atol=0.05 * float(wanted.max()))


def test_rows_do_not_depend_on_who_shares_a_batch(subject: Subject) -> None:
    items, path = example_tokens(subject, range(5)), subject.trajectory
    blocks = Blocks.of(path, 300, 0)
    one, other = (embed_blocks(path, path.last, blocks, items, Compute(size)) for size in (1, 5))
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_a_layer_that_no_example_moves_says_nothing() -> None:
    assert not damped_inverse(torch.zeros(3, 3, dtype=torch.float64), 0.1).any()


def test_at_the_start_where_one_factor_has_no_gradient_scores_are_finite(subject: Subject, tmp_path: Path) -> None:
    path = subject.trajectory
    start = replace(subject, path=Trajectory(path.model, path.tokenizer, path.checkpoints[:1]))
    scores = built(LoGra(300), start, tmp_path / "index").scores(own_queries(subject)[:2])
    assert np.isfinite(scores).all()
    assert scores.argmax(1).tolist() == [0, 1]


@pytest.mark.parametrize("settings", [(-1, 0.1), (300, 0.0)])
def test_settings_out_of_range_are_refused(settings: tuple[int, float]) -> None:
    with pytest.raises(MethodError, match="must be positive"):
        LoGra(*settings)
