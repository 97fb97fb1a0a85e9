"""Tests the convolution kernels against sums written out element by element."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import ml_dtypes
import numpy as np
import pytest

import tideflow as tf
from tideflow._src.core import errors
from tideflow._src.ops.nn import convolution_kernels as kernels
from tideflow._src.ops.nn import convolution_xla as lowerings
from tideflow._src.ops.nn.convolution_plan import Window, describe
from tideflow._src.ops.nn.convolution_xla import COMPILER_OPTIONS
from tideflow._src.ops.nn.windows import window_output_size

TIERS = ("host", "xla")
#: (input NHWC, filter, strides, padding, (top, bottom, left, right), dilations, dtype)
CASES: list[tuple[Any, ...]] = [
    ((2, 5, 6, 3), (3, 2, 3, 4), (1, 1), "VALID", (), (1, 1), "float32"),
    ((2, 7, 6, 3), (3, 2, 3, 4), (2, 3), "SAME", (), (1, 1), "float32"),
    ((1, 5, 6, 2), (3, 2, 2, 4), (2, 1), "EXPLICIT", (1, 4, 0, 3), (2, 1), "float32"),
    ((2, 7, 7, 2), (3, 3, 2, 3), (1, 1), "SAME", (), (2, 3), "float64"),
    ((2, 5, 5, 6), (3, 3, 2, 9), (1, 2), "SAME", (), (1, 1), "float32"),
    ((2, 5, 5, 4), (3, 3, 1, 8), (2, 2), "SAME", (), (1, 1), "float32"),
    ((3, 6, 5, 9), (1, 1, 9, 2), (2, 2), "VALID", (), (1, 1), "float32"),
    ((2, 6, 5, 1), (3, 3, 1, 5), (1, 1), "SAME", (), (1, 1), "float32"),
    ((2, 6, 5, 12), (3, 3, 12, 5), (1, 1), "SAME", (), (1, 1), "float16"),
    ((0, 6, 5, 2), (3, 3, 2, 5), (1, 1), "SAME", (), (1, 1), "float32"),
    ((2, 2, 5, 2), (3, 3, 2, 5), (1, 1), "VALID", (), (1, 1), "float32"),
]
DEPTHWISE_CASES: list[tuple[Any, ...]] = [
    ((2, 5, 6, 3), (3, 2, 3, 1), (1, 1), "VALID", (), (1, 1), "float32"),
    ((2, 7, 6, 3), (3, 2, 3, 2), (2, 2), "SAME", (), (1, 1), "float32"),
    ((1, 6, 6, 2), (3, 2, 2, 3), (2, 1), "EXPLICIT", (1, 4, 0, 3), (1, 2), "float64"),
    ((2, 5, 6, 3), (3, 3, 3, 2), (1, 1), "SAME", (), (1, 1), "bfloat16"),
    ((0, 5, 6, 3), (3, 3, 3, 2), (1, 1), "SAME", (), (1, 1), "float32"),
]
TOLERANCE = {"float32": 1e-4, "float64": 1e-11, "float16": 2e-2, "bfloat16": 1e-1}


def _dtype(name: str) -> Any:
    return ml_dtypes.bfloat16 if name == "bfloat16" else np.dtype(name)


def _axis(size: int, window: int, stride: int, dilation: int, padding: str, pads: tuple[int, int]) -> tuple[int, int]:
    """Returns (output size, padding before) from TensorFlow's published formulas."""
    extent = (window - 1) * dilation + 1
    if padding == "SAME":
        output = int(np.ceil(size / stride))
        return output, max((output - 1) * stride + extent - size, 0) // 2
    if padding == "VALID":
        return int(np.ceil((size - extent + 1) / stride)), 0
    return (size + sum(pads) - extent) // stride + 1, pads[0]


def _jacobian_terms(case: tuple[Any, ...], depthwise: bool) -> Any:
    """Yields (output position, input position, filter position) of every product of a convolution."""
    shape, window, strides, padding, pads, dilations, _ = case
    pads = pads or (0, 0, 0, 0)
    height, top = _axis(shape[1], window[0], strides[0], dilations[0], padding, pads[:2])
    width, left = _axis(shape[2], window[1], strides[1], dilations[1], padding, pads[2:])
    groups = shape[3] // window[2]
    last = window[3]
    for n, y, x, i, j in itertools.product(range(shape[0]), range(height), range(width), *map(range, window[:2])):
        row, column = y * strides[0] + i * dilations[0] - top, x * strides[1] + j * dilations[1] - left
        if not (0 <= row < shape[1] and 0 <= column < shape[2]):
            continue
        for c, m in itertools.product(range(window[2]), range(last)):
            channel = c if depthwise else m // (last // groups) * window[2] + c
            yield (n, y, x, c * last + m if depthwise else m), (n, row, column, channel), (i, j, c, m)


def _output_shape(case: tuple[Any, ...], depthwise: bool) -> tuple[int, ...]:
    shape, window, strides, padding, pads, dilations, _ = case
    pads = pads or (0, 0, 0, 0)
    height, _ = _axis(shape[1], window[0], strides[0], dilations[0], padding, pads[:2])
    width, _ = _axis(shape[2], window[1], strides[1], dilations[1], padding, pads[2:])
    return shape[0], height, width, shape[3] * window[3] if depthwise else window[3]


def _attributes(case: tuple[Any, ...], layout: str) -> dict[str, Any]:
    _, _, strides, padding, pads, dilations, _ = case
    explicit = [0, 0, *pads, 0, 0] if pads else []
    if layout == "NHWC":
        four, eight = (lambda pair: [1, *pair, 1]), explicit
    else:
        four, eight = (lambda pair: [1, 1, *pair]), [0, 0, 0, 0, *pads] if pads else []
    return {
        "strides": four(strides),
        "padding": padding,
        "explicit_paddings": eight,
        "data_format": layout,
        "dilations": four(dilations),
    }


def _layout(x: np.ndarray, layout: str) -> np.ndarray:
    return x if layout == "NHWC" else x.transpose(0, 3, 1, 2)


def _call(name: str, tier: str, arguments: tuple[Any, ...], attributes: dict[str, Any]) -> np.ndarray:
    """Runs a kernel; the xla one jitted over its array arguments."""
    function = getattr(getattr(kernels, name), tier)
    arguments = (*arguments, Window(**attributes))
    if tier == "host":
        return function(*arguments)
    arrays = [a for a in arguments if not isinstance(a, tuple)]

    def traced(*values: Any) -> Any:
        rest = iter(values)
        return function(*(a if isinstance(a, tuple) else next(rest) for a in arguments))

    return np.asarray(jax.jit(traced, compiler_options=COMPILER_OPTIONS)(*arrays))


@pytest.fixture(autouse=True)
def _wide_types() -> Any:
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize(
    ("case", "depthwise"), [(case, False) for case in CASES] + [(case, True) for case in DEPTHWISE_CASES]
)
def test_values_and_gradients(case: tuple[Any, ...], depthwise: bool, tier: str, layout: str) -> None:
    name = "depthwise_conv2d_native" if depthwise else "conv2d"
    random = np.random.RandomState(7)
    dtype = _dtype(case[-1])
    x, filter = (random.randn(*shape).astype(dtype) for shape in case[:2])
    dy = random.randn(*_output_shape(case, depthwise)).astype(dtype)
    expected = [np.zeros(value.shape) for value in (dy, x, filter)]
    wide = [value.astype(np.float64) for value in (dy, x, filter)]
    for output, source, weight in _jacobian_terms(case, depthwise):
        expected[0][output] += wide[1][source] * wide[2][weight]
        expected[1][source] += wide[0][output] * wide[2][weight]
        expected[2][weight] += wide[0][output] * wide[1][source]
    attributes = _attributes(case, layout)
    images, gradient = _layout(x, layout), _layout(dy, layout)
    got = (
        _call(name, tier, (images, filter), attributes),
        _call(f"{name}_backprop_input", tier, (images.shape, filter, gradient), attributes),
        _call(f"{name}_backprop_filter", tier, (images, filter.shape, gradient), attributes),
    )
    for actual, wanted in zip(
        got, (_layout(expected[0], layout), _layout(expected[1], layout), expected[2]), strict=True
    ):
        assert actual.dtype == dtype
        assert actual.shape == wanted.shape
        scale = max(1.0, float(np.abs(wanted).max(initial=0)))
        np.testing.assert_allclose(actual.astype(np.float64) / scale, wanted / scale, atol=TOLERANCE[case[-1]])


@pytest.mark.parametrize("tier", TIERS)
def test_int32_is_exact_and_wraps(tier: str) -> None:
    x = np.full((1, 3, 3, 2), 2**16, np.int32)
    filter = np.full((3, 3, 2, 1), 2**13 + 1, np.int32)
    expected = np.array(18 * 2**16 * (2**13 + 1), np.int64).astype(np.int32)
    got = _call("conv2d", tier, (x, filter), {"strides": [1, 1, 1, 1], "padding": "VALID"})
    assert got.dtype == np.int32
    assert got.item() == expected


@pytest.mark.parametrize("tier", TIERS)
def test_input_sizes_may_be_height_and_width(tier: str) -> None:
    filter, dy = np.ones((3, 3, 4, 6), np.float32), np.ones((2, 3, 3, 6), np.float32)
    attributes = {"strides": [1, 1, 1, 1], "padding": "VALID"}
    short = _call("conv2d_backprop_input", tier, ((5, 5), filter, dy), attributes)
    np.testing.assert_array_equal(short, _call("conv2d_backprop_input", tier, ((2, 5, 5, 4), filter, dy), attributes))


def test_large_batches_are_gathered_in_chunks() -> None:
    random = np.random.RandomState(0)
    x, filter = random.randn(70, 12, 12, 16).astype(np.float32), random.randn(3, 3, 16, 4).astype(np.float32)
    attributes = {"strides": [1, 1, 1, 1], "padding": "SAME"}
    together = kernels.conv2d.host(x, filter, Window(**attributes))
    one_by_one = np.concatenate([kernels.conv2d.host(image[None], filter, Window(**attributes)) for image in x])
    np.testing.assert_allclose(together, one_by_one, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((5, 3, 1, 1, "VALID"), (3, 0, 0)),
        ((2, 3, 1, 1, "VALID"), (0, 0, 0)),
        ((1, 3, 1, 2, "VALID"), (0, 0, 0)),
        ((28, 3, 1, 2, "SAME"), (14, 0, 1)),
        ((5, 2, 3, 1, "SAME"), (5, 1, 2)),
        ((3, 1, 1, 2, "SAME"), (2, 0, 0)),
        ((5, 3, 2, 2, "EXPLICIT", (1, 2)), (2, 1, 2)),
        ((None, 3, 1, 1, "SAME"), (None, None, None)),
        ((7, None, 1, 2, "SAME"), (4, None, None)),
        ((None, 3, 1, 1, "VALID"), (None, 0, 0)),
        ((None, 3, 1, 1, "EXPLICIT", (2, 1)), (None, 2, 1)),
    ],
)
def test_window_output_size(arguments: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    assert window_output_size(*arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, 3, 1, 1, "VALID"), "would be negative: -1"),
        ((5, 3, 1, 0, "VALID"), "Stride must be > 0"),
        ((5, 3, 0, 1, "SAME"), "larger than 0"),
        ((5, 3, 1, 1, "FULL"), "'FULL'"),
    ],
)
def test_window_output_size_refuses(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        window_output_size(*arguments)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"filter": (3, 3, 3, 6)}, "evenly divisible by filter depth: 4 vs 3"),
        ({"filter": (3, 3, 2, 5)}, "number of groups: 5 vs 2"),
        ({"filter": (3, 3, 0, 5)}, "zero elements"),
        ({"filter": (3, 4, 6)}, "filter must be 4-dimensional"),
        ({"input": (5, 5, 4)}, "input must be 4-dimensional"),
        ({"input": (2, 1, 5, 4)}, "would be negative"),
        ({"strides": [1, 0, 1, 1]}, "Stride must be > 0"),
        ({"strides": [1, 1, 1]}, "must specify 4 dimensions"),
        ({"dilations": [1, 0, 1, 1]}, "Dilated rates"),
        ({"explicit_paddings": [0] * 8}, "must be empty"),
        ({"padding": "EXPLICIT", "explicit_paddings": [0] * 7}, "8 values"),
        ({"padding": "EXPLICIT", "explicit_paddings": [0, 0, -1, 0, 0, 0, 0, 0]}, "nonnegative"),
        ({"padding": "EXPLICIT", "explicit_paddings": [1, 0, 0, 0, 0, 0, 0, 0]}, "batch or depth"),
        ({"data_format": "NCHW_VECT_C"}, "data_format"),
    ],
)
def test_bad_arguments(changes: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {
        "input": (2, 5, 5, 4),
        "filter": (3, 3, 4, 6),
        "strides": [1, 1, 1, 1],
        "padding": "VALID",
    }
    given.update(changes)
    x, filter = np.ones(given.pop("input"), np.float32), np.ones(given.pop("filter"), np.float32)
    with pytest.raises(errors.InvalidArgumentError, match=message):
        kernels.conv2d.host(x, filter, Window(**given))


def test_strides_over_batch_are_unimplemented() -> None:
    x, filter = np.ones((2, 5, 5, 4), np.float32), np.ones((3, 3, 4, 6), np.float32)
    with pytest.raises(errors.UnimplementedError, match="batch and depth"):
        kernels.conv2d.host(x, filter, Window(strides=[2, 1, 1, 1], padding="VALID"))


def test_gradients_check_out_backprop() -> None:
    x, filter = np.ones((2, 5, 5, 4), np.float32), np.ones((3, 3, 4, 6), np.float32)
    wrong = np.ones((2, 4, 3, 6), np.float32)
    attributes = {"strides": [1, 1, 1, 1], "padding": "VALID"}
    with pytest.raises(errors.InvalidArgumentError, match=r"expected \[2, 3, 3, 6\]"):
        kernels.conv2d_backprop_input.host(x.shape, filter, wrong, Window(**attributes))
    with pytest.raises(errors.InvalidArgumentError, match=r"expected \[2, 3, 3, 6\]"):
        kernels.conv2d_backprop_filter.host(x, filter.shape, wrong, Window(**attributes))


def test_depthwise_checks_depth() -> None:
    x, filter = np.ones((2, 5, 5, 4), np.float32), np.ones((3, 3, 3, 2), np.float32)
    with pytest.raises(errors.InvalidArgumentError, match="same depth: 4 vs 3"):
        kernels.depthwise_conv2d_native.host(x, filter, Window(strides=[1, 1, 1, 1], padding="VALID"))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_compiled_convolutions_have_batch_first_and_channels_last(case: tuple[Any, ...]) -> None:
    """XLA transposes what is written in another order at the top level of a program only.

    In a branch or a loop it would compute that element by element.
    """
    shape, window, strides, padding, pads, dilations, dtype = case
    attributes = Window((1, *strides, 1), padding, (0, 0, *pads, 0, 0) if pads else (), dilations=(1, *dilations, 1))
    call = describe("Conv2D", shape, window, attributes)
    x = jax.ShapeDtypeStruct(shape, dtype)
    filter = jax.ShapeDtypeStruct(window, dtype)
    gradient = jax.ShapeDtypeStruct(call.output_shape, dtype)
    for function, first, second in (
        (lowerings.convolve_xla, x, filter),
        (lowerings.input_gradient_xla, filter, gradient),
        (lowerings.filter_gradient_xla, x, gradient),
    ):
        traced = jax.make_jaxpr(lambda a, b, function=function: function(call, a, b))(first, second)
        for equation in traced.eqns:
            if equation.primitive.name == "conv_general_dilated":
                numbers = equation.params["dimension_numbers"]
                assert numbers.lhs_spec == numbers.out_spec == (0, 3, 1, 2)
                assert numbers.rhs_spec == (3, 2, 0, 1)


@pytest.mark.parametrize(
    ("images", "filters", "strides", "padding", "dtype"),
    [
        ((1, 1, 4409, 1), (1, 256, 1, 1), [1, 1, 2, 1], "VALID", "float32"),
        ((2, 3, 300, 2), (2, 33, 2, 5), [1, 1, 1, 1], "SAME", "float64"),
        ((2, 5, 301, 4), (3, 40, 4, 16), [1, 2, 3, 1], "SAME", "float32"),
        ((1, 7, 100, 3), (1, 99, 3, 2), [1, 3, 5, 1], "VALID", "float32"),
        ((3, 2, 64, 1), (2, 64, 1, 1), [1, 1, 100, 1], "SAME", "float32"),
        ((1, 4, 70, 1), (2, 32, 1, 3), [1, 1, 1, 1], [[0, 0], [2, 1], [5, 9], [0, 0]], "float16"),
    ],
)
def test_long_windows_over_few_channels_eagerly(images, filters, strides, padding, dtype) -> None:
    """They go by blocks of neighbouring places; with an infinity among the numbers they do not. Both are right."""
    random = np.random.default_rng(0)
    x, w = random.standard_normal(images).astype(dtype), random.standard_normal(filters).astype(dtype)
    compiled = tf.function(lambda x: tf.nn.conv2d(x, w, strides, padding), jit_compile=True)
    tolerance = {"float16": 4e-3, "float32": 3e-5, "float64": 1e-12}[dtype]
    np.testing.assert_allclose(tf.nn.conv2d(x, w, strides, padding), compiled(x), tolerance, tolerance)
    x[0, 0, images[2] // 2, 0] = np.inf
    found = np.asarray(tf.nn.conv2d(x, w, strides, padding))
    np.testing.assert_allclose(found, compiled(x), tolerance, tolerance)
