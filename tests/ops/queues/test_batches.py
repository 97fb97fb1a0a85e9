"""What several runs ask for at the same time is computed at once, and each gets its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.ops.queues.batches import Batcher
from tideflow._src.runtime import blocking

v1 = tf.compat.v1

#: Longer than any test: batches are full before.
NEVER = 10**9


class Thread(threading.Thread):
    """Calls a function and keeps what it returns or raises."""

    def __init__(self, function: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._function = function
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.value = self._function()
        except BaseException as error:
            self.error = error

    def result(self) -> Any:
        self.join()
        if self.error is not None:
            raise self.error
        return self.value


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Counts the tasks that have joined a batch."""
    count = threading.Semaphore(0)
    finish = Batcher._finish

    def counted(self: Any, *args: Any) -> None:
        count.release()
        finish(self, *args)

    monkeypatch.setattr(Batcher, "_finish", counted)
    return count


def test_calls_in_threads_become_one() -> None:
    sizes = []

    @tf.nondifferentiable_batch_function(1, 8, NEVER, allowed_batch_sizes=[4, 8])
    def scaled(x: Any, y: Any) -> Any:
        tf.py_function(lambda count: sizes.append(int(count)), [tf.shape(x)[0]], [])
        return {"product": x * weight, "next": y + 1}

    weight = tf.Variable(3.0)
    threads = [Thread(lambda i=i: scaled(tf.fill([2, 1], float(i)), tf.fill([2], i))) for i in range(4)]
    for number, thread in enumerate(threads):
        found = thread.result()
        assert found["product"].numpy().tolist() == [[number * 3.0]] * 2
        assert found["next"].numpy().tolist() == [number + 1] * 2
    assert sizes == [8]
    with pytest.raises(ValueError, match="supposed to be Tensors"):
        scaled([1.0], [2])


def test_rows_are_added_and_large_arguments_divided() -> None:
    sizes = []

    @tf.nondifferentiable_batch_function(2, 16, 0, allowed_batch_sizes=[2, 4])
    def same(x: Any) -> Any:
        tf.py_function(lambda count: sizes.append(int(count)), [tf.shape(x)[0]], [])
        return x

    for count in (3, 1, 11):
        assert same(tf.range(count)).numpy().tolist() == list(range(count))
    assert sizes == [4, 2, 4, 4, 4]
    with pytest.raises(tf.errors.InvalidArgumentError, match="larger than maximum input batch size 16"):
        same(tf.range(17))


def test_who_waits_for_a_batch_that_fails_is_told() -> None:
    @tf.nondifferentiable_batch_function(1, 3, NEVER)
    def checked(x: Any) -> Any:
        return tf.debugging.check_numerics(x, "no number")

    threads = [Thread(lambda value=value: checked(tf.constant([value]))) for value in (1.0, np.nan, 2.0)]
    for thread in threads:
        with pytest.raises(tf.errors.InvalidArgumentError, match="no number"):
            thread.result()


def test_functions_of_one_name_are_kept_apart() -> None:
    x = tf.constant([[1.0]])

    def twice(rows: Any) -> Any:
        return rows * 2.0

    def thrice(rows: Any) -> Any:
        return rows * 3.0

    def call(function: Any) -> Any:
        concrete = tf.function(function).get_concrete_function(tf.TensorSpec([None, 1]))
        (found,) = tf.raw_ops.BatchFunction(
            in_tensors=[x],
            captured_tensors=[],
            f=concrete,
            num_batch_threads=0,
            max_batch_size=2,
            batch_timeout_micros=10_000,
            shared_name="one name",
            Tout=[tf.float32],
        )
        return found.numpy().item()

    threads = [Thread(lambda function=function: call(function)) for function in (twice, thrice)]
    assert [thread.result() for thread in threads] == [2.0, 3.0]


def test_too_many_batches(joined: threading.Semaphore) -> None:
    batcher = Batcher(1, 2, float(NEVER), 1, False, 2)

    def compute(tasks: list[Any]) -> list[Any]:
        return [task.values[0] * 2 for task in tasks]

    first = Thread(lambda: batcher.run([np.ones(1)], None, compute, "Batch"))
    joined.acquire()
    with pytest.raises(tf.errors.UnavailableError, match="is full"):
        batcher.run([np.ones(2)], None, compute, "Batch")
    assert batcher.run([np.full(1, 5.0)], None, compute, "Batch")[0].tolist() == [10.0]
    assert first.result()[0].tolist() == [2.0]


def test_who_is_interrupted_leaves_the_batch_to_the_next(joined: threading.Semaphore) -> None:
    batcher = Batcher(1, 2, float(NEVER), 10, False, 2)
    called = []

    def compute(tasks: list[Any]) -> list[Any]:
        called.append(threading.current_thread())
        return [task.values[0] for task in tasks]

    def run(value: float) -> Any:
        return batcher.run([np.full(1, value)], None, compute, "Batch")[0].item()

    interrupts = blocking.Interrupts()

    def interrupted() -> Any:
        with blocking.until(None, interrupts):
            return run(0.0)

    first = Thread(interrupted)
    joined.acquire()
    interrupts.cancel()
    with pytest.raises(tf.errors.CancelledError):
        first.result()
    second = Thread(lambda: run(1.0))
    joined.acquire()
    assert run(2.0) == 2.0
    assert second.result() == 1.0
    assert called == [second]


def test_batch_and_unbatch_in_runs_of_a_session() -> None:
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [None, 1])
        batched, index, key = tf.raw_ops.Batch(
            in_tensors=[x],
            num_batch_threads=1,
            max_batch_size=4,
            batch_timeout_micros=NEVER,
            grad_timeout_micros=NEVER,
        )
        assert batched[0].shape.as_list() == [None, 1] and index.shape.as_list() == [None, 3]
        first = tf.reduce_sum(tf.ones_like(batched[0]))  # what this run gets: all rows or none
        y = tf.raw_ops.Unbatch(batched_tensor=batched[0] ** 2, batch_index=index, id=key, timeout_micros=NEVER)
        (gradient,) = tf.gradients(y, x)
        with v1.Session() as session:
            threads = [Thread(lambda i=i: session.run([y, gradient, first], {x: [[i], [i + 1.0]]})) for i in (1.0, 5.0)]
            rows = []
            for i, thread in zip((1.0, 5.0), threads, strict=True):
                value, slope, count = thread.result()
                np.testing.assert_array_equal(value, [[i**2], [(i + 1) ** 2]])
                np.testing.assert_array_equal(slope, [[2 * i], [2 * i + 2]])
                rows.append(int(count))
            assert sorted(rows) == [0, 4]


@pytest.mark.parametrize(
    ("batched", "index", "key", "message"),
    [
        ([1.0, 2.0], [[7, 2, 0]], 7, "ends before it begins"),
        ([1.0], [7], 7, "1st dimension size to be 3"),
        ([1.0], 7, 7, "1st dimension size to be 3"),
        (np.ones((2, 3)), np.ones((2, 3, 3), np.int64), 7, "1st dimension size to be 3"),
        (1.0, [[7, 0, 1]], 7, "at least one dimension"),
        ([1.0], [[7, 0, 1]], [7], "must be a scalar"),
    ],
)
def test_indices_that_end_the_process_in_tensorflow(batched: Any, index: Any, key: Any, message: str) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        tf.raw_ops.Unbatch(batched_tensor=batched, batch_index=index, id=key, timeout_micros=1000)


@pytest.mark.parametrize(
    ("original", "index", "gradient"),
    [
        (np.zeros(0), np.zeros((0, 3), np.int64), np.float64(1)),
        (np.float64(1), [[7, 0, 1]], np.float64(1)),
        (np.ones(2), np.int64(7), np.ones(2)),
        (np.ones(2), np.ones((2, 3, 3), np.int64), np.ones(2)),
    ],
)
def test_gradients_that_end_the_process_in_tensorflow(original: Any, index: Any, gradient: Any) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.raw_ops.UnbatchGrad(original_input=original, batch_index=index, grad=gradient, id=7)


def test_many_threads_are_only_as_many_as_there_are_batches() -> None:
    @tf.nondifferentiable_batch_function(93_389_718, 10, 0, allowed_batch_sizes=[5, 10])
    def double(x: Any) -> Any:
        return x * 2.0

    assert double(tf.constant([1.0, 2.0, 3.0])).numpy().tolist() == [2.0, 4.0, 6.0]
