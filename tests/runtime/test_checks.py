"""Checks conditions that kernels require, on the host and in compiled programs."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import tideflow.v1 as tf
from tideflow._src.runtime.checks import first_broken, require


def test_on_the_host_a_failed_condition_raises() -> None:
    require(np.bool_(True), "never seen")
    with pytest.raises(tf.errors.InvalidArgumentError, match="too large"):
        require(np.array(False), "too large")


def test_a_condition_of_a_compiled_program_names_its_operation_for_every_shape(graph, tier) -> None:
    values, index = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.int32, [None])
    first = tf.gather(values, index, name="first")
    both = first + tf.gather(values * 2.0, index + 1, name="second")
    with tf.Session() as session:
        for size in (3, 5):
            data = np.arange(size, dtype=np.float32)
            assert session.run(both, {values: data, index: [0]}) == [2.0]
            with pytest.raises(tf.errors.InvalidArgumentError) as caught:
                session.run(both, {values: data, index: [size - 1]})
            assert caught.value.op.name == "second"
            with pytest.raises(tf.errors.InvalidArgumentError) as caught:
                session.run(both, {values: data, index: [-7, 0]})
            assert caught.value.op.name == "first"


def test_the_first_condition_that_fails_is_named() -> None:
    import jax

    def number(*held: Any) -> Any:
        return first_broken([(condition, "") for condition in held])

    compiled = jax.jit(number)
    for held in itertools.product([False, True], repeat=3):
        expected = held.index(False) if False in held else -1
        assert int(compiled(*map(np.bool_, held))) == int(number(*held)) == expected
    assert int(compiled(np.array([True]), np.array([[False]]))) == 1
