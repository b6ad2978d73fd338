"""A recorded LoRA training as a function of the weight of each pair, and the exact derivative of that function.

Training proceeds from state to state (weights, Adam's moments). With a presence w_i for every pair, 1 in the recorded
run, step t with the batch B_t and its N_t counted tokens (those of the rehearsed questions included) minimises

    L_t(weights; w) = (sum over i in B_t of w_i (-log p_i) + rehearsal) / N_t

N_t stays as recorded: removing a pair's presence removes only its own contribution to the gradient and does not scale
up that of other pairs. The derivative of any f(end) in w follows from the chain rule, backwards through every step
(reverse mode), and is exact: MAGIC, Ilyas & Engstrom 2025, arXiv:2504.16430; metagradients, Engstrom et al. 2025,
arXiv:2503.13751. Only about 2 sqrt(steps) states are in memory at a time: one at the start of each stretch of
sqrt(steps) steps, and those of the stretch being differentiated, which are computed again.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call
from transformers import PreTrainedTokenizerBase

from whence.core.adamw import AdamW, State
from whence.errors import TrainingError
from whence.gradients.measurement import Batch, collate, logits_only_at
from whence.gradients.trajectory import Trajectory
from whence.models.adapter import trainable
from whence.retraining.retrain import recipe_of
from whence.training.rehearsal import NOTHING, Rehearsal, rehearse
from whence.training.run import Run, load_base
from whence.training.trace import read_steps
from whence.training.trainer import Trained, collator
from whence.types import Report, Tokens, silent

Tick = Callable[[], None]
"""Called after each step."""


def no_tick() -> None:
    """A `Tick` that does nothing."""


@dataclass(frozen=True)
class RecordedStep:
    """One recorded step: its number from 1, its learning rate, and the rows of its batch."""

    number: int
    rate: float
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Slopes:
    """log p(answer) of every query at the end of training, in nats, and its derivative by every pair's presence."""

    values: Float[Tensor, " query"]
    derivative: Float[Tensor, "query train"]
    end: State


class Answers(nn.Module):
    """A module that maps a batch to the logits of its answers' tokens, in the model's own precision."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> Float[Tensor, "answer vocabulary"]:
        """Return the logits at the counted positions, row after row."""
        with logits_only_at(self.model, batch.counted):
            output = self.model(
                input_ids=batch.input_ids,
                attention_mask=batch.attention_mask,
                position_ids=batch.position_ids,
                use_cache=False,
            )
        return output.logits


@dataclass
class Replay:
    """The steps of a training, ready to be repeated. `model` must be deterministic: see `require_exact`."""

    model: nn.Module
    tokenizer: PreTrainedTokenizerBase
    examples: Trained
    steps: Sequence[RecordedStep]
    rehearsal: Rehearsal = NOTHING
    rehearsed: int = 0
    optimizer: AdamW = field(default_factory=AdamW)
    _answers: Answers = field(init=False, repr=False)
    _shapes: dict[str, torch.Size] = field(init=False, repr=False)
    _batch: Callable[[Sequence[int]], dict[str, Tensor]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        require_exact(self.model)
        self._answers = Answers(self.model)
        self._shapes = {name: p.shape for name, p in trainable(self.model).items()}
        self._batch = collator(self.examples, self.tokenizer, self.rehearsal, self.rehearsed)

    @property
    def device(self) -> torch.device:
        """The device of the model."""
        return next(self.model.parameters()).device

    def everyone(self) -> Float[Tensor, " train"]:
        """Return the presence of the recorded run: 1 for every pair."""
        return torch.ones(len(self.examples), device=self.device, dtype=next(self.model.parameters()).dtype)

    def begin(self) -> State:
        """Return the state before the first step, with the model's current weights."""
        return State.begin(self.flat({name: p.detach() for name, p in trainable(self.model).items()}))

    def flat(self, weights: Mapping[str, Tensor]) -> Float[Tensor, " parameter"]:
        """Return named weights as one vector, on the model's device and in its precision."""
        like = self.everyone()
        return torch.cat([weights[name].to(like).flatten() for name in self._shapes])

    def logits(self, weights: Float[Tensor, " parameter"], batch: Batch) -> Float[Tensor, "answer vocabulary"]:
        """Return the logits of a batch's answers under these weights."""
        parts = weights.split([shape.numel() for shape in self._shapes.values()])
        named = {
            f"model.{name}": part.view(shape) for (name, shape), part in zip(self._shapes.items(), parts, strict=True)
        }
        return functional_call(self._answers, named, (batch,))

    def log_probability(self, weights: Float[Tensor, " parameter"], tokens: Tokens) -> Float[Tensor, ""]:
        """Return log p(answer | prompt) in nats under these weights."""
        batch = collate([tokens], 0, "right", self.device)
        return -nn.functional.cross_entropy(self.logits(weights, batch), batch.targets, reduction="sum")

    @torch.no_grad()
    def log_probabilities(
        self, weights: Float[Tensor, " parameter"], items: Sequence[Tokens]
    ) -> Float[Tensor, " item"]:
        """Return log p(answer | prompt) of several conversations, without gradients."""
        return torch.stack([self.log_probability(weights, tokens) for tokens in items])

    def loss(
        self, weights: Float[Tensor, " parameter"], step: RecordedStep, presence: Float[Tensor, " batch"]
    ) -> Float[Tensor, ""]:
        """Return the trainer's loss of one step, each row weighted by its presence."""
        fields = self._batch(step.rows)
        items: list[int] = fields.pop("rehearsed").tolist()
        batch = Batch(**{name: value.to(self.device) for name, value in fields.items()})
        logits = self.logits(weights, batch)
        own = batch.owner < len(step.rows)
        losses = nn.functional.cross_entropy(logits[own], batch.targets[own], reduction="none")
        total = (presence[batch.owner[own]] * losses).sum()
        if items:
            total = total + self.rehearsal.divergence(logits[~own], items).sum()
        return total / len(batch.owner)

    def advance(
        self, state: State, step: RecordedStep, presence: Float[Tensor, " batch"], graph: bool = False
    ) -> State:
        """Return the state after a step; with `graph` it is differentiable by state and presence."""
        start = state if graph else state.leaf()
        with torch.enable_grad():
            loss = self.loss(start.weights, step, presence)
            (gradient,) = torch.autograd.grad(loss, start.weights, create_graph=graph)
        with torch.set_grad_enabled(graph):
            return self.optimizer.step(state, gradient, step.number, step.rate)

    def walk(self, state: State, presence: Float[Tensor, " train"], first: int, last: int) -> Iterator[State]:
        """Yield the states after the steps `first` to `last` (exclusive), starting from the state before them."""
        for step in self.steps[first:last]:
            state = self.advance(state, step, presence[list(step.rows)])
            yield state

    def end(self, start: State, presence: Float[Tensor, " train"], tick: Tick = no_tick) -> State:
        """Return the state after the last step."""
        state = start
        for after in self.walk(start, presence, 0, len(self.steps)):
            state = after
            tick()
        return state


def slopes(replay: Replay, start: State, queries: Sequence[Tokens], tick: Tick = no_tick) -> Slopes:
    """Return log p(answer | prompt) of every query after the recorded training, and its derivative by each presence.

    All queries share the forward steps and each step's graph; a query adds one backward pass per step. `tick` is called
    for each step forward and again for each step backward.
    """
    presence, spacing = replay.everyone(), max(1, math.isqrt(len(replay.steps)))
    kept = {0: start}
    for place, state in enumerate(replay.walk(start, presence, 0, len(replay.steps)), start=1):
        if place % spacing == 0 or place == len(replay.steps):
            kept[place] = state
        tick()
    end = kept.pop(len(replay.steps))
    values, pulls = _measured(replay, end, queries)
    found = presence.new_zeros(len(queries), len(presence))
    for place in sorted(kept, reverse=True):
        last = min(place + spacing, len(replay.steps))
        stretch = [kept.pop(place)]
        stretch += replay.walk(stretch[0], presence, place, last - 1)
        for step in reversed(replay.steps[place:last]):
            rows = list(step.rows)
            pulls, pushed = pull_back(replay, stretch.pop(), step, presence[rows], pulls)
            found.index_add_(1, torch.tensor(rows, device=found.device), pushed)
            tick()
    return Slopes(values, found, end)


def pull_back(
    replay: Replay, state: State, step: RecordedStep, presence: Float[Tensor, " batch"], pulls: Sequence[State]
) -> tuple[list[State], Float[Tensor, "query batch"]]:
    """Return the derivatives by the state before a step and by its rows' presence, from those by the state after it."""
    before, weights = state.leaf(), presence.detach().requires_grad_()
    after = replay.advance(before, step, weights, graph=True)
    inputs = (*before.parts, weights)
    found = [torch.autograd.grad(after.parts, inputs, pull.parts, retain_graph=True) for pull in pulls]
    return [State(*parts[:3]) for parts in found], torch.stack([parts[3] for parts in found])


def _measured(replay: Replay, end: State, queries: Sequence[Tokens]) -> tuple[Tensor, list[State]]:
    """Return each query's log-probability at the end, and its derivative by the final state."""
    values, pulls = list[Tensor](), list[State]()
    for tokens in queries:
        weights = end.weights.detach().requires_grad_()
        value = replay.log_probability(weights, tokens)
        (gradient,) = torch.autograd.grad(value, weights)
        values.append(value.detach())
        pulls.append(State.begin(gradient))
    return torch.stack(values), pulls


def recorded_steps(run: Run) -> list[RecordedStep]:
    """Return the recorded steps of a run, in order.

    Raises:
        TrainingError: the pairs of each step were not recorded.
    """
    rows = read_steps(run.folder / "trace")
    if not rows or not all(row["examples"] for row in rows):
        raise TrainingError(
            f"A replay needs the pairs of every step, but {run.folder} has no record of them. "
            "Fine-tune with `whence train` to record them."
        )
    return [RecordedStep(row["step"], row["learning_rate"], tuple(row["examples"])) for row in rows]


def replay_of(run: Run, report: Report = silent) -> tuple[Replay, Trajectory]:
    """Return the training of a run as a replay, in float32 on the base model's weights, and its trajectory.

    The model is a new one and is set to the start of the trajectory.

    Raises:
        TrainingError: the training cannot be repeated exactly: all weights were trained, there was dropout, or the
            model was trained elsewhere.
    """
    recipe, steps = recipe_of(run), recorded_steps(run)
    if recipe.full or recipe.dropout:
        found = f"dropout {recipe.dropout:g}" if recipe.dropout else "all weights trained"
        raise TrainingError(f"Only a LoRA training without dropout can be replayed (found {found}). Train such a run.")
    path = run.on(load_base(run.base_folder, full=False))
    model: Any = path.model
    path.move_to(path.checkpoints[0])
    # The base model's own answers are generated in the precision in which they were rehearsed.
    rehearsal = rehearse(model, path.tokenizer, report) if recipe.rehearsal else NOTHING
    model.get_base_model().set_attn_implementation("eager")  # fused attention has no second derivative
    return Replay(model.float(), path.tokenizer, run.examples, steps, rehearsal, recipe.rehearsal), path


def require_exact(model: nn.Module) -> None:
    """Raise unless the model is deterministic: it has no dropout."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Dropout) and module.p > 0:
            raise TrainingError(
                f"Only training without dropout can be replayed (found {module.p:g} in {name}). "
                "Fine-tune with dropout 0, from a base model that has none."
            )
    attention = getattr(getattr(model, "config", None), "attention_dropout", 0.0)
    if attention:
        raise TrainingError(
            f"Only training without dropout can be replayed (found attention_dropout {attention:g} in the base "
            "model's config.json). Choose a base model that has none."
        )
