"""Adds and multiplies quantized numbers: results are of 32 bits, in a range that has room for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import default
from tideflow._src.graph.shape_inference import broadcast
from tideflow._src.ops.dimensions import merge_dimensions, text, with_rank, with_rank_at_least
from tideflow._src.ops.quantization.conversion import QUANTIZED
from tideflow._src.ops.quantization.numbers import (
    Limits,
    Range,
    dequantize,
    dequantize_tensor,
    limits_of,
    packed,
    plain,
    product_range,
    quantize,
    quantize_tensor,
    quantize_unclamped,
    scalar,
)
from tideflow._src.runtime.op import op

_BYTE = Limits(0, 255)


def range_of(low: Any, high: Any, name: str) -> tuple[np.float32, np.float32]:
    """Returns the ends of a range whose inputs are called ``min_name`` and ``max_name``; checks their order."""
    least, greatest = scalar(low, f"min_{name}"), scalar(high, f"max_{name}")
    if not greatest > least:
        raise invalid_argument(f"max_{name} must be larger than min_{name}, but they are {greatest:g} and {least:g}.")
    return least, greatest


def wrapped(values: Any) -> Any:
    """Returns integers as 32-bit ones; what does not fit wraps around."""
    return np.asarray(values).astype(np.int64).astype(np.int32)


def scalars(*shapes: Any) -> None:
    """Checks that shapes are those of scalars."""
    for shape in shapes:
        with_rank(shape, 0)


def _broadcast(x: Any, y: Any) -> None:
    try:
        np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        raise invalid_argument(f"Incompatible shapes: {text(x.shape)} vs. {text(y.shape)}") from None


def _not_empty(x: Any, y: Any) -> None:
    if not x.size or not y.size:
        raise invalid_argument(f"Must have some elements, but the shapes are {text(x.shape)} and {text(y.shape)}")


def _scaled_sum_range(x: Any, y: Any, bits: int) -> tuple[np.float32, np.float32]:
    reach = max(abs(float(item)) for item in (*x, *y)) if bits == 14 else max(x[1], -x[0], y[1], -y[0])
    top = np.float32(np.float32(reach) * np.float32(1 << bits))
    return np.float32(-top), top


@op(
    "QuantizedAdd",
    "x: T1, y: T2, min_x: float, max_x: float, min_y: float, max_y: float -> z: Toutput, min_z: float, max_z: float",
    tier="host",
    T1=QUANTIZED,
    T2=QUANTIZED,
    Toutput=default("qint32", QUANTIZED),
    differentiable="missing",
)
def quantized_add_op(x, y, min_x, max_x, min_y, max_y, *, Toutput: DType):
    """Adds quantized numbers of two ranges, element by element."""
    range_x, range_y = range_of(min_x, max_x, "x"), range_of(min_y, max_y, "y")
    _not_empty(x, y)
    _broadcast(x, y)
    limits = limits_of(Toutput)
    bottom, top = _scaled_sum_range(range_x, range_y, 14)
    terms = [
        _in_range(plain(value), limits_of(value.dtype), pair, (bottom, top), limits)
        for value, pair in ((x, range_x), (y, range_y))
    ]
    return packed(wrapped(terms[0] + terms[1]), Toutput), bottom, top


def _in_range(values: Any, before: Limits, source: Range, target: Range, after: Limits) -> Any:
    """Moves numbers to another range: tensors of 8 bits along a line through the images of 0 and 1."""
    if before == _BYTE and after.steps == 1 << 32 and values.size != 1:
        zero, one = (int(quantize_unclamped(dequantize(step, *source, before), *target, after)) for step in (0, 1))
        return np.clip(zero + values.astype(np.int64) * (one - zero), after.lowest, after.highest)
    return quantize(dequantize(values, *source, before), *target, after)


def _elementwise_shape(x: Any, y: Any, min_x: Any, max_x: Any, min_y: Any, max_y: Any) -> Any:
    scalars(min_x, max_x, min_y, max_y)
    return broadcast(x, y), (), ()


quantized_add_op.shape(_elementwise_shape)


def _elementwise_samples(s: Any) -> Any:
    x, y = s.array((2, 3), "quint8"), s.array((2, 3), "quint8")
    for first, second in ((x, y), (x, y[0]), (x[0], y), (x, y[0, 0]), (x[0, 0], y)):
        yield s(first, second, -1.0, 2.0, -3.0, 1.0)
    yield s(x, y, 2.0, 2.0, -3.0, 1.0, error="InvalidArgumentError")
    yield s(x, y, [1.0], 2.0, -3.0, 1.0, error="InvalidArgumentError")
    yield s(x, y[:, :2], 1.0, 2.0, -3.0, 1.0, error="InvalidArgumentError")


quantized_add_op.samples(_elementwise_samples)


def offset_of(dtype: Any, pair: Range) -> int:
    """Returns the quantized number that stands for zero in a range; it may lie outside of the type's limits."""
    return int(quantize_unclamped(np.float32(0), *pair, limits_of(dtype)))


@op(
    "QuantizedMul",
    "x: T1, y: T2, min_x: float, max_x: float, min_y: float, max_y: float -> z: Toutput, min_z: float, max_z: float",
    tier="host",
    T1=QUANTIZED,
    T2=QUANTIZED,
    Toutput=default("qint32", QUANTIZED),
    differentiable="missing",
)
def quantized_mul_op(x, y, min_x, max_x, min_y, max_y, *, Toutput: DType):
    """Multiplies quantized numbers of two ranges, element by element."""
    range_x, range_y = range_of(min_x, max_x, "x"), range_of(min_y, max_y, "y")
    _not_empty(x, y)
    _broadcast(x, y)
    factors = [
        plain(value).astype(np.int64) - offset_of(value.dtype, pair) for value, pair in ((x, range_x), (y, range_y))
    ]
    ends = product_range(range_x, range_y, limits_of(x.dtype), limits_of(y.dtype), limits_of(Toutput))
    return packed(wrapped(factors[0] * factors[1]), Toutput), *ends


@quantized_mul_op.shape
def _quantized_mul_shape(x, y, min_x, max_x, min_y, max_y):
    del min_x, max_x, min_y, max_y  # TensorFlow looks at them when it runs
    return broadcast(x, y), (), ()


quantized_mul_op.samples(_elementwise_samples)


@op(
    "QuantizedBiasAdd",
    "input: T1, bias: T2, min_input: float, max_input: float, min_bias: float, max_bias: float -> output: out_type, "
    "min_out: float, max_out: float",
    tier="host",
    T1=QUANTIZED,
    T2=QUANTIZED,
    out_type=QUANTIZED,
    differentiable="missing",
)
def quantized_bias_add_op(input, bias, min_input, max_input, min_bias, max_bias, *, out_type: DType):
    """Adds a vector to the last dimension of a tensor, both quantized in a range of their own."""
    pair = scalar(min_input, "min_input"), scalar(max_input, "max_input")
    other = scalar(min_bias, "min_bias"), scalar(max_bias, "max_bias")
    if input.ndim < 2:
        raise invalid_argument(f"Input tensor must be at least 2D: {text(input.shape)}")
    if bias.ndim != 1:
        raise invalid_argument(f"Biases must be 1D: {text(bias.shape)}")
    if bias.shape[0] != input.shape[-1]:
        raise invalid_argument(
            "Must provide as many biases as the last dimension of the input tensor: "
            f"{text(bias.shape)} vs. {text(input.shape)}"
        )
    if not bias.size:
        raise invalid_argument("Must provide at least 1 bias")
    limits = limits_of(out_type)
    ends = _scaled_sum_range(pair, other, 17)
    bytes_only = limits_of(input.dtype) == _BYTE and limits_of(bias.dtype) == _BYTE
    terms = []
    for value, source in ((input, pair), (bias, other)):
        before = limits_of(value.dtype)
        if bytes_only:
            terms.append(quantize_tensor(dequantize_tensor(plain(value), *source, before), *ends, limits))
        else:
            terms.append(quantize(dequantize(plain(value), *source, before), *ends, limits))
    zero = int(quantize(np.float32(0), *ends, limits))
    total = terms[0].astype(np.int64) + terms[1] + zero
    return packed(wrapped(total), out_type), *ends


@quantized_bias_add_op.shape
def _quantized_bias_add_shape(input, bias, min_input, max_input, min_bias, max_bias):
    with_rank_at_least(input, 2)
    with_rank(bias, 1)
    scalars(min_input, max_input, min_bias, max_bias)
    if input is None:
        return None, (), ()
    return (*input[:-1], merge_dimensions(input[-1], None if bias is None else bias[0])), (), ()


@quantized_bias_add_op.samples
def _quantized_bias_add_samples(s):
    for dtype in ("quint8", "qint8"):
        yield s(s.array((2, 3), dtype), s.array((3,), dtype), -1.0, 2.0, -3.0, 1.0, out_type="qint32")
    x, bias = s.array((2, 3), "quint8"), s.array((2,), "quint8")
    yield s(x, bias, -1.0, 2.0, -3.0, 1.0, out_type="qint32", error="InvalidArgumentError")
    yield s(x[0], bias, -1.0, 2.0, -3.0, 1.0, out_type="qint32", error="InvalidArgumentError")


@op(
    "QuantizedMatMul",
    "a: T1, b: T2, min_a: float, max_a: float, min_b: float, max_b: float -> out: Toutput, min_out: float, "
    "max_out: float",
    tier="host",
    T1=QUANTIZED,
    T2=QUANTIZED,
    Toutput=default("qint32", QUANTIZED),
    Tactivation=default("quint8", QUANTIZED),
    differentiable="missing",
)
def quantized_mat_mul_op(
    a,
    b,
    min_a,
    max_a,
    min_b,
    max_b,
    *,
    Toutput: DType,
    transpose_a: bool = False,
    transpose_b: bool = False,
    Tactivation: DType,
):
    """Multiplies two matrices of quantized numbers."""
    del Tactivation
    for name, value in (("In[0]", a), ("In[1]", b)):
        if value.ndim != 2:
            raise invalid_argument(f"{name} is not a matrix. Instead it has shape {text(value.shape)}")
    range_a, range_b = range_of(min_a, max_a, "a"), range_of(min_b, max_b, "b")
    left, right = (
        plain(value).astype(np.float64) - offset_of(value.dtype, pair) for value, pair in ((a, range_a), (b, range_b))
    )
    left, right = left.T if transpose_a else left, right.T if transpose_b else right
    if left.shape[1] != right.shape[0]:
        raise invalid_argument(f"Matrix size-incompatible: In[0]: {text(a.shape)}, In[1]: {text(b.shape)}")
    ends = product_range(range_a, range_b, limits_of(a.dtype), limits_of(b.dtype), limits_of(Toutput))
    return packed(wrapped(left @ right), Toutput), *ends


@quantized_mat_mul_op.shape
def _quantized_mat_mul_shape(a, b, min_a, max_a, min_b, max_b, *, transpose_a, transpose_b):
    left, right = with_rank(a, 2), with_rank(b, 2)
    scalars(min_a, max_a, min_b, max_b)
    if transpose_a:
        left = left[::-1]
    if transpose_b:
        right = right[::-1]
    merge_dimensions(left[1], right[0])
    return (left[0], right[1]), (), ()


@quantized_mat_mul_op.samples
def _quantized_mat_mul_samples(s):
    a, b = s.array((2, 3), "quint8"), s.array((3, 4), "quint8")
    yield s(a, b, -1.0, 2.0, -3.0, 1.0)
    yield s(a, s.array((2, 4), "quint8"), 1.0, 2.0, -3.0, 1.0, transpose_a=True)
    yield s(a, s.array((4, 3), "quint8"), -1.0, 2.0, -3.0, 1.0, transpose_b=True)
    yield s(a[:0], b, -1.0, 2.0, -3.0, 1.0)
    yield s(a, a, -1.0, 2.0, -3.0, 1.0, error="InvalidArgumentError")
    yield s(a, b, 2.0, 2.0, -3.0, 1.0, error="InvalidArgumentError")
    yield s(a, b, [2.0], 2.0, -3.0, 1.0, error="InvalidArgumentError")
    yield s(a, b[0], 1.0, 2.0, -3.0, 1.0, error="InvalidArgumentError")
