"""The digits of the old tutorials, read from files of their format."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from tideflow.v1.examples.tutorials.mnist import input_data

COUNTS = {"train": 60, "t10k": 10}


def write(directory, name, magic, array):
    head = struct.pack(f">{1 + array.ndim}I", magic, *array.shape)
    (directory / name).write_bytes(gzip.compress(head + array.astype(np.uint8).tobytes()))


@pytest.fixture
def files(tmp_path):
    random = np.random.default_rng(0)
    for part, count in COUNTS.items():
        write(tmp_path, f"{part}-images-idx3-ubyte.gz", 2051, random.integers(0, 256, (count, 28, 28)))
        write(tmp_path, f"{part}-labels-idx1-ubyte.gz", 2049, np.arange(count) % 10)
    return tmp_path


def test_three_sets_are_read(files):
    digits = input_data.read_data_sets(str(files), one_hot=True, validation_size=20)
    assert digits.train.images.shape == (40, 784)
    assert digits.train.images.dtype == np.float32
    assert 0.9 < digits.train.images.max() <= 1.0
    assert digits.validation.num_examples == 20
    assert digits.test.labels.shape == (10, 10)
    assert digits.test.labels.argmax(1).tolist() == list(range(10))


def test_pixels_stay_bytes_where_asked(files):
    digits = input_data.read_data_sets(str(files), dtype="uint8", reshape=False, validation_size=0)
    assert digits.train.images.shape == (60, 28, 28, 1)
    assert digits.train.images.dtype == np.uint8
    assert digits.test.labels.tolist() == list(range(10))


def test_an_epoch_hands_out_every_image_once_in_a_new_order(files):
    test = input_data.read_data_sets(str(files), validation_size=20, seed=1).test
    batches = [test.next_batch(4)[1] for _ in range(5)]
    labels = np.concatenate(batches)
    assert sorted(labels[:10]) == sorted(labels[10:]) == list(range(10))
    assert labels[:10].tolist() != labels[10:].tolist()
    assert test.epochs_completed == 1
    plain = input_data.read_data_sets(str(files), validation_size=20).test
    assert plain.next_batch(3, shuffle=False)[1].tolist() == [0, 1, 2]


def test_fake_data_needs_no_files(tmp_path):
    images, labels = input_data.read_data_sets(str(tmp_path), fake_data=True, one_hot=True).train.next_batch(2)
    assert np.shape(images) == (2, 784)
    assert labels[0] == [1] + [0] * 9


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (struct.pack(">4I", 1, 2, 2, 2) + bytes(8), "Invalid magic number 1"),
        (struct.pack(">4I", 2051, 3, 2, 2) + bytes(8), "ends after 8 of 12 elements"),
        (b"abc", "ends within its head"),
    ],
)
def test_a_file_that_is_none_is_refused(files, content, message):
    (files / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(content))
    with pytest.raises(ValueError, match=message):
        input_data.read_data_sets(str(files))


def test_a_file_that_cannot_be_downloaded_says_where_to_put_it(files):
    (files / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(OSError, match=r"put it at .*t10k-labels-idx1-ubyte\.gz"):
        input_data.read_data_sets(str(files), source_url="file:///no/such/directory/")
    assert len(list(files.iterdir())) == 3
    with pytest.raises(ValueError, match=r"Validation size should be between 0 and 60. Received: 61"):
        (files / "t10k-labels-idx1-ubyte.gz").write_bytes((files / "train-labels-idx1-ubyte.gz").read_bytes())
        input_data.read_data_sets(str(files), validation_size=61)
