"""Checks files of records: what TensorFlow reads and writes, compression, damage."""

from __future__ import annotations

import gc

import pytest

import tideflow as tf
import tideflow.v1 as tf1

#: What TensorFlow 2.21 writes for b"a", b"bb" and b"".
WRITTEN = (
    b"\x01\x00\x00\x00\x00\x00\x00\x00\x01u\xdeAaxn\xe4("
    b"\x02\x00\x00\x00\x00\x00\x00\x00x'\x0b4bbc\x97\xe2\xa5"
    b"\x00\x00\x00\x00\x00\x00\x00\x00)\x03\x98\x07\xd8\xea\x82\xa2"
)


def write(path, records, options=None):
    with tf.io.TFRecordWriter(str(path), options) as writer:
        for record in records:
            writer.write(record)


def read(path, options=None):
    return list(tf1.python_io.tf_record_iterator(str(path), options))


def test_the_format_is_tensorflows(tmp_path):
    write(tmp_path / "file", [b"a", "bb", b""])
    assert (tmp_path / "file").read_bytes() == WRITTEN
    assert read(tmp_path / "file") == [b"a", b"bb", b""]


@pytest.mark.parametrize("kind", ["GZIP", "ZLIB"])
def test_compression(tmp_path, kind):
    records = [bytes(range(256)) * 20, b"", b"x" * 100_000]
    write(tmp_path / "file", records, tf.io.TFRecordOptions(kind, compression_level=9))
    assert (tmp_path / "file").stat().st_size < 5000
    assert read(tmp_path / "file", tf.io.TFRecordOptions(kind)) == records
    assert read(tmp_path / "file", kind) == records


def test_options():
    kinds = tf1.io.TFRecordCompressionType
    assert tf.io.TFRecordOptions.get_compression_type_string(kinds.GZIP) == "GZIP"
    assert tf.io.TFRecordOptions.get_compression_type_string(None) == ""
    assert tf.io.TFRecordOptions(kinds.ZLIB).compression_type == 1
    with pytest.raises(ValueError, match='Not a valid compression_type: "FOO"'):
        tf.io.TFRecordOptions("FOO")


@pytest.mark.parametrize("size", [12, 13, len(WRITTEN) - 3])
def test_a_truncated_file(tmp_path, size):
    (tmp_path / "file").write_bytes(WRITTEN[:size])
    with pytest.raises(tf.errors.DataLossError, match="truncated"):
        read(tmp_path / "file")


@pytest.mark.parametrize("kind", ["", "ZLIB", "GZIP"])
def test_a_file_that_is_cut_within_a_header_ends_there(tmp_path, kind):
    """A writer that was killed leaves such a file; TensorFlow reads the records before it."""
    with tf.io.TFRecordWriter(str(tmp_path / "file"), kind) as writer:
        writer.write(b"first")
        writer.flush()
        whole = (tmp_path / "file").read_bytes()
        writer.write(b"second")
        writer.flush()
        longer = (tmp_path / "file").read_bytes()
    for size in range(len(whole), len(whole) + (12 if not kind else 4)):
        (tmp_path / "file").write_bytes(longer[:size])
        assert read(tmp_path / "file", kind) == [b"first"]


@pytest.mark.parametrize("kind", ["ZLIB", "GZIP"])
def test_compressed_files_that_were_put_together(tmp_path, kind):
    content = b""
    for record in (b"first", b"second" * 1000):
        with tf.io.TFRecordWriter(str(tmp_path / "file"), kind) as writer:
            writer.write(record)
        content += (tmp_path / "file").read_bytes()
    (tmp_path / "file").write_bytes(content)
    assert read(tmp_path / "file", kind) == [b"first", b"second" * 1000]


def test_a_writer_that_cannot_complete_its_file_and_is_dropped_says_so_in_the_log(tmp_path, caplog):
    class Full:
        def close(self):
            raise OSError(28, "No space left on device")

    writer = tf.io.TFRecordWriter(str(tmp_path / "file"))
    writer._file.close()
    writer._file = Full()
    del writer
    gc.collect()
    assert "lost records" in caplog.text


@pytest.mark.parametrize("place", [0, 7, 9, 12, 15])
def test_a_damaged_file(tmp_path, place):
    content = bytearray(WRITTEN)
    content[place] ^= 0x80
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(tf.errors.DataLossError, match="corrupted"):
        read(tmp_path / "file")


def test_what_else_goes_wrong(tmp_path):
    (tmp_path / "file").write_bytes(WRITTEN)
    with pytest.raises(tf.errors.DataLossError):
        read(tmp_path / "file", "GZIP")
    with pytest.raises(tf.errors.NotFoundError):
        read(tmp_path / "missing")
    with pytest.raises(tf.errors.NotFoundError):
        tf.io.TFRecordWriter(str(tmp_path / "missing" / "file"))
    writer = tf.io.TFRecordWriter(str(tmp_path / "closed"))
    writer.write(b"kept")
    writer.flush()
    assert read(tmp_path / "closed") == [b"kept"]
    writer.close()
    writer.close()
    with pytest.raises(tf.errors.FailedPreconditionError, match="closed"):
        writer.write(b"x")
    with pytest.raises(TypeError, match="a record is bytes"), tf.io.TFRecordWriter(str(tmp_path / "typed")) as writer:
        writer.write(3)
