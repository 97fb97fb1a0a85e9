"""Element-wise arithmetic of a sparse tensor with a dense one, at the positions of the sparse one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.types import NUMBER
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import text, with_rank
from tideflow._src.ops.sparse.positions import all_inside, check_matrix, check_sizes, steps_of
from tideflow._src.runtime.checks import require
from tideflow._src.runtime.lazy import jnp, lax
from tideflow._src.runtime.op import op

_SIGNATURE = "sp_indices: int64, sp_values: T, sp_shape: int64, dense: T -> output: T"


def _check_ranks(indices: Any, values: Any, shape: Any) -> None:
    check_matrix(indices, values, shape)
    if not len(shape):
        raise invalid_argument("The shape argument requires at least one element.")
    if len(indices) != len(values):
        raise invalid_argument(
            f"The first dimension of values and indices should match. ({len(values)} vs. {len(indices)})"
        )
    if indices.shape[1] != len(shape):
        raise invalid_argument(
            f"Number of dimensions must match second dimension of indices. Got {len(shape)} dimensions, indices "
            f"shape: {text(indices.shape)}"
        )
    if len(shape) > 5:
        raise invalid_argument(
            f"Only tensors with ranks between 1 and 5 are currently supported.  Tensor rank: {len(shape)}"
        )
    if values.dtype.fields:
        raise invalid_argument(f"There is no arithmetic on values of dtype {values.dtype}")


def _at_positions(indices: Any, values: Any, shape: Any, dense: Any) -> Any:
    """Returns the elements of the dense tensor, broadcast to the shape of the sparse one, at its positions."""
    _check_ranks(indices, values, shape)
    check_sizes(shape)
    sizes = shape.tolist()
    offset = len(sizes) - dense.ndim
    if offset < 0 or any(size not in (1, sizes[offset + axis]) for axis, size in enumerate(dense.shape)):
        raise invalid_argument(
            f"SparseDenseBinaryOpShared broadcasts dense to sparse only; got incompatible shapes: {text(tuple(sizes))} "
            f"vs. {text(dense.shape)}"
        )
    if not all_inside(indices, shape):
        raise invalid_argument("Provided indices are out-of-bounds w.r.t. dense side with broadcasted shape")
    numbers = np.zeros(len(indices), np.int64)
    for axis, (size, step) in enumerate(zip(dense.shape, steps_of(dense.shape), strict=True)):
        if size != 1:
            numbers += indices[:, offset + axis] * step
    return np.asarray(dense).reshape(-1)[numbers]


def _at_traced_positions(indices: Any, values: Any, shape: Any, dense: Any) -> Any:
    """Does the same in a compiled program, where the shape of the sparse tensor need not be known."""
    _check_ranks(indices, values, shape)
    offset = len(shape) - dense.ndim
    if offset < 0:
        raise invalid_argument("SparseDenseBinaryOpShared broadcasts dense to sparse only; got incompatible shapes")
    require(jnp.all(shape >= 0), "Expected shape dimensions to be non-negative")
    elements = jnp.prod(shape.astype(np.float64))
    require(elements < 2.0**63, "Encountered overflow when multiplying the dimensions of the shape")
    numbers = jnp.zeros(indices.shape[0], np.int64)
    for axis, (size, step) in enumerate(zip(dense.shape, steps_of(dense.shape), strict=True), start=offset):
        if size != 1:
            numbers += indices[:, axis] * step
            require(
                shape[axis] == size,
                "SparseDenseBinaryOpShared broadcasts dense to sparse only; got incompatible shapes",
            )
    require(
        jnp.all((indices >= 0) & (indices < shape)),
        "Provided indices are out-of-bounds w.r.t. dense side with broadcasted shape",
    )
    if not math.prod(dense.shape):
        return jnp.zeros(indices.shape[0], dense.dtype)
    return dense.reshape(-1).at[numbers].get(mode="clip")


@op("SparseDenseCwiseAdd", _SIGNATURE, tier="host", T=NUMBER)
def sparse_dense_cwise_add_op(sp_indices, sp_values, sp_shape, dense):
    """Adds to a sparse tensor's values the elements of a dense one at their positions."""
    return sp_values + _at_positions(sp_indices, sp_values, sp_shape, dense)


@op("SparseDenseCwiseMul", _SIGNATURE, tier="host", T=NUMBER)
def sparse_dense_cwise_mul_op(sp_indices, sp_values, sp_shape, dense):
    """Multiplies a sparse tensor's values by the elements of a dense one at their positions."""
    return sp_values * _at_positions(sp_indices, sp_values, sp_shape, dense)


@op("SparseDenseCwiseDiv", _SIGNATURE, tier="host", T=NUMBER)
def sparse_dense_cwise_div_op(sp_indices, sp_values, sp_shape, dense):
    """Divides a sparse tensor's values by the elements of a dense one at their positions."""
    divisors = _at_positions(sp_indices, sp_values, sp_shape, dense)
    if (divisors == 0).any():
        raise invalid_argument("SparseDenseCwiseDiv cannot divide by zero,but input dense tensor contains zero ")
    if sp_values.dtype.kind in "iu":
        quotients = sp_values // divisors
        # Rounds toward zero, as C++ does.
        return quotients + ((quotients < 0) & (quotients * divisors != sp_values)).astype(quotients.dtype)
    return sp_values / divisors


@sparse_dense_cwise_add_op.xla
def _add_xla(sp_indices, sp_values, sp_shape, dense):
    return sp_values + _at_traced_positions(sp_indices, sp_values, sp_shape, dense)


@sparse_dense_cwise_mul_op.xla
def _mul_xla(sp_indices, sp_values, sp_shape, dense):
    return sp_values * _at_traced_positions(sp_indices, sp_values, sp_shape, dense)


@sparse_dense_cwise_div_op.xla
def _div_xla(sp_indices, sp_values, sp_shape, dense):
    divisors = _at_traced_positions(sp_indices, sp_values, sp_shape, dense)
    require(
        jnp.all(divisors != 0),
        "SparseDenseCwiseDiv cannot divide by zero,but input dense tensor contains zero ",
    )
    return lax.div(sp_values, divisors)


def _shape(sp_indices, sp_values, sp_shape, dense):
    return (with_rank(sp_indices, 2)[0],)


def _picked(call: Any) -> tuple[Any, Any, Any]:
    """Returns the dense tensor's shape at the rank of the sparse one, where in it each value is, and the element."""
    indices, _, shape, dense = call.inputs
    sizes = raw.Shape(dense, out_type=dtypes.int64)
    added = raw.Reshape(raw.Sub(raw.Size(shape), raw.Size(sizes)), np.array([1], np.int32))
    sizes = raw.ConcatV2([raw.Fill(added, np.int64(1)), sizes], np.int32(0))
    scale = raw.FloorDiv(shape, raw.Maximum(sizes, np.int64(1)))
    places = raw.FloorDiv(indices, raw.Maximum(scale, np.int64(1)))
    return sizes, places, raw.GatherNd(raw.Reshape(dense, sizes), places)


def _of_dense(call: Any, sizes: Any, places: Any, gradients: Any) -> Any:
    return raw.Reshape(raw.ScatterNd(places, gradients, sizes), raw.Shape(call.inputs[3]))


@sparse_dense_cwise_add_op.gradient
def _add_gradient(call, dy):
    sizes, places, _ = _picked(call)
    return None, dy, None, _of_dense(call, sizes, places, dy)


@sparse_dense_cwise_mul_op.gradient
def _mul_gradient(call, dy):
    sizes, places, elements = _picked(call)
    return None, raw.Mul(dy, elements), None, _of_dense(call, sizes, places, raw.Mul(dy, call.inputs[1]))


@sparse_dense_cwise_div_op.gradient
def _div_gradient(call, dy):
    sizes, places, elements = _picked(call)
    change = raw.Mul(dy, raw.Div(raw.Neg(call.inputs[1]), raw.Square(elements)))
    return None, raw.Div(dy, elements), None, _of_dense(call, sizes, places, change)


_PLACES = np.int64([[0, 1], [1, 0], [1, 2]])
_SIZES = np.int64([2, 3])


def _samples(s: Any) -> Any:
    for dtype in s.dtypes("T"):
        yield s(_PLACES, s.array((3,), dtype), _SIZES, s.nonzero((2, 3), dtype), differences=not dtype.is_complex)
    for shape in ((), (1,), (3,), (2, 1), (1, 3), (1, 1)):
        yield s(_PLACES, s.normal(3), _SIZES, s.nonzero(shape))
    yield s(_PLACES, np.int32([-7, 7, 9]), _SIZES, np.int32([-2, 2, -4]))
    yield s(_PLACES[:0], s.empty(0), _SIZES, s.normal(2, 3))
    yield s(_PLACES[[1, 0, 1]], s.normal(3), _SIZES, s.nonzero((3,)))
    bad = {"error": "InvalidArgumentError"}
    for shape in ((2,), (3, 3), (1, 2, 3)):
        yield s(_PLACES, s.normal(3), _SIZES, s.nonzero(shape), **bad)
    yield s(_PLACES + 1, s.normal(3), _SIZES, s.nonzero((3,)), **bad)
    yield s(_PLACES - 1, s.normal(3), _SIZES, s.nonzero((3,)), **bad)
    yield s(_PLACES, s.normal(2), _SIZES, s.nonzero((3,)), **bad)
    yield s(_PLACES, s.normal(3), -_SIZES, s.nonzero((3,)), **bad)
    yield s(_PLACES, s.normal(3), _SIZES << 40, s.nonzero(()), **bad)
    yield s(_PLACES[:, :1], s.normal(3), _SIZES, s.nonzero((3,)), **bad)
    yield s(_PLACES[0], s.normal(2), _SIZES, s.nonzero((3,)), **bad)
    if s.definition.name.endswith("Div"):
        yield s(_PLACES, s.normal(3), _SIZES, np.float32([1, 0, 1]), **bad)


for _definition in (sparse_dense_cwise_add_op, sparse_dense_cwise_mul_op, sparse_dense_cwise_div_op):
    _definition.shape(_shape)
    _definition.samples(_samples)
