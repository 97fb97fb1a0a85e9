"""Winograd's convolutions: right for every padding, chosen by shapes, and off where exactness is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import pytest

import tideflow as tf
from tideflow._src.ops.nn import convolution_host, convolution_xla, winograd
from tideflow._src.ops.nn.convolution_plan import Convolution, Window, describe
from tideflow._src.runtime import device_options, seed_rules


@pytest.fixture(autouse=True)
def _options(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("TIDEFLOW_WINOGRAD", raising=False)
    monkeypatch.setattr(seed_rules.determinism, "enabled", False)
    monkeypatch.setitem(device_options._options, "tensor_float_32", True)
    yield


def _call(image: tuple[int, ...], filter: tuple[int, ...], padding: str = "SAME", **more: list[int]) -> Convolution:
    strides = more.pop("strides", [1, 1, 1, 1])
    return describe("Conv2D", image, filter, Window(strides, padding, **more))


@pytest.mark.parametrize(
    ("image", "window", "padding", "explicit"),
    [
        ((2, 8, 9, 5), 3, "SAME", []),
        ((2, 6, 5, 4), 3, "EXPLICIT", [0, 0, 0, 2, 3, 1, 0, 0]),
        ((1, 11, 6, 2), 5, "VALID", []),
        ((2, 3, 2, 4), 5, "EXPLICIT", [0, 0, 4, 3, 2, 5, 0, 0]),
    ],
)
def test_values_are_those_of_float64(image: tuple[int, ...], window: int, padding: str, explicit: list[int]) -> None:
    """The bound is twice the largest error that the module states."""
    call = _call(image, (window, window, image[3], 6), padding, explicit_paddings=explicit)
    random = np.random.default_rng(5)
    x, filter, dy = (
        random.standard_normal(shape).astype(np.float32)
        for shape in (image, (window, window, image[3], 6), call.output_shape)
    )
    bound = 6e-5 if window == 3 else 1.2e-4
    kinds = {"convolve": (x, filter), "input_gradient": (filter, dy), "filter_gradient": (x, dy)}

    def lowered(pairs: dict[str, Any]) -> dict[str, Any]:
        return {name: getattr(winograd, name)(call, *pair) for name, pair in pairs.items()}

    results = jax.jit(lowered, compiler_options=convolution_xla.COMPILER_OPTIONS)(kinds)
    for name, pair in kinds.items():
        exact = getattr(convolution_host, f"{name}_host")(call, *(array.astype(np.float64) for array in pair))
        got = np.asarray(results[name])
        assert got.dtype == np.float32
        assert got.size == exact.size
        exact = exact.reshape(got.shape)
        assert np.abs(got - exact).max() <= bound * np.sqrt(np.mean(exact**2)), name


@pytest.mark.parametrize(
    ("image", "filter", "forward", "of_filter"),
    [
        ((8, 28, 28, 128), (3, 3, 128, 128), True, True),
        ((8, 14, 14, 256), (3, 3, 256, 256), True, True),
        ((8, 28, 28, 64), (5, 5, 64, 64), True, True),
        ((16, 28, 28, 64), (3, 3, 64, 64), False, False),  # the transforms take what is saved
        ((64, 14, 14, 32), (3, 3, 32, 64), False, False),
        ((8, 7, 7, 512), (3, 3, 512, 512), False, False),  # so does that of the filter
        ((64, 112, 112, 128), (3, 3, 128, 128), False, False),  # too large
        ((8, 28, 28, 128), (3, 5, 128, 128), False, False),
        ((8, 28, 28, 128), (1, 1, 128, 128), False, False),
        ((8, 28, 28, 128), (3, 3, 64, 128), False, False),  # groups
    ],
)
def test_shapes_decide(image: tuple[int, ...], filter: tuple[int, ...], forward: bool, of_filter: bool) -> None:
    call = _call(image, filter)
    assert winograd.pays(call, np.float32) is forward
    assert winograd.pays_for_filter(call, np.float32) is of_filter


def test_it_is_left_where_it_does_not_fit() -> None:
    large = (8, 28, 28, 128), (3, 3, 128, 128)
    assert not winograd.pays(_call(*large), np.float64)
    assert not winograd.pays(_call(*large, strides=[1, 2, 2, 1]), np.float32)
    assert not winograd.pays(_call(*large, dilations=[1, 2, 2, 1]), np.float32)
    assert not winograd.pays(_call((0, 28, 28, 128), large[1]), np.float32)


def test_options_turn_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    call = _call((8, 28, 28, 128), (3, 3, 128, 128))
    assert winograd.pays(call, np.float32)
    assert tf.config.experimental.tensor_float_32_execution_enabled()
    with monkeypatch.context() as patch:
        patch.setitem(device_options._options, "tensor_float_32", False)
        assert not winograd.pays(call, np.float32)
    with monkeypatch.context() as patch:
        patch.setattr(seed_rules.determinism, "enabled", True)
        assert not winograd.pays_for_filter(call, np.float32)
    monkeypatch.setenv("TIDEFLOW_WINOGRAD", "never")
    assert not winograd.pays(call, np.float32)
    monkeypatch.setenv("TIDEFLOW_WINOGRAD", "always")
    with pytest.raises(ValueError, match="not one of auto, never"):
        winograd.pays(call, np.float32)


def _program(size: int, channels: int) -> str:
    """Returns the optimized program of a convolution and its gradients."""

    @tf.function(jit_compile=True)
    def step(x: tf.Tensor, filter: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch([x, filter])
            loss = tf.reduce_sum(tf.nn.relu(tf.nn.conv2d(x, filter, 1, "SAME")))
        return tape.gradient(loss, [x, filter])

    specs = tf.TensorSpec((8, size, size, channels)), tf.TensorSpec((3, 3, channels, channels))
    return str(step.experimental_get_compiler_ir(*specs)(stage="optimized_hlo"))


def test_the_program_holds_products_of_xla_and_no_convolution() -> None:
    program = _program(28, 128)
    assert " convolution(" not in program
    assert "ynn" not in program.lower()
    products = [line for line in program.splitlines() if " dot(" in line and "f32[36," in line]
    assert len(products) == 3


def test_the_program_of_few_channels_convolves() -> None:
    program = _program(28, 32)
    assert " convolution(" in program
    assert "f32[36," not in program


def test_every_lowering_takes_it_where_it_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the kernels that operations call."""
    call = _call((1, 5, 5, 8), (3, 3, 8, 8))
    asked: list[str] = []
    for name in ("convolve", "input_gradient", "filter_gradient"):
        real = getattr(winograd, name)
        monkeypatch.setattr(winograd, name, lambda *a, real=real, name=name: asked.append(name) or real(*a))
    x, filter = np.ones((1, 5, 5, 8), np.float32), np.ones((3, 3, 8, 8), np.float32)
    kernels = (
        (convolution_xla.convolve_xla, x, filter),
        (convolution_xla.input_gradient_xla, filter, x),
        (convolution_xla.filter_gradient_xla, x, x),
    )
    for kernel, first, second in kernels:
        jax.eval_shape(lambda a, b, kernel=kernel: kernel(call, a, b), first, second)
    assert asked == []
    monkeypatch.setattr(winograd, "_pays", lambda *a: True)
    for kernel, first, second in kernels:
        jax.eval_shape(lambda a, b, kernel=kernel: kernel(call, a, b), first, second)
    assert asked == ["convolve", "input_gradient", "filter_gradient"]
