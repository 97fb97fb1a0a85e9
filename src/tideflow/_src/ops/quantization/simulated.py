"""Quantizes and dequantizes at once: numbers are rounded to what a type of so many bits could hold."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.ops.dimensions import merge, merge_dimensions, text, with_rank, with_rank_at_least
from tideflow._src.ops.math.gating import gated
from tideflow._src.ops.retirement import retire
from tideflow._src.runtime.checks import require
from tideflow._src.runtime.op import op

_TYPES = ("bfloat16", "half", "float", "double")


def _check_bits(num_bits: int, signed_input: bool) -> None:
    if not 0 < num_bits < (62 if signed_input else 63):
        raise invalid_argument(f"num_bits is out of range: {num_bits} with signed_input_ {int(signed_input)}")


def _check_axis(shape: tuple[int, ...], axis: int) -> None:
    if axis < -1:
        raise invalid_argument(f"Axis must be at least -1. Found {axis}")
    if axis >= len(shape):
        raise invalid_argument(f"Shape must be at least rank {axis + 1} but is rank {len(shape)}")


def _scaled_range(
    xp: Any, low: Any, high: Any, dtype: Any, num_bits: int, signed_input: bool, narrow_range: bool
) -> tuple[Any, Any, Any, Any]:
    """Returns a range widened at one end so that zero stays, the factor into integers and its inverse."""
    least = (int(narrow_range) - (1 << (num_bits - 1))) if signed_input else 0
    greatest = (1 << (num_bits - 1)) - 1 if signed_input else (1 << num_bits) - 1
    number = dtype.type
    huge = np.finfo(dtype).max
    from_low = xp.where(number(least) * low > 0, number(least) / low, huge)
    from_high = xp.where(number(greatest) * high > 0, number(greatest) / high, huge)
    below = from_low < from_high
    scale = xp.where(below, from_low, from_high)
    inverse = xp.where(below, low / number(least or 1), high / number(greatest or 1))
    return (
        xp.where(below, low, number(least) * inverse),
        xp.where(below, number(greatest) * inverse, high),
        scale,
        inverse,
    )


def _extent(xp: Any, input: Any, axes: tuple[int, ...]) -> tuple[Any, Any]:
    """Returns the least and the greatest numbers along axes, which stay with size 1; NaNs do not count."""
    if xp is np:
        return np.fmin.reduce(input, axis=axes, keepdims=True), np.fmax.reduce(input, axis=axes, keepdims=True)
    missing = xp.isnan(input)
    low = xp.min(xp.where(missing, xp.inf, input), axis=axes, keepdims=True)
    high = xp.max(xp.where(missing, -xp.inf, input), axis=axes, keepdims=True)
    return low.astype(input.dtype), high.astype(input.dtype)


def _simulate(
    xp: Any,
    input: Any,
    low: Any,
    high: Any,
    num_bits: int,
    *,
    signed_input: bool,
    range_given: bool,
    narrow_range: bool,
    axis: int,
    half_up: bool = False,
) -> Any:
    _check_bits(num_bits, signed_input)
    _check_axis(input.shape, axis)
    dtype = input.dtype
    channels = [1] * input.ndim
    if axis != -1:
        channels[axis] = input.shape[axis]
    if range_given:
        for name, value in (("input_min", low), ("input_max", high)):
            expected = () if axis == -1 else (channels[axis],)
            if value.shape != expected:
                kind = "a scalar" if axis == -1 else f"a vector of {channels[axis]} numbers"
                raise invalid_argument(f"{name} must be {kind}. Its shape is {text(tuple(value.shape))}")
        require(xp.all(low <= high), "Invalid range: input_min > input_max")
        if axis != -1:
            low, high = low.reshape(channels), high.reshape(channels)
    elif not input.size:
        return input
    else:
        axes = tuple(index for index in range(input.ndim) if index != axis)
        low, high = _extent(xp, input, axes)
    work = np.dtype(np.float32 if dtype.itemsize < 4 else dtype)
    if work != dtype:
        input, low, high = input.astype(work), low.astype(work), high.astype(work)
    low, high, scale, inverse = _scaled_range(xp, low, high, work, num_bits, signed_input, narrow_range)
    values = xp.maximum(xp.minimum(input, high), low) * scale if range_given else input * scale
    values = xp.floor(values + work.type(0.5)) if half_up else xp.rint(values)
    return (values * inverse).astype(dtype)


def _range_shape(input: Any, input_min: Any, input_max: Any, *, axis: int) -> Any:
    rank = 0 if axis == -1 else 1
    if axis < -1:
        raise ValueError(f"axis should be at least -1, got {axis}")
    with_rank(input_max, rank)
    low = with_rank(input_min, rank)
    if axis != -1:
        with_rank_at_least(input, axis + 1)
        if input is not None:
            merge_dimensions(low[0], input[axis])
    return input


def _number(value: float, dtype: str) -> Any:
    return np.asarray(value, np.float64 if dtype == "double" else np.float32)


@op("QuantizeAndDequantizeV2", "input: T, input_min: T, input_max: T -> output: T", T=_TYPES)
def quantize_and_dequantize_v2_op(
    xp,
    input,
    input_min,
    input_max,
    *,
    signed_input: bool = True,
    num_bits: int = 8,
    range_given: bool = False,
    round_mode: Literal["HALF_TO_EVEN", "HALF_UP"] = "HALF_TO_EVEN",
    narrow_range: bool = False,
    axis: int = -1,
):
    """Rounds numbers to those that integers of ``num_bits`` bits, times a factor, could give."""
    return _simulate(
        xp,
        input,
        input_min,
        input_max,
        num_bits,
        signed_input=signed_input,
        range_given=range_given,
        narrow_range=narrow_range,
        axis=axis,
        half_up=round_mode == "HALF_UP",
    )


quantize_and_dequantize_v2_op.shape(_range_shape)


@quantize_and_dequantize_v2_op.gradient
def _quantize_and_dequantize_v2_gradient(call, dy):
    return dy, None, None


@quantize_and_dequantize_v2_op.samples
def _quantize_and_dequantize_v2_samples(s):
    yield from _shared_samples(s)
    yield s(s.normal(3, 4), 0.0, 0.0, round_mode="HALF_UP", differences=False)
    yield s(s.normal(3, 4), 0.0, 0.0, signed_input=False, num_bits=3, differences=False)
    yield s(s.normal(3, 4), 0.0, 0.0, num_bits=0, error="InvalidArgumentError")
    yield s(s.normal(3, 4), 0.0, 0.0, axis=5, error="InvalidArgumentError")
    yield s(s.normal(3, 4), 0.0, 0.0, axis=-2, error="InvalidArgumentError")


def _shared_samples(s: Any, **more: Any) -> Any:
    for dtype in ("float", "double"):
        low, high = _number(-1.0, dtype), _number(2.0, dtype)
        yield s(s.normal(3, 4, dtype=dtype), low, high, differences=False, range_given=True, **more)
        yield s(s.normal(3, 4, dtype=dtype), low, high, differences=False, range_given=False, **more)
    ends = np.float32([-1, -2, -0.5]), np.float32([1, 1, 3])
    yield s(s.normal(3, 4), *ends, axis=0, range_given=False, narrow_range=True, differences=False, **more)
    yield s(s.empty(0, 4), 0.0, 0.0, range_given=True, gradient=False, **more)
    yield s(np.zeros((2, 2), np.float32), 0.0, 0.0, range_given=False, gradient=False, **more)
    yield s(s.normal(3, 4), 2.0, 1.0, range_given=True, error="InvalidArgumentError", **more)
    yield s(s.normal(3, 4), [1.0, 1.0], 2.0, range_given=True, error="InvalidArgumentError", **more)


@op("QuantizeAndDequantizeV3", "input: T, input_min: T, input_max: T, num_bits: static int32 -> output: T", T=_TYPES)
def quantize_and_dequantize_v3_op(
    xp,
    input,
    input_min,
    input_max,
    num_bits,
    *,
    signed_input: bool = True,
    range_given: bool = True,
    narrow_range: bool = False,
    axis: int = -1,
):
    """Rounds numbers to those that integers of ``num_bits`` bits (an input), times a factor, could give."""
    if np.ndim(num_bits):
        raise invalid_argument(
            f"Invalid shape. The `num_bits` tensor should be a scalar. Got the shape {text(np.shape(num_bits))}"
        )
    return _simulate(
        xp,
        input,
        input_min,
        input_max,
        int(num_bits),
        signed_input=signed_input,
        range_given=range_given,
        narrow_range=narrow_range,
        axis=axis,
    )


@quantize_and_dequantize_v3_op.shape
def _quantize_and_dequantize_v3_shape(input, input_min, input_max, num_bits, *, axis):
    with_rank(num_bits.shape, 0)
    return _range_shape(input, input_min, input_max, axis=axis)


@quantize_and_dequantize_v3_op.gradient
def _quantize_and_dequantize_v3_gradient(call, dy):
    return dy, None, None, None


@quantize_and_dequantize_v3_op.samples
def _quantize_and_dequantize_v3_samples(s):
    for dtype in ("float", "double"):
        low, high = _number(-1.0, dtype), _number(2.0, dtype)
        yield s(s.normal(3, 4, dtype=dtype), low, high, 8, differences=False)
        yield s(s.normal(3, 4, dtype=dtype), low, high, 5, range_given=False, narrow_range=True, differences=False)
    yield s(s.normal(3, 4), 0.0, 2.0, 4, signed_input=False, differences=False)
    yield s(s.normal(3, 4), -1.0, 2.0, 0, error="InvalidArgumentError")
    yield s(s.normal(3, 4), -1.0, 2.0, [8], error="InvalidArgumentError")
    yield s(s.normal(3, 4), 1.0, 0.0, 8, error="InvalidArgumentError")


@op("QuantizeAndDequantizeV4", "input: T, input_min: T, input_max: T -> output: T", T=_TYPES)
def quantize_and_dequantize_v4_op(
    xp,
    input,
    input_min,
    input_max,
    *,
    signed_input: bool = True,
    num_bits: int = 8,
    range_given: bool = False,
    round_mode: Literal["HALF_TO_EVEN", "HALF_UP"] = "HALF_TO_EVEN",
    narrow_range: bool = False,
    axis: int = -1,
):
    """Is ``QuantizeAndDequantizeV2`` whose gradient passes only where a number is in the given range."""
    return quantize_and_dequantize_v2_op.kernel(
        xp,
        input,
        input_min,
        input_max,
        signed_input=signed_input,
        num_bits=num_bits,
        range_given=range_given,
        round_mode=round_mode,
        narrow_range=narrow_range,
        axis=axis,
    )


quantize_and_dequantize_v4_op.shape(_range_shape)


@quantize_and_dequantize_v4_op.gradient
def _quantize_and_dequantize_v4_gradient(call, dy):
    return quantize_and_dequantize_v4_grad_op(dy, *call.inputs, axis=call.attr("axis"))


@quantize_and_dequantize_v4_op.samples
def _quantize_and_dequantize_v4_samples(s):
    yield from _shared_samples(s)


@op(
    "QuantizeAndDequantizeV4Grad",
    "gradients: T, input: T, input_min: T, input_max: T -> input_backprop: T, input_min_backprop: T, "
    "input_max_backprop: T",
    T=_TYPES,
)
def quantize_and_dequantize_v4_grad_op(xp, gradients, input, input_min, input_max, *, axis: int = -1):
    """Gives the gradient of ``QuantizeAndDequantizeV4``: it passes where a number is in the range."""
    if gradients.shape != input.shape:
        raise invalid_argument(
            "gradient and input must be the same size: expected "
            f"{text(tuple(input.shape))}, got {text(tuple(gradients.shape))}"
        )
    if not -1 <= axis < input.ndim:
        raise invalid_argument(
            f"Axis should be -1 or 0 or a positive value less than {input.ndim} but given axis value was {axis}"
        )
    channels = [1] * input.ndim
    for name, value in (("min", input_min), ("max", input_max)):
        if axis == -1:
            if value.ndim:
                raise invalid_argument(f"input_{name} must be a scalar if axis is unspecified")
        elif value.ndim != 1:
            raise invalid_argument(f"Shape must be rank 1 for input_{name}_tensor when the axis is specified")
        elif value.shape[0] != input.shape[axis]:
            raise invalid_argument(f"{name} has incorrect size, expected {input.shape[axis]} was {value.shape[0]}")
    if axis != -1:
        channels[axis] = input.shape[axis]
    low, high = input_min, input_max
    if axis != -1:
        low, high = low.reshape(channels), high.reshape(channels)
    return gated(xp, gradients, (input >= low) & (input <= high)), xp.zeros_like(input_min), xp.zeros_like(input_max)


@quantize_and_dequantize_v4_grad_op.shape
def _quantize_and_dequantize_v4_grad_shape(gradients, input, input_min, input_max, *, axis):
    _range_shape(input, input_min, input_max, axis=axis)
    rank = 0 if axis == -1 else 1
    return merge(gradients, input), with_rank(input_min, rank), with_rank(input_max, rank)


@quantize_and_dequantize_v4_grad_op.gradient
def _quantize_and_dequantize_v4_grad_gradient(call, dy, dmin, dmax):
    del dmin, dmax  # those outputs are zero
    _, *rest = call.inputs
    return quantize_and_dequantize_v4_grad_op(dy, *rest, axis=call.attr("axis"))[0], None, None, None


@quantize_and_dequantize_v4_grad_op.samples
def _quantize_and_dequantize_v4_grad_samples(s):
    numbers = np.float64([[-3, -0.5, 0, 0.25], [2, 0.1, -0.2, 3]])
    yield s(s.normal(2, 4), numbers.astype(np.float32), -1.0, 0.5, gradient=False)
    yield s(s.normal(2, 4, dtype="double"), numbers, np.float64(-1), np.float64(0.5), gradient=False)
    channels = np.float32([-1, 0]), np.float32([0.5, 1])
    yield s(s.normal(2, 4), numbers.astype(np.float32), *channels, axis=0, gradient=False)
    yield s(s.normal(1, 4), s.normal(3, 4), -1.0, 0.5, error="InvalidArgumentError")
    yield s(s.normal(3, 4), s.normal(3, 4), [-1.0], [0.5], error="InvalidArgumentError")
    yield s(s.normal(3, 4), s.normal(3, 4), -1.0, 0.5, axis=4, error="InvalidArgumentError")


@op("QuantizeAndDequantize", "input: T -> output: T", T=_TYPES)
def quantize_and_dequantize_op(
    xp,
    input,
    *,
    signed_input: bool = True,
    num_bits: int = 8,
    range_given: bool = False,
    input_min: float = 0.0,
    input_max: float = 0.0,
):
    """Rounds numbers to those that integers of ``num_bits`` bits could give; of graphs of TensorFlow 0.x."""
    low, high = (np.asarray(value).astype(input.dtype) for value in (input_min, input_max))
    return _simulate(
        xp,
        input,
        low,
        high,
        num_bits,
        signed_input=signed_input,
        range_given=range_given,
        narrow_range=False,
        axis=-1,
    )


@quantize_and_dequantize_op.shape
def _quantize_and_dequantize_shape(input):
    return input


@quantize_and_dequantize_op.gradient
def _quantize_and_dequantize_gradient(call, dy):
    return dy


@quantize_and_dequantize_op.samples
def _quantize_and_dequantize_samples(s):
    yield s(s.normal(3, 4), error="UnimplementedError")


retire(quantize_and_dequantize_op, 22, "Replaced by QuantizeAndDequantizeV2.")
