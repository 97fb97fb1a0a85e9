"""Monitored sessions: initialization, restoring, recovery, threads, stops; scaffolds and session managers."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import tideflow.v1 as tf


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


def _training():
    weight = tf.Variable(3.0, name="weight", use_resource=True)
    loss = tf.square(weight, name="loss")
    step = tf.train.get_or_create_global_step()
    return tf.train.GradientDescentOptimizer(0.1).minimize(loss, global_step=step), weight, step


def test_a_session_initializes_and_finalizes(graph):
    weight = tf.Variable(3.0)
    local = tf.Variable(4.0, collections=[tf.GraphKeys.LOCAL_VARIABLES], trainable=False)
    with tf.train.MonitoredSession() as session:
        assert session.graph is graph and graph.finalized
        assert session.run([weight, local]) == [3.0, 4.0]
        assert not session.should_stop()
    assert not graph.finalized
    assert session.should_stop() and session.graph is None
    with pytest.raises(RuntimeError, match="closed"):
        session.run(weight)
    with pytest.raises(RuntimeError, match="already closed"):
        session.close()


@pytest.mark.parametrize("error", [tf.errors.OutOfRangeError(None, None, "over"), StopIteration()])
def test_the_end_of_the_data_ends_the_block(error):
    tf.Variable(1.0)
    ended = []

    class Hook(tf.train.SessionRunHook):
        def end(self, session):
            ended.append(True)

    with tf.train.MonitoredSession(hooks=[Hook()]):
        raise error
    assert ended == [True]


def test_other_errors_leave_the_block_without_end():
    tf.Variable(1.0)
    ended = []

    class Hook(tf.train.SessionRunHook):
        def end(self, session):
            ended.append(True)

    with pytest.raises(ZeroDivisionError), tf.train.MonitoredSession(hooks=[Hook()]):
        raise ZeroDivisionError
    assert ended == []


def test_queue_runners_feed_the_session_and_end_it():
    numbers = tf.train.range_input_producer(3, num_epochs=1, shuffle=False).dequeue()
    seen = []
    with tf.train.MonitoredSession() as session:
        while not session.should_stop():
            seen.append(int(session.run(numbers)))
    assert seen == [0, 1, 2]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("QueueRunnerThread")]


def test_a_failing_thread_fails_the_session():
    value = tf.constant(1.0)

    class Hook(tf.train.SessionRunHook):
        def after_create_session(self, session, coord):
            def fail():
                with coord.stop_on_exception():
                    raise KeyError("from a thread")

            self.thread = threading.Thread(target=fail)
            coord.register_thread(self.thread)
            self.thread.start()

    hook = Hook()
    with pytest.raises(KeyError, match="from a thread"), tf.train.SingularMonitoredSession(hooks=[hook]) as session:
        hook.thread.join()
        session.should_stop()
        session.run(value)


@pytest.mark.parametrize("error", [tf.errors.AbortedError, tf.errors.UnavailableError])
def test_a_session_recovers_from_lost_processes(error):
    train, _, step = _training()
    sessions = []

    class Hook(tf.train.SessionRunHook):
        def after_create_session(self, session, coord):
            sessions.append(session)

        def before_run(self, run_context):
            if len(sessions) == 1 and run_context.session.run(step) == 2:
                raise error(None, None, "lost")

    with tf.train.MonitoredSession(hooks=[Hook(), tf.train.StopAtStepHook(last_step=4)]) as session:
        while not session.should_stop():
            session.run(train)
        assert session.run_step_fn(lambda step_context: step_context.session is sessions[1])
    assert len(sessions) == 2


def test_a_singular_session_does_not_recover():
    value = tf.constant(1.0)

    class Hook(tf.train.SessionRunHook):
        def before_run(self, run_context):
            raise tf.errors.AbortedError(None, None, "lost")

    with (
        tf.train.SingularMonitoredSession(hooks=[Hook()]) as session,
        pytest.raises(tf.errors.AbortedError, match="lost"),
    ):
        assert isinstance(session.raw_session(), tf.Session)
        session.run(value)


def test_step_functions():
    value = tf.constant(1.0)
    with tf.train.MonitoredSession() as session:
        assert session.run_step_fn(lambda step_context: step_context.run_with_hooks(value)) == 1.0
        assert session.run_step_fn(lambda step_context: step_context.session.run(value)) == 1.0

        class Model:
            def step(self, step_context):
                return step_context.session.run(value) + 1

        assert session.run_step_fn(Model().step) == 2.0
        with pytest.raises(ValueError, match="step_context"):
            session.run_step_fn(lambda other: None)
        with pytest.raises(TypeError, match="step_fn"):
            session.run_step_fn(3)
        session.run_step_fn(lambda step_context: step_context.request_stop())
    assert session.should_stop()


def test_training_is_restored_from_checkpoints(tmp_path):
    folder = str(tmp_path)
    tf.summary.scalar("one", tf.constant(1.0))
    train, weight, step = _training()
    arguments = {
        "checkpoint_dir": folder,
        "save_checkpoint_steps": 2,
        "save_summaries_steps": 2,
        "log_step_count_steps": 2,
    }
    with tf.train.MonitoredTrainingSession(hooks=[tf.train.StopAtStepHook(5)], **arguments) as session:
        while not session.should_stop():
            session.run(train)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"checkpoint", "graph.pbtxt", "model.ckpt-0.index", "model.ckpt-5.index"} <= names
    tags, logs = [], []
    for path in tmp_path.glob("events*"):
        for event in tf.train.summary_iterator(str(path)):
            tags.extend((event.step, value.tag) for value in event.summary.value)
            if event.WhichOneof("what") == "session_log":
                logs.append((event.step, event.session_log.status))
    assert [tag for tag in tags if tag[1] == "one"] == [(1, "one"), (3, "one"), (5, "one")]
    assert [step for step, tag in tags if tag == "global_step/sec"] == [3, 5]
    assert (1, 1) in logs and (5, 3) in logs
    with tf.train.MonitoredTrainingSession(checkpoint_dir=folder) as session:
        assert session.run(step) == 5
        np.testing.assert_allclose(session.run(weight), 3 * 0.8**5, rtol=1e-6)


def test_listeners_hear_of_checkpoints_and_can_stop(tmp_path):
    train, _, _ = _training()
    calls = []

    class Listener(tf.train.CheckpointSaverListener):
        def begin(self):
            calls.append("begin")

        def before_save(self, session, global_step_value):
            calls.append(("before", global_step_value))

        def after_save(self, session, global_step_value):
            calls.append(("after", global_step_value))
            return global_step_value >= 4

        def end(self, session, global_step_value):
            calls.append(("end", global_step_value))

    scaffold = tf.train.Scaffold()
    hook = tf.train.CheckpointSaverHook(
        str(tmp_path), save_steps=2, scaffold=scaffold, listeners=[Listener()], save_graph_def=False
    )
    with tf.train.MonitoredSession(tf.train.ChiefSessionCreator(scaffold), hooks=[hook]) as session:
        while not session.should_stop():
            session.run(train)
    steps = (0, 2, 4)
    assert calls == ["begin", *[call for step in steps for call in (("before", step), ("after", step))], ("end", 4)]
    assert not (tmp_path / "graph.pbtxt").exists()


def test_workers_wait_for_the_chief():
    weight = tf.Variable(1.0, use_resource=True)
    target = tf.train.Server.create_local_server().target
    creator = tf.train.WorkerSessionCreator(master=target, max_wait_secs=0)
    with pytest.raises(tf.errors.DeadlineExceededError, match="not ready"):
        tf.train.MonitoredSession(creator)
    with (
        tf.train.MonitoredTrainingSession(master=target) as chief,
        tf.train.MonitoredTrainingSession(master=target, is_chief=False) as worker,
    ):
        assert worker.run(weight) == chief.run(weight) == 1.0


def test_scaffold_takes_parts_from_collections_and_other_scaffolds(graph):
    weight = tf.Variable(2.0)
    init = tf.global_variables_initializer()
    tf.add_to_collection(tf.GraphKeys.INIT_OP, init)
    scaffold = tf.train.Scaffold(init_feed_dict={"x": 1}).finalize()
    assert scaffold.init_op is init and scaffold.init_feed_dict == {"x": 1}
    assert scaffold.summary_op is None and scaffold.saver is tf.get_collection(tf.GraphKeys.SAVERS)[0]
    assert tf.get_collection(tf.GraphKeys.READY_OP) == [scaffold.ready_op]
    copied = tf.train.Scaffold(copy_from_scaffold=scaffold, init_op="other")
    assert copied.init_op == "other" and copied.ready_op is scaffold.ready_op
    with pytest.raises(TypeError, match="copy_from_scaffold"):
        tf.train.Scaffold(copy_from_scaffold=weight)
    graph._unsafe_unfinalize()
    tf.add_to_collection("twice", 1)
    tf.add_to_collection("twice", 2)
    with pytest.raises(RuntimeError, match="twice"):
        tf.train.Scaffold.get_or_default("part", "twice", lambda: 3)


def test_scaffold_runs_its_functions():
    start = tf.placeholder(tf.float32, [])
    weight = tf.Variable(start)
    seen = []
    scaffold = tf.train.Scaffold(
        init_feed_dict={start: 7.0},
        init_fn=lambda scaffold, session: seen.append((scaffold, session.run(weight))),
    )
    with tf.train.MonitoredSession(tf.train.ChiefSessionCreator(scaffold)):
        pass
    assert seen == [(scaffold, 7.0)]


def test_what_is_not_initialized_is_named():
    tf.Variable(1.0, name="forgotten")
    creator = tf.train.ChiefSessionCreator(tf.train.Scaffold(init_op=tf.no_op()))
    with pytest.raises(RuntimeError, match=r"Init operations did not make model ready.*forgotten"):
        tf.train.MonitoredSession(creator)


def test_session_manager_recovers_from_a_checkpoint(tmp_path):
    weight = tf.Variable(1.0, name="weight")
    saver = tf.train.Saver()
    ready = tf.report_uninitialized_variables()
    manager = tf.train.SessionManager(ready_op=ready)
    session, is_ready = manager.recover_session("", saver, str(tmp_path))
    assert not is_ready
    session.run(weight.initializer)
    session.run(tf.assign(weight, 5.0))
    saver.save(session, str(tmp_path / "model"))
    session.close()
    session, is_ready = manager.recover_session("", saver, str(tmp_path))
    assert is_ready and session.run(weight) == 5.0
    session.close()
    session = manager.prepare_session("", saver=saver, checkpoint_filename_with_path=str(tmp_path / "model"))
    assert session.run(weight) == 5.0
    session.close()
    with pytest.raises(RuntimeError, match="not initialized"):
        manager.prepare_session("")
    with pytest.raises(ValueError, match="both"):
        manager.prepare_session("", saver=saver, checkpoint_dir="a", checkpoint_filename_with_path="b")
    with pytest.raises(ValueError, match="local_init_op"):
        tf.train.SessionManager(ready_for_local_init_op=ready)
