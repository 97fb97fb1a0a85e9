"""The message in which options of a pipeline travel: TensorFlow's ``data.Options``, written and read without protobuf.

A message is taken apart into its fields. A field is a number and a value: an integer, bytes, or for a message inside of
it a dictionary of the same kind.
"""

from __future__ import annotations

import functools
from typing import Any

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.varints import varint_bytes
from tideflow._src.ops.data.pipeline_options import PipelineOptions

DETERMINISTIC, DISTRIBUTE, OPTIMIZATION, SLACK, THREADING, EXTERNAL_STATE, AUTOTUNE, SYMBOLIC_CHECKPOINT = range(1, 9)
WARM_START, NAME, FRAMEWORKS, SERVICE = range(9, 13)
_MESSAGES = frozenset((DISTRIBUTE, OPTIMIZATION, THREADING, AUTOTUNE, SERVICE))
_INTRA_OP, _PRIVATE_THREADS = 1, 2

Fields = dict[int, Any]


def read(message: bytes, is_outer: bool = True) -> Fields:
    """Returns the fields of a message.

    Raises:
      InvalidArgumentError: it is none.
    """
    found: Fields = {}
    position = 0
    while position < len(message):
        tag, position = _number(message, position)
        field, kind = tag >> 3, tag & 7
        if kind == 0:
            found[field], position = _number(message, position)
        elif kind == 2:
            size, position = _number(message, position)
            part = message[position : position + size]
            if len(part) < size:
                raise _not_options()
            position += size
            if field == FRAMEWORKS and is_outer:
                found.setdefault(field, []).append(part)
            else:
                found[field] = read(part, False) if is_outer and field in _MESSAGES else part
        else:
            raise _not_options()
    return found


def write(fields: Fields) -> bytes:
    """Returns the message of some fields, in the order of their numbers."""
    parts = []
    for field in sorted(fields):
        value = fields[field]
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, int):
                parts.append(varint_bytes(field << 3) + varint_bytes(item & (1 << 64) - 1))
            else:
                body = write(item) if isinstance(item, dict) else item
                parts.append(varint_bytes(field << 3 | 2) + varint_bytes(len(body)) + body)
    return b"".join(parts)


@functools.lru_cache(maxsize=64)
def merged_message(first: bytes, second: bytes) -> bytes:
    """Returns the message of two sets of options, of which the second goes before."""
    if not first:
        return second
    fields = read(first)
    for field, value in read(second).items():
        if isinstance(value, dict) and isinstance(fields.get(field), dict):
            fields[field] = {**fields[field], **value}
        elif isinstance(value, list):
            fields[field] = [*fields.get(field, ()), *value]
        else:
            fields[field] = value
    return write(fields)


@functools.lru_cache(maxsize=64)
def pipeline_options(message: bytes) -> PipelineOptions:
    """Returns what stages have to know of the options in a message."""
    fields = read(message)
    deterministic = fields.get(DETERMINISTIC)
    threads = fields.get(THREADING, {}).get(_PRIVATE_THREADS)
    return PipelineOptions(
        deterministic=None if deterministic is None else bool(deterministic), private_threads=threads or None
    )


def _number(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(message) or shift > 63:
            raise _not_options()
        byte = message[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7


def _not_options() -> InvalidArgumentError:
    return InvalidArgumentError(None, None, "Could not parse serialized options: they are no Options message.")
