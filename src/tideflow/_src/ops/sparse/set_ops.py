"""Operations on sets: the last dimension of a tensor, dense or sparse, holds the elements of a set."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.ops.dimensions import merge, text, with_rank
from tideflow._src.ops.sparse.dense import check_positions
from tideflow._src.runtime.op import op

_TYPES = ("int8", "int16", "int32", "int64", "uint8", "uint16", "string")
_OPERATIONS = {
    "a-b": np.setdiff1d,
    "b-a": lambda a, b: np.setdiff1d(b, a),
    "intersection": np.intersect1d,
    "union": np.union1d,
}


def _dense(values: Any) -> tuple[Any, Any, tuple[int, ...]]:
    """Returns the number of the set and the value of each element of a dense tensor, and the shape of the sets."""
    if values.ndim < 2:
        raise invalid_argument(f"Shape {text(values.shape)} has rank {values.ndim} < 2")
    groups = values.shape[:-1]
    count = int(np.prod(groups))
    return np.repeat(np.arange(count), values.shape[-1]), values.reshape(-1), groups


def _sparse(indices: Any, values: Any, shape: Any, validate: bool, least: int = 2) -> tuple[Any, Any, tuple[int, ...]]:
    """Returns the same of a sparse tensor, whose positions are checked."""
    if indices.ndim != 2:
        raise invalid_argument(f"Expected indices to be a matrix, got shape {text(indices.shape)}")
    if values.ndim != 1 or len(values) != len(indices):
        raise invalid_argument(f"Expected {len(indices)} values in a vector, got shape {text(values.shape)}")
    if shape.ndim != 1 or shape.size != indices.shape[1]:
        raise invalid_argument(f"Expected shape to have {indices.shape[1]} elements, got shape {text(shape.shape)}")
    if shape.size < least:
        raise invalid_argument(f"Invalid input shape: it must have rank {least} or more, but is {shape.tolist()}")
    if (shape < 0).any():
        raise invalid_argument(f"Invalid shape: sizes must not be negative, but are {shape.tolist()}")
    check_positions(indices, shape, ordered=validate)
    groups = tuple(int(size) for size in shape[:-1])
    numbers = np.zeros(len(indices), np.int64)
    for axis, size in enumerate(groups):
        numbers = numbers * size + indices[:, axis]
    return numbers, values, groups


def _combine(first: Any, second: Any, set_operation: str) -> tuple[Any, Any, Any]:
    operation = _OPERATIONS.get(set_operation.lower())
    if operation is None:
        raise invalid_argument(f"Invalid set_operation {set_operation}. Expected one of {sorted(_OPERATIONS)}.")
    groups = first[2]
    if groups != second[2]:
        raise invalid_argument(f"Mismatched shapes {text(groups)} vs {text(second[2])}")
    known, codes = np.unique(np.concatenate([first[1], second[1]]), return_inverse=True)
    codes = codes.reshape(-1)
    count = max(len(known), 1)
    split = len(first[1])
    keys = operation(first[0] * count + codes[:split], second[0] * count + codes[split:])
    numbers = keys // count
    starts = np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]])) if len(keys) else np.zeros(0, int)
    sizes = np.diff(np.append(starts, len(keys)))
    places = np.arange(len(keys)) - np.repeat(starts, sizes)
    coordinates = np.unravel_index(numbers, groups) if len(keys) else [np.zeros(0, np.int64)] * len(groups)
    indices = np.stack([*coordinates, places], axis=1).astype(np.int64)
    shape = np.array([*groups, sizes.max() if len(sizes) else 0], np.int64)
    return indices, known[keys % count].astype(first[1].dtype), shape


def _outputs(rank: int | None) -> Any:
    return (None, rank), (None,), (rank,)


@op(
    "DenseToDenseSetOperation",
    "set1: T, set2: T -> result_indices: int64, result_values: T, result_shape: int64",
    tier="host",
    T=_TYPES,
    differentiable=False,
)
def dense_to_dense_set_operation_op(set1, set2, *, set_operation: str, validate_indices: bool = True):
    """Combines the sets in the last dimensions of two dense tensors."""
    del validate_indices
    return _combine(_dense(set1), _dense(set2), set_operation)


@dense_to_dense_set_operation_op.shape
def _dense_to_dense_shape(set1, set2):
    ranks = [len(shape) for shape in (set1, set2) if shape is not None]
    for rank in ranks:
        if rank < 2:
            raise ValueError(f"Input rank must be at least 2, but is {rank}")
    if len(set(ranks)) > 1:
        raise ValueError(f"Ranks do not match: {ranks[0]} vs. {ranks[1]}")
    if len(ranks) == 2:
        merge(set1[:-1], set2[:-1])
    return _outputs(ranks[0] if ranks else None)


def _operations(s: Any, *inputs: Any) -> Any:
    for name in _OPERATIONS:
        yield s(*inputs, set_operation=name)
    yield s(*inputs, set_operation="foo", error="InvalidArgumentError")


@dense_to_dense_set_operation_op.samples
def _dense_to_dense_samples(s):
    yield from _operations(s, [[1, 2, 2], [3, 4, 5]], [[2, 6], [5, 3]])
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), s.array((2, 4), dtype), set_operation="union")
    yield s(np.int32([[1, 2]]), np.zeros((1, 0), np.int32), set_operation="intersection")
    yield s([[1], [2]], [[1]], set_operation="a-b", error="InvalidArgumentError")
    yield s([1], [1], set_operation="a-b", error="InvalidArgumentError")


@op(
    "DenseToSparseSetOperation",
    "set1: T, set2_indices: int64, set2_values: T, set2_shape: int64 -> result_indices: int64, result_values: T, "
    "result_shape: int64",
    tier="host",
    T=_TYPES,
    differentiable=False,
)
def dense_to_sparse_set_operation_op(
    set1, set2_indices, set2_values, set2_shape, *, set_operation: str, validate_indices: bool = True
):
    """Combines the sets in the last dimensions of a dense and a sparse tensor."""
    second = _sparse(set2_indices, set2_values, set2_shape, validate_indices)
    return _combine(_dense(set1), second, set_operation)


@dense_to_sparse_set_operation_op.shape
def _dense_to_sparse_shape(set1, set2_indices, set2_values, set2_shape):
    with_rank(set2_indices, 2)
    with_rank(set2_values, 1)
    rank = with_rank(set2_shape, 1)[0]
    if set1 is not None and len(set1) < 2:
        raise ValueError(f"Input rank must be at least 2, but is {len(set1)}")
    return _outputs(rank if set1 is None else len(set1))


_PLACES = np.array([[0, 0], [0, 1], [1, 0]])


@dense_to_sparse_set_operation_op.samples
def _dense_to_sparse_samples(s):
    sparse = _PLACES.astype(np.int64), np.int32([2, 6, 5]), np.int64([2, 3])
    yield from _operations(s, [[1, 2, 2], [3, 4, 5]], *sparse)
    yield s([[1, 2, 2]], *sparse, set_operation="a-b", error="InvalidArgumentError")
    wrong = sparse[0][::-1].copy(), *sparse[1:]
    yield s([[1, 2, 2], [3, 4, 5]], *wrong, set_operation="a-b", error="InvalidArgumentError")


@op(
    "SparseToSparseSetOperation",
    "set1_indices: int64, set1_values: T, set1_shape: int64, set2_indices: int64, set2_values: T, set2_shape: int64 -> "
    "result_indices: int64, result_values: T, result_shape: int64",
    tier="host",
    T=_TYPES,
    differentiable=False,
)
def sparse_to_sparse_set_operation_op(
    set1_indices,
    set1_values,
    set1_shape,
    set2_indices,
    set2_values,
    set2_shape,
    *,
    set_operation: str,
    validate_indices: bool = True,
):
    """Combines the sets in the last dimensions of two sparse tensors."""
    first = _sparse(set1_indices, set1_values, set1_shape, validate_indices)
    second = _sparse(set2_indices, set2_values, set2_shape, validate_indices)
    return _combine(first, second, set_operation)


@sparse_to_sparse_set_operation_op.shape
def _sparse_to_sparse_shape(set1_indices, set1_values, set1_shape, set2_indices, set2_values, set2_shape):
    for indices, values in ((set1_indices, set1_values), (set2_indices, set2_values)):
        with_rank(indices, 2)
        with_rank(values, 1)
    first, second = with_rank(set1_shape, 1)[0], with_rank(set2_shape, 1)[0]
    if None not in (first, second) and first != second:
        raise ValueError(f"Ranks do not match: {first} vs. {second}")
    return _outputs(second if first is None else first)


@sparse_to_sparse_set_operation_op.samples
def _sparse_to_sparse_samples(s):
    first = _PLACES.astype(np.int64), np.int32([2, 6, 5]), np.int64([2, 3])
    second = _PLACES.astype(np.int64), np.int32([6, 1, 5]), np.int64([2, 2])
    yield from _operations(s, *first, *second)
    wrong = second[0][::-1].copy(), *second[1:]
    yield s(*first, *wrong, set_operation="a-b", error="InvalidArgumentError")


@op(
    "SetSize",
    "set_indices: int64, set_values: T, set_shape: int64 -> size: int32",
    tier="host",
    T=_TYPES,
    differentiable="missing",
)
def set_size_op(set_indices, set_values, set_shape, *, validate_indices: bool = True):
    """Counts the different elements of each set of a sparse tensor."""
    numbers, values, groups = _sparse(set_indices, set_values, set_shape, validate_indices, 1)
    if np.prod(set_shape, dtype=np.float64) >= 2.0**63:
        raise invalid_argument(f"Encountered overflow when multiplying the sizes {set_shape.tolist()}")
    known, codes = np.unique(values, return_inverse=True)
    keys = np.unique(numbers * max(len(known), 1) + codes.reshape(-1))
    counts = np.bincount(keys // max(len(known), 1), minlength=int(np.prod(groups)))
    return counts.reshape(groups).astype(np.int32)


@set_size_op.shape
def _set_size_shape(set_indices, set_values, set_shape):
    return None


@set_size_op.samples
def _set_size_samples(s):
    places, shape = np.int64([[0, 0], [0, 1], [2, 0]]), np.int64([3, 2])
    for dtype in s.dtypes("T"):
        yield s(places, s.array((3,), dtype), shape)
    yield s(places[::-1].copy(), [1, 2, 3], shape, error="InvalidArgumentError")
    yield s(places, [1, 2], shape, error="InvalidArgumentError")
