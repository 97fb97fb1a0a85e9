"""Shapes as values, and operations that give a tensor another shape without touching its elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import invalid_argument
from tideflow._src.core.tensor import EagerTensor
from tideflow._src.graph.op_def import at_least, default
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.raw import fully_known, raw, static_shape
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import constant_node, convert_to_tensor
from tideflow._src.runtime.fast_path import fast_path
from tideflow._src.runtime.op import op

# The shape as a value.


@op("Shape", "input: T -> output: out_type", out_type=default("int32", INDEX), differentiable=False)
def shape_op(xp, input, *, out_type: DType = "int32"):
    """Gives the shape of a tensor as a vector."""
    return np.array(input.shape, out_type.as_numpy_dtype)


@shape_op.shape
def _shape_shape(input):
    return (None,) if input is None else (len(input),)


@shape_op.value_from_shapes
def _shape_value(input):
    return input


@shape_op.samples
def _shape_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype))
    yield s(s.array((), np.float32), out_type="int64")
    yield s(s.empty(0, 2))


@op("ShapeN", "input: N * T -> output: N * out_type", out_type=default("int32", INDEX), differentiable=False)
def shape_n_op(xp, input, *, out_type: DType = "int32"):
    """Gives the shapes of several tensors as vectors."""
    return [np.array(item.shape, out_type.as_numpy_dtype) for item in input]


@shape_n_op.shape
def _shape_n_shape(input):
    return [_shape_shape(item) for item in input]


@shape_n_op.value_from_shapes
def _shape_n_value(input):
    return list(input)


@shape_n_op.samples
def _shape_n_samples(s):
    yield s([s.normal(2, 3), s.normal(4)])
    yield s([s.normal(2, 3), s.normal()], out_type="int64")


@op("Size", "input: T -> output: out_type", out_type=default("int32", INDEX), differentiable=False)
def size_op(xp, input, *, out_type: DType = "int32"):
    """Gives the number of elements of a tensor."""
    return out_type.as_numpy_dtype(_product(input.shape))


@size_op.shape
def _size_shape(input):
    return ()


@size_op.value_from_shapes
def _size_value(input):
    return _product(input) if fully_known(input) else None


@size_op.samples
def _size_samples(s):
    yield s(s.normal(2, 3))
    yield s(s.normal(), out_type="int64")
    yield s(s.empty(0, 2))
    yield s(s.strings((3,)))


@op("Rank", "input: T -> output: int32", differentiable=False)
def rank_op(xp, input):
    """Gives the number of dimensions of a tensor."""
    return np.int32(len(input.shape))


@rank_op.shape
def _rank_shape(input):
    return ()


@rank_op.value_from_shapes
def _rank_value(input):
    return None if input is None else len(input)


@rank_op.samples
def _rank_samples(s):
    yield s(s.normal(2, 3))
    yield s(s.normal())
    yield s(s.strings((3,)))


def _product(sizes: Any) -> int:
    count = 1
    for size in sizes:
        count *= size
    return count


# Another shape.


def complete_sizes(sizes: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the sizes that ``Reshape`` is asked for with the one that is -1 worked out.

    Sizes of zero do not count when the missing one is found, so that an empty tensor keeps its other dimensions.

    Raises:
      InvalidArgumentError: the sizes do not fit a tensor of ``shape``.
    """
    count = _product(shape)
    if -1 not in sizes:
        for position, size in enumerate(sizes):
            if size < 0:
                raise invalid_argument(f"Size {position} must be non-negative, not {size}")
        if _product(sizes) != count:
            raise invalid_argument(
                f"Input to reshape is a tensor with {count} values, but the requested shape has {_product(sizes)}"
            )
        return sizes
    missing = sizes.index(-1)
    product, empty = 1, False
    for position, size in enumerate(sizes):
        if position == missing:
            continue
        if size == -1:
            raise invalid_argument(f"Only one input size may be -1, not both {missing} and {position}")
        if size < -1:
            raise invalid_argument(f"Size {position} must be non-negative, not {size}")
        if size:
            product *= size
        else:
            empty = True
    left, skipped = 1, False
    for size in shape:
        if size or not empty:
            left *= size
        else:
            skipped = True
    if not skipped and left % product:
        raise invalid_argument(
            f"Input to reshape is a tensor with {count} values, but the requested shape requires a multiple "
            f"of {product}"
        )
    return (*sizes[:missing], left // product, *sizes[missing + 1 :])


@op("Reshape", "tensor: T, shape: static Tshape -> output: T", Tshape=default("int32", INDEX), structural=True)
def reshape_op(xp, tensor, shape):
    """Arranges the elements of a tensor, in order, in another shape."""
    if shape.ndim > 1:
        raise invalid_argument(f"sizes input must be 1-D, not {list(shape.shape)}")
    sizes = tuple(shape.reshape(-1).tolist())
    return tensor.reshape(complete_sizes(sizes, tensor.shape))


@reshape_op.shape
def _reshape_shape(tensor, shape):
    if shape.shape is not None and len(shape.shape) > 1:
        raise ValueError(f"Shape must be rank 1 but is rank {len(shape.shape)}")
    sizes = shape.integers()
    if sizes is None:
        return None
    for size in sizes:
        if size is not None and size < -1:
            raise ValueError(f"Dimension size must be at least -1, got {size} in shape {list(sizes)}")
    result = tuple(None if size == -1 else size for size in sizes)
    if tensor is None:
        return result
    missing = [position for position, size in enumerate(result) if size is None]
    product = _product(size for size in result if size is not None)
    if None not in tensor:
        count = _product(tensor)
        if not missing:
            if product != count:
                raise ValueError(
                    f"Cannot reshape a tensor with {count} elements to shape {shape_text(result)} ({product} elements)"
                )
        elif len(missing) == 1 and product:
            if count % product:
                raise ValueError(f"Dimension size must be evenly divisible by {product} but is {count}")
            return (*result[: missing[0]], count // product, *result[missing[0] + 1 :])
    return result


@reshape_op.gradient
def _reshape_gradient(call, dy):
    return reshape(dy, shape(call.inputs[0])), None


@reshape_op.samples
def _reshape_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), [3, 2])
    yield s(s.normal(2, 3), [-1])
    yield s(s.normal(2, 3), np.array([3, -1, 1], np.int64))
    yield s(s.normal(1), np.zeros([0], np.int32))
    yield s(s.empty(0, 3), [-1, 3])
    yield s(s.empty(0, 3), [0, -1])
    yield s(s.normal(2, 3), [4], error="InvalidArgumentError")
    yield s(s.normal(2, 3), [4, -1], error="InvalidArgumentError")
    yield s(s.normal(2, 3), [-1, -1], error="InvalidArgumentError")
    yield s(s.normal(2, 3), [-2, 3], error="InvalidArgumentError")


@op("ExpandDims", "input: T, dim: static Tdim -> output: T", Tdim=default("int32", INDEX), structural=True)
def expand_dims_op(xp, input, dim):
    """Adds a dimension of size 1 at position ``dim``."""
    if dim.size != 1:
        raise invalid_argument("'dim' must be a tensor with a single value")
    position = int(dim.reshape(()))
    rank = len(input.shape)
    if not -rank - 1 <= position <= rank:
        raise invalid_argument(f"Tried to expand dim index {position} for tensor with {rank} dimensions.")
    if position < 0:
        position += rank + 1
    return input.reshape((*input.shape[:position], 1, *input.shape[position:]))


@expand_dims_op.shape
def _expand_dims_shape(input, dim):
    known = dim.integers()
    if dim.value is not None and len(known) != 1:
        raise ValueError("'dim' input must be a tensor with a single value")
    if input is None:
        return None
    rank = len(input)
    if dim.value is None:
        return None
    position = known[0]
    if not -rank - 1 <= position <= rank:
        raise ValueError(f"dim {position} not in the interval [{-rank - 1}, {rank}]")
    if position < 0:
        position += rank + 1
    return (*input[:position], 1, *input[position:])


@expand_dims_op.gradient
def _expand_dims_gradient(call, dy):
    return reshape(dy, shape(call.inputs[0])), None


@expand_dims_op.samples
def _expand_dims_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), 0)
    for position in (1, 2, -1, -3):
        yield s(s.normal(2, 3), position)
    yield s(s.normal(), np.int64(0))
    yield s(s.normal(2), [1])
    yield s(s.normal(2, 3), 5, error="InvalidArgumentError")
    yield s(s.normal(2, 3), [0, 1], error="InvalidArgumentError")


@op("Squeeze", "input: T -> output: T", structural=True, squeeze_dims=at_least(0, default=[]))
def squeeze_op(xp, input, *, squeeze_dims: list[int]):
    """Removes dimensions of size 1: those listed, or all of them."""
    return input.reshape(_squeezed(input.shape, squeeze_dims))


def _squeezed(shape: tuple[int | None, ...], positions: Any) -> tuple[int | None, ...]:
    if not positions:
        return tuple(size for size in shape if size != 1)
    rank = len(shape)
    chosen = set()
    for position in positions:
        if not -rank <= position < rank:
            raise ValueError(f"Tried to squeeze dim index {position} for tensor with {rank} dimensions.")
        chosen.add(position % rank)
    for position in chosen:
        if shape[position] not in (1, None):
            raise ValueError(f"Can not squeeze dim[{position}], expected a dimension of 1, got {shape[position]}")
    return tuple(size for position, size in enumerate(shape) if position not in chosen)


@squeeze_op.shape
def _squeeze_shape(input, *, squeeze_dims):
    if input is None or (not squeeze_dims and None in input):
        return None
    return _squeezed(input, squeeze_dims)


@squeeze_op.gradient
def _squeeze_gradient(call, dy):
    return reshape(dy, shape(call.inputs[0]))


@squeeze_op.samples
def _squeeze_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((1, 3, 1), dtype))
    yield s(s.normal(1, 3, 1), squeeze_dims=[0])
    yield s(s.normal(1, 3, 1), squeeze_dims=[-1])
    yield s(s.normal(1, 3, 1), squeeze_dims=[0, -1])
    yield s(s.normal(2, 3))
    yield s(s.normal(1, 2), squeeze_dims=[1], error="InvalidArgumentError")
    yield s(s.normal(1, 2), squeeze_dims=[5], error="InvalidArgumentError")


# Public functions.


def _named(
    input: Any, name: str | None, default_name: str, out_type: Any, operation: Any, optimize: bool, value: Any
) -> Any:
    """Adds a node that tells something of a tensor's shape, or a constant where it is known already."""
    graph = context.current_graph()
    with name_scope(name, default_name) as scope:
        tensor = convert_to_tensor(input)
        sizes = static_shape(tensor)
        if optimize and fully_known(sizes):
            return constant_node(graph, np.array(value(sizes), out_type.as_numpy_dtype), scope)
        if operation is rank_op:
            if optimize and sizes is not None:
                return constant_node(graph, np.array(len(sizes), np.int32), scope)
            return rank_op(tensor, name=scope)
        return operation(tensor, out_type=out_type, name=scope)


def _is_sparse(input: Any) -> bool:
    return input.__class__ is not EagerTensor and type(input).__name__ in ("SparseTensor", "SparseTensorValue")


def shape(input: Any, out_type: Any = None, name: str | None = None) -> Any:
    """Returns the shape of ``input`` as a vector.

    Args:
      input: a tensor, or what converts to one.
      out_type: int32 (the default) or int64.
      name: the node's name.
    """
    return shape_v1(input, name, out_type)


def shape_v1(input: Any, name: str | None = None, out_type: Any = None, optimize: bool = True) -> Any:
    """Returns the shape of ``input`` as a vector; see :func:`shape`."""
    if out_type is None:
        out_type = dtypes.int32
    elif out_type.__class__ is not DType:
        out_type = dtypes.as_dtype(out_type)
    if _is_sparse(input):
        return raw.Cast(input.dense_shape, DstT=out_type)
    if context.current_graph() is None:
        return shape_op.call(convert_to_tensor(input), out_type=out_type)
    return _named(input, name, "Shape", out_type, shape_op, optimize, list)


def shape_n(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> Any:
    """Returns the shapes of several tensors as vectors.

    Args:
      input: a list of tensors of one dtype.
      out_type: int32 or int64.
      name: the node's name.
    """
    return shape_n_op(list(input), out_type=dtypes.as_dtype(out_type), name=name)


def size(input: Any, out_type: Any = None, name: str | None = None) -> Any:
    """Returns the number of elements of ``input`` as a scalar.

    Args:
      input: a tensor, or what converts to one.
      out_type: int32 (the default) or int64.
      name: the node's name.
    """
    return size_v1(input, name, out_type)


def size_v1(input: Any, name: str | None = None, out_type: Any = None, optimize: bool = True) -> Any:
    """Returns the number of elements of ``input`` as a scalar; see :func:`size`."""
    out_type = dtypes.int32 if out_type is None else dtypes.as_dtype(out_type)
    if _is_sparse(input):
        return raw.Prod(raw.Cast(input.dense_shape, DstT=out_type), 0)
    if context.current_graph() is None:
        return size_op.call(convert_to_tensor(input), out_type=out_type)
    return _named(input, name, "Size", out_type, size_op, optimize, _product)


def rank(input: Any, name: str | None = None) -> Any:
    """Returns the number of dimensions of ``input`` as an int32 scalar.

    Args:
      input: a tensor, or what converts to one.
      name: the node's name.
    """
    if _is_sparse(input):
        return size_v1(input.dense_shape, name)
    if context.current_graph() is None:
        return rank_op.call(convert_to_tensor(input))
    return _named(input, name, "Rank", dtypes.int32, rank_op, True, len)


_INTEGER = frozenset((int,))


@fast_path(
    reshape_op,
    tensors=("tensor",),
    when=(
        "v_tensor.__class__ is ndarray and (shape.__class__ is list or shape.__class__ is tuple)"
        " and INTEGER.issuperset(map(type, shape)) and min(shape, default=0) >= (-1 if v_tensor.size else 0)"
    ),
    value="v_tensor.reshape(shape)",
    inputs="(tensor, WRAP(np.array(shape, np.int32)))",
    INTEGER=_INTEGER,
)
def reshape(tensor: Any, shape: Any, name: str | None = None) -> Any:
    """Returns the elements of ``tensor``, in order, in another shape.

    Args:
      tensor: the tensor.
      shape: the sizes; one of them may be -1, which stands for what is left.
      name: the node's name.

    Raises:
      InvalidArgumentError: the number of elements does not fit.

    >>> reshape(convert_to_tensor([0, 1, 2, 3, 4, 5]), [2, -1]).shape
    TensorShape([2, 3])
    """
    return reshape_op(tensor, shape, name=name)


@fast_path(
    expand_dims_op,
    tensors=("input",),
    when="axis.__class__ is int and v_input.__class__ is ndarray and -v_input.ndim - 1 <= axis <= v_input.ndim",
    value=(
        "v_input.reshape((*v_input.shape[:(_at := axis if axis >= 0 else axis + v_input.ndim + 1)], 1,"
        " *v_input.shape[_at:]))"
    ),
    inputs="(input, WRAP(np.int32(axis)))",
)
def expand_dims(input: Any, axis: Any, name: str | None = None) -> Any:
    """Returns ``input`` with a dimension of size 1 added at position ``axis``.

    Args:
      input: a tensor.
      axis: the position, from ``-rank - 1`` to ``rank``.
      name: the node's name.
    """
    return expand_dims_op(input, axis, name=name)


def expand_dims_v1(input: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Any:
    """Returns ``input`` with a dimension of size 1 added; ``dim`` is the older name of ``axis``."""
    return expand_dims(input, _either("axis", axis, "dim", dim, required=True), name)


def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Any:
    """Returns ``input`` without dimensions of size 1.

    Args:
      input: a tensor.
      axis: the positions to remove, an integer or a list; by default all of size 1.
      name: the node's name.
    """
    if axis is None:
        positions: Any = []
    elif isinstance(axis, list | tuple):
        positions = list(axis)
    elif np.ndim(axis):
        positions = np.asarray(axis).tolist()
    else:
        positions = [axis]
    return squeeze_op(input, squeeze_dims=positions, name=name)


def squeeze_v1(input: Any, axis: Any = None, name: str | None = None, squeeze_dims: Any = None) -> Any:
    """Returns ``input`` without dimensions of size 1; ``squeeze_dims`` is the older name of ``axis``."""
    return squeeze(input, _either("axis", axis, "squeeze_dims", squeeze_dims), name)


def _either(name: str, value: Any, old_name: str, old_value: Any, required: bool = False) -> Any:
    if old_value is not None:
        if value is not None:
            raise ValueError(f"Cannot specify both '{name}' and '{old_name}'.")
        return old_value
    if value is None and required:
        raise ValueError(f"Must specify an {name} argument to tf.expand_dims().")
    return value
