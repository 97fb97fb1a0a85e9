"""Counts the numbers of each row of dense, sparse and ragged tensors, and lists the counts that are not zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import at_least
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.dimensions import merge, size_of, text, with_rank
from tideflow._src.runtime.op import op

_WEIGHTS = ("int32", "int64", "float", "double")


def _counted(
    groups: Any, shape: tuple[int, ...], values: Any, weights: Any, least: int, most: int, binary: bool
) -> tuple[Any, Any, Any]:
    """Returns places, counts and shape; ``groups`` numbers the row of each value, None where there is one row."""
    values = values.reshape(-1).astype(np.int64, copy=False)
    if (values < 0).any():
        raise invalid_argument("Input values must all be non-negative")
    width = most if most >= 0 else max(int(values.max(initial=0)) + 1, least)
    if most >= 0:
        kept = values < most
        values = values[kept]
        groups = None if groups is None else groups[kept]
        weights = weights.reshape(-1)[kept] if weights.size else weights
    rows = np.zeros_like(values) if groups is None else groups
    order = np.lexsort((values, rows))
    sorted_rows, sorted_values = rows[order], values[order]
    new = np.ones(values.size, bool)
    new[1:] = (sorted_rows[1:] != sorted_rows[:-1]) | (sorted_values[1:] != sorted_values[:-1])
    starts = np.flatnonzero(new)
    kind = weights.dtype
    if binary:
        counts = np.ones(starts.size, kind)
    elif weights.size:
        # In the order of the values, as TensorFlow adds.
        which = np.empty(values.size, np.int64)
        which[order] = np.cumsum(new) - 1
        counts = np.zeros(starts.size, kind)
        np.add.at(counts, which, weights.reshape(-1))
    else:
        counts = np.diff(np.append(starts, values.size)).astype(kind)
    columns = [sorted_values[starts]] if groups is None else [sorted_rows[starts], sorted_values[starts]]
    indices = np.stack(columns, axis=1) if starts.size else np.zeros((0, len(columns)), np.int64)
    return indices, counts, np.array([*shape, width], np.int64)


def _check_weights(weights: Any, values: Any, word: str) -> None:
    if weights.size and weights.shape != values.shape:
        raise invalid_argument(
            f"Weights and {word} must have the same shape. Weight shape: {text(weights.shape)}; "
            f"{word} shape: {text(values.shape)}"
        )


@op(
    "DenseCountSparseOutput",
    "values: T, weights: output_type -> output_indices: int64, output_values: output_type, output_dense_shape: int64",
    tier="host",
    T=INDEX,
    output_type=_WEIGHTS,
    minlength=at_least(-1),
    maxlength=at_least(-1),
    differentiable="missing",
)
def dense_count_sparse_output(values, weights, *, minlength: int = -1, maxlength: int = -1, binary_output: bool):
    """Counts the numbers of a vector, or of each row of a matrix."""
    if np.ndim(values) not in (1, 2):
        raise invalid_argument(f"Input must be a 1 or 2-dimensional tensor. Got: {text(np.shape(values))}")
    _check_weights(weights, values, "data")
    if values.ndim == 1:
        return _counted(None, (), values, weights, minlength, maxlength, binary_output)
    if not values.shape[0]:
        raise invalid_argument("Invalid input: Shapes dimension cannot be 0.")
    rows = np.repeat(np.arange(values.shape[0]), values.shape[1])
    return _counted(rows, values.shape[:1], values, weights, minlength, maxlength, binary_output)


@dense_count_sparse_output.shape
def _dense_count_sparse_output_shape(values, weights):
    # Weights of a size that is not known may be none.
    used = weights is not None and size_of(weights) not in (0, None)
    shape = merge(weights, values) if used else values
    rank = None if shape is None else len(shape)
    return (None, rank), (None,), (rank,)


@dense_count_sparse_output.samples
def _dense_count_sparse_output_samples(s):
    numbers = np.int32([[1, 3, 1], [7, 1, 0]])
    for dtype in s.dtypes("T"):
        yield s(numbers.astype(dtype.as_numpy_dtype), s.empty(0), binary_output=False)
    for dtype in s.dtypes("output_type"):
        yield s(numbers, s.positive((2, 3), dtype), binary_output=False)
        yield s(numbers[0], s.empty(0, dtype=dtype), binary_output=True)
    yield s(numbers, s.empty(0), minlength=12, binary_output=False)
    yield s(numbers, s.empty(0), maxlength=3, binary_output=False)
    yield s(numbers, s.empty(0), minlength=4, maxlength=2, binary_output=False)
    yield s(numbers, s.empty(0), maxlength=0, binary_output=False)
    yield s(numbers[0, :0], s.empty(0), binary_output=False)
    yield s(numbers[:, :0], s.empty(0), binary_output=False)
    error = {"error": "InvalidArgumentError", "binary_output": False}
    yield s(-numbers, s.empty(0), **error)
    yield s(numbers, s.normal(3), **error)
    yield s(numbers[None], s.empty(0), **error)
    yield s(numbers[:0], s.empty(0), **error)


@op(
    "SparseCountSparseOutput",
    "indices: int64, values: T, dense_shape: int64, weights: output_type -> output_indices: int64, "
    "output_values: output_type, output_dense_shape: int64",
    tier="host",
    T=INDEX,
    output_type=_WEIGHTS,
    minlength=at_least(-1),
    maxlength=at_least(-1),
    differentiable="missing",
)
def sparse_count_sparse_output(
    indices, values, dense_shape, weights, *, minlength: int = -1, maxlength: int = -1, binary_output: bool
):
    """Counts the numbers of a sparse vector, or of each row of a sparse matrix."""
    _check_sparse(indices, values, dense_shape)
    _check_weights(weights, values, "values")
    if dense_shape.size == 1:
        return _counted(None, (), values, weights, minlength, maxlength, binary_output)
    rows = indices[:, 0]
    return _counted(rows, (int(dense_shape[0]),), values, weights, minlength, maxlength, binary_output)


def _check_sparse(indices: Any, values: Any, dense_shape: Any) -> None:
    problem = ""
    if np.ndim(indices) != 2:
        problem = f"Input indices must be a 2-dimensional tensor. Got: {text(np.shape(indices))}"
    elif np.ndim(values) != 1:
        problem = f"Input values must be a vector. Got: {text(np.shape(values))}"
    elif np.ndim(dense_shape) != 1:
        problem = f"Input shape must be a vector. Got: {text(np.shape(dense_shape))}"
    elif values.size != indices.shape[0]:
        problem = (
            f"Number of values must match first dimension of indices.Got {values.size} values, indices shape: "
            f"{text(indices.shape)}"
        )
    elif dense_shape.size != indices.shape[1]:
        problem = (
            f"Number of dimensions must match second dimension of indices.Got {dense_shape.size} dimensions, "
            f"indices shape: {text(indices.shape)}"
        )
    elif not dense_shape.size:
        problem = "The shape argument requires at least one element."
    else:
        outside = np.argwhere((indices < 0) | (indices >= dense_shape))
        if outside.size:
            place, axis = outside[0].tolist()
            problem = (
                f"Invalid index value at {place}: dimension {axis} has value {indices[place, axis]} which is not in "
                f"[0, {dense_shape[axis]}) (as given by dense shape {dense_shape.tolist()})"
            )
    if problem:
        raise invalid_argument(problem)


@sparse_count_sparse_output.shape
def _sparse_count_sparse_output_shape(indices, values, dense_shape, weights):
    rank = with_rank(indices, 2)[1]
    return (None, rank), (None,), (rank,)


@sparse_count_sparse_output.samples
def _sparse_count_sparse_output_samples(s):
    places, numbers, shape = np.int64([[0, 0], [1, 0], [1, 2]]), np.int32([5, 2, 2]), np.int64([3, 3])
    for dtype in s.dtypes("T"):
        yield s(places, numbers.astype(dtype.as_numpy_dtype), shape, s.empty(0), binary_output=False)
    for dtype in s.dtypes("output_type"):
        yield s(places, numbers, shape, s.positive((3,), dtype), binary_output=False)
    yield s(places[:, 1:] + [[0], [1], [0]], numbers, shape[1:], s.normal(3), binary_output=True)
    yield s(places[:0], numbers[:0], shape, s.empty(0), binary_output=False)
    yield s(places, numbers, shape, s.empty(0), minlength=9, maxlength=12, binary_output=False)
    error = {"error": "InvalidArgumentError", "binary_output": False}
    yield s(places, -numbers, shape, s.empty(0), **error)
    yield s(places, numbers, shape - 2, s.empty(0), **error)
    yield s(-places, numbers, shape, s.empty(0), **error)
    yield s(places, numbers, shape[:1], s.empty(0), **error)
    yield s(places, numbers[:2], shape, s.empty(0), **error)
    yield s(places, numbers, shape, s.normal(2), **error)
    yield s(places[:, :0], numbers, shape[:0], s.empty(0), **error)


@op(
    "RaggedCountSparseOutput",
    "splits: int64, values: T, weights: output_type -> output_indices: int64, output_values: output_type, "
    "output_dense_shape: int64",
    tier="host",
    T=INDEX,
    output_type=_WEIGHTS,
    minlength=at_least(-1),
    maxlength=at_least(-1),
    differentiable="missing",
)
def ragged_count_sparse_output(
    splits, values, weights, *, minlength: int = -1, maxlength: int = -1, binary_output: bool
):
    """Counts the numbers of each row of a ragged matrix."""
    values, splits = np.asarray(values), np.asarray(splits).reshape(-1)
    _check_weights(weights, values, "values")
    if splits.size < 2:
        raise invalid_argument("Must provide at least 2 elements for the splits argument")
    if splits[0] != 0:
        raise invalid_argument(f"Splits must start with 0, not with {splits[0]}")
    if splits[-1] != values.size:
        raise invalid_argument(f"Splits must end with the number of values, got {splits[-1]} instead of {values.size}")
    rows = np.searchsorted(np.maximum.accumulate(splits), np.arange(values.size), side="right") - 1
    return _counted(rows, (splits.size - 1,), values, weights, minlength, maxlength, binary_output)


@ragged_count_sparse_output.shape
def _ragged_count_sparse_output_shape(splits, values, weights):
    if values is None:
        return (None, None), (None,), (None,)
    rank = len(values) + 1
    return (None, rank), (None,), (rank,)


@ragged_count_sparse_output.samples
def _ragged_count_sparse_output_samples(s):
    splits, numbers = np.int64([0, 1, 1, 4]), np.int32([1, 2, 2, 7])
    for dtype in s.dtypes("T"):
        yield s(splits, numbers.astype(dtype.as_numpy_dtype), s.empty(0), binary_output=False)
    for dtype in s.dtypes("output_type"):
        yield s(splits, numbers, s.positive((4,), dtype), binary_output=False)
        yield s(splits, numbers, s.empty(0, dtype=dtype), binary_output=True)
    yield s(splits, numbers, s.empty(0), minlength=10, binary_output=False)
    yield s(splits, numbers, s.normal(4), maxlength=3, binary_output=False)
    yield s(splits * 0, numbers[:0], s.empty(0), binary_output=False)
    error = {"error": "InvalidArgumentError", "binary_output": False}
    yield s(splits, -numbers, s.empty(0), **error)
    yield s(splits + 1, numbers, s.empty(0), **error)
    yield s(splits, numbers[:3], s.empty(0), **error)
    yield s(splits[:1], numbers[:0], s.empty(0), **error)
    yield s(splits, numbers, s.normal(2), **error)
