"""Layers over quantized images: convolution, activations, pooling and normalization."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import default
from tideflow._src.ops.dimensions import merge_dimensions, text, with_rank
from tideflow._src.ops.nn.window_shapes import convolution_shape, pooling_shape, windowed
from tideflow._src.ops.quantization.arithmetic import offset_of, scalars, wrapped
from tideflow._src.ops.quantization.conversion import QUANTIZED
from tideflow._src.ops.quantization.numbers import (
    dequantize,
    limits_of,
    packed,
    plain,
    product_range,
    quantize,
    quantize_tensor,
    scalar,
    single,
)
from tideflow._src.runtime.op import op

_OUTPUT = default("qint32", QUANTIZED)


# Convolution.


@op(
    "QuantizedConv2D",
    "input: Tinput, filter: Tfilter, min_input: float, max_input: float, min_filter: float, max_filter: float -> "
    "output: out_type, min_output: float, max_output: float",
    tier="host",
    Tinput=QUANTIZED,
    Tfilter=QUANTIZED,
    out_type=_OUTPUT,
    differentiable="missing",
)
def quantized_conv2d_op(
    input,
    filter,
    min_input,
    max_input,
    min_filter,
    max_filter,
    *,
    out_type: DType,
    strides: list[int],
    padding: Literal["SAME", "VALID"],
    dilations: list[int] = [1, 1, 1, 1],  # noqa: B006
):
    """Convolves quantized images with quantized filters; margins are zero."""
    _check_window("strides", strides)
    if strides[1] != strides[2]:
        raise invalid_argument(
            "Current implementation only supports equal length strides in the row and column dimensions."
        )
    if strides[0] != 1 or strides[3] != 1:
        raise invalid_argument("Current implementation does not yet support strides in the batch and depth dimensions.")
    if list(dilations) != [1, 1, 1, 1]:
        raise invalid_argument(
            "Current implementation only supports dilated rate as 1 in the row and column dimensions, "
            f"but dilations is {list(dilations)}."
        )
    for name, value in (("input", input), ("filter", filter)):
        if value.ndim != 4:
            raise invalid_argument(f"{name} must be rank 4 but is rank {value.ndim}")
    if not filter.size:
        raise invalid_argument(f"filter must have at least one element, but its shape is {text(filter.shape)}")
    if input.shape[3] != filter.shape[2]:
        raise invalid_argument(f"input and filter must have the same depth: {input.shape[3]} vs {filter.shape[2]}")
    ranges = (
        (scalar(min_input, "min_input"), scalar(max_input, "max_input")),
        (scalar(min_filter, "min_filter"), scalar(max_filter, "max_filter")),
    )
    image, kernel = (
        plain(value).astype(np.float64) - offset_of(value.dtype, pair)
        for value, pair in zip((input, filter), ranges, strict=True)
    )
    step = strides[1]
    sizes, before = [], []
    for size, window in zip(image.shape[1:3], kernel.shape[:2], strict=True):
        count = _windows(size, window, step, padding)
        sizes.append(count)
        before.append(int(((count - 1) * step + window - size) / 2))
    depth = kernel.shape[2]
    patches = np.zeros((image.shape[0], *sizes, kernel.shape[0], kernel.shape[1], depth))
    for row in range(kernel.shape[0]):
        rows, from_row = _reach(row - before[0], step, sizes[0], image.shape[1])
        for column in range(kernel.shape[1]):
            columns, from_column = _reach(column - before[1], step, sizes[1], image.shape[2])
            patches[:, rows, columns, row, column] = image[:, from_row, from_column]
    product = patches.reshape(image.shape[0], *sizes, -1) @ kernel.reshape(-1, kernel.shape[3])
    limits = limits_of(input.dtype), limits_of(filter.dtype), limits_of(out_type)
    return packed(wrapped(product), out_type), *product_range(*ranges, *limits)


def _check_window(name: str, values: list[int]) -> None:
    if len(values) != 4:
        raise invalid_argument(f"Sliding window {name} field must specify 4 dimensions, but is {list(values)}")


def _windows(size: int, window: int, step: int, padding: str) -> int:
    try:
        return windowed(size, window, step, padding) or 0
    except ValueError as error:
        raise invalid_argument(str(error)) from None


def _reach(shift: int, step: int, count: int, size: int) -> tuple[slice, slice]:
    """Returns the windows whose element at ``shift`` lies in the image, and where those elements are."""
    first = max(0, -(shift // step))
    last = min(count, (size - 1 - shift) // step + 1)
    last = max(last, first)
    return slice(first, last), slice(first * step + shift, max((last - 1) * step + shift + 1, 0), step)


@quantized_conv2d_op.shape
def _quantized_conv2d_shape(
    input, filter, min_input, max_input, min_filter, max_filter, *, strides, padding, dilations
):
    scalars(min_input, max_input, min_filter, max_filter)
    shape = convolution_shape("QuantizedConv2D", input, filter, strides, padding, (), "NHWC", dilations, False)
    return shape, (), ()


@quantized_conv2d_op.samples
def _quantized_conv2d_samples(s):
    image, kernel = s.array((2, 5, 4, 3), "quint8"), s.array((2, 3, 3, 2), "quint8")
    ranges = -1.0, 2.0, -3.0, 1.0
    yield s(image, kernel, *ranges, strides=[1, 1, 1, 1], padding="SAME")
    yield s(image, kernel, *ranges, strides=[1, 2, 2, 1], padding="SAME")
    yield s(image, kernel, *ranges, strides=[1, 2, 2, 1], padding="VALID")
    yield s(image, kernel, 1.0, 2.0, -3.0, 1.0, strides=[1, 1, 1, 1], padding="SAME")
    yield s(image, kernel, *ranges, strides=[1, 1, 2, 1], padding="SAME", error="InvalidArgumentError")
    yield s(
        image, kernel, *ranges, strides=[1] * 4, dilations=[1, 2, 2, 1], padding="SAME", error="InvalidArgumentError"
    )
    yield s(image[0], kernel, *ranges, strides=[1, 1, 1, 1], padding="SAME", error="InvalidArgumentError")


# Activations.


def _clamp(features: Any, low: Any, high: Any, out_type: DType, most: float | None) -> Any:
    pair = scalar(low, "min_input"), scalar(high, "max_input")
    limits = limits_of(features.dtype)
    values = np.maximum(plain(features), quantize(np.float32(0), *pair, limits))
    if most is not None:
        values = np.minimum(values, quantize(np.float32(most), *pair, limits))
    return packed(values, out_type), *pair


@op(
    "QuantizedRelu",
    "features: Tinput, min_features: float, max_features: float -> activations: out_type, min_activations: float, "
    "max_activations: float",
    tier="host",
    Tinput=QUANTIZED,
    out_type=default("quint8", QUANTIZED),
    differentiable="missing",
)
def quantized_relu_op(features, min_features, max_features, *, out_type: DType):
    """Replaces quantized numbers below zero by zero."""
    return _clamp(features, min_features, max_features, out_type, None)


@op(
    "QuantizedRelu6",
    "features: Tinput, min_features: float, max_features: float -> activations: out_type, min_activations: float, "
    "max_activations: float",
    tier="host",
    Tinput=QUANTIZED,
    out_type=default("quint8", QUANTIZED),
    differentiable="missing",
)
def quantized_relu6_op(features, min_features, max_features, *, out_type: DType):
    """Limits quantized numbers to those from zero to six."""
    return _clamp(features, min_features, max_features, out_type, 6.0)


@op(
    "QuantizedReluX",
    "features: Tinput, max_value: float, min_features: float, max_features: float -> activations: out_type, "
    "min_activations: float, max_activations: float",
    tier="host",
    Tinput=QUANTIZED,
    out_type=default("quint8", QUANTIZED),
    differentiable="missing",
)
def quantized_relu_x_op(features, max_value, min_features, max_features, *, out_type: DType):
    """Limits quantized numbers to those from zero to ``max_value``."""
    return _clamp(features, min_features, max_features, out_type, single(max_value, "max_value"))


def _activation_shape(features: Any, min_features: Any, max_features: Any) -> Any:
    scalars(min_features, max_features)
    return features, (), ()


quantized_relu_op.shape(_activation_shape)
quantized_relu6_op.shape(_activation_shape)


@quantized_relu_x_op.shape
def _quantized_relu_x_shape(features, max_value, min_features, max_features):
    scalars(max_value)
    return _activation_shape(features, min_features, max_features)


def _activation_samples(s: Any) -> Any:
    yield s(s.array((2, 3), "quint8"), -1.0, 9.0)
    yield s(s.array((2, 3), "qint32"), -1.0, 9.0, out_type="qint32")
    yield s(s.array((2, 3), "quint8"), [-1.0], 9.0, error="InvalidArgumentError")


quantized_relu_op.samples(_activation_samples)
quantized_relu6_op.samples(_activation_samples)


@quantized_relu_x_op.samples
def _quantized_relu_x_samples(s):
    yield s(s.array((2, 3), "quint8"), 3.0, -1.0, 9.0)
    yield s(s.array((2, 3), "quint8"), [3.0, 1.0], -1.0, 9.0, error="InvalidArgumentError")


# Pooling.


def _taps(input: Any, ksize: list[int], strides: list[int], padding: str) -> Any:
    """Yields for each element of the window the windows that have it and its values there; first the result's shape."""
    values = plain(input)
    if values.ndim != 4:
        raise invalid_argument(f"tensor_in must be 4-dimensional, but its shape is {text(values.shape)}")
    _check_window("ksize", ksize)
    _check_window("strides", strides)
    if ksize[0] != 1 or strides[0] != 1:
        raise invalid_argument("Pooling is not yet supported on the batch dimension.")
    if ksize[3] != 1 or strides[3] != 1:
        raise invalid_argument(
            "Depthwise pooling of quantized images is not supported: ksize and strides must be 1 in depth."
        )
    sizes, before = [], []
    for axis in (1, 2):
        count = _windows(values.shape[axis], ksize[axis], strides[axis], padding)
        margin = (count - 1) * strides[axis] + ksize[axis] - values.shape[axis]
        sizes.append(count)
        before.append(max(0, margin) // 2 if padding == "SAME" else 0)
    yield (values.shape[0], *sizes, values.shape[3])
    for row in range(ksize[1]):
        rows, from_row = _reach(row - before[0], strides[1], sizes[0], values.shape[1])
        for column in range(ksize[2]):
            columns, from_column = _reach(column - before[1], strides[2], sizes[1], values.shape[2])
            yield (slice(None), rows, columns), values[:, from_row, from_column].astype(np.int64)


@op(
    "QuantizedAvgPool",
    "input: T, min_input: float, max_input: float -> output: T, min_output: float, max_output: float",
    tier="host",
    T=QUANTIZED,
    differentiable="missing",
)
def quantized_avg_pool_op(
    input, min_input, max_input, *, ksize: list[int], strides: list[int], padding: Literal["SAME", "VALID"]
):
    """Averages the windows of quantized images."""
    pair = scalar(min_input, "min_input"), scalar(max_input, "max_input")
    taps = _taps(input, ksize, strides, padding)
    total = np.zeros(next(taps), np.int64)
    count = np.zeros(total.shape[1:3], np.int64)[None, :, :, None]
    for windows, values in taps:
        total[windows] += values
        count[windows] += 1
    return packed(np.rint(total / np.maximum(count, 1)), input.dtype), *pair


@op(
    "QuantizedMaxPool",
    "input: T, min_input: float, max_input: float -> output: T, min_output: float, max_output: float",
    tier="host",
    T=QUANTIZED,
    differentiable="missing",
)
def quantized_max_pool_op(
    input, min_input, max_input, *, ksize: list[int], strides: list[int], padding: Literal["SAME", "VALID"]
):
    """Finds the greatest numbers of the windows of quantized images."""
    pair = scalar(min_input, "min_input"), scalar(max_input, "max_input")
    taps = _taps(input, ksize, strides, padding)
    greatest = np.full(next(taps), limits_of(input.dtype).lowest, np.int64)
    for windows, values in taps:
        np.maximum(greatest[windows], values, out=greatest[windows])
    return packed(greatest, input.dtype), *pair


def _pooling_shape(
    input: Any, min_input: Any, max_input: Any, *, ksize: list[int], strides: list[int], padding: str
) -> Any:
    scalars(min_input, max_input)
    return pooling_shape("QuantizedPool", input, ksize, strides, padding, "NHWC", (), True), (), ()


def _pooling_samples(s: Any) -> Any:
    image = s.array((2, 5, 4, 3), "quint8")
    for padding in ("SAME", "VALID"):
        yield s(image, -1.0, 2.0, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding=padding)
        yield s(image, -1.0, 2.0, ksize=[1, 3, 3, 1], strides=[1, 1, 1, 1], padding=padding)
    yield s(image, [-1.0], 2.0, ksize=[1, 2, 2, 1], strides=[1] * 4, padding="SAME", error="InvalidArgumentError")
    yield s(image[0], -1.0, 2.0, ksize=[1, 2, 2, 1], strides=[1] * 4, padding="SAME", error="InvalidArgumentError")


for _pooling in (quantized_avg_pool_op, quantized_max_pool_op):
    _pooling.shape(_pooling_shape)
    _pooling.samples(_pooling_samples)


# Normalization.


@op(
    "QuantizedInstanceNorm",
    "x: T, x_min: float, x_max: float -> y: T, y_min: float, y_max: float",
    tier="host",
    T=QUANTIZED,
    differentiable="missing",
)
def quantized_instance_norm_op(
    x,
    x_min,
    x_max,
    *,
    output_range_given: bool = False,
    given_y_min: float = 0.0,
    given_y_max: float = 0.0,
    variance_epsilon: float = 1e-5,
    min_separation: float = 1e-3,
):
    """Normalizes each channel of each quantized image to mean 0 and variance 1."""
    if output_range_given and not given_y_min < given_y_max:
        raise invalid_argument(f"given_y_min must be less than given_y_max : {given_y_min:g} >= {given_y_max:g}")
    low, high = scalar(x_min, "x_min"), scalar(x_max, "x_max")
    if not low < high:
        raise invalid_argument(f"input_min must be less than input_max : {low:g} >= {high:g}")
    if x.ndim != 4:
        raise invalid_argument(f"x must be rank 4 but is rank {x.ndim}")
    scale = np.float32((high - low) / np.float32(255))
    values = plain(x).astype(np.float32)
    centred = (values - values.mean((1, 2), keepdims=True, dtype=np.float32)) * scale
    variance = np.square(centred).mean((1, 2), keepdims=True, dtype=np.float32)
    normal = centred / np.sqrt(variance + np.float32(variance_epsilon))
    if output_range_given:
        bottom, top = np.float32(given_y_min), np.float32(given_y_max)
    elif normal.size:
        bottom, top = normal.min(), normal.max()
    else:
        bottom, top = np.float32(np.inf), np.float32(-np.inf)
    top = max(top, np.float32(bottom + np.float32(min_separation)))
    return packed(quantize_tensor(normal, bottom, top, limits_of(x.dtype)), x.dtype), bottom, top


@quantized_instance_norm_op.shape
def _quantized_instance_norm_shape(x, x_min, x_max):
    scalars(x_min, x_max)
    return with_rank(x, 4), (), ()


@quantized_instance_norm_op.samples
def _quantized_instance_norm_samples(s):
    image = s.array((2, 3, 4, 5), "quint8")
    yield s(image, -1.0, 2.0)
    yield s(image, -1.0, 2.0, output_range_given=True, given_y_min=-1.5, given_y_max=1.0, variance_epsilon=0.1)
    yield s(image, 2.0, 2.0, error="InvalidArgumentError")
    yield s(image, [1.0], 2.0, error="InvalidArgumentError")


_NORMALIZED = "".join(f"{name}: Tinput, {name}_min: float, {name}_max: float, " for name in ("t", "m", "v", "beta"))


@op(
    "QuantizedBatchNormWithGlobalNormalization",
    f"{_NORMALIZED}gamma: Tinput, gamma_min: float, gamma_max: float -> result: out_type, result_min: float, "
    "result_max: float",
    tier="host",
    Tinput=QUANTIZED,
    out_type=QUANTIZED,
    differentiable="missing",
)
def quantized_batch_norm_op(
    t,
    t_min,
    t_max,
    m,
    m_min,
    m_max,
    v,
    v_min,
    v_max,
    beta,
    beta_min,
    beta_max,
    gamma,
    gamma_min,
    gamma_max,
    *,
    out_type: DType,
    variance_epsilon: float,
    scale_after_normalization: bool,
):
    """Normalizes quantized images with a mean and a variance for each channel, in fixed point."""
    if t.ndim != 4:
        raise invalid_argument(f"input must be 4-dimensional, but its shape is {text(t.shape)}")
    parts = {"mean": (m, m_min, m_max), "var": (v, v_min, v_max)}
    parts |= {"beta": (beta, beta_min, beta_max), "gamma": (gamma, gamma_min, gamma_max)}
    real = {}
    for name, (value, low, high) in parts.items():
        if value.shape != (t.shape[3],):
            raise invalid_argument(
                f"{name} must be a vector of {t.shape[3]} numbers, but its shape is {text(value.shape)}"
            )
        pair = single(low, f"{name}_min"), single(high, f"{name}_max")
        real[name] = dequantize(plain(value), *pair, limits_of(value.dtype))
    limits = limits_of(out_type)
    ends = np.float32(-(1 << 20)), np.float32(1 << 20)
    scale = np.float32(1) / np.sqrt(real["var"] + np.float32(variance_epsilon))
    if scale_after_normalization:
        scale = scale * real["gamma"]
    offset = quantize(-real["mean"] * scale + real["beta"], *ends, limits)
    factor = quantize(scale, *ends, limits)
    pair = single(t_min, "t_min"), single(t_max, "t_max")
    values = quantize(dequantize(plain(t), *pair, limits_of(t.dtype)), *ends, limits)
    product = wrapped(values * factor).astype(np.int64)
    one = int(quantize(np.float32(1), *ends, limits))
    return packed(wrapped(np.abs(product) // one * np.sign(product) + offset), out_type), *ends


@quantized_batch_norm_op.shape
def _quantized_batch_norm_shape(
    t, t_min, t_max, m, m_min, m_max, v, v_min, v_max, beta, beta_min, beta_max, gamma, gamma_min, gamma_max
):
    scalars(t_min, t_max, m_min, m_max, v_min, v_max, beta_min, beta_max, gamma_min, gamma_max)
    image = with_rank(t, 4)
    channels = image[3]
    for vector in (m, v, beta, gamma):
        channels = merge_dimensions(channels, with_rank(vector, 1)[0])
    return (*image[:3], channels), (), ()


@quantized_batch_norm_op.samples
def _quantized_batch_norm_samples(s):
    def channels() -> Any:
        return s.array((3,), "quint8")

    image = s.array((2, 4, 2, 3), "quint8")
    rest = (channels(), -1.0, 1.0, channels(), 0.5, 1.0, channels(), -1.0, 1.0, channels(), 0.0, 3.0)
    more = {"out_type": "qint32", "variance_epsilon": 0.01}
    yield s(image, -1.0, 2.0, *rest, scale_after_normalization=True, **more)
    yield s(image, -1.0, 2.0, *rest, scale_after_normalization=False, **more)
    yield s(image[0], -1.0, 2.0, *rest, scale_after_normalization=False, error="InvalidArgumentError", **more)
