"""Slices of tensors, as checkpoints name the parts of a partitioned variable.

A specification such as ``4 3 0,2:-`` says: of a tensor of shape (4, 3), two rows from row 0 and all columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core.errors import DataLossError, InvalidArgumentError
from tideflow._src.graph import protos

#: What NumPy can hold; TensorFlow has 254.
_HIGHEST_RANK = 64
#: The length of an extent that is all of its dimension, whatever that is.
ALL = -1


class Slice(NamedTuple):
    """Is a part of a tensor: a start and a length (or ``ALL``) for each dimension."""

    extents: tuple[tuple[int, int], ...]

    def bounds(self, shape: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
        """Returns the begin and end in each dimension of a tensor of ``shape``."""
        pairs = zip(self.extents, shape, strict=True)
        return tuple((0, size) if length == ALL else (start, start + length) for (start, length), size in pairs)

    def shape_in(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Returns the shape of this part of a tensor of ``shape``."""
        return tuple(end - begin for begin, end in self.bounds(shape))

    def is_all_of(self, shape: tuple[int, ...]) -> bool:
        """Tells whether this part is all of a tensor of ``shape``."""
        return all((begin, end) == (0, size) for (begin, end), size in zip(self.bounds(shape), shape, strict=True))

    def check_within(self, shape: tuple[int, ...]) -> None:
        """Raises a ValueError unless this is a part of a tensor of ``shape``."""
        if len(self.extents) != len(shape):
            raise ValueError(f"a part {self} of a tensor of rank {len(shape)}")
        for (begin, end), size in zip(self.bounds(shape), shape, strict=True):
            if not 0 <= begin <= end <= size:
                raise ValueError(f"a part {self} of a tensor of shape {list(shape)}")

    def to_proto(self) -> Any:
        """Returns this as a ``TensorSliceProto``."""
        message = protos.get("TensorSliceProto")()
        for start, length in self.extents:
            extent = message.extent.add()
            if length != ALL:
                extent.start, extent.length = start, length
        return message

    def __str__(self) -> str:
        return ":".join("-" if length == ALL else f"{start},{length}" for start, length in self.extents)


def from_proto(message: Any) -> Slice:
    """Returns the slice that a ``TensorSliceProto`` describes."""
    return Slice(
        tuple(
            (extent.start, extent.length) if extent.WhichOneof("has_length_hack") else (0, ALL)
            for extent in message.extent
        )
    )


def check_shape(shape: tuple[int, ...], unknown_rank: bool = False) -> None:
    """Raises a ValueError unless a stored tensor can have ``shape``."""
    if unknown_rank or any(size < 0 for size in shape) or len(shape) > _HIGHEST_RANK:
        raise ValueError(f"its shape is {'unknown' if unknown_rank else list(shape)}")
    if math.prod(size for size in shape if size) >= 1 << 63:
        raise ValueError(f"no memory holds its shape {list(shape)}")


def whole(rank: int) -> Slice:
    """Returns the slice that is all of a tensor."""
    return Slice(((0, ALL),) * rank)


def parse(specification: str) -> tuple[tuple[int, ...], Slice]:
    """Reads a specification of a shape and a slice.

    Returns:
      The shape of the whole, and the slice.

    Raises:
      InvalidArgumentError: it is malformed, or the slice is not within the shape.
    """
    *sizes, slice_text = specification.split(" ")
    if not sizes:
        raise InvalidArgumentError(
            None, None, f"Need least two elements in shape_and_slice specification: {specification}"
        )
    try:
        shape = tuple(int(size) for size in sizes if size)
        if any(size < 0 for size in shape):
            raise ValueError
    except ValueError:
        raise InvalidArgumentError(None, None, f"Non numerical dimension in shape_and_slice: {specification}") from None
    extents = []
    for text in slice_text.split(":") if slice_text else []:
        if text == "-":
            extents.append((0, ALL))
            continue
        try:
            start, length = (int(number) for number in text.split(","))
        except ValueError:
            raise InvalidArgumentError(
                None, None, f"Expected a pair of numbers or '-' but got '{text}': string = {slice_text}"
            ) from None
        if start < 0 or length <= 0:
            raise InvalidArgumentError(
                None,
                None,
                f"Expected non-negative start and positive length but got start = {start}, "
                f"length = {length}: string = {slice_text}",
            )
        extents.append((start, length))
    if len(extents) != len(shape):
        text = ",".join(str(size) for size in shape)
        raise InvalidArgumentError(None, None, f"Mismatching ranks: shape = [{text}], slice = {slice_text}")
    found = Slice(tuple(extents))
    for axis, (begin, end) in enumerate(found.bounds(shape)):
        if end > shape[axis]:
            raise InvalidArgumentError(
                None,
                None,
                f"Extent in dimension {axis} out of bounds: it ends at {end} of {shape[axis]}, slice = {slice_text}",
            )
        del begin
    return shape, found


def assembled(
    wanted: Slice,
    shape: tuple[int, ...],
    dtype: Any,
    stored: Iterable[Slice],
    read: Callable[[Slice], np.ndarray[Any, Any]],
) -> np.ndarray[Any, Any] | None:
    """Puts a part of a tensor together from parts that are stored.

    Args:
      wanted: the part.
      shape: the shape of the whole.
      dtype: the NumPy dtype of the result.
      stored: the parts that there are.
      read: returns the values of a stored part.

    Returns:
      The values; None if the stored parts do not cover what is wanted.

    Raises:
      DataLossError: a stored part does not fit the shape.
    """
    bounds = wanted.bounds(shape)
    result = np.empty(wanted.shape_in(shape), dtype)
    covered = np.zeros(result.shape, np.bool_)
    for part in stored:
        if len(part.extents) != len(shape):
            raise DataLossError(None, None, f"a part {part} is stored of a tensor of rank {len(shape)}")
        limits = part.bounds(shape)
        common = [(max(a, c), min(b, d)) for (a, b), (c, d) in zip(bounds, limits, strict=True)]
        if result.size and any(begin >= end for begin, end in common):
            continue
        values = read(part)
        if values.shape != part.shape_in(shape):
            raise DataLossError(None, None, f"the part {part} of a tensor of shape {shape} has shape {values.shape}")
        target = tuple(slice(b - a, e - a) for (b, e), (a, _) in zip(common, bounds, strict=True))
        result[target] = values[tuple(slice(b - c, e - c) for (b, e), (c, _) in zip(common, limits, strict=True))]
        covered[target] = True
    return result if covered.all() else None


# Keys: names and slices so that their order as bytes is their order as values (Google's "ordered code").

_ESCAPES = {0x00: b"\x00\xff", 0xFF: b"\xff\x00"}
_HEADERS = (0, 0, 0xC0, 0xE0, 0xF0, 0xF8, 0xFC, 0xFE, 0xFF, 0xFF, 0xFF)


def _unsigned(value: int) -> bytes:
    size = (value.bit_length() + 7) // 8
    return bytes([size]) + value.to_bytes(size, "big")


def _signed(value: int) -> bytes:
    magnitude = value if value >= 0 else ~value
    if magnitude < 64:
        return bytes([value & 0xFF ^ 0x80])
    size = 2
    while magnitude >= 1 << (7 * size - 1):
        size += 1
    result = bytearray(value.to_bytes(size, "big", signed=True))
    result[0] ^= _HEADERS[size]
    if size > 8:
        result[1] ^= 0x80 if size == 9 else 0xC0
    return bytes(result)


def key_of(name: bytes, part: Slice) -> bytes:
    """Returns the key under which a part of the tensor ``name`` stands in a checkpoint."""
    escaped = b"".join(_ESCAPES.get(byte) or bytes([byte]) for byte in name)
    numbers = b"".join(_signed(start) + _signed(length) for start, length in part.extents)
    return b"\x00" + escaped + b"\x00\x01" + _unsigned(len(part.extents)) + numbers
