"""Loops of Python over ragged tensors, in functions that AutoGraph converts and in others."""

from __future__ import annotations

from typing import Any

import pytest

import tideflow as tf

WORDS = [[[1, 2], [3]], [], [[5], []]]


@pytest.fixture(params=[[3, None, None], [None, None, None]], ids=["3 rows", "any rows"])
def spec(request: pytest.FixtureRequest) -> Any:
    return tf.RaggedTensorSpec(request.param, tf.int32)


def test_a_loop_goes_over_rows_of_any_length(spec: Any) -> None:
    @tf.function(input_signature=[spec])
    def largest(ragged: Any) -> Any:
        total = turns = 0
        for rows in ragged:
            for row in rows:
                if tf.size(row) == 0:
                    continue
                total += tf.reduce_max(row)
            turns += 1
        return total, turns

    assert [value.numpy() for value in largest(tf.ragged.constant(WORDS))] == [10, 3]
    assert "StatelessWhile" in {operation.type for operation in largest.get_concrete_function().graph.get_operations()}


def test_break_and_enumerate(spec: Any) -> None:
    @tf.function(input_signature=[spec])
    def until_empty(ragged: Any) -> Any:
        last = -1
        for number, rows in enumerate(ragged):
            if rows.nrows() == 0:
                last = number
                break
        return last

    assert until_empty(tf.ragged.constant(WORDS)).numpy() == 1


def test_the_gradient_goes_through_the_rows() -> None:
    x = tf.Variable([1.0, 2.0, 3.0])

    @tf.function
    def loss() -> Any:
        total = 0.0
        for number, row in enumerate(tf.RaggedTensor.from_row_lengths(x, [2, 0, 1])):
            total += tf.cast(number + 1, tf.float32) * tf.reduce_sum(row * row)
        return total

    with tf.GradientTape() as tape:
        value = loss()
    assert value.numpy() == 5.0 + 3 * 9.0
    assert tape.gradient(value, x).numpy().tolist() == [2.0, 4.0, 18.0]


def test_iteration_in_python() -> None:
    ragged = tf.ragged.constant(WORDS)
    assert [row.to_list() for row in ragged] == WORDS

    @tf.function(autograph=False)
    def known(ragged: Any) -> Any:
        return [row.nrows() for row in ragged]

    assert [count.numpy() for count in known(ragged)] == [2, 0, 2]

    @tf.function(autograph=False, input_signature=[tf.RaggedTensorSpec([None, None], tf.int32)])
    def unknown(ragged: Any) -> Any:
        return list(ragged)

    with pytest.raises(tf.errors.OperatorNotAllowedInGraphError, match="number of rows is unknown"):
        unknown(tf.ragged.constant([[1], [2, 3]]))
