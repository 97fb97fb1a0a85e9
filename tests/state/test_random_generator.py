"""Tests generators against the numbers that TensorFlow gives."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
import tideflow.v1 as tf1


def test_numbers_are_those_of_tensorflow() -> None:
    generator = tf.random.Generator.from_seed(1)
    np.testing.assert_allclose(generator.normal([3]).numpy(), [0.43842274, -0.53439844, -0.07710262], rtol=1e-6)
    assert generator.state.numpy().tolist() == [768 + 1, 0, 0]
    np.testing.assert_array_equal(generator.uniform([2]).numpy(), np.float32([0.6941341, 0.7800473]))
    assert generator.uniform([2], 1, 10, tf.int32).numpy().tolist() == [4, 7]
    assert generator.uniform_full_int([2]).numpy().tolist() == [7972925933957416596, 6301511077381668760]
    assert generator.binomial([2], [5.0, 6.0], [0.3, 0.4]).numpy().tolist() == [3, 2]
    np.testing.assert_allclose(generator.truncated_normal([2]).numpy(), [0.49185026, -0.68282306], rtol=1e-6)
    assert generator.state.numpy().tolist() == [105217, 0, 0]


def test_states_of_seeds() -> None:
    assert tf.random.create_rng_state(-1, "philox").numpy().tolist() == [-1, -1, -1]
    assert tf.random.create_rng_state(2**70 + 5, 1).numpy().tolist() == [5, 64, 0]
    assert tf.random.create_rng_state([7], 1).numpy().tolist() == [0, 0, 7]
    assert tf.random.create_rng_state(5, "threefry").numpy().tolist() == [5, 0]


def test_a_copy_goes_its_own_way_and_a_reset_starts_again() -> None:
    generator = tf.random.Generator.from_key_counter(5, [1, 2**64 - 1], "philox")
    other = tf.random.Generator(copy_from=generator)
    first = generator.normal([2]).numpy()
    np.testing.assert_array_equal(other.normal([2]).numpy(), first)
    generator.reset_from_key_counter(5, [1, 2**64 - 1])
    np.testing.assert_array_equal(generator.normal([2]).numpy(), first)
    states = {tuple(item.state.numpy()) for item in generator.split(3)}
    assert len(states) == 3


@pytest.mark.parametrize("tier", ["host", "xla"])
def test_a_loop_draws_on(tier: str, monkeypatch) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", tier)
    eager = tf.random.Generator.from_seed(3)
    expected = sum(eager.uniform([2]).numpy() for _ in range(3))
    with tf1.Graph().as_default():
        generator = tf.random.Generator.from_seed(3)

        def turn(index, total):
            return index + 1, total + generator.uniform([2])

        result = tf1.while_loop(lambda index, total: index < 3, turn, [0, tf1.zeros([2])])
        with tf1.Session() as session:
            session.run(tf1.global_variables_initializer())
            np.testing.assert_allclose(session.run(result)[1], expected, rtol=1e-6)
            assert session.run(generator.state).tolist() == [3 * 512 + 3, 0, 0]


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="unsupported value"):
        tf.random.Generator.from_seed(1, alg="mersenne")
    with pytest.raises(ValueError, match="minval and maxval"):
        tf.random.Generator.from_seed(1).uniform([1], None, 5, tf.int32)
    with pytest.raises(tf.errors.UnimplementedError, match="ThreeFry"):
        tf.random.Generator.from_seed(1, alg="threefry").normal([1])


def test_the_global_generator_can_be_replaced() -> None:
    before = tf.random.get_global_generator()
    try:
        tf.random.set_global_generator(tf.random.Generator.from_seed(1))
        np.testing.assert_allclose(tf.random.get_global_generator().normal([]).numpy(), 0.43842274, rtol=1e-6)
    finally:
        tf.random.set_global_generator(before)
