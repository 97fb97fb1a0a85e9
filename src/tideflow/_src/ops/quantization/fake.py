"""Simulates quantization while a network is trained: numbers are rounded as they would be, and stay ``float32``."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.ops.dimensions import merge, merge_dimensions, text, with_rank, with_rank_at_least
from tideflow._src.ops.math.gating import gated
from tideflow._src.runtime.op import op

_BLOCK = 1 << 15


def _check_bits(num_bits: int) -> None:
    if not 2 <= num_bits <= 16:
        raise InvalidArgumentError(None, None, f"num_bits must be between 2 and 16, inclusive, but is {num_bits}")


def _check_scalars(min: Any, max: Any) -> None:
    for name, value in (("min", min), ("max", max)):
        if value.ndim:
            raise InvalidArgumentError(None, None, f"`{name}` must be rank 0 but is rank {value.ndim}")


def _check_channels(inputs: Any, min: Any, max: Any) -> None:
    if not inputs.ndim:
        raise InvalidArgumentError(None, None, "inputs must be at least rank 1 but is rank 0")
    for name, value in (("min", min), ("max", max)):
        if value.ndim != 1:
            raise InvalidArgumentError(None, None, f"`{name}` must be rank 1 but is rank {value.ndim}")
        if value.shape[0] != inputs.shape[-1]:
            raise InvalidArgumentError(
                None, None, f"{name} has incorrect size, expected {inputs.shape[-1]} was {value.shape[0]}"
            )


def _check_same(gradients: Any, inputs: Any) -> None:
    if gradients.shape != inputs.shape:
        raise InvalidArgumentError(
            None,
            None,
            "gradient and input must be the same size: expected "
            f"{text(tuple(inputs.shape))}, got {text(tuple(gradients.shape))}",
        )


def _nudged(xp: Any, low: Any, high: Any, num_bits: int, narrow_range: bool) -> tuple[Any, Any, Any]:
    """Moves a range so that zero is one of its steps; returns its ends and the width of a step."""
    least = np.float32(1 if narrow_range else 0)
    greatest = np.float32((1 << num_bits) - 1)
    scale = (high - low) / (greatest - least)
    zero = least - low / scale
    zero = xp.where(zero < least, least, xp.where(zero > greatest, greatest, xp.floor(zero + np.float32(0.5))))
    return (least - zero) * scale, (greatest - zero) * scale, scale


def _rounded(xp: Any, inputs: Any, low: Any, high: Any, scale: Any) -> Any:
    """Rounds numbers to the steps of a nudged range."""
    half = np.float32(0.5)
    inverse = np.float32(1) / scale
    zero = xp.floor(-low * inverse + half)
    if xp is not np or inputs.size <= _BLOCK or np.ndim(low):
        shifted = xp.maximum(xp.minimum(inputs, high), low) - low
        return xp.floor(shifted * inverse - zero + half) * scale
    result = np.empty_like(inputs, order="C")
    source, target = inputs.reshape(-1), result.reshape(-1)
    for start in range(0, source.size, _BLOCK):
        part = target[start : start + _BLOCK]
        np.minimum(source[start : start + _BLOCK], high, out=part)
        np.maximum(part, low, out=part)
        part -= low
        part *= inverse
        part -= zero
        part += half
        np.floor(part, out=part)
        part *= scale
    return result


def _inside(inputs: Any, low: Any, high: Any) -> Any:
    return (inputs >= low) & (inputs <= high)


# A range that the graph gives.


def _args_range(min: float, max: float, num_bits: int, narrow_range: bool) -> tuple[Any, Any, Any]:
    _check_bits(num_bits)
    if not min < max:
        raise InvalidArgumentError(None, None, f"min has to be smaller than max, was: {min:g} >= {max:g}")
    return _nudged(np, np.float32(min), np.float32(max), num_bits, narrow_range)


@op("FakeQuantWithMinMaxArgs", "inputs: float -> outputs: float")
def fake_quant_with_min_max_args_op(
    xp, inputs, *, min: float = -6.0, max: float = 6.0, num_bits: int = 8, narrow_range: bool = False
):
    """Rounds numbers to the steps of a fixed range, as quantization would."""
    return _rounded(xp, inputs, *_args_range(min, max, num_bits, narrow_range))


@fake_quant_with_min_max_args_op.shape
def _fake_quant_args_shape(inputs):
    return inputs


@fake_quant_with_min_max_args_op.gradient
def _fake_quant_args_gradient(call, dy):
    attributes = {name: call.attr(name) for name in ("min", "max", "num_bits", "narrow_range")}
    return fake_quant_with_min_max_args_gradient_op(dy, call.inputs[0], **attributes)


@fake_quant_with_min_max_args_op.samples
def _fake_quant_args_samples(s):
    values = s.uniform(-3, 3, (3, 5))
    yield s(values, differences=False)
    yield s(values, min=-1.0, max=2.0, num_bits=4, narrow_range=True, differences=False)
    yield s(values, min=0.5, max=2.0, num_bits=16, differences=False)
    yield s(np.float32(0.3), min=-2.0, max=-1.0, num_bits=2, differences=False)
    yield s(s.uniform(-3, 3, (40000,)), gradient=False)
    yield s(np.float32([np.nan, np.inf, -np.inf, 0.0, -0.0]), gradient=False)
    yield s(s.empty(0, 2))
    yield s(values, min=3.0, max=2.0, error="InvalidArgumentError")
    yield s(values, num_bits=1, error="InvalidArgumentError")
    yield s(values, num_bits=17, error="InvalidArgumentError")


@op("FakeQuantWithMinMaxArgsGradient", "gradients: float, inputs: float -> backprops: float", differentiable=False)
def fake_quant_with_min_max_args_gradient_op(
    xp, gradients, inputs, *, min: float = -6.0, max: float = 6.0, num_bits: int = 8, narrow_range: bool = False
):
    """Gives the gradient of ``FakeQuantWithMinMaxArgs``: it passes where a number is in the range."""
    low, high, _ = _args_range(min, max, num_bits, narrow_range)
    _check_same(gradients, inputs)
    return gated(xp, gradients, _inside(inputs, low, high))


@fake_quant_with_min_max_args_gradient_op.shape
def _fake_quant_args_gradient_shape(gradients, inputs):
    del inputs  # TensorFlow compares the shapes when it runs
    return gradients


@fake_quant_with_min_max_args_gradient_op.samples
def _fake_quant_args_gradient_samples(s):
    yield s(s.normal(3, 4), s.uniform(-8, 8, (3, 4)))
    yield s(s.normal(3, 4), s.uniform(-3, 3, (3, 4)), min=-1.0, max=2.0, num_bits=3, narrow_range=True)
    yield s(s.normal(1, 4), s.normal(3, 4), error="InvalidArgumentError")


# A range that is learned.


@op("FakeQuantWithMinMaxVars", "inputs: float, min: float, max: float -> outputs: float")
def fake_quant_with_min_max_vars_op(xp, inputs, min, max, *, num_bits: int = 8, narrow_range: bool = False):
    """Rounds numbers to the steps of a range, as quantization would; gives zeros for the range from 0 to 0."""
    _check_bits(num_bits)
    _check_scalars(min, max)
    empty = (min == 0) & (max == 0)
    if xp is np and empty:
        return np.zeros_like(inputs)
    result = _rounded(xp, inputs, *_nudged(xp, min, max, num_bits, narrow_range))
    return result if xp is np else xp.where(empty, np.float32(0), result)


def _vars_shape(inputs: Any, min: Any, max: Any) -> Any:
    with_rank(min, 0)
    with_rank(max, 0)
    return inputs


fake_quant_with_min_max_vars_op.shape(_vars_shape)


@fake_quant_with_min_max_vars_op.gradient
def _fake_quant_vars_gradient(call, dy):
    attributes = {name: call.attr(name) for name in ("num_bits", "narrow_range")}
    return fake_quant_with_min_max_vars_gradient_op(dy, *call.inputs, **attributes)


@fake_quant_with_min_max_vars_op.samples
def _fake_quant_vars_samples(s):
    values = s.uniform(-3, 3, (3, 5))
    yield s(values, -2.0, 1.5, differences=False)
    yield s(values, 0.5, 1.5, num_bits=4, narrow_range=True, differences=False)
    yield s(values, 0.0, 0.0, differences=False)
    yield s(values, 1.0, 0.0, gradient=False)
    yield s(s.empty(0, 2), -2.0, 1.5)
    yield s(values, [-1.0], 1.0, error="InvalidArgumentError")
    yield s(values, -1.0, 1.0, num_bits=1, error="InvalidArgumentError")


@op(
    "FakeQuantWithMinMaxVarsGradient",
    "gradients: float, inputs: float, min: float, max: float -> backprops_wrt_input: float, backprop_wrt_min: float, "
    "backprop_wrt_max: float",
    differentiable=False,
)
def fake_quant_with_min_max_vars_gradient_op(
    xp, gradients, inputs, min, max, *, num_bits: int = 8, narrow_range: bool = False
):
    """Gives the gradients of ``FakeQuantWithMinMaxVars``: numbers outside of the range pass theirs to its ends."""
    _check_bits(num_bits)
    _check_same(gradients, inputs)
    _check_scalars(min, max)
    low, high, _ = _nudged(xp, min, max, num_bits, narrow_range)
    empty = (min == 0) & (max == 0)
    zero = np.float32(0)
    below = xp.sum(gradients * (inputs < low), dtype=np.float32)
    above = xp.sum(gradients * (inputs > high), dtype=np.float32)
    passed = xp.where(empty, gradients, gated(xp, gradients, _inside(inputs, low, high)))
    return passed, xp.where(empty, zero, below), xp.where(empty, zero, above)


@fake_quant_with_min_max_vars_gradient_op.shape
def _fake_quant_vars_gradient_shape(gradients, inputs, min, max):
    both = merge(gradients, inputs)
    return both, with_rank(min, 0), with_rank(max, 0)


@fake_quant_with_min_max_vars_gradient_op.samples
def _fake_quant_vars_gradient_samples(s):
    yield s(s.normal(3, 4), s.uniform(-3, 3, (3, 4)), -1.0, 2.0)
    yield s(s.normal(3, 4), s.uniform(-3, 3, (3, 4)), 0.0, 0.0, num_bits=3, narrow_range=True)
    yield s(s.normal(1, 4), s.normal(3, 4), -1.0, 2.0, error="InvalidArgumentError")
    yield s(s.normal(3, 4), s.normal(3, 4), [-1.0], 2.0, error="InvalidArgumentError")


# A range for each channel.


@op("FakeQuantWithMinMaxVarsPerChannel", "inputs: float, min: float, max: float -> outputs: float")
def fake_quant_with_min_max_vars_per_channel_op(xp, inputs, min, max, *, num_bits: int = 8, narrow_range: bool = False):
    """Rounds numbers to the steps of a range that each element of the last dimension has for itself."""
    _check_bits(num_bits)
    _check_channels(inputs, min, max)
    result = _rounded(xp, inputs, *_nudged(xp, min, max, num_bits, narrow_range))
    return xp.where((min == 0) & (max == 0), np.float32(0), result)


@fake_quant_with_min_max_vars_per_channel_op.shape
def _fake_quant_channels_shape(inputs, min, max):
    return _channels(inputs, min, max)[0]


def _channels(inputs: Any, min: Any, max: Any) -> tuple[Any, Any]:
    """Returns the shapes of the inputs and of the ranges, as far as each tells of the other."""
    with_rank_at_least(inputs, 1)
    last = None if inputs is None else inputs[-1]
    last = merge_dimensions(last, with_rank(min, 1)[0])
    last = merge_dimensions(last, with_rank(max, 1)[0])
    return None if inputs is None else (*inputs[:-1], last), (last,)


@fake_quant_with_min_max_vars_per_channel_op.gradient
def _fake_quant_channels_gradient(call, dy):
    attributes = {name: call.attr(name) for name in ("num_bits", "narrow_range")}
    return fake_quant_with_min_max_vars_per_channel_gradient_op(dy, *call.inputs, **attributes)


@fake_quant_with_min_max_vars_per_channel_op.samples
def _fake_quant_channels_samples(s):
    low, high = np.float32([-1.0, 0.0, 0.5]), np.float32([1.0, 0.0, 2.0])
    yield s(s.uniform(-3, 3, (4, 3)), low, high, differences=False)
    yield s(s.uniform(-3, 3, (3,)), low, high, num_bits=4, narrow_range=True, differences=False)
    yield s(s.uniform(-3, 3, (2, 2, 2, 3)), low, high, gradient=False)
    yield s(s.empty(0, 3), low, high)
    yield s(s.normal(4, 2), low, high, error="InvalidArgumentError")


@op(
    "FakeQuantWithMinMaxVarsPerChannelGradient",
    "gradients: float, inputs: float, min: float, max: float -> backprops_wrt_input: float, backprop_wrt_min: float, "
    "backprop_wrt_max: float",
    differentiable=False,
)
def fake_quant_with_min_max_vars_per_channel_gradient_op(
    xp, gradients, inputs, min, max, *, num_bits: int = 8, narrow_range: bool = False
):
    """Gives the gradients of ``FakeQuantWithMinMaxVarsPerChannel``."""
    _check_bits(num_bits)
    _check_same(gradients, inputs)
    _check_channels(inputs, min, max)
    low, high, _ = _nudged(xp, min, max, num_bits, narrow_range)
    empty = (min == 0) & (max == 0)
    zero = np.float32(0)
    leading = tuple(range(inputs.ndim - 1))
    below = xp.sum(gradients * (inputs < low), axis=leading)
    above = xp.sum(gradients * (inputs > high), axis=leading)
    passed = xp.where(empty, gradients, gated(xp, gradients, _inside(inputs, low, high)))
    return passed, xp.where(empty, zero, below), xp.where(empty, zero, above)


@fake_quant_with_min_max_vars_per_channel_gradient_op.shape
def _fake_quant_channels_gradient_shape(gradients, inputs, min, max):
    shape = merge(gradients, inputs)
    if shape is not None and not 1 <= len(shape) <= 4:
        raise ValueError(f"Shape must be rank 1, 2 or 4 but is rank {len(shape)}")
    whole, each = _channels(shape, min, max)
    return whole, each, each


@fake_quant_with_min_max_vars_per_channel_gradient_op.samples
def _fake_quant_channels_gradient_samples(s):
    low, high = np.float32([-1.0, 0.0, 0.5]), np.float32([1.0, 0.0, 2.0])
    yield s(s.normal(4, 3), s.uniform(-3, 3, (4, 3)), low, high)
    yield s(s.normal(3), s.uniform(-3, 3, (3,)), low, high, num_bits=3, narrow_range=True)
    yield s(s.normal(2, 2, 2, 3), s.uniform(-3, 3, (2, 2, 2, 3)), low, high)
    yield s(s.normal(1, 3), s.normal(4, 3), low, high, error="InvalidArgumentError")
    yield s(s.normal(4, 2), s.normal(4, 2), low, high, error="InvalidArgumentError")
