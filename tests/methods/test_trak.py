from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy import ndarray

from tests.methods import oracles
from whence.core.projection import Projection
from whence.errors import MethodError
from whence.gradients.capture import Sketcher
from whence.gradients.likelihood import passes
from whence.gradients.subject import Compute, Subject
from whence.gradients.trajectory import Checkpoint, Trajectory
from whence.methods.contract import assert_close, built, check_formula
from whence.methods.contract_subject import own_queries
from whence.methods.trak import Trak, closing, features, log_odds
from whence.types import Progress, Query, Tokens, silent


def token_odds(model: Any, tokens: Tokens) -> list[torch.Tensor]:
    """log(p / (1 - p)) of each answer token, by the definition, in float64 and without padding."""
    logits = model(input_ids=torch.tensor([tokens.input_ids])).logits[0].double()
    chances = [torch.softmax(logits[t - 1], 0)[y] for t, y in enumerate(tokens.labels) if t and y != -100]
    return [torch.log(p) - torch.log(1 - p) for p in chances]


def measured(subject: Subject, checkpoint: Checkpoint, tokens: Tokens, sketch: int) -> tuple[ndarray, float]:
    """phi, by autograd and a dense projection, and the mean of 1 - p."""
    named = oracles.stand_at(subject, checkpoint)
    odds = token_odds(subject.trajectory.model, tokens)
    total = np.zeros(sketch)
    for name, g in zip(named, torch.autograd.grad(sum(odds, torch.zeros(())), list(named.values())), strict=True):
        made = Projection.of(name.removesuffix(".weight"), (g.shape[0], g.shape[1]), int(sketch**0.5), 0)
        total += (made.left.double().T @ g.double() @ made.right.double()).flatten().numpy()
    return total, float(np.mean([1 - 1 / (1 + np.exp(-float(o.detach()))) for o in odds]))


def trak_oracle(sketch: int, damping: float, points: Sequence[int]) -> oracles.Oracle:
    """`points`: which checkpoints of the path, by their place."""

    def scores(subject: Subject, queries: Sequence[Query]) -> ndarray:
        train, asked = oracles.train_tokens(subject), oracles.tokens_of(subject, queries)
        kernel, doubt = np.zeros((len(asked), len(train))), np.zeros(len(train))
        for here in [subject.trajectory.checkpoints[c] for c in points]:
            made = [measured(subject, here, tokens, sketch) for tokens in train]
            phi = np.array([features for features, _ in made])
            gram = phi.T @ phi
            inverse = np.linalg.inv(gram + damping * np.trace(gram) / min(phi.shape) * np.eye(sketch))
            for j, tokens in enumerate(asked):
                q, _ = measured(subject, here, tokens, sketch)
                kernel[j] += [q @ inverse @ row / len(points) for row in phi]
            doubt += np.array([d for _, d in made]) / len(points)
        return kernel * doubt

    return scores


def test_scores_agree_with_the_formula_written_out(tmp_path: Path) -> None:
    check_formula(Trak(256), trak_oracle(256, 0.1, (2,)), tmp_path)


def test_doubts_and_kernels_are_averaged_over_the_points(tmp_path: Path) -> None:
    # Rows are twelve, a sketch has nine numbers: here the inverse is taken in the columns' span.
    check_formula(Trak(9, points=2, damping=1.0), trak_oracle(9, 1.0, (1, 2)), tmp_path)


def test_the_log_odds_of_a_certain_token_are_finite_and_keep_a_gradient(subject: Subject) -> None:
    path = subject.trajectory
    _, batch = next(passes(path, oracles.train_tokens(subject)[:2], Compute()))
    plain = log_odds(path.model, batch)
    head = path.model.get_output_embeddings()  # pyright: ignore[reportCallIssue]
    handle = head.register_forward_hook(lambda _m, _i, out: out + 60 * torch.eye(out.shape[1])[batch.targets])
    certain = log_odds(path.model, batch)
    handle.remove()
    torch.testing.assert_close(certain, plain + 60, rtol=1e-4, atol=1e-3)  # log p itself would have been rounded to 0


@torch.no_grad()
def likeliest(subject: Subject, tokens: Tokens) -> Tokens:
    """The same tokens, labelled with what the model thinks likeliest at each place of the answer."""
    oracles.stand_at(subject, subject.trajectory.last)
    best = subject.trajectory.model(input_ids=torch.tensor([tokens.input_ids])).logits[0].argmax(1).tolist()
    labels = [best[t - 1] if t and y != -100 else -100 for t, y in enumerate(tokens.labels)]
    return Tokens(tokens.input_ids, tuple(labels))


def test_features_and_doubts_of_a_model_that_is_sure_agree_with_the_definition(subject: Subject) -> None:
    path, sketcher = subject.trajectory, Sketcher(subject.trajectory.projections(4, 0))
    items = [likeliest(subject, tokens) for tokens in oracles.train_tokens(subject)[:3]]
    handle = path.model.get_output_embeddings().register_forward_hook(lambda _m, _i, out: 4 * out)  # pyright: ignore[reportCallIssue]
    wanted = [measured(subject, path.last, tokens, 16) for tokens in items]
    path.move_to(path.last)
    for chosen, batch in passes(path, items, Compute()):
        rows, doubts = features(path, batch, sketcher)
        for row, doubt, i in zip(rows, doubts, chosen, strict=True):
            np.testing.assert_allclose(row.numpy(), wanted[i][0], rtol=1e-3, atol=1e-4 * np.abs(wanted[i][0]).max())
            assert float(doubt) == pytest.approx(wanted[i][1], rel=1e-4)
    handle.remove()
    assert max(doubt for _, doubt in wanted) < 0.6  # far from the 1 of a token that is not expected


@pytest.mark.parametrize(
    ("length", "points", "steps"),
    [(1, 3, [0]), (2, 3, [1]), (3, 1, [2]), (7, 1, [6]), (7, 2, [3, 6]), (7, 3, [2, 4, 6]), (4, 9, [1, 2, 3])],
)
def test_points_are_spread_to_the_end_and_leave_the_start_out(length: int, points: int, steps: list[int]) -> None:
    assert [c.step for c in closing([Checkpoint(step, Path()) for step in range(length)], points)] == steps


@pytest.mark.parametrize("length", range(1, 20))
def test_no_point_is_chosen_twice(length: int) -> None:
    for points in range(1, 20):
        steps = [c.step for c in closing([Checkpoint(step, Path()) for step in range(length)], points)]
        assert steps == sorted(set(steps))
        assert len(steps) == min(points, max(length - 1, 1))


def test_a_first_point_that_is_not_the_start_may_be_chosen() -> None:
    assert [c.step for c in closing([Checkpoint(step, Path()) for step in (5, 10)], 2)] == [5, 10]


def test_raw_features_are_gone_when_the_index_is_finished(subject: Subject, tmp_path: Path) -> None:
    built(Trak(64), subject, tmp_path / "index")
    assert sorted(p.name.split("-")[0] for p in (tmp_path / "index").iterdir()) == ["rows", "rows", "rows", "rows.json"]


def test_a_build_cut_up_otherwise_after_a_break_gives_the_same_scores(subject: Subject, tmp_path: Path) -> None:
    method, queries, place = Trak(64), own_queries(subject)[:2], tmp_path / "broken"

    def stop(progress: Progress) -> None:
        if progress.step == "inverse kernel":
            raise KeyboardInterrupt

    wanted = built(method, subject, tmp_path / "straight").scores(queries)
    place.mkdir()
    with pytest.raises(KeyboardInterrupt):
        method.build(subject, place, stop)
    other = replace(subject, compute=Compute(rows_per_shard=2))
    method.build(other, place, silent)
    assert_close(method.score(other, place, queries), wanted, "scores")


def test_notes_say_what_was_looked_at(subject: Subject) -> None:
    path = subject.trajectory
    assert "Only the end" in " ".join(Trak().notes(subject))
    assert Trak(points=2).notes(subject) == ()
    assert "Only 2 of 3 points" in " ".join(Trak(points=3).notes(subject))
    single = replace(subject, path=Trajectory(path.model, path.tokenizer, (path.last,)))
    assert "Only the end" in " ".join(Trak(points=3).notes(single))


@pytest.mark.parametrize("settings", [{"points": 0}, {"damping": 0.0}, {"sketch": 10}])
def test_settings_out_of_range_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(MethodError, match="must be"):
        Trak(**settings)
