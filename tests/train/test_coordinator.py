"""Coordinators, looping threads and queue runners."""

from __future__ import annotations

import sys
import threading
import time

import pytest

import tideflow.v1 as tf

GRACE = 60


def _thread(coord, target):
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    coord.register_thread(thread)
    return thread


def test_threads_stop_when_asked():
    coord = tf.train.Coordinator()
    threads = [_thread(coord, coord.wait_for_stop) for _ in range(3)]
    assert not coord.should_stop() and not coord.joined
    coord.request_stop()
    coord.join()
    assert coord.should_stop() and coord.joined
    assert not any(thread.is_alive() for thread in threads)


def test_join_ends_when_all_threads_have_ended():
    coord = tf.train.Coordinator()
    coord.join([_thread(coord, lambda: None)])
    assert not coord.should_stop()


@pytest.mark.parametrize("as_triple", [False, True])
def test_the_first_error_is_raised_by_join(as_triple):
    coord = tf.train.Coordinator()

    def fail():
        try:
            raise ValueError("first")
        except ValueError as error:
            coord.request_stop(sys.exc_info() if as_triple else error)

    thread = _thread(coord, fail)
    coord.wait_for_stop(GRACE)
    coord.request_stop(KeyError("second"))
    with pytest.raises(ValueError, match="first"):
        coord.join([thread])
    with pytest.raises(ValueError, match="first"):
        coord.raise_requested_exception()


def test_the_end_of_the_data_is_no_error():
    coord = tf.train.Coordinator()
    with coord.stop_on_exception():
        raise tf.errors.OutOfRangeError(None, None, "the end")
    coord.join()
    coord = tf.train.Coordinator(clean_stop_exception_types=(KeyError,))
    with coord.stop_on_exception():
        raise tf.errors.OutOfRangeError(None, None, "the end")
    with pytest.raises(tf.errors.OutOfRangeError):
        coord.join()


def test_a_thread_that_does_not_stop_is_an_error():
    coord = tf.train.Coordinator()
    release = threading.Event()
    thread = _thread(coord, lambda: release.wait(GRACE))
    coord.request_stop()
    with pytest.raises(RuntimeError, match="threads still running"):
        coord.join([thread], stop_grace_period_secs=0.02)
    coord.clear_stop()
    coord.request_stop()
    coord.join([thread], stop_grace_period_secs=0.02, ignore_live_threads=True)
    release.set()
    thread.join(GRACE)


def test_an_error_after_join_is_raised_at_once():
    coord = tf.train.Coordinator()
    coord.request_stop()
    coord.join()
    with pytest.raises(ValueError, match="late"):
        coord.request_stop(ValueError("late"))


def test_a_looper_calls_until_it_is_stopped():
    coord = tf.train.Coordinator()
    calls = []

    def target(value):
        calls.append(value)
        if len(calls) == 3:
            coord.request_stop()

    tf.train.LooperThread.loop(coord, 0.001, target, args=(7,))
    coord.join(stop_grace_period_secs=GRACE)
    assert calls == [7, 7, 7]


def test_an_error_in_a_looper_stops_the_others():
    coord = tf.train.Coordinator()

    def fail():
        raise ValueError("in the loop")

    tf.train.LooperThread.loop(coord, None, lambda: time.sleep(0.001))
    tf.train.LooperThread.loop(coord, None, fail)
    with pytest.raises(ValueError, match="in the loop"):
        coord.join(stop_grace_period_secs=GRACE)
    with pytest.raises(ValueError, match="Coordinator"):
        tf.train.LooperThread(None, 1)


@pytest.fixture
def session(graph):
    with tf.Session(graph=graph) as session:
        yield session


def _counting_runner(limit):
    counter = tf.get_variable("counter", [], tf.int64, tf.zeros_initializer(), trainable=False)
    queue = tf.FIFOQueue(5, [tf.int64], shapes=[[]])
    runner = tf.train.QueueRunner(queue, [queue.enqueue(counter.count_up_to(limit))])
    tf.train.add_queue_runner(runner)
    return queue, runner


def test_a_runner_fills_the_queue_and_closes_it(session):
    queue, runner = _counting_runner(8)
    dequeue = queue.dequeue()
    session.run(tf.global_variables_initializer())
    threads = runner.create_threads(session, start=True)
    assert [int(session.run(dequeue)) for _ in range(8)] == list(range(8))
    with pytest.raises(tf.errors.OutOfRangeError):
        session.run(dequeue)
    for thread in threads:
        thread.join(GRACE)
    assert runner.exceptions_raised == []


def test_threads_are_made_once_for_a_session(session):
    _, runner = _counting_runner(1000)
    session.run(tf.global_variables_initializer())
    coord = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(session, coord)
    assert [thread.name.rsplit("-", 1)[1] for thread in threads] == ["fifo_queue_enqueue", "close_on_stop"]
    assert runner.create_threads(session, coord) == []
    coord.request_stop()
    coord.join(stop_grace_period_secs=GRACE)
    assert not any(thread.is_alive() for thread in threads)


def test_runners_travel_as_messages(graph):
    _, runner = _counting_runner(3)
    message = runner.to_proto()
    assert message.queue_name == "fifo_queue"
    assert list(message.enqueue_op_name) == ["fifo_queue_enqueue"]
    copy = tf.train.QueueRunner.from_proto(message)
    assert copy.enqueue_ops == runner.enqueue_ops and copy.cancel_op is runner.cancel_op
    assert copy.queue_closed_exception_types == (tf.errors.OutOfRangeError,)
    assert runner.to_proto(export_scope="elsewhere") is None


def test_bad_arguments_are_rejected(graph):
    queue = tf.FIFOQueue(5, [tf.int64])
    with pytest.raises(ValueError, match="Must provide queue and enqueue_ops"):
        tf.train.QueueRunner(queue)
    with pytest.raises(TypeError, match="OpError"):
        tf.train.QueueRunner(queue, [queue.close()], queue_closed_exception_types=(ValueError,))
    with pytest.raises(ValueError, match="No default session"):
        tf.train.start_queue_runners()
    with pytest.raises(TypeError, match=r"must be a `tf.Session`"):
        tf.train.start_queue_runners(sess=object())
