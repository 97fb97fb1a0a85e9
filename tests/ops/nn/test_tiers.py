"""Kernels that change from NumPy to a compiled program once that pays."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.ops.nn import convolution_kernels, pooling_kernels, pooling_plan, tiers
from tideflow._src.ops.nn.convolution_plan import Window


@pytest.fixture
def eagerly_compiled(monkeypatch):
    monkeypatch.setattr(tiers, "_SMALL", 0)
    monkeypatch.setattr(tiers.cost_model, "runs_before_compiling", lambda *arguments: 1)


def test_both_tiers_give_the_same(eagerly_compiled) -> None:
    random = np.random.default_rng(0)
    x, filters = random.normal(size=(2, 6, 5, 3)).astype("f"), random.normal(size=(3, 2, 3, 4)).astype("f")
    strides = Window([1, 2, 1, 1], "SAME")
    kernels = convolution_kernels
    kernel = tiers.tiered(kernels.conv2d.host, kernels.conv2d.xla, tiers.convolution_work)
    first, second = kernel(x, filters, strides), kernel(x, filters, strides)
    assert isinstance(second, np.ndarray)
    np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-5)
    kernel = tiers.tiered(kernels.conv2d_backprop_input.host, kernels.conv2d_backprop_input.xla, tiers.convolution_work)
    sizes = np.array(x.shape, np.int32)
    results = [kernel(sizes, filters, first, strides) for _ in range(2)]
    np.testing.assert_allclose(*results, rtol=1e-4, atol=1e-5)
    larger = np.array([2, 5, 5, 3], np.int32)  # of another size, though the arrays have the same shapes
    assert kernel(larger, filters, first, strides).shape == (2, 5, 5, 3)
    window = pooling_plan.Window([1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    kernel = tiers.tiered(
        pooling_kernels.max_pool_with_argmax.host, pooling_kernels.max_pool_with_argmax.xla, tiers.pooling_work
    )
    one, other = kernel(x, window), kernel(x, window)
    for expected, found in zip(one, other, strict=True):
        np.testing.assert_array_equal(expected, found)


def test_results_are_values_like_any_other(eagerly_compiled) -> None:
    x = tf.constant(np.ones((1, 4, 4, 2), np.float32))
    filters = tf.constant(np.ones((2, 2, 2, 2), np.float32))
    for _ in range(2):
        y = tf.nn.conv2d(x, filters, 1, "SAME")
    variable = tf.Variable(y)
    variable.assign_add(y)
    np.testing.assert_array_equal(variable.numpy(), 2 * y.numpy())
    copy = y.numpy()
    copy[...] = 0
    assert y.numpy().max() == 8


def test_the_host_can_be_asked_for(eagerly_compiled, monkeypatch) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", "host")
    calls = []

    def host(x):
        calls.append(1)
        return x

    kernel = tiers.tiered(host, lambda x: pytest.fail("was compiled"), tiers.pooling_work)
    for _ in range(3):
        kernel(np.ones((2, 2)))
    assert len(calls) == 3


def test_the_number_of_calls_in_numpy_follows_from_the_work(monkeypatch) -> None:
    few, many = np.ones((64, 28, 28, 32), np.float32), np.ones((2, 28, 28, 32), np.float32)
    filters = np.ones((3, 3, 32, 64), np.float32)
    counts = []
    for x in (few, many, few):
        calls = []

        def convolve(x, filters, calls=calls):
            calls.append(1)
            return x

        kernel = tiers.tiered(convolve, lambda x, filters: x + 0, tiers.convolution_work)
        for _ in range(2000):
            if not isinstance(kernel(x, filters), np.ndarray):
                break
        counts.append(len(calls))
    assert counts[0] == counts[2] < counts[1] < 2000


def test_every_kernel_is_estimated_as_what_it_is(monkeypatch) -> None:
    estimates = []

    def runs(work, kind, loaded):
        estimates.append((work, kind))
        return 1

    monkeypatch.setattr(tiers, "_SMALL", 0)
    monkeypatch.setattr(tiers.cost_model, "runs_before_compiling", runs)
    x, filters = np.ones((1, 5, 5, 2), np.float32), np.ones((2, 2, 2, 3), np.float32)
    window = Window([1, 1, 1, 1], "SAME")
    y = convolution_kernels.conv2d(np, x, filters, window)
    convolution_kernels.conv2d_backprop_input(np, x.shape, filters, y, window)
    convolution_kernels.depthwise_conv2d_native(np, x, filters, window)
    pooling_kernels.max_pool(np, x, pooling_plan.Window([1, 2, 2, 1], [1, 2, 2, 1], "SAME"))
    model = tiers.cost_model
    assert [kind for _, kind in estimates] == [model.CONVOLUTION] * 3 + [model.POOLING]
    forward, _, depthwise, pooled = (work for work, _ in estimates)
    # Two floating-point operations for each pixel, channel, filter and element of a window of 3 by 3.
    assert (forward, depthwise, pooled) == (2 * 25 * 2 * 3 * 9, 2 * 25 * 3 * 9, x.size)
