"""Events with one value as bytes, without protobuf: what a program writes in every step must cost it little.

The fields of ``Event``: 1 is the time, 2 the step, 5 the ``Summary``, whose field 1 is a value; of that, 1 is the tag,
8 the tensor and 9 what it means (TensorFlow, ``core/util/event.proto`` and ``core/framework/summary.proto``).
"""

from __future__ import annotations

import functools
import math
import struct
import time

from tideflow._src.core.varints import varint_bytes
from tideflow._src.graph import protos

_TIME = struct.Struct("<cd")
_SCALAR = struct.Struct("<f")
#: The start of a ``TensorProto`` of a float32 scalar: its dtype, its shape, and that four bytes follow.
_SCALAR_HEAD = b"\x08\x01\x12\x00\x22\x04"


def _field(number: int, content: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + varint_bytes(len(content)) + content


def _head(step: int) -> bytes:
    """Returns the time, which is now, and the step."""
    at = _TIME.pack(b"\x09", time.time())
    return at + b"\x10" + varint_bytes(step % (1 << 64)) if step else at


def tensor_event(step: int, tag: bytes, tensor: bytes, metadata: bytes | None) -> bytes:
    """Returns an ``Event`` with a tensor.

    Args:
      step: the step.
      tag: the tag, in UTF-8.
      tensor: a serialized ``TensorProto``.
      metadata: a serialized ``SummaryMetadata``, or None for none.
    """
    value = _field(1, tag) + _field(8, tensor) + (b"" if metadata is None else _field(9, metadata))
    return _head(step) + _field(5, _field(1, value))


def scalar_event(step: int, tag: str, value: float, metadata: bytes) -> bytes:
    """Returns an ``Event`` with a float32 scalar.

    Args:
      step: the step.
      tag: the tag.
      value: the scalar, which is rounded to float32.
      metadata: a serialized ``SummaryMetadata``.
    """
    before, after = _around_scalar(tag, metadata)
    try:
        content = _SCALAR.pack(value)
    except OverflowError:
        content = _SCALAR.pack(math.copysign(math.inf, value))
    return b"".join((_head(step), before, content, after))


@functools.lru_cache(maxsize=4096)
def _around_scalar(tag: str, metadata: bytes) -> tuple[bytes, bytes]:
    """Returns what stands before and behind the four bytes of a scalar."""
    tensor = _SCALAR_HEAD + b"\x00" * 4
    value = _field(1, tag.encode()) + _field(8, tensor) + _field(9, metadata)
    whole = _field(5, _field(1, value))
    behind = len(_field(9, metadata))
    return whole[: len(whole) - behind - 4], whole[len(whole) - behind :]


@functools.lru_cache(maxsize=256)
def checked_metadata(content: bytes) -> bytes:
    """Returns a serialized ``SummaryMetadata`` as protobuf writes it.

    Raises:
      ValueError: it is none.
    """
    try:
        return protos.get("SummaryMetadata").FromString(content).SerializeToString()  # type: ignore[no-any-return]
    except Exception:  # protobuf's own, which this floor does not import
        raise ValueError("Could not parse summary_metadata") from None
