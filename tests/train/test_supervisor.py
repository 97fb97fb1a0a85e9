"""Supervisors: their sessions and services, and the loop under them."""

from __future__ import annotations

import threading

import pytest

import tideflow.v1 as tf


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


def _counting():
    step = tf.train.get_or_create_global_step()
    return tf.assign_add(step, 1), step


def test_services_write_checkpoints_and_summaries(tmp_path, graph):
    tf.summary.scalar("constant", tf.constant(2.0))
    increment, step = _counting()
    supervisor = tf.train.Supervisor(logdir=str(tmp_path), save_model_secs=30, save_summaries_secs=30)
    assert graph.finalized and supervisor.save_model_secs == 30 and supervisor.global_step is step
    saved = threading.Event()
    save = supervisor.saver.save

    def signal(*args, **kwargs):
        save(*args, **kwargs)
        saved.set()

    supervisor.saver.save = signal
    with supervisor.managed_session() as session:
        session.run(increment)
        assert saved.wait(600)
        summary = session.run(supervisor.summary_op)
        supervisor.summary_computed(session, summary)
    assert supervisor.should_stop()
    names = {path.name for path in tmp_path.iterdir()}
    assert {"checkpoint", "graph.pbtxt"} <= names
    assert tf.train.latest_checkpoint(str(tmp_path))
    events = [e for path in tmp_path.glob("events*") for e in tf.train.summary_iterator(str(path))]
    tags = {value.tag for event in events for value in event.summary.value}
    assert {"constant_1", "constant"} & tags and "global_step/sec" in tags
    statuses = [event.session_log.status for event in events if event.WhichOneof("what") == "session_log"]
    assert statuses[0] == 1 and statuses[-1] == 2


def test_a_session_is_restored(tmp_path):
    increment, step = _counting()
    supervisor = tf.train.Supervisor(logdir=str(tmp_path), save_model_secs=0, save_summaries_secs=0)
    with supervisor.managed_session() as session:
        session.run([increment, increment])
        supervisor.saver.save(session, supervisor.save_path, global_step=step)
    with supervisor.managed_session() as session:
        assert session.run(step) == 1


def test_errors_leave_the_block_and_the_end_of_data_does_not():
    _counting()
    supervisor = tf.train.Supervisor()
    with pytest.raises(ZeroDivisionError), supervisor.managed_session():
        raise ZeroDivisionError
    with supervisor.managed_session():
        raise tf.errors.OutOfRangeError(None, None, "over")


def test_loops_run_until_the_stop():
    _counting()
    supervisor = tf.train.Supervisor()
    called = threading.Event()
    with supervisor.managed_session() as session:
        thread = supervisor.loop(None, called.set)
        assert called.wait(600)
        assert session.graph.finalized
    assert not thread.is_alive()


def test_queue_runners_are_started():
    number = tf.train.range_input_producer(3, num_epochs=1, shuffle=False).dequeue()
    supervisor = tf.train.Supervisor()
    seen = []
    with supervisor.managed_session() as session:
        while not supervisor.should_stop():
            seen.append(int(session.run(number)))
    assert seen == [0, 1, 2]


def test_what_is_none_is_switched_off(tmp_path):
    _counting()
    supervisor = tf.train.Supervisor(logdir=str(tmp_path), summary_writer=None, saver=None, global_step=None)
    assert supervisor.summary_writer is None and supervisor.saver is None and supervisor.global_step is None
    with supervisor.managed_session() as session, pytest.raises(RuntimeError, match="summary writer"):
        supervisor.summary_computed(session, b"")
    with tf.Graph().as_default():
        _counting()
        worker = tf.train.Supervisor(is_chief=False, logdir=str(tmp_path))
    with pytest.raises(RuntimeError, match="chief"):
        worker.start_standard_services(None)


def test_a_basic_loop_runs_until_the_stop_and_again_after_a_loss():
    increment, _ = _counting()
    supervisor = tf.train.Supervisor()
    values = []

    def step(session, scale, *, last):
        values.append(int(session.run(increment)) * scale)
        if len(values) == 2:
            raise tf.errors.AbortedError(None, None, "lost")
        if values[-1] == last:
            supervisor.request_stop()

    tf.train.basic_train_loop(supervisor, step, args=[10], kwargs={"last": 30})
    assert values == [10, 20, 10, 20, 30]
