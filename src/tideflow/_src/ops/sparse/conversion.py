"""Public functions that turn sparse tensors into dense ones and back, multiply them, and order their values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.sparse_tensor import SparseTensor, SparseTensorValue, static_shape_of


def as_sparse(value: Any) -> SparseTensor:
    """Returns a sparse tensor; a TypeError for anything that is none."""
    if isinstance(value, SparseTensorValue):
        return SparseTensor.from_value(value)
    if not isinstance(value, SparseTensor):
        raise TypeError("Input must be a SparseTensor.")
    return value


def sparse_to_dense_v1(
    sparse_indices: Any,
    output_shape: Any,
    sparse_values: Any,
    default_value: Any = 0,
    validate_indices: bool = True,
    name: str | None = None,
) -> Any:
    """Makes a dense tensor of values at positions.

    Args:
      sparse_indices: a matrix with a position in each row; a vector, or a scalar, for a vector as the result.
      output_shape: the shape of the result.
      sparse_values: a vector of values, or one value for all positions.
      default_value: the value everywhere else.
      validate_indices: whether to check that positions ascend and none is repeated.
      name: the name of the node.

    Returns:
      A tensor of the type of the values.

    Raises:
      InvalidArgumentError: a position is out of bounds, or positions do not ascend.
    """
    return raw.SparseToDense(
        sparse_indices, output_shape, sparse_values, default_value, validate_indices=validate_indices, name=name
    )


def sparse_tensor_to_dense(
    sp_input: Any, default_value: Any = None, validate_indices: bool = True, name: str | None = None
) -> Any:
    """Makes a dense tensor of a sparse one.

    Args:
      sp_input: the sparse tensor.
      default_value: the value where it has none; zero (empty, False) if None.
      validate_indices: whether to check that positions ascend and none is repeated.
      name: the name of the node.

    Returns:
      A tensor of the same shape and type.

    Raises:
      TypeError: the input is not sparse.
      InvalidArgumentError: a position is out of bounds, or positions do not ascend.
    """
    sp_input = as_sparse(sp_input)
    if default_value is None:
        if sp_input.dtype == dtypes.string:
            default_value = convert_to_tensor("", name="zeros")
        else:
            default_value = convert_to_tensor(np.zeros((), sp_input.dtype.as_numpy_dtype), name="zeros")
    return sparse_to_dense_v1(
        sp_input.indices, sp_input.dense_shape, sp_input.values, default_value, validate_indices, name
    )


def from_dense(tensor: Any, name: str | None = None) -> Any:
    """Makes a sparse tensor of those elements of a dense one that are not zero.

    Args:
      tensor: a dense tensor.
      name: the name scope of the nodes.
    """
    with name_scope(name, "dense_to_sparse"):
        tensor = tensor if isinstance(tensor, Tensor) else convert_to_tensor(tensor)
        zero = "" if tensor.dtype == dtypes.string else np.zeros((), tensor.dtype.as_numpy_dtype)
        indices = raw.Where(raw.NotEqual(tensor, zero))
        values = raw.GatherNd(tensor, indices)
        return SparseTensor(indices, values, raw.Shape(tensor, out_type=dtypes.int64))


def sparse_reorder(sp_input: Any, name: str | None = None) -> Any:
    """Sorts the values of a sparse tensor by position, row by row.

    Args:
      sp_input: the sparse tensor.
      name: the name of the node.
    """
    sp_input = as_sparse(sp_input)
    indices, values = raw.SparseReorder(sp_input.indices, sp_input.values, sp_input.dense_shape, name=name)
    if sp_input.shape.is_fully_defined():
        return SparseTensor(indices, values, sp_input.shape.as_list())
    result = SparseTensor(indices, values, raw.Identity(sp_input.dense_shape))
    result.set_shape(sp_input.shape)
    return result


def sparse_reshape(sp_input: Any, shape: Any, name: str | None = None) -> Any:
    """Gives a sparse tensor another shape of as many elements.

    Args:
      sp_input: the sparse tensor.
      shape: the new shape; one size may be -1, which is then what is left.
      name: the name of the node.

    Raises:
      TypeError: the input is not sparse.
      ValueError: it is known that the sizes do not fit.
      InvalidArgumentError: it turns out that they do not fit.
    """
    sp_input = as_sparse(sp_input)
    shape = shape if isinstance(shape, Tensor) else convert_to_tensor(shape)
    if shape.dtype != dtypes.int64:
        shape = raw.Cast(shape, DstT=dtypes.int64)
    with name_scope(name, "SparseReshape", [sp_input.indices, sp_input.dense_shape, shape]) as scope:
        indices, sizes = raw.SparseReshape(sp_input.indices, sp_input.dense_shape, shape, name=scope or None)
        known = _known_sizes(sp_input.shape, shape)
        return SparseTensor(indices, raw.Identity(sp_input.values), sizes if known is None else known)


def _known_sizes(before: Any, shape: Any) -> list[int] | None:
    """Returns the new sizes where the old ones are known and at most one of the new ones is to be found."""
    wanted = static_shape_of(shape)
    if wanted.rank is None or not before.is_fully_defined():
        return None
    given = static_value(shape)
    if given is not None and (given == -1).sum() > 1:
        raise ValueError(f"At most one dimension can be inferred (-1). Found: {given}")
    sizes = wanted.as_list()
    missing = [axis for axis, size in enumerate(sizes) if size is None]
    if len(missing) > 1 or (missing and 0 in sizes):
        return None
    total = math.prod(before.as_list())
    after = list(sizes)
    if missing:
        after[missing[0]] = total // math.prod(size for size in sizes if size is not None)
    if math.prod(after) != total:
        raise ValueError(
            f"Cannot reshape a tensor with {total} elements to shape {sizes} ({math.prod(after)} elements)."
        )
    return [int(size) for size in after if size is not None]


def sparse_tensor_dense_matmul(
    sp_a: Any, b: Any, adjoint_a: bool = False, adjoint_b: bool = False, name: str | None = None
) -> Any:
    """Multiplies a sparse matrix by a dense one, or a dense one by a sparse one.

    Args:
      sp_a: the first matrix.
      b: the second matrix; one of the two is sparse.
      adjoint_a, adjoint_b: whether to transpose and conjugate a matrix first.
      name: the name of the node.

    Returns:
      A dense matrix.

    Raises:
      InvalidArgumentError: the sizes do not fit, or a position is out of bounds.
    """
    if isinstance(b, SparseTensor | SparseTensorValue):
        product = sparse_tensor_dense_matmul(b, sp_a, not adjoint_b, not adjoint_a)
        turn = raw.ConjugateTranspose if product.dtype.is_complex else raw.Transpose
        return turn(product, np.array([1, 0], np.int32))
    sp_a = as_sparse(sp_a)
    with name_scope(name, "SparseTensorDenseMatMul", [sp_a.indices, sp_a.values, b]):
        b = b if isinstance(b, Tensor) else convert_to_tensor(b, name="b")
        return raw.SparseTensorDenseMatMul(
            sp_a.indices,
            sp_a.values,
            sp_a.dense_shape,
            b,
            adjoint_a=adjoint_a,
            adjoint_b=adjoint_b,
        )


def eye(num_rows: Any, num_columns: Any = None, dtype: Any = dtypes.float32, name: str | None = None) -> Any:
    """Makes a sparse matrix with ones on its diagonal.

    Args:
      num_rows: the number of rows.
      num_columns: the number of columns; as many as rows if None.
      dtype: the type of the ones.
      name: the name scope of the nodes.
    """
    with name_scope(name, default_name="eye", values=[num_rows, num_columns]):
        rows = int64_tensor(num_rows, "num_rows")
        columns = rows if num_columns is None else int64_tensor(num_columns, "num_columns")
        count = raw.Minimum(rows, columns)
        places = raw.Range(np.int64(0), count, np.int64(1))
        one = np.ones((), dtypes.as_dtype(dtype).as_numpy_dtype)
        values = raw.Fill(raw.Reshape(count, np.array([1], np.int32)), one)
        return SparseTensor(raw.Pack([places, places], axis=1), values, raw.Pack([rows, columns], axis=0))


def int64_tensor(value: Any, name: str) -> Any:
    """Returns an integer, or a tensor of integers, as an ``int64`` tensor; a TypeError for anything else."""
    if isinstance(value, int | np.integer):
        return convert_to_tensor(value, dtypes.int64, name=name)
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be an integer value")
    return value if value.dtype == dtypes.int64 else raw.Cast(value, DstT=dtypes.int64)
