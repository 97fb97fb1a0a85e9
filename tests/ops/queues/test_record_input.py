"""RecordInput gives every record once in an epoch, in an order that the seed decides."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import pytest

import tideflow.v1 as tf


@pytest.fixture
def pattern(tmp_path):
    for file in range(3):
        with tf.python_io.TFRecordWriter(str(tmp_path / f"part-{file}")) as writer:
            for number in range(4):
                writer.write(f"{file}/{number}\0".encode())
    return str(tmp_path / "part-*")


def _batches(pattern, count, **attributes):
    with tf.Graph().as_default(), tf.Session() as session:
        batch = tf.raw_ops.RecordInput(file_pattern=pattern, **attributes)
        return [session.run(batch).tolist() for _ in range(count)]


@pytest.mark.parametrize("buffer_size", [1, 5, 10000])
def test_each_epoch_holds_every_record_once(pattern, buffer_size):
    batches = _batches(pattern, 6, batch_size=4, file_buffer_size=buffer_size)
    expected = {f"{file}/{number}\0".encode(): 1 for file in range(3) for number in range(4)}
    first, second = list(chain(*batches[:3])), list(chain(*batches[3:]))
    assert Counter(first) == Counter(second) == expected
    assert first != second


def test_the_seed_decides_the_order(pattern):
    first = _batches(pattern, 2, batch_size=6, file_random_seed=1)
    assert _batches(pattern, 2, batch_size=6, file_random_seed=1) == first
    assert _batches(pattern, 2, batch_size=6, file_random_seed=2) != first


def test_no_files_and_wrong_arguments_are_errors_each_time(pattern, tmp_path):
    for _ in range(2):
        with pytest.raises(tf.errors.NotFoundError, match="no files"):
            _batches(str(tmp_path / "nothing-*"), 1)
    with pytest.raises(tf.errors.InvalidArgumentError, match="compression"):
        _batches(pattern, 1, compression_type="LZ4")
    with pytest.raises(tf.errors.InvalidArgumentError, match="batch_size"):
        _batches(pattern, 1, batch_size=0)
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(tf.errors.InvalidArgumentError, match="no records"):
        _batches(str(tmp_path / "empty"), 1)
