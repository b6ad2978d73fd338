"""Training unrolled: the effect, at its end, of a small change made to the weights on the way.

Near the recorded path a step of gradient descent at rate eta takes a small change d of the weights to (I - eta H) d,
with H the Hessian of the step's loss. Two ways to follow d to the end of training:

In segments (SOURCE; Bae et al. 2024, arXiv:2405.12186, section 3). In segment l, whose learning rates add up to t_l,
the Hessian H_l and example z's gradient g_l(z) are taken as constant. The steps become a flow:

    S_l = exp(-t_l H_l)            r_l(z) = w (I - exp(-t_l H_l)) H_l^-1 g_l(z)
    d(z) = sum over l of S_L ... S_(l+1) r_l(z)

with w the weight of an example in the training loss (1/N in a mean over N). Both are functions of H's eigenvalues s,
exp(-t s) and (1 - exp(-t s)) / s, which is t where s = 0: nothing is inverted, so nothing needs damping. Under Adam,
whose step is a diagonal P > 0 times the gradient, H becomes P H. With R = P^(1/2), exp(-t P H) is
R exp(-t R H R) R^-1: the same functions of the symmetric R H R.

Step by step (data value embedding; Wang et al. 2024, arXiv:2412.09538), with H_k the empirical Fisher of the batch of
step k, which is the sum of the outer products of its gradients:

    d(z) = sum over steps t with z of M_t eta_t g_t(z)      M_t = exp(-eta_T H_T) ... exp(-eta_(t+1) H_(t+1))

The paper has I - eta H in place of exp(-eta H). The two agree to first order. But an empirical Fisher exceeds the
Hessian where the model fits the data badly: eta s is then more than 2, and the product of the paper's maps diverges.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from whence.core.kronecker import Kronecker


def lasting(curvature: Float[Tensor, "*shape"], time: float) -> Float[Tensor, "*shape"]:
    """exp(-time x curvature): the share of a change that remains after this much training."""
    return torch.exp(-time * curvature)


def learned(curvature: Float[Tensor, "*shape"], time: float) -> Float[Tensor, "*shape"]:
    """(1 - exp(-time x curvature)) / curvature: the displacement by a constant gradient; `time` where the curvature is
    0."""
    flat = curvature == 0
    # Both sides of a `where` are computed: the quotient must not see the zeros.
    return torch.where(flat, time, -torch.expm1(-time * curvature) / curvature.masked_fill(flat, 1.0))


@dataclass(frozen=True)
class Segment:
    """A part of training in which one layer's curvature is constant; `time` is the sum of its learning rates.

    `curvature` is that of the mean loss. With `root`, the square root R of Adam's preconditioner, it is that of R H R.
    """

    curvature: Kronecker
    time: float
    root: Float[Tensor, "out in"] | None = None

    def last(self, change: Float[Tensor, "row out in"]) -> Float[Tensor, "row out in"]:
        """S applied to each change: what remains of it after the segment."""
        if self.root is None:
            return self.curvature.apply(lambda values: lasting(values, self.time), change)
        return self.root * self.curvature.apply(lambda values: lasting(values, self.time), change / self.root)

    def learn(self, gradient: Float[Tensor, "row out in"]) -> Float[Tensor, "row out in"]:
        """r of each gradient, with weight 1: the displacement of the weights at the segment's end."""
        if self.root is None:
            return self.curvature.apply(lambda values: learned(values, self.time), gradient)
        return self.root * self.curvature.apply(lambda values: learned(values, self.time), gradient * self.root)


def carried(gradient: Float[Tensor, "row out in"], segments: Sequence[Segment], at: int) -> Float[Tensor, "row out in"]:
    """The effect, at the end of the last segment, of the changes that gradients of segment `at` made there."""
    change = segments[at].learn(gradient)
    for later in segments[at + 1 :]:
        change = later.last(change)
    return change


class Unrolling:
    """The steps of training, taken from the last one backwards; `matrix` is M, the product of their maps so far."""

    def __init__(self, width: int) -> None:
        self.matrix = torch.eye(width)

    def back(self, rows: Float[Tensor, "row width"], rate: float) -> Float[Tensor, "row width"]:
        """M (rate x row) for each gradient of one step: its effect at the end. Then M is extended by that step.

        Give the steps from the last to the first. exp(-rate P^T P) of the rows P is computed in their span.
        """
        left = rows @ self.matrix.T
        wide = rows.double()
        values, vectors = torch.linalg.eigh(wide @ wide.T)
        inner = vectors * learned(values.clamp(min=0), rate) @ vectors.T
        self.matrix -= left.T @ (inner.float() @ rows)
        return rate * left
