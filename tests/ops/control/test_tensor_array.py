"""Checks ``tf.TensorArray``, eagerly and in graphs, and its spec."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf2
import tideflow.v1 as tf

ROWS = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]


def filled(**options):
    array = tf2.TensorArray(tf2.float32, 3, clear_after_read=False, **options)
    for index, row in enumerate(ROWS):
        array = array.write(index, row)
    return array


def everything():
    """Returns what each way of reading gives, for arrays filled in each way."""
    array = filled()
    parts = tf2.TensorArray(tf2.float32, 2, infer_shape=False).split(ROWS, [1, 2])
    spread = tf2.TensorArray(tf2.float32, 3).scatter([2, 0, 1], ROWS)
    grown = tf2.TensorArray(tf2.float32, 0, dynamic_size=True, element_shape=[]).write(2, 7.0)
    return [
        array.read(1), array.stack(), array.gather([2, 0]), array.concat(), array.size(), parts.concat(),
        spread.stack(), grown.stack(), grown.size(), array.identity().read(0),
        tf2.TensorArray(tf2.string, 1).write(0, "text").read(0), tf2.TensorArray(tf2.float32, 3).unstack(ROWS).read(2),
    ]  # fmt: skip


EXPECTED = [
    ROWS[1], ROWS, [ROWS[2], ROWS[0]], [1, 2, 3, 4, 5, 6], 3, ROWS, [ROWS[1], ROWS[2], ROWS[0]], [0, 0, 7], 3, ROWS[0],
    b"text", ROWS[2],
]  # fmt: skip


def test_eagerly() -> None:
    for found, expected in zip(everything(), EXPECTED, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_in_a_graph(graph, tier) -> None:
    with tf.Session() as session:
        for found, expected in zip(session.run(everything()), EXPECTED, strict=True):
            np.testing.assert_array_equal(found, expected)


def test_static_shapes(graph) -> None:
    array = filled()
    assert array.element_shape.as_list() == [2]
    assert array.stack().shape.as_list() == [3, 2]
    assert array.gather([0]).shape.as_list() == [1, 2]
    assert array.concat().shape.as_list() == [None]
    with pytest.raises(ValueError, match="Incompatible shape"):
        array.write(1, [1.0])


def test_as_a_loop_variable_with_gradients(graph, tier) -> None:
    x = tf.placeholder(tf.float64, [4, 2])
    source = tf2.TensorArray(tf2.float64, 4).unstack(x)

    def body(i, total, array):
        total = tf2.tanh(total + source.read(i))
        return i + 1, total, array.write(i, total)

    start = (0, tf2.zeros([2], tf2.float64), tf2.TensorArray(tf2.float64, 4))
    _, _, array = tf2.while_loop(lambda i, total, array: i < 4, body, start)
    y = array.stack()
    assert y.shape.as_list() == [4, 2]
    gradient = tf.gradients(y * y, x)[0]
    at = np.linspace(-1, 1, 8).reshape(4, 2)

    def loss(value):
        total, found = np.zeros(2), 0.0
        for row in value:
            total = np.tanh(total + row)
            found += (total**2).sum()
        return found

    numeric = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        change = np.zeros_like(at)
        change[index] = 1e-6
        numeric[index] = (loss(at + change) - loss(at - change)) / 2e-6
    with tf.Session() as session:
        np.testing.assert_allclose(session.run(gradient, {x: at}), numeric, rtol=1e-6)


def test_out_of_branches(graph, tier) -> None:
    x = tf.placeholder(tf.float32, [4])
    array = tf.cond(
        x[0] > 0.0,
        lambda: tf2.TensorArray(tf2.float32, 2).unstack(x[:2]),
        lambda: tf2.TensorArray(tf2.float32, 2).unstack(x[2:]),
    )
    y = array.stack()
    gradient = tf.gradients(y * y, x)[0]
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(gradient, {x: [1, 2, 3, 4]}), [2, 4, 0, 0])
        np.testing.assert_array_equal(session.run(gradient, {x: [-1, 2, 3, 4]}), [0, 0, 6, 8])


def test_an_array_that_grows_in_a_loop(graph, tier) -> None:
    n = tf.placeholder(tf.int32, [])
    x = tf.placeholder(tf.float32, [])
    array = tf2.TensorArray(tf2.float32, 0, dynamic_size=True, element_shape=[])
    _, array = tf2.while_loop(
        lambda i, array: i < n, lambda i, array: (i + 1, array.write(i, x * tf2.cast(i, tf2.float32))), (0, array)
    )
    gradient = tf.gradients(array.stack(), x)[0]
    with tf.Session() as session:
        assert session.run([array.size(), gradient], {n: 5, x: 1.0}) == [5, 10.0]


def test_an_index_out_of_range_in_a_compiled_loop(graph, tier) -> None:
    n = tf.placeholder(tf.int32, [])
    array = tf2.TensorArray(tf2.float32, 3).unstack([1.0, 2.0, 3.0])
    total = tf2.while_loop(lambda i, y: i < n, lambda i, y: (i + 1, y + array.read(i)), (0, 0.0))[1]
    with tf.Session() as session:
        assert session.run(total, {n: 3}) == 6.0
        with pytest.raises(tf2.errors.InvalidArgumentError, match="Trying to access"):
            session.run(total, {n: 4})


def test_eager_gradients() -> None:
    x = tf2.constant([1.0, 2.0])
    with tf2.GradientTape() as tape:
        tape.watch(x)
        array = tf2.TensorArray(tf2.float32, 2).write(0, x).write(1, x * x)
        y = array.stack()
    np.testing.assert_array_equal(tape.gradient(y, x), [3.0, 5.0])


def test_an_eager_array_goes_into_a_function_and_back() -> None:
    @tf2.function
    def doubled(array):
        for index in tf2.range(array.size()):
            array = array.write(index, 2.0 * array.read(index))
        return array

    rows = tf2.Variable(ROWS)
    with tf2.GradientTape() as tape:
        given = tf2.TensorArray(tf2.float32, 4, element_shape=[2], clear_after_read=False).scatter([2, 0, 1], rows)
        found = doubled(given).stack()
        total = tf2.reduce_sum(found * found)
    assert given.stack().numpy().tolist() == [*[ROWS[index] for index in (1, 2, 0)], [0.0, 0.0]]
    assert found.numpy().tolist() == (2.0 * given.stack()).numpy().tolist()
    assert tape.gradient(total, rows).numpy().tolist() == (8.0 * rows).numpy().tolist()
    longer = doubled(tf2.TensorArray(tf2.float32, 2, infer_shape=False).split(ROWS, [1, 2]))
    assert longer.concat().numpy().tolist() == (2.0 * rows).numpy().tolist()


def test_what_is_refused_eagerly() -> None:
    array = tf2.TensorArray(tf2.float32, 2)
    with pytest.raises(tf2.errors.OutOfRangeError, match="not resizeable"):
        array.write(2, 1.0)
    with pytest.raises(tf2.errors.OutOfRangeError, match="negative"):
        array.read(-1)
    with pytest.raises(tf2.errors.InvalidArgumentError, match="dtype is float32"):
        array.write(0, tf2.constant(1))
    array.write(0, [1.0, 2.0])
    with pytest.raises(ValueError, match="Incompatible shape"):
        array.write(1, [1.0])
    array.read(0)
    with pytest.raises(tf2.errors.InvalidArgumentError, match="cleared after a previous read"):
        array.read(0)
    with pytest.raises(ValueError, match="static size 2"):
        array.unstack([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="Size must be declared"):
        tf2.TensorArray(tf2.float32)
    with pytest.raises(NotImplementedError):
        array.grad("gradients")


def test_the_spec() -> None:
    array = tf2.TensorArray(tf2.int32, 1, element_shape=[2], dynamic_size=True)
    spec = tf2.type_spec_from_value(array)
    assert spec == tf2.TensorArraySpec([2], tf2.int32, True, True)
    assert spec.is_compatible_with(array)
    assert not tf2.TensorArraySpec([3], tf2.int32, True).is_compatible_with(array)
    assert repr(spec) == "TensorArraySpec(TensorShape([2]), tf.int32, True, True)"
    assert tf2.nest.flatten(array) == [array]


def test_eagerly_only_reading_an_element_clears_it() -> None:
    array = tf2.TensorArray(tf2.float32, 3)
    array = array.write(0, [1.0, 2.0]).write(1, [3.0, 10.0]).write(2, [5.0, 7.0])
    for _ in range(2):
        assert array.gather([0, 1]).numpy().tolist() == [[1.0, 2.0], [3.0, 10.0]]
        assert array.stack().numpy().tolist() == [[1.0, 2.0], [3.0, 10.0], [5.0, 7.0]]
        assert array.concat().numpy().tolist() == [1.0, 2.0, 3.0, 10.0, 5.0, 7.0]
    assert array.read(1).numpy().tolist() == [3.0, 10.0]
    assert array.gather([1, 2]).numpy().tolist() == [[0.0, 0.0], [5.0, 7.0]]
    assert array.stack().numpy().tolist() == [[1.0, 2.0], [0.0, 0.0], [5.0, 7.0]]
    assert array.gather([]).shape == (0, 2)


def test_no_elements_side_by_side_eagerly() -> None:
    assert tf2.TensorArray(tf2.float32, 0, element_shape=[None, 3]).concat().shape == (0, 3)
    assert tf2.TensorArray(tf2.string, 0, element_shape=[2]).concat().numpy().tolist() == []
    with pytest.raises(tf2.errors.InvalidArgumentError, match="must be fully defined when concating an empty"):
        tf2.TensorArray(tf2.float32, 0).concat()


def test_parts_of_several_lengths() -> None:
    def parts(**options):
        return tf2.TensorArray(tf2.int32, 2, clear_after_read=False, **options).split([1, 2, 3], [1, 2])

    def answers():
        arrays = [parts(), parts(element_shape=[None]), parts().write(0, [5, 6, 7])]
        return [(array.read(0), array.read(1), array.concat()) for array in arrays]

    expected = [([1], [2, 3], [1, 2, 3]), ([1], [2, 3], [1, 2, 3]), ([5, 6, 7], [2, 3], [5, 6, 7, 2, 3])]
    for run in (answers, tf2.function(answers)):
        assert [tuple(item.numpy().tolist() for item in each) for each in run()] == expected
    with pytest.raises(tf2.errors.InvalidArgumentError, match=r"values\[0\].shape = \[1\] != values\[1\]"):
        parts().stack()
    with pytest.raises(ValueError, match="Incompatible shape"):
        tf2.TensorArray(tf2.int32, 2).split([1, 2], [1, 1]).write(0, [5, 6, 7])
