"""Tables give the values of keys in the form of the keys, eagerly and in functions; queues know shapes in functions."""

from __future__ import annotations

from typing import Any

import pytest

import tideflow as tf


def _static() -> Any:
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2]), -1)


def _vocabulary() -> Any:
    values = tf.constant([1, 2], tf.int64)
    return tf.lookup.StaticVocabularyTable(tf.lookup.KeyValueTensorInitializer(["a", "b"], values - 1), 1)


@pytest.mark.parametrize(("make", "missing", "first"), [(_static, -1, 1), (_vocabulary, 2, 0)])
@pytest.mark.parametrize("traced", [False, True])
def test_ragged_and_sparse_keys(make: Any, missing: int, first: int, traced: bool) -> None:
    table = make()
    lookup = tf.function(lambda keys: table.lookup(keys), autograph=False) if traced else table.lookup
    assert lookup(tf.ragged.constant([["a"], [], ["z", "b"]])).to_list() == [[first], [], [missing, first + 1]]
    assert lookup(tf.ragged.constant([[["a"], []], [["b"]]])).to_list() == [[[first], []], [[first + 1]]]
    sparse = lookup(tf.SparseTensor([[0, 1]], ["b"], [2, 2]))
    assert sparse.values.numpy().tolist() == [first + 1]
    with pytest.raises(TypeError, match="must be <dtype: 'string'>, received: <dtype: 'int32'>"):
        lookup(tf.constant([1]))


def test_a_table_of_nothing() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="cannot be empty"):
        tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer([], [], tf.string, tf.int64), -1)


def test_a_queue_in_a_loop_of_a_function() -> None:
    queue = tf.queue.FIFOQueue(100, [tf.int32], [[]])

    @tf.function
    def squares() -> Any:
        for i in tf.range(5):
            queue.enqueue(i * i)
        total = tf.constant(0)
        while queue.size() > 0:
            total += queue.dequeue()
        return total

    assert squares().numpy() == 30
