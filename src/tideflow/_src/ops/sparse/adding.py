"""Sums and extrema of two sparse tensors, and sums of a sparse and a dense one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.types import INDEX, NUMBER, REAL
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import text, with_rank
from tideflow._src.ops.sparse.head_merging import merge_heads
from tideflow._src.ops.sparse.positions import (
    all_inside,
    ascends,
    check_parts,
    numbered,
    numbers_of,
    order_keys,
    positions_of,
    run_starts,
    summary,
)
from tideflow._src.runtime.op import op

#: Positions from which on loading SciPy pays.
_LARGE = 1 << 15
#: In what SciPy adds values beside marks that say where they come from.
_PAIRED = {"float32": np.complex64, "float64": np.complex128, "int32": np.complex128}


class _Merged:
    """Says how the rows of two blocks of positions become one block."""

    def __init__(self, a_indices: Any, b_indices: Any) -> None:
        (self._a, self._b), self._sizes = numbered(a_indices, b_indices)
        self._ascend = ascends(self._a) and ascends(self._b)
        self._is_large = self._ascend and len(self._a) + len(self._b) >= _LARGE
        self._keys: Any = None
        self._blocks = a_indices, b_indices

    def sum(self, a_values: Any, b_values: Any) -> tuple[Any, Callable[[], Any]]:
        """Returns the sums of the values of each row, and what finds out which rows have two."""
        paired = _PAIRED.get(a_values.dtype.name)
        if self._is_large and paired is not None:
            total = self._added([_marked(a_values, paired), _marked(b_values, paired)])
            return total.real.astype(a_values.dtype), lambda: total.imag > 1
        first, second = self.rows
        values = np.zeros(self._count, a_values.dtype)
        values[first] = a_values
        values[second] += b_values

        def summed() -> Any:
            both = np.zeros(self._count, np.int8)
            both[first] = 1
            both[second] += 1
            return both > 1

        return values, summed

    def spread(self, a_values: Any, b_values: Any) -> tuple[Any, Any]:
        """Returns the first and the second value of each row, zero where there is none."""
        first, second = self.rows
        result = np.zeros((2, self._count), a_values.dtype)
        result[0][first] = a_values
        result[1][second] = b_values
        return result[0], result[1]

    def indices(self) -> Any:
        """Returns the positions of the result, after its values."""
        if self._keys is not None and self._sizes is not None:
            return positions_of(self._keys, self._sizes)
        first, second = self.rows
        a, b = self._blocks
        source = np.empty(self._count, np.intp)
        source[first] = np.arange(len(a))
        source[second] = np.arange(len(a), len(a) + len(b))
        return np.take(np.concatenate(self._blocks), source, 0)

    @functools.cached_property
    def rows(self) -> tuple[Any, Any]:
        """The row of the result that each row of the two blocks goes to."""
        a, b = self._a, self._b
        if not self._ascend:
            return merge_heads(a, b)
        if self._is_large:
            marks = self._added([np.full(len(numbers), mark, np.int8) for numbers, mark in ((a, 1), (b, 2))])
            return np.flatnonzero(marks != 2), np.flatnonzero(marks != 1)
        self._keys = np.union1d(a, b)
        return np.searchsorted(self._keys, a), np.searchsorted(self._keys, b)

    @property
    def _count(self) -> int:
        if self._keys is not None:
            return len(self._keys)
        return max((int(rows[-1]) + 1 for rows in self.rows if len(rows)), default=0)

    def _added(self, data: list[Any]) -> Any:
        """Adds up two matrices of one row, as SciPy does it fastest; no sum may be zero, which it would drop."""
        from scipy.sparse import csr_array  # heavy: loaded for the first large sum

        size = int(max(self._a[-1:].max(initial=0), self._b[-1:].max(initial=0))) + 1
        matrices = []
        for numbers, held in zip((self._a, self._b), data, strict=True):
            matrix = csr_array((held, numbers, np.array([0, len(numbers)])), shape=(1, size))
            matrix.has_canonical_format = True
            matrices.append(matrix)
        total = matrices[0] + matrices[1]
        self._keys = total.indices
        return total.data


def _marked(values: Any, dtype: Any) -> Any:
    result = np.empty(len(values), dtype)
    result.real = values
    result.imag = 1
    return result


def _check_pair(a_indices: Any, a_values: Any, a_shape: Any, b_indices: Any, b_values: Any, b_shape: Any) -> None:
    if a_indices.ndim != 2 or b_indices.ndim != 2:
        raise invalid_argument(
            f"Input indices should be matrices but received shapes: {text(a_indices.shape)} and {text(b_indices.shape)}"
        )
    if a_values.ndim != 1 or b_values.ndim != 1:
        raise invalid_argument(
            f"Input values should be vectors but received shapes: {text(a_values.shape)} and {text(b_values.shape)}"
        )
    if len(a_values) != len(a_indices) or len(b_values) != len(b_indices):
        raise invalid_argument(
            f"Expected {len(a_indices)} and {len(b_indices)} non-empty input values, got {len(a_values)} and "
            f"{len(b_values)}"
        )
    if a_indices.shape[1] != b_indices.shape[1]:
        raise invalid_argument(
            f"Input indices must have the same dimension, got {a_indices.shape[1]} and {b_indices.shape[1]}"
        )
    if a_shape.ndim != 1 or b_shape.ndim != 1:
        raise invalid_argument(
            f"Input shapes should be a vector but received shapes {text(a_shape.shape)} and {text(b_shape.shape)}"
        )
    _check_same_shape(a_shape, b_shape)
    if a_indices.shape[1] != len(a_shape):
        raise invalid_argument(
            f"Second dimension of a_indices and length of a_shape must match, got {a_indices.shape[1]} and "
            f"{len(a_shape)}"
        )
    if not len(a_shape):
        raise invalid_argument("Tesors must not be empty")


def _check_same_shape(a_shape: Any, b_shape: Any) -> None:
    if len(a_shape) != len(b_shape):
        raise invalid_argument(
            f"Operands do not have the same ranks; got shapes: {summary(a_shape)} and {summary(b_shape)}"
        )
    differ = a_shape != b_shape
    if differ.any():
        axis = int(np.argmax(differ))
        raise invalid_argument(
            f"Operands' shapes do not match: got {a_shape[axis]} and {b_shape[axis]} for dimension {axis}"
        )


@op(
    "SparseAdd",
    "a_indices: int64, a_values: T, a_shape: int64, b_indices: int64, b_values: T, b_shape: int64, thresh: Treal -> "
    "sum_indices: int64, sum_values: T, sum_shape: int64",
    tier="host",
    T=NUMBER,
    Treal=REAL,
)
def sparse_add_op(a_indices, a_values, a_shape, b_indices, b_values, b_shape, thresh):
    """Adds two sparse tensors, and drops what is less than the threshold."""
    _check_pair(a_indices, a_values, a_shape, b_indices, b_values, b_shape)
    if np.ndim(thresh):
        raise invalid_argument(f"The magnitude threshold must be a scalar: got shape {text(np.shape(thresh))}")
    if a_values.dtype.fields:
        raise invalid_argument(f"SparseAdd does not add values of dtype {a_values.dtype}")
    merged = _Merged(a_indices, b_indices)
    values, summed = merged.sum(a_values, b_values)
    indices = merged.indices()
    # Only sums of two values are compared with the threshold.
    limit = np.asarray(thresh)[()]
    if limit <= 0 and (values.dtype.kind in "iu" or not np.isnan(values.sum())):
        return indices, values, a_shape  # where no value is NaN, none is less
    kept = np.abs(values) >= limit
    if not kept.all():
        kept |= ~summed()
        indices, values = np.compress(kept, indices, 0), values[kept]
    return indices, values, a_shape


@sparse_add_op.shape
def _sparse_add_shape(a_indices, a_values, a_shape, b_indices, b_values, b_shape, thresh):
    rank = with_rank(a_shape, 1)[0]
    return (None, rank), (None,), (rank,)


@sparse_add_op.gradient
def _sparse_add_gradient(call, d_indices, d_values, d_shape):
    pick, (a_rows, b_rows) = _rows(d_values, call.inputs[0], call.inputs[3], call.outputs[0])
    return None, pick(a_rows), None, None, pick(b_rows), None, None


def _rows(gradients: Any, a_indices: Any, b_indices: Any, indices: Any) -> Any:
    """Returns what takes gradients at rows, and the rows for two blocks of positions; row 0 holds a zero.

    Numbers of rows go through the operation that has no gradient of its own, gradients through one that has.
    """
    count = raw.Size(gradients)
    numbers = raw.Range(np.int32(1), raw.Add(count, np.int32(1)), np.int32(1))
    zero = np.zeros(1, gradients.dtype.as_numpy_dtype)
    padded = raw.ConcatV2([zero, gradients], np.int32(0))
    return lambda rows: raw.GatherV2(padded, rows, np.int32(0)), raw.SparseAddGrad(
        numbers, a_indices, b_indices, indices
    )


_PLACES = np.int64([[0, 1], [1, 0], [1, 2]])
_SHAPE = np.int64([2, 3])


@sparse_add_op.samples
def _sparse_add_samples(s):
    other = np.int64([[0, 0], [1, 0], [1, 1], [1, 2]])
    for dtype in s.dtypes("T"):
        real = {"complex64": "float32", "complex128": "float64"}.get(dtype.name, dtype)
        limit = np.zeros((), np.dtype(s.array((), real).dtype))
        yield s(_PLACES, s.array((3,), dtype), _SHAPE, other, s.array((4,), dtype), _SHAPE, limit)
    a, b = np.float32([1, 2, 3]), np.float32([1, -2, 5, 3])
    for limit in (0.5, 4.0, 100.0):
        yield s(_PLACES, a, _SHAPE, other, b, _SHAPE, limit)
    yield s(_PLACES, a.astype(np.complex64) * (1 + 1j), _SHAPE, other, b.astype(np.complex64), _SHAPE, 3.0)
    yield s(_PLACES[:0], a[:0], _SHAPE, other, b, _SHAPE, 0.0)
    yield s(_PLACES[:0], a[:0], _SHAPE, other[:0], b[:0], _SHAPE, 0.0)
    yield s(_PLACES[::-1].copy(), a, _SHAPE, other, b, _SHAPE, 0.0, gradient=False)
    yield s(_PLACES[[0, 0, 1]], a, _SHAPE, other[[1, 1, 1, 2]], b, _SHAPE, 0.0, gradient=False)
    yield s(_PLACES - 1, a, _SHAPE, other + (1 << 62), b, _SHAPE, 0.0)
    bad = {"error": "InvalidArgumentError"}
    yield s(_PLACES, a, _SHAPE, other, b, _SHAPE + 1, 0.0, **bad)
    yield s(_PLACES, a[:2], _SHAPE, other, b, _SHAPE, 0.0, **bad)
    yield s(_PLACES, a, _SHAPE, other, b, _SHAPE, [0.0], **bad)
    yield s(_PLACES, a, _SHAPE, other[:, :1], b, _SHAPE[:1], 0.0, **bad)
    yield s(_PLACES, a, np.int64([2, 3, 4]), other, b, np.int64([2, 3, 4]), 0.0, **bad)
    yield s(_PLACES[0], a, _SHAPE, other, b, _SHAPE, 0.0, **bad)


@op(
    "SparseAddGrad",
    "backprop_val_grad: T, a_indices: int64, b_indices: int64, sum_indices: int64 -> a_val_grad: T, b_val_grad: T",
    tier="host",
    T=NUMBER,
    differentiable=False,
)
def sparse_add_grad_op(backprop_val_grad, a_indices, b_indices, sum_indices):
    """Gives each value of two sparse tensors the gradient of the sum's value at its position."""
    if a_indices.ndim != 2 or b_indices.ndim != 2 or sum_indices.ndim != 2:
        raise invalid_argument(
            f"Input indices should be matrices but received shapes: {text(a_indices.shape)} and "
            f"{text(b_indices.shape)} and {text(sum_indices.shape)}"
        )
    if backprop_val_grad.ndim != 1:
        raise invalid_argument(
            f"Input backprop_val_grad should be a vector but received shape: {text(backprop_val_grad.shape)}"
        )
    ranks = a_indices.shape[1], b_indices.shape[1], sum_indices.shape[1]
    if len(set(ranks)) > 1:
        raise invalid_argument(
            f"The densified operands should have the same ndims; for A, B, sum got: {''.join(map(str, ranks))}"
        )
    if len(backprop_val_grad) != len(sum_indices):
        raise invalid_argument(
            f"# elements of backprop_val_grad and # rows of sum_indices should match (#nnz of sum): got "
            f"{len(backprop_val_grad)} and {len(sum_indices)}"
        )
    a, b, total = order_keys(a_indices, b_indices, sum_indices)
    return _picked(backprop_val_grad, a, total), _picked(backprop_val_grad, b, total)


def _picked(gradients: Any, keys: Any, among: Any) -> Any:
    """Returns the gradient at each key, zero where it is not among those given."""
    result = np.zeros(len(keys), gradients.dtype)
    if len(among) and len(keys):
        if np.array_equal(keys, among):
            return gradients
        order = None if ascends(among, strictly=False) else np.argsort(among, kind="stable")
        found = np.searchsorted(among, keys, sorter=order)
        if not ascends(keys) and ascends(keys, strictly=False):
            # Of equal positions each takes a gradient of its own, as far as there are any.
            starts = run_starts(keys)
            found += np.arange(len(keys)) - np.repeat(starts, np.diff(np.append(starts, len(keys))))
        hit = found < len(among)
        found = np.minimum(found, len(among) - 1)
        if order is not None:
            found = order[found]
        hit &= among[found] == keys
        result[hit] = gradients[found[hit]]
    return result


@sparse_add_grad_op.shape
def _sparse_add_grad_shape(backprop_val_grad, a_indices, b_indices, sum_indices):
    return (with_rank(a_indices, 2)[0],), (with_rank(b_indices, 2)[0],)


@sparse_add_grad_op.samples
def _sparse_add_grad_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((3,), dtype), _PLACES, _PLACES[1:], _PLACES)
    yield s(s.normal(2), _PLACES, _PLACES, _PLACES[:2])
    yield s(s.empty(0), _PLACES, _PLACES[:0], _PLACES[:0])
    yield s(s.normal(2), _PLACES, _PLACES, _PLACES, error="InvalidArgumentError")
    yield s(s.normal(3), _PLACES[:, :1], _PLACES, _PLACES, error="InvalidArgumentError")
    yield s(s.normal(3), _PLACES[0], _PLACES, _PLACES, error="InvalidArgumentError")
    yield s(s.normal(1, 3), _PLACES, _PLACES, _PLACES, error="InvalidArgumentError")


# The greater and the lesser of two.

_PAIR = (
    "a_indices: int64, a_values: T, a_shape: int64, b_indices: int64, b_values: T, b_shape: int64 -> "
    "output_indices: int64, output_values: T"
)


def _extremum(choose: Any, a_indices, a_values, a_shape, b_indices, b_values, b_shape):
    check_parts(a_indices, a_values, a_shape, inside=True)
    check_parts(b_indices, b_values, b_shape, inside=True)
    _check_same_shape(a_shape, b_shape)
    if not len(a_shape):
        raise invalid_argument("Tensors must not be empty")
    if a_values.dtype.fields:
        raise invalid_argument(f"Values of dtype {a_values.dtype} have no order")
    merged = _Merged(a_indices, b_indices)
    values = choose(*merged.spread(a_values, b_values))
    return merged.indices(), values


@op("SparseSparseMaximum", _PAIR, tier="host", T=REAL)
def sparse_sparse_maximum_op(a_indices, a_values, a_shape, b_indices, b_values, b_shape):
    """Takes the greater of two sparse tensors' values, which are zero where they are not given."""
    return _extremum(np.maximum, a_indices, a_values, a_shape, b_indices, b_values, b_shape)


@op("SparseSparseMinimum", _PAIR, tier="host", T=NUMBER)
def sparse_sparse_minimum_op(a_indices, a_values, a_shape, b_indices, b_values, b_shape):
    """Takes the lesser of two sparse tensors' values, which are zero where they are not given."""
    return _extremum(np.minimum, a_indices, a_values, a_shape, b_indices, b_values, b_shape)


def _extremum_shape(a_indices, a_values, a_shape, b_indices, b_values, b_shape):
    with_rank(a_values, 1)
    with_rank(a_shape, 1)
    with_rank(b_indices, 2)
    with_rank(b_values, 1)
    with_rank(b_shape, 1)
    return (None, with_rank(a_indices, 2)[1]), (None,)


def _extremum_gradient(call, d_indices, d_values):
    a_indices, a_values, _, b_indices, b_values, _ = call.inputs
    indices, values = call.outputs
    pick, (a_rows, b_rows) = _rows(d_values, a_indices, b_indices, indices)
    chosen = raw.SparseAddGrad(values, a_indices, b_indices, indices)
    from_a, from_b = raw.Equal(chosen[0], a_values), raw.Equal(chosen[1], b_values)
    # Where both are equal, the first takes the gradient, as of dense tensors; row 0 is that of entries not found.
    none = raw.Fill(raw.Reshape(raw.Add(raw.Size(d_values), np.int32(1)), [1]), False)
    taken = raw.TensorScatterUpdate(none, raw.ExpandDims(a_rows, np.int32(1)), from_a)
    from_b = raw.LogicalAnd(from_b, raw.LogicalNot(raw.GatherV2(taken, b_rows, np.int32(0))))
    zero = np.zeros((), d_values.dtype.as_numpy_dtype)
    of_a, of_b = raw.SelectV2(from_a, pick(a_rows), zero), raw.SelectV2(from_b, pick(b_rows), zero)
    return None, of_a, None, None, of_b, None


def _extremum_samples(s):
    other = np.int64([[0, 0], [1, 0]])
    for dtype in s.dtypes("T"):
        if not dtype.name.startswith("complex"):
            yield s(_PLACES, s.array((3,), dtype), _SHAPE, other, s.array((2,), dtype), _SHAPE)
    yield s(_PLACES, s.normal(3), _SHAPE, _PLACES, s.normal(3), _SHAPE)
    yield s(_PLACES, s.normal(3), _SHAPE, other[:0], s.empty(0), _SHAPE)
    yield s(_PLACES[::-1].copy(), s.normal(3), _SHAPE, other, s.normal(2), _SHAPE, gradient=False)
    bad = {"error": "InvalidArgumentError"}
    yield s(_PLACES, s.normal(3), _SHAPE, other + 1, s.normal(2), _SHAPE, **bad)
    yield s(_PLACES, s.normal(3), _SHAPE, other, s.normal(2), _SHAPE + 1, **bad)
    yield s(_PLACES, s.normal(2), _SHAPE, other, s.normal(2), _SHAPE, **bad)
    yield s(_PLACES[:, :1], s.normal(3), _SHAPE, other, s.normal(2), _SHAPE, **bad)


for _extremum_op in (sparse_sparse_maximum_op, sparse_sparse_minimum_op):
    _extremum_op.shape(_extremum_shape)
    _extremum_op.gradient(_extremum_gradient)
    _extremum_op.samples(_extremum_samples)


# With a dense tensor.


@op(
    "SparseTensorDenseAdd",
    "a_indices: Tindices, a_values: T, a_shape: Tindices, b: T -> output: T",
    tier="host",
    T=NUMBER,
    Tindices=INDEX,
)
def sparse_tensor_dense_add_op(a_indices, a_values, a_shape, b):
    """Adds the values of a sparse tensor to a dense one of the same shape."""
    if a_indices.ndim != 2:
        raise invalid_argument(f"Input a_indices should be a matrix but received shape: {text(a_indices.shape)}")
    if a_values.ndim != 1 or a_shape.ndim != 1:
        raise invalid_argument(
            f"Inputs a_values and a_shape should be vectors but received shapes: {text(a_values.shape)} and "
            f"{text(a_shape.shape)}"
        )
    if len(a_values) != len(a_indices):
        raise invalid_argument(f"Dimensions {len(a_indices)} and {len(a_values)} are not compatible")
    if len(a_shape) != a_indices.shape[1]:
        raise invalid_argument(f"Dimensions {a_indices.shape[1]} and {len(a_shape)} are not compatible")
    if len(a_shape) != b.ndim:
        raise invalid_argument(f"Two operands have different ranks; received: {len(a_shape)} and {b.ndim}")
    for axis, (left, right) in enumerate(zip(a_shape.tolist(), b.shape, strict=True)):
        if left != right:
            raise invalid_argument(
                f"Dimension {axis} does not equal (no broadcasting is supported): sparse side {left} vs dense side "
                f"{right}"
            )
    if not 1 <= b.ndim <= 5:
        raise invalid_argument(
            f"Only tensors with ranks between 1 and 5 are currently supported.  Tensor rank: {b.ndim}"
        )
    if a_values.dtype.fields:
        raise invalid_argument(f"SparseTensorDenseAdd does not add values of dtype {a_values.dtype}")
    if not all_inside(a_indices, a_shape):
        row, axis = (int(place) for place in np.argwhere((a_indices < 0) | (a_indices >= a_shape))[0])
        raise invalid_argument(
            f"Sparse tensor has an invalid index on dimension {axis}: a_indices({row},{axis}) = "
            f"{a_indices[row, axis]}, dense tensor shape: {summary(b.shape)}"
        )
    result = b.copy()
    flat = result.reshape(-1)
    numbers = numbers_of(a_indices, b.shape)
    if ascends(numbers):
        flat[numbers] += a_values
    else:
        np.add.at(flat, numbers, a_values)
    return result


@sparse_tensor_dense_add_op.shape
def _sparse_tensor_dense_add_shape(a_indices, a_values, a_shape, b):
    return b


@sparse_tensor_dense_add_op.gradient
def _sparse_tensor_dense_add_gradient(call, dy):
    return None, raw.GatherNd(dy, call.inputs[0]), None, dy


@sparse_tensor_dense_add_op.samples
def _sparse_tensor_dense_add_samples(s):
    for dtype in s.dtypes("T"):
        yield s(_PLACES, s.array((3,), dtype), _SHAPE, s.array((2, 3), dtype))
    yield s(np.int32([[1, 0], [1, 0], [0, 0]]), s.normal(3), [2, 3], s.normal(2, 3))
    yield s(_PLACES[:0], s.empty(0), _SHAPE, s.normal(2, 3))
    bad = {"error": "InvalidArgumentError"}
    yield s(_PLACES + 1, s.normal(3), _SHAPE, s.normal(2, 3), **bad)
    yield s(_PLACES, s.normal(3), _SHAPE, s.normal(3, 2), **bad)
    yield s(_PLACES, s.normal(3), _SHAPE, s.normal(2, 3, 1), **bad)
    yield s(_PLACES, s.normal(2), _SHAPE, s.normal(2, 3), **bad)
    yield s(_PLACES[0], s.normal(2), _SHAPE, s.normal(2, 3), **bad)
    yield s(np.zeros((1, 0), np.int64), s.normal(1), np.zeros(0, np.int64), s.normal(), **bad)
