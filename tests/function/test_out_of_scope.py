"""Symbolic tensors that are used outside of the function, branch or loop that they belong to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tideflow as tf
from tideflow._src.core.errors import InaccessibleTensorError

FIRST_LINE = (
    r"<tf.Tensor 'add:0' shape=\(\) dtype=float32> is out of scope and cannot be used here. Use return values, "
    "explicit Python locals or TensorFlow collections to access it."
)


@pytest.fixture(name="leaked", scope="module")
def _leaked() -> Any:
    kept = []

    @tf.function
    def leak(x: Any) -> Any:
        kept.append(x + 1)
        return x

    leak(tf.constant(1.0))
    return kept[0]


@pytest.mark.parametrize(
    "use",
    [
        lambda x: x + 1,
        lambda x: 1 + x,
        lambda x: tf.add(tf.constant(1.0), x),
        tf.identity,
        tf.reduce_sum,
        lambda x: tf.concat([[1.0], [x]], 0),
        lambda x: tf.stack([x, 1.0]),
        tf.shape,
        lambda x: tf.Variable(1.0).assign(x),
        lambda x: tf.cond(x > 0, lambda: 1, lambda: 2),
        lambda x: tf.function(lambda y: y)(x),
        lambda x: tf.function(lambda: x)(),
        tf.print,
    ],
)
def test_outside_of_its_function(leaked: Any, use: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match=FIRST_LINE) as caught:
        use(leaked)
    assert "It belongs to the function __inference_leak_" in str(caught.value)


def test_of_a_function_inside() -> None:
    @tf.function
    def outer() -> Any:
        kept = []

        @tf.function
        def inner() -> Any:
            kept.append(tf.constant(2.0) * 1.0)
            return kept[-1]

        inner()
        return kept[-1] + 1

    with pytest.raises(InaccessibleTensorError, match="is out of scope and cannot be used here"):
        outer()


def test_of_a_branch_or_loop() -> None:
    @tf.function
    def branch(holds: Any) -> Any:
        kept: list[Any] = []

        def keep() -> Any:
            kept.append(tf.constant(1.0) + 1.0)
            return kept[0]

        tf.cond(holds, keep, lambda: 0.0)
        return kept[0] + 1

    @tf.function
    def loop(turns: Any) -> Any:
        kept: list[Any] = []

        def body(i: Any) -> Any:
            kept.append(i + 1)
            return i + 1

        tf.while_loop(lambda i: i < turns, body, [tf.constant(0)])
        return kept[0] + 1

    for function, argument in ((branch, tf.constant(True)), (loop, tf.constant(3))):
        with pytest.raises(ValueError, match="is out of scope and cannot be used here"):
            function(argument)


def test_of_a_graph() -> None:
    with tf.Graph().as_default():
        tensor = tf.constant(1.0)
    with pytest.raises(TypeError, match=r"'Const:0' shape=.* is out of scope and cannot be used here"):
        tensor + 1
