"""Multiplies uniformly quantized matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import invalid_argument
from tideflow._src.ops.dimensions import merge_dimensions, text, with_rank
from tideflow._src.ops.quantization.numbers import packed, plain
from tideflow._src.ops.quantization.uniform import (
    along,
    check_parameters,
    check_scales,
    limits,
    quantize,
    requantize,
)
from tideflow._src.runtime.op import op


def check_product_axes(lhs: int, rhs: int, output: int, rhs_features: int, output_features: int) -> None:
    """Checks that only the features of the second factor, and then of the product, have parameters of their own."""
    if lhs != -1:
        raise invalid_argument(f"lhs_quantization_axis Attr must be -1 (per-tensor), but is {lhs}.")
    if rhs not in (-1, rhs_features):
        raise invalid_argument(f"rhs_quantization_axis Attr must be -1 (per-tensor) or {rhs_features}, but is {rhs}.")
    if output not in (-1, output_features):
        raise invalid_argument(
            f"output_quantization_axis Attr must be -1 (per-tensor) or {output_features}, but is {output}."
        )
    if output != -1 and rhs == -1:
        raise invalid_argument("If the output is quantized per-axis, rhs must be quantized per-axis, too.")


def quantize_rows(values: Any) -> tuple[Any, Any, Any]:
    """Quantizes each row of numbers in the range that it has: returns integers, scales and zero points."""
    axes = tuple(range(1, values.ndim))
    zero = np.float32(0)
    low = np.minimum(values.min(axes, keepdims=True, initial=0), zero).astype(np.float64)
    high = np.maximum(values.max(axes, keepdims=True, initial=0), zero).astype(np.float64)
    flat = low == high
    scale = np.where(flat, 1.0, (high - low) / 255.0)
    from_low, from_high = -128 - low / scale, 127 - high / scale
    nearer = 128 + np.abs(low / scale) < 127 + np.abs(high / scale)
    chosen = np.clip(np.rint(np.where(nearer, from_low, from_high)), -128, 127)
    zero_points = np.where(flat, 0, np.nan_to_num(chosen)).astype(np.int32)
    scale = scale.astype(np.float32)
    return quantize(values, scale, zero_points, -128, 127), scale, zero_points


def _matrices(lhs: Any, rhs: Any) -> None:
    for name, value in (("lhs", lhs), ("rhs", rhs)):
        if value.ndim != 2:
            raise invalid_argument(f"{name} rank must be 2, but given {name} shape {text(value.shape)}")
    if lhs.shape[1] != rhs.shape[0]:
        raise invalid_argument(
            f"lhs.dim_size(1) and rhs.dim_size(0) must be equal, but given lhs shape {text(lhs.shape)} and rhs shape "
            f"{text(rhs.shape)}"
        )


@op(
    "UniformQuantizedDot",
    "lhs: Tin, rhs: Tin, lhs_scales: float, lhs_zero_points: int32, rhs_scales: float, rhs_zero_points: int32, "
    "output_scales: float, output_zero_points: int32 -> output: Tout",
    tier="host",
    Tin=("qint8",),
    Tout=("qint32",),
    differentiable="missing",
)
def uniform_quantized_dot_op(
    lhs,
    rhs,
    lhs_scales,
    lhs_zero_points,
    rhs_scales,
    rhs_zero_points,
    output_scales,
    output_zero_points,
    *,
    Tout: DType,
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
    """Multiplies two quantized matrices; columns of the second one may have scales and zero points of their own."""
    del lhs_quantization_min_val, lhs_quantization_max_val, rhs_quantization_min_val, rhs_quantization_max_val
    check_product_axes(lhs_quantization_axis, rhs_quantization_axis, output_quantization_axis, 1, 1)
    _matrices(lhs, rhs)
    check_parameters(lhs.shape, lhs_scales, lhs_zero_points, -1)
    check_parameters(rhs.shape, rhs_scales, rhs_zero_points, rhs_quantization_axis)
    check_parameters((lhs.shape[0], rhs.shape[1]), output_scales, output_zero_points, output_quantization_axis)
    check_scales(lhs_scales, rhs_scales, output_scales)
    left = plain(lhs).astype(np.float64) - lhs_zero_points
    right = plain(rhs).astype(np.float64) - along(rhs_zero_points, 2, rhs_quantization_axis)
    total = (left @ right).astype(np.int64).astype(np.int32)
    factor = lhs_scales.astype(np.float64) * along(rhs_scales, 2, rhs_quantization_axis)
    scale, zero = (along(item, 2, output_quantization_axis) for item in (output_scales, output_zero_points))
    least, greatest = output_quantization_min_val, output_quantization_max_val
    return packed(requantize(total, factor, 0, scale, zero, least, greatest), Tout)


def _product_shape(lhs: Any, rhs: Any) -> Any:
    left, right = with_rank(lhs, 2), with_rank(rhs, 2)
    merge_dimensions(left[1], right[0])
    return left[0], right[1]


@uniform_quantized_dot_op.shape
def _uniform_quantized_dot_shape(
    lhs,
    rhs,
    lhs_scales,
    lhs_zero_points,
    rhs_scales,
    rhs_zero_points,
    output_scales,
    output_zero_points,
):
    with_rank(lhs_scales, 0)
    return _product_shape(lhs, rhs)


_BYTE = {"quantization_min_val": -128, "quantization_max_val": 127}


@uniform_quantized_dot_op.samples
def _uniform_quantized_dot_samples(s):
    more = limits("lhs", "rhs", "output", lhs=_BYTE, rhs=_BYTE) | {"Tout": "qint32"}
    a, b = s.array((2, 3), "qint8"), s.array((3, 2), "qint8")
    yield s(a, b, 0.5, 3, 0.3, -2, 0.25, 7, **more)
    yield s(a, b, 0.5, 3, [0.3, 0.2], [-2, 1], 0.25, 7, rhs_quantization_axis=1, **more)
    axes = {"rhs_quantization_axis": 1, "output_quantization_axis": 1}
    yield s(a, b, 0.5, 3, [0.3, 0.2], [-2, 1], [0.25, 0.1], [7, 2], **axes, **more)
    yield s(a, a, 0.5, 3, 0.3, -2, 0.25, 7, error="InvalidArgumentError", **more)
    lhs = {"lhs_quantization_axis": 0}
    yield s(a, b, [0.5, 0.2], [3, 1], 0.3, -2, 0.25, 7, error="InvalidArgumentError", **lhs, **more)


@op(
    "UniformQuantizedDotHybrid",
    "lhs: Tlhs, rhs: Trhs, rhs_scales: float, rhs_zero_points: int32 -> output: Tout",
    tier="host",
    Tlhs=("float",),
    Trhs=("qint8",),
    Tout=("float",),
    differentiable="missing",
)
def uniform_quantized_dot_hybrid_op(
    lhs,
    rhs,
    rhs_scales,
    rhs_zero_points,
    *,
    Tout: DType,
    rhs_quantization_axis: int = -1,
    rhs_quantization_min_val: int,
    rhs_quantization_max_val: int,
):
    """Multiplies a matrix of real numbers, whose rows are quantized on the way, by a quantized one."""
    del rhs_quantization_min_val, rhs_quantization_max_val
    _matrices(lhs, rhs)
    check_product_axes(-1, rhs_quantization_axis, -1, 1, 1)
    check_parameters(rhs.shape, rhs_scales, rhs_zero_points, rhs_quantization_axis)
    check_scales(rhs_scales)
    values, scale, zero_points = quantize_rows(lhs)
    right = plain(rhs).astype(np.float64) - along(rhs_zero_points, 2, rhs_quantization_axis)
    total = (values.astype(np.float64) - zero_points) @ right
    factor = scale * along(rhs_scales, 2, rhs_quantization_axis)
    return (total.astype(np.float32) * factor).astype(Tout.as_numpy_dtype)


@uniform_quantized_dot_hybrid_op.shape
def _uniform_quantized_dot_hybrid_shape(lhs, rhs, rhs_scales, rhs_zero_points):
    return _product_shape(lhs, rhs)


@uniform_quantized_dot_hybrid_op.samples
def _uniform_quantized_dot_hybrid_samples(s):
    more = limits("rhs", rhs=_BYTE) | {"Tout": "float"}
    a, b = s.normal(2, 3), s.array((3, 2), "qint8")
    yield s(a, b, 0.3, -2, **more)
    yield s(a, b, [0.3, 0.2], [-2, 1], rhs_quantization_axis=1, **more)
    yield s(np.zeros((2, 3), np.float32), b, 0.3, -2, **more)
    yield s(a[:, :2], b, 0.3, -2, error="InvalidArgumentError", **more)
