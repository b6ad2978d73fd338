"""What the default method keeps beside its rows to tell the tokens of a pair apart, and how it does.

At one checkpoint let a_i = (F + d I)^-1 p_i be an example's transformed sketch, which its row holds times its change,
and alpha_i = <q, a_i> the weights of a query. Of the pair's p the tokens' p_t are parts, p = sum over t of p_t, and

    score(q, z, t) = sum over c of Delta_c,z <w_c, p_t>        with <w_c, p_c,z> = alpha_c,z

The influence function has w = (F + d I)^-1 q. With fewer examples than numbers in a sketch, only the part of it in
the span of the examples matters to any p, and to the p_t the rest is noise, at up to 1/d times its length; w is that
part: the shortest vector that gives every example its weight. From the rows, w = sum over i of beta_i a_i, with
beta = alpha + d K^-1 alpha and the Gram matrix K = P P^T (`core/ridge.py`). So K is kept, or else the inverse itself,
where either has at most `LARGEST` rows.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors.torch import load_file, save_file
from torch import Tensor

from whence.core.ridge import Fisher, in_span
from whence.errors import MethodError
from whence.methods.rows import search
from whence.store.shards import Shards

LARGEST = 4096
"""Rows of the largest matrix that is kept, 64 MiB for each checkpoint."""


def keep(folder: Path, checkpoint: int, matrix: Fisher | Tensor) -> None:
    """Write a checkpoint's inverse or Gram matrix, unless it is too large."""
    name = "inverse" if isinstance(matrix, Fisher) else "gram"
    rows = matrix.factor.shape[0] if isinstance(matrix, Fisher) else matrix.shape[0]
    if rows <= LARGEST:
        found = matrix.matrix() if isinstance(matrix, Fisher) else matrix.float()
        save_file({name: found.contiguous()}, _place(folder, name, checkpoint))


def gram_kept(folder: Path, checkpoint: int) -> Float[Tensor, "train train"] | None:
    """A checkpoint's Gram matrix; None where the index kept none."""
    place = _place(folder, "gram", checkpoint)
    return load_file(place)["gram"] if place.is_file() else None


@dataclass(frozen=True)
class FisherTokens:
    """A finished index: its rows, the changes that they hold, and how its inverse was made."""

    rows: Shards
    changes: Float[Tensor, "train checkpoint"]
    sketch: int
    damping: float

    def parts(
        self, queries: Float[Tensor, "query width"], tokens: Float[Tensor, "token width"], index: int
    ) -> Float[Tensor, "query token"]:
        """The parts that the tokens of example `index` have in its score for each query, in nats.

        Raises:
            MethodError: the matrix was too large to be kept.
        """
        found = [self._at(c, queries, tokens) * self.changes[index, c] for c in range(self.changes.shape[1])]
        return torch.stack(found).sum(dim=0)

    def _at(self, c: int, queries: Tensor, tokens: Tensor) -> Tensor:
        """<w, p_t> at one checkpoint."""
        columns = slice(c * self.sketch, (c + 1) * self.sketch)
        if self.rows.rows > self.sketch:
            return queries[:, columns] @ self._kept("inverse", c) @ tokens[:, columns].T
        weights = self._products(queries, c)
        return in_span(self._kept("gram", c), weights, self.damping) @ self._products(tokens, c).T

    def _products(self, sketches: Tensor, c: int) -> Tensor:
        """<sketch, a_i> at one checkpoint for every example i; 0 for one that did not change, whose row has none."""
        alone = torch.zeros_like(sketches)
        columns = slice(c * self.sketch, (c + 1) * self.sketch)
        alone[:, columns] = sketches[:, columns]
        changes = self.changes[:, c]
        return torch.from_numpy(search(self.rows, alone)) / torch.where(changes == 0, torch.inf, changes)

    def _kept(self, name: str, c: int) -> Tensor:
        place = _place(self.rows.folder, name, c)
        if not place.is_file():
            raise MethodError(
                f"fisher tells tokens apart where an index has at most {LARGEST:,} pairs, or was built to do so "
                f"(found {self.rows.rows:,} pairs and no {place.name}). Use the index of tracin or grad_dot, or "
                "delete this one and build it again."
            )
        return load_file(place)[name]


def _place(folder: Path, name: str, checkpoint: int) -> Path:
    return folder / f"{name}-{checkpoint:02d}.safetensors"
