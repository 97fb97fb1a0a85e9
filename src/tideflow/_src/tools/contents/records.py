"""What files of records hold: examples, and the events of logs. One record is in memory at a time."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

from tideflow._src.core.errors import DataLossError
from tideflow._src.graph import protos
from tideflow._src.graph.protos.text import from_bytes
from tideflow._src.runtime import records
from tideflow._src.tools.contents.table import MOST_ROWS, Table, facts

#: Longer records are looked through, but not taken apart.
_LONGEST = 1 << 26
_PART = 1 << 20


def compression_of(start: bytes) -> str | None:
    """Returns how a file of records that begins so is compressed; None if it is no file of records."""
    if len(start) >= records.HEADER_SIZE and _is_header(start[: records.HEADER_SIZE]):
        return ""
    for name, bits, mark in (("GZIP", 31, b"\x1f\x8b"), ("ZLIB", 15, b"\x78")):
        if start.startswith(mark):
            try:
                inflated = zlib.decompressobj(bits).decompress(start, records.HEADER_SIZE)
            except zlib.error:
                continue
            if len(inflated) == records.HEADER_SIZE and _is_header(inflated):
                return name
    return None


def _is_header(header: bytes) -> bool:
    return struct.unpack("<I", header[8:])[0] == records.masked_crc32c(header[:8])


def _records(path: str, compression: str) -> Iterator[tuple[int, bytes | None]]:
    """Yields the length of each record, and the record if it is not too long to be kept."""
    file = records.open_records(path, compression)
    try:
        while True:
            header = file.read(records.HEADER_SIZE)
            if len(header) < records.HEADER_SIZE:
                return
            if not _is_header(header):
                raise DataLossError(None, None, "corrupted record: the checksum of its length does not match")
            (length,) = struct.unpack_from("<Q", header)
            crc, left, parts = 0, length, []
            while left:
                part = file.read(min(left, _PART))
                if not part:
                    raise DataLossError(None, None, f"truncated record: {left} of {length} bytes are missing")
                crc = records.crc32c(part, crc)
                left -= len(part)
                if length <= _LONGEST:
                    parts.append(part)
            footer = file.read(records.FOOTER_SIZE)
            if len(footer) < records.FOOTER_SIZE:
                raise DataLossError(None, None, "truncated record: its last checksum is missing")
            if struct.unpack("<I", footer)[0] != records.masked(crc):
                raise DataLossError(None, None, "corrupted record: the checksum of its data does not match")
            yield length, b"".join(parts) if length <= _LONGEST else None
    except (zlib.error, EOFError) as error:
        raise DataLossError(None, None, f"corrupted compressed record file: {error}") from None
    finally:
        file.close()


def record_tables(path: str, compression: str) -> list[Table]:
    """Returns what a file of records holds.

    Raises:
      DataLossError: the file is damaged or cut off.
    """
    found: _Events | _Examples | None = None
    count = total = 0
    shortest, longest = 1 << 62, 0
    for length, record in _records(path, compression):
        if found is None:
            found = _Events() if record is not None and _is_first_event(record) else _Examples()
        count, total = count + 1, total + length
        shortest, longest = min(shortest, length), max(longest, length)
        found.add(record)
    lengths = f"{shortest} to {longest}" if count else None
    kind = "Event file" if isinstance(found, _Events) else "TFRecord file"
    pairs = [("records", count), ("bytes of data", total), ("bytes in a record", lengths)]
    head = facts(kind, [*pairs, ("compression", compression), *(found.facts() if found else ())])
    return [head, *(found.tables() if found else ())]


def _message(kind: str, record: bytes) -> Any:
    try:
        return from_bytes(record, protos.get(kind)())
    except ValueError:
        return None


def _is_first_event(record: bytes) -> bool:
    event = _message("Event", record)
    return event is not None and event.file_version.startswith("brain.Event")


class _Examples:
    """Counts the features of examples."""

    def __init__(self) -> None:
        self._features: dict[tuple[str, str, str], list[int]] = {}
        self._kinds = {"Example": 0, "SequenceExample": 0, "other records": 0}

    def add(self, record: bytes | None) -> None:
        """Counts a record."""
        example = _message("Example", record) if record else None
        if example is not None and example.features.feature and example.ByteSize() == len(record or b""):
            if _is_whole(example):
                self._kinds["Example"] += 1
                self._count("", example.features.feature)
                return
        sequence = _message("SequenceExample", record) if record else None
        if sequence is not None and sequence.feature_lists.feature_list and _is_whole(sequence):
            self._kinds["SequenceExample"] += 1
            self._count("context", sequence.context.feature)
            for name, features in sequence.feature_lists.feature_list.items():
                kinds = {each.WhichOneof("kind") for each in features.feature}
                kind = kinds.pop() if len(kinds) == 1 else None
                self._note("list", name, kind, len(features.feature))
            return
        self._kinds["other records"] += 1

    def _count(self, place: str, features: Any) -> None:
        for name, feature in features.items():
            kind = feature.WhichOneof("kind")
            self._note(place, name, kind, len(getattr(feature, kind).value) if kind else 0)

    def _note(self, place: str, name: str, kind: str | None, values: int) -> None:
        key = place, name, (kind or "empty").removesuffix("_list")
        known = self._features.get(key)
        if known is not None:
            known[:] = known[0] + 1, min(known[1], values), max(known[2], values)
        elif len(self._features) < MOST_ROWS:
            self._features[key] = [1, values, values]

    def facts(self) -> list[tuple[str, Any]]:
        """Returns how many records of each kind there are."""
        return [(name, count or None) for name, count in self._kinds.items()]

    def tables(self) -> list[Table]:
        """Returns the features."""
        rows = [
            (name, kind, place, records_with, str(least) if least == most else f"{least} to {most}")
            for (place, name, kind), (records_with, least, most) in sorted(self._features.items())
        ]
        return [Table("Features", ("name", "kind", "part", "in records", "values"), rows)] if rows else []


def _is_whole(message: Any) -> bool:
    """Tells whether a message was parsed without bytes that it does not know."""
    from google.protobuf.unknown_fields import UnknownFieldSet

    return not len(UnknownFieldSet(message))


class _Events:
    """Counts the events of a log."""

    def __init__(self) -> None:
        self._tags: dict[tuple[str, str], list[int]] = {}
        self._kinds: dict[str, int] = {}
        self._plugins: dict[str, str] = {}

    def add(self, record: bytes | None) -> None:
        """Counts a record."""
        event = _message("Event", record) if record is not None else None
        if event is None:
            self._kinds["records that are no events"] = self._kinds.get("records that are no events", 0) + 1
            return
        kind = event.WhichOneof("what") or "empty"
        self._kinds[kind] = self._kinds.get(kind, 0) + 1
        for value in event.summary.value if kind == "summary" else ():
            # Only the first summary of a tag says which plugin it is for.
            plugin = value.metadata.plugin_data.plugin_name or self._plugins.get(value.tag, "")
            plugin = plugin or (value.WhichOneof("value") or "").replace("simple_value", "scalars").replace(
                "histo", "histograms"
            )
            if len(self._plugins) < MOST_ROWS:
                self._plugins.setdefault(value.tag, plugin)
            known = self._tags.get((value.tag, plugin))
            if known is not None:
                known[:] = known[0] + 1, min(known[1], event.step), max(known[2], event.step)
            elif len(self._tags) < MOST_ROWS:
                self._tags[value.tag, plugin] = [1, event.step, event.step]

    def facts(self) -> list[tuple[str, Any]]:
        """Returns how many events of each kind there are."""
        return sorted(self._kinds.items())

    def tables(self) -> list[Table]:
        """Returns the tags."""
        rows = [(tag, plugin, *counts) for (tag, plugin), counts in sorted(self._tags.items())]
        return [Table("Tags", ("tag", "plugin", "values", "first step", "last step"), rows)]
