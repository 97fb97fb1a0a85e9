"""Turns Python values, arrays, variables and other objects into tensors, with TensorFlow's strict dtype rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes, float_errors, type_spec
from tideflow._src.core.dimension import Dimension
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import SymbolicTensor, Tensor, wrap
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.graph.op_def import OpDef

#: Conversions registered for types, as (priority, order, type, function), most urgent first.
_conversions: list[tuple[int, int, Any, Callable[..., Any]]] = []
_conversion_for: dict[type, Callable[..., Any] | None] = {}

_INT32, _INT64, _FLOAT32 = (np.dtype(name) for name in ("int32", "int64", "float32"))
_OBJECT = np.dtype(object)
LARGEST_FLOAT32 = float(np.finfo(np.float32).max)
_LARGEST_FLOAT16 = float(np.finfo(np.float16).max)

#: The dtypes other than bool that a Python bool becomes eagerly. In graphs it becomes any number.
_NUMBERS_OF_BOOLS = frozenset(
    (dtypes.float16, dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64, dtypes.uint64, dtypes.complex128)
)


def register_tensor_conversion_function(
    base_type: type | tuple[type, ...], conversion_func: Callable[..., Any], priority: int = 100
) -> None:
    """Registers how objects of ``base_type`` become tensors.

    Args:
      base_type: a type or a tuple of types.
      conversion_func: ``conversion_func(value, dtype=None, name=None, as_ref=False)`` returns a tensor, or
        ``NotImplemented`` to leave the value to the next function.
      priority: functions of lower priority values are asked first.
    """
    if not callable(conversion_func):
        raise TypeError(f"Argument `conversion_func` must be callable. Received {conversion_func}.")
    for item in base_type if isinstance(base_type, tuple) else (base_type,):
        if not isinstance(item, type):
            raise TypeError(f"Argument `base_type` must be a type or a tuple of types. Obtained {base_type}")
        _conversions.append((priority, len(_conversions), item, conversion_func))
    _conversions.sort(key=lambda entry: entry[:2])
    _conversion_for.clear()


def _registered_conversions(kind: type) -> list[Callable[..., Any]]:
    return [function for _, _, base, function in _conversions if issubclass(kind, base)]


def to_numpy(value: Any, dtype: DType | None = None) -> np.ndarray[Any, Any] | np.generic:
    """Returns a Python value, sequence or array as an array (or NumPy scalar) of its own.

    Python numbers become int32 (int64 if they need it), float32 and complex128; arrays keep their dtype.

    Raises:
      TypeError: the value does not convert to ``dtype``, or has no type that a tensor can have.
      ValueError: the value is None, or a sequence that is not rectangular.
    """
    kind = type(value)
    if kind is float:
        if dtype is None:
            if -LARGEST_FLOAT32 <= value <= LARGEST_FLOAT32:
                return np.float32(value)
            if math.isfinite(value):
                _refuse_beyond_float32(value)
            dtype = dtypes.float32
        if dtype.is_floating or dtype.is_complex:
            if -_LARGEST_FLOAT16 <= value <= _LARGEST_FLOAT16:
                return dtype.as_numpy_dtype(value)  # type: ignore[no-any-return]
            with float_errors.quiet():
                return dtype.as_numpy_dtype(value)  # type: ignore[no-any-return]
        raise _cannot_convert(value, dtype)
    if kind is int:
        if dtype is None:
            return np.int32(value) if -(2**31) <= value < 2**31 else _int64(value)
        return _int_as(value, dtype)
    if kind is bool:
        if dtype is None or dtype is dtypes.bool:
            return np.bool_(value)
        if dtype in _NUMBERS_OF_BOOLS if context.executing_eagerly() else _is_number(dtype):
            return dtype.as_numpy_dtype(value)  # type: ignore[no-any-return]
        raise _cannot_convert(value, dtype)
    if kind is str or kind is bytes:
        if dtype is not None and dtype is not dtypes.string:
            raise _cannot_convert(value, dtype)
        return string_array(value)
    if value is None:
        raise ValueError("Attempt to convert a value (None) with an unsupported type (<class 'NoneType'>) to a Tensor.")
    if isinstance(value, np.ndarray | np.generic):
        return _array_as(value, dtype)
    if isinstance(value, list | tuple | range) or (hasattr(value, "__len__") and hasattr(value, "__getitem__")):
        if not hasattr(value, "__array__"):
            return _sequence_as(value, dtype)
    if hasattr(value, "__array__"):
        return _array_as(np.asarray(value), dtype)
    if isinstance(value, complex):
        if dtype is not None and not dtype.is_complex:
            raise _cannot_convert(value, dtype)
        return np.complex128(value) if dtype is None else dtype.as_numpy_dtype(value)
    if isinstance(value, int):
        return to_numpy(int(value), dtype)
    if isinstance(value, float):
        return to_numpy(float(value), dtype)
    if isinstance(value, str | bytes):
        return to_numpy(bytes(value) if isinstance(value, bytes) else str(value), dtype)
    if isinstance(value, Dimension):
        return to_numpy(_size(value), dtype)
    if hasattr(value, "__index__"):
        return to_numpy(value.__index__(), dtype)
    raise _unsupported(f"Attempt to convert a value ({value!r}) with an unsupported type ({kind}) to a Tensor.")


def _is_number(dtype: DType) -> bool:
    return dtype.is_integer or dtype.is_floating or dtype.is_complex


def _int64(value: int) -> np.int64:
    if -(2**63) <= value < 2**63:
        return np.int64(value)
    raise _unsupported(f"Python int {value} is too large to convert to a 64-bit integer tensor.")


def _int_as(value: int, dtype: DType) -> np.generic:
    if dtype.is_integer:
        if not dtype.min <= value <= dtype.max:
            _check_wrapped(value, value, value, dtype)
            return np.array([value]).astype(dtype.as_numpy_dtype)[0]  # type: ignore[no-any-return]
        return dtype.as_numpy_dtype(value)  # type: ignore[no-any-return]
    if dtype.is_floating or dtype.is_complex:
        try:
            return dtype.as_numpy_dtype(value)  # type: ignore[no-any-return]
        except OverflowError:
            raise _unsupported(
                f"Can't convert Python sequence with out-of-range integer to Tensor: {_shown(value)}"
            ) from None
    raise _cannot_convert(value, dtype)


def _refuse_beyond_float32(value: Any) -> None:
    """Refuses Python numbers that would become infinite, as in TensorFlow eagerly; in a graph they do.

    Raises:
      ValueError: no graph is being built.
    """
    if context.executing_eagerly():
        raise ValueError(
            f"Can't convert Python sequence with a value out of range for a single-precision float: {_shown(value)}. "
            "Say dtype=tf.float64 to keep it, or dtype=tf.float32 for infinity."
        )


def _check_wrapped(value: Any, low: int, high: int, dtype: DType) -> None:
    """Checks integers of which ``dtype`` will hold the low bits only, as in TensorFlow.

    Raises:
      ValueError: they do not fit in 64 bits.
      TypeError: they do not in a graph, or they are negative and ``dtype`` has 64 bits and no sign.
    """
    eager = context.executing_eagerly()
    if (dtype is dtypes.uint64 and low < 0 and eager) or (not eager and not -(2**63) <= low <= high < 2**64):
        raise _cannot_convert(value, dtype)
    if eager and not -(2**63) <= low <= high < 2**63:
        raise ValueError(f"Can't convert Python sequence with out-of-range integer to Tensor: {_shown(value)}")


def _cannot_convert(value: Any, dtype: DType) -> TypeError:
    kind = "EagerTensor" if context.executing_eagerly() else "Tensor"
    return TypeError(f"Cannot convert {_shown(value)} to {kind} of dtype {dtype.name}: it is a {type(value).__name__}.")


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _unsupported(message: str) -> TypeError | ValueError:
    """Returns the error for a value that no tensor holds: of TensorFlow's class, which is another one in graphs."""
    return ValueError(message) if context.executing_eagerly() else TypeError(message)


def _mixed_types(value: Any) -> TypeError | ValueError:
    """Returns TensorFlow's error for a sequence of elements of several kinds, which is another one in graphs."""
    if context.executing_eagerly():
        return ValueError("Can't convert Python sequence with mixed types to Tensor.")
    return TypeError(
        f"Failed to convert elements of {value} to Tensor. Consider casting elements to a supported type. See "
        "https://www.tensorflow.org/api_docs/python/tf/dtypes for supported TF dtypes."
    )


def string_array(value: Any) -> np.ndarray[Any, Any]:
    """Returns texts and bytes as the value of a string tensor: an object array of ``bytes``.

    Raises:
      TypeError, ValueError: an element is neither (the class is TensorFlow's, in graphs another one than eagerly).
    """
    array = np.array(value, dtype=object)
    flat = array.reshape(-1)
    for index, item in enumerate(flat):
        if item.__class__ is bytes:
            continue
        if isinstance(item, np.ndarray) and item.ndim == 0:
            item = item[()]
        if isinstance(item, str):
            flat[index] = item.encode()
        elif isinstance(item, bytes):
            flat[index] = bytes(item)
        else:
            raise _unsupported(f"Cannot convert {item!r} to a string tensor's element: it is a {type(item).__name__}.")
    return flat.reshape(array.shape)


def _array_as(value: Any, dtype: DType | None) -> np.ndarray[Any, Any] | np.generic:
    """Returns an array or scalar of NumPy; it becomes any other dtype of numbers, whatever is lost, as in TensorFlow.

    Raises:
      TypeError: there is no such tensor, or text would become numbers or the reverse.
    """
    kind = value.dtype
    if kind.kind in "USO":
        if dtype is not None and dtype is not dtypes.string:
            if kind.kind == "O" and value.size and not isinstance(value.reshape(-1)[0], str | bytes):
                return _objects_as(value, dtype)
            raise _cannot_convert(value, dtype)
        if (
            kind.kind == "O"
            and value.size
            and isinstance(value.reshape(-1)[0], bool | int | float | complex | np.generic | Dimension)
        ):
            return _sequence_as(value.tolist(), dtype)
        if kind.kind == "S":
            value = value.astype(object)
        try:
            return string_array(value)
        except (TypeError, ValueError):
            raise _unsupported(
                f"Failed to convert a NumPy array to a Tensor (Unsupported object type {_leaf_type(value)})."
            ) from None
    if dtype is None:
        if kind not in dtypes.of_numpy:
            raise TypeError(f"A tensor cannot hold NumPy's dtype {kind}.")
        if not kind.isnative:
            value = value.astype(kind.newbyteorder("="))
        return value.copy()  # type: ignore[no-any-return]
    wanted = np.dtype(dtype.as_numpy_dtype)
    if kind == wanted:
        return value.copy()  # type: ignore[no-any-return]
    if dtype is dtypes.string or dtype.name in ("resource", "variant"):
        raise _cannot_convert(value, dtype)
    if kind.kind == "c" and not dtype.is_complex:
        value = value.real  # as TensorFlow casts it; NumPy would warn
    token = float_errors.enter(float_errors.QUIET)
    try:
        return value.astype(wanted)  # type: ignore[no-any-return]
    finally:
        float_errors.leave(token)


def _objects_as(value: np.ndarray[Any, Any], dtype: DType) -> np.ndarray[Any, Any] | np.generic:
    """Returns an array of Python objects as numbers: by NumPy's rules, in which None among floats is NaN."""
    natural = np.array(_with_sizes(value.tolist()))
    if natural.dtype != _OBJECT:
        return _array_as(natural, dtype)
    with float_errors.quiet():
        return value.astype(dtype.as_numpy_dtype)


def _leaf_type(value: Any) -> str:
    flat = np.asarray(value, dtype=object).reshape(-1)
    if not flat.size:
        return "object"
    return type(next((leaf for leaf in flat if not isinstance(leaf, str | bytes)), flat[0])).__name__


def _sequence_as(value: Any, dtype: DType | None) -> np.ndarray[Any, Any]:
    if dtype is None and isinstance(value, TensorShape) and not len(value):
        dtype = dtypes.int32  # an empty list would be float32
    leaf = _first_leaf(value)
    if isinstance(leaf, str | bytes) or (isinstance(leaf, np.ndarray) and leaf.dtype.kind in "SU"):
        if dtype is not None and dtype is not dtypes.string:
            raise _cannot_convert(value, dtype)
        _check_rectangular(value)
        try:
            return string_array(value)
        except (TypeError, ValueError):
            if dtype is not None:
                raise
            raise _mixed_types(value) from None
    try:
        array = np.array(value)
    except ValueError as error:
        if "inhomogeneous" in str(error):
            raise ValueError("Can't convert non-rectangular Python sequence to Tensor.") from None
        raise
    except OverflowError:
        raise
    if array.dtype == _OBJECT:
        if any(isinstance(item, Dimension) for item in array.reshape(-1)):
            return _sequence_as(_with_sizes(array.tolist()), dtype)
        if _contains_none(value):
            raise _unsupported(
                "Attempt to convert a value (None) with an unsupported type (<class 'NoneType'>) to a Tensor."
            )
        if dtype is not None and array.size and isinstance(array.reshape(-1)[0], int):
            if dtype.is_floating:
                return array.astype(dtype.as_numpy_dtype)
            if context.executing_eagerly():
                raise ValueError(f"Can't convert Python sequence with out-of-range integer to Tensor: {_shown(value)}")
            raise _cannot_convert(value, dtype)
        raise _unsupported(
            f"Failed to convert a NumPy array to a Tensor (Unsupported object type {_leaf_type(array)})."
        )
    if array.dtype.kind in "US":
        raise _mixed_types(value)
    if dtype is dtypes.uint64 and array.dtype == np.uint64:
        return array
    natural = _natural_dtype(array, leaf, value)
    if dtype is None:
        if natural is _FLOAT32 and array.dtype.kind == "f" and array.size:
            beyond = np.abs(array) > LARGEST_FLOAT32
            if beyond.any() and np.isfinite(array[beyond]).any():
                _refuse_beyond_float32(value)
                with float_errors.quiet():
                    return array.astype(natural)
        return array.astype(natural, copy=False)
    wanted = np.dtype(dtype.as_numpy_dtype)
    if array.size:
        if dtype is dtypes.string or (array.dtype.kind == "b") != (dtype is dtypes.bool):
            if array.dtype.kind != "b" or dtype not in _NUMBERS_OF_BOOLS or not context.executing_eagerly():
                raise _cannot_convert(value, dtype)
        if array.dtype.kind == "f" and not (dtype.is_floating or dtype.is_complex):
            raise _cannot_convert(value, dtype)
        if array.dtype.kind == "c" and not dtype.is_complex:
            raise _cannot_convert(value, dtype)
        if array.dtype.kind in "iu" and dtype.is_integer and array.dtype != wanted:
            if int(array.min()) < dtype.min or int(array.max()) > dtype.max:
                _check_wrapped(value, int(array.min()), int(array.max()), dtype)
    token = float_errors.enter(float_errors.QUIET)
    try:
        return array.astype(wanted, copy=False)
    finally:
        float_errors.leave(token)


def _with_sizes(value: Any) -> Any:
    """Returns a nested sequence with the sizes of its dimensions in their place."""
    if isinstance(value, list | tuple):
        return [_with_sizes(item) for item in value]
    return _size(value) if isinstance(value, Dimension) else value


def _size(dimension: Dimension) -> int:
    if dimension.value is None:
        raise TypeError(
            "Cannot convert an unknown Dimension to a Tensor: take the size when the graph runs, tf.shape(x)[i]."
        )
    return dimension.value


def _natural_dtype(array: np.ndarray[Any, Any], leaf: Any, value: Any) -> np.dtype[Any]:
    """The dtype of a sequence: what NumPy finds, but with TensorFlow's defaults for Python numbers.

    Eagerly, the first number of a sequence gives its kind, and integers of NumPy are no different from Python's.
    """
    kind: np.dtype[Any] = array.dtype
    of_numpy = isinstance(leaf, np.ndarray | np.generic)
    if context.current_graph() is None:
        first = leaf.dtype.kind if of_numpy else np.result_type(type(leaf)).kind if array.size else kind.kind
        if (first == "b") != (kind.kind == "b") or (kind.kind == "c" and first != "c"):
            raise _mixed_types(value)
        if kind.kind == "f" and of_numpy:
            return leaf.dtype if first == "f" else _FLOAT32
    elif of_numpy:
        return kind
    if kind.kind == "f":
        return _FLOAT32
    if kind.kind in "iu" and array.size:
        low, high = int(array.min()), int(array.max())
        if low >= -(2**31) and high < 2**31:
            return _INT32
        if high >= 2**63 and context.current_graph() is None:
            raise ValueError(f"Can't convert Python sequence with out-of-range integer to Tensor: {_shown(value)}")
        return kind if high >= 2**63 else _INT64
    return kind if array.size or of_numpy else _FLOAT32


def _first_leaf(value: Any) -> Any:
    while isinstance(value, list | tuple):
        if not value:
            return None
        value = value[0]
    return value


def _contains_none(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_contains_none(item) for item in value)
    return value is None


def _check_rectangular(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list | tuple):
        return ()
    shapes = {_check_rectangular(item) for item in value}
    if len(shapes) > 1:
        raise ValueError(f"Can't convert non-rectangular Python sequence to Tensor.\nLengths differ in {value!r}.")
    return (len(value), *(shapes.pop() if shapes else ()))


def contains_tensor(value: Any) -> bool:
    """Tells whether a sequence holds a tensor (or a variable) at any depth."""
    for item in value:
        if isinstance(item, Tensor) or hasattr(item, "__tf_tensor__") or hasattr(item, "_dense_var_to_tensor"):
            return True
        if isinstance(item, list | tuple) and contains_tensor(item):
            return True
    return False


def _pack(value: Sequence[Any], dtype: DType | None, name: str | None, strict: bool = False) -> Tensor:
    """Stacks a sequence of tensors and Python values; in a graph, constants are named by their position.

    Tensors inside are cast to a dtype that is asked for; where none is, or with ``strict``, all must have that of the
    first.
    """
    if dtype is None:
        dtype, strict = _tensor_dtype(value), True
    if not strict and dtype is not None:
        value = _cast_inside(value, dtype)

    def converted(item: Any, name: str | None = None) -> Tensor:
        if strict and isinstance(item, list | tuple) and contains_tensor(item):
            return _pack(item, dtype, name, strict)
        return convert_to_tensor(item, dtype, name=name)

    pack: Callable[..., Tensor] = OpDef.registry["Pack"]  # type: ignore[assignment]
    graph = context.current_graph()
    if graph is None:
        return pack([converted(item) for item in value], axis=0)
    with graph.name_scope(name or "packed") as scope:
        items = [converted(item, str(index)) for index, item in enumerate(value)]
        return pack(items, axis=0, name=scope)


def _cast_inside(value: Sequence[Any], dtype: DType) -> list[Any]:
    """Returns a sequence with the tensors in it, at any depth, cast to a dtype."""
    cast: Callable[..., Tensor] = OpDef.registry["Cast"]  # type: ignore[assignment]
    result = []
    for item in value:
        if isinstance(item, list | tuple):
            item = _cast_inside(item, dtype)
        elif isinstance(item, Tensor) or hasattr(item, "_dense_var_to_tensor") or hasattr(item, "__tf_tensor__"):
            item = convert_to_tensor(item)
            if item.dtype.base_dtype is not dtype.base_dtype:
                item = cast(item, DstT=dtype)
        result.append(item)
    return result


def _tensor_dtype(value: Sequence[Any]) -> DType | None:
    for item in value:
        if isinstance(item, list | tuple):
            found = _tensor_dtype(item)
            if found is not None:
                return found
        elif isinstance(item, Tensor) or hasattr(item, "_dense_var_to_tensor"):
            return item.dtype.base_dtype  # type: ignore[no-any-return]
        elif hasattr(item, "__tf_tensor__") and getattr(item, "dtype", None) is not None:
            return dtypes.as_dtype(item.dtype).base_dtype
    return None


def convert_to_tensor(
    value: Any,
    dtype: Any = None,
    dtype_hint: Any = None,
    name: str | None = None,
    *,
    as_ref: bool = False,
) -> Tensor:
    """Returns ``value`` as a tensor: unchanged if it is one, else converted with TensorFlow's rules.

    Args:
      value: a tensor, variable, array, Python number or string, nested sequence, or an object with a registered
        conversion.
      dtype: the dtype that the tensor must have; by default it follows from the value.
      dtype_hint: a dtype to use where the value allows it.
      name: the name of the node, if one is made in a graph.
      as_ref: whether a reference variable may come back as a reference.

    Raises:
      TypeError: the value does not convert to ``dtype``.
      ValueError: the value is a tensor of another dtype, or of a kind that no tensor can be.
    """
    if dtype is not None and dtype.__class__ is not DType:
        dtype = dtypes.as_dtype(dtype)
    if isinstance(value, Tensor):
        return _checked_tensor(value, dtype, as_ref)
    if dtype_hint is not None and dtype is None:
        try:
            converted = convert_to_tensor(value, dtype_hint, name=name, as_ref=as_ref)
        except (TypeError, ValueError, OverflowError):
            pass
        else:
            return converted
    kind = type(value)
    if kind not in (int, float, bool, list, np.ndarray):
        registered = _by_registration(value, kind, dtype, name, as_ref)
        if registered is not None:
            return registered
    if (kind is list or kind is tuple or isinstance(value, list | tuple)) and contains_tensor(value):
        return _pack(value, dtype, name)
    return constant(to_numpy(value, dtype), name)


def _checked_tensor(value: Tensor, dtype: DType | None, as_ref: bool) -> Tensor:
    if value.__class__ is SymbolicTensor:
        graph = context.current_graph()
        if graph is not None and value._op.graph is not graph:
            value = graph.capture(value)
        if value._dtype._is_ref_dtype and not as_ref:
            pass  # an operation that takes a value reads the reference when it runs
    if dtype is not None:
        have = value.dtype.base_dtype
        if have is not dtype.base_dtype:
            raise ValueError(
                f"Tensor conversion requested dtype {dtype.name} for Tensor with dtype {have.name}: {value!r}"
            )
    return value


def _by_registration(value: Any, kind: type, dtype: DType | None, name: str | None, as_ref: bool) -> Tensor | None:
    convert = getattr(value, "__tf_tensor__", None)
    if convert is not None:
        return convert(dtype, name)  # type: ignore[no-any-return]
    convert = getattr(value, "_dense_var_to_tensor", None)
    if convert is not None:
        result = convert(dtype=dtype, name=name, as_ref=as_ref)
        if result is not NotImplemented:
            return _checked_tensor(result, dtype, as_ref)
    for function in _registered_conversions(kind):
        result = function(value, dtype=dtype, name=name, as_ref=as_ref)
        if result is NotImplemented:
            continue
        if not isinstance(result, Tensor):
            raise RuntimeError(f"Conversion function {function!r} returned a {type(result).__name__}, not a Tensor.")
        return _checked_tensor(result, dtype, as_ref)
    return None


def constant(value: Any, name: str | None = None) -> Tensor:
    """Returns an array that nobody else will change as a tensor: eager, or a ``Const`` node of the current graph."""
    graph = context.current_graph()
    if graph is None:
        return wrap(value)
    return constant_node(graph, np.asarray(value), name or "Const")


def constant_node(
    graph: Any, value: np.ndarray[Any, Any], name: str, *, unique: bool = False, dtype: DType | None = None
) -> SymbolicTensor:
    """Adds a ``Const`` node to ``graph``."""
    dtype = dtype or dtypes.of_numpy[value.dtype]
    value.flags.writeable = False
    op = graph.add_operation(
        OpDef.registry["Const"],
        (),
        {"value": value, "dtype": dtype},
        name,
        unique=unique,
        output_types=(dtype,),
        output_shapes=(value.shape,),
    )
    return op.outputs[0]  # type: ignore[no-any-return]


type_spec.value_to_tensor = convert_to_tensor
