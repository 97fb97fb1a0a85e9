"""What a run that fails gives back, where the law over all updates (``tests/laws``) does not look."""

from __future__ import annotations

import threading
from contextlib import suppress

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.runtime import rollback
from tideflow._src.runtime.buffers import Buffer
from tideflow.compat import v1

FAILS = pytest.raises(tf.errors.OpError)


@pytest.fixture
def session():
    with v1.Graph().as_default(), v1.Session() as opened:
        yield opened


@pytest.fixture(params=["host", "xla"])
def tier(request, monkeypatch):
    monkeypatch.setenv("TIDEFLOW_TIER", request.param)
    return request.param


def _end(log):
    """Does what the end of a run does."""
    rollback.this_thread.log = None
    log.clear()


def _checked(index):
    return tf.gather(tf.constant([1.0, 2.0]), index)


def test_an_assignment_of_another_shape(tier, session):
    held = v1.get_variable("v", initializer=[1.0, 2.0], validate_shape=False)
    index, value = v1.placeholder(tf.int32, []), v1.placeholder(tf.float32, [None])
    with tf.control_dependencies([v1.assign(held, value, validate_shape=False)]):
        step = _checked(index)
    session.run(held.initializer)
    for size in (3, 2):
        with FAILS:
            session.run(step, {index: 9, value: np.zeros(size)})
        assert session.run(held).tolist() == [1.0, 2.0]
    session.run(step, {index: 0, value: np.zeros(3)})
    assert session.run(held).tolist() == [0.0, 0.0, 0.0]


def test_a_first_value(tier, session):
    held = v1.get_variable("v", initializer=[1.0, 2.0])
    index = v1.placeholder(tf.int32, [])
    with tf.control_dependencies([held.initializer]):
        step = _checked(index)
    with FAILS:
        session.run(step, {index: 9})
    assert not session.run(v1.is_variable_initialized(held))
    session.run(step, {index: 1})
    assert session.run(held).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("read_after", [False, True])
def test_rows_of_several_tables(tier, session, read_after):
    """The check of the second update comes after the first one; many indices are checked in the program itself."""
    tables = [v1.get_variable(name, initializer=np.ones((9, 2), np.float32)) for name in "ab"]
    rows = [v1.placeholder(tf.int32, [None]) for _ in tables]
    updates = [v1.scatter_add(table, row, tf.ones([tf.size(row), 2])) for table, row in zip(tables, rows, strict=True)]
    session.run(v1.global_variables_initializer())
    fetches = updates if read_after else [update.op for update in updates]
    good, bad = np.arange(40_000) % 9, np.arange(40_000) % 10
    for rejected in ([good, bad], [bad, good]):
        with FAILS:
            session.run(fetches, dict(zip(rows, rejected, strict=True)))
        for table in session.run(tables):
            np.testing.assert_array_equal(table, np.ones((9, 2)))
    session.run(fetches, dict(zip(rows, [good, good], strict=True)))
    expected = 1.0 + np.bincount(good)
    for table in session.run(tables):
        np.testing.assert_array_equal(table, np.stack([expected, expected], 1))


def test_both_ends_of_a_queue_in_one_run(session):
    queue = v1.FIFOQueue(1, [tf.int32], [()])
    held, table = v1.get_variable("v", initializer=0.0), v1.get_variable("t", initializer=[0.0, 0.0])
    index = v1.placeholder(tf.int32, [])
    updates = [v1.assign_add(held, 1.0), v1.scatter_add(table, [1], [1.0])]
    with tf.control_dependencies([item.op for item in updates]):
        put = queue.enqueue(index)
    with tf.control_dependencies([put]):
        taken = queue.dequeue()
    with tf.control_dependencies([v1.assign_add(held, tf.cast(taken, tf.float32))]):
        step = _checked(taken)
    session.run(v1.global_variables_initializer())
    with FAILS:
        session.run(step, {index: 7})
    assert session.run([held, table[1]]) == [0.0, 0.0]
    assert session.run(step, {index: 1}) == 2.0
    assert session.run([held, table[1]]) == [2.0, 1.0]


def test_frames_of_tensorflow_1(session):
    raw = tf.raw_ops
    held = v1.get_variable("v", initializer=[0.0, 0.0], use_resource=False)
    index = v1.placeholder(tf.int32, [])
    before = v1.scatter_add(held, [0], [1.0])
    with tf.control_dependencies([before]):
        _, taken = raw.Switch(data=index, pred=tf.constant(True))
        step = raw.Merge(inputs=[_checked(taken), _checked(taken)])[0]
    session.run(v1.global_variables_initializer())
    with FAILS:
        session.run(step, {index: 7})
    assert session.run(held).tolist() == [0.0, 0.0]
    assert session.run(step, {index: 1}) == 2.0
    assert session.run(held).tolist() == [1.0, 0.0]


def test_a_handle_that_is_known_at_run_time_only(session):
    first, second = (v1.get_variable(name, initializer=0.0, use_resource=True) for name in "ab")
    index = v1.placeholder(tf.int32, [])
    handle = tf.cond(index < 5, lambda: first.handle, lambda: second.handle)
    update = tf.raw_ops.AssignAddVariableOp(resource=handle, value=1.0)
    with tf.control_dependencies([update]):
        step = _checked(index)
    session.run(v1.global_variables_initializer())
    with FAILS:
        session.run(step, {index: 3})
    assert session.run(first) == 0.0
    session.run(step, {index: 1})
    assert session.run([first, second]) == [1.0, 0.0]


def test_what_a_python_function_does_is_its_own(tier):
    mine, theirs = tf.Variable(0.0), tf.Variable(0.0)

    @tf.function
    def inner(index):
        theirs.assign_add(1.0)
        return _checked(index)

    def call(index):
        theirs.assign_add(10.0)
        inner(tf.constant(1))
        with suppress(tf.errors.InvalidArgumentError):
            inner(tf.constant(9))
        return index

    @tf.function
    def step(index):
        mine.assign_add(1.0)
        return _checked(tf.py_function(call, [index], tf.int32))

    with FAILS:
        step(tf.constant(7))
    assert [mine.numpy(), theirs.numpy()] == [0.0, 11.0]
    step(tf.constant(1))
    assert [mine.numpy(), theirs.numpy()] == [1.0, 22.0]


def test_a_value_that_was_read_in_between_stays_what_it_was(session):
    held = v1.get_variable("v", initializer=[1.0, 2.0], use_resource=True)
    index, read = v1.placeholder(tf.int32, []), []
    with tf.control_dependencies([v1.scatter_add(held, [0], [5.0])]):
        seen = v1.py_func(lambda value: read.append(value) or np.int32(0), [held.read_value()], tf.int32)
    with tf.control_dependencies([v1.scatter_add(held, [0], tf.cast([seen], tf.float32) + 1.0)]):
        step = _checked(index)
    session.run(v1.global_variables_initializer())
    with FAILS:
        session.run(step, {index: 7})
    assert session.run(held).tolist() == [1.0, 2.0]
    assert read[0].tolist() == [6.0, 2.0]


def _buffer() -> Buffer:
    buffer = Buffer("v", tf.float32, (4,))
    buffer.store(np.arange(4, dtype=np.float32))
    return buffer


def _add(buffer: Buffer, where: list[int]) -> None:
    array = rollback.rows_to_change(buffer)
    rollback.keep_rows(array, np.array(where))
    array[where] += 1
    buffer.store(array, rollback.current_log())


def test_rows_are_given_back_in_place_and_a_loop_keeps_no_more_than_a_copy():
    buffer = _buffer()
    array = buffer.value
    log = rollback.begin()
    _add(buffer, [1, 2])
    log.roll_back()
    assert buffer.value is array
    for _ in range(100):
        _add(buffer, [1, 3])
    assert sum(rows.size for rows in log.rows.values()) + sum(item[0].size for item in log.values.values()) <= 6
    log.roll_back()
    _end(log)
    assert buffer.value.tolist() == [0, 1, 2, 3]
    assert rollback.current_log() is None


def test_another_threads_update_of_rows_is_not_lost():
    buffer = _buffer()
    log = rollback.begin()
    _add(buffer, [0])
    thread = threading.Thread(target=_add, args=(buffer, [0]))
    thread.start()
    thread.join()
    log.roll_back()
    _end(log)
    assert buffer.value.tolist() == [2, 1, 2, 3]


def test_a_run_inside_of_a_run_belongs_to_it():
    buffer = _buffer()
    log = rollback.begin()
    inner = rollback.begin()
    assert inner is None
    array = rollback.last_rows_to_change(buffer)
    rollback.keep_rows(array, np.array([3]))
    array[3] = 9
    buffer.store(array, rollback.current_log())
    rollback.done()
    rollback.this_thread.depth -= 1
    log.roll_back()
    _end(log)
    assert buffer.value.tolist() == [0, 1, 2, 3]


def test_what_is_fetched_and_has_no_value(tier, session):
    """It is found out after all operations, or before them."""
    table = v1.get_variable("table", initializer=[1.0, 2.0], use_resource=False)
    unset = v1.get_variable("unset", initializer=[1.0, 2.0], use_resource=False)
    update = v1.scatter_add(table, [0], [5.0]).op
    with tf.control_dependencies([update]):
        copy = tf.identity(unset)
    session.run(table.initializer)
    for fetch in (unset, copy):
        with pytest.raises(tf.errors.FailedPreconditionError):
            session.run([update, fetch])
        assert session.run(table).tolist() == [1.0, 2.0]
    session.run(unset.initializer)
    session.run([update, unset])
    assert session.run(table).tolist() == [6.0, 2.0]


@pytest.mark.parametrize("scatters", [False, True])
def test_a_variable_that_the_last_stage_changes_again(tier, scatters):
    held = tf.Variable([1.0, 2.0])

    @tf.function
    def step(index):
        held.assign_add([1.0, 1.0])
        seen = tf.ensure_shape(tf.py_function(lambda value: value, [held.read_value()], tf.float32), [2])
        if scatters:
            held.scatter_add(tf.IndexedSlices(seen, tf.constant([0, 1])))
        else:
            held.assign_add(seen)
        return tf.gather(seen, index) + held

    for _ in range(2):
        with FAILS:
            step(tf.constant(7))
        assert held.numpy().tolist() == [1.0, 2.0]
    step(tf.constant(1))
    with FAILS:
        step(tf.constant(7))
    assert held.numpy().tolist() == [4.0, 6.0]


def test_rows_that_an_interrupted_kernel_has_changed():
    buffer = _buffer()
    log = rollback.begin()
    array = rollback.rows_to_change(buffer)
    rollback.keep_rows(array, np.array([1]))
    array[1] = 9  # and Ctrl-C comes before the operation has said that it has changed them
    log.roll_back()
    _end(log)
    assert buffer.value.tolist() == [0, 1, 2, 3]
    assert buffer.writer is None


@pytest.mark.parametrize("change", [_add, lambda buffer, _: rollback.replace(buffer, buffer.peek() + np.float32(10))])
def test_what_another_thread_has_left_is_what_is_given_back(change):
    buffer = _buffer()
    log = rollback.begin()
    change(buffer, [0])
    with rollback.apart():
        rollback.replace(buffer, np.full(4, 7, np.float32))
    change(buffer, [1, 1])
    log.roll_back()
    _end(log)
    assert buffer.value.tolist() == [7, 7, 7, 7]


def test_ctrl_c_does_not_keep_a_run_from_giving_back():
    class Interrupted:
        """Is a lock the wait for which is interrupted once."""

        def __init__(self):
            self.waits = 0

        def __enter__(self):
            self.waits += 1
            if self.waits == 1:
                raise KeyboardInterrupt

        def __exit__(self, *_):
            pass

    first, second = _buffer(), _buffer()
    log = rollback.begin()
    for buffer in (first, second):
        rollback.replace(buffer, buffer.peek() + np.float32(1))
    second.lock = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        log.roll_back()
    _end(log)
    assert [buffer.value.tolist() for buffer in (first, second)] == [[0, 1, 2, 3]] * 2


def test_a_thread_that_cannot_be_started(session, monkeypatch):
    held = v1.get_variable("held", initializer=0.0, use_resource=True)
    queue = v1.FIFOQueue(1, [tf.float32], [[]])
    with tf.control_dependencies([held.assign_add(1.0)]):
        give = queue.enqueue([tf.constant(1.0)])
    take = queue.dequeue()
    session.run(held.initializer)

    def refuse(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            session.run([give, take])
    assert session.run(held) == 0.0
    assert session.run([take, give])[0] == 1.0
    assert session.run(held) == 1.0
