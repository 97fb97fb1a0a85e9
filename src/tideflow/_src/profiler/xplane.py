"""A profile as a serialized ``XSpace``, which TensorBoard's profile plugin reads.

The message is TSL's (``tsl/profiler/protobuf/xplane.proto``): a space has planes (field 1); a plane has an id (1), a
name (2), lines (3) and tables of the names of events (4) and of statistics (5); a line has an id (1), a name (2), a
time in nanoseconds (3) and events (4); an event has the id of its name (1), an offset (2) and a length (3) in
picoseconds and statistics (4); a statistic has the id of its name (1) and a string (5).
"""

from __future__ import annotations

from collections.abc import Iterator

from tideflow._src.core.varints import varint, varint_bytes
from tideflow._src.profiler.profile import ENGINE, HOST, Profile


def _bytes(number: int, content: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + varint_bytes(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return bytes((number << 3,)) + varint_bytes(max(value, 0))


class _Names:
    """Numbers names, and writes the table of them."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        return self._numbers.setdefault(name, len(self._numbers) + 1)

    def table(self, field: int) -> bytes:
        return b"".join(
            _bytes(field, _number(1, number) + _bytes(2, _number(1, number) + _bytes(2, name.encode())))
            for name, number in self._numbers.items()
        )


def space(profile: Profile, engine: bytes, engine_began: int) -> bytes:
    """Returns the message. Its times count from when the profile began.

    Args:
      profile: the profile; of its planes, what this package recorded is written.
      engine: the message that the engine gave, or nothing. Its times count from when the engine began to record.
      engine_began: when that was, in nanoseconds from when the profile began.
    """
    events, statistics = _Names(), _Names()
    lines = []
    own = {line: spans for line, spans in profile.planes[HOST].items() if not line.startswith(ENGINE)}
    for thread, (line, spans) in enumerate(own.items(), start=1):
        content = [_number(1, thread), _bytes(2, line.encode())]
        for span in sorted(spans, key=lambda span: (span.start, -span.length)):
            about = b"".join(
                _bytes(4, _number(1, statistics.number(key)) + _bytes(5, str(value).encode()))
                for key, value in span.about.items()
            )
            event = (
                _number(1, events.number(span.name))
                + _number(2, int(span.start * 1000))
                + _number(3, int(span.length * 1000))
                + about
            )
            content.append(_bytes(4, event))
        lines.append(_bytes(3, b"".join(content)))
    plane = _number(1, 1) + _bytes(2, HOST.encode()) + b"".join(lines) + events.table(4) + statistics.table(5)
    # Two messages one after the other are one message with the planes of both.
    return _later(engine, engine_began) + _bytes(1, plane)


def _fields(message: bytes) -> Iterator[tuple[int, bytes, int, bytes]]:
    """Yields the number of each field, the whole field, and its value: a number, or bytes."""
    position = 0
    while position < len(message):
        start = position
        key, position = varint(message, position)
        number, content = 0, b""
        if key & 7 == 0:
            number, position = varint(message, position)
        elif key & 7 == 2:
            length, position = varint(message, position)
            content = message[position : position + length]
            position += length
        else:  # eight bytes, or four
            position += 8 if key & 7 == 1 else 4
        yield key >> 3, message[start:position], number, content


def _later(message: bytes, nanoseconds: int) -> bytes:
    """Returns a space with the times of all lines moved."""

    def moved(line: bytes) -> bytes:
        parts, begins = [], nanoseconds
        for field, whole, number, _ in _fields(line):
            if field == 3:
                begins += number
            else:
                parts.append(whole)
        return b"".join([*parts, _number(3, begins)])

    def of_plane(plane: bytes) -> bytes:
        return b"".join(
            _bytes(3, moved(content)) if field == 3 else whole for field, whole, _, content in _fields(plane)
        )

    return b"".join(
        _bytes(1, of_plane(content)) if field == 1 else whole for field, whole, _, content in _fields(message)
    )
