"""Checks the readers of examples against protobuf: usual and unusual layouts, and damaged messages."""

from __future__ import annotations

import random

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.core import dtypes
from tideflow._src.ops.parsing import assembly, batch, wire

Example, Feature = tf.train.Example, tf.train.Feature
KEYS = {b"x": dtypes.float32, b"y": dtypes.int64, b"s": dtypes.string, b"long name " * 20: dtypes.int64}


def feature(values):
    if not values:
        return Feature()
    if isinstance(values[0], bytes):
        return Feature(bytes_list=tf.train.BytesList(value=values))
    if isinstance(values[0], float):
        return Feature(float_list=tf.train.FloatList(value=values))
    return Feature(int64_list=tf.train.Int64List(value=values))


def entry(key, value):
    inner = b"\x0a" + length(key) + key + b"\x12" + length(value) + value
    return b"\x0a" + length(inner) + inner


def length(content):
    count, result = len(content), bytearray()
    while count > 0x7F:
        result.append(count & 0x7F | 0x80)
        count >>= 7
    return bytes([*result, count])


def example(features):
    """Returns a serialized example with its features in the order given."""
    inner = b"".join(entry(key, feature(values).SerializeToString()) for key, values in features)
    return b"\x0a" + length(inner) + inner


def random_example(rng):
    features = []
    for key, dtype in KEYS.items():
        if rng.random() < 0.2:
            continue
        count = rng.choice([0, 1, 1, 2, 40])
        if dtype is dtypes.string:
            values = [rng.randbytes(rng.choice([0, 3, 200])) for _ in range(count)]
        elif dtype is dtypes.float32:
            values = [float(np.float32(rng.gauss(0, 1))) for _ in range(count)]
        else:
            values = [rng.choice([1, -1, 300, -(1 << 63), (1 << 63) - 1, rng.getrandbits(40)]) for _ in range(count)]
        features.append((key, values))
    features.append((b"other", [b"left out"]))
    rng.shuffle(features)
    return example(features)


def expected(serialized, key):
    """Returns each message's values of a feature as protobuf reads them; None where it has none."""
    result = []
    for item in serialized:
        found = Example.FromString(item).features.feature
        name = key.decode()
        kind = found[name].WhichOneof("kind") if name in found else None
        result.append(list(getattr(found[name], kind).value) if kind else None)
    return result


def read(serialized, key, dtype):
    blob = batch.join(serialized)
    found = assembly.Batch(blob, batch.read(blob, set(KEYS)), (), False)
    column, values = found.read(key, dtype)
    result = [None] * len(serialized)
    parts = np.split(values.flat, np.cumsum(values.counts)[:-1]) if len(values.counts) else []
    for row, part in zip(column.rows.tolist(), parts, strict=True):
        result[row] = part.tolist()
    return result


@pytest.mark.parametrize("count", [1, 7, 200])
def test_features_are_those_that_protobuf_reads(count):
    rng = random.Random(count)
    serialized = [random_example(rng) for _ in range(count)]
    for key, dtype in KEYS.items():
        assert read(serialized, key, dtype) == expected(serialized, key)


def unusual():
    """Returns messages that are right but not written in the usual way."""
    usual = example([(b"x", [1.5]), (b"y", [1, 2])])
    unpacked = b"\x1a\x06\x08\x01\x08\x02\x08\x03"
    floats = b"\x12\x0a" + b"".join(b"\x0d" + np.float32(value).tobytes() for value in (1.5, 2.5))
    body = entry(b"y", unpacked) + entry(b"x", floats)
    two_lists = entry(b"y", b"\x1a\x03\x0a\x01\x05" + b"\x1a\x03\x0a\x01\x06")
    other_list = entry(b"y", b"\x0a\x03\x0a\x01a" + b"\x1a\x03\x0a\x01\x06")
    value_first = b"\x12\x05\x1a\x03\x0a\x01\x07" + b"\x0a\x01y"
    return [
        usual,
        b"",
        b"\x0a\x00",
        usual + example([(b"y", [3])]),  # two messages merge
        example([(b"y", [1]), (b"y", [2])]),  # the last of two entries counts
        b"\x0a" + length(body) + body,
        b"\x0a" + length(two_lists) + two_lists,
        b"\x0a" + length(other_list) + other_list,
        b"\x0a" + length(b"\x0a" + length(value_first) + value_first) + b"\x0a" + length(value_first) + value_first,
        usual + b"\x10\x05" + b"\x9a\x06\x01x",  # unknown fields
        b"\x0a\x8c\x00" + entry(b"y", b"\x1a\x03\x0a\x01\x07"),  # a length in two bytes where one would do
    ]


@pytest.mark.parametrize("times", [1, 6])
def test_unusual_layouts(times):
    serialized = unusual() * times + [random_example(random.Random(3))]
    for key in (b"x", b"y"):
        assert read(serialized, key, KEYS[key]) == expected(serialized, key)


@pytest.mark.parametrize("count", [1, 60])
def test_damaged_messages_raise_and_never_crash(count):
    rng = random.Random(count)
    usual = [random_example(rng) for _ in range(count)]
    raised = 0
    for _ in range(300):
        bad = bytearray(random_example(rng))
        for _ in range(rng.choice([1, 2, 5])):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        if rng.random() < 0.3:
            del bad[rng.randrange(len(bad)) :]
        serialized = [*usual, bytes(bad)]
        for key, dtype in KEYS.items():
            try:
                read(serialized, key, dtype)
            except tf.errors.InvalidArgumentError:
                raised += 1
    assert raised > 100


@pytest.mark.parametrize(
    "message",
    [
        b"\xff\xff\xff",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",  # a length of 2**63
        b"\x0a\x05ab",
        b"\x0a\x07\x0a\xff\xff\xff\xff\x7f\x00",
        b"\x07\x00",
        b"\x09\x00",
        b"\x80" * 20,
    ],
)
def test_messages_that_cannot_be_read(message):
    for count in (0, 50):
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"Could not parse example.*message {count}"):
            tf.io.parse_example([example([(b"y", [1])])] * count + [message], {"y": tf.io.VarLenFeature(tf.int64)})


def test_packed_numbers():
    numbers = [0, 1, 127, 128, 300, -1, (1 << 63) - 1, -(1 << 63)]
    packed = Feature(int64_list=tf.train.Int64List(value=numbers)).SerializeToString()
    assert wire.values((packed, 0, len(packed)))[1].tolist() == numbers
    with pytest.raises(wire.Malformed, match="ends within"):
        wire.packed(np.array([0x80], np.uint8))
    with pytest.raises(wire.Malformed, match="more than ten"):
        wire.packed(np.array([0x80] * 10 + [1], np.uint8))
