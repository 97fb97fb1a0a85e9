"""Tests the public functions of linear algebra by the equations that their results satisfy."""

from __future__ import annotations

import numpy as np
import pytest

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import wrap
from tideflow._src.function import matrix_iterations
from tideflow._src.ops.linalg import functions, norms

RANDOM = np.random.default_rng(3)
MATRIX = RANDOM.standard_normal((2, 3, 3)) + 3 * np.eye(3)
POSITIVE = MATRIX @ np.swapaxes(MATRIX, -1, -2)
WIDE = RANDOM.standard_normal((2, 3, 5)) + 1j * RANDOM.standard_normal((2, 3, 5))


def test_inverses_and_solutions() -> None:
    np.testing.assert_allclose(
        functions.inv(wrap(MATRIX)).numpy() @ MATRIX, np.broadcast_to(np.eye(3), (2, 3, 3)), atol=1e-12
    )
    solution = functions.solve(wrap(MATRIX), wrap(POSITIVE), adjoint=True).numpy()
    np.testing.assert_allclose(np.swapaxes(MATRIX, -1, -2) @ solution, POSITIVE)
    with pytest.raises(InvalidArgumentError, match="not invertible"):
        functions.inv(wrap(np.ones((2, 2))))


def test_the_other_triangle_is_not_read() -> None:
    solution = functions.triangular_solve(wrap(MATRIX), wrap(POSITIVE), lower=False).numpy()
    np.testing.assert_allclose(np.triu(MATRIX) @ solution, POSITIVE)


def test_cholesky() -> None:
    factor = functions.cholesky(wrap(POSITIVE))
    np.testing.assert_allclose(factor.numpy() @ np.swapaxes(factor.numpy(), -1, -2), POSITIVE)
    solution = functions.cholesky_solve(factor, wrap(MATRIX)).numpy()
    np.testing.assert_allclose(POSITIVE @ solution, MATRIX)
    np.testing.assert_allclose(functions.logdet(wrap(POSITIVE)).numpy(), np.linalg.slogdet(POSITIVE)[1])
    assert np.isnan(functions.cholesky(wrap(-POSITIVE)).numpy()[0, 2, 2])


def test_singular_vectors() -> None:
    s, u, v = (item.numpy() for item in functions.svd(wrap(WIDE)))
    assert s.dtype == np.float64
    np.testing.assert_allclose((u * s[:, None]) @ np.swapaxes(v.conj(), -1, -2), WIDE)
    inverse = functions.pinv(wrap(WIDE)).numpy()
    np.testing.assert_allclose(inverse, np.linalg.pinv(WIDE))
    assert functions.matrix_rank(wrap(np.ones((3, 3)))).numpy() == 1


def test_eigenvectors() -> None:
    values, vectors = (item.numpy() for item in functions.eigh(wrap(POSITIVE)))
    np.testing.assert_allclose(POSITIVE @ vectors, vectors * values[:, None])
    values, vectors = (item.numpy() for item in functions.eig(wrap(MATRIX)))
    np.testing.assert_allclose(MATRIX @ vectors, vectors * values[:, None], atol=1e-12)


def test_lu() -> None:
    packed, order = functions.lu(wrap(MATRIX))
    np.testing.assert_allclose(functions.lu_reconstruct(packed, order).numpy(), MATRIX)
    np.testing.assert_allclose(MATRIX @ functions.lu_solve(packed, order, wrap(POSITIVE)).numpy(), POSITIVE)
    np.testing.assert_allclose(functions.lu_matrix_inverse(packed, order).numpy(), np.linalg.inv(MATRIX))


@pytest.mark.parametrize("fast", [True, False])
def test_least_squares(fast: bool) -> None:
    tall = RANDOM.standard_normal((5, 3))
    right = RANDOM.standard_normal((5, 2))
    wanted = np.linalg.lstsq(tall, right)[0]
    np.testing.assert_allclose(functions.lstsq(wrap(tall), wrap(right), fast=fast).numpy(), wanted)


@pytest.mark.parametrize("scale", [0.01, 1.0, 20.0])
def test_exponentials(scale: float) -> None:
    values, vectors = np.linalg.eigh(POSITIVE / 10)
    wanted = (vectors * np.exp(values * scale)[:, None]) @ np.swapaxes(vectors, -1, -2)
    np.testing.assert_allclose(matrix_iterations.expm(wrap(POSITIVE / 10 * scale)).numpy(), wanted, rtol=1e-10)


def test_traces_and_adjoints() -> None:
    np.testing.assert_allclose(functions.trace(wrap(MATRIX)).numpy(), np.trace(MATRIX, axis1=1, axis2=2))
    np.testing.assert_array_equal(functions.adjoint(wrap(WIDE)).numpy(), np.swapaxes(WIDE.conj(), -1, -2))


@pytest.mark.parametrize("order", ["euclidean", 1, 2, 3, np.inf])
def test_norms_of_vectors(order: object) -> None:
    wanted = np.linalg.norm(MATRIX, None if order == "euclidean" else order, axis=1)  # type: ignore[call-overload]
    np.testing.assert_allclose(norms.norm(wrap(MATRIX), order, axis=1).numpy(), wanted)


@pytest.mark.parametrize("order", ["fro", 1, 2, np.inf])
def test_norms_of_matrices(order: object) -> None:
    wanted = np.linalg.norm(MATRIX, order, axis=(1, 2), keepdims=True)  # type: ignore[call-overload]
    np.testing.assert_allclose(norms.norm(wrap(MATRIX), order, axis=[1, 2], keepdims=True).numpy(), wanted)


@pytest.mark.parametrize(("order", "axis"), [("x", None), (-1, None), ("fro", 1), (3, [0, 1]), (1, [0, 1, 2])])
def test_norms_that_do_not_exist(order: object, axis: object) -> None:
    with pytest.raises(ValueError, match=r"'ord'|'axis'"):
        norms.norm(wrap(MATRIX), order, axis)


def test_the_norm_of_a_list() -> None:
    assert norms.global_norm([wrap(np.array([3.0])), None, wrap(np.array([4.0]))]).numpy() == 5
    scaled, size = norms.normalize([[3.0, 4.0]], axis=1)
    np.testing.assert_allclose(scaled.numpy(), [[0.6, 0.8]], rtol=1e-6)
    assert size.numpy().tolist() == [[5]]


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_the_logarithm_of_a_matrix_that_is_not_finite(value):
    matrices = np.array([[[1, 0], [0, 1]], [[1, value], [0, 1]]], np.complex64)
    found = functions.logm(matrices).numpy()
    assert (found[0] == 0).all()
    assert np.isnan(found[1]).all()
