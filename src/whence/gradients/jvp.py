"""The change of each answer token's log-probability along a direction of the weights, by forward-mode differentiation.

    slope_t = d/de log p_t(theta + e V) at e = 0 = <V, g_t>

with g_t the gradient of log p_t. For a sketch s_t = S g_t, linear in the gradient, <w, s_t> = <S^T w, g_t>: one forward
pass along V = S^T w gives the inner products of w with the sketches of all tokens, without forming any sketch. A
backward pass gives that of one token only.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn.attention import SDPBackend, sdpa_kernel

from whence.gradients.capture import Sketcher, hooked
from whence.gradients.measurement import Batch, token_log_probabilities


@torch.no_grad()
def token_jvp(
    model: nn.Module,
    layers: Mapping[str, nn.Module],
    batch: Batch,
    sketcher: Sketcher,
    direction: Float[Tensor, " width"],
) -> Float[Tensor, " answer"]:
    """<w, s_t> of a direction w with the sketch of every answer token, row after row."""
    with forward_ad.dual_level(), sdpa_kernel(SDPBackend.MATH), moving(layers, sketcher, direction):
        values = token_log_probabilities(model, batch)
        tangent = forward_ad.unpack_dual(values).tangent
        assert tangent is not None
        return tangent.clone()


@contextmanager
def moving(layers: Mapping[str, nn.Module], sketcher: Sketcher, direction: Float[Tensor, " width"]) -> Generator[None]:
    """While open, the weights of every layer move along the direction: y = W x becomes (W + e V) x, with e = 0 and a
    tangent of 1."""

    def move(name: str, _: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        forward = forward_ad.unpack_dual(inputs[0]).primal.float()
        return output + step * sketcher.along(name, direction, forward).to(output.dtype)

    step = forward_ad.make_dual(direction.new_zeros(()), direction.new_ones(()))
    with hooked(layers, move):
        yield
