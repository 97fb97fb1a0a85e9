"""Converts real numbers to quantized ones of a range, and back, and quantized ones from one range to another."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tideflow._src.core.dtypes import DType, as_dtype
from tideflow._src.core.errors import UnimplementedError, invalid_argument
from tideflow._src.graph.op_def import default
from tideflow._src.ops.dimensions import merge_dimensions, text, with_rank, with_rank_at_least, with_rank_at_most
from tideflow._src.ops.quantization.numbers import (
    dequantize,
    dequantize_tensor,
    limits_of,
    packed,
    plain,
    quantize_tensor,
    requantize_tensor,
    round_away,
    scalar,
    single,
    to_integer,
)
from tideflow._src.runtime.checks import vector
from tideflow._src.runtime.op import op

#: The quantized types.
QUANTIZED = ("qint8", "quint8", "qint32", "qint16", "quint16")


def _ranges(input: Any, min_range: Any, max_range: Any, axis: int) -> tuple[Any, Any]:
    """Returns the ends of the ranges, of a shape that broadcasts against the input; checks their shapes."""
    if axis < -1:
        raise invalid_argument(f"axis should be at least -1, got {axis}")
    if axis >= input.ndim:
        raise invalid_argument(
            "Axis is on a zero-based index, so its value must always be less than number of input's dims, but given "
            f"axis value was {axis} and input's dims was {input.ndim}"
        )
    ends = []
    for name, value in (("min_range", min_range), ("max_range", max_range)):
        value = np.asarray(value)
        if axis == -1:
            if value.size != 1:
                raise invalid_argument(
                    f"If axis is not specified, {name} must contain a single float element, but it contains "
                    f"{value.size} elements"
                )
            ends.append(value.reshape(()))
        else:
            if value.shape != (input.shape[axis],):
                raise invalid_argument(
                    f"If axis is specified, {name} must be a 1-D tensor whose size matches the axis dimension of the "
                    f"input, {input.shape[axis]}, but its shape is {text(value.shape)}"
                )
            ends.append(value.reshape([-1 if index == axis else 1 for index in range(input.ndim)]))
    return ends[0].astype(np.float32), ends[1].astype(np.float32)


def _range_shapes(input: Any, low: Any, high: Any, axis: int) -> Any:
    if axis < -1:
        raise ValueError(f"axis should be at least -1, got {axis}")
    rank = 0 if axis == -1 else 1
    low = with_rank(low, rank)
    with_rank(high, rank)
    if axis != -1:
        with_rank_at_least(input, axis + 1)
        if input is not None:
            merge_dimensions(low[0], input[axis])
    return low


@op(
    "QuantizeV2",
    "input: float, min_range: float, max_range: float -> output: T, output_min: float, output_max: float",
    tier="host",
    T=QUANTIZED,
    differentiable="missing",
)
def quantize_v2_op(
    input,
    min_range,
    max_range,
    *,
    T: DType,
    mode: Literal["MIN_COMBINED", "MIN_FIRST", "SCALED"] = "MIN_COMBINED",
    round_mode: Literal["HALF_AWAY_FROM_ZERO", "HALF_TO_EVEN"] = "HALF_AWAY_FROM_ZERO",
    narrow_range: bool = False,
    axis: int = -1,
    ensure_minimum_range: float = 0.01,
):
    """Converts real numbers to quantized ones of a range, or of one range for each slice along ``axis``."""
    if round_mode == "HALF_TO_EVEN" and mode != "SCALED":
        raise invalid_argument(f"Round mode 'HALF_TO_EVEN' only supported for mode 'SCALED', but mode is '{mode}'.")
    if mode == "MIN_FIRST" and axis != -1:
        raise UnimplementedError(None, None, "MIN_FIRST mode is not implemented for Quantize with axis != -1.")
    low, high = _ranges(input, min_range, max_range, axis)
    if (high < low).any():
        raise invalid_argument("input_max_range must be larger than input_min_range.")
    zero, one = np.float32(0), np.float32(1)
    least = np.fmax(one, np.fmax(np.abs(low), np.abs(high))) * np.float32(ensure_minimum_range)
    bottom = np.fmin(low, zero)
    top = np.fmax(np.fmax(high, bottom + least), zero)
    limits = limits_of(T)
    record = np.dtype(T.as_numpy_dtype)[0]
    if mode == "MIN_COMBINED":
        scale = (float(limits.steps - 1) / (top - bottom).astype(np.float64)).astype(np.float32)
        inside = np.maximum(np.minimum(input, top), bottom) - bottom
        if limits.lowest:
            values = round_away(inside * scale - np.float32(limits.steps / 2.0))
        else:
            values = np.floor(inside * scale + np.float32(0.5))
        result = to_integer(values, record)
    elif mode == "MIN_FIRST":
        result = quantize_tensor(input, np.float32(bottom[()]), np.float32(top[()]), limits)
    else:
        ends = np.float32(limits.lowest + int(narrow_range)), np.float32(limits.highest)
        huge = np.finfo(np.float32).max
        sides = zip(ends, (bottom, top), strict=True)
        factors = [np.where(end * side > 0, end / side, huge) for end, side in sides]
        scale = np.minimum(*factors).astype(np.float32)
        bottom, top = ends[0] / scale, ends[1] / scale
        inside = np.maximum(np.minimum(input, top), bottom) * scale
        result = to_integer(np.rint(inside) if round_mode == "HALF_TO_EVEN" else round_away(inside), record)
    shape = () if axis == -1 else (input.shape[axis],)
    bottom, top = (np.asarray(item, np.float32).reshape(shape) for item in (bottom, top))
    return packed(result, T), bottom, top


@quantize_v2_op.shape
def _quantize_v2_shape(input, min_range, max_range, *, axis):
    ends = _range_shapes(input, min_range, max_range, axis)
    return input, ends, ends


@quantize_v2_op.samples
def _quantize_v2_samples(s):
    values = s.uniform(-4, 4, (3, 5))
    for dtype in s.dtypes("T", quantized=True):
        for mode in ("MIN_COMBINED", "MIN_FIRST", "SCALED"):
            yield s(values, -2.0, 3.0, T=dtype, mode=mode)
    yield s(values, -2.0, 3.0, T="qint8", mode="SCALED", round_mode="HALF_TO_EVEN", narrow_range=True)
    channels = np.float32([-1, -2, 0.5]), np.float32([1, 0, 3])
    for mode in ("MIN_COMBINED", "SCALED"):
        yield s(values, *channels, T="quint8", mode=mode, axis=0)
        yield s(values, *channels, T="qint16", mode=mode, axis=0)
    yield s(values, 0.0, 0.0, T="quint8", ensure_minimum_range=0.5)
    yield s(values, 1.0, 2.0, T="quint8")
    yield s(values, -3.0, -2.0, T="qint8")
    yield s(s.empty(0, 3), -3.0, 2.0, T="qint8")
    yield s(values, 2.0, 1.0, T="quint8", error="InvalidArgumentError")
    yield s(values, [0.0, 1.0], 2.0, T="quint8", error="InvalidArgumentError")
    yield s(values, 0.0, 2.0, T="quint8", round_mode="HALF_TO_EVEN", error="InvalidArgumentError")
    yield s(values, *channels, T="quint8", axis=1, error="InvalidArgumentError")
    yield s(values, *channels, T="quint8", axis=2, error="InvalidArgumentError")
    yield s(values, *channels, T="quint8", axis=0, mode="MIN_FIRST", error="UnimplementedError")


@op(
    "Dequantize",
    "input: T, min_range: float, max_range: float -> output: dtype",
    tier="host",
    T=QUANTIZED,
    dtype=default("float", ("bfloat16", "float")),
    differentiable="missing",
)
def dequantize_op(
    input,
    min_range,
    max_range,
    *,
    mode: Literal["MIN_COMBINED", "MIN_FIRST", "SCALED"] = "MIN_COMBINED",
    narrow_range: bool = False,
    axis: int = -1,
    dtype: DType,
):
    """Converts quantized numbers of a range, or of one range for each slice along ``axis``, to real ones."""
    if dtype.name == "bfloat16" and mode == "MIN_FIRST":
        raise invalid_argument(f"When output type is bfloat16, Mode string must not be '{mode}'")
    if mode == "MIN_FIRST" and axis != -1:
        raise UnimplementedError(None, None, "MIN_FIRST mode is not implemented for Dequantize with axis != -1.")
    values = plain(input)
    low, high = _ranges(values, min_range, max_range, axis)
    limits = limits_of(input.dtype)
    if mode == "MIN_COMBINED":
        scale = (high - low) / (np.float32(limits.highest) - np.float32(limits.lowest))
        half = np.float32(limits.steps / 2.0 if limits.lowest else 0)
        result = (values.astype(np.float32) + half) * scale + low
    elif mode == "MIN_FIRST":
        result = dequantize_tensor(values, np.float32(low[()]), np.float32(high[()]), limits)
    else:
        scale = high / np.float32(limits.highest)
        if limits.lowest:
            scale = np.maximum(low / np.float32(limits.lowest + int(narrow_range)), scale)
        result = values.astype(np.float32) * scale
    return result.astype(dtype.as_numpy_dtype)


@dequantize_op.shape
def _dequantize_shape(input, min_range, max_range, *, axis):
    _range_shapes(input, min_range, max_range, axis)
    return input


@dequantize_op.samples
def _dequantize_samples(s):
    for dtype in s.dtypes("T", quantized=True):
        values = s.array((3, 5), dtype)
        for mode in ("MIN_COMBINED", "MIN_FIRST", "SCALED"):
            if dtype.name != "qint32" or mode != "SCALED":
                yield s(values, -2.0, 3.0, mode=mode)
        yield s(values, -2.0, 3.0, dtype="bfloat16")
    values = s.array((3, 5), "qint8")
    yield s(values, -2.0, 3.0, mode="SCALED", narrow_range=True)
    channels = np.float32([-1, -2, 0.5]), np.float32([1, 0, 3])
    for mode in ("MIN_COMBINED", "SCALED"):
        yield s(values, *channels, mode=mode, axis=0)
    yield s(values[:2], *channels, axis=0, error="InvalidArgumentError")
    yield s(values, -2.0, 3.0, mode="MIN_FIRST", dtype="bfloat16", error="InvalidArgumentError")
    yield s(values, [0.0, 1.0], 2.0, error="InvalidArgumentError")


# From one range to another.


@op(
    "QuantizeDownAndShrinkRange",
    "input: Tinput, input_min: float, input_max: float -> output: out_type, output_min: float, output_max: float",
    tier="host",
    Tinput=QUANTIZED,
    out_type=QUANTIZED,
    differentiable="missing",
)
def quantize_down_and_shrink_range_op(input, input_min, input_max, *, out_type: DType):
    """Moves quantized numbers to the range that they use, in another type."""
    low, high = scalar(input_min, "input_min"), scalar(input_max, "input_max")
    bottom, top = _used_range(plain(input), low, high, input.dtype)
    values = requantize_tensor(plain(input), (low, high), (bottom, top), limits_of(input.dtype), limits_of(out_type))
    return packed(values, out_type), bottom, top


def _used_range(values: Any, low: Any, high: Any, dtype: Any) -> tuple[Any, Any]:
    """Returns the range of the real numbers that quantized ones stand for, with zero in it."""
    if not values.size:
        return np.float32(0), np.float32(0)
    limits = limits_of(dtype)
    ends = dequantize(np.array([values.min(), values.max()]), low, high, limits)
    return np.fmin(ends[0], np.float32(0)), ends[1]


def _scalars(*shapes: Any) -> None:
    for shape in shapes:
        with_rank(shape, 0)


@quantize_down_and_shrink_range_op.shape
def _quantize_down_shape(input, input_min, input_max):
    _scalars(input_min, input_max)
    return input, (), ()


@quantize_down_and_shrink_range_op.samples
def _quantize_down_samples(s):
    values = (s.integers(-1000, 2000, (3, 4)) * 65536).astype(np.int32)
    values = packed(values, as_dtype("qint32"))
    yield s(values, -20.0, 30.0, out_type="quint8")
    yield s(values, 1.0, 30.0, out_type="quint8")
    yield s(values, [-20.0], 30.0, out_type="quint8", error="InvalidArgumentError")


@op(
    "RequantizationRange",
    "input: Tinput, input_min: float, input_max: float -> output_min: float, output_max: float",
    tier="host",
    Tinput=QUANTIZED,
    differentiable="missing",
)
def requantization_range_op(input, input_min, input_max):
    """Gives the range of the real numbers that quantized ones stand for, with zero in it."""
    low, high = single(input_min, "input_min"), single(input_max, "input_max")
    return _used_range(plain(input), low, high, input.dtype)


@requantization_range_op.shape
def _requantization_range_shape(input, input_min, input_max):
    _scalars(input_min, input_max)
    return (), ()


@requantization_range_op.samples
def _requantization_range_samples(s):
    values = packed((s.integers(-1000, 2000, (3, 4)) * 65536).astype(np.int32), as_dtype("qint32"))
    yield s(values, -20.0, 30.0)
    yield s(values, 2.0, 30.0)


@op(
    "Requantize",
    "input: Tinput, input_min: float, input_max: float, requested_output_min: float, requested_output_max: float -> "
    "output: out_type, output_min: float, output_max: float",
    tier="host",
    Tinput=QUANTIZED,
    out_type=QUANTIZED,
    differentiable="missing",
)
def requantize_op(input, input_min, input_max, requested_output_min, requested_output_max, *, out_type: DType):
    """Moves quantized numbers to a given range, in another type."""
    low, high = scalar(input_min, "`input_min`"), scalar(input_max, "`input_max`")
    bottom = scalar(requested_output_min, "`requested_output_min`")
    top = scalar(requested_output_max, "`requested_output_max`")
    if not bottom <= 0:
        raise invalid_argument(f"requested_output_min must be <= 0, but got {bottom:g}")
    if not top >= bottom:
        raise invalid_argument(
            f"requested_output_max must be >= requested_output_min, but got {top:g} and {bottom:g} respectively."
        )
    values = requantize_tensor(plain(input), (low, high), (bottom, top), limits_of(input.dtype), limits_of(out_type))
    return packed(values, out_type), bottom, top


@requantize_op.shape
def _requantize_shape(input, input_min, input_max, requested_output_min, requested_output_max):
    _scalars(input_min, input_max, requested_output_min, requested_output_max)
    return input, (), ()


@requantize_op.samples
def _requantize_samples(s):
    values = packed((s.integers(-1000, 2000, (3, 4)) * 65536).astype(np.int32), as_dtype("qint32"))
    yield s(values, -20.0, 30.0, -1.0, 3.0, out_type="quint8")
    yield s(values, -20.0, 30.0, 0.0, 0.0, out_type="quint8")
    yield s(values, -20.0, 30.0, 1.0, 2.0, out_type="quint8", error="InvalidArgumentError")
    yield s(values, -20.0, 30.0, -1.0, -2.0, out_type="quint8", error="InvalidArgumentError")
    yield s(values, [-20.0, 1.0], 30.0, -1.0, 2.0, out_type="quint8", error="InvalidArgumentError")


# Ranges for each channel.


def _channel_ranges(input: Any, low: Any, high: Any) -> tuple[Any, Any]:
    depth = input.shape[-1] if input.ndim else 0
    for name, value in (("input_min", low), ("input_max", high)):
        if not input.ndim or value.size != depth:
            raise invalid_argument(f"{name} has incorrect size, expected {depth} was {value.size}")
    return low.reshape(-1), high.reshape(-1)


@op(
    "RequantizationRangePerChannel",
    "input: T, input_min: float, input_max: float -> output_min: float, output_max: float",
    tier="host",
    T=default("qint32", QUANTIZED),
    differentiable="missing",
)
def requantization_range_per_channel_op(input, input_min, input_max, *, clip_value_max: float):
    """Gives the range of real numbers of a tensor whose last dimension has a range for each element."""
    if input.ndim != 4:
        raise invalid_argument(f"input must be rank 4 but is rank {input.ndim}")
    values = plain(input)
    low, high = _channel_ranges(values, vector(input_min, "input_min"), vector(input_max, "input_max"))
    if not values.size:
        raise invalid_argument(f"input must not be empty, but its shape is {text(values.shape)}")
    rows = values.reshape(-1, values.shape[-1]).astype(np.float32)
    scale = np.maximum(np.abs(low), np.abs(high)) / np.float32(1 << 31)
    least, greatest = rows.min(0) * scale, rows.max(0) * scale
    reach = np.minimum(np.maximum(np.abs(least), np.abs(greatest)).max(), np.float32(clip_value_max))
    return np.float32(-reach if rows.min() < 0 else 0), np.float32(reach)


@requantization_range_per_channel_op.shape
def _requantization_range_per_channel_shape(input, input_min, input_max):
    with_rank(input_min, 1)
    with_rank(input_max, 1)
    return (), ()


@requantization_range_per_channel_op.samples
def _requantization_range_per_channel_samples(s):
    values = packed((s.integers(-1000, 2000, (2, 2, 2, 3)) * 65536).astype(np.int32), as_dtype("qint32"))
    yield s(values, [-20.0, -1.0, -2.0], [30.0, 4.0, 3.0], clip_value_max=6.0)
    yield s(values, [-20.0, -1.0], [30.0, 4.0], clip_value_max=6.0, error="InvalidArgumentError")


@op(
    "RequantizePerChannel",
    "input: T, input_min: float, input_max: float, requested_output_min: float, requested_output_max: float -> "
    "output: out_type, output_min: float, output_max: float",
    tier="host",
    T=default("qint32", QUANTIZED),
    out_type=default("quint8", QUANTIZED),
    differentiable="missing",
)
def requantize_per_channel_op(
    input, input_min, input_max, requested_output_min, requested_output_max, *, out_type: DType
):
    """Moves quantized numbers, with a range for each element of the last dimension, to one range."""
    if input.ndim != 4:
        raise invalid_argument(f"input must be rank 4 but is rank {input.ndim}")
    values = plain(input)
    low, high = _channel_ranges(values, input_min, input_max)
    bottom = single(requested_output_min, "requested_output_min")
    top = single(requested_output_max, "requested_output_max")
    reach = np.maximum(np.abs(bottom), np.abs(top))
    limits = limits_of(out_type)
    factor = np.float32(limits.highest) / reach
    scale = np.maximum(np.abs(low), np.abs(high)) / np.float32(limits_of(input.dtype).highest + 1) * factor
    result = np.rint(values.astype(np.float32) * scale)
    result = np.clip(result, limits.lowest, limits.highest)
    return packed(to_integer(result, np.dtype(out_type.as_numpy_dtype)[0]), out_type), bottom, top


@requantize_per_channel_op.shape
def _requantize_per_channel_shape(input, input_min, input_max, requested_output_min, requested_output_max):
    with_rank_at_most(input_min, 1)
    with_rank_at_most(input_max, 1)
    _scalars(requested_output_min, requested_output_max)
    return input, (), ()


@requantize_per_channel_op.samples
def _requantize_per_channel_samples(s):
    values = packed((s.integers(-1000, 2000, (2, 2, 2, 3)) * 65536).astype(np.int32), as_dtype("qint32"))
    ranges = [-20.0, -1.0, -2.0], [30.0, 4.0, 3.0]
    yield s(values, *ranges, 0.0, 3.0, out_type="quint8")
    yield s(values, *ranges, -2.0, 1.5, out_type="qint8")
