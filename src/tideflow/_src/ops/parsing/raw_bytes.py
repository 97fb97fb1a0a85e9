"""``decode_raw``: the bytes of strings as numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError, ResourceExhaustedError
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.runtime.op import op

_REAL = ("float16", "float32", "float64", "int32", "uint16", "uint8", "int16", "int8", "int64", "bfloat16")
_ANY = (*_REAL, "complex64", "complex128", "bool")
_MOST_BYTES = 1 << 40


def _numbers(content: bytes, dtype: DType, little_endian: bool, shape: tuple[int, ...]) -> Any:
    """Returns bytes as numbers; the bytes of each, or of each part of a complex one, may be in reverse order."""
    numpy_dtype = np.dtype(dtype.as_numpy_dtype)
    part = numpy_dtype.itemsize // 2 if dtype.is_complex else numpy_dtype.itemsize
    raw = np.frombuffer(content, np.uint8)
    if not little_endian and part > 1:
        raw = raw.reshape(-1, part)[:, ::-1]
    if dtype.is_bool:
        return (raw != 0).reshape(shape)
    return raw.flatten().view(numpy_dtype).reshape(shape)


@op("DecodeRaw", "bytes: string -> output: out_type", tier="host", differentiable=False, out_type=_ANY)
def decode_raw_op(bytes, *, out_type: DType, little_endian: bool = True):
    """Turns the bytes of strings of one length into numbers."""
    items = np.asarray(bytes, object).ravel().tolist()
    shape = np.shape(bytes)
    length = len(items[0]) if items else 0
    if items and set(map(len, items)) != {length}:
        number, size = next((number, len(item)) for number, item in enumerate(items) if len(item) != length)
        raise InvalidArgumentError(
            None,
            None,
            f"DecodeRaw requires input strings to all be the same size, but element {number} has size {size} "
            f"!= {length}",
        )
    size = np.dtype(out_type.as_numpy_dtype).itemsize
    if length % size:
        raise InvalidArgumentError(
            None,
            None,
            f"Input to DecodeRaw has length {length} that is not a multiple of {size}, the size of {out_type.name}",
        )
    content = items[0] if len(items) == 1 else b"".join(items)
    return _numbers(content, out_type, little_endian, (*shape, length // size))


@decode_raw_op.shape
def _decode_raw_shape(bytes):
    return None if bytes is None else (*bytes, None)


@op(
    "DecodePaddedRaw",
    "input_bytes: string, fixed_length: static int32 -> output: out_type",
    tier="host",
    differentiable=False,
    out_type=_REAL,
)
def decode_padded_raw_op(input_bytes, fixed_length, *, out_type: DType, little_endian: bool = True):
    """Turns the bytes of strings, cut or filled up with zeros to one length, into numbers."""
    if np.ndim(fixed_length):
        raise InvalidArgumentError(
            None, None, f"fixed_length must be scalar, got shape {shape_text(np.shape(fixed_length))}"
        )
    length = int(fixed_length)
    size = np.dtype(out_type.as_numpy_dtype).itemsize
    _check_length(length, size)
    items = np.asarray(input_bytes, object).ravel().tolist()
    shape = (*np.shape(input_bytes), length // size)
    if math.prod(shape) * size > _MOST_BYTES:
        raise ResourceExhaustedError(None, None, f"OOM: a tensor of shape {shape_text(shape)} does not fit in memory")
    content = b"".join([item[:length].ljust(length, b"\0") for item in items])
    return _numbers(content, out_type, little_endian, shape)


def _check_length(length: int, size: int) -> None:
    if length <= 0:
        raise InvalidArgumentError(None, None, f"fixed_length ({length}) must be greater than zero.")
    if length % size:
        raise InvalidArgumentError(
            None, None, f"fixed_length ({length}) must be a multiple of the size of out_type ({size})"
        )


@decode_padded_raw_op.shape
def _decode_padded_raw_shape(input_bytes, fixed_length, *, out_type):
    if fixed_length.shape is not None and len(fixed_length.shape):
        raise ValueError(f"Shape must be rank 0 but is rank {len(fixed_length.shape)}")
    width = None
    if fixed_length.value is not None:
        length, size = int(fixed_length.value), np.dtype(out_type.as_numpy_dtype).itemsize
        if length < 0:
            raise ValueError(f"Dimension size, given by scalar input 1, must be non-negative but is {length}")
        if length % size:
            raise ValueError(f"Dimension size must be evenly divisible by {size} but is {length}")
        width = length // size
    if input_bytes is None:
        return None
    return (*input_bytes, width)


@decode_raw_op.samples
def _decode_raw_samples(s):
    text = np.array([bytes(range(32)), bytes(range(3, 35))], object)
    for dtype in s.dtypes("out_type"):
        yield s(text, out_type=dtype)
        if dtype.name != "bool":
            yield s(text, out_type=dtype, little_endian=False)
    yield s(np.array([[b"ab"], [b"cd"]], object), out_type="uint8")
    yield s(np.array([b"", b""], object), out_type="int16")
    yield s(np.empty((0, 2), object), out_type="int16")
    yield s(b"abc", out_type="int16", error="InvalidArgumentError")
    yield s(np.array([b"ab", b"abcd"], object), out_type="int16", error="InvalidArgumentError")


@decode_padded_raw_op.samples
def _decode_padded_raw_samples(s):
    text = np.array([b"\x01\x02", b"", b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11"], object)
    for dtype in s.dtypes("out_type"):
        yield s(text, 16, out_type=dtype)
    yield s(text, 4, out_type="int16", little_endian=False)
    yield s(np.empty((0,), object), 4, out_type="int16")
    yield s(text, 3, out_type="int16", error="InvalidArgumentError")
    yield s(text, 0, out_type="int16", error="InvalidArgumentError")
    yield s(text, -2, out_type="int16", error="InvalidArgumentError")


def decode_raw(
    input_bytes: Any, out_type: Any, little_endian: bool = True, fixed_length: Any = None, name: str | None = None
) -> Any:
    """Turns the bytes of strings into numbers.

    Args:
      input_bytes: the strings, of any shape.
      out_type: the type of the numbers.
      little_endian: whether the lowest byte of a number comes first.
      fixed_length: how many bytes of each string to take: what is shorter is filled up with zeros. If None, all
        strings must have the same length.
      name: the name of the operation.

    Returns:
      A tensor with one more dimension than ``input_bytes``.

    Raises:
      InvalidArgumentError: the lengths differ, or are no multiple of the size of a number.
    """
    if fixed_length is not None:
        return decode_padded_raw_op(
            input_bytes, fixed_length, out_type=out_type, little_endian=little_endian, name=name
        )
    return decode_raw_op(input_bytes, out_type=out_type, little_endian=little_endian, name=name)


def decode_raw_v1(
    input_bytes: Any = None,
    out_type: Any = None,
    little_endian: bool = True,
    name: str | None = None,
    bytes: Any = None,
) -> Any:
    """Turns the bytes of strings into numbers; ``bytes`` is the older name of ``input_bytes``.

    Raises:
      ValueError: an argument is missing, or given under both names.
    """
    if bytes is not None:
        if input_bytes is not None:
            raise ValueError("Cannot specify both 'bytes' and 'input_bytes'.")
        input_bytes = bytes
    if out_type is None:
        raise ValueError("decode_raw_v1() missing 1 positional argument: 'out_type'")
    if input_bytes is None:
        raise ValueError("decode_raw_v1() missing 1 positional argument: 'input_bytes'")
    return decode_raw_op(input_bytes, out_type=out_type, little_endian=little_endian, name=name)
