"""Sparse tensors against dense ones: filling in, multiplying, and the order and shape of positions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import default
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import merge_dimensions, text, with_rank, with_rank_at_most
from tideflow._src.ops.sparse.positions import (
    all_inside,
    ascends,
    check_parts,
    check_sizes,
    numbers_of,
    order_keys,
    positions_of,
    sorted_order,
    steps_of,
)
from tideflow._src.runtime.checks import require, require_memory
from tideflow._src.runtime.lazy import jnp
from tideflow._src.runtime.op import op


def check_positions(indices: Any, shape: Any, *, ordered: bool = True) -> None:
    """Checks that positions, one in each row, are inside of a shape and, unless told otherwise, ascend."""
    if not all_inside(indices, shape):
        row = int(np.argmax(((indices < 0) | (indices >= shape)).any(1)))
        raise invalid_argument(
            f"indices[{row}] = {text(tuple(indices[row].tolist()))} is out of bounds: need 0 <= index < "
            f"{text(tuple(np.asarray(shape).tolist()))}"
        )
    if ordered and len(indices) > 1 and not _ascend(indices, shape):
        later, earlier = indices[1:], indices[:-1]
        differ = later != earlier
        first = np.argmax(differ, 1)
        rows = np.arange(len(first))
        repeated = ~differ.any(1)
        falling = later[rows, first] < earlier[rows, first]
        if (repeated | falling).any():
            row = int(np.argmax(repeated | falling)) + 1
            where = f"indices[{row}] = {text(tuple(indices[row].tolist()))}"
            if repeated[row - 1]:
                raise invalid_argument(f"{where} is repeated")
            raise invalid_argument(
                f"{where} is out of order. Many sparse ops require sorted indices.\n    Use `tf.sparse.reorder` to "
                "create a correctly ordered copy.\n\n"
            )


def _ascend(indices: Any, shape: Any) -> bool:
    """Tells whether positions inside of a shape whose elements can be counted ascend; False if that is not known."""
    sizes = np.asarray(shape).tolist()
    return math.prod(sizes) < 1 << 62 and ascends(numbers_of(indices, sizes))


def _checked_dense_shape(
    sparse_indices: Any, output_shape: Any, sparse_values: Any, default_value: Any
) -> tuple[tuple[int, ...], int]:
    """Returns the shape of the result and the number of positions."""
    if sparse_indices.ndim > 2:
        raise invalid_argument(
            f"sparse_indices should be a scalar, vector, or matrix, got shape {text(sparse_indices.shape)}"
        )
    if output_shape.ndim != 1:
        raise invalid_argument(f"output_shape must be rank 1, got shape {text(output_shape.shape)}")
    rank = sparse_indices.shape[1] if sparse_indices.ndim == 2 else 1
    count = sparse_indices.shape[0] if sparse_indices.ndim else 1
    if output_shape.size != rank:
        raise invalid_argument(f"output_shape has incorrect number of elements: {output_shape.size} should be: {rank}")
    if sparse_values.shape not in ((), (count,)):
        raise invalid_argument(
            f"sparse_values has incorrect shape {text(sparse_values.shape)}, should be [] or [{count}]"
        )
    if np.ndim(default_value):
        raise invalid_argument("default_value should be a scalar.")
    shape = tuple(int(size) for size in output_shape)
    for size in shape:
        if size < 0:
            raise invalid_argument(f"Dimension {size} must be >= 0")
    if math.prod(shape) >= 1 << 63:
        raise invalid_argument(f"Shape {text(shape)} would have more than 2**63 - 1 elements")
    return shape, count


@op(
    "SparseToDense",
    "sparse_indices: Tindices, output_shape: static Tindices, sparse_values: T, default_value: T -> dense: T",
    tier="host",
    Tindices=INDEX,
)
def sparse_to_dense_op(sparse_indices, output_shape, sparse_values, default_value, *, validate_indices: bool = True):
    """Makes a dense tensor of values at positions; everywhere else it holds the default value."""
    shape, count = _checked_dense_shape(sparse_indices, output_shape, sparse_values, default_value)
    require_memory(shape, sparse_values.dtype.itemsize)
    places = sparse_indices.reshape(count, len(shape)).astype(np.int64)
    if validate_indices:
        check_positions(places, np.asarray(shape))
    elif ((places < 0) | (places >= np.asarray(shape))).any():
        raise invalid_argument(f"Indices are not valid (out of bounds).  Shape: {text(shape)}")
    dense = np.empty(shape, sparse_values.dtype)
    dense[...] = np.asarray(default_value)[()]
    dense[tuple(places.T)] = sparse_values
    return dense


@sparse_to_dense_op.xla
def _sparse_to_dense_xla(sparse_indices, output_shape, sparse_values, default_value, *, validate_indices: bool = True):
    shape, count = _checked_dense_shape(sparse_indices, output_shape, sparse_values, default_value)
    places = sparse_indices.reshape(count, len(shape))
    dense = jnp.broadcast_to(default_value, (math.prod(shape),))
    if not count:
        return dense.reshape(shape)
    inside = jnp.logical_and(places >= 0, places < np.asarray(shape, places.dtype))
    require(jnp.all(inside), f"Indices are not valid (out of bounds).  Shape: {text(shape)}")
    numbers = _numbers(places, shape)
    values = jnp.broadcast_to(sparse_values, (count,))
    if validate_indices:
        require(jnp.all(numbers[1:] > numbers[:-1]), "indices are out of order or repeated")
        return dense.at[numbers].set(values, mode="drop").reshape(shape)
    # Of several values for one place, the last counts.
    last = jnp.full(dense.shape, -1, np.int64).at[numbers].max(np.arange(count), mode="drop")
    return jnp.where(last < 0, dense, values[jnp.maximum(last, 0)]).reshape(shape)


def _numbers(places: Any, shape: Sequence[int]) -> Any:
    """Returns the number in row-major order of each position in a compiled program."""
    numbers = jnp.zeros(places.shape[0], np.int64)
    for axis, step in enumerate(steps_of(shape)):
        numbers += places[:, axis].astype(np.int64) * step
    return numbers


@sparse_to_dense_op.shape
def _sparse_to_dense_shape(sparse_indices, output_shape, sparse_values, default_value):
    with_rank_at_most(sparse_indices, 2)
    if output_shape.shape is not None:
        with_rank(output_shape.shape, 1)
    known = output_shape.integers()
    if known is None:
        return None
    if any(size is not None and size < 0 for size in known):
        raise ValueError(f"Dimensions must be non-negative, but output_shape is {list(known)}")
    return known


@sparse_to_dense_op.gradient
def _sparse_to_dense_gradient(call, dy):
    indices, _, values, _ = call.inputs
    if indices.shape.rank is not None and indices.shape.rank < 2:
        indices = raw.Reshape(indices, np.array([-1, 1], np.int32))
    picked = raw.GatherNd(dy, indices)
    rest = raw.Sub(raw.Sum(dy, _axes(dy)), raw.Sum(picked, _axes(picked)))
    if values.shape.rank == 0:
        picked = raw.Sum(picked, _axes(picked))
    return None, None, picked, rest


def _axes(tensor: Any) -> Any:
    return raw.Range(np.int32(0), raw.Rank(tensor), np.int32(1))


@sparse_to_dense_op.samples
def _sparse_to_dense_samples(s):
    for dtype in s.dtypes("T"):
        values = s.array((2,), dtype)
        yield s(np.int64([[0, 1], [1, 2]]), np.int64([2, 3]), values, values[0])
    yield s([1, 2], [4], 7.0, 1.0)
    yield s(2, [4], 7.0, 1.0, gradient=False)
    yield s([2, 1], [4], [7.0, 8.0], 1.0, validate_indices=False)
    yield s(np.zeros((0, 2), np.int32), [2, 3], s.empty(0), 1.0)
    yield s([2, 1], [4], 7.0, 1.0, error="InvalidArgumentError")
    yield s([1, 1], [4], 7.0, 1.0, error="InvalidArgumentError")
    yield s([1, 4], [4], 7.0, 1.0, error="InvalidArgumentError")
    yield s([1, -4], [4], 7.0, 1.0, validate_indices=False, error="InvalidArgumentError")
    yield s([1, 2], [4], [7.0], 1.0, error="InvalidArgumentError")
    yield s([[1, 2]], [4], [7.0], 1.0, error="InvalidArgumentError")
    yield s([1, 2], [-4], 7.0, 1.0, error="InvalidArgumentError")


def _checked_sizes(
    a_indices: Any, a_values: Any, a_shape: Any, b: Any, adjoint_a: bool, adjoint_b: bool
) -> tuple[int, int, int]:
    """Returns the rows of the result, the length of the products that it adds up, and its columns."""
    if b.ndim != 2:
        raise invalid_argument("Tensor 'b' is not a matrix")
    if a_shape.ndim != 1:
        raise invalid_argument("Tensor 'a_shape' is not a vector")
    if a_shape.size != 2:
        raise invalid_argument("Tensor 'a_shape' must have 2 elements")
    if a_values.ndim != 1:
        raise invalid_argument("Tensor 'a_values' is not a vector")
    if a_indices.ndim != 2:
        raise invalid_argument("Tensor 'a_indices' is not a matrix")
    if a_indices.shape[0] != a_values.shape[0]:
        raise invalid_argument("Number of rows of a_indices does not match number of entries in a_values")
    if a_indices.shape[1] != 2:
        raise invalid_argument("Number of columns of a_indices does not match number of entries in a_shape")
    if (a_shape < 0).any():
        raise invalid_argument(f"a_shape must be non-negative, but is {a_shape.tolist()}")
    if a_values.dtype.kind not in "biufcV" or a_values.dtype.names:
        raise invalid_argument(f"a_values must be numbers, but are {a_values.dtype.name}")
    rows, columns = (int(size) for size in (a_shape[::-1] if adjoint_a else a_shape))
    inner, outer = b.shape[::-1] if adjoint_b else b.shape
    if inner != columns:
        raise invalid_argument(
            f"Cannot multiply A and B because inner dimension does not match: {columns} vs. {inner}.  Did you forget a "
            f"transpose?  Dimensions of A: [{a_shape[0]}, {a_shape[1]}).  Dimensions of B: {text(b.shape)}"
        )
    return rows, columns, outer


@op(
    "SparseTensorDenseMatMul",
    "a_indices: Tindices, a_values: T, a_shape: static int64, b: T -> product: T",
    tier="host",
    Tindices=default("int64", INDEX),
)
def sparse_tensor_dense_mat_mul_op(
    a_indices, a_values, a_shape, b, *, adjoint_a: bool = False, adjoint_b: bool = False
):
    """Multiplies a sparse matrix by a dense one."""
    rows, columns, outer = _checked_sizes(a_indices, a_values, a_shape, b, adjoint_a, adjoint_b)
    require_memory((rows, outer), b.dtype.itemsize)
    row, column = (a_indices[:, ::-1] if adjoint_a else a_indices).T
    for name, axis, places, size in (("k", int(not adjoint_a), column, columns), ("m", int(adjoint_a), row, rows)):
        if len(places) and (places.min() < 0 or places.max() >= size):
            entry = int(np.argmax((places < 0) | (places >= size)))
            raise invalid_argument(f"{name} ({places[entry]}) from index[{entry},{axis}] out of bounds (>={size})")
    values = a_values.conj() if adjoint_a and a_values.dtype.kind == "c" else a_values
    dense = b.T if adjoint_b else b
    if adjoint_b and b.dtype.kind == "c":
        dense = dense.conj()
    wide = np.dtype(np.float32) if b.dtype.itemsize == 2 and b.dtype.kind in "fV" else b.dtype
    return _product(values.astype(wide), row, column, dense.astype(wide, copy=False), rows).astype(b.dtype)


@sparse_tensor_dense_mat_mul_op.xla
def _sparse_tensor_dense_mat_mul_xla(
    a_indices, a_values, a_shape, b, *, adjoint_a: bool = False, adjoint_b: bool = False
):
    rows, columns, outer = _checked_sizes(a_indices, a_values, a_shape, b, adjoint_a, adjoint_b)
    row, column = a_indices[:, int(adjoint_a)], a_indices[:, int(not adjoint_a)]
    for name, places, size in (("k", column, columns), ("m", row, rows)):
        require(jnp.all((places >= 0) & (places < size)), f"{name} from index out of bounds (>={size})")
    kind = np.dtype(b.dtype)
    wide = np.dtype(np.float32) if kind.itemsize == 2 and kind.kind in "fV" else kind
    values = a_values.conj() if adjoint_a and kind.kind == "c" else a_values
    dense = b.T if adjoint_b else b
    if adjoint_b and kind.kind == "c":
        dense = dense.conj()
    result = jnp.zeros((rows, outer), wide)
    if a_values.shape[0] and dense.shape[0]:
        terms = dense.astype(wide).at[column].get(mode="clip") * values.astype(wide)[:, None]
        result = result.at[row].add(terms, mode="drop")
    return result.astype(kind)


#: Products from which on making SciPy's matrix pays.
_LARGE = 1 << 14


def _product(values: Any, row: Any, column: Any, dense: Any, rows: int) -> Any:
    """Adds up the rows of the dense matrix that each row of the sparse one picks, times its values."""
    if not values.size or not dense.shape[1]:
        return np.zeros((rows, dense.shape[1]), dense.dtype)
    if values.size * dense.shape[1] >= _LARGE and max(rows, *dense.shape, values.size) < 1 << 31:
        return _large_product(values, row, column, dense, rows)
    result = np.zeros((rows, dense.shape[1]), dense.dtype)
    if (row[1:] < row[:-1]).any():
        order = np.argsort(row, kind="stable")
        row, column, values = row[order], column[order], values[order]
    starts = np.flatnonzero(np.concatenate([[True], row[1:] != row[:-1]]))
    block = max(1, (1 << 16) // dense.shape[1])
    for first in range(0, len(values), block):
        part = slice(first, first + block)
        begins = starts[(starts > first) & (starts < first + block)] - first
        begins = np.concatenate([[0], begins])
        terms = dense[column[part]]
        terms *= values[part, None]
        result[row[part][begins]] += np.add.reduceat(terms, begins, axis=0, dtype=dense.dtype)
    return result


def _large_product(values: Any, row: Any, column: Any, dense: Any, rows: int) -> Any:
    from scipy.sparse import csr_array  # heavy: loaded for the first large product

    counts = np.bincount(row, minlength=rows)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    if (row[1:] < row[:-1]).any():
        order = np.argsort(row, kind="stable")
        column, values = column[order], values[order]
    matrix = csr_array((values, column.astype(np.int32), starts), shape=(rows, len(dense)))
    return np.ascontiguousarray(matrix @ np.ascontiguousarray(dense))


@sparse_tensor_dense_mat_mul_op.shape
def _sparse_tensor_dense_mat_mul_shape(a_indices, a_values, a_shape, b, *, adjoint_a, adjoint_b):
    with_rank(a_indices, 2)
    with_rank(a_values, 1)
    if a_shape.shape is not None:
        with_rank(a_shape.shape, 1)
    matrix = with_rank(b, 2)
    known = a_shape.integers()
    if known is not None and len(known) != 2:
        raise ValueError(f"Shape must be rank 2 but is rank {len(known)}")
    left = known or (None, None)
    if adjoint_a:
        left = left[::-1]
    if adjoint_b:
        matrix = matrix[::-1]
    merge_dimensions(left[1], matrix[0])
    return left[0], matrix[1]


@sparse_tensor_dense_mat_mul_op.gradient
def _sparse_tensor_dense_mat_mul_gradient(call, dy):
    indices, values, shape, b = call.inputs
    adjoint_a, adjoint_b = call.attr("adjoint_a"), call.attr("adjoint_b")
    db = raw.SparseTensorDenseMatMul(indices, values, shape, dy, adjoint_a=not adjoint_a)
    if adjoint_b:
        db = raw.ConjugateTranspose(db, np.array([1, 0], np.int32))
    rows, columns = raw.Unpack(indices, num=2, axis=1)
    zero = np.int32(0)
    left = raw.GatherV2(dy, columns if adjoint_a else rows, zero)
    dense = b
    if adjoint_b:
        dense = raw.Transpose(b, np.array([1, 0], np.int32))
    elif b.dtype.is_complex:
        dense = raw.Conj(b)
    right = raw.GatherV2(dense, rows if adjoint_a else columns, zero)
    product = raw.Mul(left, right)
    if adjoint_a and b.dtype.is_complex:
        product = raw.Conj(product)
    return None, raw.Sum(product, np.array([-1], np.int32)), None, db


@sparse_tensor_dense_mat_mul_op.samples
def _sparse_tensor_dense_mat_mul_samples(s):
    places = np.int64([[0, 1], [1, 0], [1, 2]])
    shape = np.int64([2, 3])
    for dtype in ("bfloat16", "half", "float", "double", "int32", "complex64", "complex128"):
        yield s(places, s.array((3,), dtype), shape, s.array((3, 2), dtype))
    for dtype in ("float", "complex64"):
        yield s(places, s.array((3,), dtype), shape, s.array((2, 3), dtype), adjoint_b=True)
        yield s(places, s.array((3,), dtype), shape, s.array((2, 4), dtype), adjoint_a=True)
        yield s(places, s.array((3,), dtype), shape, s.array((4, 2), dtype), adjoint_a=True, adjoint_b=True)
    yield s(places.astype(np.int32), s.normal(3), shape, s.normal(3, 2))
    yield s(np.int64([[1, 2], [0, 0], [1, 0]]), s.normal(3), shape, s.normal(3, 2))
    yield s(places[:0], s.empty(0), shape, s.normal(3, 2))
    yield s(places, s.normal(3), shape, s.normal(2, 2), error="InvalidArgumentError")
    yield s(places, s.normal(2), shape, s.normal(3, 2), error="InvalidArgumentError")
    yield s(places, s.normal(3), np.int64([2, 2]), s.normal(2, 2), error="InvalidArgumentError")
    yield s(places, s.normal(3), np.int64([2, 3, 1]), s.normal(3, 2), error="InvalidArgumentError")
    yield s(places, s.normal(3), shape, s.normal(3), error="InvalidArgumentError")


# Positions.


@op(
    "SparseReorder",
    "input_indices: int64, input_values: T, input_shape: int64 -> output_indices: int64, output_values: T",
    tier="host",
)
def sparse_reorder_op(input_indices, input_values, input_shape):
    """Sorts the values of a sparse tensor by position, row by row."""
    check_parts(input_indices, input_values, input_shape)
    (keys,) = order_keys(input_indices)
    order = sorted_order(keys)
    if order is None:
        return input_indices, input_values
    return np.take(input_indices, order, 0), input_values[order]


@sparse_reorder_op.xla
def _sparse_reorder_xla(input_indices, input_values, input_shape):
    check_parts(input_indices, input_values, input_shape)
    columns = tuple(input_indices[:, axis] for axis in reversed(range(input_indices.shape[1])))
    if not columns:
        return input_indices, input_values
    order = jnp.lexsort(columns)
    return input_indices[order], input_values[order]


@sparse_reorder_op.shape
def _sparse_reorder_shape(input_indices, input_values, input_shape):
    with_rank(input_shape, 1)
    return with_rank(input_indices, 2), with_rank(input_values, 1)


@sparse_reorder_op.gradient
def _sparse_reorder_gradient(call, _, dvalues):
    indices, _, shape = call.inputs
    numbers = raw.Range(np.int32(0), raw.Squeeze(raw.Slice(raw.Shape(indices), [0], [1])), np.int32(1))
    _, order = raw.SparseReorder(indices, numbers, shape)
    back = raw.InvertPermutation(order)
    return None, raw.GatherV2(dvalues, back, np.int32(0)), None


@sparse_reorder_op.samples
def _sparse_reorder_samples(s):
    places = np.int64([[1, 2], [0, 1], [1, 0]])
    for dtype in s.dtypes("T"):
        yield s(places, s.array((3,), dtype), np.int64([2, 3]))
    yield s(places[:0], s.empty(0), np.int64([2, 3]))
    yield s(places, s.normal(2), np.int64([2, 3]), error="InvalidArgumentError")
    yield s(places, s.normal(3), np.int64([2]), error="InvalidArgumentError")
    yield s(places[0], s.normal(2), np.int64([2]), error="InvalidArgumentError")


@op(
    "SparseReshape",
    "input_indices: int64, input_shape: static int64, new_shape: static int64 -> output_indices: int64, "
    "output_shape: int64",
    tier="host",
    differentiable=False,
)
def sparse_reshape_op(input_indices, input_shape, new_shape):
    """Gives the positions of a sparse tensor's values in another shape of as many elements."""
    if input_indices.ndim != 2:
        raise invalid_argument("Input must be a matrix.")
    if input_shape.ndim != 1:
        raise invalid_argument("Input shape must be a vector.")
    if new_shape.ndim != 1:
        raise invalid_argument(f"Target shape should be a vector but received shape {text(new_shape.shape)}")
    if input_indices.shape[1] != input_shape.size:
        raise invalid_argument("Input tensor rank must match input shape length.")
    total = check_sizes(input_shape)
    before, after = input_shape.tolist(), new_shape.tolist()
    known, missing = 1, -1
    for place, size in enumerate(after):
        if size == -1:
            if missing != -1:
                raise invalid_argument(f"only one output dimension may be -1, not both {missing} and {place}")
            missing = place
            continue
        if size < 0:
            raise invalid_argument(f"size {place} must be non-negative, not {size}")
        if known * size >= 1 << 63:
            raise invalid_argument(f"Encountered overflow when multiplying {known} with {size}, result: -1")
        known *= size
    if missing != -1:
        if not known:
            raise invalid_argument(
                "reshape cannot infer the missing input size for an empty tensor unless all specified input sizes are "
                "non-zero"
            )
        after[missing] = total // known
        if total % known:
            raise invalid_argument(
                f"Input to reshape is a SparseTensor with {total} dense values, but the requested shape requires a "
                f"multiple of {known}. input_shape={text(tuple(before))} output_shape={text(tuple(after))}"
            )
    elif known != total:
        raise invalid_argument(
            f"Input to reshape is a tensor with {total} dense values, but the requested shape has {known}. "
            f"input_shape={text(tuple(before))} output_shape={text(tuple(after))}"
        )
    if not total and len(input_indices):
        raise invalid_argument(
            f"Input tensor has {len(input_indices)} non zero elements but input shape ({text(tuple(before))}) or "
            f"output shape ({text(tuple(after))}) is empty"
        )
    return positions_of(numbers_of(input_indices, before), after), np.array(after, np.int64)


@sparse_reshape_op.shape
def _sparse_reshape_shape(input_indices, input_shape, new_shape):
    indices = with_rank(input_indices, 2)
    if input_shape.shape is not None:
        with_rank(input_shape.shape, 1)
    rank = None if new_shape.shape is None else with_rank(new_shape.shape, 1)[0]
    return (indices[0], rank), (rank,)


@sparse_reshape_op.samples
def _sparse_reshape_samples(s):
    places = np.int64([[0, 1], [1, 0], [1, 2]])
    shape = np.int64([2, 3])
    for after in ([3, -1], [6], [1, 6, 1], [3, 2]):
        yield s(places, shape, np.int64(after))
    yield s(places[:0], np.int64([0, 3]), np.int64([3, 0]))
    for after in ([4], [-1, -1], [-1, 4], [-2, 3]):
        yield s(places, shape, np.int64(after), error="InvalidArgumentError")
    yield s(places, np.int64([2, 3, 1]), np.int64([6]), error="InvalidArgumentError")
