"""Moments and the normalizations made of them."""

from __future__ import annotations

import numpy as np
import pytest

from tideflow._src.autodiff.tape import GradientTape
from tideflow._src.ops import everything  # noqa: F401
from tideflow._src.ops.math.reduction_functions import reduce_mean
from tideflow._src.ops.math.unary import tanh
from tideflow._src.ops.nn import moments as functions
from tideflow._src.ops.nn.fused_batch_norm import fused_batch_norm_v3_op
from tideflow._src.ops.nn.local_response import lrn
from tideflow._src.runtime.convert import convert_to_tensor

X = np.random.default_rng(4).normal(size=(2, 3, 4, 5)).astype(np.float32)


def test_moments() -> None:
    mean, variance = functions.moments(X, [0, 1])
    np.testing.assert_allclose(mean.numpy(), X.mean((0, 1)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(variance.numpy(), X.var((0, 1)), rtol=1e-5)
    assert functions.moments_v1(X, [0, 1], keep_dims=True)[0].shape == [1, 1, 4, 5]
    assert functions.moments(X.astype(np.float16), [0])[1].dtype.name == "float16"


def test_moments_from_statistics() -> None:
    counts, total, squares, shift = functions.sufficient_statistics(X, [0, 1, 2], shift=0.5)
    mean, variance = functions.normalize_moments(counts, total, squares, shift)
    np.testing.assert_allclose(mean.numpy(), X.mean((0, 1, 2)), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(variance.numpy(), X.var((0, 1, 2)), rtol=1e-4)


def test_weighted_moments_count_elements_repeatedly() -> None:
    x, times = np.float64([1.0, 2.0, 4.0]), np.array([1, 3, 2])
    mean, variance = functions.weighted_moments(x, [0], times)
    repeated = np.repeat(x, times)
    assert mean.numpy() == pytest.approx(repeated.mean())
    assert variance.numpy() == pytest.approx(repeated.var())


def test_batch_normalization_fused_and_not() -> None:
    scale, offset = np.float32([1, 2, 3, 4, 5]), np.float32([0, 1, 0, -1, 2])
    mean, variance = X.mean((0, 1, 2)), X.var((0, 1, 2))
    expected = (X - mean) / np.sqrt(variance + 0.01) * scale + offset
    plain = functions.batch_normalization(X, mean, variance, offset, scale, 0.01)
    np.testing.assert_allclose(plain.numpy(), expected, rtol=1e-4, atol=1e-5)
    fused, running_mean, running_variance = functions.fused_batch_norm(X, scale, offset, epsilon=0.01)
    np.testing.assert_allclose(fused.numpy(), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(running_mean.numpy(), mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(running_variance.numpy(), X.var((0, 1, 2), ddof=1), rtol=1e-4)
    with pytest.raises(ValueError, match="`mean` and `variance`"):
        functions.fused_batch_norm(X, scale, offset, is_training=False)


def test_third_derivative_of_fused_normalization() -> None:
    """The gradient of the gradient operation counts the statistics as functions of the images."""
    ones, zeros, none = np.ones(5, np.float32), np.zeros(5, np.float32), np.zeros(0, np.float32)
    weights = [np.random.default_rng(seed).normal(size=X.shape).astype(np.float32) for seed in range(3)]

    def fused(x):
        return fused_batch_norm_v3_op(x, ones, zeros, none, none, epsilon=0.01)[0]

    def plain(x):
        mean = reduce_mean(x, [0, 1, 2], keepdims=True)
        variance = reduce_mean((x - mean) * (x - mean), [0, 1, 2], keepdims=True)
        return functions.batch_normalization(x, mean, variance, None, None, 0.01)

    def third(normalize):
        x = convert_to_tensor(X)
        with GradientTape() as outer:
            outer.watch(x)
            with GradientTape() as middle:
                middle.watch(x)
                with GradientTape() as inner:
                    inner.watch(x)
                    y = tanh(normalize(x)) * weights[0]
                first = inner.gradient(y, x) * weights[1]
            second = middle.gradient(first, x) * weights[2]
        return outer.gradient(second, x).numpy()

    np.testing.assert_allclose(third(fused), third(plain), rtol=2e-3, atol=2e-3)


def test_l2_normalize() -> None:
    np.testing.assert_allclose(functions.l2_normalize([3.0, 4.0]).numpy(), [0.6, 0.8], rtol=1e-6)
    found = functions.l2_normalize(X, [1, 2]).numpy()
    np.testing.assert_allclose(found, X / np.sqrt((X**2).sum((1, 2), keepdims=True)), rtol=1e-5)
    np.testing.assert_allclose(functions.l2_normalize(np.complex64([3j, 4])).numpy(), [0.6j, 0.8], rtol=1e-6)
    with pytest.raises(ValueError, match="Cannot specify both"):
        functions.l2_normalize(X, 1, dim=1)


def test_local_response_normalization() -> None:
    squares = np.pad(X**2, ((0, 0), (0, 0), (0, 0), (1, 1)))
    near = squares[..., :-2] + squares[..., 1:-1] + squares[..., 2:]
    expected = X / (2 + 0.5 * near) ** 0.75
    np.testing.assert_allclose(lrn(X, 1, 2.0, 0.5, 0.75).numpy(), expected, rtol=1e-5)
