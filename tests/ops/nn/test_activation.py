"""Activation functions: values, types that they refuse, and the gradient that a composed one has."""

from __future__ import annotations

import numpy as np
import pytest

from tideflow._src.autodiff.tape import GradientTape
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.ops import everything  # noqa: F401
from tideflow._src.ops.nn import activation
from tideflow._src.ops.nn.softmax import log_softmax, softmax, softmax_v1
from tideflow._src.runtime.convert import convert_to_tensor

X = np.float32([[-2.0, 0.0, 3.0], [7.0, -0.5, 1.0]])


def test_rectifiers() -> None:
    np.testing.assert_array_equal(activation.relu(X).numpy(), np.maximum(X, 0))
    np.testing.assert_array_equal(activation.relu6(X).numpy(), np.clip(X, 0, 6))
    np.testing.assert_allclose(activation.leaky_relu(X, 0.5).numpy(), np.where(X > 0, X, 0.5 * X))
    joined = np.concatenate([np.maximum(X, 0), np.maximum(-X, 0)], 0)
    np.testing.assert_array_equal(activation.crelu(X, axis=0).numpy(), joined)
    assert activation.leaky_relu(np.int32([-2, 2])).dtype.name == "float32"


def test_not_a_number_passes_rectifiers() -> None:
    assert np.isnan(activation.relu(np.float32([np.nan])).numpy()[0])


def test_gelu_is_exact_or_approximate() -> None:
    exact = activation.gelu(np.float64([1.0])).numpy()[0]
    assert exact == pytest.approx(0.8413447460685429, abs=1e-8)
    assert activation.gelu(np.float64([1.0]), approximate=True).numpy()[0] == pytest.approx(0.8411919906, abs=1e-9)
    with pytest.raises(ValueError, match="floating point"):
        activation.gelu(np.int32([1]))


def test_silu_and_its_gradient() -> None:
    x = convert_to_tensor(np.float64([0.3]))
    with GradientTape() as tape:
        tape.watch(x)
        y = activation.silu(x, 2.0)
    sigmoid = 1 / (1 + np.exp(-0.6))
    assert y.numpy()[0] == pytest.approx(0.3 * sigmoid)
    assert tape.gradient(y, x).numpy()[0] == pytest.approx(sigmoid + 0.6 * sigmoid * (1 - sigmoid))


def test_log_sigmoid_does_not_overflow() -> None:
    np.testing.assert_allclose(activation.log_sigmoid(np.float32([-1000.0, 1000.0])).numpy(), [-1000.0, 0.0])


def test_zero_fraction() -> None:
    assert activation.zero_fraction(np.float32([0, 1, 0, 0])).numpy() == np.float32(0.75)


def test_softmax_over_any_axis() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    for axis in (-3, 1, 2):
        powers = np.exp(x)
        expected = powers / powers.sum(axis, keepdims=True)
        np.testing.assert_allclose(softmax(x, axis).numpy(), expected, rtol=1e-12)
        np.testing.assert_allclose(log_softmax(x, axis).numpy(), np.log(expected), rtol=1e-12)
        np.testing.assert_allclose(softmax(x, convert_to_tensor(axis)).numpy(), expected, rtol=1e-12)
    np.testing.assert_array_equal(softmax_v1(X, dim=0).numpy(), softmax(X, 0).numpy())


def test_softmax_refuses_an_axis_out_of_range() -> None:
    with pytest.raises(InvalidArgumentError, match=r"range \[-2, 2\)"):
        softmax(X, 2)
    with pytest.raises(ValueError, match="Cannot specify both"):
        softmax_v1(X, axis=0, dim=1)
