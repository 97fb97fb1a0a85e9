"""Queues: what goes in comes out, threads wait for each other, and every wait can be ended."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pytest

import tideflow as tf2
import tideflow.v1 as tf

WAIT = 600.0


@pytest.fixture
def session(graph):
    with tf.Session(graph=graph) as session:
        session.run(tf.constant(0))
        yield session


class Worker(threading.Thread):
    """Calls a function in a thread and keeps what came of it."""

    def __init__(self, function):
        super().__init__(daemon=True)
        self._function = function
        self.result = None
        self.error = None
        self.start()

    def run(self):
        try:
            self.result = self._function()
        except BaseException as error:
            self.error = error

    def finished(self):
        self.join(WAIT)
        assert not self.is_alive()
        return self


def _waiting(session, count=1):
    """Waits until so many runs of a session are blocked."""
    end = time.monotonic() + WAIT
    while len(session._resources.interrupts._waiting) < count:
        assert time.monotonic() < end
        time.sleep(0.001)


def test_elements_come_out_in_order(session):
    queue = tf.FIFOQueue(10, [tf.int32, tf.string], shapes=[[], [2]])
    session.run(queue.enqueue((1, ["a", "b"])))
    session.run(queue.enqueue_many(([2, 3, 4], [["c", "d"], ["e", "f"], ["g", "h"]])))
    number, words = session.run(queue.dequeue())
    assert number == 1 and words.tolist() == [b"a", b"b"]
    numbers, words = session.run(queue.dequeue_many(2))
    assert numbers.tolist() == [2, 3] and words.tolist() == [[b"c", b"d"], [b"e", b"f"]]
    assert session.run(queue.size()) == 1


def test_static_shapes_are_those_of_the_queue(graph):
    queue = tf.FIFOQueue(10, [tf.float32], shapes=[[2]])
    count = tf.placeholder(tf.int32)
    assert queue.dequeue().shape == [2]
    assert queue.dequeue_many(3).shape == [3, 2]
    assert queue.dequeue_many(count).shape.as_list() == [None, 2]
    assert queue.dequeue_up_to(3).shape.as_list() == [None, 2]


def test_components_with_names_are_dictionaries(session):
    queue = tf.FIFOQueue(10, [tf.int32, tf.float32], names=["a", "b"])
    session.run(queue.enqueue({"a": 1, "b": 2.0}))
    assert session.run(queue.dequeue()) == {"a": 1, "b": 2.0}
    with pytest.raises(ValueError, match="dictionary"):
        queue.enqueue((1, 2.0))


def test_what_is_fed_may_change_afterwards(session):
    queue = tf.FIFOQueue(10, [tf.float32])
    value = tf.placeholder(tf.float32)
    array = np.ones(3, np.float32)
    session.run(queue.enqueue(value), {value: array})
    array[:] = 7
    assert session.run(queue.dequeue()).tolist() == [1, 1, 1]


def test_random_queue_draws_what_tensorflow_draws(session):
    queue = tf.RandomShuffleQueue(20, 0, [tf.int32], shapes=[[]], seed=3)
    session.run(queue.enqueue_many([list(range(20))]))
    assert session.run(queue.dequeue_many(10)).tolist() == [7, 4, 10, 11, 15, 16, 18, 14, 1, 3]
    assert session.run(queue.dequeue()) == 0
    assert session.run(queue.dequeue_up_to(5)).tolist() == [2, 13, 12, 6, 19]


def test_random_queue_of_any_shape_draws_the_same(session):
    queue = tf.RandomShuffleQueue(20, 0, [tf.int32], seed=3)
    session.run(queue.enqueue_many([list(range(20))]))
    drawn = [int(session.run(queue.dequeue())) for _ in range(10)]
    assert drawn == [7, 4, 10, 11, 15, 16, 18, 14, 1, 3]


def test_random_queue_keeps_a_choice_until_it_is_closed(session):
    queue = tf.RandomShuffleQueue(10, 3, [tf.int32], shapes=[[]])
    session.run(queue.enqueue_many([[1, 2, 3, 4]]))
    taken = [session.run(queue.dequeue())]
    with pytest.raises(tf.errors.DeadlineExceededError):
        session.run(queue.dequeue(), options=tf.RunOptions(timeout_in_ms=20))
    session.run(queue.close())
    taken += session.run(queue.dequeue_many(3)).tolist()
    assert sorted(taken) == [1, 2, 3, 4]


def test_priority_queue_gives_the_least_first(session):
    queue = tf.PriorityQueue(10, [tf.string], shapes=[[]])
    session.run(queue.enqueue_many(([3, 1, 2], ["a", "b", "c"])))
    assert session.run(queue.dequeue()) == [1, b"b"]
    priorities, words = session.run(queue.dequeue_many(2))
    assert priorities.tolist() == [2, 3] and words.tolist() == [b"c", b"a"]


@pytest.mark.parametrize(("dtype", "fill"), [("int32", 0), ("string", b"")])
def test_padding_queue_fills_up(session, dtype, fill):
    queue = tf.PaddingFIFOQueue(10, [dtype], [[None, 1]])
    values = [[[1]], [[2], [3]]] if dtype == "int32" else [[["1"]], [["2"], ["3"]]]
    for value in values:
        session.run(queue.enqueue([value]))
    batch = session.run(queue.dequeue_many(2))
    one, two, three = (1, 2, 3) if dtype == "int32" else (b"1", b"2", b"3")
    assert batch.tolist() == [[[one], [fill]], [[two], [three]]]


def test_queue_is_chosen_when_the_graph_runs(session):
    queues = [tf.FIFOQueue(10, [tf.int32], shapes=[[]]) for _ in range(3)]
    for number, queue in enumerate(queues):
        session.run(queue.enqueue(number))
    index = tf.placeholder(tf.int32)
    chosen = tf.QueueBase.from_list(index, queues)
    assert session.run(chosen.dequeue(), {index: 1}) == 1


def test_queues_of_one_shared_name_are_one(session):
    first = tf.FIFOQueue(10, [tf.int32], shared_name="shared")
    second = tf.FIFOQueue(10, [tf.int32], shared_name="shared")
    session.run(first.enqueue(5))
    assert session.run(second.dequeue()) == 5
    other = tf.FIFOQueue(11, [tf.int32], shared_name="shared")
    with pytest.raises(tf.errors.InvalidArgumentError, match="has capacity 10 but requested capacity was 11"):
        session.run(other.size())
    random = tf.RandomShuffleQueue(10, 1, [tf.int32], shared_name="shared")
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected RandomShuffleQueue, found FIFOQueue"):
        session.run(random.size())


def test_old_operations_with_references(session):
    handle = tf.raw_ops.FIFOQueue(component_types=[tf.int32], shapes=[[]], capacity=3)
    enqueue = tf.raw_ops.QueueEnqueueMany(handle=handle, components=[[1, 2, 3]])
    session.run(enqueue)
    dequeue = tf.raw_ops.QueueDequeueUpTo(handle=handle, n=2, component_types=[tf.int32])
    assert session.run(dequeue)[0].tolist() == [1, 2]
    assert session.run(tf.raw_ops.QueueSize(handle=handle)) == 1


def test_queues_work_eagerly():
    queue = tf2.queue.FIFOQueue(3, [tf2.int32], shapes=[[]])
    queue.enqueue_many([[1, 2, 3]])
    assert queue.dequeue().numpy() == 1
    assert queue.dequeue_many(2).numpy().tolist() == [2, 3]
    queue.close()
    assert queue.is_closed().numpy()
    with pytest.raises(tf2.errors.OutOfRangeError, match="is closed and has insufficient elements"):
        queue.dequeue()


# Waiting.


def test_a_consumer_waits_for_a_producer(session):
    queue = tf.FIFOQueue(10, [tf.int32], shapes=[[]])
    dequeue, enqueue = queue.dequeue(), queue.enqueue(5)
    worker = Worker(lambda: session.run(dequeue))
    _waiting(session)
    session.run(enqueue)
    assert worker.finished().result == 5


def test_a_producer_waits_for_room(session):
    queue = tf.FIFOQueue(1, [tf.int32], shapes=[[]])
    dequeue, enqueue = queue.dequeue(), queue.enqueue(5)
    session.run(enqueue)
    worker = Worker(lambda: session.run(enqueue))
    _waiting(session)
    session.run(dequeue)
    assert worker.finished().error is None
    assert session.run(queue.size()) == 1


def test_many_elements_pass_through_a_small_queue(session):
    queue = tf.FIFOQueue(3, [tf.int32], shapes=[[]])
    enqueue, dequeue = queue.enqueue_many([list(range(50))]), queue.dequeue_many(50)
    worker = Worker(lambda: session.run(dequeue))
    session.run(enqueue)
    assert worker.finished().result.tolist() == list(range(50))


def test_producers_and_consumers_at_once(session):
    queue = tf.FIFOQueue(4, [tf.int32], shapes=[[]])
    value = tf.placeholder(tf.int32, [])
    enqueue, dequeue = queue.enqueue(value), queue.dequeue()

    def produce(start):
        for number in range(start, start + 50):
            session.run(enqueue, {value: number})

    producers = [Worker(lambda start=start: produce(start)) for start in (0, 50, 100)]
    consumers = [Worker(lambda: [int(session.run(dequeue)) for _ in range(75)]) for _ in range(2)]
    for worker in (*producers, *consumers):
        assert worker.finished().error is None
    assert sorted(consumers[0].result + consumers[1].result) == list(range(150))


def test_closing_wakes_consumers(session):
    queue = tf.FIFOQueue(10, [tf.int32], shapes=[[]], name="closing")
    dequeue, many, close = queue.dequeue(), queue.dequeue_many(4), queue.close()
    session.run(queue.enqueue(1))
    worker = Worker(lambda: session.run(many))
    _waiting(session)
    session.run(close)
    error = worker.finished().error
    assert isinstance(error, tf.errors.OutOfRangeError)
    assert "FIFOQueue 'closing' is closed and has insufficient elements (requested 3, current size 0)" in str(error)
    assert session.run(dequeue) == 1, "what a failed call had taken is back"
    with pytest.raises(tf.errors.OutOfRangeError, match=r"requested 1, current size 0"):
        session.run(dequeue)


def test_closing_gives_what_is_left_to_those_who_take_less(session):
    queue = tf.FIFOQueue(10, [tf.int32], shapes=[[]])
    up_to = queue.dequeue_up_to(4)
    session.run(queue.enqueue_many([[1, 2]]))
    worker = Worker(lambda: session.run(up_to))
    _waiting(session)
    session.run(queue.close())
    assert worker.finished().result.tolist() == [1, 2]
    with pytest.raises(tf.errors.OutOfRangeError):
        session.run(up_to)


def test_closing_lets_waiting_producers_finish_first(session):
    queue = tf.FIFOQueue(1, [tf.int32], shapes=[[]])
    enqueue, dequeue, close = queue.enqueue(1), queue.dequeue(), queue.close()
    session.run(enqueue)
    producer = Worker(lambda: session.run(enqueue))
    _waiting(session)
    closer = Worker(lambda: session.run(close))
    _waiting(session, 2)
    assert session.run([dequeue]) == [1]
    assert session.run([dequeue]) == [1]
    assert producer.finished().error is None
    assert closer.finished().error is None
    with pytest.raises(tf.errors.CancelledError, match="is closed"):
        session.run(enqueue)


def test_closing_can_cancel_waiting_producers(session):
    queue = tf.FIFOQueue(1, [tf.int32], shapes=[[]])
    enqueue = queue.enqueue(1)
    session.run(enqueue)
    worker = Worker(lambda: session.run(enqueue))
    _waiting(session)
    session.run(queue.close(cancel_pending_enqueues=True))
    assert isinstance(worker.finished().error, tf.errors.CancelledError)
    assert session.run(queue.size()) == 1


def test_closing_twice_is_an_error(session):
    queue = tf.FIFOQueue(1, [tf.int32])
    session.run(queue.close())
    with pytest.raises(tf.errors.CancelledError, match="already closed"):
        session.run(queue.close())
    session.run(queue.close(cancel_pending_enqueues=True))


def test_closing_the_session_cancels_what_waits(graph):
    session = tf.Session(graph=graph)
    queue = tf.FIFOQueue(1, [tf.int32])
    dequeue = queue.dequeue()
    session.run(queue.size())
    worker = Worker(lambda: session.run(dequeue))
    _waiting(session)
    session.close()
    assert isinstance(worker.finished().error, tf.errors.CancelledError)
    with pytest.raises(RuntimeError, match="closed Session"):
        session.run(dequeue)


def test_reset_closes_sessions(graph):
    session = tf.Session(graph=graph)
    queue = tf.FIFOQueue(1, [tf.int32])
    dequeue = queue.dequeue()
    session.run(queue.size())
    worker = Worker(lambda: session.run(dequeue))
    _waiting(session)
    tf.Session.reset("")
    assert isinstance(worker.finished().error, tf.errors.CancelledError)
    with pytest.raises(tf.errors.CancelledError, match="Session has been closed"):
        session.run(dequeue)


def test_a_run_may_have_a_time_limit(session):
    queue = tf.FIFOQueue(1, [tf.int32])
    dequeue = queue.dequeue()
    with pytest.raises(tf.errors.DeadlineExceededError, match="Timed out"):
        session.run(dequeue, options=tf.RunOptions(timeout_in_ms=20))
    session.run(queue.enqueue(1))
    assert session.run(dequeue, options=tf.RunOptions(timeout_in_ms=20)) == 1


def test_all_runs_of_a_session_may_have_a_time_limit(graph):
    dequeue = tf.FIFOQueue(1, [tf.int32]).dequeue()
    config = tf.ConfigProto(operation_timeout_in_ms=20)
    with tf.Session(config=config) as session, pytest.raises(tf.errors.DeadlineExceededError):
        session.run(dequeue)


def test_a_call_that_gave_up_leaves_the_queue_as_it_was(session):
    queue = tf.FIFOQueue(10, [tf.int32], shapes=[[]])
    session.run(queue.enqueue_many([[1, 2]]))
    with pytest.raises(tf.errors.DeadlineExceededError):
        session.run(queue.dequeue_many(3), options=tf.RunOptions(timeout_in_ms=20))
    assert session.run(queue.dequeue_many(2)).tolist() == [1, 2]


@pytest.fixture
def interruptible():
    """Makes SIGINT raise KeyboardInterrupt, also in a job that a shell put in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_ends_a_wait(session, interruptible):
    queue = tf.FIFOQueue(10, [tf.int32], shapes=[[]])
    dequeue = queue.dequeue()

    def interrupt():
        _waiting(session)
        os.kill(os.getpid(), signal.SIGINT)

    worker = Worker(interrupt)
    with pytest.raises(KeyboardInterrupt):
        session.run(dequeue)
    worker.finished()
    session.run(queue.enqueue(1))
    assert session.run(dequeue) == 1


def test_producer_and_consumer_in_one_run(session):
    queue = tf.FIFOQueue(1, [tf.int32], shapes=[[]])
    dequeue, enqueue = queue.dequeue(), queue.enqueue(7)
    options = tf.RunOptions(timeout_in_ms=60_000)
    assert session.run([dequeue, enqueue], options=options) == [7, None]


# Bad input.


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda queue, x: queue.enqueue((x, 1)), r"Shape mismatch in tuple component 0. Expected \[2\], got \[3\]"),
        (lambda queue, x: queue.enqueue_many(([x, x], [1, 2])), r"Expected \[2,2\], got \[2,3\]"),
        (lambda queue, x: queue.enqueue_many((x, [1])), "Shape mismatch"),
        (lambda queue, x: queue.dequeue_many(tf.cast(-x[0], tf.int32)), "requested -1 < 0 elements"),
        (lambda queue, x: queue.dequeue_many(tf.cast(x, tf.int32)), "scalar"),
        (lambda queue, x: tf.raw_ops.QueueEnqueueV2(handle=queue.queue_ref, components=[x]), "number of components"),
        (lambda queue, x: tf.raw_ops.QueueEnqueueV2(handle=queue.queue_ref, components=[x, x]), "Type mismatch"),
        (
            lambda queue, x: tf.raw_ops.QueueDequeueV2(handle=queue.queue_ref, component_types=[tf.float32])[0],
            "Signature mismatch",
        ),
        (lambda queue, x: tf.raw_ops.ReaderResetV2(reader_handle=queue.queue_ref), "Expected the handle of a Reader"),
    ],
)
def test_bad_values_are_rejected_when_the_graph_runs(session, call, message):
    queue = tf.FIFOQueue(5, [tf.float32, tf.int64], shapes=[[2], []])
    x = tf.placeholder(tf.float32)
    operation = call(queue, x)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        session.run(operation, {x: [1.0, 2.0, 3.0]}, options=tf.RunOptions(timeout_in_ms=60_000))


def test_batches_need_fixed_shapes(session):
    with pytest.raises(tf.errors.InvalidArgumentError, match="require the components to have specified shapes"):
        session.run(tf.FIFOQueue(2, [tf.float32]).dequeue_many(2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tf.FIFOQueue(5, [tf.int32, tf.int32], shapes=[[1]]), "same length as dtypes"),
        (lambda: tf.FIFOQueue(5, [tf.int32, tf.int32], names=["a"]), "same length"),
        (lambda: tf.FIFOQueue(5, [tf.int32], shapes=[[None]]), "fully defined"),
        (lambda: tf.PaddingFIFOQueue(5, [tf.int32], [tf.TensorShape(None)]), "defined rank"),
        (lambda: tf.FIFOQueue(5, [tf.int32], shapes=[[2]]).enqueue([[1, 2, 3]]), "incompatible"),
        (lambda: tf.FIFOQueue(5, [tf.int32]).enqueue({"a": 1}), "must have names"),
    ],
)
def test_bad_arguments_are_rejected_at_once(graph, call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_random_queue_must_be_larger_than_what_stays(session):
    with pytest.raises(tf.errors.InvalidArgumentError, match="min_after_dequeue 3 must be < capacity 2"):
        session.run(tf.RandomShuffleQueue(2, 3, [tf.int32]).size())


def test_what_does_not_match_the_components() -> None:
    def pairs(**options):
        return tf.queue.FIFOQueue(2, [tf.int32, tf.string], **options)

    calls = [lambda: pairs(shapes=[[], []]).enqueue((1,)), lambda: pairs(shapes=[[]])]
    for call in calls:
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"2 components|same length"):
            call()
        with tf.Graph().as_default(), pytest.raises(ValueError, match=r"2 components|same length"):
            call()
