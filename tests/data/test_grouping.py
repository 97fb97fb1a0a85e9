"""States carried over elements, groups, choices among datasets; expectations are TensorFlow's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tideflow as tf

Dataset = tf.data.Dataset


def elements(dataset: Any) -> list[Any]:
    return [item.tolist() if hasattr(item, "tolist") else item for item in dataset.as_numpy_iterator()]


def rows(*lengths: int) -> Any:
    return Dataset.from_tensor_slices(np.array(lengths)).map(lambda n: tf.fill([n], n))


def test_scan_carries_a_state() -> None:
    sums = Dataset.range(5).scan(np.int64(0), lambda total, x: (total + x, total + x))
    assert elements(sums) == elements(sums) == [0, 1, 3, 6, 10]
    assert int(sums.cardinality()) == 5
    growing = Dataset.range(3).scan(tf.zeros([0], tf.int64), lambda s, x: (tf.concat([s, [x]], 0), s))
    assert elements(growing) == [[], [0], [0, 1]]
    assert growing.element_spec == tf.TensorSpec([None], tf.int64)
    with pytest.raises(TypeError, match="should return a pair"):
        Dataset.range(5).scan(0, lambda s, x: s)
    assert elements(Dataset.counter(3, -2, tf.int32).take(3)) == [3, 1, -1]


def test_beginnings_distinct_elements_and_failures() -> None:
    assert elements(Dataset.range(5).take_while(lambda x: x < 3)) == [0, 1, 2]
    with pytest.raises(ValueError, match="must return a"):
        Dataset.range(5).take_while(lambda x: x)
    assert elements(Dataset.from_tensor_slices(["a", "b", "a"]).unique()) == [b"a", b"b"]
    assert elements(Dataset.from_tensor_slices([[1, 2], [1, 2], [2, 1]]).unique()) == [[1, 2], [2, 1]]
    with pytest.raises(TypeError, match="does not support type"):
        Dataset.from_tensor_slices([1.0]).unique()
    risky = Dataset.from_tensor_slices([1.0, 0.0, 2.0]).map(lambda x: tf.debugging.check_numerics(1 / x, "m"))
    assert elements(risky.ignore_errors()) == [1.0, 0.5]


def test_windows_of_one_key() -> None:
    groups = Dataset.range(10).group_by_window(
        lambda x: x % 3, lambda k, w: w.batch(3), window_size_func=lambda k: k + 1
    )
    assert elements(groups) == [[0], [3], [1, 4], [6], [2, 5, 8], [9], [7]]
    pairs = Dataset.range(10).group_by_window(lambda x: x % 3, lambda k, w: w.map(lambda y: (k, y)), 2)
    assert [key for key, _ in elements(pairs)] == [0, 0, 1, 1, 2, 2, 0, 0, 1, 2]
    with pytest.raises(tf.errors.InvalidArgumentError, match="greater than zero"):
        elements(Dataset.range(10).group_by_window(lambda x: x % 3, lambda k, w: w.batch(3), 0))
    with pytest.raises(TypeError, match="must return a single"):
        Dataset.range(10).group_by_window(lambda x: x % 3, lambda k, w: k, 2)


def test_batches_of_similar_lengths() -> None:
    batches = rows(1, 4, 3, 2).bucket_by_sequence_length(lambda row: tf.shape(row)[0], [3], [2, 2])
    assert elements(batches) == [[[4, 4, 4, 4], [3, 3, 3, 0]], [[1, 0], [2, 2]]]
    padded = rows(1, 4, 3, 2).bucket_by_sequence_length(
        lambda row: tf.shape(row)[0], [4, 7], [2, 2, 2], padding_values=np.int64(-1), pad_to_bucket_boundary=True
    )
    assert elements(padded) == [[[1, -1, -1], [3, 3, 3]], [[2, 2, -1]], [[4, 4, 4, 4, -1, -1]]]
    with pytest.raises(ValueError, match="must equal"):
        rows(1).bucket_by_sequence_length(lambda row: tf.shape(row)[0], [4], [2, 2, 2])


def test_elements_of_several_datasets_are_drawn_in_the_order_of_the_seed() -> None:
    tf.random.set_seed(7)
    parts = [Dataset.range(5), Dataset.range(10, 20), Dataset.range(20, 30)]
    drawn = Dataset.sample_from_datasets(parts[:2], seed=3)
    assert elements(drawn) == [10, 0, 11, 12, 13, 14, 15, 16, 1, 17, 2, 3, 4, 18, 19]
    drawn = Dataset.sample_from_datasets(parts, [0.5, 0.0, 0.5], seed=3, stop_on_empty_dataset=True)
    assert elements(drawn) == [20, 0, 21, 22, 23, 24, 25, 26, 1, 27, 2, 3, 4, 28]
    with pytest.raises(TypeError, match="must be either"):
        Dataset.sample_from_datasets(parts, [1, 1, 1])


def test_elements_of_several_datasets_are_chosen() -> None:
    parts = [Dataset.range(3), Dataset.range(10, 20)]
    choices = Dataset.from_tensor_slices(np.array([0, 1, 0, 1, 1, 0, 0, 1]))
    assert elements(Dataset.choose_from_datasets(parts, choices)) == [0, 10, 1, 11, 12, 2]
    assert elements(Dataset.choose_from_datasets(parts, choices, False)) == [0, 10, 1, 11, 12, 2, 13]
    with pytest.raises(tf.errors.InvalidArgumentError, match="out of range"):
        elements(Dataset.choose_from_datasets(parts, Dataset.from_tensor_slices(np.array([5]))))


def test_reductions_by_key() -> None:
    reducer = tf.data.experimental.Reducer(
        lambda key: (key, 0.0), lambda state, x: (state[0], state[1] + 1), lambda key, count: {"k": key, "n": count}
    )
    found = Dataset.range(10).apply(tf.data.experimental.group_by_reducer(lambda x: x % 3, reducer))
    assert elements(found) == [{"k": 0, "n": 4.0}, {"k": 1, "n": 3.0}, {"k": 2, "n": 3.0}]
