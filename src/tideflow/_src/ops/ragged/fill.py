"""Fills the empty rows of ragged tensors with a default value."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.types import NUMBER
from tideflow._src.ops.dimensions import merge_dimensions, text, with_rank
from tideflow._src.ops.ragged.partitions import check_size
from tideflow._src.ops.sparse.fill import sparse_fill_empty_rows_grad
from tideflow._src.runtime.op import op


def _check(value_rowids: Any, values: Any, nrows: Any, default_value: Any) -> None:
    for name, value in (("value_rowids", value_rowids), ("values", values)):
        if np.ndim(value) != 1:
            raise invalid_argument(f"{name} must be a vector, saw: {text(np.shape(value))}")
    for name, value in (("nrows", nrows), ("default_value", default_value)):
        if np.ndim(value):
            raise invalid_argument(f"{name} must be a scalar, saw: {text(np.shape(value))}")
    if values.size != value_rowids.size:
        raise invalid_argument(
            f"The length of `values` ({values.size}) must match the first dimension of `value_rowids` "
            f"({value_rowids.size})."
        )
    if nrows < 0:
        raise invalid_argument(f"Expected shape dimensions to be non-negative, got {int(nrows)}")
    if nrows == 0 and values.size:
        raise invalid_argument(f"Received SparseTensor with dense_shape[0] = 0 but indices.shape[0] = {values.size}")
    bad = np.flatnonzero((value_rowids < 0) | (value_rowids >= nrows))
    if bad.size:
        raise invalid_argument(f"indices({bad[0]}, 0) is invalid: {value_rowids[bad[0]]} >= {int(nrows)}")


@op(
    "RaggedFillEmptyRows",
    "value_rowids: int64, values: T, nrows: int64, default_value: T -> output_value_rowids: int64, output_values: T, "
    "empty_row_indicator: bool, reverse_index_map: int64",
    tier="host",
)
def ragged_fill_empty_rows_op(value_rowids, values, nrows, default_value):
    """Gives each row without a value the default one."""
    _check(value_rowids, values, nrows, default_value)
    check_size((int(nrows),), "RaggedFillEmptyRows")
    empty = np.ones(int(nrows), bool)
    empty[value_rowids] = False
    added = np.flatnonzero(empty)
    if not added.size and (value_rowids[1:] >= value_rowids[:-1]).all():
        return value_rowids, values, empty, np.arange(values.size, dtype=np.int64)
    ids = np.concatenate([value_rowids, added])
    # Ordered by rows; inside a row the order stays.
    order = np.argsort(ids, kind="stable")
    every = np.empty(order.size, values.dtype)
    every[: values.size] = values
    every[values.size :] = default_value
    back = np.empty(order.size, np.int64)
    back[order] = np.arange(order.size)
    return ids[order], every[order], empty, back[: values.size]


@ragged_fill_empty_rows_op.shape
def _ragged_fill_empty_rows_shape(value_rowids, values, nrows, default_value):
    count = merge_dimensions(with_rank(value_rowids, 1)[0], with_rank(values, 1)[0])
    with_rank(nrows, 0)
    with_rank(default_value, 0)
    return (None,), (None,), (None,), (count,)


@ragged_fill_empty_rows_op.gradient
def _ragged_fill_empty_rows_grad_opient(call, d_rowids, d_values, d_empty, d_back):
    of_values, of_default = ragged_fill_empty_rows_grad_op(call.outputs[3], d_values)
    return None, of_values, None, of_default


@ragged_fill_empty_rows_op.samples
def _ragged_fill_empty_rows_samples(s):
    rows = np.int64([1, 1, 3])
    for dtype in s.dtypes("T"):
        yield s(rows, s.array((3,), dtype), np.int64(5), s.array((), dtype))
    yield s(rows[::-1].copy(), s.normal(3), np.int64(4), s.normal())
    yield s(np.int64([0, 1, 2]), s.normal(3), np.int64(3), s.normal())
    yield s(rows[:0], s.empty(0), np.int64(2), s.normal())
    yield s(rows[:0], s.empty(0), np.int64(0), s.normal())
    error = {"error": "InvalidArgumentError"}
    yield s(rows, s.normal(3), np.int64(2), s.normal(), **error)
    yield s(-rows, s.normal(3), np.int64(4), s.normal(), **error)
    yield s(rows, s.normal(2), np.int64(4), s.normal(), **error)
    yield s(rows, s.normal(3), np.int64(-4), s.normal(), **error)
    yield s(rows, s.normal(3), np.int64(0), s.normal(), **error)
    yield s(rows, s.normal(3), np.int64([4]), s.normal(), **error)
    yield s(rows, s.normal(3), np.int64(4), s.normal(1), **error)


@op(
    "RaggedFillEmptyRowsGrad",
    "reverse_index_map: int64, grad_values: T -> d_values: T, d_default_value: T",
    tier="host",
    differentiable="missing",
)
def ragged_fill_empty_rows_grad_op(reverse_index_map, grad_values):
    """Takes the gradients of the given values apart from those of the default value."""
    return sparse_fill_empty_rows_grad.kernel(reverse_index_map, grad_values)


@ragged_fill_empty_rows_grad_op.shape
def _ragged_fill_empty_rows_grad_shape(reverse_index_map, grad_values):
    with_rank(grad_values, 1)
    return with_rank(reverse_index_map, 1), ()


@ragged_fill_empty_rows_grad_op.samples
def _ragged_fill_empty_rows_grad_samples(s):
    for dtype in (name for name in NUMBER if not name.startswith("q")):
        yield s(np.array([0, 2], np.int64), s.array((4,), dtype))
    yield s(np.zeros(0, np.int64), s.empty(0))
    error = {"error": "InvalidArgumentError"}
    yield s(np.array([0, 5], np.int64), s.normal(2), **error)
    yield s(np.array([[0]], np.int64), s.normal(2), **error)
    yield s(np.array([0], np.int64), s.normal(1, 2), **error)


def ragged_fill_empty_rows(
    value_rowids: Any, values: Any, nrows: Any, default_value: Any, name: str | None = None
) -> Any:
    """Gives each row of a ragged tensor that has no value a default one.

    >>> import tideflow as tf
    >>> tf.ragged_fill_empty_rows([0, 2], [1.0, 2.0], 3, 9.0).output_values.numpy().tolist()
    [1.0, 9.0, 2.0]

    Args:
      value_rowids: the row of each value, int64 ``[nvals]``.
      values: the values ``[nvals]``.
      nrows: the number of rows, a scalar int64.
      default_value: a scalar of the dtype of ``values``.
      name: a name for the operation.

    Returns:
      A named tuple: ``output_value_rowids``, ``output_values``; ``empty_row_indicator``, bool ``[nrows]``, says which
      rows had no value; ``reverse_index_map``, int64 ``[nvals]``, where each value has gone.

    Raises:
      InvalidArgumentError: a row is outside of ``[0, nrows)``, or shapes do not fit.
    """
    return ragged_fill_empty_rows_op(value_rowids, values, nrows, default_value, name=name)


def ragged_fill_empty_rows_grad(reverse_index_map: Any, grad_values: Any, name: str | None = None) -> Any:
    """Takes the gradients of the values given to :func:`ragged_fill_empty_rows` apart from those of the default.

    >>> import tideflow as tf
    >>> tf.ragged_fill_empty_rows_grad([0, 2], [1.0, 2.0, 3.0]).d_values.numpy().tolist()
    [1.0, 3.0]

    Args:
      reverse_index_map: what that function gave, int64 ``[nvals]``.
      grad_values: the gradients of its values, ``[output_nvals]``.
      name: a name for the operation.

    Returns:
      A named tuple: ``d_values`` ``[nvals]`` and ``d_default_value``, a scalar.

    Raises:
      InvalidArgumentError: a place is outside of ``grad_values``, or shapes do not fit.
    """
    return ragged_fill_empty_rows_grad_op(reverse_index_map, grad_values, name=name)
