"""Readers: what they make of files, and what they say of files that are missing or damaged."""

from __future__ import annotations

import gzip
import zlib

import pytest

import tideflow.v1 as tf
from tideflow._src.runtime import records


@pytest.fixture
def session(graph):
    with tf.Session(graph=graph) as session:
        yield session


def _read_all(session, reader, paths):
    queue = tf.FIFOQueue(10, [tf.string], shapes=[[]])
    key, value = reader.read(queue)
    session.run([queue.enqueue_many([[str(path) for path in paths]])])
    session.run(queue.close())
    found = []
    with pytest.raises(tf.errors.OutOfRangeError):
        while True:
            found.append(tuple(session.run([key, value])))
    return found


def test_lines_of_text_files(session, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"head\r\na\r\n\nlast")
    two.write_bytes(b"head\nb\n")
    found = _read_all(session, tf.TextLineReader(skip_header_lines=1), [one, two])
    name = str(one).encode()
    assert found == [
        (name + b":2", b"a"),
        (name + b":3", b""),
        (name + b":4", b"last"),
        (str(two).encode() + b":2", b"b"),
    ]


def test_whole_files(session, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"\x00\xffabc")
    assert _read_all(session, tf.WholeFileReader(), [path]) == [(str(path).encode(), b"\x00\xffabc")]


def test_identity(session):
    assert _read_all(session, tf.IdentityReader(), ["x", "y"]) == [(b"x", b"x"), (b"y", b"y")]


@pytest.mark.parametrize("encoding", [None, "ZLIB", "GZIP"])
def test_records_of_one_length(session, tmp_path, encoding):
    path = tmp_path / "file"
    data = b"HHH" + b"aabbccd" + b"F"
    path.write_bytes({None: bytes, "ZLIB": zlib.compress, "GZIP": gzip.compress}[encoding](data))
    reader = tf.FixedLengthRecordReader(2, header_bytes=3, footer_bytes=1, encoding=encoding)
    name = str(path).encode()
    assert _read_all(session, reader, [path]) == [(name + b":0", b"aa"), (name + b":1", b"bb"), (name + b":2", b"cc")]


def test_records_may_overlap(session, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abcde")
    found = _read_all(session, tf.FixedLengthRecordReader(3, hop_bytes=1), [path])
    assert [value for _, value in found] == [b"abc", b"bcd", b"cde"]


@pytest.mark.parametrize(("number", "pack"), [(0, bytes), (1, zlib.compress), (2, gzip.compress)])
def test_tfrecord_files(session, tmp_path, number, pack):
    path = tmp_path / "file"
    contents = [b"first", b"", b"x" * 2000]
    path.write_bytes(pack(b"".join(map(records.frame, contents))))

    class Options:
        compression_type = number

    found = _read_all(session, tf.TFRecordReader(options=Options()), [path])
    name = str(path).encode()
    assert found == list(zip((name + b":0", name + b":21", name + b":37"), contents, strict=True))


def test_many_records_at_a_time_stop_at_the_end_of_a_file(session, tmp_path):
    paths = []
    for number in range(2):
        path = tmp_path / f"{number}"
        path.write_text("".join(f"{number}{line}\n" for line in range(3)))
        paths.append(str(path))
    reader = tf.TextLineReader()
    queue = tf.FIFOQueue(10, [tf.string], shapes=[[]])
    _, values = reader.read_up_to(queue, 2)
    session.run(queue.enqueue_many([paths]))
    sizes = [session.run(values).tolist() for _ in range(4)]
    assert sizes == [[b"00", b"01"], [b"02"], [b"10", b"11"], [b"12"]]
    assert session.run(reader.num_records_produced()) == 6
    session.run(reader.reset())
    assert session.run([reader.num_records_produced(), reader.num_work_units_completed()]) == [0, 0]


def test_state_is_saved_and_restored(session):
    reader = tf.IdentityReader()
    queue = tf.FIFOQueue(10, [tf.string], shapes=[[]])
    read = reader.read(queue)
    session.run(queue.enqueue_many([["a", "b"]]))
    session.run(read)
    state = session.run(reader.serialize_state())
    session.run(read)
    assert session.run(reader.num_records_produced()) == 2
    session.run(reader.restore_state(state))
    assert session.run(reader.num_records_produced()) == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="parse"):
        session.run(reader.restore_state(b"\xff\xff\xff"))
    with pytest.raises(tf.errors.UnimplementedError):
        session.run(tf.TextLineReader().serialize_state())


def test_a_missing_file_is_not_found(session, tmp_path):
    queue = tf.FIFOQueue(10, [tf.string], shapes=[[]])
    _, value = tf.TextLineReader().read(queue)
    good = tmp_path / "good"
    good.write_text("line\n")
    session.run(queue.enqueue_many([[str(tmp_path / "missing"), str(good)]]))
    with pytest.raises(tf.errors.NotFoundError, match="missing; No such file"):
        session.run(value)
    assert session.run(value) == b"line", "the next file is read"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-1], "truncated record at 21"),
        (lambda data: data[:35], "truncated record at 21"),
        (lambda data: data[:30] + b"!" + data[31:], "corrupted record at 21"),
        (lambda data: data[:22] + b"\xff" * 7 + data[29:], "corrupted record at 21"),
    ],
)
def test_damaged_records_are_data_loss(session, tmp_path, damage, message):
    path = tmp_path / "file"
    path.write_bytes(damage(records.frame(b"first") + records.frame(b"second")))
    queue = tf.FIFOQueue(10, [tf.string], shapes=[[]])
    _, value = tf.TFRecordReader().read(queue)
    session.run(queue.enqueue(str(path)))
    assert session.run(value) == b"first"
    with pytest.raises(tf.errors.DataLossError, match=message):
        session.run(value)


def test_bad_attributes_are_rejected(session):
    with pytest.raises(tf.errors.InvalidArgumentError, match="record_bytes must be positive"):
        session.run(tf.FixedLengthRecordReader(0).num_records_produced())
    with pytest.raises(ValueError, match="compression_type"):
        tf.TFRecordReader(options="LZMA")


def test_a_reader_needs_a_queue_of_strings(session):
    queue = tf.FIFOQueue(10, [tf.int32], shapes=[[]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="queue of strings"):
        session.run(tf.IdentityReader().read(queue))


def test_readers_exist_in_graphs_only():
    with pytest.raises(RuntimeError, match=r"tf\.data"):
        tf.TextLineReader()
