"""Sketched gradients at recorded checkpoints: the raw material of every gradient method, for examples and queries.

A row is the concatenation, over the chosen checkpoints, of the example's sketched gradient of log p(answer).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from whence.core.projection import side_of
from whence.data.text import NoToken
from whence.data.tokenize import part_of, tokenize, window
from whence.errors import MethodError
from whence.gradients.capture import Sketcher, sketches
from whence.gradients.measurement import Batch, collate, log_probabilities
from whence.gradients.trajectory import Checkpoint, Trajectory
from whence.methods.base import Compute, Subject
from whence.methods.texts import require_answer
from whence.models.targets import second_factors
from whence.types import Progress, Query, Report, Tokens

AT_THE_END = "Only the end of fine-tuning was looked at, where gradients of learned pairs have vanished."
"""What methods say that look at the last checkpoint alone."""

LONGEST_QUERY = 1024
"""Tokens of question and answer together that are explained at most: memory grows with them."""

Tick = Callable[[int], None]
"""Called with the number of passes (example x checkpoint) that have just been finished."""


def no_tick(_: int) -> None:
    """A `Tick` that tells nobody."""


def telling(report: Report, passes: int) -> Tick:
    """A `Tick` that reports how many of so many passes are done."""
    done = 0

    def tick(count: int) -> None:
        nonlocal done
        done += count
        report(Progress("gradients", done, passes, "passes"))

    return tick


@dataclass(frozen=True)
class GradientSpec:
    """How gradients are looked at: at which checkpoints, sketched to how many numbers each, in which metric. With
    `second_only` an adapter's B factors are measured alone, which takes less time."""

    checkpoints: tuple[Checkpoint, ...]
    width: int
    seed: int
    adam: bool
    second_only: bool = False

    @property
    def total_width(self) -> int:
        """Numbers in a row: one sketch for each checkpoint."""
        return self.width * len(self.checkpoints)

    def layers(self, trajectory: Trajectory) -> Mapping[str, nn.Module]:
        """The layers that are measured."""
        return second_factors(trajectory.layers) if self.second_only else trajectory.layers

    def sketcher(self, trajectory: Trajectory, checkpoint: Checkpoint) -> Sketcher:
        """The sketch of one checkpoint. Every checkpoint shares the projection, so sketches can be compared."""
        projections = trajectory.projections(side_of(self.width), self.seed)
        return Sketcher(projections, trajectory.metric(checkpoint) if self.adam else None)


def embed(
    trajectory: Trajectory, spec: GradientSpec, items: Sequence[Tokens], compute: Compute, tick: Tick = no_tick
) -> tuple[Float[Tensor, "item width"], Float[Tensor, "item checkpoint"]]:
    """Each item's row, and its log p(answer | prompt) in nats at each checkpoint."""
    rows = torch.empty(len(items), spec.total_width)
    values = torch.empty(len(items), len(spec.checkpoints))
    for c, checkpoint in enumerate(spec.checkpoints):
        trajectory.move_to(checkpoint)
        sketcher = spec.sketcher(trajectory, checkpoint)
        for chosen, batch in passes(trajectory, items, compute):
            sketch, value = sketches(trajectory.model, spec.layers(trajectory), batch, sketcher)
            rows[chosen, c * spec.width : (c + 1) * spec.width] = sketch.cpu()
            values[chosen, c] = value.cpu()
            tick(len(chosen))
    return rows, values


def values_at(
    trajectory: Trajectory, checkpoint: Checkpoint, items: Sequence[Tokens], compute: Compute
) -> Float[Tensor, " item"]:
    """Each item's log p(answer | prompt) in nats at one checkpoint: forward passes only."""
    trajectory.move_to(checkpoint)
    return values_now(trajectory, items, compute)


@torch.no_grad()
def values_now(trajectory: Trajectory, items: Sequence[Tokens], compute: Compute) -> Float[Tensor, " item"]:
    """Each item's log p(answer | prompt) in nats under the weights that the model has at the moment."""
    values = torch.empty(len(items))
    for chosen, batch in passes(trajectory, items, compute):
        values[chosen] = log_probabilities(trajectory.model, batch).cpu()
    return values


def batches(items: Sequence[Tokens], size: int) -> list[list[int]]:
    """Indices of the items in batches of like length, so that little is padded."""
    order = sorted(range(len(items)), key=lambda i: len(items[i].input_ids))
    return [order[start : start + size] for start in range(0, len(order), size)]


def passes(trajectory: Trajectory, items: Sequence[Tokens], compute: Compute) -> Iterator[tuple[list[int], Batch]]:
    """The items in padded batches of like length, each with the places of its items."""
    pad = trajectory.tokenizer.pad_token_id
    for chosen in batches(items, compute.batch_rows):
        kept, filler = [items[i] for i in chosen], pad if isinstance(pad, int) else 0
        yield chosen, collate(kept, filler, compute.padding, trajectory.device)


def in_order(
    rows: Float[Tensor, "item width"], items: Sequence[Tokens], compute: Compute
) -> Float[Tensor, "item width"]:
    """Rows that came batch after batch, as `passes` gives them, each in its item's place."""
    found = torch.empty_like(rows)
    found[[i for chosen in batches(items, compute.batch_rows) for i in chosen]] = rows
    return found


def require_square(sketch: int) -> None:
    """Raise unless a sketch of so many numbers is a square."""
    try:
        side_of(sketch)
    except ValueError as error:
        raise MethodError(str(error)) from error


def query_tokens(subject: Subject, queries: Sequence[Query]) -> list[Tokens]:
    """The queries' tokens, as the model's chat template writes them.

    A query of more than `longest` tokens is cut: the answer loses its end, but a prompt of more than half of them
    loses its beginning first.

    Raises:
        MethodError: an empty answer, of which there is nothing to measure.
        TextError: nothing of what is selected of an answer is left.
    """
    for query in queries:
        require_answer(query)
    return [_cut(subject, query) for query in queries]


def longest(subject: Subject) -> int:
    """Tokens of question and answer together that are explained at most: `LONGEST_QUERY`, or what the model reads."""
    read = getattr(subject.trajectory.model.config, "max_position_embeddings", None)
    return min(read or LONGEST_QUERY, LONGEST_QUERY)


def cut_note(subject: Subject, query: Query) -> tuple[str, ...]:
    """What a reader should know of a query that was too long to be explained as a whole; nothing of any other."""
    whole, limit = _whole(subject, query), longest(subject)
    kept = part_of(whole, window(whole, limit, limit // 2))
    said, asked = (len(tokens.input_ids) - tokens.answer_length for tokens in (kept, whole))
    if kept.answer_length < whole.answer_length:
        share = f"the first {kept.answer_length:,} of the answer's {whole.answer_length:,} tokens"
        return (f"Only {share} could be explained: question and answer together are cut to {limit:,}.",)
    if said < asked:
        share = f"the last {said:,} of its {asked:,} tokens"
        return (f"Of the question only {share} were read: question and answer together are cut to {limit:,}.",)
    return ()


def _whole(subject: Subject, query: Query) -> Tokens:
    return tokenize(replace(query, selected=None), subject.trajectory.tokenizer)


def _cut(subject: Subject, query: Query) -> Tokens:
    whole, limit = _whole(subject, query), longest(subject)
    chosen = tokenize(query, subject.trajectory.tokenizer) if query.selected else whole
    kept = part_of(chosen, window(whole, limit, limit // 2))
    if not kept.answer_length:
        raise NoToken
    return kept


def example_tokens(subject: Subject, span: range) -> list[Tokens]:
    """The tokens of a range of training examples."""
    return [subject.examples.tokens(i) for i in span]
