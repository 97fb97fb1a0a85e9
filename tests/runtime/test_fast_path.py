"""Checks generated fast paths: what they take, what they leave to the general way, and what tapes hear of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.core import context
from tideflow._src.graph.op_def import OpDef
from tideflow._src.runtime.fast_path import fast_path

SQUARE: Any = OpDef.registry["Square"]


def make(inputs: str | None = "(x,)", value: str = "v_x * v_x") -> tuple[Any, list[Any]]:
    """Returns a function with a fast path for vectors, and the list of what its general way was given."""
    asked: list[Any] = []

    @fast_path(SQUARE, tensors=("x",), when="v_x.ndim == 1", value=value, inputs=inputs)
    def squared(x: Any, name: str = "square") -> Any:
        """Is the square."""
        asked.append(x)
        return SQUARE(x, name=name)

    return squared, asked


def test_it_keeps_name_documentation_and_defaults() -> None:
    function, asked = make()
    assert (function.__name__, function.__doc__, function.__defaults__) == ("squared", "Is the square.", ("square",))
    assert function(tf.constant([3.0]), name="other").numpy().tolist() == [9.0]
    assert asked == []


def test_what_it_does_not_take_goes_the_general_way() -> None:
    function, asked = make()
    for value in (tf.constant(3.0), [3.0], tf.Variable([3.0])):
        assert np.all(function(value).numpy() == 9.0)
    assert len(asked) == 3
    with tf.Graph().as_default():
        assert function(tf.constant([3.0])).op.type == "Square"
    assert len(asked) == 4


def test_a_value_that_fails_goes_the_general_way() -> None:
    function, asked = make(value="v_x.reshape(2)")
    assert function(tf.constant([3.0])).numpy().tolist() == [9.0]
    assert len(asked) == 1


@pytest.mark.parametrize(("inputs", "general"), [("(x,)", 0), (None, 1)])
def test_tapes_hear_of_it(inputs: str | None, general: int) -> None:
    function, asked = make(inputs)
    x = tf.constant([3.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    assert tape.gradient(y, x).numpy().tolist() == [6.0]
    assert len(asked) == general


def test_every_public_fast_path_is_differentiated() -> None:
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    for function in (
        lambda: tf.matmul(x, x, transpose_b=True),
        lambda: tf.reshape(x, [4]),
        lambda: tf.expand_dims(x, -1),
        lambda: tf.concat([x, x], 1),
        lambda: tf.transpose(x),
        lambda: tf.transpose(x, [1, 0]),
        lambda: tf.stack([x, 2.0 * x]),
        lambda: x[1:],
        lambda: tf.reduce_mean(x, [0]),
        lambda: tf.reduce_sum(x, keepdims=True),
        lambda: 3.0 - x,
        lambda: x / 2.0,
        lambda: tf.exp(x),
    ):
        found = []
        for special in (False, True):  # a marker sends every call the general way
            if special:
                context.SPECIAL[None] = context.BUILDING[None] = None
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = function()
            found.append((y.numpy(), tape.gradient(y, x).numpy()))
            context.SPECIAL.clear()
            context.BUILDING.clear()
        for fast, slow in zip(*found, strict=True):
            np.testing.assert_array_equal(fast, slow)
