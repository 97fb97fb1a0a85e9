"""The bytes of tensors of dtype ``variant`` as checkpoints hold them.

Each element is a `VariantTensorDataProto` with its length before and a checksum of all that came so far behind, in
which a length counts as eight bytes (TensorFlow, ``core/util/tensor_bundle``). The message names the kind of the
element; kinds are registered here.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core.errors import DataLossError, UnimplementedError
from tideflow._src.core.variant_array import Variant, items_of, variants
from tideflow._src.core.varints import varint, varint_bytes
from tideflow._src.graph import protos
from tideflow._src.graph.tensor_proto import make_ndarray, make_tensor_proto
from tideflow._src.ops.checkpoint.element_bytes import check
from tideflow._src.runtime.records import crc32c, masked

_MESSAGE = "VariantTensorDataProto"
_LENGTH = struct.Struct("<Q")
_CHECK = struct.Struct("<I")


class Kind(NamedTuple):
    """Is how elements of one kind are written and read."""

    name: str
    #: Returns the text and the arrays that an element is made of.
    encode: Callable[[Any], tuple[bytes, list[Any]]]
    #: Makes an element of these; raises a ValueError if it cannot.
    decode: Callable[[bytes, list[Any]], Variant]


_by_class: dict[type, Kind] = {}
_by_name: dict[str, Kind] = {}


def register(variant_class: type, kind: Kind) -> None:
    """Makes checkpoints hold the elements of a class."""
    _by_class[variant_class] = _by_name[kind.name] = kind


class UnknownVariant(Variant):
    """Is an element of a kind that nothing here can use, such as the position of an iterator of TensorFlow's.

    Args:
      type_name: TensorFlow's name of the kind.
    """

    def __init__(self, type_name: str) -> None:
        self.type_name = type_name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.type_name!r}>"


def encode(value: Any) -> tuple[bytes, int]:
    """Returns the bytes of a tensor, and their masked checksum.

    Raises:
      UnimplementedError: an element is of a kind that no checkpoint can hold.
    """
    parts: list[bytes] = []
    crc = 0
    for item in items_of(value):
        kind = _by_class.get(type(item))
        if kind is None:
            raise UnimplementedError(None, None, f"A checkpoint cannot hold the variant {item!r}.")
        metadata, arrays = kind.encode(item)
        message = protos.get(_MESSAGE)(type_name=kind.name, metadata=metadata)
        for array in arrays:
            message.tensors.add().CopyFrom(make_tensor_proto(array))
        content = message.SerializeToString()
        crc = crc32c(content, crc32c(_LENGTH.pack(len(content)), crc))
        stored = _CHECK.pack(masked(crc))
        crc = crc32c(stored, crc)
        parts += (varint_bytes(len(content)), content, stored)
    return b"".join(parts), masked(crc)


def decode(data: bytes, shape: tuple[int, ...], crc: int, described: str) -> Any:
    """Returns the tensor that bytes hold.

    Args:
      data: the bytes.
      shape: the shape of the tensor.
      crc: the masked checksum that they must have.
      described: which tensor of which file, for messages.

    Raises:
      DataLossError: a checksum or the number of bytes is wrong, or an element is damaged.
    """
    position = running = 0
    items: list[Variant] = []
    try:
        for _ in range(math.prod(shape)):
            length, begin = varint(data, position)
            end = begin + length
            if end + 4 > len(data):
                raise ValueError("it is cut off")
            running = crc32c(data[begin:end], crc32c(_LENGTH.pack(length), running))
            check(int.from_bytes(data[end : end + 4], "little"), masked(running), described)
            running = crc32c(data[end : end + 4], running)
            items.append(_item(data[begin:end]))
            position = end + 4
        check(crc, masked(running), described)
        if position != len(data):
            raise ValueError(f"it has {len(data)} bytes, and its elements take {position}")
    except (IndexError, TypeError, ValueError, struct.error) as error:
        raise DataLossError(None, None, f"{described}: an element is damaged: {error}") from None
    return variants(items, shape)


def _item(content: bytes) -> Variant:
    message = protos.get(_MESSAGE)()
    try:
        message.ParseFromString(content)
    except Exception as error:  # protobuf's own, which this floor does not import
        raise ValueError(str(error)) from None
    kind = _by_name.get(message.type_name)
    if kind is None:
        return UnknownVariant(message.type_name)
    return kind.decode(message.metadata, [np.asarray(make_ndarray(tensor)) for tensor in message.tensors])
