"""``tf.ragged.cross`` and ``tf.ragged.cross_hashed``."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.ragged.crossing import ragged_cross_op
from tideflow._src.ops.ragged.ragged_parts import convert_to_tensor_or_ragged_tensor
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.sparse_tensor import SparseTensor, convert_to_tensor_or_sparse_tensor, is_sparse

_KEY = 0xDECAFCAFFE


def cross(inputs: Any, name: str | None = None) -> RaggedTensor:
    """Combines features: a row of the result has every combination of one value of each.

    >>> import tideflow as tf
    >>> print(tf.ragged.cross([tf.ragged.constant([["a"], ["b", "c"]]), tf.constant([["d"], ["e"]])]))
    <tf.RaggedTensor [[b'a_X_d'], [b'b_X_e', b'c_X_e']]>

    Args:
      inputs: a list of tensors, ragged tensors and sparse tensors of integers or strings, of rank 2.
      name: the name scope.

    Returns:
      A ragged tensor of strings; the last of the inputs changes fastest.

    Raises:
      TypeError: ``inputs`` is no list.
      ValueError: an input is of another dtype or rank.
    """
    return _crossed(inputs, False, 0, None, name)


def cross_hashed(inputs: Any, num_buckets: int = 0, hash_key: int | None = None, name: str | None = None) -> Any:
    """Combines features to hashes of the combinations.

    Args:
      inputs: a list of tensors, ragged tensors and sparse tensors of integers or strings, of rank 2.
      num_buckets: the hashes are taken modulo this number, unless it is 0.
      hash_key: what the hashes begin with.
      name: the name scope.

    Returns:
      A ragged tensor of int64.

    Raises:
      TypeError: ``inputs`` is no list.
      ValueError: an input is of another dtype or rank.
    """
    return _crossed(inputs, True, num_buckets, hash_key, name)


def _crossed(inputs: Any, hashed: bool, num_buckets: int, hash_key: int | None, name: str | None) -> RaggedTensor:
    if not isinstance(inputs, list | tuple):
        raise TypeError("Inputs must be a list")
    ragged, sparse, dense = [], [], []
    order = ""
    with name_scope(name, "RaggedCross"):
        for place, item in enumerate(inputs):
            if is_sparse(item):
                item = convert_to_tensor_or_sparse_tensor(item)
            else:
                item = convert_to_tensor_or_ragged_tensor(item)
            if not item.dtype.is_integer and item.dtype is not dtypes.string:
                raise ValueError(f"Unexpected dtype for inputs[{place}]: {item.dtype}")
            if isinstance(item, RaggedTensor):
                if item.ragged_rank != 1:
                    raise ValueError("tf.ragged.cross only supports inputs with rank=2")
                ragged.append(item.with_flat_values(_as_feature(item.flat_values)))
                order += "R"
            elif isinstance(item, SparseTensor):
                sparse.append(SparseTensor(item.indices, _as_feature(item.values), item.dense_shape))
                order += "S"
            else:
                dense.append(_as_feature(item))
                order += "D"
        long = any(rt.row_splits.dtype is dtypes.int64 for rt in ragged) or not ragged
        found = ragged_cross_op(
            [rt.flat_values for rt in ragged],
            [rt.row_splits for rt in ragged],
            [st.indices for st in sparse],
            [st.values for st in sparse],
            [st.dense_shape for st in sparse],
            dense,
            input_order=order,
            hashed_output=hashed,
            num_buckets=num_buckets,
            hash_key=_KEY if hash_key is None else hash_key,
            out_values_type=dtypes.int64 if hashed else dtypes.string,
            out_row_splits_type=dtypes.int64 if long else dtypes.int32,
        )
        return RaggedTensor.from_row_splits(found.output_values, found.output_row_splits, validate=False)


def _as_feature(tensor: Any) -> Any:
    return tensor if tensor.dtype in (dtypes.int64, dtypes.string) else raw.Cast(tensor, DstT=dtypes.int64)
