"""The replay is the training, and its derivative that of central differences."""

import gc
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from tests.tiny import save_tiny, tiny_gpt2, tiny_llama, tiny_tokenizer
from tests.training.runs import short, write_pairs
from whence.core.adamw import AdamW, State
from whence.data.tokenize import tokenize
from whence.errors import TrainingError
from whence.methods.contract_subject import PAIRS
from whence.models.adapter import trainable, with_lora
from whence.pipeline import finetune
from whence.retraining.replay import RecordedStep, Replay, replay_of, require_exact, slopes
from whence.training import run as runs
from whence.training.run import Run
from whence.types import Query, Tokens

ROWS = ((0, 1), (2, 3), (4, 5), (3, 0), (5, 2), (1, 4), (0, 2))
RATES = (0.0, 2e-3, 4e-3, 3e-3, 2e-3, 1e-3, 5e-4)
"""A warmup whose first step does not move the weights, and a fall: as the trainer's schedule has it."""
LIMIT = 0.9


class Encoded:
    """Examples that are nothing but tokens."""

    def __init__(self, items: Sequence[Tokens]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def tokens(self, index: int) -> Tokens:
        return self.items[index]


def encoded() -> list[Tokens]:
    return [tokenize(Query.of(asked, said), tiny_tokenizer()) for asked, said in PAIRS[:6]]


def exact() -> Replay:
    """A short training in float64. GPT-2 computes in the precision it is given; Llama's norms know float32 only."""
    adapted: Any = with_lora(tiny_gpt2(), 2, 4.0, ("c_attn", "c_proj"), seed=1)
    steps = [RecordedStep(i, rate, rows) for i, (rate, rows) in enumerate(zip(RATES, ROWS, strict=True), start=1)]
    return Replay(adapted.double(), tiny_tokenizer(), Encoded(encoded()), steps, optimizer=AdamW(limit=LIMIT))


def by_torch(replay: Replay, presence: Tensor) -> tuple[Tensor, list[float]]:
    """The end of the same training with torch's own optimizer and one backward pass a pair, and the gradients' lengths
    before they are cut. The model is left at the end."""
    named = trainable(replay.model)
    optimizer, lengths = torch.optim.AdamW(named.values(), betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0), []
    for step in replay.steps:
        optimizer.zero_grad()
        items = [replay.examples.tokens(row) for row in step.rows]
        counted = sum(item.answer_length for item in items)
        for row, item in zip(step.rows, items, strict=True):
            loss = -log_p(replay.model, item) * presence[row] / counted
            loss.backward()
        lengths.append(float(torch.nn.utils.clip_grad_norm_(named.values(), LIMIT)))
        optimizer.param_groups[0]["lr"] = step.rate
        optimizer.step()
    return replay.flat({name: p.detach() for name, p in named.items()}), lengths


def log_p(model: Any, tokens: Tokens) -> Tensor:
    logits = model(input_ids=torch.tensor([tokens.input_ids])).logits[0]
    found = [torch.log_softmax(logits[t - 1], 0)[y] for t, y in enumerate(tokens.labels) if t and y != -100]
    return torch.stack(found).sum()


@pytest.mark.parametrize("left_out", [None, 2])
def test_the_replay_is_the_training(left_out: int | None) -> None:
    replay, other = exact(), exact()
    presence = replay.everyone()
    if left_out is not None:
        presence[left_out] = 0
    theirs, lengths = by_torch(other, presence)
    assert min(lengths) < LIMIT < max(lengths)
    end = replay.end(replay.begin(), presence)
    torch.testing.assert_close(end.weights, theirs, rtol=1e-9, atol=1e-11)
    value = replay.log_probabilities(end.weights, encoded()[:1])
    assert float(value[0]) == pytest.approx(float(log_p(other.model, encoded()[0]).detach()), rel=1e-10)


@pytest.mark.parametrize("limit", [LIMIT, None])
def test_the_derivative_is_that_of_central_differences(limit: float | None) -> None:
    replay, asked = exact(), encoded()[:2]
    replay.optimizer = AdamW(limit=limit)
    start, everyone, h = replay.begin(), replay.everyone(), 1e-5

    def values(presence: Tensor) -> Tensor:
        return replay.log_probabilities(replay.end(start, presence).weights, asked)

    found = slopes(replay, start, asked)
    expected = [(values(everyone + h * e) - values(everyone - h * e)) / (2 * h) for e in torch.eye(6).double()]
    difference = found.derivative - torch.stack(expected, 1)
    assert float(difference.norm() / found.derivative.norm()) < 1e-6
    torch.testing.assert_close(found.values, values(everyone), rtol=1e-12, atol=0)
    assert bool((found.derivative.diagonal() > 0).all())


def test_memory_holds_about_two_roots_of_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    replay = exact()
    replay.steps = [RecordedStep(i, 1e-3, ROWS[i % len(ROWS)]) for i in range(1, 17)]
    alive, most = weakref.WeakSet[Any](), [0]
    advance = Replay.advance

    def watched(self: Replay, state: State, step: RecordedStep, presence: Tensor, graph: bool = False) -> State:
        found = advance(self, state, step, presence, graph)
        gc.collect(0)
        alive.add(found.weights)
        most[0] = max(most[0], len(alive))
        return found

    monkeypatch.setattr(Replay, "advance", watched)
    start = replay.begin()
    slopes(replay, start, encoded()[:1])
    assert 4 < most[0] <= 2 * 4 + 2


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """A tiny run whose base model is kept in float32, as the replay has it."""
    monkeypatch.setattr(runs, "precision", lambda: torch.float32)
    base = save_tiny(tmp_path / "base", tiny_llama())
    return lambda **settings: finetune(
        write_pairs(tmp_path / "pairs.jsonl", 6), str(base), tmp_path / "run", short(**{"epochs": 3, **settings})
    )


def drift(run: Run, presence: Callable[[Replay], Tensor] = Replay.everyone) -> float:
    replay, path = replay_of(run)
    end = replay.end(replay.begin(), presence(replay))
    recorded = replay.flat(load_file(path.last.weights))
    return float((end.weights - recorded).norm() / (recorded - replay.begin().weights).norm())


def without_the_first(replay: Replay) -> Tensor:
    return replay.everyone().index_fill(0, torch.tensor([0]), 0)


@pytest.mark.parametrize("rehearsal", [0, 1])
def test_a_recorded_run_is_followed_to_its_end(trained: Callable[..., Run], rehearsal: int) -> None:
    run = trained(rehearsal=rehearsal)
    assert drift(run) < 1e-5
    assert drift(run, without_the_first) > 1e-1


def test_dropout_is_refused() -> None:
    with pytest.raises(TrainingError, match="dropout"):
        require_exact(tiny_gpt2(resid_pdrop=0.1))
    with pytest.raises(TrainingError, match="attention_dropout"):
        require_exact(tiny_llama(attention_dropout=0.1))


@pytest.mark.parametrize("settings", [{"dropout": 0.1}, {"full": True}])
def test_a_run_that_cannot_be_repeated_is_refused(trained: Callable[..., Run], settings: dict[str, Any]) -> None:
    run = trained(epochs=1, **settings)
    with pytest.raises(TrainingError, match="Only a LoRA training without dropout"):
        replay_of(run)


def test_a_run_without_its_order_is_refused(trained: Callable[..., Run]) -> None:
    run = trained(epochs=1)
    (run.folder / "trace" / "steps.parquet").unlink()
    with pytest.raises(TrainingError, match="pairs of every step"):
        replay_of(run)
