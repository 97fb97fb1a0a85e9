"""Public functions of quantization: ``tf.quantization``."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape
from tideflow._src.runtime.convert import convert_to_tensor


def fake_quant_with_min_max_args(
    inputs: Any, min: float = -6, max: float = 6, num_bits: int = 8, narrow_range: bool = False, name: str | None = None
) -> Any:
    """Rounds numbers to the steps of a fixed range, as quantization would.

    Args:
      inputs: a ``float32`` tensor.
      min, max: the ends of the range; it is moved a little so that zero is one of its steps.
      num_bits: the number of bits of a quantized number, from 2 to 16.
      narrow_range: whether to leave out the least quantized number.
      name: the name of the node.

    Returns:
      A tensor like ``inputs``.

    Raises:
      InvalidArgumentError: ``min`` is not less than ``max``, or ``num_bits`` is out of range.
    """
    return raw.FakeQuantWithMinMaxArgs(
        inputs, min=min, max=max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


def fake_quant_with_min_max_args_gradient(
    gradients: Any,
    inputs: Any,
    min: float = -6,
    max: float = 6,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Any:
    """Gives the gradient of ``fake_quant_with_min_max_args``; see there."""
    return raw.FakeQuantWithMinMaxArgsGradient(
        gradients, inputs, min=min, max=max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


def fake_quant_with_min_max_vars(
    inputs: Any, min: Any, max: Any, num_bits: int = 8, narrow_range: bool = False, name: str | None = None
) -> Any:
    """Rounds numbers to the steps of a range whose ends are tensors, which get gradients.

    See ``fake_quant_with_min_max_args`` for the arguments.
    """
    return raw.FakeQuantWithMinMaxVars(inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name)


def fake_quant_with_min_max_vars_gradient(
    gradients: Any,
    inputs: Any,
    min: Any,
    max: Any,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Any:
    """Gives the gradients of ``fake_quant_with_min_max_vars`` with respect to its three inputs."""
    return raw.FakeQuantWithMinMaxVarsGradient(
        gradients, inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


def fake_quant_with_min_max_vars_per_channel(
    inputs: Any, min: Any, max: Any, num_bits: int = 8, narrow_range: bool = False, name: str | None = None
) -> Any:
    """Rounds numbers to the steps of a range for each element of the last dimension.

    See ``fake_quant_with_min_max_args`` for the arguments; ``min`` and ``max`` are vectors.
    """
    return raw.FakeQuantWithMinMaxVarsPerChannel(
        inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


def fake_quant_with_min_max_vars_per_channel_gradient(
    gradients: Any,
    inputs: Any,
    min: Any,
    max: Any,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Any:
    """Gives the gradients of ``fake_quant_with_min_max_vars_per_channel`` with respect to its three inputs."""
    return raw.FakeQuantWithMinMaxVarsPerChannelGradient(
        gradients, inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


def quantize(
    input: Any,
    min_range: Any,
    max_range: Any,
    T: Any,
    mode: str = "MIN_COMBINED",
    round_mode: str = "HALF_AWAY_FROM_ZERO",
    name: str | None = None,
    narrow_range: bool = False,
    axis: int | None = None,
    ensure_minimum_range: float = 0.01,
) -> Any:
    """Converts real numbers to quantized ones of a range.

    Args:
      input: a ``float32`` tensor.
      min_range, max_range: the ends of the range; vectors where ``axis`` is given.
      T: the quantized type: ``tf.qint8``, ``quint8``, ``qint16``, ``quint16`` or ``qint32``.
      mode: how they are spread: ``"MIN_COMBINED"``, ``"MIN_FIRST"`` or ``"SCALED"``.
      round_mode: ``"HALF_AWAY_FROM_ZERO"`` or, in the mode ``"SCALED"``, ``"HALF_TO_EVEN"``.
      name: the name of the node.
      narrow_range: whether to leave out the least quantized number.
      axis: the dimension whose slices have a range each; None for one range.
      ensure_minimum_range: how far the ends are apart at least.

    Returns:
      The quantized tensor, and the ends of the range that was used.

    Raises:
      InvalidArgumentError: the ends are in the wrong order, or do not fit ``axis``.
    """
    return raw.QuantizeV2(
        input,
        min_range,
        max_range,
        T=T,
        mode=mode,
        round_mode=round_mode,
        narrow_range=narrow_range,
        axis=-1 if axis is None else axis,
        ensure_minimum_range=ensure_minimum_range,
        name=name,
    )


def quantize_v2_v1(
    input: Any,
    min_range: Any,
    max_range: Any,
    T: Any,
    mode: str = "MIN_COMBINED",
    name: str | None = None,
    round_mode: str = "HALF_AWAY_FROM_ZERO",
    narrow_range: bool = False,
    axis: int | None = None,
    ensure_minimum_range: float = 0.01,
) -> Any:
    """Converts real numbers to quantized ones, with TensorFlow 1's order of arguments; see ``quantize``."""
    return quantize(input, min_range, max_range, T, mode, round_mode, name, narrow_range, axis, ensure_minimum_range)


def dequantize(
    input: Any,
    min_range: Any,
    max_range: Any,
    mode: str = "MIN_COMBINED",
    name: str | None = None,
    axis: int | None = None,
    narrow_range: bool = False,
    dtype: Any = dtypes.float32,
) -> Any:
    """Converts quantized numbers of a range to real ones.

    Args:
      input: a tensor of a quantized type.
      min_range, max_range, mode, axis, narrow_range: as of ``quantize``.
      name: the name of the node.
      dtype: ``tf.float32``, or ``tf.bfloat16``.

    Returns:
      A tensor of ``dtype``.
    """
    if axis is None:
        axis = -1
    elif axis < 0:
        axis = _from_front(input, axis)
    return raw.Dequantize(
        input, min_range, max_range, mode=mode, axis=axis, narrow_range=narrow_range, dtype=dtype, name=name
    )


def quantize_and_dequantize(
    input: Any,
    input_min: Any,
    input_max: Any,
    signed_input: bool = True,
    num_bits: int = 8,
    range_given: bool = False,
    round_mode: str = "HALF_TO_EVEN",
    name: str | None = None,
    narrow_range: bool = False,
    axis: int | None = None,
) -> Any:
    """Rounds numbers to those that quantized ones could give; the gradient passes everywhere.

    Args:
      input: a tensor of floating-point numbers.
      input_min, input_max: the ends of the range if ``range_given``; vectors where ``axis`` is given.
      signed_input: whether quantized numbers have a sign.
      num_bits: the number of bits of a quantized number.
      range_given: whether to use the given range instead of that of the input.
      round_mode: ``"HALF_TO_EVEN"`` or ``"HALF_UP"``.
      name: the name of the node.
      narrow_range: whether to leave out the least quantized number.
      axis: the dimension whose slices have a range each; None for one range.

    Returns:
      A tensor like ``input``.

    Raises:
      InvalidArgumentError: the range's ends are in the wrong order or of the wrong shape.
    """
    return raw.QuantizeAndDequantizeV2(
        input,
        input_min,
        input_max,
        signed_input=signed_input,
        num_bits=num_bits,
        range_given=range_given,
        round_mode=round_mode,
        narrow_range=narrow_range,
        axis=_axis(input, axis),
        name=name,
    )


def quantize_and_dequantize_v2(
    input: Any,
    input_min: Any,
    input_max: Any,
    signed_input: bool = True,
    num_bits: int = 8,
    range_given: bool = False,
    round_mode: str = "HALF_TO_EVEN",
    name: str | None = None,
    narrow_range: bool = False,
    axis: int | None = None,
) -> Any:
    """Rounds numbers to those that quantized ones could give; the gradient passes inside of the range.

    See ``quantize_and_dequantize`` for the arguments.
    """
    return raw.QuantizeAndDequantizeV4(
        input,
        input_min,
        input_max,
        signed_input=signed_input,
        num_bits=num_bits,
        range_given=range_given,
        round_mode=round_mode,
        narrow_range=narrow_range,
        axis=_axis(input, axis),
        name=name,
    )


def _from_front(input: Any, axis: int) -> int:
    shape = known_shape(input if isinstance(input, Tensor) else convert_to_tensor(input))
    if shape is None:
        raise ValueError("input should have known rank to use negative axis.")
    if axis < -len(shape):
        raise ValueError(f"axis {axis} is out of range for an input of rank {len(shape)}.")
    return axis % len(shape)


def _axis(input: Any, axis: int | None) -> int:
    if axis is None:
        return -1
    if axis >= 0:
        return axis
    return _from_front(input, axis)


def quantized_concat(concat_dim: Any, values: Any, input_mins: Any, input_maxes: Any, name: str | None = None) -> Any:
    """Concatenates quantized tensors of different ranges, in a range that holds them all.

    Args:
      concat_dim: the dimension along which to concatenate, counted from 0.
      values: at least two tensors of a quantized type.
      input_mins, input_maxes: the ends of the range of each.
      name: the name of the node.

    Returns:
      The tensor, and the ends of its range.
    """
    return raw.QuantizedConcat(concat_dim, values, input_mins, input_maxes, name=name)


def quantized_avg_pool(
    input: Any, min_input: Any, max_input: Any, ksize: Any, strides: Any, padding: str, name: str | None = None
) -> Any:
    """Averages the windows of quantized images; returns them and the ends of their range."""
    return raw.QuantizedAvgPool(input, min_input, max_input, ksize=ksize, strides=strides, padding=padding, name=name)


def quantized_max_pool(
    input: Any, min_input: Any, max_input: Any, ksize: Any, strides: Any, padding: str, name: str | None = None
) -> Any:
    """Finds the greatest numbers of the windows of quantized images; returns them and the ends of their range."""
    return raw.QuantizedMaxPool(input, min_input, max_input, ksize=ksize, strides=strides, padding=padding, name=name)


def quantized_conv2d(
    input: Any,
    filter: Any,
    min_input: Any,
    max_input: Any,
    min_filter: Any,
    max_filter: Any,
    strides: Any,
    padding: str,
    out_type: Any = dtypes.qint32,
    dilations: Any = [1, 1, 1, 1],  # noqa: B006
    name: str | None = None,
) -> Any:
    """Convolves quantized images with quantized filters; returns the result and the ends of its range."""
    return raw.QuantizedConv2D(
        input,
        filter,
        min_input,
        max_input,
        min_filter,
        max_filter,
        strides=strides,
        padding=padding,
        out_type=out_type,
        dilations=dilations,
        name=name,
    )


def quantized_relu_x(
    features: Any,
    max_value: Any,
    min_features: Any,
    max_features: Any,
    out_type: Any = dtypes.quint8,
    name: str | None = None,
) -> Any:
    """Limits quantized numbers to those from zero to ``max_value``; returns them and the ends of their range."""
    return raw.QuantizedReluX(features, max_value, min_features, max_features, out_type=out_type, name=name)
