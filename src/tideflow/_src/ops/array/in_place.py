"""Operations that TensorFlow runs in place: rows are changed, buffers are made, tensors are copied.

Nobody changes an array in place here: the results are new tensors, and what was given keeps its value.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import OpDef, Shape, at_least
from tideflow._src.ops.dimensions import merge, text, with_rank
from tideflow._src.ops.retirement import retire
from tideflow._src.runtime.op import op

_LIMIT = 1 << 40


def _rows(x: Any, i: Any, v: Any) -> Any:
    """Checks the arguments of a change of rows, and returns the rows' numbers, from 0."""
    if i.ndim != 1:
        raise invalid_argument(f"i must be a vector. {text(i.shape)}")
    if not x.ndim or x.ndim != v.ndim:
        raise invalid_argument(f"x and v must have the same rank, 1 or more: {text(x.shape)} vs. {text(v.shape)}")
    if x.shape[1:] != v.shape[1:]:
        raise invalid_argument(f"x and v shape doesn't match: {text(x.shape)} vs. {text(v.shape)}")
    if i.shape[0] != v.shape[0]:
        raise invalid_argument(f"i and x shape doesn't match at index 0: {text(i.shape)} vs. {text(v.shape)}")
    if i.size and not x.shape[0]:
        raise invalid_argument("x has no rows to change")
    return i % max(x.shape[0], 1)


@op("InplaceUpdate", "x: T, i: int32, v: T -> y: T", tier="host", differentiable="missing")
def inplace_update_op(x, i, v):
    """Replaces rows: ``y[i] = v``; the last one counts where a row is named twice."""
    result = x.copy()
    result[_rows(x, i, v)] = v
    return result


@op("InplaceAdd", "x: T, i: int32, v: T -> y: T", tier="host", differentiable="missing")
def inplace_add_op(x, i, v):
    """Adds to rows: ``y[i] += v``."""
    return _change(np.add, x, i, v)


@op("InplaceSub", "x: T, i: int32, v: T -> y: T", tier="host", differentiable="missing")
def inplace_sub_op(x, i, v):
    """Subtracts from rows: ``y[i] -= v``."""
    return _change(np.subtract, x, i, v)


def _change(ufunc: Any, x: Any, i: Any, v: Any) -> Any:
    if x.dtype.kind in "bO" or x.dtype.names:
        raise invalid_argument(f"x must be numbers, but are {x.dtype.name}")
    result = x.copy()
    ufunc.at(result, _rows(x, i, v), v)
    return result


def _row_samples(s: Any) -> Any:
    for dtype in ("float", "double", "int32", "int64", "half"):
        yield s(s.array((3, 2), dtype), [0, 2], s.array((2, 2), dtype))
    yield s(s.normal(3, 2), 0, s.normal(2), error="InvalidArgumentError")
    yield s(s.normal(3, 2), [0], s.normal(1, 3), error="InvalidArgumentError")
    yield s(s.normal(3, 2), [0, 1], s.normal(1, 2), error="InvalidArgumentError")


for _operation in (inplace_update_op, inplace_add_op, inplace_sub_op):
    _operation.shape(lambda x, i, v: x)
    _operation.samples(_row_samples)


@op("Empty", "shape: static int32 -> output: dtype", tier="host", stateful=True, differentiable="missing")
def empty_op(shape, *, dtype: DType, init: bool = False):
    """Makes a tensor whose elements nobody chose; they are zero here, with or without ``init``."""
    del init
    if shape.ndim != 1:
        raise invalid_argument(f"shape must be a vector of int32, got shape {text(shape.shape)}")
    sizes = tuple(int(size) for size in shape.reshape(-1))
    for size in sizes:
        if size < 0:
            raise invalid_argument(f"Dimension {size} must be >= 0")
    if np.prod(sizes, dtype=np.float64) > _LIMIT:
        raise invalid_argument(f"The shape {list(sizes)} has too many elements")
    if dtype.name == "string":
        return np.full(sizes, b"", object)
    return np.zeros(sizes, dtype.as_numpy_dtype)


@empty_op.shape
def _empty_shape(shape):
    if shape.shape is not None:
        with_rank(shape.shape, 1)
    known = shape.integers()
    if known is not None and any(size is not None and size < 0 for size in known):
        raise ValueError(f"Dimensions must be non-negative, but shape is {list(known)}")
    return known


@empty_op.samples
def _empty_samples(s):
    for dtype in s.dtypes("dtype"):
        yield s([2, 3], dtype=dtype, init=True)
    yield s([2, -3], dtype="float", error="InvalidArgumentError")
    yield s([[2, 3]], dtype="float", error="InvalidArgumentError")


@op("ParallelConcat", "values: N * T -> output: T", tier="host", N=at_least(1), differentiable="missing")
def parallel_concat_op(values, *, shape: Shape):
    """Concatenates tensors of one row each along the first dimension."""
    result = np.concatenate(values, axis=0)
    if None not in shape and result.shape != tuple(shape):
        raise invalid_argument(
            f"The values make a tensor of shape {text(result.shape)}, but shape is {text(tuple(shape))}"
        )
    return result


@op("TileGrad", "input: T, multiples: static int32 -> output: T", tier="host")
def tile_grad_op(input, multiples):
    """Adds up the copies that ``Tile`` made; of graphs of TensorFlow 0.x."""
    if multiples.shape != (input.ndim,):
        raise invalid_argument(
            f"Expected multiples argument to be a vector of length {input.ndim} but got {multiples.shape}"
        )
    sizes: list[int] = []
    for size, count in zip(input.shape, multiples.tolist(), strict=True):
        if count <= 0 or size % count:
            raise invalid_argument(f"The shape {text(input.shape)} is no multiple of {multiples.tolist()}")
        sizes += [count, size // count]
    return input.reshape(sizes).sum(tuple(range(0, len(sizes), 2)), dtype=input.dtype)


@tile_grad_op.shape
def _tile_grad_shape(input, multiples):
    return None if input is None else (None,) * len(input)


@tile_grad_op.gradient
def _tile_grad_gradient(call, dy):
    return OpDef.registry["Tile"].call(dy, call.inputs[1]), None  # type: ignore[attr-defined]


@tile_grad_op.samples
def _tile_grad_samples(s):
    yield s(s.normal(4, 2), [2, 1], error="UnimplementedError")


retire(tile_grad_op, 3, "TileGrad has been replaced with reduce_sum")


# Copies.


@op("DeepCopy", "x: T -> y: T", tier="host", stateful=True, differentiable="missing")
def deep_copy_op(x):
    """Copies a tensor."""
    return x.copy()


@op("Copy", "input: T -> output: T", tier="host", allows_uninitialized=True, differentiable="missing")
def copy_op(input, *, tensor_name: str = "", debug_ops_spec: list[str] = []):  # noqa: B006
    """Copies a tensor for a debugger."""
    del tensor_name, debug_ops_spec
    return input.copy()


@op("CopyHost", "input: T -> output: T", tier="host", allows_uninitialized=True, differentiable="missing")
def copy_host_op(input, *, tensor_name: str = "", debug_ops_spec: list[str] = []):  # noqa: B006
    """Copies a tensor to the memory of the host for a debugger."""
    del tensor_name, debug_ops_spec
    return input.copy()


def _copy_samples(s: Any) -> Any:
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype))
    yield s(s.empty(0))


for _operation in (deep_copy_op, copy_op, copy_host_op):
    _operation.shape(lambda x, **_: x)
    _operation.samples(_copy_samples)


@parallel_concat_op.shape
def _parallel_concat_shape(values, *, shape):
    if shape is None or None in shape:
        raise ValueError(f"All dimensions of shape must be known, but it is {shape}")
    for value in values:
        if value is not None:
            merge(value, (1, *tuple(shape)[1:]))
    return (len(values), *tuple(shape)[1:])


@parallel_concat_op.samples
def _parallel_concat_samples(s):
    for dtype in ("float", "int32", "string"):
        yield s([s.array((1, 2), dtype), s.array((1, 2), dtype)], shape=(2, 2))


@op("ToBool", "input: T -> output: bool", tier="host", differentiable="missing")
def to_bool_op(input):
    """Tells whether a scalar is not zero or a string not empty, or whether a tensor has elements."""
    if input.ndim:
        return np.bool_(input.size > 0)
    value = input[()]
    return np.bool_(len(value) > 0 if isinstance(value, bytes) else value != 0)


@to_bool_op.shape
def _to_bool_shape(input):
    return ()


@to_bool_op.samples
def _to_bool_samples(s):
    for dtype in ("float", "int32", "bool", "string", "double", "int64", "uint8"):
        yield s(s.array((), dtype))
        yield s(s.array((2,), dtype))
    yield s(0.0)
    yield s(s.empty(0, 2))


@op("Fact", " -> fact: string", tier="host", differentiable="missing")
def fact_op():
    """Gives a fact about factorials."""
    return np.array(b"0! == 1", object)


@fact_op.shape
def _fact_shape():
    return ()


@fact_op.samples
def _fact_samples(s):
    yield s()


def my_fact() -> Any:
    """Returns a fact about factorials, a scalar string: the example of an operation that TensorFlow's users add."""
    return fact_op()
