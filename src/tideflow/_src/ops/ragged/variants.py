"""Ragged tensors as values of dtype ``variant``, whole or row by row: how they travel through lists and loops."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import invalid_argument
from tideflow._src.core.variant_array import Variant, items_of, variants
from tideflow._src.graph.op_def import at_least, default
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape, text, with_rank, with_rank_at_least
from tideflow._src.ops.ragged.partitions import check_encoded_splits, check_size, splits_of
from tideflow._src.runtime.op import op

Array = np.ndarray[Any, Any]


class RaggedVariant(Variant):
    """Is a ragged tensor as one value.

    Attributes:
      nested: the row splits, the outermost first; none for a dense tensor.
      values: the flat values.
    """

    __slots__ = ("nested", "values")

    def __init__(self, nested: list[Array], values: Array) -> None:
        self.nested, self.values = nested, values

    def __repr__(self) -> str:
        splits = dtypes.of_numpy[self.nested[0].dtype].name if self.nested else "INVALID"
        kind = {"float32": "float", "float64": "double"}.get(name := dtypes.of_numpy[self.values.dtype].name, name)
        return f"<RaggedTensorVariant(dtype={kind}, ragged_rank={len(self.nested)}, splits_dtype={splits}>"

    def __add__(self, other: Any) -> RaggedVariant:
        if other is None:  # an element of a list that was never set
            return self
        if not isinstance(other, RaggedVariant):
            return NotImplemented
        if len(self.nested) != len(other.nested) or self.values.shape != other.values.shape:
            raise invalid_argument("Can only add RaggedTensorVariants with matching row splits.")
        return RaggedVariant(self.nested, np.asarray(self.values + other.values))

    __radd__ = __add__

    def zeros_like(self) -> RaggedVariant:
        """Returns the ragged tensor of the same rows that holds zeros."""
        values = np.full(self.values.shape, b"", object) if self.values.dtype == object else np.zeros_like(self.values)
        return RaggedVariant(self.nested, values)

    def __len__(self) -> int:
        return self.nested[0].size - 1 if self.nested else self.values.shape[0]


def _rows(nested: list[Array], values: Array) -> list[RaggedVariant]:
    """Returns the rows of a ragged tensor."""
    if not nested:
        return [RaggedVariant([], values[row, ...]) for row in range(values.shape[0])]
    # Each level's bounds of every row of the outermost one.
    bounds = nested[0]
    parts: list[list[Array]] = []
    for splits in nested[1:]:
        ends = bounds.tolist()
        parts.append([splits[start : end + 1] - splits[start] for start, end in itertools.pairwise(ends)])
        bounds = splits[bounds]
    ends = bounds.tolist()
    return [
        RaggedVariant([part[row] for part in parts], values[start:end])
        for row, (start, end) in enumerate(itertools.pairwise(ends))
    ]


@op(
    "RaggedTensorToVariant",
    "rt_nested_splits: RAGGED_RANK * Tsplits, rt_dense_values: Tvalues -> encoded_ragged: variant",
    tier="host",
    RAGGED_RANK=at_least(0),
    Tsplits=default("int64", INDEX),
)
def ragged_tensor_to_variant_op(rt_nested_splits, rt_dense_values, *, batched_input: bool):
    """Makes a variant of a ragged tensor, or one of each of its rows."""
    nested, values = list(rt_nested_splits), np.asarray(rt_dense_values)
    if nested and values.ndim == 0:
        raise invalid_argument(
            f"Requires flat_values to have rank>=1 when nested_row_splits is not empty, but is {values.ndim}."
        )
    if batched_input and values.ndim == 0:
        raise invalid_argument("Can't unbatch rank-0 tensor.")
    for level, splits in enumerate(nested):
        check_encoded_splits(splits, nested[level + 1].size - 1 if level + 1 < len(nested) else values.shape[0])
    return variants(_rows(nested, values)) if batched_input else RaggedVariant(nested, values)


@ragged_tensor_to_variant_op.shape
def _ragged_tensor_to_variant_shape(rt_nested_splits, rt_dense_values, *, batched_input):
    for splits in rt_nested_splits:
        with_rank(splits, 1)
    if rt_nested_splits or batched_input:
        with_rank_at_least(rt_dense_values, 1)
    if not batched_input:
        return ()
    if rt_nested_splits:
        rows = with_rank(rt_nested_splits[0], 1)[0]
        if rows == 0:
            raise ValueError("Negative dimension size caused by subtracting 1 from 0")
        return (None if rows is None else rows - 1,)
    return (rt_dense_values[0] if rt_dense_values else None,)


@ragged_tensor_to_variant_op.gradient
def _ragged_tensor_to_variant_gradient(call, d_encoded):
    nested, values = call.inputs
    splits = nested[0] if nested else np.zeros((), np.int64)
    kind = values.dtype.base_dtype
    return [None] * len(nested), ragged_tensor_to_variant_gradient_op(
        d_encoded, splits, raw.Shape(values), Tvalues=kind
    )


@op(
    "RaggedTensorFromVariant",
    "encoded_ragged: variant -> output_nested_splits: output_ragged_rank * Tsplits, output_dense_values: Tvalues",
    tier="host",
    input_ragged_rank=at_least(-1),
    output_ragged_rank=at_least(0),
    Tsplits=default("int64", INDEX),
)
def ragged_tensor_from_variant_op(
    encoded_ragged, *, input_ragged_rank: int, output_ragged_rank: int, Tvalues: DType, Tsplits: DType
):
    """Makes a ragged tensor of a variant, or of variants that are its rows."""
    outer = encoded_ragged.shape
    rank = _inferred_rank(input_ragged_rank, output_ragged_rank, len(outer), invalid_argument)
    items = items_of(encoded_ragged)
    for place, item in enumerate(items):
        _check_item(place, item, rank, Tvalues, Tsplits)
    kind = np.dtype(Tsplits.as_numpy_dtype)
    if not outer:
        return list(items[0].nested), items[0].values
    values_type = np.dtype(object) if Tvalues is dtypes.string else np.dtype(Tvalues.as_numpy_dtype)
    if not items:
        empty = np.zeros(0, values_type)
        return _outer_splits((*outer, 0), kind)[: len(outer) - 1] + [np.zeros(1, kind)] * (
            output_ragged_rank - len(outer) + 1
        ), empty
    if output_ragged_rank == 0:
        _check_alike(items, 0)
        return [], np.stack([item.values for item in items]).reshape(*outer, *items[0].values.shape)
    for place, item in enumerate(items):
        if not item.values.ndim:
            raise invalid_argument(
                f"Ragged values must have rank >= 1; encoded scalar element at index {place} has values Tensor: "
                f"Tensor<type: {Tvalues.name} shape: [] values: {item.values}>"
            )
    _check_alike(items, 1)
    lengths = np.fromiter(map(len, items), np.int64, len(items))
    splits = [*_outer_splits(outer, kind), splits_of(lengths).astype(kind)]
    for level in range(rank):
        parts = [item.nested[level] for item in items]
        splits.append(splits_of(np.concatenate([np.diff(part) for part in parts])).astype(kind))
    return splits, np.concatenate([item.values for item in items])


def _inferred_rank(given: int, output: int, outer: int, error: Any) -> int:
    rank = output - outer if given == -1 else given
    if given == -1:
        if rank < -1:
            raise error(
                "Inferred input_ragged_rank (output_ragged_rank - encoded_variant.dims()) must be >= 0, found "
                f"output_ragged_rank: {output}, encoded_variant.dims(): {outer}, inferred input_ragged_rank: {rank}"
            )
        return max(rank, 0)
    if output != given + outer:
        raise error(
            "output_ragged_rank must be equal to input_ragged_rank + encoded_ragged.dims(); output_ragged_rank: "
            f"{output}, input_ragged_rank: {given}, encoded_variant.dims(): {outer}."
        )
    return rank


def _check_item(place: int, item: Any, rank: int, values: DType, splits: DType) -> None:
    if not isinstance(item, RaggedVariant):
        raise invalid_argument(
            f"Input Variant element at index {place} doesn't hold a RaggedTensorVariant: {type(item).__name__}"
        )
    if len(item.nested) != rank:
        raise invalid_argument(
            f"Encoded input RaggedTensorVariant has ragged_rank={len(item.nested)}.  Expected ragged_rank={rank}."
        )
    found = dtypes.of_numpy[item.values.dtype]
    if found is not values:
        raise invalid_argument(f"Expected values Tensor dtype: {values.name}, found: {found.name}")
    for part in item.nested:
        if dtypes.of_numpy[part.dtype] is not splits:
            found = dtypes.of_numpy[part.dtype]
            raise invalid_argument(f"Expected row_splits Tensor dtype: {splits.name}, found: {found.name}")


def _check_alike(items: list[RaggedVariant], skipped: int) -> None:
    """Rejects flat values whose inner shapes differ."""
    first = items[0].values.shape
    for place, item in enumerate(items):
        shape = item.values.shape
        if len(shape) != len(first):
            raise invalid_argument(
                f"Rank of values must match for all components; values shape at index 0: {text(first)}, values shape "
                f"at index {place}: {text(shape)}"
            )
        if shape[skipped:] != first[skipped:]:
            raise invalid_argument(
                f"All flat_values must have compatible shapes.  Shape at index 0: {text(first[skipped:])}.  Shape at "
                f"index {place}: {text(shape[skipped:])}.  If you are using tf.map_fn, then you may need to specify "
                "an explicit fn_output_signature with appropriate ragged_rank, and/or convert output tensors to "
                "RaggedTensors."
            )


def _outer_splits(shape: tuple[int, ...], kind: Any) -> list[Array]:
    """Returns the row splits of the dimensions of a dense shape, all of uniform rows."""
    result = []
    count = 1
    for axis, size in enumerate(shape[:-1]):
        count *= size
        result.append(np.arange(count + 1, dtype=kind) * kind.type(shape[axis + 1]))
    return result


@ragged_tensor_from_variant_op.shape
def _ragged_tensor_from_variant_shape(encoded_ragged, *, input_ragged_rank, output_ragged_rank):
    if encoded_ragged is not None:
        _inferred_rank(input_ragged_rank, output_ragged_rank, len(encoded_ragged), ValueError)
    return [(None,)] * output_ragged_rank, None


@ragged_tensor_from_variant_op.gradient
def _ragged_tensor_from_variant_gradient(call, *gradients):
    shape = known_shape(call.inputs[0])
    if shape is not None and len(shape) > 1:
        raise ValueError(
            "Unable to compute gradient: RaggedTensorToVariant can currently only generate 0D or 1D output."
        )
    batched = call.attr("output_ragged_rank") > 0 if shape is None else len(shape) == 1
    return (ragged_tensor_to_variant_op(call.outputs[:-1], gradients[-1], batched_input=batched),)


@op(
    "RaggedTensorToVariantGradient",
    "encoded_ragged_grad: variant, row_splits: Tsplits, dense_values_shape: static int32 -> dense_values_grad: Tvalues",
    tier="host",
    Tsplits=default("int64", INDEX),
    differentiable="missing",
)
def ragged_tensor_to_variant_gradient_op(encoded_ragged_grad, row_splits, dense_values_shape, *, Tvalues: DType):
    """Puts the gradients of the rows, as variants, together to that of the flat values."""
    shape = np.asarray(dense_values_shape)
    if shape.ndim != 1:
        raise invalid_argument(f"dense_values_shape must be a vector, but has rank {shape.ndim}")
    if (shape < 0).any():
        raise invalid_argument(f"Dimension {shape[shape < 0][0]} must be >= 0")
    row_splits = np.asarray(row_splits)
    if row_splits.ndim:
        check_encoded_splits(row_splits, row_splits.reshape(-1)[-1] if row_splits.size else 0)
    check_size(shape, "RaggedTensorToVariantGradient")
    kind = np.dtype(object) if Tvalues is dtypes.string else np.dtype(Tvalues.as_numpy_dtype)
    result = np.full(shape, b"", object) if kind.kind == "O" else np.zeros(shape, kind)
    flat = result.reshape(-1)
    filled = 0
    for item in items_of(encoded_ragged_grad):
        if not isinstance(item, RaggedVariant):
            raise invalid_argument(f"A gradient is not that of a ragged tensor, but {type(item).__name__}")
        part = np.asarray(item.values)
        if part.dtype != kind:
            raise invalid_argument(f"A gradient is of type {part.dtype}, not {kind}")
        if filled + part.size > flat.size:
            raise invalid_argument(f"The gradients have more than the {flat.size} elements of the values")
        flat[filled : filled + part.size] = part.reshape(-1)
        filled += part.size
    return result


@ragged_tensor_to_variant_gradient_op.shape
def _ragged_tensor_to_variant_gradient_shape(encoded_ragged_grad, row_splits, dense_values_shape):
    sizes = dense_values_shape.integers()
    for size in sizes or ():
        if size is not None and size < -1:
            raise ValueError(f"Invalid value in tensor used for shape: {size}")
    return None if sizes is None else tuple(None if size == -1 else size for size in sizes)


# Samples.


@ragged_tensor_to_variant_op.samples
def _ragged_tensor_to_variant_samples(s):
    one, two = np.int64([0, 2, 2, 3]), np.int64([0, 1, 1, 4])
    for batched in (True, False):
        yield s([one], s.normal(3), batched_input=batched)
        yield s([one.astype(np.int32), two.astype(np.int32)], s.normal(4, 2), batched_input=batched)
        yield s([], s.normal(3, 2), batched_input=batched)
        yield s([one], s.normal(2), batched_input=batched, error="InvalidArgumentError")
        yield s([one + 1], s.normal(4), batched_input=batched, error="InvalidArgumentError")
        yield s([one[[0, 1, 3, 2, 3]]], s.normal(3), batched_input=batched, error="InvalidArgumentError")
        yield s([one[:0]], s.normal(3), batched_input=batched, error="InvalidArgumentError")
        yield s([one], s.normal(), batched_input=batched, error="InvalidArgumentError")
    yield s([], s.normal(), batched_input=True, error="InvalidArgumentError")


@ragged_tensor_from_variant_op.samples
def _ragged_tensor_from_variant_samples(s):
    one, two = np.int64([0, 2, 2, 3]), np.int64([0, 1, 1, 4])

    def encoded(nested, values, batched):
        return s.produced("RaggedTensorToVariant", nested, values, batched_input=batched)

    for dtype in s.dtypes("Tvalues"):
        made = encoded([one], s.array((3,), dtype), True)
        yield s(made, input_ragged_rank=0, output_ragged_rank=1, Tvalues=dtype)
    fixed = {"Tvalues": "float32", "gradient": False}
    yield s(encoded([one], s.normal(3), False), input_ragged_rank=1, output_ragged_rank=1, **fixed)
    yield s(encoded([one, two], s.normal(4), True), input_ragged_rank=1, output_ragged_rank=2, **fixed)
    yield s(encoded([one, two], s.normal(4), True), input_ragged_rank=-1, output_ragged_rank=2, **fixed)
    yield s(encoded([], s.normal(4, 2), True), input_ragged_rank=0, output_ragged_rank=1, **fixed)
    yield s(encoded([one[:1]], s.empty(0), True), input_ragged_rank=0, output_ragged_rank=1, **fixed)
    error = {"error": "InvalidArgumentError", **fixed}
    yield s(encoded([one, two], s.normal(4), True), input_ragged_rank=0, output_ragged_rank=1, **error)
    yield s(encoded([one, two], s.normal(4), True), input_ragged_rank=0, output_ragged_rank=2, **error)
    yield s(encoded([], s.normal(4), True), input_ragged_rank=0, output_ragged_rank=1, **error)
    yield s(encoded([one], s.integers(0, 9, (3,)), True), input_ragged_rank=0, output_ragged_rank=1, **error)


@ragged_tensor_to_variant_gradient_op.samples
def _ragged_tensor_to_variant_gradient_samples(s):
    one = np.int64([0, 2, 2, 3])
    made = s.produced("RaggedTensorToVariant", [one], s.normal(3, 2), batched_input=True)
    yield s(made, one, [3, 2], Tvalues="float32")
    yield s(made, one, [3, -2], Tvalues="float32", error="InvalidArgumentError")
    yield s(made, one[:0], [3, 2], Tvalues="float32", error="InvalidArgumentError")
