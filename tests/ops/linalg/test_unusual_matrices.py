"""Tests matrices that hold infinities and NaN, or nothing: both tiers give what TensorFlow gives, or its errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.core.errors import InvalidArgumentError

DECOMPOSITIONS: dict[str, Callable[[Any], Any]] = {
    "lu": tf.linalg.lu,
    "eigh": tf.linalg.eigh,
    "eigvalsh": tf.linalg.eigvalsh,
    "qr": tf.linalg.qr,
    "cholesky": tf.linalg.cholesky,
    "inv": tf.linalg.inv,
    "solve": lambda matrix: tf.linalg.solve(matrix, matrix),
    "slogdet": tf.linalg.slogdet,
}

NAN = np.full((3, 3), np.nan)


def _eye_with(row: int, column: int, value: float) -> np.ndarray:
    matrix = np.eye(3)
    matrix[row, column] = value
    return matrix


MATRICES = {
    "nan": NAN,
    "infinite": np.full((3, 3), np.inf),
    "nan on the diagonal": _eye_with(1, 1, np.nan),
    "infinite above": _eye_with(0, 1, np.inf),
    "infinite below": _eye_with(1, 0, np.inf),
}

#: Which calls TensorFlow refuses.
REFUSED = {
    "lu": {"nan", "infinite below"},
    "eigh": {"nan", "infinite", "nan on the diagonal", "infinite below"},
    "eigvalsh": {"nan", "infinite", "nan on the diagonal", "infinite below"},
    "inv": {"nan", "infinite below"},
    "solve": {"nan", "infinite below"},
}
#: Of these a compiled program does not see the pivots; the results are not finite.
NOT_REFUSED_COMPILED = {("inv", "infinite below"), ("solve", "infinite below")}


@pytest.fixture(params=[False, True], ids=["eager", "compiled"])
def called(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Calls a function of one matrix on a tier, and returns its results as arrays."""

    def call(function: Callable[[Any], Any], matrix: np.ndarray) -> list[np.ndarray]:
        whole = tf.function(function, jit_compile=True) if request.param else function
        return [item.numpy() for item in tf.nest.flatten(whole(tf.constant(matrix)))]

    return call


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", DECOMPOSITIONS)
@pytest.mark.parametrize("kind", MATRICES)
def test_what_is_not_finite(
    called: Callable[..., Any], request: pytest.FixtureRequest, name: str, kind: str, dtype: str
) -> None:
    matrix = MATRICES[kind].astype(dtype)
    unseen = request.node.callspec.params["called"] and (name, kind) in NOT_REFUSED_COMPILED
    if kind in REFUSED.get(name, set()) and not unseen:
        with pytest.raises(InvalidArgumentError):
            called(DECOMPOSITIONS[name], matrix)
        return
    results = called(DECOMPOSITIONS[name], matrix)
    read = np.tril(matrix) if name in ("cholesky", "eigh", "eigvalsh") else matrix
    assert np.isfinite(read).all() or not all(np.isfinite(item).all() for item in results)


@pytest.mark.parametrize("shape", [(0, 0), (2, 0, 0), (0, 3, 3)])
@pytest.mark.parametrize("name", DECOMPOSITIONS)
def test_nothing(called: Callable[..., Any], name: str, shape: tuple[int, ...]) -> None:
    results = called(DECOMPOSITIONS[name], np.zeros(shape, np.float32))
    if name == "slogdet":
        np.testing.assert_array_equal(results, [np.ones(shape[:-2]), np.zeros(shape[:-2])])
    else:
        assert {item.shape for item in results} <= {shape, shape[:-1]}


def test_the_sign_of_a_determinant_that_is_nan_is_nan(called: Callable[..., Any]) -> None:
    sign, logarithm = called(tf.linalg.slogdet, NAN)
    assert np.isnan(sign) and np.isnan(logarithm)


def test_the_upper_triangle_does_not_count(called: Callable[..., Any]) -> None:
    values, _ = called(tf.linalg.eigh, np.diag([1.0, 2.0, 3.0]) + np.triu(NAN, 1))
    np.testing.assert_allclose(values, [1, 2, 3])
