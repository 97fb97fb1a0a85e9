"""Public functions that compute with the values of sparse tensors, and the operators of ``SparseTensor``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import dtypes, nest
from tideflow._src.core.tensor import EagerTensor, Tensor
from tideflow._src.ops.array.gathering import gather_nd
from tideflow._src.ops.array.permuting import matrix_transpose
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.grouping import control_dependencies
from tideflow._src.ops.math.division import cast_for_true_division
from tideflow._src.ops.math.reduction_functions import one_of
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.sparse.conversion import as_sparse
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.sparse_tensor import SparseTensor, is_sparse


def add(a: Any, b: Any, threshold: Any = 0) -> Any:
    """Adds two tensors, of which at least one is sparse.

    >>> import tideflow as tf
    >>> a = tf.sparse.from_dense([[1, 0], [0, 2]])
    >>> tf.sparse.to_dense(tf.sparse.add(a, a)).numpy().tolist()
    [[2, 0], [0, 4]]

    Args:
      a, b: the tensors, of one dtype and shape: a ``SparseTensor`` and another one, or a dense tensor.
      threshold: a scalar; sums of two given values that are less in magnitude are left out of a sparse result.

    Returns:
      A ``SparseTensor`` if both are sparse, else a tensor.

    Raises:
      TypeError: neither is sparse.
      InvalidArgumentError: the shapes differ.
    """
    if not (is_sparse(a) or is_sparse(b)):
        raise TypeError("At least one input should be SparseTensor; do you mean to use tf.add()?")
    if not (is_sparse(a) and is_sparse(b)):
        if is_sparse(b):
            a, b = b, a
        return raw.SparseTensorDenseAdd(a.indices, a.values, a.dense_shape, b)
    a, b = as_sparse(a), as_sparse(b)
    limit = convert_to_tensor(threshold, a.dtype.real_dtype.base_dtype, name="threshold")
    indices, values, sizes = raw.SparseAdd(
        a.indices, a.values, a.dense_shape, b.indices, b.values, b.dense_shape, limit
    )
    a.shape.assert_is_compatible_with(b.shape)
    known = a.shape.merge_with(b.shape)
    return SparseTensor(indices, values, known.as_list() if known.is_fully_defined() else sizes)


def add_v1(a: Any, b: Any, threshold: Any = None, thresh: Any = None) -> Any:
    """Adds two tensors, of which at least one is sparse; ``thresh`` is an older name of ``threshold``; see ``add``."""
    threshold = one_of("threshold", threshold, "thresh", thresh)
    return add(a, b, 0 if threshold is None else threshold)


def maximum(sp_a: Any, sp_b: Any, name: str | None = None) -> SparseTensor:
    """Takes the greater of two sparse tensors' elements; those that are not given are zero.

    >>> import tideflow as tf
    >>> a = tf.sparse.from_dense([1, 0, -3])
    >>> tf.sparse.maximum(a, tf.sparse.from_dense([0, 5, 0])).values.numpy().tolist()
    [1, 5, 0]

    Args:
      sp_a, sp_b: sparse tensors of one dtype and shape, ordered by position.
      name: the name of the node.

    Returns:
      A ``SparseTensor`` with an element wherever one of them has one.

    Raises:
      InvalidArgumentError: the shapes differ, or a position is out of bounds.
    """
    return _extremum("SparseSparseMaximum", sp_a, sp_b, name)


def minimum(sp_a: Any, sp_b: Any, name: str | None = None) -> SparseTensor:
    """Takes the lesser of two sparse tensors' elements; those that are not given are zero.

    >>> import tideflow as tf
    >>> a = tf.sparse.from_dense([1, 0, -3])
    >>> tf.sparse.minimum(a, tf.sparse.from_dense([0, 5, 0])).values.numpy().tolist()
    [0, 0, -3]

    Args:
      sp_a, sp_b: sparse tensors of one dtype and shape, ordered by position.
      name: the name of the node.

    Returns:
      A ``SparseTensor`` with an element wherever one of them has one.

    Raises:
      InvalidArgumentError: the shapes differ, or a position is out of bounds.
    """
    return _extremum("SparseSparseMinimum", sp_a, sp_b, name)


def _extremum(operation: str, sp_a: Any, sp_b: Any, name: str | None) -> SparseTensor:
    with name_scope(name, operation, [sp_a.indices, sp_b.indices]) as scope:
        indices, values = getattr(raw, operation)(
            sp_a.indices, sp_a.values, sp_a.dense_shape, sp_b.indices, sp_b.values, sp_b.dense_shape, name=scope or None
        )
    return SparseTensor(indices, values, sp_a.dense_shape)


def softmax(sp_input: Any, name: str | None = None) -> SparseTensor:
    """Applies softmax to each innermost row of a sparse tensor; what is not given stays so, and does not count.

    >>> import tideflow as tf
    >>> rows = tf.SparseTensor([[0, 0], [0, 1], [1, 0]], [1.0, 1.0, 7.0], [2, 3])
    >>> tf.sparse.softmax(rows).values.numpy().tolist()
    [0.5, 0.5, 1.0]

    Args:
      sp_input: a sparse tensor of rank 2 or more, of floats, ordered by position.
      name: the name of the node.

    Returns:
      A ``SparseTensor`` of the same positions.

    Raises:
      InvalidArgumentError: the rank is less than 2.
    """
    with name_scope(name, "SparseSoftmax", [sp_input.indices, sp_input.values]):
        values = raw.SparseSoftmax(sp_input.indices, sp_input.values, sp_input.dense_shape)
        return SparseTensor(sp_input.indices, values, sp_input.dense_shape)


def map_values(op: Callable[..., Any], *args: Any, **kwargs: Any) -> SparseTensor:
    """Applies a function to the values of sparse tensors that have the same positions.

    >>> import tideflow as tf
    >>> a = tf.SparseTensor([[0], [2]], [1, 3], [4])
    >>> tf.sparse.map_values(tf.multiply, a, 5).values.numpy().tolist()
    [5, 15]

    Args:
      op: the function; it gets the arguments, with the values of each ``SparseTensor`` in its place.
      *args, **kwargs: its arguments, which may be nested.

    Returns:
      A ``SparseTensor`` of what the function returned, at the positions of the first one.

    Raises:
      ValueError: no argument is sparse.
      InvalidArgumentError: the positions or shapes of two of them differ.
    """
    found: list[SparseTensor] = []

    def values_of(leaf: Any) -> Any:
        if isinstance(leaf, SparseTensor):
            found.append(leaf)
            return leaf.values
        return leaf

    given = [nest.map_structure(values_of, argument, expand_composites=False) for argument in args]
    named = {key: nest.map_structure(values_of, value, expand_composites=False) for key, value in kwargs.items()}
    if not found:
        raise ValueError("No SparseTensor in argument list of map_values")
    first = found[0]
    checks = []
    for other in found[1:]:
        checks.append(_assert_equal(first.dense_shape, other.dense_shape, "Mismatched shapes!"))
        checks.append(_assert_equal(first.indices, other.indices, "Mismatched indices!"))
    with control_dependencies([check for check in checks if check is not None]):
        return SparseTensor(first.indices, op(*given, **named), first.dense_shape)


def _assert_equal(x: Any, y: Any, message: str) -> Any:
    from tideflow._src.ops.control.assertions import assert_equal  # checks load when one is made

    return assert_equal(x, y, message=message)


# Reductions.

_REDUCTION_ARGUMENTS = """
    Args:
      sp_input: a sparse tensor of numbers.
      axis: the axes to reduce, an integer or a list of integers; all of them if None.
      keepdims: whether the reduced dimensions stay, with size 1.
      output_is_sparse: whether the result is a ``SparseTensor``, with no element where there is none to reduce.
      name: the name of the node.

    Returns:
      A tensor, zero where there is nothing to reduce, or a ``SparseTensor``.

    Raises:
      InvalidArgumentError: an axis does not exist.
    """


def _axes_of(sp_input: Any, axis: Any) -> Any:
    if axis is not None:
        return axis
    rank = sp_input.dense_shape.shape[0] if isinstance(sp_input, SparseTensor) else len(sp_input.dense_shape)
    if rank is not None:
        return np.arange(rank, dtype=np.int32)
    return raw.Range(np.int32(0), raw.Size(sp_input.dense_shape), np.int32(1))


def _reduced(operation: str, sp_input: Any, axis: Any, keepdims: Any, name: str | None = None) -> Any:
    result = getattr(raw, operation)(
        sp_input.indices,
        sp_input.values,
        sp_input.dense_shape,
        _axes_of(sp_input, axis),
        keep_dims=bool(keepdims),
        name=name,
    )
    return SparseTensor(*result) if operation.endswith("Sparse") else result


def _reduction(operation: str, summary: str, example: str) -> tuple[Any, Any, Any]:
    """Makes the reduction of TensorFlow 2, and the two of TensorFlow 1."""

    def function(
        sp_input: Any, axis: Any = None, keepdims: Any = None, output_is_sparse: bool = False, name: str | None = None
    ) -> Any:
        return _reduced(f"{operation}Sparse" if output_is_sparse else operation, sp_input, axis, keepdims, name)

    def function_v1(
        sp_input: Any, axis: Any = None, keepdims: Any = None, reduction_axes: Any = None, keep_dims: Any = None
    ) -> Any:
        keepdims = one_of("keepdims", keepdims, "keep_dims", keep_dims)
        return _reduced(operation, sp_input, one_of("axis", axis, "reduction_axes", reduction_axes), keepdims)

    def sparse_function_v1(
        sp_input: Any, axis: Any = None, keepdims: Any = None, reduction_axes: Any = None, keep_dims: Any = None
    ) -> Any:
        keepdims = one_of("keepdims", keepdims, "keep_dims", keep_dims)
        axis = one_of("axis", axis, "reduction_axes", reduction_axes)
        return _reduced(f"{operation}Sparse", sp_input, axis, keepdims)

    name = "reduce_sum" if operation.endswith("Sum") else "reduce_max"
    function.__doc__ = f"{summary}.\n{example}{_REDUCTION_ARGUMENTS}"
    older = f"``reduction_axes`` and ``keep_dims`` are older names of ``axis`` and ``keepdims``; see ``{name}``."
    function_v1.__doc__ = f"{summary} into a dense one.\n\n    {older}\n    "
    sparse_function_v1.__doc__ = f"{summary} into a sparse one.\n\n    {older}\n    "
    for made, suffix in ((function, ""), (function_v1, "_v1"), (sparse_function_v1, "_sparse_v1")):
        made.__name__ = made.__qualname__ = name + suffix
    return function, function_v1, sparse_function_v1


reduce_sum, reduce_sum_v1, reduce_sum_sparse_v1 = _reduction(
    "SparseReduceSum",
    "Adds up the elements of a sparse tensor along axes",
    """
    >>> import tideflow as tf
    >>> x = tf.SparseTensor([[0, 0], [0, 2], [1, 1]], [1, 1, 1], [2, 3])
    >>> tf.sparse.reduce_sum(x, 1).numpy().tolist()
    [2, 1]
""",
)
reduce_max, reduce_max_v1, reduce_max_sparse_v1 = _reduction(
    "SparseReduceMax",
    "Finds the greatest of the given elements of a sparse tensor along axes",
    """
    >>> import tideflow as tf
    >>> x = tf.SparseTensor([[0, 0], [0, 2], [1, 1]], [1, 2, -3], [2, 3])
    >>> tf.sparse.reduce_max(x, 1).numpy().tolist()
    [2, -3]
""",
)


# Operators.


def _with_dense(operation: str, sp_x: Any, y: Any, name: str | None = None) -> SparseTensor:
    """Returns the sparse tensor whose values were combined with the elements of a dense one."""
    values = getattr(raw, operation)(sp_x.indices, sp_x.values, sp_x.dense_shape, y, name=name)
    return SparseTensor(sp_x.indices, values, sp_x.dense_shape)


def _operator(operation: str, scope_name: str) -> Callable[[Any, Any], Any]:
    def method(self: Any, y: Any) -> Any:
        with name_scope(None, scope_name, [self.values, y]) as scope:
            y = convert_to_tensor(y, self.dtype.base_dtype, name="y")
            return _with_dense(operation, self, y, scope or None)

    return method


def _true_divide(self: Any, y: Any) -> Any:
    with name_scope(None, "truediv", [self.values, y]) as scope:
        y = convert_to_tensor(y, self.dtype.base_dtype, name="y")
        values, y = cast_for_true_division(self.values, y)
        return _with_dense("SparseDenseCwiseDiv", self.with_values(values), y, scope or None)


def _reflected_multiply(self: Any, x: Any) -> Any:
    if not isinstance(x, Tensor):
        return NotImplemented
    with name_scope(None, "mul", [x, self.values]) as scope:
        return _with_dense("SparseDenseCwiseMul", self, x, scope or None)


def install_operators() -> None:
    """Gives ``SparseTensor`` its operators: ``sparse * dense``, ``dense * sparse`` and ``sparse / dense``."""
    methods = {
        "mul": _operator("SparseDenseCwiseMul", "mul"),
        "rmul": _reflected_multiply,
        "div": _operator("SparseDenseCwiseDiv", "div"),
        "truediv": _true_divide,
    }
    for name, method in methods.items():
        method.__name__ = f"__{name}__"
        method.__doc__ = "Combines the given elements with those of a dense tensor at their positions."
        setattr(SparseTensor, f"__{name}__", method)


def sampled_addmm(
    indices: Any,
    values: Any,
    dense_shape: Any,
    mat1: Any,
    mat2: Any,
    beta: Any = 1.0,
    alpha: Any = 1.0,
    output_type: Any = dtypes.float32,
) -> tuple[Any, Any, Any]:
    """Computes those elements of the product of two dense matrices that stand at the positions of a sparse one.

    >>> import tideflow as tf
    >>> indices, values, shape = tf.sparse.sampled_addmm(
    ...     [[0, 0], [1, 1]], [0.5, 0.3], [2, 2], [[1.0], [2.0]], [[3.0, 4.0]]
    ... )
    >>> values.numpy().tolist()
    [3.5, 8.300000190734863]

    Args:
      indices: positions in the product, an integer tensor of shape ``[..., n, rank]``.
      values: the values of the sparse matrix at these positions.
      dense_shape: the shape of the product.
      mat1, mat2: the dense matrices, or batches of matrices.
      beta: what the values are multiplied by.
      alpha: what the product is multiplied by.
      output_type: the dtype of the result.

    Returns:
      ``indices``, ``beta * values + alpha * product``, and ``dense_shape``.

    Raises:
      ValueError: ``dense_shape`` is not the shape of the product.
    """
    indices = convert_to_tensor(indices)
    values = convert_to_tensor(values, output_type)
    dense_shape = convert_to_tensor(dense_shape, dtypes.int32)
    mat1, mat2 = convert_to_tensor(mat1, output_type), convert_to_tensor(mat2, output_type)
    rows, columns = mat1.shape[-2], mat2.shape[-1]
    wanted = np.array([rows, columns], np.int32)
    if isinstance(dense_shape, EagerTensor) and not np.array_equal(dense_shape.numpy(), wanted):
        raise ValueError(f"Dense shape: {dense_shape} does not match output shape: {convert_to_tensor(wanted)}")
    batch_dims = mat1.shape.rank - 2
    width = indices.shape[-1]
    column_places = raw.ConcatV2([indices[..., : width - 2], indices[..., -1:]], np.int32(-1))
    left = gather_nd(mat1, indices[..., :-1], batch_dims=batch_dims)
    right = gather_nd(matrix_transpose(mat2), column_places, batch_dims=batch_dims)
    products = raw.Sum(raw.Mul(left, right), np.int32(-1))
    return indices, products * alpha + values * beta, dense_shape
