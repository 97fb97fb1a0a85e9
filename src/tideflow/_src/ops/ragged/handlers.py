"""Takes over the public functions that know ragged tensors, for these.

It is loaded with the first ragged tensor. ``_HANDLERS`` is the list: by module and function what takes it over, and in
which parameters a ragged tensor may stand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tideflow._src.core.type_spec import CompositeTensor
from tideflow._src.ops import dispatch, elementwise_dispatch
from tideflow._src.ops.array import gathering, partitioning, permuting, sequences
from tideflow._src.ops.array import joining as array_joining
from tideflow._src.ops.array import selection as array_selection
from tideflow._src.ops.array import shape as array_shape
from tideflow._src.ops.array import splitting as splitting_of_tensors
from tideflow._src.ops.math import (
    arithmetic,
    casting,
    counting,
    cumulative,
    matrix_product_functions,
    reduction_functions,
    segments,
)
from tideflow._src.ops.nn import dropout as dropouts
from tideflow._src.ops.nn import embedding, embedding_sparse, softmax
from tideflow._src.ops.ragged import (
    arranging,
    bincount,
    elements_by_index,
    elementwise,
    embedding_lookup,
    joining,
    products,
    reductions,
    segment_ids,
    selection,
    splitting,
    string_joining,
)
from tideflow._src.ops.ragged.functional import on_flat_values
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor
from tideflow._src.ops.ragged.ragged_value import RaggedTensorValue
from tideflow._src.ops.sparse import ids as sparse_ids
from tideflow._src.ops.strings import joining as strings_joining


class _NotComposite(type):
    def __instancecheck__(cls, value: Any) -> bool:
        return not isinstance(value, CompositeTensor)


class Dense(metaclass=_NotComposite):
    """Stands for whatever may become a tensor: instances of all classes but composite ones."""


Ragged = RaggedTensor | RaggedTensorValue
RaggedOrDense = RaggedTensor | RaggedTensorValue | Dense

_HANDLERS: tuple[tuple[Callable[..., Any], Callable[..., Any], tuple[str, ...]], ...] = (
    (array_shape.expand_dims, arranging.expand_dims, ("input",)),
    (array_shape.expand_dims_v1, arranging.expand_dims_v1, ("input",)),
    (array_shape.squeeze, arranging.squeeze, ("input",)),
    (array_shape.squeeze_v1, arranging.squeeze_v1, ("input",)),
    (array_shape.size, arranging.size, ("input",)),
    (array_shape.size_v1, arranging.size_v1, ("input",)),
    (array_shape.rank, arranging.rank, ("input",)),
    (permuting.tile, arranging.tile, ("input",)),
    (permuting.reverse, arranging.reverse, ("tensor",)),
    (sequences.one_hot, arranging.one_hot, ("indices",)),
    (casting.bitcast, arranging.bitcast, ("input",)),
    (gathering.gather, elements_by_index.gather, ("params", "indices")),
    (gathering.gather_v1, elements_by_index.gather_v1, ("params", "indices")),
    (gathering.gather_nd, elements_by_index.gather_nd, ("params", "indices")),
    (gathering.gather_nd_v1, elements_by_index.gather_nd_v1, ("params", "indices")),
    (gathering.batch_gather, elements_by_index.batch_gather, ("params", "indices")),
    (partitioning.dynamic_partition, segment_ids.dynamic_partition, ("data", "partitions")),
    (splitting_of_tensors.split, splitting.split, ("value",)),
    (matrix_product_functions.matmul, products.matmul, ("a", "b")),
    (softmax.softmax, products.softmax, ("logits",)),
    (cumulative.cumsum, products.cumsum, ("x",)),
    (dropouts.dropout, products.dropout, ("x",)),
    (dropouts.dropout_v1, products.dropout_v1, ("x",)),
    (dropouts.stateless_dropout, products.stateless_dropout, ("x",)),
    (counting.bincount, bincount.bincount, ("arr",)),
    (sparse_ids.bincount, bincount.sparse_bincount, ("values",)),
    (embedding.embedding_lookup, embedding_lookup.embedding_lookup, ("ids",)),
    (embedding.embedding_lookup_v1, embedding_lookup.embedding_lookup_v1, ("ids",)),
    (embedding_sparse.embedding_lookup_sparse, embedding_lookup.embedding_lookup_sparse, ("sp_ids",)),
    (embedding_sparse.embedding_lookup_sparse_v1, embedding_lookup.embedding_lookup_sparse_v1, ("sp_ids",)),
    (embedding_sparse.safe_embedding_lookup_sparse, embedding_lookup.safe_embedding_lookup_sparse, ("sparse_ids",)),
    (
        embedding_sparse.safe_embedding_lookup_sparse_v1,
        embedding_lookup.safe_embedding_lookup_sparse_v1,
        ("sparse_ids",),
    ),
    (strings_joining.reduce_join, string_joining.reduce_join, ("inputs",)),
    (array_selection.where, selection.where, ("condition", "x", "y")),
    (array_selection.where_v1, selection.where_v1, ("condition", "x", "y")),
    (reduction_functions.reduce_sum, reductions.reduce_sum, ("input_tensor",)),
    (reduction_functions.reduce_prod, reductions.reduce_prod, ("input_tensor",)),
    (reduction_functions.reduce_min, reductions.reduce_min, ("input_tensor",)),
    (reduction_functions.reduce_max, reductions.reduce_max, ("input_tensor",)),
    (reduction_functions.reduce_mean, reductions.reduce_mean, ("input_tensor",)),
    (reduction_functions.reduce_all, reductions.reduce_all, ("input_tensor",)),
    (reduction_functions.reduce_any, reductions.reduce_any, ("input_tensor",)),
    (reduction_functions.reduce_variance, reductions.reduce_variance, ("input_tensor",)),
    (reduction_functions.reduce_std, reductions.reduce_std, ("input_tensor",)),
    (reduction_functions.reduce_logsumexp, reductions.reduce_logsumexp, ("input_tensor",)),
    (segments.unsorted_segment_sum, reductions.segment_sum, ("data", "segment_ids")),
    (segments.unsorted_segment_prod, reductions.segment_prod, ("data", "segment_ids")),
    (segments.unsorted_segment_min, reductions.segment_min, ("data", "segment_ids")),
    (segments.unsorted_segment_max, reductions.segment_max, ("data", "segment_ids")),
    (segments.unsorted_segment_mean, reductions.segment_mean, ("data", "segment_ids")),
    (segments.unsorted_segment_sqrt_n, reductions.segment_sqrt_n, ("data", "segment_ids")),
)

#: Functions of lists in which a ragged tensor may stand.
_OF_LISTS: tuple[tuple[Callable[..., Any], Callable[..., Any], str], ...] = (
    (array_joining.concat, joining.concat, "values"),
    (array_joining.stack, joining.stack, "values"),
    (arithmetic.add_n, products.add_n, "inputs"),
    (strings_joining.string_join, string_joining.string_join, "inputs"),
)


def _v1(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a reduction with the parameters that TensorFlow 1.x has, some of them under two names."""

    def function(
        input_tensor: Any,
        axis: Any = None,
        keepdims: Any = None,
        name: str | None = None,
        reduction_indices: Any = None,
        keep_dims: Any = None,
    ) -> Any:
        axis = reduction_indices if axis is None else axis
        keepdims = keep_dims if keepdims is None else keepdims
        return handler(input_tensor, axis, bool(keepdims), name)

    return function


_V1_REDUCTIONS = {
    reduction_functions.reduce_sum_v1: reductions.reduce_sum,
    reduction_functions.reduce_prod_v1: reductions.reduce_prod,
    reduction_functions.reduce_min_v1: reductions.reduce_min,
    reduction_functions.reduce_max_v1: reductions.reduce_max,
    reduction_functions.reduce_mean_v1: reductions.reduce_mean,
    reduction_functions.reduce_all_v1: reductions.reduce_all,
    reduction_functions.reduce_any_v1: reductions.reduce_any,
    reduction_functions.reduce_logsumexp_v1: reductions.reduce_logsumexp,
}


def _register() -> None:
    elementwise_dispatch.dispatch_for_unary_elementwise_apis(Ragged)(on_flat_values)
    elementwise_dispatch.dispatch_for_binary_elementwise_apis(RaggedOrDense, RaggedOrDense)(elementwise.of_pairs)
    elementwise_dispatch.dispatch_for_binary_elementwise_assert_apis(RaggedOrDense, RaggedOrDense)(elementwise.asserted)
    for function, handler, parameters in _HANDLERS:
        annotation = Ragged if len(parameters) == 1 else RaggedOrDense
        dispatch.register(function, handler, dict.fromkeys(parameters, annotation))
    for function, handler in _V1_REDUCTIONS.items():
        dispatch.register(function, _v1(handler), {"input_tensor": Ragged})
    for function, handler, parameter in _OF_LISTS:
        dispatch.register(function, handler, {parameter: list[RaggedOrDense]}, {parameter: Ragged})  # type: ignore[valid-type]


_register()
