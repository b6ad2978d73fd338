"""The algebra of Kronecker-factored curvature: a layer's Hessian as if it were a Kronecker product.

For a layer y = W x with gradient G [out, in] = sum over tokens of d x^T, let A = E[x x^T] and S = E[d d^T] over tokens,
with eigenvectors Q_A, Q_S and eigenvalues a, s. In the basis they span the curvature is taken to be diagonal:

    H vec(V) = vec( Q_S (Lambda * (Q_S^T V Q_A)) Q_A^T )

    K-FAC    Lambda = s a^T                                     (Martens & Grosse 2015, arXiv:1503.05671)
    EK-FAC   Lambda = E over examples of (Q_S^T G Q_A)^2        (George et al. 2018, arXiv:1806.03884, section 3)

so that f(H), for any function f, has the same form with f(Lambda). Matrices are factored in float64 and applied in
float32.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

Function = Callable[[Float[Tensor, "out in"]], Float[Tensor, "out in"]]
"""An elementwise function of a layer's eigenvalues."""


@dataclass(frozen=True)
class Covariance:
    """One layer's A (of what enters it) and S (of the gradients that reach its output), each a mean over tokens."""

    outputs: Float[Tensor, "out out"]
    inputs: Float[Tensor, "in in"]

    @staticmethod
    def mean(several: Sequence["Covariance"]) -> "Covariance":
        """The unweighted mean of several, for example of one layer at several checkpoints."""
        outputs = torch.stack([each.outputs for each in several]).mean(0)
        return Covariance(outputs, torch.stack([each.inputs for each in several]).mean(0))


@dataclass(frozen=True)
class Eigenbasis:
    """The eigenvectors Q_S and Q_A of one layer, one per column, in float32."""

    outputs: Float[Tensor, "out out"]
    inputs: Float[Tensor, "in in"]

    def into(self, gradient: Float[Tensor, "*batch out in"]) -> Float[Tensor, "*batch out in"]:
        """Q_S^T G Q_A: a gradient in the coordinates of the eigenvectors."""
        return self.outputs.T @ gradient @ self.inputs

    def back(self, rotated: Float[Tensor, "*batch out in"]) -> Float[Tensor, "*batch out in"]:
        """Q_S R Q_A^T, which undoes `into`."""
        return self.outputs @ rotated @ self.inputs.T

    def of_tokens(
        self, backward: Float[Tensor, "row token out"], forward: Float[Tensor, "row token in"]
    ) -> Float[Tensor, "row out in"]:
        """Each row's gradient sum_t d_t x_t^T in the coordinates of the eigenvectors, multiplied in the cheaper
        order."""
        tokens, (out, inner) = backward.shape[1], (self.outputs.shape[0], self.inputs.shape[0])
        if tokens * (out * out + inner * inner) < out * inner * (out + inner):
            return (backward @ self.outputs).transpose(1, 2) @ (forward @ self.inputs)
        return self.into(backward.transpose(1, 2) @ forward)

    def to(self, device: torch.device) -> "Eigenbasis":
        """The same basis on a device."""
        return Eigenbasis(self.outputs.to(device), self.inputs.to(device))


@dataclass(frozen=True)
class Kronecker:
    """One layer's curvature: an eigenbasis and the eigenvalues Lambda in it, none of them negative."""

    basis: Eigenbasis
    values: Float[Tensor, "out in"]

    def apply(self, function: Function, gradient: Float[Tensor, "*batch out in"]) -> Float[Tensor, "*batch out in"]:
        """f(H) vec(V) for an elementwise `function` f: Q_S (f(Lambda) * (Q_S^T V Q_A)) Q_A^T."""
        return self.basis.back(function(self.values) * self.basis.into(gradient))

    def damping(self, relative: float) -> float:
        """`relative` times the mean eigenvalue of this layer."""
        return relative * float(self.values.double().mean())

    def inverse(self, relative: float, power: float = 1.0) -> Float[Tensor, "out in"]:
        """1 / (Lambda + d)^power with d the `damping`; all zeros if the layer has no curvature at all.

        A layer whose gradient is zero for every example adds nothing to a score, whatever its factor.
        """
        damping = self.damping(relative)
        if damping <= 0:
            return torch.zeros_like(self.values)
        return (self.values.double() + damping).pow(-power).float()


def eigenbasis(covariance: Covariance) -> tuple[Eigenbasis, Float[Tensor, "out in"]]:
    """The eigenvectors of S and A, and K-FAC's eigenvalues s a^T in that basis."""
    outputs, inputs = (_eigen(matrix) for matrix in (covariance.outputs, covariance.inputs))
    values = torch.outer(outputs[0], inputs[0])
    return Eigenbasis(outputs[1].float(), inputs[1].float()), values.float()


def kfac(covariance: Covariance) -> Kronecker:
    """A layer's curvature with K-FAC's eigenvalues."""
    return Kronecker(*eigenbasis(covariance))


def mean_values(several: Sequence[Float[Tensor, "out in"]]) -> Float[Tensor, "out in"]:
    """The mean of eigenvalues measured in one basis, for example at several checkpoints."""
    return torch.stack(list(several)).mean(0)


def _eigen(matrix: Float[Tensor, "n n"]) -> tuple[Float[Tensor, " n"], Float[Tensor, "n n"]]:
    """Eigenvalues and eigenvectors of a matrix that is symmetric up to rounding; no eigenvalue is below zero."""
    wide = matrix.double()
    values, vectors = torch.linalg.eigh((wide + wide.T) / 2)
    return values.clamp(min=0), vectors
