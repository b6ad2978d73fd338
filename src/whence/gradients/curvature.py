"""Kronecker factors of a model's layers, fitted by streaming over examples, and gradients whitened with them.

The curvature is that of the summed log-probability of an answer's tokens, as a Fisher information matrix: the mean
over examples of g g^T, with g the gradient of log p(labels). With labels drawn from the model it is the Fisher, which
for a softmax is the Gauss-Newton matrix; with the labels of the data it is the empirical Fisher (Grosse et al. 2023,
arXiv:2308.03296, section 2.2; Kunstner et al. 2019, arXiv:1905.12558, on how much the two differ).

Covariances are means over all tokens except padding, including those of the question: a layer sees them all. Gradients
are of the answer's labels, whichever token they reach.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path

import torch
from jaxtyping import Float, Int
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from whence.core.kronecker import Covariance, Eigenbasis, Kronecker, eigenbasis
from whence.core.projection import Projection
from whence.errors import MethodError
from whence.gradients.capture import Take, only_inputs_need_gradients, watching
from whence.gradients.measurement import Batch, answer_logits
from whence.models.targets import weight_shape

Labels = Callable[[Float[Tensor, "answer vocabulary"], Batch], Int[Tensor, " answer"]]
"""The labels whose log-probability is differentiated, given the logits at the answers' positions."""


def data_labels(logits: Float[Tensor, "answer vocabulary"], batch: Batch) -> Int[Tensor, " answer"]:
    """The answers of the data: the labels of the empirical Fisher."""
    return batch.targets


@dataclass(frozen=True)
class Sampled:
    """Labels drawn from the model's own distribution, one per position: those of the Fisher.

    The labels of an example depend on its tokens and the seed, not on its batch or its place in it.
    """

    seed: int

    def __call__(self, logits: Float[Tensor, "answer vocabulary"], batch: Batch) -> Int[Tensor, " answer"]:
        """One label per position, by inverting the cumulative distribution."""
        if not len(batch.targets):
            return batch.targets
        cumulated = logits.double().softmax(1).cumsum(1)
        drawn = torch.cat([self._uniform(batch, row) for row in range(batch.rows)]).to(logits.device)
        heights = drawn[:, None] * cumulated[:, -1:]
        return torch.searchsorted(cumulated, heights, right=True)[:, 0].clamp(max=logits.shape[1] - 1)

    def _uniform(self, batch: Batch, row: int) -> Float[Tensor, " answer"]:
        real = batch.attention_mask[row].bool()
        counted = batch.counted[row][real]
        content = f"{self.seed}:{batch.input_ids[row][real].tolist()}:{counted.nonzero().flatten().tolist()}"
        digest = hashlib.sha256(content.encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
        return torch.rand(int(counted.sum()), generator=generator, dtype=torch.float64)


def backpropagate(model: nn.Module, layers: Mapping[str, nn.Module], batch: Batch, labels: Labels, take: Take) -> None:
    """Hand each layer's inputs and the gradients that reach its outputs to `take`, for log p(labels) of every row.

    Raises:
        MethodError: a layer runs twice in one pass, so that one call does not bring the whole gradient.
    """
    met = set[str]()

    def once(name: str, backward: Tensor, forward: Tensor) -> None:
        if name in met:
            raise MethodError(
                f"Curvature needs layers that run once per pass, but {name} runs again. "
                "Choose a method without Kronecker factors, such as fisher."
            )
        met.add(name)
        take(name, backward, forward)

    with only_inputs_need_gradients(model), watching(layers, once), torch.enable_grad():
        logits = answer_logits(model, batch)
        chosen = labels(logits.detach(), batch)
        (-nn.functional.cross_entropy(logits, chosen, reduction="sum")).backward()


def fit_covariances(
    model: nn.Module, layers: Mapping[str, nn.Module], batches: Iterable[Batch], labels: Labels
) -> dict[str, Covariance]:
    """Each layer's covariances, means over the tokens of all batches."""
    sums = {name: _zero_covariance(layer) for name, layer in layers.items()}
    tokens = 0
    for batch in batches:
        real = batch.attention_mask.bool()
        tokens += int(real.sum())
        backpropagate(model, layers, batch, labels, partial(_add_tokens, sums, real))
    count = max(tokens, 1)
    return {name: Covariance(found.outputs / count, found.inputs / count) for name, found in sums.items()}


def fit_values(
    model: nn.Module,
    layers: Mapping[str, nn.Module],
    batches: Iterable[Batch],
    bases: Mapping[str, Eigenbasis],
    labels: Labels,
) -> dict[str, Float[Tensor, "out in"]]:
    """EK-FAC's eigenvalues in given bases: the mean over examples of each squared entry of Q_S^T G Q_A."""
    sums = {name: torch.zeros(weight_shape(layer), device=_device(layer)) for name, layer in layers.items()}
    rows = 0

    def add(name: str, backward: Tensor, forward: Tensor) -> None:
        sums[name] += bases[name].of_tokens(backward, forward).square().sum(0)

    for batch in batches:
        rows += batch.rows
        backpropagate(model, layers, batch, labels, add)
    return {name: found / max(rows, 1) for name, found in sums.items()}


def fit_factors(
    model: nn.Module,
    layers: Mapping[str, nn.Module],
    batches: Callable[[], Iterable[Batch]],
    labels: Labels,
    corrected: bool = True,
) -> dict[str, Kronecker]:
    """Each layer's curvature. `batches()` restarts the stream: one pass for K-FAC, two with `corrected` (EK-FAC)."""
    covariances = fit_covariances(model, layers, batches(), labels)
    plain = {name: eigenbasis(covariance) for name, covariance in covariances.items()}
    bases, values = {n: basis for n, (basis, _) in plain.items()}, {n: v for n, (_, v) in plain.items()}
    if corrected:
        values = fit_values(model, layers, batches(), bases, labels)
    return {name: Kronecker(bases[name], values[name]) for name in layers}


@dataclass(frozen=True)
class Whitening:
    """Turns gradients into rows whose inner products are those of the gradients through the damped inverse curvature.

    A layer's gradient G becomes (Lambda + d)^(-1/2) * (Q_S^T G Q_A), d = `damping` x its mean eigenvalue. With
    `projections` these are sketched and summed over the layers; without, they are concatenated in the order of names.
    """

    factors: Mapping[str, Kronecker]
    damping: float
    projections: Mapping[str, Projection] | None = None

    @property
    def width(self) -> int:
        """Numbers per row."""
        if self.projections is None:
            return sum(factor.values.numel() for factor in self.factors.values())
        return next(iter(self.projections.values())).width

    def rows(
        self, model: nn.Module, layers: Mapping[str, nn.Module], batches: Iterable[Batch]
    ) -> Float[Tensor, "row width"]:
        """The row of every conversation of the batches, in their order."""
        roots = {name: factor.inverse(self.damping, power=0.5) for name, factor in self.factors.items()}
        return torch.cat([torch.empty(0, self.width), *(self._of(model, layers, roots, batch) for batch in batches)])

    def _of(
        self, model: nn.Module, layers: Mapping[str, nn.Module], roots: Mapping[str, Tensor], batch: Batch
    ) -> Float[Tensor, "row width"]:
        total = torch.zeros(batch.rows, self.width, device=batch.input_ids.device)
        places = self._places()

        def add(name: str, backward: Tensor, forward: Tensor) -> None:
            white = roots[name] * self.factors[name].basis.of_tokens(backward, forward)
            part = white if self.projections is None else self.projections[name].dense(white)
            total[:, places[name]] += part.flatten(1)

        backpropagate(model, layers, batch, data_labels, add)
        return total.cpu()

    def _places(self) -> dict[str, slice]:
        """The numbers of a row that each layer adds to."""
        if self.projections is not None:
            return dict.fromkeys(self.factors, slice(None))
        ends = list(accumulate(factor.values.numel() for factor in self.factors.values()))
        return dict(zip(self.factors, map(slice, [0, *ends], ends), strict=True))


def write_factors(path: Path, factors: Mapping[str, Kronecker]) -> None:
    """Write factors as float32, so that a reader sees all of them or nothing."""
    tensors = {
        f"{name}/{part}": tensor.contiguous().cpu()
        for name, factor in factors.items()
        for part, tensor in (
            ("outputs", factor.basis.outputs),
            ("inputs", factor.basis.inputs),
            ("values", factor.values),
        )
    }
    temporary = path.with_suffix(".tmp")
    save_file(tensors, temporary)
    os.replace(temporary, path)


def read_factors(path: Path, device: torch.device) -> dict[str, Kronecker]:
    """The factors of a file, by layer in the order of names."""
    found = {name: tensor.to(device) for name, tensor in load_file(path).items()}
    names = sorted({name.rpartition("/")[0] for name in found})
    bases = {name: Eigenbasis(found[f"{name}/outputs"], found[f"{name}/inputs"]) for name in names}
    return {name: Kronecker(bases[name], found[f"{name}/values"]) for name in names}


def _add_tokens(sums: Mapping[str, Covariance], real: Tensor, name: str, backward: Tensor, forward: Tensor) -> None:
    d, x = backward[real], forward[real]
    sums[name].outputs.add_(d.T @ d)
    sums[name].inputs.add_(x.T @ x)


def _zero_covariance(layer: nn.Module) -> Covariance:
    (out, inner), device = weight_shape(layer), _device(layer)
    return Covariance(torch.zeros(out, out, device=device), torch.zeros(inner, inner, device=device))


def _device(layer: nn.Module) -> torch.device:
    return next(layer.parameters()).device
