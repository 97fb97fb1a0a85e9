"""Checks the ``TensorArray`` operations of TensorFlow 1.x, of all versions, and stacks, in graphs."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow.v1 as tf

raw = tf.raw_ops
ROWS = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])


def made(version, size=3, **options):
    """Returns the handle and flow of an array."""
    result = getattr(raw, f"TensorArray{version}")(size=size, dtype=tf.float64, **options)
    return tuple(result) if version == "V3" else (result, tf.constant(0.0))


@pytest.mark.parametrize("version", ["V3", "V2", ""])
def test_reading_what_was_written_with_gradients(version, graph) -> None:
    def call(name, **inputs):
        return getattr(raw, f"TensorArray{name}{version}")(**inputs)

    x = tf.placeholder(tf.float64, [3, 2])
    handle, flow = made(version, clear_after_read=False)
    flow = call("Scatter", handle=handle, indices=[2, 0], value=x[:2], flow_in=flow)
    flow = call("Write", handle=handle, index=1, value=x[2] * 10.0, flow_in=flow)
    one = call("Read", handle=handle, index=1, flow_in=flow, dtype=tf.float64)
    some = call("Gather", handle=handle, indices=[0, 2], flow_in=flow, dtype=tf.float64)
    joined, lengths = call("Concat", handle=handle, flow_in=flow, dtype=tf.float64)
    size = call("Size", handle=handle, flow_in=flow)
    loss = tf.reduce_sum(one * one) + tf.reduce_sum(some**3) + tf.reduce_sum(joined * joined)
    gradient = tf.gradients(loss, x)[0]
    expected = np.concatenate([3 * ROWS[:2] ** 2 + 2 * ROWS[:2], 400 * ROWS[2:]])
    with tf.Session() as session:
        found = session.run([one, some, joined, lengths, size, gradient], {x: ROWS})
    np.testing.assert_array_equal(found[0], ROWS[2] * 10)
    np.testing.assert_array_equal(found[1], ROWS[[1, 0]])
    np.testing.assert_array_equal(found[2], np.concatenate([ROWS[1], ROWS[2] * 10, ROWS[0]]))
    np.testing.assert_array_equal(found[3], [2, 2, 2])
    assert found[4] == 3
    np.testing.assert_allclose(found[5], expected)


def test_pack_and_unpack(graph) -> None:
    x = tf.placeholder(tf.float64, [3, 2])
    handle, flow = made("")
    flow = raw.TensorArrayUnpack(handle=handle, value=x, flow_in=flow)
    y = raw.TensorArrayPack(handle=handle, flow_in=flow, dtype=tf.float64)
    with tf.Session() as session:
        found = session.run([y, tf.gradients(y**2, x)[0]], {x: ROWS})
    np.testing.assert_array_equal(found, [ROWS, 2 * ROWS])


def test_splitting_with_a_gradient(graph) -> None:
    x = tf.placeholder(tf.float64, [3, 2])
    handle, flow = made("V3", 2, element_shape=[None, 2])
    flow = raw.TensorArraySplitV3(handle=handle, value=x, lengths=np.int64([1, 2]), flow_in=flow)
    last = raw.TensorArrayReadV3(handle=handle, index=1, flow_in=flow, dtype=tf.float64)
    with tf.Session() as session:
        found = session.run([last, tf.gradients(last**2, x)[0]], {x: ROWS})
    np.testing.assert_array_equal(found[0], ROWS[1:])
    np.testing.assert_array_equal(found[1], [[0, 0], [6, 8], [10, 12]])


def test_writing_twice_is_refused(graph) -> None:
    handle, flow = made("V3")
    for _ in range(2):
        flow = raw.TensorArrayWriteV3(handle=handle, index=0, value=ROWS[0], flow_in=flow)
    with pytest.raises(tf.errors.InvalidArgumentError, match="already been written"), tf.Session() as session:
        session.run(flow)


def test_an_element_is_cleared_by_reading(graph) -> None:
    handle, flow = made("V3")
    flow = raw.TensorArrayWriteV3(handle=handle, index=0, value=ROWS[0], flow_in=flow)
    first = raw.TensorArrayReadV3(handle=handle, index=0, flow_in=flow, dtype=tf.float64)
    with tf.control_dependencies([first]):
        second = raw.TensorArrayReadV3(handle=handle, index=0, flow_in=flow, dtype=tf.float64)
        closed = raw.TensorArrayCloseV3(handle=handle)
    with tf.control_dependencies([closed]):
        size = raw.TensorArraySizeV3(handle=handle, flow_in=flow)
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(first), ROWS[0])
        with pytest.raises(tf.errors.InvalidArgumentError, match="cleared after a previous read"):
            session.run(second)
        with pytest.raises(tf.errors.InvalidArgumentError, match="already been closed"):
            session.run(size)


def test_gradients_of_what_was_never_read_are_zero(graph) -> None:
    x = tf.placeholder(tf.float64, [3, 2])
    handle, flow = made("V3")
    flow = raw.TensorArrayScatterV3(handle=handle, indices=[0, 1, 2], value=x, flow_in=flow)
    one = raw.TensorArrayReadV3(handle=handle, index=1, flow_in=flow, dtype=tf.float64)
    with tf.Session() as session:
        found = session.run(tf.gradients(one, x)[0], {x: ROWS})
    np.testing.assert_array_equal(found, [[0, 0], [1, 1], [0, 0]])


@pytest.mark.parametrize("version", ["V2", ""])
def test_a_stack(version, graph) -> None:
    def call(name, **inputs):
        return getattr(raw, f"Stack{name}{version}")(**inputs)

    handle = call("", elem_type=tf.float32, **({"max_size": 2} if version else {}))
    first = call("Push", handle=handle, elem=1.0)
    with tf.control_dependencies([first]):
        second = call("Push", handle=handle, elem=2.0)
    with tf.control_dependencies([second]):
        top = call("Pop", handle=handle, elem_type=tf.float32)
        third = call("Push", handle=handle, elem=3.0)
    with tf.control_dependencies([top]):
        below = call("Pop", handle=handle, elem_type=tf.float32)
    with tf.control_dependencies([below]):
        empty = call("Pop", handle=handle, elem_type=tf.float32)
    with tf.Session() as session:
        assert session.run([first, second, top, below]) == [1.0, 2.0, 2.0, 1.0]
        with pytest.raises(tf.errors.InvalidArgumentError, match="is empty"):
            session.run(empty)
        if version:
            with pytest.raises(tf.errors.InvalidArgumentError, match="overflowed"):
                session.run(third)
