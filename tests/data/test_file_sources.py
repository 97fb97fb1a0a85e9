"""Datasets of files: lines, records and parts of one length, compressed or damaged; expectations are TensorFlow's."""

from __future__ import annotations

import gzip
import random
import zlib
from pathlib import Path
from typing import Any

import pytest

import tideflow as tf

RECORDS = [b"abc", b"", b"x" * 100, b"yz"]
PACK = {"": bytes, "GZIP": gzip.compress, "ZLIB": zlib.compress}


def elements(dataset: Any) -> list[bytes]:
    return list(dataset.as_numpy_iterator())


def until_error(dataset: Any) -> tuple[list[bytes], str]:
    found: list[bytes] = []
    try:
        for item in dataset.as_numpy_iterator():
            found.append(item)
    except tf.errors.OpError as error:
        return found, type(error).__name__
    return found, ""


def records_file(path: Path) -> bytes:
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in RECORDS:
            writer.write(record)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"one\ntwo\r\nth\rree\n\nlast\r", [b"one", b"two", b"three", b"", b"last"]),
        (b"", []),
        (b"\n", [b""]),
        (b"x\n\r\n", [b"x", b""]),
        (b"y" * 700000 + b"\nz", [b"y" * 700000, b"z"]),
    ],
)
@pytest.mark.parametrize("compression", ["", "GZIP", "ZLIB"])
def test_lines(tmp_path: Path, content: bytes, lines: list[bytes], compression: str) -> None:
    path = tmp_path / "lines"
    path.write_bytes(PACK[compression](content))
    assert elements(tf.data.TextLineDataset(path, compression)) == lines
    assert elements(tf.data.TextLineDataset([str(path)] * 2, compression).batch(3).unbatch()) == lines * 2


def test_files_that_are_read_at_once_take_turns(tmp_path: Path) -> None:
    for name, content in (("a", "1\n2\n3\n"), ("b", "x\ny\n")):
        (tmp_path / name).write_text(content)
    paths = [str(tmp_path / name) for name in "ab"]
    turns = [b"1", b"x", b"2", b"y", b"3"]
    assert elements(tf.data.TextLineDataset(paths, num_parallel_reads=2)) == turns
    files = tf.data.Dataset.list_files(str(tmp_path / "?"), shuffle=False)
    assert elements(tf.data.TextLineDataset(files)) == [b"1", b"2", b"3", b"x", b"y"]
    assert elements(tf.data.Dataset.from_tensor_slices(paths).interleave(tf.data.TextLineDataset, 2)) == turns


def test_what_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "some"
    path.write_bytes(gzip.compress(b"one\n") + b"garbage!")
    assert until_error(tf.data.TextLineDataset(path, "GZIP")) == ([b"one"], "DataLossError")
    assert until_error(tf.data.TextLineDataset(path, "ZLIB")) == ([], "DataLossError")
    assert until_error(tf.data.TextLineDataset(str(tmp_path / "none"))) == ([], "NotFoundError")
    assert until_error(tf.data.TextLineDataset(tmp_path)) == ([], "FailedPreconditionError")
    with pytest.raises(tf.errors.InvalidArgumentError):
        elements(tf.data.TextLineDataset(path, "OTHER"))
    with pytest.raises(TypeError, match="must contain"):
        tf.data.TextLineDataset(3)
    with pytest.raises(TypeError, match="Got a dataset of"):
        tf.data.TextLineDataset(tf.data.Dataset.range(3))
    with pytest.raises(tf.errors.InvalidArgumentError, match="No files matched pattern"):
        tf.data.Dataset.list_files(str(tmp_path / "none*"))


def test_records_of_one_length(tmp_path: Path) -> None:
    path = tmp_path / "pieces"
    path.write_bytes(b"HH123456789FFF")
    pieces = tf.data.FixedLengthRecordDataset
    assert elements(pieces(path, 3, 2, 3)) == [b"123", b"456", b"789"]
    assert until_error(pieces(path, 4, 2, 3)) == ([], "InvalidArgumentError")
    assert elements(pieces(path, 2, 10, 10)) == []
    path.write_bytes(gzip.compress(b"HH123456789FFF"))
    assert elements(pieces(path, 3, 2, 3, compression_type="GZIP")) == [b"123", b"456", b"789"]
    assert until_error(pieces(path, 4, 2, 3, compression_type="GZIP")) == ([b"1234", b"5678"], "DataLossError")
    with pytest.raises(tf.errors.InvalidArgumentError):
        elements(pieces(path, 0))


@pytest.mark.parametrize(
    ("size", "count", "error"),
    [(0, 0, ""), (11, 0, ""), (12, 0, "DataLossError"), (18, 0, "DataLossError"), (19, 1, ""), (30, 1, ""),
     (31, 1, "DataLossError"), (35, 2, "")],
)  # fmt: skip
def test_files_that_are_cut(tmp_path: Path, size: int, count: int, error: str) -> None:
    path = tmp_path / "records"
    path.write_bytes(records_file(path)[:size])
    assert until_error(tf.data.TFRecordDataset(str(path))) == (RECORDS[:count], error)


def test_a_damaged_file_ends_and_the_next_one_follows(tmp_path: Path) -> None:
    content = bytearray(records_file(tmp_path / "good"))
    content[30] ^= 1
    (tmp_path / "bad").write_bytes(content)
    iterator = iter(tf.data.TFRecordDataset([str(tmp_path / "bad"), str(tmp_path / "good")]))
    assert next(iterator).numpy() == b"abc"
    with pytest.raises(tf.errors.DataLossError, match="TFRecordDataset"):
        next(iterator)
    assert [item.numpy() for item in iterator] == RECORDS


@pytest.mark.parametrize("compression", ["", "GZIP", "ZLIB"])
def test_mutated_files_give_their_records_or_data_loss(tmp_path: Path, compression: str) -> None:
    drawn = random.Random(7)
    path = tmp_path / "records"
    content = PACK[compression](records_file(path))
    path.write_bytes(content)
    assert elements(tf.data.TFRecordDataset(str(path), compression)) == RECORDS
    dataset = tf.data.TFRecordDataset(str(path), compression)
    failed = 0
    for _ in range(120):
        changed = bytearray(content)
        for _ in range(drawn.randrange(1, 4)):
            place = drawn.randrange(len(changed))
            kind = drawn.randrange(4)
            if kind == 0:
                changed[place] ^= 1 << drawn.randrange(8)
            elif kind == 1:
                changed[place : place + drawn.randrange(5)] = drawn.randbytes(drawn.randrange(9))
            elif kind == 2:
                del changed[max(1, place) :]
            else:
                changed[place:place] = changed[: drawn.randrange(40)]
        path.write_bytes(changed)
        found, error = until_error(dataset)
        assert error in ("", "DataLossError")
        assert all(record in RECORDS for record in found)
        failed += error != ""
    assert failed > 40


def test_random_numbers_have_the_order_of_their_seed() -> None:
    tf.random.set_seed(7)
    assert elements(tf.data.Dataset.random().take(3)) == [1105907554, 2543705845, 1425053807]
    changing = tf.data.Dataset.random(seed=5, rerandomize_each_iteration=True).take(3)
    assert elements(changing) == [4223254228, 1554744876, 264386461]
    assert elements(changing) == [1752374951, 1825230385, 3981624284]
    assert elements(tf.data.Dataset.random(seed=5).take(2).repeat(2)) == [896464793, 3825223431] * 2


def test_files_in_random_order(tmp_path: Path) -> None:
    for letter in "abcdfgtz":
        (tmp_path / letter).touch()
    tf.random.set_seed(7)
    files = tf.data.Dataset.list_files(str(tmp_path / "?"))
    order = [[Path(item.decode()).name for item in elements(files)] for _ in range(2)]
    assert order == [list("fctbzgad"), list("tczdbgfa")]
    assert int(files.cardinality()) == 8
