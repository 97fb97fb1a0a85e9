"""Tests the functions on tridiagonal and banded matrices, and those that iterate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow import v1
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.function.matrix_iterations import conjugate_gradient, expm
from tideflow._src.ops.linalg import operators as linear
from tideflow._src.ops.linalg.banded_triangular_solve import banded_triangular_solve
from tideflow._src.ops.linalg.tridiagonal_functions import eigh_tridiagonal, tridiagonal_matmul, tridiagonal_solve

RANDOM = np.random.default_rng(5)
COMPACT = RANDOM.standard_normal((2, 3, 5)) + np.array([0, 4, 0])[:, None]
RIGHT = RANDOM.standard_normal((2, 5, 3))


def dense_of(compact: Any) -> Any:
    above, main, below = np.moveaxis(compact, -2, 0)
    rows = zip(above, main, below, strict=True)
    return np.stack([np.diag(m) + np.diag(a[:-1], 1) + np.diag(b[1:], -1) for a, m, b in rows])


DENSE = dense_of(COMPACT)


@pytest.mark.parametrize("pivoting", [True, False])
def test_solutions_in_every_format(pivoting: bool) -> None:
    above, main, below = np.moveaxis(COMPACT, -2, 0)
    wanted = np.linalg.solve(DENSE, RIGHT)
    for diagonals, kind in (
        (COMPACT, "compact"),
        ([above, main, below], "sequence"),
        ([above[:, :-1], main, below[:, 1:]], "sequence"),
        (DENSE, "matrix"),
    ):
        found = tridiagonal_solve(diagonals, RIGHT, kind, partial_pivoting=pivoting)
        np.testing.assert_allclose(found.numpy(), wanted)
    vectors = tridiagonal_solve(COMPACT, RIGHT[..., 0])
    np.testing.assert_allclose(vectors.numpy(), wanted[..., 0])
    turned = tridiagonal_solve(COMPACT + 0j, np.swapaxes(RIGHT, 1, 2) * 1j, transpose_rhs=True, conjugate_rhs=True)
    np.testing.assert_allclose(turned.numpy(), wanted * -1j)


def test_many_small_systems_are_solved_at_once() -> None:
    compact, right = RANDOM.standard_normal((50, 3, 4)), RANDOM.standard_normal((50, 4, 2))
    solution = tridiagonal_solve(compact, right).numpy()
    np.testing.assert_allclose(dense_of(compact) @ solution, right, atol=1e-8)


def test_singular_matrices() -> None:
    singular = np.array([[1, 0.0], [1, 1], [0, 1]])
    assert np.isnan(tridiagonal_solve(singular, [[1.0], [2.0]]).numpy()).all()
    perturbed = tridiagonal_solve(singular, [[1.0], [2.0]], perturb_singular=True).numpy()
    np.testing.assert_allclose(perturbed, [[-4503599627370495.0], [4503599627370496.0]])
    with pytest.raises(ValueError, match="partial_pivoting"):
        tridiagonal_solve(singular, [[1.0], [2.0]], partial_pivoting=False, perturb_singular=True)


def test_systems_that_do_not_fit() -> None:
    for diagonals, right, message in (
        (COMPACT[:, :2], RIGHT, "3 diagonals"),
        (COMPACT[..., :4], RIGHT, "to be equal"),
        (COMPACT[:1], RIGHT, "incompatible"),
        (COMPACT, RIGHT[0, 0], "rank of rhs"),
    ):
        with pytest.raises(ValueError, match=message):
            tridiagonal_solve(diagonals, right)
    with pytest.raises(ValueError, match="Unrecognized"):
        tridiagonal_solve(COMPACT, RIGHT, "banana")


def test_products() -> None:
    above, main, below = np.moveaxis(COMPACT, -2, 0)
    for diagonals, kind in ((COMPACT, "compact"), ([above, main, below], "sequence"), (DENSE, "matrix")):
        np.testing.assert_allclose(tridiagonal_matmul(diagonals, RIGHT, kind).numpy(), DENSE @ RIGHT)


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("adjoint", [True, False])
@pytest.mark.parametrize("batch", [2, 40])
def test_banded_triangular_systems(lower: bool, adjoint: bool, batch: int) -> None:
    bands = RANDOM.standard_normal((batch, 3, 5)) + 1j * RANDOM.standard_normal((batch, 3, 5))
    bands[:, 0 if lower else -1] += 4
    dense = np.zeros((batch, 5, 5), complex)
    for k in range(3):
        for i in range(5):
            j = i - k if lower else i + k
            if 0 <= j < 5:
                dense[:, i, j] = bands[:, k if lower else 2 - k, i]
    matrix = np.swapaxes(dense.conj(), 1, 2) if adjoint else dense
    right = RANDOM.standard_normal((batch, 5, 2)) + 0j
    solution = banded_triangular_solve(bands, right, lower=lower, adjoint=adjoint).numpy()
    np.testing.assert_allclose(matrix @ solution, right, atol=1e-9)


def test_more_bands_than_rows() -> None:
    solution = banded_triangular_solve(np.ones((4, 2)), np.ones((2, 1))).numpy()
    np.testing.assert_allclose(solution, [[1], [0]])
    with pytest.raises(InvalidArgumentError, match="empty"):
        banded_triangular_solve(np.ones((2, 0)), np.ones((0, 1)))


def test_eigenvalues_of_tridiagonal_matrices() -> None:
    alpha, beta = RANDOM.standard_normal(6), RANDOM.standard_normal(5) + 1j
    dense = np.diag(alpha + 0j) + np.diag(beta, 1) + np.diag(beta.conj(), -1)
    wanted = np.linalg.eigvalsh(dense)
    values, vectors = eigh_tridiagonal(alpha + 0j, beta, eigvals_only=False)
    np.testing.assert_allclose(values.numpy(), wanted)
    np.testing.assert_allclose(dense @ vectors.numpy(), vectors.numpy() * wanted, atol=1e-9)
    chosen = eigh_tridiagonal(alpha + 0j, beta, select="i", select_range=(1, 3)).numpy()
    np.testing.assert_allclose(chosen, wanted[1:4])
    bounds = wanted[1], wanted[4] + 1e-9
    chosen = eigh_tridiagonal(alpha + 0j, beta, select="v", select_range=bounds).numpy()
    np.testing.assert_allclose(chosen, wanted[(wanted > bounds[0]) & (wanted <= bounds[1])])
    with pytest.raises(ValueError, match="select"):
        eigh_tridiagonal(alpha, alpha[1:], select="x")
    with pytest.raises(ValueError, match="same type"):
        eigh_tridiagonal(alpha, np.float32(alpha[1:]))


def test_exponentials_of_any_norm_in_a_graph() -> None:
    skew = np.array([[0, 1.0], [-1, 0]])
    angles = np.array([1e-3, 1.0, 1e5])
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float64, None)
        gradient = tf.gradients(expm(x)[..., 0, 0], x)[0]
        with v1.Session() as session:
            found, slope = session.run([expm(x), gradient], {x: angles[:, None, None] * skew})
    np.testing.assert_allclose(found[:, 0, 1], np.sin(angles), atol=1e-9)
    assert slope.shape == (3, 2, 2)
    assert np.isnan(expm(np.full((2, 2), np.inf)).numpy()).all()


def test_conjugate_gradients() -> None:
    matrix = DENSE @ np.swapaxes(DENSE, 1, 2)
    options: dict[str, Any] = {"is_self_adjoint": True, "is_positive_definite": True}
    operator = linear.LinearOperatorFullMatrix(matrix, **options)
    inverse = linear.LinearOperatorDiag(1 / np.diagonal(matrix, axis1=1, axis2=2), **options)
    wanted = np.linalg.solve(matrix, RIGHT[..., :1])[..., 0]
    for preconditioner in (None, inverse):
        state = conjugate_gradient(operator, RIGHT[..., 0], preconditioner, tol=1e-10)
        np.testing.assert_allclose(state.x.numpy(), wanted)
    assert conjugate_gradient(operator, RIGHT[..., 0], max_iter=2).i.numpy() == 2
    with pytest.raises(ValueError, match="positive definite"):
        conjugate_gradient(linear.LinearOperatorFullMatrix(matrix), RIGHT[..., 0])
