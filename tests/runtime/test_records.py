"""The record format: checksums, frames, compression."""

from __future__ import annotations

import gzip
import io
import random
import zlib

import numpy as np
import pytest

from tideflow._src.core.errors import DataLossError, InvalidArgumentError
from tideflow._src.runtime import records


@pytest.mark.parametrize(
    ("data", "expected"),
    [  # RFC 3720, appendix B.4
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (b"123456789", 0xE3069283),
        (b"", 0),
    ],
)
def test_checksums_of_the_standard(data, expected):
    assert records.crc32c(data) == expected


@pytest.mark.parametrize("view", [bytes, bytearray, memoryview, lambda data: np.frombuffer(data, np.uint16)])
def test_a_checksum_goes_on_from_the_one_before(view, monkeypatch):
    monkeypatch.setattr(records, "_PART", 1000)
    data = random.Random(1).randbytes(4096)
    assert records.crc32c(view(data)) == records.crc32c(data[1:], records.crc32c(data[:1]))


def test_a_frame_is_what_tensorflow_writes():
    # What tf.io.TFRecordWriter(path).write(b"hello") writes.
    frame = records.frame(b"hello")
    assert frame.hex() == "0500000000000000eab2043e68656c6c6fbb1f1c19"
    assert records.read_record(io.BytesIO(frame)) == b"hello"


@pytest.mark.parametrize(("compression", "pack"), [("", bytes), ("ZLIB", zlib.compress), ("GZIP", gzip.compress)])
def test_files_of_records(tmp_path, compression, pack):
    path = tmp_path / "records"
    contents = [b"a", b"", random.Random(0).randbytes(300_000), b"end"]
    path.write_bytes(pack(b"".join(map(records.frame, contents))))
    assert list(records.read_records(path, compression)) == contents


def test_a_file_that_is_not_compressed_is_data_loss(tmp_path):
    path = tmp_path / "records"
    path.write_bytes(records.frame(b"plain"))
    for compression in ("ZLIB", "GZIP"):
        with pytest.raises(DataLossError, match="compressed"):
            list(records.read_records(path, compression))


def test_an_absurd_length_does_not_allocate(tmp_path):
    length = (1 << 50).to_bytes(8, "little")
    header = length + records.masked_crc32c(length).to_bytes(4, "little")
    path = tmp_path / "records"
    path.write_bytes(header + b"short")
    with pytest.raises(DataLossError, match="truncated"):
        list(records.read_records(path))


def test_unknown_compression_is_rejected(tmp_path):
    with pytest.raises(InvalidArgumentError, match="LZMA"):
        records.open_records(tmp_path / "x", "LZMA")
