"""Public functions that serialize sparse tensors."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.sparse.conversion import as_sparse
from tideflow._src.runtime.sparse_tensor import SparseTensor


def serialize_sparse(sp_input: Any, out_type: Any = dtypes.string, name: str | None = None) -> Any:
    """Serializes a sparse tensor: its positions, values and shape, each as a ``TensorProto``.

    >>> import tideflow as tf
    >>> tf.io.serialize_sparse(tf.sparse.from_dense([0, 7])).shape
    TensorShape([3])

    Args:
      sp_input: the sparse tensor.
      out_type: ``tf.string``, or ``tf.variant``.
      name: the name of the node.

    Returns:
      A vector of three strings (or variants).

    Raises:
      TypeError: the input is not sparse.
    """
    sp_input = as_sparse(sp_input)
    return raw.SerializeSparse(
        sp_input.indices, sp_input.values, sp_input.dense_shape, out_type=dtypes.as_dtype(out_type), name=name
    )


def serialize_sparse_v1(sp_input: Any, name: str | None = None, out_type: Any = dtypes.string) -> Any:
    """Serializes a sparse tensor, with TensorFlow 1's arguments; see ``serialize_sparse``."""
    return serialize_sparse(sp_input, out_type, name)


def serialize_many_sparse(sp_input: Any, out_type: Any = dtypes.string, name: str | None = None) -> Any:
    """Serializes each row of a sparse tensor as a sparse tensor of its own.

    >>> import tideflow as tf
    >>> rows = tf.io.serialize_many_sparse(tf.sparse.from_dense([[0, 7], [5, 0]]))
    >>> tf.sparse.to_dense(tf.io.deserialize_many_sparse(rows, tf.int32)).numpy().tolist()
    [[0, 7], [5, 0]]

    Args:
      sp_input: the sparse tensor, of rank 2 or more, ordered by position.
      out_type: ``tf.string``, or ``tf.variant``.
      name: the name of the node.

    Returns:
      A matrix with three strings (or variants) for each row.

    Raises:
      TypeError: the input is not sparse.
      InvalidArgumentError: its rank is less than 2, or positions do not ascend.
    """
    sp_input = as_sparse(sp_input)
    return raw.SerializeManySparse(
        sp_input.indices, sp_input.values, sp_input.dense_shape, out_type=dtypes.as_dtype(out_type), name=name
    )


def serialize_many_sparse_v1(sp_input: Any, name: str | None = None, out_type: Any = dtypes.string) -> Any:
    """Serializes each row of a sparse tensor, with TensorFlow 1's arguments; see ``serialize_many_sparse``."""
    return serialize_many_sparse(sp_input, out_type, name)


def deserialize_many_sparse(
    serialized_sparse: Any, dtype: Any, rank: int | None = None, name: str | None = None
) -> Any:
    """Makes one sparse tensor of many serialized ones, with a row for each.

    >>> import tideflow as tf
    >>> one = tf.io.serialize_sparse(tf.sparse.from_dense([0, 7]))
    >>> tf.io.deserialize_many_sparse([one, one], tf.int32).dense_shape.numpy().tolist()
    [2, 2]

    Args:
      serialized_sparse: a matrix of strings, three in a row.
      dtype: the type of the values.
      rank: the rank of the sparse tensor that is returned, if it is to be known statically.
      name: the name of the node.

    Returns:
      A ``SparseTensor`` whose shape has the number of rows first, then the greatest size of each dimension.

    Raises:
      InvalidArgumentError: a string is no serialized tensor, or ranks or types differ.
    """
    indices, values, sizes = raw.DeserializeManySparse(serialized_sparse, dtype=dtypes.as_dtype(dtype), name=name)
    indices.set_shape(TensorShape([None, rank]))
    sizes.set_shape(TensorShape([rank]))
    return SparseTensor(indices, values, sizes)
