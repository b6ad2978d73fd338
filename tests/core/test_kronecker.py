"""Against explicit Kronecker matrices: H is written out as an [out * in, out * in] matrix and used as one."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from whence.core.kronecker import Covariance, Eigenbasis, Kronecker, eigenbasis, kfac, mean_values

SIZES = (st.integers(1, 7), st.integers(1, 7))


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def covariance(out: int, inner: int, tokens: int = 40, seed: int = 0) -> Covariance:
    backward, forward = random(tokens, out, seed=seed), random(tokens, inner, seed=seed + 1)
    return Covariance(backward.T @ backward / tokens, forward.T @ forward / tokens)


def written_out(layer: Kronecker) -> Tensor:
    """H for row-major vec: the eigenvectors of both sides multiplied, an eigenvalue for each."""
    vectors = torch.kron(layer.basis.outputs.double(), layer.basis.inputs.double())
    return vectors @ layer.values.double().flatten().diag() @ vectors.T


def matrix_function(matrix: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    values, vectors = torch.linalg.eigh((matrix + matrix.T) / 2)
    return vectors @ function(values).diag() @ vectors.T


@settings(max_examples=20)
@given(*SIZES)
def test_kfac_is_the_kronecker_product_of_the_covariances(out: int, inner: int):
    both = covariance(out, inner)
    wanted = torch.kron(both.outputs.double(), both.inputs.double())
    torch.testing.assert_close(written_out(kfac(both)), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "function",
    [lambda v: v, lambda v: 1 / (v + 0.3), lambda v: torch.exp(-2 * v), torch.sqrt],
    ids=["H", "damped inverse", "exponential", "root"],
)
def test_any_function_of_the_eigenvalues_is_that_function_of_the_matrix(function: Callable[[Tensor], Tensor]):
    basis, _ = eigenbasis(covariance(4, 6))
    layer = Kronecker(basis, random(4, 6, seed=5).square())
    gradient = random(3, 4, 6, seed=9)
    wanted = gradient.double().flatten(1) @ matrix_function(written_out(layer), lambda v: function(v.clamp(min=0)))
    found = layer.apply(function, gradient)
    torch.testing.assert_close(found.flatten(1).double(), wanted, rtol=1e-3, atol=1e-4)


@settings(max_examples=20)
@given(*SIZES)
def test_a_rotation_is_undone_and_keeps_lengths(out: int, inner: int):
    basis, _ = eigenbasis(covariance(out, inner))
    gradient = random(2, out, inner, seed=3)
    rotated = basis.into(gradient)
    torch.testing.assert_close(basis.back(rotated), gradient, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(rotated.norm(), gradient.norm(), rtol=1e-5, atol=1e-6)


@settings(max_examples=20)
@given(st.integers(1, 30), *SIZES)
def test_the_order_of_rotation_changes_nothing(tokens: int, out: int, inner: int):
    basis, _ = eigenbasis(covariance(out, inner))
    backward, forward = random(2, tokens, out, seed=3), random(2, tokens, inner, seed=4)
    wanted = torch.zeros(2, out, inner)
    for row in range(2):
        for t in range(tokens):
            wanted[row] += torch.outer(basis.outputs.T @ backward[row, t], basis.inputs.T @ forward[row, t])
    torch.testing.assert_close(basis.of_tokens(backward, forward), wanted, rtol=1e-4, atol=1e-4)


def test_both_orders_of_rotation_are_taken():
    class Counting(Eigenbasis):
        calls = 0

        def into(self, gradient: Tensor) -> Tensor:
            Counting.calls += 1
            return super().into(gradient)

    basis, _ = eigenbasis(covariance(4, 5))
    counting = Counting(basis.outputs, basis.inputs)
    for tokens, calls in ((1, 0), (50, 1)):
        counting.of_tokens(random(2, tokens, 4), random(2, tokens, 5))
        assert Counting.calls == calls


def test_averages_over_checkpoints_weigh_each_alike():
    one, other = covariance(3, 4), covariance(3, 4, seed=7)
    both = Covariance.mean([one, other])
    torch.testing.assert_close(both.outputs, (one.outputs + other.outputs) / 2)
    torch.testing.assert_close(both.inputs, (one.inputs + other.inputs) / 2)
    torch.testing.assert_close(mean_values([torch.ones(2, 3), 3 * torch.ones(2, 3)]), 2 * torch.ones(2, 3))


def test_the_damped_inverse_is_relative_to_the_mean_eigenvalue():
    basis, _ = eigenbasis(covariance(2, 3))
    layer = Kronecker(basis, torch.arange(6.0).view(2, 3))
    assert layer.damping(0.1) == pytest.approx(0.25)
    torch.testing.assert_close(layer.inverse(0.1), 1 / (layer.values + 0.25))
    torch.testing.assert_close(layer.inverse(0.1, 0.5) ** 2, layer.inverse(0.1))


def test_a_layer_without_curvature_is_multiplied_by_zero():
    basis, values = eigenbasis(Covariance(torch.zeros(2, 2), torch.eye(3)))
    assert torch.equal(Kronecker(basis, values).inverse(0.1), torch.zeros(2, 3))


def test_rounding_leaves_no_eigenvalue_below_zero():
    thin = random(1, 6)
    layer = kfac(Covariance(thin.T @ thin, thin.T @ thin))
    assert layer.values.min() >= 0
    assert torch.linalg.matrix_rank(written_out(layer), rtol=1e-6) == 1
