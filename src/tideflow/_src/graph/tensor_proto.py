"""Converts between NumPy arrays and TensorFlow's ``TensorProto`` and ``TensorShapeProto`` messages.

A ``TensorProto`` keeps its elements in one of two ways: all of them as raw little-endian bytes
(``tensor_content``), or one by one in the repeated field of their type (``float_val``, ``int_val``, ...),
where fewer values than the shape asks for mean that the last one repeats. The choice made here between the
two is that of ``tf.make_tensor_proto``, so that the messages are equal byte for byte.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes, float_errors, tensor_shape
from tideflow._src.core.tensor import SymbolicTensor, Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.graph import protos

# Field of TensorProto by the DataType of the elements.
_FIELDS = {
    number: field
    for field, numbers_ in {
        "float_val": (1,),
        "double_val": (2,),
        "int_val": (3, 4, 5, 6, 11, 12, 13, 15, 16, 17, 29, 30, 31, 32),
        "string_val": (7,),
        "scomplex_val": (8,),
        "int64_val": (9,),
        "bool_val": (10,),
        "half_val": (14, 19),
        "dcomplex_val": (18,),
        "uint32_val": (22,),
        "uint64_val": (23,),
        "float8_val": (24, 25, 26, 27, 28, 33),
    }.items()
    for number in numbers_
}
_STRING = 7
_BOOL = 10
_QUANTIZED = {11, 12, 13, 15, 16}
# What TensorFlow writes as tensor_content. Reading accepts it for every type.
_WRITTEN_AS_CONTENT = {1, 2, 3, 4, 5, 6, 9, 11, 12, 13, 14, 15, 16, 19, 22, 23, 24, 25, 26, 27, 28, 33}
# What TensorFlow's shapes can have.
_HIGHEST_RANK = 254
# A protobuf message ends at 2 GiB.
_LARGEST_CONTENT = 2 << 30
# A few bytes of message may stand for a huge constant; this is the most that is believed.
_LARGEST_EXPANSION = 2**33


def make_tensor_proto(
    values: Any,
    dtype: Any = None,
    shape: Iterable[int] | None = None,
    verify_shape: bool = False,
    allow_broadcast: bool = False,
) -> Any:
    """Creates a ``TensorProto`` of an array, a scalar or a nested list.

    >>> make_tensor_proto([1, 2], shape=[3]).int_val
    [1, 2]

    Args:
      values: an array, a scalar, a nested list or tuple of numbers or strings, or an eager tensor. A
        ``TensorProto`` is returned as it is.
      dtype: the element type. By default that of an array; for Python values float32, int32 (int64 or uint64
        where the numbers need it), complex128, bool or string.
      shape: the shape of the tensor, by default that of `values`. Where it has more elements than `values`,
        the last value stands for the missing ones.
      verify_shape: whether `values` must have exactly the given shape.
      allow_broadcast: whether only a single value may be repeated to fill the shape.

    Returns:
      The message, with the fields that TensorFlow would use.

    Raises:
      TypeError: the values do not fit the dtype or, with `verify_shape` or `allow_broadcast`, the shape.
      ValueError: the values are None, ragged, too many for the shape or too large for a message.
    """
    if isinstance(values, protos.get("TensorProto")):
        return values
    if allow_broadcast and verify_shape:
        raise ValueError("allow_broadcast and verify_shape exclude each other; at most one may be True.")
    wanted = None if dtype is None else dtypes.as_dtype(dtype).base_dtype
    sizes = None if shape is None else _shape_argument(shape)
    array = _to_array(values, wanted, sizes)

    found = wanted if wanted is not None and _is_stored_as(wanted, array) else _dtype_of(array, values)
    if wanted is not None and found != wanted:
        raise TypeError(f"`dtype` {wanted} is not compatible with {values!r} of dtype {array.dtype}.")
    number = int(found.as_datatype_enum)
    if number not in _FIELDS:
        raise TypeError(f"Element type not supported in TensorProto: {found.name}.")
    if sizes is None:
        sizes = array.shape
    else:
        _check_shape(array, sizes, verify_shape, allow_broadcast)

    proto = protos.get("TensorProto")(dtype=number, tensor_shape=_sizes_to_proto(sizes))
    size = math.prod(sizes)
    if number == _STRING:
        proto.string_val.extend(_to_bytes(element, values) for element in array.ravel())
    elif number in _WRITTEN_AS_CONTENT and size > 1 and array.size == size:
        if array.nbytes >= _LARGEST_CONTENT:
            raise ValueError(
                f"Cannot create a tensor proto whose content is larger than 2GB: {array.nbytes} bytes for "
                f"shape {list(sizes)} of {found.name}."
            )
        proto.tensor_content = _little_endian(array).tobytes()
    elif array.size:
        _WRITERS[_FIELDS[number]](proto, array.ravel())
    return proto


def make_ndarray(tensor: Any) -> np.ndarray[Any, Any]:
    """Creates the NumPy array that a ``TensorProto`` describes.

    >>> make_ndarray(make_tensor_proto(7, shape=[2, 2])).tolist()
    [[7, 7], [7, 7]]

    Args:
      tensor: the message. It may come from an untrusted file.

    Returns:
      A writable array; strings are an object array of bytes.

    Raises:
      TypeError: the dtype has no value that a message can hold (resource, variant, references, unknown).
      ValueError: the values do not fit the dtype or the shape, the shape is not fully known, or a few values
        are repeated to more than 8 GiB.
    """
    number = int(tensor.dtype)
    if number not in _FIELDS:
        raise TypeError(
            f"Unsupported tensor type: {number} ({_data_type_name(number)}). A TensorProto holds numbers or strings."
        )
    shape = _static_shape(tensor.tensor_shape)
    size = math.prod(shape)
    dtype = np.dtype(dtypes.as_dtype(number).as_numpy_dtype)
    if tensor.tensor_content:
        flat = _read_content(tensor.tensor_content, number, dtype, size, shape)
    else:
        given = _READERS[_FIELDS[number]](tensor, dtype)
        flat = _repeat_last(given, size, shape, number)
    return _reshape(flat, shape)


def shape_to_proto(shape: Any) -> Any:
    """Creates the ``TensorShapeProto`` of a shape.

    Args:
      shape: a ``TensorShape`` or what one is made of; None is an unknown rank, a None in it an unknown
        dimension.

    Returns:
      The message; an unknown dimension has size -1.
    """
    shape = shape if isinstance(shape, TensorShape) else TensorShape(shape)
    if shape.rank is None:
        return protos.get("TensorShapeProto")(unknown_rank=True)
    return _sizes_to_proto([-1 if size is None else size for size in shape.as_list()])


# Python values to an array


def _to_array(values: Any, dtype: Any, sizes: tuple[int, ...] | None) -> np.ndarray[Any, Any]:
    if values is None:
        raise ValueError("None values not supported.")
    if isinstance(values, SymbolicTensor):
        raise TypeError("Expected any non-tensor type, but got a tensor instead.")
    if isinstance(values, (np.ndarray, np.generic, Tensor)) or _has_array_method(values):
        array = np.asarray(values)
        return array if dtype is None else _cast(array, dtype)
    if sizes is not None and 0 in sizes:
        return np.empty(sizes, np.float32 if dtype is None else _storage(dtype))
    _check_elements(values, dtype)
    array = _convert(values, dtype)
    expected = _nested_shape(values, dtype)
    if array.shape != expected:
        raise ValueError(
            f"Expected values {values!r} to be a dense tensor with shape {list(expected)}, "
            f"but got shape {list(array.shape)}."
        )
    return array


def _convert(values: Any, dtype: Any) -> np.ndarray[Any, Any]:
    if dtype is not None and int(dtype.as_datatype_enum) in _FIELDS:
        number = int(dtype.as_datatype_enum)
        if number in _QUANTIZED:
            return np.asarray(np.array(values, [("value", _storage(dtype))])["value"])
        if number == _STRING:
            return np.array(values, object)
        with float_errors.quiet():
            try:
                return np.array(values, _storage(dtype))
            except OverflowError:  # Integers wrap around, as they do in TensorFlow.
                return _cast(_as_integers(values), dtype)
    try:
        array = np.array(values)
    except UnicodeDecodeError:  # str beside bytes that are not ASCII.
        return np.array(values, object)
    if array.dtype.kind in "USO":  # NumPy would have made strings of numbers, and dropped final NULs.
        return np.array(values, object)
    if array.dtype == np.float64:
        with float_errors.quiet():
            return array.astype(np.float32)
    if array.dtype == np.int64 and array.size and np.array_equal(array.astype(np.int32), array):
        return array.astype(np.int32)
    return array


def _as_integers(values: Any) -> np.ndarray[Any, Any]:
    array = np.array(values)
    if array.dtype.kind not in "iuf":
        raise _not_convertible(values)
    return array


def _cast(array: np.ndarray[Any, Any], dtype: Any) -> np.ndarray[Any, Any]:
    number = int(dtype.as_datatype_enum)
    if number not in _FIELDS or number == _STRING:
        return array if array.dtype.kind in "US" else array.astype(object)
    if array.dtype.fields:
        array = _plain(array)
    if array.dtype.kind == "c" and np.dtype(_storage(dtype)).kind != "c":
        array = array.real  # astype would do the same, with a warning.
    with float_errors.quiet():
        return array.astype(_storage(dtype))


def _check_elements(values: Any, dtype: Any) -> None:
    number = None if dtype is None else int(dtype.as_datatype_enum)
    accepts = _accepts(number)
    pending = [(values, 0)]
    while pending:
        value, depth = pending.pop()
        if isinstance(value, Tensor):
            raise TypeError("Expected any non-tensor type, but got a tensor instead.")
        if number in _QUANTIZED and isinstance(value, tuple):
            continue
        if isinstance(value, (list, tuple)):
            if depth == _HIGHEST_RANK:
                raise ValueError(f"A list is nested more than {_HIGHEST_RANK} deep, or holds itself.")
            pending.extend((item, depth + 1) for item in reversed(value))
        elif accepts is not None and not accepts(value):
            raise TypeError(f"Expected {dtype.name}, but got {value} of type '{type(value).__name__}'.")


def _accepts(number: int | None) -> Callable[[Any], bool] | None:
    """Returns what the elements of a list must be, for one DataType; None if anything goes."""
    field = None if number is None else _FIELDS.get(number)
    if field is None:
        return None
    if number in _QUANTIZED:
        return lambda value: False
    accepted = {
        "int_val": (numbers.Integral,),
        "int64_val": (numbers.Integral,),
        "uint32_val": (numbers.Integral,),
        "uint64_val": (numbers.Integral,),
        "float_val": (numbers.Real,),
        "double_val": (numbers.Real,),
        "half_val": (numbers.Real,),
        "float8_val": (numbers.Real,),
        "scomplex_val": (numbers.Complex,),
        "dcomplex_val": (numbers.Complex,),
        "string_val": (str, bytes),
        "bool_val": (bool, np.bool_),
    }[field]
    if number in (_STRING, _BOOL):
        return lambda value: isinstance(value, (*accepted, np.ndarray))
    kinds = "iuV" if accepted == (numbers.Integral,) else "iufV" if accepted == (numbers.Real,) else "iufcV"

    def accepts(value: Any) -> bool:
        if isinstance(value, (np.ndarray, np.generic)):
            return value.dtype.kind in kinds  # V: the narrow types of ml_dtypes.
        return isinstance(value, (*accepted, bytearray, memoryview)) or _is_dimension(value)

    return accepts


def _is_dimension(value: Any) -> bool:
    # A tf.compat.v1.Dimension counts as an int without being a number.
    return type(value).__name__ == "Dimension" and hasattr(value, "__index__")


def _nested_shape(values: Any, dtype: Any) -> tuple[int, ...]:
    quantized = dtype is not None and int(dtype.as_datatype_enum) in _QUANTIZED
    sizes: list[int] = []
    while isinstance(values, list if quantized else (list, tuple)):
        sizes.append(len(values))
        if not values:
            break
        values = values[0]
    if isinstance(values, bytearray | memoryview) and not sizes:
        return np.shape(np.asarray(values))
    return tuple(sizes)


def _has_array_method(values: Any) -> bool:
    if isinstance(values, type):
        return False
    return callable(getattr(values, "__array__", None)) or hasattr(values, "__array_interface__")


def _dtype_of(array: np.ndarray[Any, Any], values: Any) -> Any:
    if array.dtype.kind in "USO":
        if array.dtype.kind == "O" and not all(isinstance(element, (str, bytes)) for element in array.ravel()):
            raise _not_convertible(values)
        return dtypes.as_dtype(_STRING)
    return dtypes.as_dtype(array.dtype)


def _is_stored_as(dtype: Any, array: np.ndarray[Any, Any]) -> bool:
    number = int(dtype.as_datatype_enum)
    if number == _STRING:
        return array.dtype.kind in "USO"
    return number in _FIELDS and array.dtype == np.dtype(_storage(dtype))


def _storage(dtype: Any) -> Any:
    """Returns the NumPy dtype of single elements: int8 for qint8, whose own is a record."""
    numpy_dtype = np.dtype(dtype.as_numpy_dtype)
    return numpy_dtype[0] if numpy_dtype.fields else numpy_dtype


def _plain(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(array[array.dtype.names[0]]) if array.dtype.names else array


def _not_convertible(values: Any) -> TypeError:
    return TypeError(
        f"Failed to convert elements of {values!r} to Tensor: expected numbers of one kind, booleans or "
        "strings. Convert the elements to a supported type first."
    )


def _to_bytes(element: Any, values: Any) -> bytes:
    if isinstance(element, str):
        return element.encode("utf-8")
    if isinstance(element, bytes):
        return bytes(element)
    if isinstance(values, np.ndarray):
        raise TypeError(f"Expected binary or unicode string, got {element!r}")
    raise _not_convertible(values)


# Shapes


def _shape_argument(shape: Iterable[int]) -> tuple[int, ...]:
    sizes = tuple(int(size) for size in shape)
    if any(size < 0 for size in sizes):
        raise ValueError(f"The shape of a tensor has no negative dimension, got {list(sizes)}.")
    return sizes


def _check_shape(
    array: np.ndarray[Any, Any], sizes: tuple[int, ...], verify_shape: bool, allow_broadcast: bool
) -> None:
    size = math.prod(sizes)
    if allow_broadcast:
        mismatch = array.shape not in ((), (1,)) and array.size != size
    else:
        mismatch = verify_shape and array.shape != sizes
    if mismatch:
        raise TypeError(f"Expected Tensor's shape: {sizes}, but got {array.shape}.")
    if array.size > size:
        raise ValueError(f"Too many elements provided. Takes at most {size}, but got {array.size}.")


def _sizes_to_proto(sizes: Sequence[int]) -> Any:
    proto = protos.get("TensorShapeProto")()
    for size in sizes:
        proto.dim.add(size=size)
    return proto


def _static_shape(proto: Any) -> tuple[int, ...]:
    shape = tuple(dimension.size for dimension in proto.dim)
    if any(size < 0 for size in shape):
        raise ValueError(f"The shape of a TensorProto has no unknown or negative dimension, got {list(shape)}.")
    return shape


def _reshape(flat: np.ndarray[Any, Any], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    try:
        return flat.reshape(shape)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"NumPy cannot hold the shape of this TensorProto, {list(shape)}: {error}.") from None


# Writing the repeated fields


def _little_endian(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def _write_numbers(field: str) -> Callable[[Any, np.ndarray[Any, Any]], None]:
    def write(proto: Any, flat: np.ndarray[Any, Any]) -> None:
        plain = _plain(flat)
        # Elements of the four-bit and two-bit types do not become Python integers by themselves.
        getattr(proto, field).extend((plain.astype(np.int8) if plain.dtype.kind == "V" else plain).tolist())

    return write


def _write_complex(field: str) -> Callable[[Any, np.ndarray[Any, Any]], None]:
    def write(proto: Any, flat: np.ndarray[Any, Any]) -> None:
        getattr(proto, field).extend(np.stack([flat.real, flat.imag], axis=-1).ravel().tolist())

    return write


def _write_half(proto: Any, flat: np.ndarray[Any, Any]) -> None:
    proto.half_val.extend(np.ascontiguousarray(flat).view(np.uint16).tolist())


def _write_float8(proto: Any, flat: np.ndarray[Any, Any]) -> None:
    proto.float8_val = flat.tobytes()


_WRITERS: dict[str, Callable[[Any, np.ndarray[Any, Any]], None]] = {
    **{
        field: _write_numbers(field)
        for field in (
            "float_val",
            "double_val",
            "int_val",
            "int64_val",
            "bool_val",
            "uint32_val",
            "uint64_val",
        )
    },
    "scomplex_val": _write_complex("scomplex_val"),
    "dcomplex_val": _write_complex("dcomplex_val"),
    "half_val": _write_half,
    "float8_val": _write_float8,
}


# Reading


def _read_content(
    content: bytes, number: int, dtype: np.dtype[Any], size: int, shape: tuple[int, ...]
) -> np.ndarray[Any, Any]:
    if number == _STRING:
        return _decode_strings(content, size)
    if len(content) != size * dtype.itemsize:
        raise ValueError(
            f"The tensor_content of this TensorProto has {len(content)} bytes, but shape {list(shape)} of "
            f"{_data_type_name(number)} takes {size * dtype.itemsize}."
        )
    if number == _BOOL:
        return np.frombuffer(content, np.uint8).astype(np.bool_)
    return np.frombuffer(content, dtype.newbyteorder("<")).astype(dtype)


def _decode_strings(content: bytes, size: int) -> np.ndarray[Any, Any]:
    """Decodes TensorFlow's string content: every length as a varint, then all bytes one after the other."""
    if size > len(content):  # Every string takes one byte at least: that of its length.
        raise ValueError(f"The tensor_content of this TensorProto, {len(content)} bytes, cannot hold {size} strings.")
    lengths: list[int] = []
    position = 0
    while len(lengths) < size:
        length = shift = 0
        while True:
            if position == len(content) or shift > 28:
                raise ValueError("The tensor_content of this TensorProto has a malformed string length.")
            byte = content[position]
            position += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        lengths.append(length)
    if position + sum(lengths) != len(content):
        raise ValueError(
            f"The strings in the tensor_content of this TensorProto take {sum(lengths)} bytes, "
            f"but {len(content) - position} are there."
        )
    strings = np.empty(size, object)
    for index, length in enumerate(lengths):
        strings[index] = content[position : position + length]
        position += length
    return strings


def _read_numbers(field: str) -> Callable[[Any, np.dtype[Any]], np.ndarray[Any, Any]]:
    def read(tensor: Any, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        values = getattr(tensor, field)
        return np.fromiter(values, dtype, count=len(values))

    return read


def _read_integers(tensor: Any, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    values = np.fromiter(tensor.int_val, np.int32, count=len(tensor.int_val))
    storage = dtype[0] if dtype.fields else dtype
    narrow = values.astype(storage)
    if not np.array_equal(narrow.astype(np.int32), values):
        raise ValueError(f"The int_val of this TensorProto holds numbers that do not fit {storage}.")
    return np.asarray(narrow.view(dtype))


def _read_half(tensor: Any, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    values = np.fromiter(tensor.half_val, np.int32, count=len(tensor.half_val))
    if np.any((values < 0) | (values > 0xFFFF)):
        raise ValueError("The half_val of this TensorProto holds numbers that are not 16 bits.")
    return values.astype(np.uint16).view(dtype)


def _read_float8(tensor: Any, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    return np.frombuffer(tensor.float8_val, np.uint8).copy().view(dtype)


def _read_complex(field: str) -> Callable[[Any, np.dtype[Any]], np.ndarray[Any, Any]]:
    def read(tensor: Any, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        parts = getattr(tensor, field)
        count = len(parts) // 2
        pairs = np.fromiter(parts, np.float64, count=2 * count).reshape(count, 2)
        result = np.empty(count, dtype)
        result.real, result.imag = pairs[:, 0], pairs[:, 1]
        return result

    return read


def _read_strings(tensor: Any, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    strings = np.empty(len(tensor.string_val), object)
    strings[:] = list(tensor.string_val)
    return strings


_READERS: dict[str, Callable[[Any, np.dtype[Any]], np.ndarray[Any, Any]]] = {
    **{
        field: _read_numbers(field)
        for field in ("float_val", "double_val", "int64_val", "bool_val", "uint32_val", "uint64_val")
    },
    "int_val": _read_integers,
    "half_val": _read_half,
    "float8_val": _read_float8,
    "scomplex_val": _read_complex("scomplex_val"),
    "dcomplex_val": _read_complex("dcomplex_val"),
    "string_val": _read_strings,
}


def _repeat_last(given: np.ndarray[Any, Any], size: int, shape: tuple[int, ...], number: int) -> np.ndarray[Any, Any]:
    """Fills the missing elements with the last given one, or with zeros if there is none."""
    if len(given) == size:
        return given
    if len(given) > size:
        raise ValueError(f"This TensorProto holds {len(given)} values, but its shape {list(shape)} takes {size}.")
    if size * given.itemsize > _LARGEST_EXPANSION:
        raise ValueError(
            f"This TensorProto holds {len(given)} values for shape {list(shape)} of "
            f"{_data_type_name(number)}: repeating the last would take {size * given.itemsize} bytes, "
            f"and at most {_LARGEST_EXPANSION} are allowed."
        )
    if len(given) == 0:
        return np.full(size, b"", object) if number == _STRING else np.zeros(size, given.dtype)
    flat = np.empty(size, given.dtype)
    flat[: len(given)] = given
    flat[len(given) :] = given[-1]
    return flat


def _data_type_name(number: int) -> str:
    data_type = protos.get("DataType")
    return data_type.Name(number) if number in data_type.values() else "unknown"


# TensorShape stands a floor below the messages; this is how it reaches them.
tensor_shape.to_proto = shape_to_proto
