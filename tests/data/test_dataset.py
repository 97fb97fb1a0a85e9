"""Pipelines of ``tf.data``: elements in order, specs, iterators, threads and errors; expectations are TensorFlow's."""

from __future__ import annotations

import gc
import re
import threading
import weakref
from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.runtime.plan import Plan

Dataset = tf.data.Dataset


def elements(dataset: Any) -> list[Any]:
    return [item.tolist() if hasattr(item, "tolist") else item for item in dataset.as_numpy_iterator()]


@pytest.mark.parametrize(
    ("size", "first", "second"),
    [
        (3, [2, 1, 0, 4, 6, 3, 7, 8, 9, 5], [1, 2, 4, 0, 3, 7, 5, 8, 6, 9]),
        (10, [9, 7, 3, 8, 6, 2, 0, 5, 4, 1], [6, 5, 7, 8, 2, 1, 9, 3, 4, 0]),
        (20, [9, 7, 3, 8, 6, 2, 0, 5, 4, 1], [6, 5, 7, 8, 2, 1, 9, 3, 4, 0]),
        (1, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ],
)
@pytest.mark.parametrize("in_table", [True, False])
def test_a_shuffle_has_the_order_of_its_seed(size: int, first: list[int], second: list[int], in_table: bool) -> None:
    tf.random.set_seed(7)
    numbers = Dataset.range(10) if in_table else Dataset.range(10).map(lambda x: x)
    shuffled = numbers.shuffle(size, seed=3)
    assert elements(shuffled) == first
    assert elements(shuffled) == second


def test_a_shuffle_that_does_not_change() -> None:
    tf.random.set_seed(7)
    shuffled = Dataset.range(10).shuffle(3, seed=3, reshuffle_each_iteration=False)
    assert elements(shuffled) == elements(shuffled) == [0, 1, 4, 3, 5, 2, 6, 8, 7, 9]


def test_random_numbers_of_a_map_begin_with_each_iterator_and_go_on_over_its_epochs() -> None:
    tf.random.set_seed(7)
    dataset = Dataset.range(3).map(lambda x: tf.random.uniform([]))
    once = elements(dataset)
    assert once == elements(dataset)
    twice = elements(dataset.repeat(2))
    assert twice[:3] == once
    assert twice[3:] != once


def test_rows_of_arrays_batches_and_parts() -> None:
    rows = Dataset.from_tensor_slices(np.arange(12).reshape(6, 2))
    assert elements(rows.batch(4)) == [[[0, 1], [2, 3], [4, 5], [6, 7]], [[8, 9], [10, 11]]]
    assert elements(rows.skip(1).shard(2, 0).take(2)) == [[2, 3], [6, 7]]
    assert elements(rows.take(1).repeat(3).batch(2, drop_remainder=True)) == [[[0, 1], [0, 1]]]


def test_the_sizes_must_agree() -> None:
    with pytest.raises(ValueError, match="Dimensions 2 and 3 are not compatible"):
        Dataset.from_tensor_slices(([1, 2], [1, 2, 3]))


def test_batches_of_different_shapes_are_an_error_that_names_the_stage() -> None:
    dataset = Dataset.range(3).map(lambda x: tf.range(x)).batch(2)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"different shapes in component 0.*BatchDatasetV2"):
        elements(dataset)


def test_an_error_in_a_function_names_the_stage_and_leaves_the_iterator_usable() -> None:
    dataset = Dataset.from_tensor_slices([1.0, float("nan"), 3.0]).map(lambda x: tf.debugging.check_numerics(x, "bad"))
    iterator = iter(dataset)
    assert float(next(iterator)) == 1.0
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"bad(.|\n)*in the stage MapDataset"):
        next(iterator)
    assert float(next(iterator)) == 3.0


@pytest.mark.parametrize("deterministic", [True, None])
def test_parallel_calls_keep_the_order(deterministic: bool | None) -> None:
    def slow_at_first(x: Any) -> Any:
        return tf.py_function(lambda value: value * 2, [x], tf.int64)

    dataset = Dataset.range(50).map(slow_at_first, num_parallel_calls=8, deterministic=deterministic)
    assert elements(dataset) == [2 * number for number in range(50)]


def test_parallel_calls_without_order_give_every_element_once() -> None:
    dataset = Dataset.range(50).map(
        lambda x: tf.py_function(lambda value: value, [x], tf.int64), num_parallel_calls=8, deterministic=False
    )
    assert sorted(elements(dataset)) == list(range(50))


def pipeline_threads() -> int:
    return sum(thread.name.startswith("tideflow-") for thread in threading.enumerate())


def test_threads_end_with_their_iterator() -> None:
    before = set(threading.enumerate())  # those of other tests, and those that live as long as the process
    dataset = (
        Dataset.range(10**6)
        .map(lambda x: tf.py_function(lambda value: value, [x], tf.int64), num_parallel_calls=3)
        .prefetch(2)
    )
    iterator = iter(dataset)
    next(iterator)
    started = [thread for thread in set(threading.enumerate()) - before if thread.name.startswith("tideflow-")]
    assert len(started) == 4
    del iterator
    gc.collect()
    for thread in started:
        thread.join(timeout=600)
    assert not any(thread.is_alive() for thread in started)


def test_a_prefetch_hands_errors_to_the_reader_in_order() -> None:
    def fails_at_two(x: Any) -> Any:
        if x == 2:
            raise ValueError("two")
        return x

    dataset = Dataset.range(4).map(lambda x: tf.py_function(fails_at_two, [x], tf.int64)).prefetch(3)
    iterator = iter(dataset)
    assert [int(next(iterator)), int(next(iterator))] == [0, 1]
    with pytest.raises(tf.errors.InvalidArgumentError, match="two"):
        next(iterator)
    assert int(next(iterator)) == 3
    with pytest.raises(StopIteration):
        next(iterator)


def test_a_generator_is_closed_when_its_iterator_is_dropped() -> None:
    closed = []

    def generate() -> Any:
        try:
            yield from range(100)
        finally:
            closed.append(True)

    iterator = iter(Dataset.from_generator(generate, tf.int32))
    next(iterator)
    assert not closed
    del iterator
    gc.collect()
    assert closed == [True]


def test_a_generator_that_raises() -> None:
    def generate() -> Any:
        yield 1
        raise RuntimeError("in the middle")

    iterator = iter(Dataset.from_generator(generate, tf.int32))
    assert int(next(iterator)) == 1
    with pytest.raises(tf.errors.UnknownError, match=r"in the middle(.|\n)*GeneratorDataset"):
        next(iterator)


def test_a_cache_reads_its_input_once() -> None:
    read = []

    def note(x: Any) -> Any:
        read.append(int(x))
        return x

    dataset = Dataset.range(3).map(lambda x: tf.py_function(note, [x], tf.int64)).cache()
    next(iter(dataset))
    assert elements(dataset) == elements(dataset) == [0, 1, 2]
    assert read == [0, 0, 1, 2]


def test_a_cache_in_a_file_outlives_its_dataset(tmp_path: Any) -> None:
    def make(offset: int) -> Any:
        strings = Dataset.range(3).map(lambda x: (x + offset, tf.strings.as_string(x)))
        return strings.cache(str(tmp_path / "kept"))

    assert [int(number) for number, _ in make(0)] == [0, 1, 2]
    assert [(int(number), text.numpy()) for number, text in make(10)] == [(0, b"0"), (1, b"1"), (2, b"2")]


def test_an_iterator_is_an_argument_of_a_function_without_tracing_again() -> None:
    @tf.function
    def step(iterator: Any) -> Any:
        return iterator.get_next() + next(iterator)

    for _ in range(2):
        iterator = iter(Dataset.range(4))
        assert [int(step(iterator)), int(step(iterator))] == [1, 5]
    assert step.experimental_get_tracing_count() == 1
    with pytest.raises(tf.errors.OutOfRangeError):
        step(iterator)


def test_a_dataset_is_made_and_used_in_a_function() -> None:
    @tf.function
    def total(count: Any) -> Any:
        return Dataset.range(count).map(lambda x: x * x).reduce(np.int64(0), lambda state, x: state + x)

    assert int(total(tf.constant(4, tf.int64))) == 14


def test_variables_are_read_when_elements_are_made() -> None:
    variable = tf.Variable(10, dtype=tf.int64)
    dataset = Dataset.range(2).map(lambda x: x + variable)
    assert elements(dataset) == [10, 11]
    variable.assign(20)
    assert elements(dataset) == [20, 21]


def test_options_merge_and_travel() -> None:
    options = tf.data.Options()
    options.deterministic = False
    options.threading.private_threadpool_size = 3
    more = tf.data.Options()
    more.deterministic = True
    found = Dataset.range(3).with_options(options).batch(2).with_options(more).options()
    assert found.deterministic is True
    assert found.threading.private_threadpool_size == 3
    assert options._serialized() == b"\x08\x00\x12\x00\x1a\x00*\x02\x10\x03:\x00b\x00"
    with pytest.raises(AttributeError, match="Cannot set the property colour"):
        options.colour = 1


def test_an_iterator_of_a_session_begins_again_with_other_data() -> None:
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        count = v1.placeholder(tf.int64, [])
        iterator = v1.data.make_initializable_iterator(v1.data.Dataset.range(count).map(lambda x: x + 1))
        element = iterator.get_next()
        with v1.Session() as session:
            with pytest.raises(tf.errors.FailedPreconditionError):
                session.run(element)
            for size in (2, 1):
                session.run(iterator.initializer, {count: size})
                assert [session.run(element) for _ in range(size)] == list(range(1, size + 1))
                with pytest.raises(tf.errors.OutOfRangeError):
                    session.run(element)


def test_a_one_shot_iterator_refuses_variables() -> None:
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        variable = v1.get_variable("scale", initializer=np.int64(3), use_resource=True)
        with pytest.raises(ValueError, match="does not support datasets that capture stateful objects"):
            v1.data.Dataset.range(3).map(lambda x: x * variable).make_one_shot_iterator()


def test_feedable_and_reinitializable_iterators() -> None:
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        one, two = v1.data.Dataset.range(3), v1.data.Dataset.range(10, 12)
        handle = v1.placeholder(tf.string, [])
        element = v1.data.Iterator.from_string_handle(handle, tf.int64, []).get_next()
        either = v1.data.Iterator.from_structure(tf.int64, [])
        starts = [either.make_initializer(one), either.make_initializer(two)]
        shot = two.make_one_shot_iterator()
        with v1.Session() as session:
            first, second = session.run([either.string_handle(), shot.string_handle()])
            session.run(starts[0])
            assert [session.run(element, {handle: key}) for key in (first, second, first)] == [0, 10, 1]
            session.run(starts[1])
            assert [session.run(element, {handle: key}) for key in (first, second)] == [10, 11]


def test_a_for_statement_goes_over_a_dataset_in_a_function() -> None:
    @tf.function
    def total(dataset: Any) -> Any:
        found = tf.constant(0, tf.int64)
        for x in dataset:
            found = found * 10 + x
        return found

    assert int(total(Dataset.range(5))) == 1234
    assert int(total(Dataset.range(0))) == 0


def test_break_leaves_the_iterator_behind_the_element_of_that_turn() -> None:
    @tf.function
    def total(iterator: Any) -> Any:
        found = tf.constant(0, tf.int64)
        for x in iterator:
            if x == 2:
                break
            if x == 0:
                continue
            found += x * 100
        return found

    iterator = iter(Dataset.range(10))
    assert int(total(iterator)) == 100
    assert int(next(iterator)) == 3


def test_enumerate_and_zip_over_datasets_in_a_function() -> None:
    @tf.function
    def total(first: Any, second: Any) -> Any:
        found = tf.constant(0, tf.int64)
        for number, (x, y) in enumerate(zip(first, second, strict=False)):
            found += number * x + y
        return found

    assert int(total(Dataset.range(5), Dataset.range(1, 6))) == 45


def test_a_variable_that_only_a_turn_sets() -> None:
    @tf.function
    def last(dataset: Any) -> Any:
        for x in dataset:
            found = x
        return found

    assert int(last(Dataset.range(5))) == 4
    with pytest.raises(tf.errors.InvalidArgumentError, match="must iterate at least once"):
        last(Dataset.range(0))


def test_a_training_loop_over_a_dataset_in_a_function() -> None:
    weight = tf.Variable(2.0)

    @tf.function
    def train(dataset: Any) -> Any:
        loss = tf.constant(0.0)
        for x, y in dataset:
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((weight * x - y) ** 2)
            weight.assign_sub(0.05 * tape.gradient(loss, weight))
        return loss

    dataset = Dataset.from_tensor_slices(([1.0, 2.0], [3.0, 6.0])).batch(2).repeat(40)
    assert float(train(dataset)) < 1e-3
    assert abs(float(weight) - 3.0) < 1e-2


def test_parameters_and_names_of_comprehensions_are_their_own() -> None:
    """A lambda's `x` is not the loop's, which nobody needs after it: its shape may change, and no turn need come."""

    @tf.function
    def total(dataset: Any) -> Any:
        found = tf.constant(0, tf.int64)
        for x in dataset:
            found += (lambda x: tf.reduce_sum(x))(x) + sum([tf.size(x, tf.int64) for x in [x, x]])
        return found

    assert int(total(Dataset.range(6).batch(4))) == 15 + 12
    assert int(total(Dataset.range(0).batch(4))) == 0


def test_next_with_a_default_in_a_function() -> None:
    @tf.function
    def step(iterator: Any) -> Any:
        return next(iterator, tf.constant(-5, tf.int64))

    iterator = iter(Dataset.range(1))
    assert [int(step(iterator)), int(step(iterator))] == [0, -5]


def test_a_python_loop_over_a_dataset_of_a_graph_is_an_error() -> None:
    dataset = tf.data.Dataset.range(50)
    for items in (lambda: dataset, lambda: iter(dataset)):

        def loop(items: Any = items) -> Any:
            return [element for element in items()]  # noqa: C416 (what a user writes)

        for traced in (tf.function(loop, autograph=False), tf.function(tf.autograph.experimental.do_not_convert(loop))):
            with pytest.raises(ValueError, match=re.escape("high number of `tf.data.Iterator.get_next()` calls")):
                traced()


def test_next_may_be_called_often_where_it_is_converted() -> None:
    iterator = iter(tf.data.Dataset.range(50))

    @tf.function
    def sums() -> Any:
        return tf.add_n([next(iterator) for _ in range(40)])

    assert int(sums()) == sum(range(40))


def test_a_function_keeps_no_iterator_that_it_was_given() -> None:
    @tf.function
    def step(iterator: Any) -> Any:
        return next(iterator)

    kept = []
    for _ in range(3):
        iterator = iter(Dataset.range(3))
        step(iterator), step(iterator)
        kept.append(weakref.ref(iterator._resource))
    del iterator
    gc.collect()
    assert [reference() for reference in kept] == [None, None, None]


def test_explain_names_the_stages_and_the_slowest_of_them() -> None:
    def slow(x: Any) -> Any:
        return tf.py_function(lambda value: sum(range(100_000)) + value, [x], tf.int64)

    dataset = Dataset.range(1000).map(slow).batch(2).prefetch(1)
    found = dataset.explain(5)
    assert [stage.kind for stage in found.stages] == ["PrefetchDataset", "BatchDatasetV2", "MapDataset", "RangeDataset"]
    assert found.bottleneck is not None
    assert found.bottleneck.kind == "MapDataset"
    assert found.stages[0].elements == 5
    assert "bottleneck: map" in str(found)


def test_padded_batches() -> None:
    rows = Dataset.range(1, 4).map(lambda n: tf.fill([n], n))
    assert elements(rows.padded_batch(2)) == [[[1, 0], [2, 2]], [[3, 3, 3]]]
    filled = rows.padded_batch(2, [4], tf.constant(-1, tf.int64), drop_remainder=True)
    assert elements(filled) == [[[1, -1, -1, -1], [2, 2, -1, -1]]]
    with pytest.raises(tf.errors.DataLossError, match="smaller size"):
        elements(rows.padded_batch(2, [1]))


PIPELINES = {
    "shuffle": lambda: Dataset.range(9).shuffle(4, seed=2).repeat(2),
    "shuffle of elements": lambda: Dataset.range(9).map(lambda x: x + 0).shuffle(4, seed=2).batch(2).repeat(2),
    "parallel map": lambda: Dataset.range(7).map(
        lambda x: tf.py_function(lambda v: v + 1, [x], tf.int64), num_parallel_calls=3
    ),
    "filter": lambda: Dataset.range(9).filter(lambda x: x % 2 == 0).take(3),
    "flat_map": lambda: Dataset.range(4).flat_map(Dataset.range),
    "interleave": lambda: Dataset.range(5).interleave(
        lambda x: Dataset.from_tensors(x).repeat(x + 1), cycle_length=2, block_length=2
    ),
    "prefetch": lambda: Dataset.range(7).map(lambda x: x + 1).prefetch(2),
    "zip": lambda: Dataset.zip(Dataset.range(5).map(lambda x: x + 0), Dataset.range(9)).skip(1),
    "cache": lambda: Dataset.range(5).map(lambda x: x + 1).cache().shuffle(3, seed=1).repeat(2),
    "shard": lambda: Dataset.range(3).map(lambda x: x + 0).concatenate(Dataset.range(2)).shard(2, 1),
    "unbatch": lambda: Dataset.range(7).batch(3).unbatch(),
    "window": lambda: Dataset.range(7).window(3, 2).flat_map(lambda window: window.batch(3)),
    "padded_batch": lambda: Dataset.range(1, 6).map(lambda n: tf.fill([n], n)).padded_batch(2),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_an_iterator_goes_on_where_a_saved_position_says(name: str) -> None:
    def shown(iterator: Any) -> Any:
        return [tf.nest.map_structure(lambda tensor: tensor.numpy().tolist(), element) for element in iterator]

    tf.random.set_seed(3)
    make = PIPELINES[name]
    for given in range(len(shown(make())) + 1):
        iterator = iter(make())
        for _ in range(given):
            next(iterator)
        position = tf.raw_ops.SerializeIterator(resource_handle=iterator._iterator_resource)
        rest = shown(iterator)
        other = iter(make())
        tf.raw_ops.DeserializeIterator(resource_handle=other._iterator_resource, serialized=position)
        assert shown(other) == rest


def started_by(action: Any) -> set[str]:
    """Returns the names of the threads that an action starts."""
    names: set[str] = set()
    start = threading.Thread.start

    def watched(thread: threading.Thread) -> None:
        names.add(thread.name)
        start(thread)

    threading.Thread.start = watched  # type: ignore[method-assign]
    try:
        action()
    finally:
        threading.Thread.start = start  # type: ignore[method-assign]
    return names


def shuffled_batches(values: Any, batch: int) -> Any:
    """Returns batches gathered by a permutation made once, as loops over arrays in memory are often written."""
    count = len(values)
    whole = count // batch

    def batches_of(order: Any) -> Any:
        full = Dataset.from_tensor_slices(tf.reshape(order[: whole * batch], [whole, batch]))
        return full.concatenate(Dataset.from_tensors(order[whole * batch :])) if count % batch else full

    order = Dataset.range(1).map(lambda _: tf.random.shuffle(tf.range(count), seed=5)).prefetch(1)
    pairs = Dataset.zip((order.flat_map(batches_of), Dataset.from_tensors(values).repeat()))
    return pairs.map(lambda places, data: tf.gather(data, places), num_parallel_calls=tf.data.AUTOTUNE).prefetch(-1)


@pytest.mark.parametrize("count", [96, 100])
def test_batches_of_an_array_in_memory_need_no_thread(count: int) -> None:
    values = np.arange(count * 3, dtype=np.float32).reshape(count, 3)
    found: list[Any] = []
    assert not started_by(lambda: found.extend(shuffled_batches(values, 32).as_numpy_iterator()))
    assert [len(batch) for batch in found] == [32, 32, 32] + [4] * (count == 100)
    order = np.concatenate(found)
    assert (order != values).any()
    np.testing.assert_array_equal(order[order[:, 0].argsort()], values)


def test_batches_of_large_rows_are_made_ahead() -> None:
    values = np.zeros((64, 20_000), np.float32)
    assert "tideflow-prefetch" in started_by(lambda: list(shuffled_batches(values, 32)))


def test_a_parallel_map_has_threads_where_an_element_is_worth_one() -> None:
    rows = Dataset.from_generator(
        lambda: iter([np.ones(4), np.ones(4), np.ones(300_000), np.ones(4), np.ones(300_000), np.ones(4)]),
        output_signature=tf.TensorSpec([None], tf.float64),
    )
    mapped = rows.map(lambda row: tf.reduce_sum(tf.exp(row) - tf.exp(row) + row), num_parallel_calls=3)
    sums: list[float] = []
    names = started_by(lambda: sums.extend(float(total) for total in mapped))
    assert sums == [4.0, 4.0, 300_000.0, 4.0, 300_000.0, 4.0]
    assert "tideflow-map" in names
    small: list[float] = []
    assert "tideflow-map" not in started_by(lambda: small.extend(float(total) for total in mapped.take(2)))
    assert small == [4.0, 4.0]


def test_sizes_that_nobody_knows_are_read_ahead() -> None:
    rows = tf.ragged.constant([[1], [2, 3], [], [4]])
    dataset = Dataset.from_tensor_slices(rows).batch(2).map(lambda batch: batch).prefetch(2)
    assert [batch.to_list() for batch in dataset] == [[[1], [2, 3]], [[], [4]]]
    unshaped = Dataset.from_generator(lambda: iter([[1, 2], [[3]]]), output_types=tf.int32)
    found = [element.numpy().tolist() for element in unshaped.map(lambda x: x).prefetch(2)]
    assert found == [[1, 2], [[3]]]


def test_what_waits_is_read_ahead_whatever_comes_after_it() -> None:
    heavy = Dataset.range(4).map(lambda x: tf.py_function(lambda value: value, [x], tf.int64))
    for dataset in (
        heavy.map(lambda x: x + 1),
        heavy.flat_map(lambda x: Dataset.from_tensors(x + 1)),
        Dataset.range(4).flat_map(lambda x: Dataset.from_tensors(x).map(lambda y: tf.py_function(id, [y], tf.int64))),
        heavy.take(1).repeat(4),
        Dataset.range(4).filter(lambda x: x < 3),
    ):
        assert "tideflow-prefetch" in started_by(lambda: list(dataset.prefetch(2)))  # noqa: B023


def test_seeds_are_those_of_the_order_in_which_iterators_were_made() -> None:
    def two(first_asked: int) -> list[list[int]]:
        dataset = Dataset.range(20).shuffle(20, seed=3)
        iterators = [iter(dataset), iter(dataset)]
        orders: list[list[int]] = [[], []]
        for index in (first_asked, 1 - first_asked):
            orders[index] = [int(item) for item in iterators[index]]
        return orders

    assert two(0) == two(1)
    assert two(0)[0] != two(0)[1]


def test_an_iterator_that_nobody_asks_calls_nothing() -> None:
    opened: list[int] = []

    def numbers() -> Any:
        opened.append(1)
        yield from range(3)

    dataset = Dataset.from_generator(numbers, output_signature=tf.TensorSpec([], tf.int64))
    unused, used = iter(dataset), iter(dataset)
    assert [int(item) for item in used] == [0, 1, 2]
    assert len(opened) == 1
    assert int(next(unused)) == 0 and len(opened) == 2


def test_the_position_of_an_iterator_that_nobody_asked_is_the_first() -> None:
    dataset = Dataset.range(3).map(lambda x: x + 1)
    position = tf.raw_ops.SerializeIterator(resource_handle=iter(dataset)._iterator_resource)
    iterator = iter(dataset)
    assert int(next(iterator)) == 1
    tf.raw_ops.DeserializeIterator(resource_handle=iterator._iterator_resource, serialized=position)
    assert [int(item) for item in iterator] == [1, 2, 3]


def test_a_cache_that_is_complete_later_is_filled_by_who_began_before() -> None:
    calls: list[int] = []
    counted = Dataset.range(3).map(lambda x: tf.py_function(lambda value: calls.append(1) or value, [x], tf.int64))
    dataset = counted.cache()
    early, other = iter(dataset), iter(dataset)
    assert [int(item) for item in other] == [0, 1, 2] and len(calls) == 3
    assert [int(item) for item in early] == [0, 1, 2] and len(calls) == 6
    assert elements(dataset) == [0, 1, 2] and len(calls) == 6


def test_a_function_is_planned_once_for_all_iterators(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = Dataset.range(3).map(lambda x: x * 2 + 1, num_parallel_calls=2)
    planned: list[Any] = []
    make = Plan.__init__

    def watched(plan: Any, fetches: Any, targets: Any, feeds: Any) -> None:
        planned.append(feeds)
        make(plan, fetches, targets, feeds)

    monkeypatch.setattr(Plan, "__init__", watched)
    assert [elements(dataset) for _ in range(3)] == [[1, 3, 5]] * 3
    assert len(planned) == 1


def test_datasets_show_as_in_tensorflow() -> None:
    numbers, own = Dataset.range(4), tf.data.experimental
    shown = {
        "_RangeDataset": numbers,
        "_MapDataset": numbers.map(lambda x: x),
        "_BatchDataset": numbers.batch(2),
        "_ParallelBatchDataset": numbers.batch(2, num_parallel_calls=2),
        "_MapAndBatchDataset": numbers.apply(own.map_and_batch(lambda x: x, 2)),
        "_ShuffleAndRepeatDataset": numbers.apply(own.shuffle_and_repeat(2)),
        "ParallelInterleaveDataset": numbers.apply(own.parallel_interleave(Dataset.range, 2)),
        "RandomDatasetV2": own.RandomDataset(1),
        "TextLineDatasetV2": tf.compat.v1.data.TextLineDataset("lines"),
        "FixedLengthRecordDatasetV2": tf.compat.v1.data.FixedLengthRecordDataset("records", 1),
    }
    assert {kind: repr(dataset).split()[0] for kind, dataset in shown.items()} == {kind: f"<{kind}" for kind in shown}
    assert repr(numbers.batch(3)) == "<_BatchDataset element_spec=TensorSpec(shape=(None,), dtype=tf.int64, name=None)>"
    assert [int(x) for x in shown["ParallelInterleaveDataset"]] == [0, 0, 1, 0, 1, 2]
    assert repr(numbers.as_numpy_iterator()).startswith("NumpyIterator(iterator=<")
