"""Looks up embeddings for ragged tensors of ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.ops.nn import embedding, embedding_sparse
from tideflow._src.ops.ragged.functional import on_flat_values
from tideflow._src.ops.ragged.ragged_parts import convert_to_tensor_or_ragged_tensor
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor, is_ragged
from tideflow._src.ops.scopes import name_scope


def _looked_up(lookup: Callable[[Any], Any], params: Any, ids: Any, name: str | None) -> Any:
    if params is None:
        raise ValueError("params must be specified.")
    if isinstance(params, list | tuple) and not params:
        raise ValueError("params should not be empty.")
    if ids.dtype not in (dtypes.int32, dtypes.int64):
        raise ValueError(
            f"The values contained by the inputs have type {ids.dtype} and cannot be processed. All values should be "
            "indices, either of type `int32` or `int64`."
        )
    with name_scope(name, "embedding_lookup_ragged"):
        return on_flat_values(lookup, ids)


def embedding_lookup(params: Any, ids: Any, max_norm: Any = None, name: str | None = None) -> Any:
    """Looks up rows of an embedding table for each element of a ragged tensor."""
    return _looked_up(lambda flat: embedding.embedding_lookup(params, flat, max_norm), params, ids, name)


def embedding_lookup_v1(
    params: Any,
    ids: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    validate_indices: bool = True,
    max_norm: Any = None,
) -> Any:
    """Does the same with TensorFlow 1's arguments."""
    del validate_indices
    return _looked_up(
        lambda flat: embedding.embedding_lookup_v1(params, flat, partition_strategy, max_norm=max_norm),
        params,
        ids,
        name,
    )


def _as_sparse(ids: Any, weights: Any) -> tuple[Any, Any]:
    """Returns ids and weights, whose rows are the same, as sparse matrices."""
    ids = convert_to_tensor_or_ragged_tensor(ids)
    if weights is None:
        return ids.to_sparse(), None
    if not is_ragged(weights):
        raise TypeError(
            f"sp_ids must be of the same type as sp_weights, received {type(ids).__name__!r} for sp_ids and "
            f"{type(weights).__name__!r} for sp_weights."
        )
    weights = convert_to_tensor_or_ragged_tensor(weights)
    assert isinstance(ids, RaggedTensor)
    ids.values.shape.assert_is_compatible_with(weights.values.shape)
    ids.shape.assert_is_compatible_with(weights.shape)
    return ids.to_sparse(), weights.to_sparse()


def _of_sparse(lookup: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a lookup for sparse ids as one for ragged ids: its second and third arguments are ids and weights."""

    def function(table: Any, ids: Any, weights: Any = None, *args: Any, **kwargs: Any) -> Any:
        return lookup(table, *_as_sparse(ids, weights), *args, **kwargs)

    return function


embedding_lookup_sparse = _of_sparse(embedding_sparse.embedding_lookup_sparse)
embedding_lookup_sparse_v1 = _of_sparse(embedding_sparse.embedding_lookup_sparse_v1)
safe_embedding_lookup_sparse = _of_sparse(embedding_sparse.safe_embedding_lookup_sparse)
safe_embedding_lookup_sparse_v1 = _of_sparse(embedding_sparse.safe_embedding_lookup_sparse_v1)
