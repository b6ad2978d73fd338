"""LoGra: influence functions whose gradients are projected layer by layer, and whose Fisher is block-diagonal by layer.

    g_l(z)      = L_l^T G_l(z) R_l                 layer l's gradient between two narrow matrices (eq. 5)
    F_l         = mean over examples z of g_l(z) g_l(z)^T
    score(q, z) = sum over layers l of g_l(q)^T (F_l + d_l I)^-1 g_l(z)      d_l = damping x mean eigenvalue of F_l

(Choe et al. 2024, arXiv:2405.13954.) At the last checkpoint. L and R are random signs, as in the paper's variant
without principal components. A row is the layers' blocks, concatenated, and they share its numbers: the side k of the
projections is the largest with sum over l of min(out_l, k) min(in_l, k) <= `sketch`. A side of a layer of at most k is
not projected: with a large enough sketch the row is the whole gradient.

The inverse is applied to the query, so that the row is the projected gradient itself, computed in one pass.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from numpy import ndarray
from safetensors.torch import load_file, save_file
from torch import Tensor

from whence.core.projection import signs
from whence.errors import MethodError
from whence.gradients.capture import only_inputs_need_gradients, watching
from whence.gradients.likelihood import passes
from whence.gradients.measurement import Batch, log_probabilities
from whence.gradients.subject import Compute, Subject, example_tokens, query_tokens
from whence.gradients.trajectory import Checkpoint, Trajectory
from whence.methods.base import Needs, Unit
from whence.methods.rows import describe, open_rows, search, write_rows
from whence.methods.sketched_rows import AT_THE_END
from whence.models.targets import weight_shape
from whence.store.shards import Shards
from whence.types import Progress, Query, Report, Tokens

OPERATORS = "operators.safetensors"

Weigh = Callable[[int, Tensor], Tensor]
"""The weight of each row in the moment of a block, from the block's number and its part of the rows."""


@dataclass(frozen=True)
class Narrowing:
    """The two matrices of one layer."""

    left: Float[Tensor, "out rows"]
    right: Float[Tensor, "in columns"]

    def __call__(
        self, backward: Float[Tensor, "example token out"], forward: Float[Tensor, "example token in"]
    ) -> Float[Tensor, "example block"]:
        """L^T (sum_t d_t x_t^T) R of each example, flat; the gradient itself is not formed."""
        return ((backward @ self.left).transpose(1, 2) @ (forward @ self.right)).flatten(1)


@dataclass(frozen=True)
class Blocks:
    """The layers' blocks of a row: each is the layer's gradient, projected from both sides."""

    narrowings: Mapping[str, Narrowing]

    @staticmethod
    def of(trajectory: Trajectory, numbers: int, seed: int) -> "Blocks":
        """The widest blocks that fit a row of `numbers`; with 0, the whole gradients.

        Raises:
            MethodError: the row has fewer numbers than the model has layers.
        """
        shapes = {name: weight_shape(layer) for name, layer in trajectory.layers.items()}
        side, device = widest(list(shapes.values()), numbers), trajectory.device
        return Blocks(
            {
                name: Narrowing(
                    narrowed(f"{name}/left", out, side, seed).to(device),
                    narrowed(f"{name}/right", inner, side, seed).to(device),
                )
                for name, (out, inner) in shapes.items()
            }
        )

    @property
    def sizes(self) -> list[int]:
        """Numbers of each layer's block, in the order of the layers."""
        return [narrowing.left.shape[1] * narrowing.right.shape[1] for narrowing in self.narrowings.values()]

    @property
    def width(self) -> int:
        """Numbers per row."""
        return sum(self.sizes)

    def split(self, rows: Float[Tensor, "row width"]) -> tuple[Tensor, ...]:
        """Each layer's part of the rows."""
        return rows.split(self.sizes, dim=1)

    def sketches(self, trajectory: Trajectory, batch: Batch) -> Float[Tensor, "row width"]:
        """Each row's projected gradients of log p(answer | prompt), layer after layer."""
        rows = torch.zeros(batch.rows, self.width, device=trajectory.device)
        parts = dict(zip(self.narrowings, self.split(rows), strict=True))

        def add(name: str, backward: Tensor, forward: Tensor) -> None:
            parts[name].add_(self.narrowings[name](backward, forward))

        model = trajectory.model
        with only_inputs_need_gradients(model), watching(trajectory.layers, add), torch.enable_grad():
            log_probabilities(model, batch).sum().backward()
        return rows


def widest(shapes: Sequence[tuple[int, int]], numbers: int) -> int:
    """The longest side with which the blocks of all layers fit a row of `numbers` (0: of any length).

    Raises:
        MethodError: there are more layers than numbers.
    """
    longest = max(max(shape) for shape in shapes)
    if numbers == 0:
        return longest

    def total(side: int) -> int:
        return sum(min(out, side) * min(inner, side) for out, inner in shapes)

    side = bisect_right(range(1, longest + 1), numbers, key=total)
    if side == 0:
        raise MethodError(
            f"A row needs at least one number for each of the {len(shapes)} layers (found {numbers}). Raise sketch."
        )
    return side


def narrowed(name: str, length: int, side: int, seed: int) -> Float[Tensor, "length narrow"]:
    """Random signs that project a vector of `length` to `side` numbers; the identity if it is not longer."""
    return torch.eye(length) if length <= side else signs(name, length, side, seed)


def embed_blocks(
    trajectory: Trajectory, checkpoint: Checkpoint, blocks: Blocks, items: Sequence[Tokens], compute: Compute
) -> Float[Tensor, "item width"]:
    """Each item's row at one checkpoint."""
    trajectory.move_to(checkpoint)
    rows = torch.empty(len(items), blocks.width)
    for chosen, batch in passes(trajectory, items, compute):
        rows[chosen] = blocks.sketches(trajectory, batch).cpu()
    return rows


def moments(shards: Iterable[Tensor], blocks: Blocks, weigh: Weigh | None = None) -> list[Tensor]:
    """For each block the sum over all rows of g g^T, each row weighted by `weigh` if given; float64."""
    totals = [torch.zeros(size, size, dtype=torch.float64) for size in blocks.sizes]
    for shard in shards:
        for b, part in enumerate(blocks.split(shard.float())):
            wide = part.double()
            totals[b] += (wide.T if weigh is None else wide.T * weigh(b, wide)) @ wide
    return totals


def through(operators: Sequence[Tensor], blocks: Blocks, rows: Float[Tensor, "row width"]) -> Tensor:
    """Each block of the rows times its symmetric matrix."""
    parts = zip(blocks.split(rows), operators, strict=True)
    return torch.cat([part.double() @ matrix.double() for part, matrix in parts], dim=1).float()


def write_operators(folder: Path, operators: Sequence[Tensor]) -> None:
    """Write the blocks' matrices, in float32."""
    save_file({f"{b:05d}": matrix.float().contiguous() for b, matrix in enumerate(operators)}, folder / OPERATORS)


def read_operators(folder: Path) -> list[Tensor]:
    """The blocks' stored matrices."""
    kept = load_file(folder / OPERATORS)
    return [kept[name] for name in sorted(kept)]


@dataclass(frozen=True)
class LoGra:
    """Layer-wise projected influence. `sketch`: numbers per row at most (0: whole gradients, for small models);
    `damping`: relative to each layer's mean eigenvalue."""

    name: ClassVar[str] = "logra"
    unit: ClassVar[Unit] = "similarity"
    needs: ClassVar[Needs] = Needs("last")

    sketch: int = 16_384
    damping: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.sketch < 0 or self.damping <= 0:
            found = f"{self.sketch} and {self.damping:g}"
            raise MethodError(f"sketch must not be negative and damping must be positive (found {found}).")

    def build(self, subject: Subject, folder: Path, report: Report) -> Mapping[str, Any]:
        """Write one projected gradient per example, then each layer's damped inverse Fisher."""
        blocks = Blocks.of(subject.trajectory, self.sketch, self.seed)
        shards = Shards(folder, len(subject.examples), blocks.width, subject.compute.rows_per_shard)
        write_rows(shards, lambda span: self._rows(subject, blocks, example_tokens(subject, span)), "gradients", report)
        totals = moments(shards, blocks)
        write_operators(folder, [damped_inverse(total / shards.rows, self.damping) for total in totals])
        report(Progress("inverse Fisher", shards.rows, shards.rows, "examples"))
        return describe(shards)

    def score(self, subject: Subject, folder: Path, queries: Sequence[Query]) -> Float[ndarray, "query train"]:
        """The sum over the layers of g(query)^T (F + d I)^-1 g(example) for all."""
        blocks = Blocks.of(subject.trajectory, self.sketch, self.seed)
        rows = self._rows(subject, blocks, query_tokens(subject, queries))
        return search(open_rows(folder), through(read_operators(folder), blocks, rows))

    def notes(self, subject: Subject) -> tuple[str, ...]:
        """The reason why this method is for comparison, not for answers."""
        return (AT_THE_END,)

    def _rows(self, subject: Subject, blocks: Blocks, items: Sequence[Tokens]) -> Tensor:
        return embed_blocks(subject.trajectory, subject.trajectory.last, blocks, items, subject.compute)


def damped_inverse(moment: Float[Tensor, "width width"], damping: float) -> Float[Tensor, "width width"]:
    """(F + d I)^-1 with d = damping x the mean eigenvalue of F; zeros if no example has a gradient."""
    mean = float(moment.trace()) / len(moment)
    if mean <= 0:
        return torch.zeros_like(moment)
    damped = moment + damping * mean * torch.eye(len(moment), dtype=moment.dtype)
    return torch.cholesky_inverse(torch.linalg.cholesky(damped))
