"""Tests the ways that large matrices and large batches take on the host, which are not those of small ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.ops.linalg import lapack
from tideflow._src.runtime import threaded_ranges

RANDOM = np.random.default_rng(2)
SIZE = lapack.LARGE + 9
LARGE = RANDOM.standard_normal((SIZE, SIZE)) + 3 * np.eye(SIZE)
RIGHT = RANDOM.standard_normal((SIZE, 3))


def test_a_large_cholesky_factor() -> None:
    positive = LARGE @ LARGE.T + np.eye(SIZE)
    factor = tf.linalg.cholesky(positive + np.triu(np.ones((SIZE, SIZE)), 1)).numpy()  # the upper triangle is not read
    np.testing.assert_allclose(factor, np.linalg.cholesky(positive))
    lost = tf.linalg.cholesky(-positive).numpy()
    assert np.isnan(lost[np.tril_indices(SIZE)]).all()
    assert not lost[np.triu_indices(SIZE, 1)].any()


def test_large_systems() -> None:
    np.testing.assert_allclose(tf.linalg.solve(LARGE, RIGHT).numpy(), np.linalg.solve(LARGE, RIGHT))
    with pytest.raises(InvalidArgumentError, match="not invertible"):
        tf.linalg.solve(np.ones((SIZE, SIZE)), RIGHT)


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("adjoint", [True, False])
def test_large_triangular_systems(lower: bool, adjoint: bool) -> None:
    matrix = LARGE / 9 + 1j * np.eye(SIZE)
    solution = tf.linalg.triangular_solve(matrix, RIGHT + 0j, lower=lower, adjoint=adjoint).numpy()
    triangle = np.tril(matrix) if lower else np.triu(matrix)
    used = triangle.conj().T if adjoint else triangle
    np.testing.assert_allclose(used @ solution, RIGHT, atol=1e-6)


@pytest.mark.parametrize("shape", [(SIZE, SIZE), (2, SIZE, SIZE), (40, 5, 5)])
def test_orders_of_rows(shape: tuple[int, ...]) -> None:
    matrices = RANDOM.standard_normal(shape)
    packed, order = (item.numpy() for item in tf.linalg.lu(matrices))
    lower, upper = np.tril(packed, -1) + np.eye(shape[-1]), np.triu(packed)
    np.testing.assert_allclose(lower @ upper, np.take_along_axis(matrices, order[..., None], axis=-2), atol=1e-9)


def test_large_batches_are_shared_among_threads(monkeypatch: Any) -> None:
    monkeypatch.setattr(threaded_ranges, "thread_count", lambda: 3)
    batch = RANDOM.standard_normal((3, 5000, 9, 9)) + 4 * np.eye(9)
    ranges = []

    def inverted(part: Any) -> Any:
        ranges.append(len(part))
        return np.linalg.inv(part)

    np.testing.assert_allclose(lapack.over_batch(inverted, batch), np.linalg.inv(batch))
    assert len(ranges) > 1
    q, r = lapack.over_batch(lambda part: tuple(np.linalg.qr(part)), batch)
    np.testing.assert_allclose(q @ r, batch, atol=1e-9)
    batch[2, 4999] = 0
    with pytest.raises(InvalidArgumentError, match="not invertible"):
        tf.linalg.inv(batch)


@pytest.mark.parametrize("bounds", [(-1, 0), (0, -1), (3, 2), (0, 0), (-1, -1), (300, 0)])
def test_bands_of_large_matrices(bounds: tuple[int, int]) -> None:
    matrix = RANDOM.standard_normal((300, 400))
    offset = np.arange(400) - np.arange(300)[:, None]
    low, high = bounds
    inside = ((offset >= -low) | (low < 0)) & ((offset <= high) | (high < 0))
    np.testing.assert_array_equal(tf.linalg.band_part(matrix, low, high).numpy(), np.where(inside, matrix, 0))
