"""Quantizes uniformly: a real number is ``scale * (quantized - zero_point)``, for a tensor or for each slice of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.shape_inference import broadcast
from tideflow._src.ops.dimensions import text, with_rank_at_most
from tideflow._src.ops.quantization.numbers import packed, plain
from tideflow._src.runtime.op import op

_LEAST, _GREATEST = -(1 << 31), (1 << 31) - 1


def check_parameters(shape: tuple[int, ...], scales: Any, zero_points: Any, axis: int) -> None:
    """Checks that scales and zero points fit a tensor, of which they are, or for each slice along ``axis``."""
    if axis < -1:
        raise invalid_argument(f"quantization_axis must be >= -1, given: {axis}")
    if axis >= len(shape):
        raise invalid_argument(f"quantization_axis must be -1 or in range [0, input.rank), but given {axis}")
    given = f"scales shape {text(scales.shape)} and zero_points shape {text(zero_points.shape)}"
    if scales.shape != zero_points.shape:
        raise invalid_argument(f"scales and zero_points shape must be same, but given {given}")
    if axis == -1 and scales.ndim:
        raise invalid_argument(
            f"If quantization_axis is -1, scales and zero_points must be scalar tensors, but given {given}"
        )
    if axis != -1 and scales.shape != (shape[axis],):
        raise invalid_argument(
            "If quantization_axis is not -1, scales and zero_points must be a tensor of rank 1 and the size must be "
            f"equal to the input.dim_size(quantization_axis), but given quantization_axis {axis}, {given}"
        )


def along(values: Any, rank: int, axis: int) -> Any:
    """Shapes a vector so that it broadcasts along a dimension; leaves a scalar as it is."""
    values = np.asarray(values)
    return values if axis == -1 else values.reshape([-1 if index == axis else 1 for index in range(rank)])


def quantize(values: Any, scales: Any, zero_points: Any, least: int, greatest: int) -> Any:
    """Returns the quantized numbers nearest to real ones, halves upwards."""
    nearest = np.floor(values * (np.float32(1) / scales) + np.float32(0.5)).astype(np.int32)
    total = (nearest.astype(np.int64) + zero_points).astype(np.int32)
    return np.maximum(np.minimum(total, greatest), least)


def fixed_point(factor: Any) -> tuple[Any, Any]:
    """Returns positive real factors as 31-bit integers and the powers of two to multiply them by."""
    mantissa, shift = np.frexp(np.asarray(factor, np.float64))
    whole = np.floor(np.nan_to_num(mantissa) * (1 << 31) + 0.5).astype(np.int64)
    full = whole == 1 << 31
    whole, shift = np.where(full, whole // 2, whole), np.where(full, shift + 1, shift).astype(np.int64)
    small = shift < -31
    return np.where(small, 0, whole), np.where(small, 0, np.minimum(shift, 30))


def scaled(values: Any, factor: Any) -> Any:
    """Multiplies integers by real factors, in fixed point and rounded, as TensorFlow Lite does."""
    whole, shift = fixed_point(factor)
    total = 31 - shift
    product = values.astype(np.int64) * whole + (np.int64(1) << (total - 1))
    return np.clip(product >> total, _LEAST, _GREATEST)


def requantize(
    values: Any, scale: Any, zero_point: Any, new_scale: Any, new_zero_point: Any, least: int, greatest: int
) -> Any:
    """Moves integers to another scale and zero point."""
    factor = np.asarray(scale, np.float64) / np.asarray(new_scale, np.float64)
    moved = scaled(values.astype(np.int64) - zero_point, factor) + new_zero_point
    return np.maximum(np.minimum(moved, greatest), least)


def check_scales(*scales: Any) -> None:
    """Checks that scales are positive."""
    for scale in scales:
        if not (np.asarray(scale) > 0).all():
            raise invalid_argument(f"scales must be positive, but are {np.asarray(scale).tolist()}")


def parameters_shape(input: Any, scales: Any, zero_points: Any, axis: int) -> Any:
    """Checks static shapes of scales and zero points, and returns the input's."""
    del axis
    with_rank_at_most(scales, 1)
    with_rank_at_most(zero_points, 1)
    return input


@op(
    "UniformQuantize",
    "input: Tin, scales: float, zero_points: int32 -> output: Tout",
    tier="host",
    Tin=("float",),
    Tout=("qint8", "quint8", "qint32"),
    differentiable="missing",
)
def uniform_quantize_op(
    input,
    scales,
    zero_points,
    *,
    Tout: DType,
    quantization_axis: int = -1,
    quantization_min_val: int,
    quantization_max_val: int,
):
    """Converts real numbers to quantized ones: ``input / scales + zero_points``, rounded."""
    check_parameters(input.shape, scales, zero_points, quantization_axis)
    scale, zero = (along(item, input.ndim, quantization_axis) for item in (scales, zero_points))
    return packed(quantize(input, scale, zero, quantization_min_val, quantization_max_val), Tout)


@uniform_quantize_op.shape
def _uniform_quantize_shape(input, scales, zero_points, *, quantization_axis):
    return parameters_shape(input, scales, zero_points, quantization_axis)


_BYTE = {"quantization_min_val": -128, "quantization_max_val": 127}
_WORD = {"quantization_min_val": _LEAST, "quantization_max_val": _GREATEST}


@uniform_quantize_op.samples
def _uniform_quantize_samples(s):
    values = s.uniform(-40, 40, (2, 3))
    yield s(values, 0.5, 3, Tout="qint8", **_BYTE)
    yield s(values, 0.01, 3, Tout="qint32", **_WORD)
    yield s(values, [0.5, 0.2], [3, -1], Tout="qint8", quantization_axis=0, **_BYTE)
    yield s(values, 0.5, 3, Tout="quint8", quantization_min_val=0, quantization_max_val=255)
    yield s(values, [0.5], 3, Tout="qint8", error="InvalidArgumentError", **_BYTE)
    yield s(values, [0.5], [3], Tout="qint8", quantization_axis=0, error="InvalidArgumentError", **_BYTE)
    yield s(values, 0.5, 3, Tout="qint8", quantization_axis=-2, error="InvalidArgumentError", **_BYTE)


@op(
    "UniformDequantize",
    "input: Tin, scales: float, zero_points: int32 -> output: Tout",
    tier="host",
    Tin=("qint8", "quint8", "qint32"),
    Tout=("float",),
    differentiable="missing",
)
def uniform_dequantize_op(
    input,
    scales,
    zero_points,
    *,
    Tout: DType,
    quantization_axis: int = -1,
    quantization_min_val: int,
    quantization_max_val: int,
):
    """Converts quantized numbers to real ones: ``(input - zero_points) * scales``."""
    del quantization_min_val, quantization_max_val
    check_parameters(input.shape, scales, zero_points, quantization_axis)
    check_scales(scales)
    scale, zero = (along(item, input.ndim, quantization_axis) for item in (scales, zero_points))
    centred = (plain(input).astype(np.int64) - zero).astype(np.int32)
    return (centred.astype(np.float32) * scale).astype(Tout.as_numpy_dtype)


@uniform_dequantize_op.shape
def _uniform_dequantize_shape(input, scales, zero_points, *, quantization_axis):
    return parameters_shape(input, scales, zero_points, quantization_axis)


@uniform_dequantize_op.samples
def _uniform_dequantize_samples(s):
    for dtype in s.dtypes("Tin", quantized=True):
        yield s(s.array((2, 3), dtype), 0.5, 3, Tout="float", **_BYTE)
    values = s.array((2, 3), "qint8")
    yield s(values, [0.5, 0.2, 1.0], [3, -1, 0], Tout="float", quantization_axis=1, **_BYTE)
    yield s(values, [0.5], [3], Tout="float", error="InvalidArgumentError", **_BYTE)


@op(
    "UniformRequantize",
    "input: Tin, input_scales: float, input_zero_points: int32, output_scales: float, output_zero_points: int32 -> "
    "output: Tout",
    tier="host",
    Tin=("qint8", "qint32"),
    Tout=("qint8", "qint32"),
    differentiable="missing",
)
def uniform_requantize_op(
    input,
    input_scales,
    input_zero_points,
    output_scales,
    output_zero_points,
    *,
    Tout: DType,
    input_quantization_axis: int = -1,
    input_quantization_min_val: int,
    input_quantization_max_val: int,
    output_quantization_axis: int = -1,
    output_quantization_min_val: int,
    output_quantization_max_val: int,
):
    """Moves quantized numbers to another scale and zero point."""
    del input_quantization_min_val, input_quantization_max_val
    axes = input_quantization_axis, output_quantization_axis
    if -1 not in axes and axes[0] != axes[1]:
        raise invalid_argument("If input and output is both per-axis quantized, the quantization axis must be same.")
    check_parameters(input.shape, input_scales, input_zero_points, axes[0])
    check_parameters(input.shape, output_scales, output_zero_points, axes[1])
    check_scales(input_scales, output_scales)
    scale, zero = (along(item, input.ndim, axes[0]) for item in (input_scales, input_zero_points))
    new_scale, new_zero = (along(item, input.ndim, axes[1]) for item in (output_scales, output_zero_points))
    least, greatest = output_quantization_min_val, output_quantization_max_val
    moved = requantize(plain(input), scale, zero, new_scale, new_zero, least, greatest)
    return packed(moved, Tout)


@uniform_requantize_op.shape
def _uniform_requantize_shape(
    input,
    input_scales,
    input_zero_points,
    output_scales,
    output_zero_points,
    *,
    input_quantization_axis,
    output_quantization_axis,
):
    parameters_shape(input, input_scales, input_zero_points, input_quantization_axis)
    return parameters_shape(input, output_scales, output_zero_points, output_quantization_axis)


def limits(*names: str, **bits: dict[str, int]) -> dict[str, int]:
    """Returns the limits of several tensors as attributes: ``name_quantization_min_val`` and so on."""
    return {f"{name}_{key}": value for name in names for key, value in bits.get(name, _WORD).items()}


@uniform_requantize_op.samples
def _uniform_requantize_samples(s):
    more = limits("input", "output", input=_BYTE, output=_BYTE)
    values = s.array((2, 3), "qint8")
    yield s(values, 0.5, 3, 0.3, -1, Tout="qint8", **more)
    vector = [0.5, 0.2, 1.0], [3, -1, 0]
    yield s(values, *vector, 0.3, -1, Tout="qint8", input_quantization_axis=1, **more)
    yield s(values, 0.3, -1, *vector, Tout="qint8", output_quantization_axis=1, **more)
    wide = s.integers(-9000, 9000, (2, 3))
    yield s(packed(wide, _qint32()), 0.1, 3, 0.37, -1, Tout="qint32", **limits("input", "output"))
    yield s(packed(wide, _qint32()), 0.1, 3, 7.0, -1, Tout="qint8", **limits("input", "output", output=_BYTE))
    both = {"input_quantization_axis": 0, "output_quantization_axis": 1}
    short = [0.5, 0.2], [3, -1]
    yield s(values, *short, *vector, Tout="qint8", error="InvalidArgumentError", **both, **more)
    yield s(values, [0.5], 3, 0.3, -1, Tout="qint8", error="InvalidArgumentError", **more)


def _qint32() -> np.dtype[Any]:
    return np.dtype([("qint32", np.int32)])


@op(
    "UniformQuantizedAdd",
    "lhs: T, rhs: T, lhs_scales: float, lhs_zero_points: int32, rhs_scales: float, rhs_zero_points: int32, "
    "output_scales: float, output_zero_points: int32 -> output: T",
    tier="host",
    T=("qint32",),
    differentiable="missing",
)
def uniform_quantized_add_op(
    lhs,
    rhs,
    lhs_scales,
    lhs_zero_points,
    rhs_scales,
    rhs_zero_points,
    output_scales,
    output_zero_points,
    *,
    lhs_quantization_axis: int = -1,
    lhs_quantization_min_val: int,
    lhs_quantization_max_val: int,
    rhs_quantization_axis: int = -1,
    rhs_quantization_min_val: int,
    rhs_quantization_max_val: int,
    output_quantization_axis: int = -1,
    output_quantization_min_val: int,
    output_quantization_max_val: int,
):
    """Adds quantized numbers of different scales and zero points; shapes broadcast."""
    del lhs_quantization_min_val, lhs_quantization_max_val, rhs_quantization_min_val, rhs_quantization_max_val
    try:
        shape = np.broadcast_shapes(lhs.shape, rhs.shape)
    except ValueError:
        raise invalid_argument(f"Cannot Add tensors of shapes: {text(lhs.shape)}{text(rhs.shape)}") from None
    check_parameters(lhs.shape, lhs_scales, lhs_zero_points, lhs_quantization_axis)
    check_parameters(rhs.shape, rhs_scales, rhs_zero_points, rhs_quantization_axis)
    check_parameters(shape, output_scales, output_zero_points, output_quantization_axis)
    axis = output_quantization_axis
    for name, tensor, each in (("lhs", lhs, lhs_quantization_axis), ("rhs", rhs, rhs_quantization_axis)):
        if each != -1 and each + len(shape) - tensor.ndim != axis:
            raise invalid_argument(
                f"If {name} is quantized per-axis, the output must be quantized along the same axis, but they are "
                f"{each} (of {tensor.ndim} dimensions) and {axis} (of {len(shape)})"
            )
    check_scales(lhs_scales, rhs_scales, output_scales)
    scale, zero = (along(item, len(shape), axis) for item in (output_scales, output_zero_points))
    least, greatest = output_quantization_min_val, output_quantization_max_val
    terms = []
    for tensor, scales, zero_points, each in (
        (lhs, lhs_scales, lhs_zero_points, lhs_quantization_axis),
        (rhs, rhs_scales, rhs_zero_points, rhs_quantization_axis),
    ):
        place = -1 if each == -1 else each + len(shape) - tensor.ndim
        old_scale, old_zero = (along(item, len(shape), place) for item in (scales, zero_points))
        values = plain(tensor).reshape((1,) * (len(shape) - tensor.ndim) + tensor.shape)
        terms.append(requantize(values, old_scale, old_zero, scale, zero, _LEAST, _GREATEST))
    return packed(np.maximum(np.minimum(terms[0] + terms[1] - zero, greatest), least), lhs.dtype)


@uniform_quantized_add_op.shape
def _uniform_quantized_add_shape(
    lhs,
    rhs,
    lhs_scales,
    lhs_zero_points,
    rhs_scales,
    rhs_zero_points,
    output_scales,
    output_zero_points,
    *,
    lhs_quantization_axis,
    rhs_quantization_axis,
    output_quantization_axis,
):
    shape = broadcast(lhs, rhs)
    parameters_shape(lhs, lhs_scales, lhs_zero_points, lhs_quantization_axis)
    parameters_shape(rhs, rhs_scales, rhs_zero_points, rhs_quantization_axis)
    return parameters_shape(shape, output_scales, output_zero_points, output_quantization_axis)


@uniform_quantized_add_op.samples
def _uniform_quantized_add_samples(s):
    more = limits("lhs", "rhs", "output")
    x, y = (packed(s.integers(-9000, 9000, shape), _qint32()) for shape in ((2, 3), (3,)))
    yield s(x, x, 0.5, 3, 0.3, -2, 0.25, 7, **more)
    yield s(x, y, 0.5, 3, 0.3, -2, 0.25, 7, **more)
    vectors = ([0.5, 0.4, 0.3], [3, 1, 0], [0.3, 0.2, 0.1], [0, 0, 0], [0.25, 0.5, 1.0], [1, 1, 0])
    axes = {"lhs_quantization_axis": 1, "rhs_quantization_axis": 0, "output_quantization_axis": 1}
    yield s(x, y, *vectors, **axes, **more)
    narrow = {**more, "output_quantization_min_val": -1, "output_quantization_max_val": 5000}
    yield s(x, y, 0.5, 3, 0.3, -2, 0.25, 7, **narrow)  # the sum is cut off, not its terms
    yield s(x, y[:2], 0.5, 3, 0.3, -2, 0.25, 7, error="InvalidArgumentError", **more)
    yield s(x, y, [0.5], 3, 0.3, -2, 0.25, 7, error="InvalidArgumentError", **more)


@op(
    "UniformQuantizedClipByValue",
    "operand: T, min: T, max: T, scales: float, zero_points: int32 -> output: T",
    tier="host",
    T=("qint32",),
    differentiable="missing",
)
def uniform_quantized_clip_by_value_op(
    operand,
    min,
    max,
    scales,
    zero_points,
    *,
    quantization_axis: int = -1,
    quantization_min_val: int,
    quantization_max_val: int,
):
    """Limits quantized numbers to those from ``min`` to ``max``, which are quantized in the same way."""
    del quantization_min_val, quantization_max_val
    check_parameters(operand.shape, scales, zero_points, quantization_axis)
    for name, value in (("min", min), ("max", max)):
        if value.shape != scales.shape:
            raise invalid_argument(
                f"Input {name} shape must be same as scales/zero_points. Given {name} of shape {text(value.shape)} and "
                f"scales/zero_points of shape {text(scales.shape)}"
            )
    low, high = (along(plain(item), operand.ndim, quantization_axis) for item in (min, max))
    return packed(np.minimum(np.maximum(plain(operand), low), high), operand.dtype)


@uniform_quantized_clip_by_value_op.shape
def _uniform_quantized_clip_shape(operand, min, max, scales, zero_points, *, quantization_axis):
    parameters_shape(operand, scales, zero_points, quantization_axis)
    parameters_shape(operand, min, max, quantization_axis)
    return operand


@uniform_quantized_clip_by_value_op.samples
def _uniform_quantized_clip_samples(s):
    def word(values: Any) -> Any:
        return packed(np.int32(values), _qint32())

    x = word(s.integers(-90, 90, (2, 3)))
    yield s(x, word(-50), word(20), 0.5, 3, **_WORD)
    vectors = [0.5, 0.3, 0.2], [3, 1, 0]
    yield s(x, word([-50, 0, 0]), word([20, 10, 0]), *vectors, quantization_axis=1, **_WORD)
    yield s(x, word([-5, 0]), word([20, 10]), *vectors, quantization_axis=1, error="InvalidArgumentError", **_WORD)
