"""Matrix products, softmax, cumulative sums and dropout of ragged tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.sequences import repeat
from tideflow._src.ops.array.shape import expand_dims, squeeze
from tideflow._src.ops.control.assertions import assert_equal
from tideflow._src.ops.control.grouping import control_dependencies
from tideflow._src.ops.math import arithmetic, cumulative, matrix_product_functions
from tideflow._src.ops.math.division import divide
from tideflow._src.ops.math.unary import exp
from tideflow._src.ops.nn import dropout as dropouts
from tideflow._src.ops.ragged.functional import map_flat_values, on_flat_values
from tideflow._src.ops.ragged.ragged_parts import convert_to_tensor_or_ragged_tensor, positive_axis
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor
from tideflow._src.ops.ragged.reductions import reduce_max, reduce_sum
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

_RAGGED_INSIDE = "The matrices in `a` and `b` may not be ragged in their innermost dimension."


def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    output_type: Any = None,
    grad_a: bool = False,
    grad_b: bool = False,
    name: str | None = None,
) -> Any:
    """Multiplies matrices that are the innermost dimensions of (ragged) tensors, pair by pair."""
    if transpose_a and adjoint_a:
        raise ValueError("Only one of transpose_a and adjoint_a can be True.")
    if transpose_b and adjoint_b:
        raise ValueError("Only one of transpose_b and adjoint_b can be True.")
    options = {
        "transpose_a": transpose_a,
        "transpose_b": transpose_b,
        "adjoint_a": adjoint_a,
        "adjoint_b": adjoint_b,
        "a_is_sparse": a_is_sparse,
        "b_is_sparse": b_is_sparse,
        "output_type": output_type,
        "grad_a": grad_a,
        "grad_b": grad_b,
    }
    with name_scope(name, "RaggedMatMul"):
        a = convert_to_tensor_or_ragged_tensor(a, name="a")
        b = convert_to_tensor_or_ragged_tensor(b, name="b")
        if a.dtype is not b.dtype:
            raise ValueError("`a` and `b` must have the same dtype.")
        return _product(a, b, options)


def _product(a: Any, b: Any, options: dict[str, Any]) -> Any:
    if not (isinstance(a, RaggedTensor) or isinstance(b, RaggedTensor)):
        return matrix_product_functions.matmul(a, b, **options)
    ranks = [tensor.shape.rank for tensor in (a, b) if tensor.shape.rank is not None]
    if not ranks:
        raise ValueError("matmul requires at least one input to have known rank if either input is ragged.")
    if len(set(ranks)) > 1 or ranks[0] < 2:
        raise ValueError("`a` and `b` must have the same rank.")
    rank = ranks[0]
    if rank > 3:
        a, b = (
            tensor if isinstance(tensor, RaggedTensor) else RaggedTensor.from_tensor(tensor, ragged_rank=1)
            for tensor in (a, b)
        )
        check = assert_equal(
            a.row_splits, b.row_splits, message="Batch dimensions of `a` and `b` do not have the same size."
        )
        with control_dependencies([] if check is None else [check]):
            return a.with_values(_product(a.values, b.values, options))
    if rank == 2:
        return matrix_product_functions.matmul(_as_matrix(a), _as_matrix(b), **options)
    turned = options["transpose_a"] or options["adjoint_a"]
    if isinstance(a, RaggedTensor) and a.ragged_rank == 1 and not isinstance(b, RaggedTensor) and not turned:
        # Each row is a matrix of its own, with the other matrix of its batch.
        rows = matrix_product_functions.matmul(expand_dims(a.values, 1), repeat(b, a.row_lengths(), axis=0), **options)
        return a.with_values(squeeze(rows, axis=1))
    return _padded_product(a, b, options)


def _as_matrix(tensor: Any) -> Any:
    if not isinstance(tensor, RaggedTensor):
        return tensor
    dense = tensor.to_tensor()
    check = assert_equal(raw.Size(tensor.flat_values), raw.Size(dense), message=_RAGGED_INSIDE)
    with control_dependencies([] if check is None else [check]):
        return raw.Identity(dense)


def _padded_product(a: Any, b: Any, options: dict[str, Any]) -> Any:
    """Multiplies two batches of matrices of different sizes, filled up with zeros, and takes out what counts."""
    kind = next(tensor.row_splits.dtype for tensor in (a, b) if isinstance(tensor, RaggedTensor))
    turned_a = options["transpose_a"] or options["adjoint_a"]
    turned_b = options["transpose_b"] or options["adjoint_b"]
    rows_a, columns_a, checks = _sizes(a, kind)
    rows_b, columns_b, more = _sizes(b, kind)
    if turned_a:
        rows_a, columns_a = columns_a, rows_a
    if turned_b:
        rows_b, columns_b = columns_b, rows_b
    checks += more
    checks.append(assert_equal(columns_a, rows_b, message="Matrix size-incompatible"))
    with control_dependencies([check for check in checks if check is not None]):
        dense = [tensor.to_tensor() if isinstance(tensor, RaggedTensor) else raw.Identity(tensor) for tensor in (a, b)]
    product = matrix_product_functions.matmul(*dense, **options)
    lengths: Any = [rows_a]
    if isinstance(b, RaggedTensor) and (b.ragged_rank == 2 or turned_b):
        lengths.append(repeat(columns_b, rows_a, axis=0))
    result = RaggedTensor.from_tensor(product, lengths=tuple(lengths), row_splits_dtype=kind)
    (batch, *of_a), (same_batch, *of_b) = a.shape.as_list(), b.shape.as_list()
    result._set_shape([batch, of_a[1] if turned_a else of_a[0], None])
    result._set_shape([same_batch, None, of_b[0] if turned_b else of_b[1]])
    return result


def _sizes(tensor: Any, kind: Any) -> tuple[Any, Any, list[Any]]:
    """Returns how many rows and columns each matrix of a batch has, and the checks that these are matrices."""
    if not isinstance(tensor, RaggedTensor):
        sizes = raw.Shape(tensor, out_type=kind)
        batch = raw.ExpandDims(sizes[0], 0)
        return raw.Fill(batch, sizes[1]), raw.Fill(batch, sizes[2]), []
    rows = tensor.row_lengths()
    if tensor.ragged_rank == 1:
        return rows, raw.Fill(raw.Shape(rows), raw.Shape(tensor.flat_values, out_type=kind)[1]), []
    inner = tensor.values.row_lengths()
    of_rows = RaggedTensor._from_row_partition(inner, tensor._row_partition, validate=False)
    columns = raw.Maximum(reduce_max(of_rows, axis=1), convert_to_tensor(0, kind))
    check = assert_equal(inner, raw.GatherV2(columns, tensor.value_rowids(), 0), message=_RAGGED_INSIDE)
    return rows, columns, [check]


def softmax(logits: Any, axis: Any = None, name: str | None = None) -> Any:
    """Turns the elements of each row of a ragged tensor into probabilities."""
    with name_scope(name, "RaggedSoftmax"):
        rt = convert_to_tensor_or_ragged_tensor(logits)
        axis = -1 if axis is None else axis
        greatest = reduce_max(rt, axis=axis, keepdims=True)
        exponentials = exp(arithmetic.subtract(rt, greatest))
        return divide(exponentials, reduce_sum(exponentials, axis=axis, keepdims=True))


def add_n(inputs: Any, name: str | None = None) -> Any:
    """Adds ragged tensors with the same rows."""
    with name_scope(name, "RaggedAddN"):
        return map_flat_values(arithmetic.add_n, list(inputs))


def cumsum(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Any:
    """Adds up the elements of a ragged tensor along a dimension, giving each partial sum."""
    with name_scope(name, "RaggedCumSum"):
        rt = convert_to_tensor_or_ragged_tensor(x)
        axis = positive_axis(axis, rt.shape.rank, "axis", "rank")
        levels = rt.ragged_rank
        if axis > levels:
            return on_flat_values(
                lambda values: cumulative.cumsum(values, axis - levels, exclusive=exclusive, reverse=reverse), rt
            )
        if axis < levels:
            sums = cumulative.cumsum(rt.to_tensor(), axis, exclusive=exclusive, reverse=reverse)
            return RaggedTensor.from_tensor(sums, lengths=rt.nested_row_lengths())
        # The sum of all values before, less that at the begin of the row.
        partition = rt._nested_row_partitions[-1]
        values = rt.flat_values
        sums = cumulative.cumsum(values, exclusive=True, reverse=reverse)
        ids = partition.value_rowids()
        if reverse:
            first = raw.Sub(raw.GatherV2(partition.row_limits(), ids, 0), convert_to_tensor(1, ids.dtype))
        else:
            first = raw.GatherV2(partition.row_starts(), ids, 0)
        sums = raw.Sub(sums, raw.GatherV2(sums, first, 0))
        return rt.with_flat_values(sums if exclusive else raw.AddV2(sums, values))


def _dropped(drop: Callable[[Any], Any], x: Any, noise_shape: Any, name: str | None) -> Any:
    if noise_shape is not None:
        raise ValueError("noise_shape is not supported yet for RaggedTensor x")
    with name_scope(name, "RaggedNNDropout"):
        return on_flat_values(drop, x)


def dropout(x: Any, rate: Any, noise_shape: Any = None, seed: Any = None, name: str | None = None) -> Any:
    """Sets elements of a ragged tensor to zero at random."""
    return _dropped(lambda values: dropouts.dropout(values, rate=rate, seed=seed), x, noise_shape, name)


def dropout_v1(
    x: Any,
    keep_prob: Any = None,
    noise_shape: Any = None,
    seed: Any = None,
    name: str | None = None,
    rate: Any = None,
) -> Any:
    """Does the same with TensorFlow 1's arguments."""
    return _dropped(
        lambda values: dropouts.dropout_v1(values, keep_prob=keep_prob, seed=seed, rate=rate), x, noise_shape, name
    )


def stateless_dropout(
    x: Any, rate: Any, seed: Any, rng_alg: Any = None, noise_shape: Any = None, name: str | None = None
) -> Any:
    """Sets the same elements of a ragged tensor to zero whenever it gets the same seed."""
    options = {} if rng_alg is None else {"rng_alg": rng_alg}
    return _dropped(
        lambda values: dropouts.stateless_dropout(values, rate=rate, seed=seed, **options), x, noise_shape, name
    )
