"""Convolution and pooling of volumes: values against plain loops, every layout, gradients on both tiers, bad input."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import numpy as np
import pytest

import tideflow as tf
import tideflow.v1 as v1
from tideflow._src.core import errors
from tideflow._src.ops.nn import convolution_kernels, convolution_plan, pooling_kernels, pooling_plan

RANDOM = np.random.default_rng(5)


def padded_like(x: np.ndarray, window: Any, strides: Any, dilations: Any, padding: str, value: float) -> Any:
    """Returns the padded input, the padding before each axis, and the number of windows."""
    pads, counts = [(0, 0)], []
    for size, length, stride, gap in zip(x.shape[1:-1], window, strides, dilations, strict=True):
        extent = (length - 1) * gap + 1
        if padding == "SAME":
            count = -(-size // stride)
            needed = max((count - 1) * stride + extent - size, 0)
            pads.append((needed // 2, needed - needed // 2))
        else:
            count = (size - extent) // stride + 1
            pads.append((0, 0))
        counts.append(count)
    return np.pad(x, [*pads, (0, 0)], constant_values=value), pads[1:], counts


def windows(x: np.ndarray, window: Any, strides: Any, dilations: Any, padding: str, value: float = 0.0) -> Any:
    """Yields (place, the values of the window there), both over batch and channels."""
    padded, _, counts = padded_like(x, window, strides, dilations, padding, value)
    for place in itertools.product(*map(range, counts)):
        part = [slice(None)]
        for start, length, stride, gap in zip(place, window, strides, dilations, strict=True):
            part.append(slice(start * stride, start * stride + (length - 1) * gap + 1, gap))
        yield place, padded[tuple(part)]


def convolved(x: np.ndarray, filters: np.ndarray, strides: Any, dilations: Any, padding: str) -> np.ndarray:
    window = filters.shape[:-2]
    _, _, counts = padded_like(x, window, strides, dilations, padding, 0)
    result = np.zeros((len(x), *counts, filters.shape[-1]))
    for place, patch in windows(x, window, strides, dilations, padding):
        result[(slice(None), *place)] = np.tensordot(patch, filters, 4)
    return result


def first(x: np.ndarray) -> np.ndarray:
    return np.moveaxis(x, -1, 1)


CASES = [
    ((3, 2, 2), (1, 1, 1), (1, 1, 1), "SAME"),
    ((2, 3, 2), (2, 1, 2), (1, 1, 1), "SAME"),
    ((2, 2, 3), (1, 2, 1), (1, 1, 1), "VALID"),
    ((2, 2, 2), (1, 1, 1), (2, 1, 2), "VALID"),
    ((3, 2, 2), (1, 1, 1), (2, 2, 1), "SAME"),
    ((1, 1, 1), (2, 1, 2), (1, 1, 1), "VALID"),
    ((17, 1, 1), (1, 1, 1), (1, 1, 1), "SAME"),
]


@pytest.mark.parametrize("layout", ["NDHWC", "NCDHW"])
@pytest.mark.parametrize(("window", "strides", "dilations", "padding"), CASES)
@pytest.mark.parametrize("tier", ["host", "xla"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_convolution_and_its_gradients(window, strides, dilations, padding, tier, layout, dtype) -> None:
    x = RANDOM.normal(size=(2, 5, 4, 6, 3)).astype(dtype)
    filters = RANDOM.normal(size=(*window, 3, 2)).astype(dtype)
    expected = convolved(x, filters, strides, dilations, padding)
    dy = RANDOM.normal(size=expected.shape).astype(dtype)
    five = (lambda three: [1, *three, 1]) if layout == "NDHWC" else (lambda three: [1, 1, *three])
    attributes = {
        "strides": five(strides),
        "dilations": five(dilations),
        "padding": padding,
        "data_format": layout,
    }
    order = (lambda array: array) if layout == "NDHWC" else first

    def run(name: str, *arrays: Any) -> np.ndarray:
        kernel = getattr(getattr(convolution_kernels, name), tier)
        window = convolution_plan.Window(**attributes)
        if tier == "host":
            return kernel(*arrays, window)
        live = [index for index, item in enumerate(arrays) if not isinstance(item, tuple)]

        def traced(*values: Any) -> Any:
            given = list(arrays)
            for index, value in zip(live, values, strict=True):
                given[index] = value
            return kernel(*given, window)

        with jax.enable_x64(True):
            return np.asarray(jax.jit(traced)(*(arrays[index] for index in live)))

    tolerance = {"rtol": 1e-3, "atol": 1e-3} if dtype == "float32" else {"rtol": 1e-9, "atol": 1e-9}
    np.testing.assert_allclose(run("conv3d", order(x), filters), order(expected), **tolerance)
    # The gradients are the transposes: <conv(x, w), dy> = <x, dx> = <w, dw>, for every x and w.
    of_input = run("conv3d_backprop_input", order(x).shape, filters, order(dy))
    of_filter = run("conv3d_backprop_filter", order(x), filters.shape, order(dy))
    for _ in range(3):
        other = RANDOM.normal(size=x.shape)
        product = np.sum(convolved(other, filters, strides, dilations, padding) * dy)
        np.testing.assert_allclose(np.sum(order(other) * of_input), product, rtol=1e-3, atol=1e-2)
        weights = RANDOM.normal(size=filters.shape)
        product = np.sum(convolved(x, weights, strides, dilations, padding) * dy)
        np.testing.assert_allclose(np.sum(weights * of_filter), product, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("layout", ["NDHWC", "NCDHW"])
@pytest.mark.parametrize("tier", ["host", "xla"])
@pytest.mark.parametrize(
    ("window", "strides", "padding"),
    [((2, 2, 2), (2, 2, 2), "VALID"), ((3, 2, 3), (2, 1, 2), "SAME"), ((2, 3, 2), (2, 3, 2), "SAME")],
)
def test_poolings_and_their_gradients(window, strides, padding, tier, layout) -> None:
    one = (1, 1, 1)
    x = RANDOM.integers(-2, 3, (2, 5, 4, 6, 2)).astype(np.float32)
    values = dict(windows(x, window, strides, one, padding, -np.inf))
    counts = tuple(max(place[axis] for place in values) + 1 for axis in range(3))
    shape = (2, *counts, 2)
    dy = RANDOM.normal(size=shape).astype(np.float32)
    maxima, means, of_maximum, of_mean = np.zeros(shape), np.zeros(shape), np.zeros(0), np.zeros(0)
    padded, pads, _ = padded_like(x, window, strides, one, padding, -np.inf)
    of_maximum, of_mean = np.zeros(padded.shape), np.zeros(padded.shape)
    for place, patch in values.items():
        here = (slice(None), *place)
        maxima[here] = patch.max((1, 2, 3))
        inside = np.isfinite(patch)
        count = inside.sum((1, 2, 3))
        means[here] = np.where(inside, patch, 0).sum((1, 2, 3)) / count
        part = tuple(slice(p * s, p * s + w) for p, s, w in zip(place, strides, window, strict=True))
        best = patch == maxima[here][:, None, None, None]
        of_maximum[(slice(None), *part)] += best * dy[here][:, None, None, None]
        of_mean[(slice(None), *part)] += (dy[here] / count)[:, None, None, None]
    inner = (slice(None), *(slice(before, before + size) for (before, _), size in zip(pads, x.shape[1:4], strict=True)))
    five = (lambda three: [1, *three, 1]) if layout == "NDHWC" else (lambda three: [1, 1, *three])
    attributes = {"ksize": five(window), "strides": five(strides), "padding": padding, "data_format": layout}
    order = (lambda array: array) if layout == "NDHWC" else first

    def run(name: str, *arrays: Any) -> np.ndarray:
        kernel = getattr(getattr(pooling_kernels, name), tier)
        return np.asarray(kernel(*arrays, pooling_plan.Window(**attributes)))

    pooled = run("max_pool3d", order(x))
    np.testing.assert_array_equal(pooled, order(maxima))
    found = run("max_pool3d_grad", order(x), pooled, order(dy))
    np.testing.assert_allclose(found, order(of_maximum[inner]), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(run("avg_pool3d", order(x)), order(means), rtol=1e-4, atol=1e-5)
    found = run("avg_pool3d_grad", order(x).shape, order(dy))
    np.testing.assert_allclose(found, order(of_mean[inner]), rtol=1e-4, atol=1e-5)


def test_functions_agree_with_their_operations() -> None:
    x, filters = RANDOM.normal(size=(2, 4, 5, 6, 3)), RANDOM.normal(size=(2, 2, 2, 3, 4))
    expected = convolved(x, filters, (2, 2, 2), (1, 1, 1), "SAME")
    for found in (
        tf.nn.conv3d(x, filters, [1, 2, 2, 2, 1], "SAME"),
        tf.nn.convolution(x, filters, 2, "SAME"),
        v1.nn.conv3d(x, filters=filters, strides=[1, 2, 2, 2, 1], padding="SAME"),
        tf.nn.conv3d(x[:, None], filters, [1, 2, 2, 2, 1], "SAME")[:, 0],
    ):
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-12)
    y = RANDOM.normal(size=expected.shape)
    for found in (
        tf.nn.conv3d_transpose(y, filters, x.shape, 2),
        tf.nn.conv_transpose(y, filters, x.shape, 2),
        v1.nn.conv3d_transpose(y, filters, x.shape, [1, 2, 2, 2, 1]),
    ):
        assert np.sum(found.numpy() * x) == pytest.approx(np.sum(expected * y))
    x = x.astype(np.float32)
    pooled = tf.nn.max_pool3d(x, 2, 2, "SAME").numpy()
    for found in (tf.nn.max_pool(x, 2, 2, "SAME"), tf.nn.pool(x, [2, 2, 2], "MAX", [2, 2, 2], "SAME")):
        np.testing.assert_array_equal(found.numpy(), pooled)
    np.testing.assert_allclose(
        tf.nn.avg_pool(x, 2, 2, "VALID").numpy(), tf.nn.pool(x, [2, 2, 2], "AVG", [2, 2, 2]).numpy()
    )
    dilated = tf.nn.pool(x, [2, 2, 2], "MAX", dilations=[2, 1, 2]).numpy()
    expected = np.max(
        [x[:, i : i + 2, j : j + 4, k : k + 4] for i, j, k in itertools.product((0, 2), (0, 1), (0, 2))], axis=0
    )
    np.testing.assert_array_equal(dilated, expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tf.nn.conv3d(np.ones((3, 3, 3, 2)), np.ones((2, 2, 2, 2, 2)), [1] * 5, "SAME"), "5-dimensional"),
        (lambda: tf.nn.conv3d(np.ones((1, 3, 3, 3, 3)), np.ones((2, 2, 2, 2, 2)), [1] * 5, "SAME"), "evenly divisible"),
        (lambda: tf.nn.conv3d(np.ones((1, 3, 3, 3, 2)), np.ones((2, 2, 2, 2, 2)), [1, 0, 1, 1, 1], "SAME"), "Stride"),
        (lambda: tf.nn.max_pool3d(np.ones((3, 3, 3, 2), np.float32), 2, 2, "SAME"), "5 dimensions"),
        (
            lambda: tf.raw_ops.AvgPool3DGrad(
                orig_input_shape=[1, 4, 4, 4, 1],
                grad=np.ones((1, 3, 2, 2, 1)),
                ksize=[1, 2, 2, 2, 1],
                strides=[1, 2, 2, 2, 1],
                padding="SAME",
            ),
            "expected grad shape",
        ),
    ],
)
def test_bad_arguments(call: Any, message: str) -> None:
    with pytest.raises(errors.InvalidArgumentError, match=message):
        call()
