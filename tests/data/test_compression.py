"""Elements come back from few bytes as they were, whatever they hold."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.core import dtypes

_NAMES = "bool bfloat16 float16 float32 float64 complex64 complex128 int8 int16 int32 int64 uint8 uint16 uint32 uint64"


@pytest.mark.parametrize("name", [*_NAMES.split(), "qint8", "quint8", "qint32", "float8_e5m2", "string"])
def test_every_dtype(name: str) -> None:
    dtype = dtypes.as_dtype(name)
    if name == "string":
        tensor = tf.constant([[b"a", b""], [b"\xff\x00", b"long" * 100]])
    elif name.startswith("q"):
        tensor = tf.bitcast(tf.constant(np.arange(6).reshape(2, 3).astype(name[1:])), dtype)
    else:
        tensor = tf.cast(tf.cast(tf.constant([[0, 1, 2], [3, 1, 0]]), tf.float32), dtype)
    made = tf.raw_ops.CompressElement(components=[tensor])
    (found,) = tf.raw_ops.UncompressElement(compressed=made, output_types=[dtype], output_shapes=[tensor.shape])
    assert found.dtype is dtype
    assert found.numpy().tobytes() == tensor.numpy().tobytes() or found.numpy().tolist() == tensor.numpy().tolist()


def test_in_a_pipeline() -> None:
    numbers = tf.data.Dataset.range(3).map(lambda x: tf.raw_ops.CompressElement(components=[x, tf.fill([2], x)]))
    back = numbers.map(
        lambda x: tf.raw_ops.UncompressElement(
            compressed=x, output_types=[tf.int64, tf.int64], output_shapes=[tf.TensorShape([]), tf.TensorShape([2])]
        )
    )
    assert [[item.numpy().tolist() for item in element] for element in back] == [[i, [i, i]] for i in range(3)]
