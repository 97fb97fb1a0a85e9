"""Checks conditions that kernels require, on the host and in compiled programs."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import tideflow.v1 as tf
from tideflow._src.runtime.checks import first_broken, require, require_possible


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


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((2**62, 2**62, 0), tf.errors.InvalidArgumentError),
        ((2**63, 0), tf.errors.InvalidArgumentError),
        ((2**44,), tf.errors.ResourceExhaustedError),
        ((2**40, 2**10), tf.errors.ResourceExhaustedError),
    ],
)
def test_a_shape_that_cannot_be(shape, kind) -> None:
    require_possible([(2**40, 2**20, 0), (2**20, 2**20), ()], 1)
    with pytest.raises(kind):
        require_possible([(), shape], 4)


def _fed(make, *values):
    """Runs an operation on values of which nothing is known before the run, not even the rank."""
    feeds = {tf.placeholder(value.dtype): value for value in values}
    with tf.Session() as session:
        return session.run(make(*feeds), feeds)


@pytest.mark.parametrize(
    ("make", "value"),
    [
        (lambda x: tf.raw_ops.DepthToSpace(input=x, block_size=2**31 - 1), np.zeros((0, 1, 1, 0), np.float32)),
        (lambda x: tf.raw_ops.Tile(input=x, multiples=[2**62, 2**62]), np.zeros((1, 0), np.float32)),
        (lambda x: tf.raw_ops.Pad(input=x, paddings=[[2**62, 0]] * 2), np.zeros((1, 0), np.float32)),
        (
            lambda x: tf.raw_ops.BatchToSpaceND(input=x, block_shape=[2**31 - 1] * 2, crops=[[0, 0]] * 2),
            np.zeros((0, 1, 1, 1), np.float32),
        ),
        (lambda x: tf.raw_ops.ResizeNearestNeighbor(images=x, size=[2**31 - 1] * 2), np.zeros((0, 1, 1, 1), "f")),
        (lambda x: tf.raw_ops.ResizeBicubic(images=x, size=[2**31 - 1] * 2), np.zeros((0, 1, 1, 1), "f")),
    ],
)
def test_what_overflows_is_refused_before_anything_is_computed(graph, tier, make, value) -> None:
    with pytest.raises((tf.errors.InvalidArgumentError, tf.errors.ResourceExhaustedError)):
        _fed(make, value)


@pytest.mark.parametrize(
    "make",
    [
        lambda x: tf.raw_ops.ScatterNd(indices=[[0]], updates=[1.0], shape=x),
        lambda x: tf.raw_ops.MaxPoolV2(input=np.zeros((1, 4, 4, 1), "f"), ksize=x, strides=[1] * 4, padding="SAME"),
        lambda x: tf.raw_ops.MaxPoolV2(input=np.zeros((1, 4, 4, 1), "f"), ksize=[1] * 4, strides=x, padding="SAME"),
    ],
)
@pytest.mark.parametrize("value", [np.int32([[4]]), np.int32(2)])
def test_an_input_of_a_wrong_rank_that_only_the_run_knows(graph, tier, make, value) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError):
        _fed(make, value)
