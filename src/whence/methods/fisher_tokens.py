"""Token scores of the default method, and the matrices that it stores beside its rows for them.

At one checkpoint let a_i = (F + d I)^-1 p_i be an example's transformed sketch, stored in its row times its change, and
alpha_i = <q, a_i> the weights of a query. The pair's p is the sum of its tokens', p = sum over t of p_t, and

    score(q, z, t) = sum over c of Delta_c,z <w_c, p_t>        with <w_c, p_c,z> = alpha_c,z

The influence function has w = (F + d I)^-1 q. With fewer examples than numbers in a sketch, only its part in the span
of the examples matters to any p; to the p_t the rest is noise, at up to 1/d times its length. w is that part: the
shortest vector that gives every example its weight. From the rows, w = sum over i of beta_i a_i, with beta = alpha + d
K^-1 alpha and the Gram matrix K = P P^T (`core/ridge.py`). So K is stored, or else the inverse itself, if it has at
most `LARGEST` rows.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors.torch import load_file, save_file
from torch import Tensor

from whence.core.ridge import Fisher, in_span
from whence.errors import MethodError
from whence.methods.rows import combined, search
from whence.store.shards import Shards

LARGEST = 4096
"""Rows of the largest matrix that is stored, 64 MiB per checkpoint."""


def keep(folder: Path, checkpoint: int, matrix: Fisher | Tensor) -> None:
    """Write a checkpoint's inverse or Gram matrix, unless it is too large."""
    name = "inverse" if isinstance(matrix, Fisher) else "gram"
    rows = matrix.factor.shape[0] if isinstance(matrix, Fisher) else matrix.shape[0]
    if rows <= LARGEST:
        found = matrix.matrix() if isinstance(matrix, Fisher) else matrix.float()
        save_file({name: found.contiguous()}, _place(folder, name, checkpoint))


def gram_kept(folder: Path, checkpoint: int) -> Float[Tensor, "train train"] | None:
    """A checkpoint's Gram matrix; None if the index has none."""
    place = _place(folder, "gram", checkpoint)
    return load_file(place)["gram"] if place.is_file() else None


@dataclass(frozen=True)
class FisherTokens:
    """A finished index: its rows, the changes that they include, and the settings of its inverse."""

    rows: Shards
    changes: Float[Tensor, "train checkpoint"]
    sketch: int
    damping: float

    def directions(self, queries: Float[Tensor, "query width"], index: int) -> Float[Tensor, "query width"]:
        """Each query's w_c times the change of example `index`, checkpoint by checkpoint: the inner product with a
        token's sketch is its part in nats.

        Raises:
            MethodError: the matrix was too large to be stored.
        """
        points = range(self.changes.shape[1])
        if self.rows.rows > self.sketch:
            found = torch.cat([self._part(queries, c) @ self._kept("inverse", c) for c in points], dim=1)
        else:
            found = combined(self.rows, torch.stack([self._weights(queries, c) for c in points]))
        return found * self.changes[index].repeat_interleave(self.sketch)

    def _weights(self, queries: Tensor, c: int) -> Tensor:
        """Coefficients with which the rows of one checkpoint add up to each query's w; 0 for an example that did not
        change, whose row is zero."""
        alone = torch.zeros_like(queries)
        alone[:, self._columns(c)] = self._part(queries, c)
        changes = torch.where(self.changes[:, c] == 0, torch.inf, self.changes[:, c])
        alpha = torch.from_numpy(search(self.rows, alone)) / changes
        return in_span(self._kept("gram", c), alpha, self.damping) / changes

    def _part(self, queries: Tensor, c: int) -> Tensor:
        return queries[:, self._columns(c)]

    def _columns(self, c: int) -> slice:
        return slice(c * self.sketch, (c + 1) * self.sketch)

    def _kept(self, name: str, c: int) -> Tensor:
        place = _place(self.rows.folder, name, c)
        if not place.is_file():
            raise MethodError(
                f"Token scores of fisher need {place.name} in the index, which is stored for at most {LARGEST:,} pairs "
                f"(found {self.rows.rows:,} pairs and no such file). Use the index of tracin or grad_dot, or "
                "delete this one and build it again."
            )
        return load_file(place)[name]


def _place(folder: Path, name: str, checkpoint: int) -> Path:
    return folder / f"{name}-{checkpoint:02d}.safetensors"
