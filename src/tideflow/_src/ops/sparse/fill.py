"""Fills the empty rows of sparse matrices with a default value."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.types import NUMBER
from tideflow._src.ops.dimensions import merge_dimensions, with_rank
from tideflow._src.runtime.checks import require_memory
from tideflow._src.runtime.op import op


def _check(indices: Any, values: Any, dense_shape: Any, default_value: Any) -> None:
    problem = ""
    if np.ndim(dense_shape) != 1:
        problem = f"dense_shape must be a vector, saw: {list(np.shape(dense_shape))}"
    elif indices.ndim != 2:
        problem = f"indices must be a matrix, saw: {list(indices.shape)}"
    elif values.ndim != 1:
        problem = f"values must be a vector, saw: {list(values.shape)}"
    elif np.ndim(default_value) != 0:
        problem = f"default_value must be a scalar, saw: {list(np.shape(default_value))}"
    elif values.shape[0] != indices.shape[0]:
        problem = (
            f"The length of `values` ({values.shape[0]}) must match the first dimension of `indices` "
            f"({indices.shape[0]})."
        )
    elif dense_shape.shape[0] != indices.shape[1]:
        problem = (
            f"The length of `dense_shape` ({dense_shape.shape[0]}) must match the second dimension of `indices` "
            f"({indices.shape[1]})."
        )
    elif not dense_shape.size:
        problem = "Dense shape cannot be empty."
    elif dense_shape[0] < 0:
        problem = f"Expected shape dimensions to be non-negative, got {int(dense_shape[0])}"
    elif dense_shape[0] == 0 and indices.shape[0]:
        problem = f"Received SparseTensor with dense_shape[0] = 0 but indices.shape[0] = {indices.shape[0]}"
    elif indices.shape[0]:
        rows = indices[:, 0]
        bad = np.flatnonzero((rows < 0) | (rows >= dense_shape[0]))
        if bad.size:
            problem = f"indices({bad[0]}, 0) is invalid: {rows[bad[0]]} >= {int(dense_shape[0])}"
    if problem:
        raise InvalidArgumentError(None, None, problem)


@op(
    "SparseFillEmptyRows",
    "indices: int64, values: T, dense_shape: static int64, default_value: T -> output_indices: int64, "
    "output_values: T, empty_row_indicator: bool, reverse_index_map: int64",
    tier="host",
)
def sparse_fill_empty_rows(indices, values, dense_shape, default_value):
    """Gives each row without an element one: ``default_value`` in the first column."""
    _check(indices, values, dense_shape, default_value)
    count, rank = indices.shape
    height = int(dense_shape[0])
    require_memory((height, rank + 1), 8)
    empty = np.ones(height, bool)
    empty[indices[:, 0]] = False
    added = np.flatnonzero(empty)
    if not added.size and (count < 2 or (indices[1:, 0] >= indices[:-1, 0]).all()):
        return indices, values, empty, np.arange(count, dtype=np.int64)
    # Ordered by rows; inside a row the order stays.
    order = np.argsort(np.concatenate([indices[:, 0], added]), kind="stable")
    places = np.zeros((count + added.size, rank), np.int64)
    places[:count] = indices
    places[count:, 0] = added
    every = np.empty(count + added.size, values.dtype)
    every[:count] = values
    every[count:] = default_value
    back = np.empty(order.size, np.int64)
    back[order] = np.arange(order.size)
    return places[order], every[order], empty, back[:count]


@sparse_fill_empty_rows.shape
def _sparse_fill_empty_rows_shape(indices, values, dense_shape, default_value):
    indices = with_rank(indices, 2)
    (length,) = with_rank(values, 1)
    (rank,) = with_rank(dense_shape.shape, 1)
    with_rank(default_value, 0)
    count = merge_dimensions(indices[0], length)
    rank = merge_dimensions(indices[1], rank)
    sizes = dense_shape.integers()
    for size in sizes or ():
        if size is not None and size < -1:
            raise ValueError(f"Invalid value in tensor used for shape: {size}")
    height = sizes[0] if sizes and sizes[0] != -1 else None
    return (None, rank), (None,), (height,), (count,)


@sparse_fill_empty_rows.gradient
def _sparse_fill_empty_rows_gradient(call, d_indices, d_values, d_empty, d_back):
    of_values, of_default = sparse_fill_empty_rows_grad(call.outputs[3], d_values)
    return None, of_values, None, of_default


@sparse_fill_empty_rows.samples
def _sparse_fill_empty_rows_samples(s):
    places = np.array([[2, 1], [0, 0], [2, 0], [4, 3]], np.int64)
    shape = np.array([6, 4], np.int64)
    for dtype in s.dtypes("T"):
        yield s(places, s.array((4,), dtype), shape, s.array((), dtype))
    yield s(places, s.normal(4), shape[:2] - [1, 0], s.normal())
    full = np.array([[0, 1], [0, 3], [1, 0]], np.int64)
    yield s(full, s.normal(3), np.array([2, 4], np.int64), s.normal())
    yield s(np.zeros((0, 2), np.int64), s.empty(0), shape, s.normal())
    yield s(np.zeros((0, 2), np.int64), s.empty(0), shape * 0, s.normal())
    error = {"error": "InvalidArgumentError"}
    yield s(places, s.normal(4), shape - 3, s.normal(), **error)
    yield s(-places, s.normal(4), shape, s.normal(), **error)
    yield s(places, s.normal(4), shape * 0, s.normal(), **error)
    yield s(places, s.normal(4), -shape, s.normal(), **error)
    yield s(places, s.normal(3), shape, s.normal(), **error)
    yield s(places, s.normal(4), shape[:1], s.normal(), **error)
    yield s(places, s.normal(4), shape, s.normal(1), **error)
    yield s(places[0], s.normal(4), shape, s.normal(), **error)


@op(
    "SparseFillEmptyRowsGrad",
    "reverse_index_map: int64, grad_values: T -> d_values: T, d_default_value: T",
    tier="host",
    differentiable="missing",
)
def sparse_fill_empty_rows_grad(reverse_index_map, grad_values):
    """Takes the gradients of the given values apart from those of the default value."""
    for name, value in (("reverse_index_map", reverse_index_map), ("grad_values", grad_values)):
        if value.ndim != 1:
            raise InvalidArgumentError(None, None, f"{name} must be a vector, saw: {list(value.shape)}")
    if grad_values.dtype.kind in "Ob":
        raise InvalidArgumentError(None, None, f"There are no gradients of dtype {grad_values.dtype}.")
    size = grad_values.shape[0]
    bad = (reverse_index_map < 0) | (reverse_index_map >= size)
    if bad.any():
        found = reverse_index_map[bad][0]
        raise InvalidArgumentError(None, None, f"Elements in reverse index must be in [0, {size}) but got {found}")
    rest = np.ones(size, bool)
    rest[reverse_index_map] = False
    total = np.sum(grad_values[rest], dtype=grad_values.dtype)
    return grad_values[reverse_index_map], np.asarray(total, grad_values.dtype)


@sparse_fill_empty_rows_grad.shape
def _sparse_fill_empty_rows_grad_shape(reverse_index_map, grad_values):
    with_rank(grad_values, 1)
    return with_rank(reverse_index_map, 1), ()


@sparse_fill_empty_rows_grad.samples
def _sparse_fill_empty_rows_grad_samples(s):
    for dtype in (name for name in NUMBER if not name.startswith("q")):
        yield s(np.array([0, 2], np.int64), s.array((4,), dtype))
    yield s(np.array([0, 0], np.int64), s.normal(3))
    yield s(np.zeros(0, np.int64), s.empty(0))
    error = {"error": "InvalidArgumentError"}
    yield s(np.array([0, 5], np.int64), s.normal(2), **error)
    yield s(np.array([0, -1], np.int64), s.normal(2), **error)
    yield s(np.array([[0]], np.int64), s.normal(2), **error)
    yield s(np.array([0], np.int64), s.normal(1, 2), **error)
