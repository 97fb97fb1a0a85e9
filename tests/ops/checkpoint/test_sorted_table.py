"""Tests the tables in which checkpoints keep their index."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tideflow._src.core.errors import DataLossError
from tideflow._src.ops.checkpoint import snappy
from tideflow._src.ops.checkpoint.sorted_table import SortedTable, table_bytes


@settings(deadline=None, max_examples=30)
@given(st.dictionaries(st.binary(max_size=20), st.binary(max_size=50), max_size=60))
def test_a_table_gives_back_what_was_put_in(entries: dict[bytes, bytes]) -> None:
    table = SortedTable(table_bytes(iter(sorted(entries.items()))))
    assert list(table.items()) == sorted(entries.items())
    assert all(table.get(key) == value for key, value in entries.items())
    assert entries.keys() & {b"\x00absent"} or table.get(b"\x00absent") is None


def test_a_table_of_several_blocks() -> None:
    entries = [(b"key%06d" % number, b"v" * 1000) for number in range(600)]
    content = table_bytes(iter(entries))
    table = SortedTable(content)
    assert len(table._index) > 1
    assert table.get(b"key000599") == b"v" * 1000
    assert list(table.items()) == entries


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_damaged_table_is_a_data_loss_error(data: st.DataObject) -> None:
    content = bytearray(table_bytes(iter([(b"a", b"1"), (b"ab", b"22" * 20)])))
    place = data.draw(st.integers(0, len(content) - 48 - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    try:
        found = list(SortedTable(bytes(content)).items())
    except DataLossError:
        return
    # Only the block that nothing refers to may be damaged unnoticed.
    assert found == [(b"a", b"1"), (b"ab", b"22" * 20)]


@pytest.mark.parametrize("content", [b"", b"hello", b"x" * 100])
def test_what_is_no_table(content: bytes) -> None:
    with pytest.raises(DataLossError):
        SortedTable(content)


def test_snappy() -> None:
    assert snappy.uncompress(b"\x0b\x28hello world") == b"hello world"
    assert snappy.uncompress(b"\x09\x08abc\x09\x03"[:5] + b"\x09\x03") == b"abcabcabc"
    for damaged in (b"", b"\x05\x10ab", b"\x05\x00a\x09\x09", b"\xff\xff\xff\xff\x0f\x00a"):
        with pytest.raises(snappy.SnappyError):
            snappy.uncompress(damaged)
