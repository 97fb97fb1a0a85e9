"""Where values enter a computation: constants, and tensors filled with one value."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError, ResourceExhaustedError
from tideflow._src.core.tensor import EagerTensor, wrap
from tideflow._src.core.tensor import Tensor as AnyTensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.graph.op_def import TensorValue as Tensor
from tideflow._src.graph.op_def import default
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.raw import all_axes, fully_known, raw, static_shape
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.arguments import shape_tuple
from tideflow._src.runtime.convert import LARGEST_FLOAT32, constant_node, contains_tensor, convert_to_tensor, to_numpy
from tideflow._src.runtime.device_calls import place
from tideflow._src.runtime.failures import is_out_of_memory
from tideflow._src.runtime.op import op

_ONES_TYPES = (
    *("bfloat16", "half", "float", "double", "int8", "uint8", "int16", "uint16", "int32", "uint32"),
    *("int64", "uint64", "complex64", "complex128", "bool"),
)
#: Graphs hold zeros and ones of fewer elements than this as constants, larger ones as a ``Fill``.
_SMALL = 1000


@op("Const", "-> output: dtype", differentiable=False)
def const(xp, *, value: Tensor, dtype: DType):
    """Is a value fixed while the graph is built."""
    return value


@const.shape
def _const_shape(*, value):
    return value.shape


@const.samples
def _const_samples(s):
    for dtype in s.dtypes("dtype"):
        array = s.array((2, 3), dtype)
        yield s(value=array, dtype=dtype)
    yield s(value=np.float32(2.5), dtype="float32")


@op("Fill", "dims: static index_type, value: T -> output: T", index_type=default("int32", INDEX))
def fill_op(xp, dims, value):
    """Makes a tensor of shape ``dims`` that holds ``value`` everywhere."""
    if dims.ndim > 1 or value.ndim > 1 or value.size != 1:
        raise InvalidArgumentError(
            None,
            None,
            f"dims must be a vector and value a scalar, got shapes {list(dims.shape)} and {list(value.shape)}",
        )
    sizes = tuple(dims.reshape(-1).tolist())
    if any(size < 0 for size in sizes):
        raise InvalidArgumentError(None, None, f"Dimension {min(sizes)} must be >= 0 in dims {list(sizes)}")
    if value.dtype == object:
        return np.full(sizes, value.reshape(()), dtype=object)
    return xp.full(sizes, value.reshape(()), dtype=value.dtype)


@fill_op.partly_known
def _fill_partly_known(dims, value):
    return np.full(tuple(dims.tolist()), value, dtype=value.dtype)


@fill_op.shape
def _fill_shape(dims, value):
    if dims.shape is not None and len(dims.shape) > 1:
        raise ValueError(f"Shape must be rank 1 but is rank {len(dims.shape)}")
    if value:
        raise ValueError(f"Shape must be rank 0 but is rank {len(value)}")
    sizes = dims.integers()
    if sizes is None:
        return None
    for size in sizes:
        if size is not None and size < 0:
            raise ValueError(f"Dimension {size} must be >= 0")
    return sizes


@fill_op.gradient
def _fill_gradient(call, dy):
    return None, raw.Sum(dy, all_axes(dy), keep_dims=False)


@fill_op.samples
def _fill_samples(s):
    for dtype in s.dtypes("T"):
        yield s([2, 3], s.array((), dtype))
    yield s(np.array([2, 0], np.int64), s.array((), np.float32))
    yield s(np.zeros([0], np.int32), 1.5)
    yield s([-1], 1.5, error="InvalidArgumentError")
    yield s([2], [1.5, 2.5], error="InvalidArgumentError")


def _filled(shape: Any, value: Any, dtype: Any) -> Any:
    if np.dtype(dtype) == object:
        return np.full(shape, b"", dtype=object)
    return np.full(shape, value, dtype=dtype)


@op("ZerosLike", "x: T -> y: T", differentiable=False)
def zeros_like_op(xp, x):
    """Makes zeros (empty strings, False) of the shape and type of ``x``."""
    return xp.zeros(x.shape, x.dtype)


@zeros_like_op.host
def _zeros_like_host(x):
    zeros_of = getattr(x, "zeros_like", None)  # a variant knows its own zero
    if zeros_of is not None:
        return zeros_of()
    return _filled(x.shape, 0, x.dtype)


@zeros_like_op.shape
def _zeros_like_shape(x):
    return x


@zeros_like_op.samples
def _zeros_like_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype))
    yield s(s.special())
    yield s(s.empty(0, 2))


@op("OnesLike", "x: T -> y: T", T=_ONES_TYPES, differentiable=False)
def ones_like_op(xp, x):
    """Makes ones (True) of the shape and type of ``x``."""
    return xp.ones(x.shape, x.dtype)


@ones_like_op.shape
def _ones_like_shape(x):
    return x


@ones_like_op.samples
def _ones_like_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype))
    yield s(s.array((), np.float32))


# Public functions.


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = "Const") -> Any:
    """Makes a tensor of a Python value, a sequence or an array.

    Args:
      value: the value; its dtype follows from it unless ``dtype`` is given.
      dtype: the type of the elements.
      shape: the shape of the result: the value is reshaped to it, or repeated if it is a single element.
      name: the node's name in a graph.

    Raises:
      TypeError: the value does not convert to ``dtype``, or its number of elements does not fit ``shape``.
      ValueError: the value is a tensor of a graph, or not rectangular.

    >>> constant([1.0, 2.0]).shape
    TensorShape([2])
    """
    graph = context.current_graph()
    if shape is None and graph is None:
        if dtype is None and not context.BUILDING:
            kind = value.__class__
            if kind is float and -LARGEST_FLOAT32 <= value <= LARGEST_FLOAT32:
                return wrap(np.float32(value))
            if kind is int and -(2**31) <= value < 2**31:
                return wrap(np.int32(value))
        return _eager_constant(value, dtype)
    if graph is None:
        tensor = _eager_constant(value, dtype)
        sizes = shape_tuple(shape)
        if sizes == static_shape(tensor):
            return tensor
        return _placed(_shaped(np.asarray(tensor._value), sizes, value))
    array = _graph_array(value, dtype)
    if shape is not None:
        sizes = shape_tuple(shape)
        if array.size != 1 and (sizes is None or None in sizes or array.size != _count(sizes)):
            raise TypeError(f"Expected Tensor's shape: {sizes}, but got {array.shape}.")
        array = _shaped(array, sizes, value)
    return constant_node(graph, array, name or "Const", dtype=_wanted(dtype))


def constant_v1(
    value: Any, dtype: Any = None, shape: Any = None, name: str | None = "Const", verify_shape: bool = False
) -> Any:
    """Makes a tensor as :func:`constant` does; in a graph, missing elements repeat the last one.

    Args:
      value: the value.
      dtype: the type of the elements.
      shape: the shape of the result.
      name: the node's name in a graph.
      verify_shape: whether a value of another shape is an error.

    Raises:
      TypeError: ``verify_shape`` is set and the value has another shape.
      ValueError: the value has more elements than ``shape``.
    """
    graph = context.current_graph()
    if shape is None:
        return constant(value, dtype, None, name)
    sizes = shape_tuple(shape)
    if graph is None:
        if verify_shape:
            found = static_shape(_eager_constant(value, dtype))
            if found != sizes:
                raise TypeError(f"Expected a tensor of shape {sizes}, got {found}.")
        return constant(value, dtype, shape, name)
    array = _graph_array(value, dtype)
    if verify_shape and array.shape != sizes:
        raise TypeError(f"Expected a tensor of shape {sizes}, got {array.shape}.")
    if sizes is None or None in sizes:
        raise TypeError(f"A constant needs a fully defined shape, got {TensorShape(shape)}.")
    wanted = _count(sizes)
    if array.size > wanted:
        raise ValueError(f"Too many elements: shape {list(sizes)} takes {wanted}, but {array.size} came.")
    flat = array.reshape(-1)
    if array.size < wanted:
        if not array.size:
            raise ValueError(f"No element to fill shape {list(sizes)} with.")
        flat = np.concatenate([flat, np.full(wanted - array.size, flat[-1], dtype=array.dtype)])
    return constant_node(graph, flat.reshape(sizes), name or "Const", dtype=_wanted(dtype))


def _wanted(dtype: Any) -> DType | None:
    return None if dtype is None else dtypes.as_dtype(dtype)


def _eager_constant(value: Any, dtype: Any) -> Any:
    if dtype is not None and dtype.__class__ is not DType:
        dtype = dtypes.as_dtype(dtype)
    if isinstance(value, AnyTensor):
        if not isinstance(value, EagerTensor):
            raise TypeError(f"{value!r} is a tensor of a graph: it cannot become a constant.")
        if dtype is not None and value.dtype is not dtype:
            raise TypeError(f"Expected a tensor of dtype {dtype.name}, but {value!r} is {value.dtype.name}.")
        return value
    if isinstance(value, list | tuple) and contains_tensor(value):
        return convert_to_tensor(value, dtype)
    if hasattr(value, "_dense_var_to_tensor") or hasattr(value, "__tf_tensor__") or isinstance(value, TensorShape):
        return convert_to_tensor(value, dtype)
    return _placed(to_numpy(value, dtype))


def _placed(value: Any) -> Any:
    tensor = wrap(value)
    return place(tensor) if context.BUILDING else tensor


def _graph_array(value: Any, dtype: Any) -> np.ndarray[Any, Any]:
    if isinstance(value, AnyTensor) and not isinstance(value, EagerTensor):
        raise TypeError("List of Tensors when single Tensor expected: a constant is made of Python values.")
    if isinstance(value, EagerTensor):
        value = np.asarray(value._value)
    elif isinstance(value, TensorShape):
        value = value.as_list()
    elif isinstance(value, list | tuple) and contains_tensor(value):
        value = _plain(value)
    return np.asarray(to_numpy(value, _wanted(dtype)))


def _plain(value: Any) -> Any:
    """Returns a nested sequence with eager tensors replaced by their values."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, EagerTensor):
        return np.asarray(value._value)
    if isinstance(value, AnyTensor):
        raise TypeError("List of Tensors when single Tensor expected: a constant is made of Python values.")
    return value


def _count(sizes: tuple[int, ...]) -> int:
    count = 1
    for size in sizes:
        count *= size
    return count


def _shaped(array: np.ndarray[Any, Any], sizes: Any, value: Any) -> np.ndarray[Any, Any]:
    if sizes is None or None in sizes:
        raise TypeError(f"A constant needs a fully defined shape, got {TensorShape(sizes)}.")
    if array.size == _count(sizes):
        return array.reshape(sizes)
    if array.size == 1:
        return np.full(sizes, array.reshape(-1)[0], dtype=array.dtype)
    raise TypeError(
        f"Eager execution of tf.constant with unsupported shape. Tensor {array} (converted from {value}) has "
        f"{array.size} elements, but got `shape` {tuple(sizes)} with {_count(sizes)} elements)."
    )


def fill(dims: Any, value: Any, name: str | None = None, layout: Any = None) -> Any:
    """Makes a tensor of shape ``dims`` that holds the scalar ``value`` everywhere.

    Args:
      dims: the shape, a vector of integers.
      value: the scalar.
      name: the node's name.
      layout: accepted for TensorFlow's signature; there is one layout.
    """
    del layout
    return fill_op(dims, value, name=name)


def zeros(shape: Any, dtype: Any = dtypes.float32, name: str | None = None, layout: Any = None) -> Any:
    """Makes a tensor of zeros (False, empty strings).

    Args:
      shape: its shape: integers, a ``TensorShape``, or an integer tensor.
      dtype: the type of the elements.
      name: the node's name.
      layout: accepted for TensorFlow's signature; there is one layout.
    """
    del layout
    dtype = dtypes.as_dtype(dtype).base_dtype
    if dtype is dtypes.string:
        return _full(shape, b"", dtype, name, "zeros")
    return _full(shape, 0, dtype, name, "zeros")


def ones(shape: Any, dtype: Any = dtypes.float32, name: str | None = None, layout: Any = None) -> Any:
    """Makes a tensor of ones (True).

    Args:
      shape: its shape: integers, a ``TensorShape``, or an integer tensor.
      dtype: the type of the elements.
      name: the node's name.
      layout: accepted for TensorFlow's signature; there is one layout.
    """
    del layout
    dtype = dtypes.as_dtype(dtype).base_dtype
    if dtype is dtypes.string:
        raise TypeError("There is no one among strings: tf.ones takes a numeric or boolean dtype.")
    return _full(shape, 1, dtype, name, "ones")


def _full(shape: Any, value: Any, dtype: DType, name: str | None, default_name: str) -> Any:
    graph = context.current_graph()
    if graph is None:
        return _eager_full(shape, value, dtype)
    with name_scope(name, default_name) as scope:
        if not isinstance(shape, AnyTensor):
            sizes = _known_sizes(shape)
            if sizes is not None:
                if _count(sizes) < _SMALL:
                    return constant_node(graph, _filled(sizes, value, dtype.as_numpy_dtype), scope, dtype=dtype)
                kind = np.int64 if any(size >= 2**31 for size in sizes) else np.int32
                shape = constant_node(graph, np.array(sizes, kind), "shape_as_tensor")
            else:
                shape = convert_to_tensor(shape, dtypes.int32)
        if static_shape(shape) == ():
            shape = raw.Reshape(shape, [-1])
        scalar = _filled((), value, dtype.as_numpy_dtype)
        return fill_op(shape, constant_node(graph, scalar, "Const", dtype=dtype), name=scope)


def _known_sizes(shape: Any) -> tuple[int, ...] | None:
    """The sizes of a shape given without tensors; None if it holds some."""
    if isinstance(shape, list | tuple) and contains_tensor(shape):
        return None
    if isinstance(shape, np.ndarray | np.generic):
        return tuple(np.asarray(shape).reshape(-1).astype(np.int64).tolist())  # as TensorFlow takes 2.0 of NumPy
    if hasattr(shape, "_dense_var_to_tensor"):
        return None
    sizes = shape_tuple(shape)
    if sizes is None or None in sizes:
        raise ValueError(f"Cannot convert a partially known TensorShape {TensorShape(shape)} to a Tensor.")
    return sizes  # type: ignore[return-value]


def _vector(sizes: np.ndarray[Any, Any]) -> tuple[int, ...]:
    if sizes.ndim > 1:
        raise InvalidArgumentError(None, None, f"dims must represent a vector, got shape {list(sizes.shape)} [Op:Fill]")
    return tuple(sizes.reshape(-1).tolist())


def _eager_full(shape: Any, value: Any, dtype: DType) -> Any:
    if isinstance(shape, EagerTensor):
        sizes: Any = _vector(np.asarray(shape._value))
    elif shape.__class__ is int:
        sizes = (shape,)
    elif shape.__class__ in (list, tuple) and all(size.__class__ is int for size in shape):
        sizes = shape
    elif isinstance(shape, list | tuple) or hasattr(shape, "_dense_var_to_tensor"):
        sizes = _vector(np.asarray(convert_to_tensor(shape, dtypes.int32)._value))
    elif isinstance(shape, AnyTensor):
        raise TypeError(f"{shape!r} is a tensor of a graph and has no value here.")
    else:
        sizes = _known_sizes(shape)
    numpy_dtype = dtype.as_numpy_dtype
    try:
        if value == 0 and numpy_dtype is not object:
            return _placed(np.zeros(sizes, numpy_dtype))
        return _placed(_filled(sizes, value, numpy_dtype))
    except (ValueError, MemoryError) as error:
        negative = next((size for size in sizes if size < 0), None)
        if negative is not None:
            raise InvalidArgumentError(None, None, f"Dimension {negative} must be >= 0 [Op:Fill]") from None
        if is_out_of_memory(error):
            raise ResourceExhaustedError(None, None, f"OOM: {error} [Op:Fill]") from None
        raise InvalidArgumentError(None, None, f"{error}, got shape {list(sizes)} [Op:Fill]") from None


def zeros_like(input: Any, dtype: Any = None, name: str | None = None, layout: Any = None) -> Any:
    """Makes zeros of the shape of ``input``, of its dtype unless another is given.

    Args:
      input: a tensor or what converts to one.
      dtype: the type of the result.
      name: the node's name.
      layout: accepted for TensorFlow's signature; there is one layout.
    """
    del layout
    return zeros_like_v1(input, dtype, name)


def zeros_like_v1(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Any:
    """Makes zeros of the shape of ``tensor``; see :func:`zeros_like`.

    Args:
      tensor: a tensor or what converts to one.
      dtype: the type of the result.
      name: the node's name.
      optimize: whether a shape that is known while the graph is built makes a constant.
    """
    dtype = _wanted(dtype)
    if context.current_graph() is None:
        tensor = convert_to_tensor(tensor)
        if dtype is not None and dtype is not tensor.dtype:
            return zeros(static_shape(tensor), dtype)
        return zeros_like_op(tensor)
    with name_scope(name, "zeros_like") as scope:
        tensor = convert_to_tensor(tensor, name="tensor")
        kind = tensor.dtype.base_dtype
        if optimize and kind.name != "variant" and fully_known(static_shape(tensor)):
            return zeros(static_shape(tensor), dtype or kind, name=scope)
        if dtype is not None and dtype is not kind and dtype.name != "variant":
            return zeros(_shape_of(tensor, optimize), dtype, name=scope)
        return zeros_like_op(tensor, name=scope)


def ones_like(input: Any, dtype: Any = None, name: str | None = None, layout: Any = None) -> Any:
    """Makes ones of the shape of ``input``, of its dtype unless another is given.

    Args:
      input: a tensor or what converts to one.
      dtype: the type of the result.
      name: the node's name.
      layout: accepted for TensorFlow's signature; there is one layout.
    """
    del layout
    return ones_like_v1(input, dtype, name)


def ones_like_v1(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Any:
    """Makes ones of the shape of ``tensor``; see :func:`ones_like`.

    Args:
      tensor: a tensor or what converts to one.
      dtype: the type of the result.
      name: the node's name.
      optimize: whether a shape that is known while the graph is built makes a constant.
    """
    dtype = _wanted(dtype)
    if context.current_graph() is None:
        tensor = convert_to_tensor(tensor)
        if context.BUILDING and dtype in (None, tensor.dtype):
            return ones_like_op(tensor)
        return ones(static_shape(tensor), dtype or tensor.dtype)
    with name_scope(name, "ones_like") as scope:
        tensor = convert_to_tensor(tensor, name="tensor")
        kind = tensor.dtype.base_dtype
        if optimize and fully_known(static_shape(tensor)):
            return ones(static_shape(tensor), dtype or kind, name=scope)
        if dtype is None or dtype is kind:
            return ones_like_op(tensor, name=scope)
        return ones(_shape_of(tensor, optimize), dtype, name=scope)


def _shape_of(tensor: Any, optimize: bool) -> Any:
    known = static_shape(tensor)
    if optimize and fully_known(known):
        return known
    return raw.Shape(tensor)
