"""Public functions that join, cut, turn and thin out sparse tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.reduction_functions import one_of
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.sparse.conversion import as_sparse, sparse_reorder
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.sparse_tensor import SparseTensor

_ZERO, _ONE = np.int32(0), np.int32(1)


def concat(axis: Any, sp_inputs: Any, expand_nonconcat_dims: bool = False, name: str | None = None) -> SparseTensor:
    """Joins sparse tensors along a dimension.

    >>> import tideflow as tf
    >>> x = tf.sparse.from_dense([[1, 0]])
    >>> tf.sparse.to_dense(tf.sparse.concat(0, [x, x])).numpy().tolist()
    [[1, 0], [1, 0]]

    Args:
      axis: the dimension, an integer; a negative one counts from the end.
      sp_inputs: a list of sparse tensors of one dtype and rank.
      expand_nonconcat_dims: whether the other dimensions may differ: the result has the greatest of each.
      name: the name of the node.

    Returns:
      A ``SparseTensor``, ordered by position.

    Raises:
      TypeError: an input is not sparse.
      InvalidArgumentError: the shapes do not fit.
    """
    inputs = _sparse_list(sp_inputs)
    if len(inputs) == 1:
        return inputs[0]
    shapes = [item.dense_shape for item in inputs]
    if expand_nonconcat_dims:
        shapes = _widest(shapes, axis)
    indices, values, sizes = raw.SparseConcat(
        [item.indices for item in inputs], [item.values for item in inputs], shapes, concat_dim=axis, name=name
    )
    known = _joined_shape([item.shape for item in inputs], axis, expand_nonconcat_dims)
    if all(item.shape.is_fully_defined() for item in inputs):
        return SparseTensor(indices, values, np.array(known, np.int64))
    result = SparseTensor(indices, values, sizes)
    result.set_shape(known)
    return result


def _sparse_list(sp_inputs: Any) -> list[SparseTensor]:
    if not isinstance(sp_inputs, list | tuple):
        raise TypeError("Inputs must be a list or tuple.")
    return [as_sparse(item) for item in sp_inputs]


def _widest(shapes: list[Any], axis: int) -> list[Any]:
    """Returns for each shape the greatest size of each dimension but the one along which is joined."""
    widest = shapes[0]
    for shape in shapes[1:]:
        widest = raw.Maximum(widest, shape)
    after = [] if axis == -1 else [widest[axis + 1 :]]
    return [
        raw.ConcatV2([widest[:axis], shape[-1:] if axis == -1 else shape[axis : axis + 1], *after], _ZERO)
        for shape in shapes
    ]


def _joined_shape(shapes: list[Any], axis: int, widest: bool) -> list[int | None] | None:
    if any(shape.rank is None for shape in shapes):
        return None
    lists = [shape.as_list() for shape in shapes]
    known = lists[0]
    if widest:
        known = [None if None in sizes else max(sizes) for sizes in zip(*lists, strict=True)]
    joined = [sizes[axis] for sizes in lists]
    known[axis] = None if None in joined else sum(joined)
    return known


def concat_v1(
    axis: Any,
    sp_inputs: Any,
    name: str | None = None,
    expand_nonconcat_dim: bool = False,
    concat_dim: Any = None,
    expand_nonconcat_dims: Any = None,
) -> SparseTensor:
    """Joins sparse tensors along a dimension, with TensorFlow 1's arguments; see ``concat``.

    Args:
      axis: the dimension.
      sp_inputs: a list of sparse tensors.
      name: the name of the node.
      expand_nonconcat_dim, expand_nonconcat_dims: whether the other dimensions may differ.
      concat_dim: an older name of ``axis``.
    """
    if expand_nonconcat_dims is None:
        expand_nonconcat_dims = expand_nonconcat_dim
    return concat(one_of("axis", axis, "concat_dim", concat_dim), sp_inputs, expand_nonconcat_dims, name)


def concat_v0(concat_dim: Any, sp_inputs: Any, name: str | None = None, expand_nonconcat_dim: bool = False) -> Any:
    """Joins sparse tensors along a dimension, with TensorFlow 0.x's arguments; see ``concat``."""
    return concat(concat_dim, sp_inputs, expand_nonconcat_dim, name)


def split_v0(split_dim: Any, num_split: int, sp_input: Any, name: str | None = None) -> list[SparseTensor]:
    """Splits a sparse tensor into parts, with TensorFlow 0.x's order of arguments; see ``split``."""
    return split(sp_input, num_split, split_dim, name)


def split(sp_input: Any = None, num_split: Any = None, axis: Any = None, name: str | None = None) -> list[SparseTensor]:
    """Splits a sparse tensor into parts along a dimension.

    >>> import tideflow as tf
    >>> x = tf.sparse.from_dense([[1, 2, 3]])
    >>> [part.values.numpy().tolist() for part in tf.sparse.split(x, 2, 1)]
    [[1, 2], [3]]

    Args:
      sp_input: the sparse tensor.
      num_split: the number of parts; the first ones are larger by one where the size does not divide evenly.
      axis: the dimension.
      name: the name of the node.

    Returns:
      A list of sparse tensors.

    Raises:
      ValueError: an argument is missing.
      TypeError: the input is not sparse.
      InvalidArgumentError: the dimension does not exist, or is shorter than ``num_split``.
    """
    for label, value in (("sp_input", sp_input), ("num_split", num_split), ("axis", axis)):
        if value is None:
            raise ValueError(f"{label} is required")
    sp_input = as_sparse(sp_input)
    if not isinstance(axis, Tensor):
        axis = convert_to_tensor(axis, dtypes.int64)
    indices, values, sizes = raw.SparseSplit(
        axis, sp_input.indices, sp_input.values, sp_input.dense_shape, num_split=num_split, name=name
    )
    return [SparseTensor(*parts) for parts in zip(indices, values, sizes, strict=True)]


class KeywordRequired:
    """Stands in the place of positional arguments, of which there are to be none."""

    def __repr__(self) -> str:
        return "KeywordRequired()"


def split_v1(
    keyword_required: Any = KeywordRequired(),  # noqa: B008 - the default is what tells that nothing was given
    sp_input: Any = None,
    num_split: Any = None,
    axis: Any = None,
    name: str | None = None,
    split_dim: Any = None,
) -> list[SparseTensor]:
    """Splits a sparse tensor into parts; all arguments are given by name, of ``axis`` also the older ``split_dim``.

    Args:
      keyword_required: not to be given.
      sp_input: the sparse tensor.
      num_split: the number of parts.
      axis, split_dim: the dimension.
      name: the name of the node.

    Raises:
      ValueError: a positional argument was given, or one is missing.
    """
    if not isinstance(keyword_required, KeywordRequired):
        raise ValueError("Keyword arguments are required for this function.")
    for label, value in (("sp_input", sp_input), ("num_split", num_split)):
        if value is None:
            raise ValueError(f"{label} is required")
    return split(sp_input, num_split, one_of("axis", axis, "split_dim", split_dim), name)


def slice(sp_input: Any, start: Any, size: Any, name: str | None = None) -> SparseTensor:
    """Takes a rectangular part of a sparse tensor.

    >>> import tideflow as tf
    >>> x = tf.sparse.from_dense([[1, 2, 3], [4, 5, 6]])
    >>> tf.sparse.to_dense(tf.sparse.slice(x, [0, 1], [2, 2])).numpy().tolist()
    [[2, 3], [5, 6]]

    Args:
      sp_input: the sparse tensor.
      start: where the part begins, a vector with an integer for each dimension.
      size: how large it is; what lies outside of the tensor is cut off.
      name: the name of the node.

    Raises:
      TypeError: the input is not sparse.
      InvalidArgumentError: the vectors are not as long as the rank, or a size is negative.
    """
    sp_input = as_sparse(sp_input)
    start, size = convert_to_tensor(start, dtypes.int64), convert_to_tensor(size, dtypes.int64)
    with name_scope(name, "SparseSlice", [sp_input.indices]) as scope:
        result = raw.SparseSlice(
            sp_input.indices, sp_input.values, sp_input.dense_shape, start, size, name=scope or None
        )
        return SparseTensor(*result)


def expand_dims(sp_input: Any, axis: Any = None, name: str | None = None) -> SparseTensor:
    """Inserts a dimension of size 1.

    >>> import tideflow as tf
    >>> tf.sparse.expand_dims(tf.sparse.from_dense([0, 5]), 0).dense_shape.numpy().tolist()
    [1, 2]

    Args:
      sp_input: the sparse tensor.
      axis: where, an integer or an integer tensor; at the end if None.
      name: the name scope of the nodes.

    Raises:
      TypeError: ``axis`` is no integer.
    """
    rank = sp_input.dense_shape.shape[0]
    if rank is None:
        rank = raw.Size(sp_input.dense_shape)
    axis = -1 if axis is None else axis
    with name_scope(name, default_name="expand_dims", values=[sp_input.indices]):
        if isinstance(axis, int | np.integer):
            axis = convert_to_tensor(axis, dtypes.int32, name="axis")
        elif not isinstance(axis, Tensor):
            raise TypeError("axis must be an integer value in range [-rank(sp_input) - 1, rank(sp_input)]")
        zero = np.zeros((), axis.dtype.as_numpy_dtype)
        axis = raw.SelectV2(raw.GreaterEqual(axis, zero), axis, raw.AddV2(raw.AddV2(axis, rank), zero + 1))
        count = raw.Reshape(raw.GatherV2(raw.Shape(sp_input.indices), _ZERO, _ZERO), np.array([1], np.int32))
        column = raw.Fill(raw.ConcatV2([count, np.array([1], np.int32)], _ZERO), np.int64(0))
        vector = raw.Reshape(axis, np.array([1], np.int32))
        none, rest = np.zeros(1, axis.dtype.as_numpy_dtype), np.full(1, -1, axis.dtype.as_numpy_dtype)
        before = raw.Slice(sp_input.indices, np.zeros(2, none.dtype), raw.ConcatV2([rest, vector], _ZERO))
        after = raw.Slice(sp_input.indices, raw.ConcatV2([none, vector], _ZERO), np.full(2, -1, none.dtype))
        indices = raw.ConcatV2([before, column, after], _ONE, name="concat")
        sizes = [
            raw.Slice(sp_input.dense_shape, none, vector),
            np.ones(1, np.int64),
            raw.Slice(sp_input.dense_shape, vector, rest),
        ]
        return SparseTensor(indices, sp_input.values, raw.ConcatV2(sizes, _ZERO))


def transpose(sp_input: Any, perm: Any = None, name: str | None = None) -> SparseTensor:
    """Puts the dimensions of a sparse tensor into another order.

    >>> import tideflow as tf
    >>> tf.sparse.to_dense(tf.sparse.transpose(tf.sparse.from_dense([[1, 2]]))).numpy().tolist()
    [[1], [2]]

    Args:
      sp_input: the sparse tensor.
      perm: which dimension comes to each place; in reverse if None.
      name: the name scope of the nodes.

    Returns:
      A ``SparseTensor``, ordered by position.
    """
    with name_scope(name, "SparseTranspose", [sp_input.indices]):
        if perm is None:
            rank = sp_input.shape.rank
            if rank is None:
                last = raw.Sub(raw.Size(sp_input.dense_shape), _ONE)
                perm = raw.Range(last, np.int32(-1), np.int32(-1))
            else:
                perm = np.arange(rank, dtype=np.int32)[::-1].copy()
        perm = perm if isinstance(perm, Tensor) else convert_to_tensor(perm)
        indices = raw.GatherV2(sp_input.indices, perm, _ONE)
        known = static_value(perm)
        if known is not None and sp_input.shape.is_fully_defined():
            old = sp_input.shape.as_list()
            sizes: Any = list(old)
            for place, axis in enumerate(known.tolist()):
                sizes[place] = old[axis]
        else:
            sizes = raw.GatherV2(sp_input.dense_shape, perm, _ZERO)
        return sparse_reorder(SparseTensor(indices, sp_input.values, sizes))


def retain(sp_input: Any, to_retain: Any) -> SparseTensor:
    """Keeps some of the given elements.

    >>> import tideflow as tf
    >>> x = tf.sparse.from_dense([1, 2, 3])
    >>> tf.sparse.to_dense(tf.sparse.retain(x, [True, False, True])).numpy().tolist()
    [1, 0, 3]

    Args:
      sp_input: the sparse tensor, with ``n`` elements.
      to_retain: a boolean vector of length ``n``.

    Raises:
      TypeError: the input is not sparse.
      ValueError: ``to_retain`` has another length or rank.
    """
    sp_input = as_sparse(sp_input)
    to_retain = convert_to_tensor(to_retain)
    to_retain.shape.assert_has_rank(1)
    _check_equal(sp_input.values.shape[0], to_retain.shape[0])
    rows = raw.Reshape(raw.Where(to_retain), np.array([-1], np.int32))
    return SparseTensor(
        raw.GatherV2(sp_input.indices, rows, _ZERO),
        raw.GatherV2(sp_input.values, rows, _ZERO),
        raw.Identity(sp_input.dense_shape),
    )


def _check_equal(first: int | None, second: int | None) -> None:
    if None not in (first, second) and first != second:
        raise ValueError(f"Dimensions {first} and {second} are not compatible")


def reset_shape(sp_input: Any, new_shape: Any = None) -> SparseTensor:
    """Gives a sparse tensor a larger shape, or the least one that holds its elements; no element moves.

    >>> import tideflow as tf
    >>> x = tf.SparseTensor([[0, 1]], [7], [5, 5])
    >>> tf.sparse.reset_shape(x).dense_shape.numpy().tolist()
    [1, 2]

    Args:
      sp_input: the sparse tensor.
      new_shape: an integer vector, at least the old size in each dimension; the least that is possible if None.

    Raises:
      TypeError: the input is not sparse.
      ValueError: it is known that the new shape has another rank, or is less in a dimension.
      InvalidArgumentError: that turns out when the graph runs.
    """
    sp_input = as_sparse(sp_input)
    indices, values = raw.Identity(sp_input.indices), raw.Identity(sp_input.values)
    old = raw.Identity(sp_input.dense_shape)
    if new_shape is None:
        last = raw.Max(indices, _ZERO)
        sizes = raw.Maximum(np.int64(0), raw.AddV2(last, raw.OnesLike(old)))
        return SparseTensor(indices, values, sizes)
    sizes = convert_to_tensor(new_shape)
    sizes.shape.assert_has_rank(1)
    sizes = sizes if sizes.dtype == dtypes.int64 else raw.Cast(sizes, DstT=dtypes.int64)
    _check_equal(sizes.shape[0], old.shape[0])
    known = static_value(sizes)
    if known is not None and sp_input.shape.is_fully_defined():
        before = np.array(sp_input.shape.as_list())
        if not (before <= known).all():
            raise ValueError(
                "Requested new_shape should have dimension sizes >= sp_input.shape.  Found new_shape "
                f"({before}), sp_input.shape ({known})."
            )
        return SparseTensor(indices, values, known)
    from tideflow._src.ops.control.assertions import assert_equal, assert_less_equal
    from tideflow._src.ops.control.grouping import with_dependencies

    sizes = with_dependencies([assert_equal(raw.Shape(old), raw.Shape(sizes))], sizes)
    sizes = with_dependencies([assert_less_equal(old, sizes)], sizes)
    return SparseTensor(indices, values, sizes)


def mask(a: Any, mask_indices: Any, name: str | None = None) -> IndexedSlices:
    """Leaves rows out of ``IndexedSlices``.

    >>> import tideflow as tf
    >>> rows = tf.IndexedSlices(tf.constant([[1], [2], [3]]), tf.constant([4, 7, 9]))
    >>> tf.sparse.mask(rows, [7]).indices.numpy().tolist()
    [4, 9]

    Args:
      a: the ``IndexedSlices``.
      mask_indices: the indices of the rows to leave out.
      name: the name of the nodes.
    """
    with name_scope(name, "sparse_mask", [a.values, a.indices]) as scope:
        indices, rows = raw.ListDiff(a.indices, mask_indices)
        values = raw.GatherV2(a.values, rows, _ZERO, name=scope or None)
        return IndexedSlices(values, indices, a.dense_shape)


def fill_empty_rows(sp_input: Any, default_value: Any, name: str | None = None) -> tuple[SparseTensor, Any]:
    """Gives each row of a sparse tensor that has no element one, in its first column.

    >>> import tideflow as tf
    >>> filled, empty = tf.sparse.fill_empty_rows(tf.SparseTensor([[1, 1]], [5], [3, 2]), -1)
    >>> tf.sparse.to_dense(filled).numpy().tolist(), empty.numpy().tolist()
    ([[-1, 0], [0, 5], [-1, 0]], [True, False, True])

    Args:
      sp_input: the sparse tensor.
      default_value: the scalar that fills the rows.
      name: the name scope of the nodes.

    Returns:
      The filled ``SparseTensor``, and a boolean vector that tells which rows were empty.

    Raises:
      TypeError: the input is not sparse.
    """
    sp_input = as_sparse(sp_input)
    with name_scope(name, "SparseFillEmptyRows", [sp_input.indices]):
        default_value = convert_to_tensor(default_value, sp_input.dtype)
        indices, values, empty, _ = raw.SparseFillEmptyRows(
            sp_input.indices, sp_input.values, sp_input.dense_shape, default_value
        )
        return SparseTensor(indices, values, sp_input.dense_shape), empty
