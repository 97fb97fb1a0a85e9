"""Checks ``GradientTape``: what it records, what it returns, and its errors, as TensorFlow 2.21."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tideflow as tf


@pytest.fixture
def x():
    return tf.constant(3.0)


def test_watched_tensors_and_trainable_variables_are_differentiated(x) -> None:
    variable = tf.Variable(2.0)
    fixed = tf.Variable(5.0, trainable=False)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x * variable + fixed
    assert [watched is variable for watched in tape.watched_variables()] == [True]
    dx, dv, df = tape.gradient(y, [x, variable, fixed])
    assert (float(dx), float(dv), df) == (12.0, 9.0, None)


def test_what_is_not_watched_has_no_gradient(x) -> None:
    with tf.GradientTape() as tape:
        y = x * x
    assert tape.gradient(y, x) is None
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        variable = tf.Variable(2.0)
        y = variable * variable
    assert tape.gradient(y, variable) is None


def test_a_tape_is_used_once_unless_persistent(x) -> None:
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(RuntimeError, match="can only be used to compute one set of gradients"):
        tape.gradient(y, x)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
        z = y * x
    assert [float(tape.gradient(target, x)) for target in (y, z, y)] == [6.0, 27.0, 6.0]
    assert float(tape.gradient(z, y)) == 3.0


def test_nested_tapes_give_higher_orders(x) -> None:
    with tf.GradientTape() as third:
        third.watch(x)
        with tf.GradientTape() as second:
            second.watch(x)
            with tf.GradientTape() as first:
                first.watch(x)
                y = x**4.0 + tf.sin(x)
            d1 = first.gradient(y, x)
        d2 = second.gradient(d1, x)
    d3 = third.gradient(d2, x)
    expected = [4 * 27 + np.cos(3), 12 * 9 - np.sin(3), 24 * 3 - np.cos(3)]
    np.testing.assert_allclose([float(d) for d in (d1, d2, d3)], expected, rtol=1e-5)


def test_stop_recording_and_reset(x) -> None:
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
        with tape.stop_recording():
            z = y * y
        w = y * 1.0
    assert tape.gradient([w, z], x).numpy() == 6.0
    with tf.GradientTape() as tape:
        tape.watch(x)
        _ = x * x
        tape.reset()
        tape.watch(x)
        y = x * 2.0
    assert tape.gradient(y, x).numpy() == 2.0
    with pytest.raises(RuntimeError, match="tape which is not recording"), tape.stop_recording():
        pass


def test_several_targets_structures_and_output_gradients(x) -> None:
    sources = {"a": x, "b": [tf.constant([1.0, 2.0])]}
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(sources)
        y, z = x * x, sources["b"][0] * x
    gradients = tape.gradient([y, z], sources)
    assert float(gradients["a"]) == 6.0 + 3.0
    assert gradients["b"][0].numpy().tolist() == [3.0, 3.0]
    assert float(tape.gradient(z, x, output_gradients=tf.constant([10.0, 1.0]))) == 12.0


def test_a_target_without_a_gradient_adds_nothing(x) -> None:
    function = tf.function(lambda x: (x * x, x**3))
    for targets in (lambda x: (x * x, x**3), function):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y, z = targets(x)
            with tf.GradientTape() as inner:
                inner.watch([y, z])
                loss = 10.0 * y
        upstream = inner.gradient(loss, [y, z])
        assert upstream[1] is None
        assert float(tape.gradient([y, z], x, output_gradients=upstream)) == 60.0
        assert float(tape.gradient([y, z], x, output_gradients=[None, tf.constant(1.0)])) == 27.0
        assert tape.gradient([y, z], x, output_gradients=[None, None]) is None
        with pytest.raises(ValueError, match="1 gradients for 2 targets"):
            tape.gradient([y, z], x, output_gradients=[None])


def test_unconnected_gradients(x) -> None:
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
    other = tf.constant([1.0, 2.0])
    assert tape.gradient(y, other) is None
    assert tape.gradient(y, other, unconnected_gradients="zero").numpy().tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="Unknown value for unconnected_gradients: 'x'"):
        tape.gradient(y, other, unconnected_gradients="x")


def test_integers_stop_gradients(x) -> None:
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.cast(tf.cast(x * x, tf.int32), tf.float32)
    assert tape.gradient(y, x) is None
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.stop_gradient(x) * x
    assert float(tape.gradient(y, x)) == 3.0


def test_gathering_gives_slices_and_mixing_adds_them_up() -> None:
    table = tf.Variable(np.ones((3, 2), np.float32))
    with tf.GradientTape(persistent=True) as tape:
        picked = tf.reduce_sum(tf.gather(table, [2, 2, 0]))
        both = picked + tf.reduce_sum(table)
    slices = tape.gradient(picked, table)
    assert isinstance(slices, tf.IndexedSlices)
    assert slices.indices.numpy().tolist() == [2, 2, 0]
    np.testing.assert_array_equal(tf.convert_to_tensor(slices), [[1, 1], [0, 0], [2, 2]])
    np.testing.assert_array_equal(tf.convert_to_tensor(tape.gradient(both, table)), [[2, 2], [1, 1], [3, 3]])


def test_a_source_on_the_way_and_a_target_that_is_a_source(x) -> None:
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
        z = y * y
    assert [float(d) for d in tape.gradient(z, [x, y, z])] == [108.0, 18.0, 1.0]


def test_complex_numbers_follow_tensorflows_convention() -> None:
    z = tf.constant(1.0 + 2.0j)
    with tf.GradientTape() as tape:
        tape.watch(z)
        y = z * z
    assert tape.gradient(y, z).numpy() == 2.0 - 4.0j


def test_what_cannot_be_watched_or_differentiated(x) -> None:
    tape = tf.GradientTape()
    with pytest.raises(ValueError, match="Passed in object a of type 'str'"):
        tape.watch("a")
    with tape:
        tape.watch(x)
        y = x * x
    with pytest.raises(TypeError, match="Argument `target` should be"):
        tape.gradient(None, x)
    assert float(tape.gradient(y, x)) == 6.0


def test_a_long_chain_needs_no_deep_stack(x) -> None:
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x
        for _ in range(5_000):
            y = y + 1.0
    assert float(tape.gradient(y, x)) == 1.0


def test_an_exception_ends_the_recording(x) -> None:
    tape = tf.GradientTape()
    with pytest.raises(ZeroDivisionError), tape:
        raise ZeroDivisionError
    with tf.GradientTape() as other:
        other.watch(x)
        y = x * x
    assert float(other.gradient(y, x)) == 6.0


def test_nodes_of_gradients_take_no_names_of_the_program():
    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x * x
        return tf.identity(tape.gradient(y, x) * 2.0, "out")

    graph = step.get_concrete_function(tf.TensorSpec([])).graph
    names = [op.name for op in graph.get_operations()]
    assert [name for name in names if not name.startswith("gradient_tape/")] == [
        "x", "mul", "mul_1/y", "mul_1", "out", "Identity",
    ]  # fmt: skip


def test_the_gradient_of_a_variable_by_itself_is_one() -> None:
    v, w = tf.Variable(2.0), tf.Variable([1.0, 2.0])

    def gradients() -> Any:
        with tf.GradientTape(persistent=True) as tape:
            chosen = v
            y = v * 3.0
        return (
            tape.gradient(chosen, [v, w]),
            tape.gradient([v, y], v),
            tape.gradient(w, w, output_gradients=[tf.constant([3.0, 4.0])]),
        )

    for run in (gradients, tf.function(gradients)):
        (of_v, of_w), both, weighted = run()
        assert of_v.numpy() == 1.0
        assert of_w is None
        assert both.numpy() == 4.0
        assert weighted.numpy().tolist() == [3.0, 4.0]
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = v * v
        first = inner.gradient([v, y], v)
    assert (first.numpy(), outer.gradient(first, v).numpy()) == (5.0, 2.0)
