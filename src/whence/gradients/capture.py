"""Per-example gradients of the measured log-probability, by hooks, in one batched forward and backward.

For a layer y_t = W x_t the gradient of example b is G_b = sum_t d_bt x_bt^T, with d_bt the gradient that reaches
y_bt. Parameters themselves need no gradient: the inputs of the model do, so autograd never forms the batch's
summed weight gradients.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from whence.core.projection import Projection
from whence.gradients.measurement import Batch, log_probabilities

Metric = Mapping[str, Float[Tensor, "out in"]]
"""A positive weight for every entry of every layer's gradient: g becomes g * weight."""

Take = Callable[[str, Tensor, Tensor], None]


@dataclass(frozen=True)
class Sketcher:
    """Turns the gradients of each layer into one sketch per example, of the same width for every layer.

    Without a `metric` the cheaper of two equal forms is used; with one, the gradient has to be formed, since the
    weights apply entry by entry.
    """

    projections: Mapping[str, Projection]
    metric: Metric | None = None

    @property
    def width(self) -> int:
        """Numbers in one sketch."""
        return next(iter(self.projections.values())).width

    def __call__(
        self, name: str, backward: Float[Tensor, "row token out"], forward: Float[Tensor, "row token in"]
    ) -> Float[Tensor, "row width"]:
        """The sketch of one layer's per-example gradients."""
        projection = self.projections[name]
        if self.metric is None and self._factored_is_cheaper(projection, backward.shape[1]):
            return projection.factored(backward, forward).flatten(1)
        gradient = backward.transpose(1, 2) @ forward
        return projection.dense(gradient if self.metric is None else gradient * self.metric[name]).flatten(1)

    def along(
        self, name: str, direction: Float[Tensor, " width"], forward: Float[Tensor, "row token in"]
    ) -> Float[Tensor, "row token out"]:
        """V x of one layer, with V the change of its weights that the transposed sketch gives for a direction."""
        projection = self.projections[name]
        columns = direction.view(projection.left.shape[1], projection.right.shape[1])
        if self.metric is None:
            return forward @ projection.right @ columns.T @ projection.left.T
        return forward @ (self.metric[name] * (projection.left @ columns @ projection.right.T)).T

    @staticmethod
    def _factored_is_cheaper(projection: Projection, tokens: int) -> bool:
        (out, a), (inner, b) = projection.left.shape, projection.right.shape
        factored = tokens * (out * a + inner * b + a * b)
        left_first, right_first = a * inner * (out + b), out * b * (inner + a)
        dense = tokens * out * inner + (left_first if out >= inner else right_first)
        return factored < dense


def weight_layout(layer: nn.Module, gradient: Tensor) -> Tensor:
    """An [out, in] gradient in the layout of the layer's own weight (Conv1D keeps [in, out])."""
    return gradient.transpose(-1, -2) if isinstance(layer, Conv1D) else gradient


@contextmanager
def only_inputs_need_gradients(model: nn.Module) -> Generator[None]:
    """While open, no parameter needs a gradient, and the embedded input does."""
    needed = [p for p in model.parameters() if p.requires_grad]
    embedding: nn.Module = model.get_input_embeddings()  # pyright: ignore[reportCallIssue]
    handle = embedding.register_forward_hook(lambda _m, _i, output: output.requires_grad_(True))
    for parameter in needed:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        handle.remove()
        for parameter in needed:
            parameter.requires_grad_(True)


@contextmanager
def watching(layers: Mapping[str, nn.Module], take: Take) -> Generator[None]:
    """While open, `take(name, backward, forward)` is called for every layer as the backward pass reaches it.

    A layer that runs under gradient checkpointing runs twice; only the run whose output takes part in the
    backward pass counts.
    """

    def remember(name: str, _: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        if output.requires_grad:
            forward = inputs[0].detach()
            output.register_hook(partial(_hand_over, take, name, forward))

    with hooked(layers, remember):
        yield


@contextmanager
def hooked(layers: Mapping[str, nn.Module], hook: Callable[..., Tensor | None]) -> Generator[None]:
    """While open, `hook(name, layer, inputs, output)` is called for every layer after its forward pass; if it
    returns a tensor, that replaces the output."""
    handles = [layer.register_forward_hook(partial(hook, name)) for name, layer in layers.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _hand_over(take: Take, name: str, forward: Tensor, backward: Tensor) -> None:
    take(name, backward.float(), forward.float())


def sketches(
    model: nn.Module, layers: Mapping[str, nn.Module], batch: Batch, sketcher: Sketcher
) -> tuple[Float[Tensor, "row width"], Float[Tensor, " row"]]:
    """Each row's sketched gradient and its log p(answer | prompt) in nats, from one forward and backward."""
    total = torch.zeros(batch.rows, sketcher.width, device=batch.input_ids.device)

    def add(name: str, backward: Tensor, forward: Tensor) -> None:
        total.add_(sketcher(name, backward, forward))

    values = _run(model, layers, batch, add)
    return total, values


def gradients(
    model: nn.Module, layers: Mapping[str, nn.Module], batch: Batch
) -> tuple[dict[str, Float[Tensor, "row out in"]], Float[Tensor, " row"]]:
    """Each row's whole gradient, layer by layer, and its log p(answer | prompt). For small models and tests."""
    total: dict[str, Tensor] = {}

    def add(name: str, backward: Tensor, forward: Tensor) -> None:
        gradient = backward.transpose(1, 2) @ forward
        total[name] = total[name] + gradient if name in total else gradient

    values = _run(model, layers, batch, add)
    return total, values


def _run(model: nn.Module, layers: Mapping[str, nn.Module], batch: Batch, take: Take) -> Float[Tensor, " row"]:
    with only_inputs_need_gradients(model), watching(layers, take), torch.enable_grad():
        values = log_probabilities(model, batch)
        values.sum().backward()
    return values.detach()
