"""Concatenates and reshapes quantized tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import OpDef, at_least, default
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.dimensions import merge_dimensions, text, with_rank
from tideflow._src.ops.quantization.numbers import dequantize_tensor, limits_of, packed, plain, quantize_tensor, single
from tideflow._src.runtime.op import op


@op(
    "QuantizedConcat",
    "concat_dim: static int32, values: N * T, input_mins: N * float, input_maxes: N * float -> output: T, "
    "output_min: float, output_max: float",
    tier="host",
    N=at_least(2),
    differentiable="missing",
)
def quantized_concat_op(concat_dim, values, input_mins, input_maxes):
    """Concatenates quantized tensors of different ranges, in a range that holds them all."""
    if np.ndim(concat_dim):
        raise invalid_argument(
            f"Concat dim tensor should be a scalar integer, but got shape {text(np.shape(concat_dim))}"
        )
    axis = int(concat_dim)
    first = values[0].shape
    if not 0 <= axis < max(len(first), 1):
        raise invalid_argument(
            f"ConcatOp : Expected concatenating dimensions in the range [0, {len(first)}), but got {axis}"
        )
    if values[0].dtype.names is None:
        raise invalid_argument(f"values must be of a quantized type, but are {values[0].dtype.name}")
    for index, value in enumerate(values):
        if value.ndim != len(first):
            raise invalid_argument(
                "ConcatOp : Ranks of all input tensors should match: "
                f"shape[0] = {text(first)} vs. shape[{index}] = {text(value.shape)}"
            )
        if value.shape[:axis] + value.shape[axis + 1 :] != first[:axis] + first[axis + 1 :]:
            raise invalid_argument(
                "ConcatOp : Dimensions of inputs should match: "
                f"shape[0] = {text(first)} vs. shape[{index}] = {text(value.shape)}"
            )
    lows = [single(item, f"input_mins {index}") for index, item in enumerate(input_mins)]
    highs = [single(item, f"input_maxes {index}") for index, item in enumerate(input_maxes)]
    bottom, top = min(lows), max(highs)
    limits = limits_of(values[0].dtype)
    if limits.lowest:
        top = np.float32(max(abs(bottom), abs(top)))
        bottom = np.float32(-top)
    parts = []
    for value, low, high in zip(values, lows, highs, strict=True):
        numbers = np.atleast_1d(plain(value))
        if (low, high) != (bottom, top):
            numbers = quantize_tensor(dequantize_tensor(numbers, low, high, limits), bottom, top, limits)
        parts.append(numbers)
    return packed(np.concatenate(parts, axis), values[0].dtype), bottom, top


@quantized_concat_op.shape
def _quantized_concat_shape(concat_dim, values, input_mins, input_maxes):
    with_rank(concat_dim.shape, 0)
    for shape in (*input_mins, *input_maxes):
        with_rank(shape, 0)
    known = [shape for shape in values if shape is not None]
    if not known:
        return None, (), ()
    rank = len(known[0])
    if concat_dim.value is None:
        return (None,) * rank, (), ()
    axis = int(concat_dim.value)
    if not -rank <= axis < rank:
        raise ValueError(f"ConcatOp : Expected concatenating dimensions in the range [{-rank}, {rank}), but got {axis}")
    axis %= rank
    result: list[Any] = [None] * rank
    for shape in known:
        shape = with_rank(shape, rank)
        for index in range(rank):
            if index != axis:
                result[index] = merge_dimensions(result[index], shape[index])
    if len(known) == len(values) and all(shape[axis] is not None for shape in known):
        result[axis] = sum(shape[axis] for shape in known)
    return tuple(result), (), ()


@quantized_concat_op.samples
def _quantized_concat_samples(s):
    a, b = s.array((2, 3), "quint8"), s.array((2, 1), "quint8")
    yield s(1, [a, b], [np.float32(-1), np.float32(0)], [np.float32(1), np.float32(2)])
    yield s(0, [a, a], [np.float32(-1), np.float32(-1)], [np.float32(1), np.float32(1)])
    wide = s.array((4,), "qint32")
    yield s(0, [wide, wide], [np.float32(-1), np.float32(0)], [np.float32(1), np.float32(2)])
    yield s(0, [a, b], [np.float32(-1), np.float32(0)], [np.float32(1), np.float32(2)], error="InvalidArgumentError")
    yield s(-1, [a, b], [np.float32(-1), np.float32(0)], [np.float32(1), np.float32(2)], error="InvalidArgumentError")
    bad = [np.float32([1, 2]), np.float32(2)]
    yield s(1, [a, b], [np.float32(-1), np.float32(0)], bad, error="InvalidArgumentError")


@op(
    "QuantizedReshape",
    "tensor: T, shape: static Tshape, input_min: float, input_max: float -> output: T, output_min: float, "
    "output_max: float",
    tier="host",
    Tshape=default("int32", INDEX),
    differentiable="missing",
)
def quantized_reshape_op(tensor, shape, input_min, input_max):
    """Arranges the elements of a quantized tensor in another shape."""
    ends = single(input_min, "input_min"), single(input_max, "input_max")
    return OpDef.registry["Reshape"].kernel(np, tensor, shape), *ends


@quantized_reshape_op.shape
def _quantized_reshape_shape(tensor, shape, input_min, input_max):
    with_rank(input_min, 0)
    with_rank(input_max, 0)
    return OpDef.registry["Reshape"].shape_rule(tensor, shape), (), ()


@quantized_reshape_op.samples
def _quantized_reshape_samples(s):
    values = s.array((2, 3), "quint8")
    yield s(values, [3, 2], -1.0, 2.0)
    yield s(values, np.int64([3, -1]), -1.0, 2.0)
    yield s(values, [4, 2], -1.0, 2.0, error="InvalidArgumentError")
    yield s(values, [3, 2], [-1.0, 1.0], 2.0, error="InvalidArgumentError")
