"""Accumulators, barriers, staging areas, critical sections, and tensors that stay in a session."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest

import tideflow as tf2
import tideflow.v1 as tf

raw = tf.raw_ops


@pytest.fixture
def session(graph):
    with tf.Session(graph=graph, config=tf.ConfigProto(operation_timeout_in_ms=60_000)) as session:
        yield session


SOON = {"options": tf.RunOptions(timeout_in_ms=20)}


@pytest.mark.parametrize(("reduction", "expected"), [("MEAN", [2, 3]), ("SUM", [4, 6])])
def test_dense_gradients_are_averaged(session, reduction, expected):
    accumulator = tf.ConditionalAccumulator(tf.float32, shape=[2], reduction_type=reduction)
    take = accumulator.take_grad(2)
    assert take.shape == [2]
    session.run(accumulator.apply_grad([1.0, 2.0]))
    with pytest.raises(tf.errors.DeadlineExceededError):
        session.run(take, **SOON)
    session.run(accumulator.apply_grad([3.0, 4.0]))
    assert session.run(accumulator.num_accumulated()) == 2
    assert session.run(take).tolist() == expected
    assert session.run(accumulator.num_accumulated()) == 0


def test_gradients_of_old_steps_are_dropped(session):
    accumulator = tf.ConditionalAccumulator(tf.float32, shape=[])
    session.run(accumulator.set_global_step(3))
    session.run(accumulator.apply_grad(1.0, local_step=2))
    session.run(accumulator.apply_grad(5.0, local_step=3))
    assert session.run(accumulator.take_grad(1)) == 5
    session.run(accumulator.apply_grad(7.0, local_step=3))
    assert session.run(accumulator.num_accumulated()) == 0, "taking a gradient ends the step"


def test_what_was_taken_does_not_change(session):
    accumulator = tf.ConditionalAccumulator(tf.float32, shape=[2])
    gradient = tf.placeholder(tf.float32, [2])
    apply = accumulator.apply_grad(gradient, local_step=100)
    array = np.ones(2, np.float32)
    for _ in range(3):
        session.run(apply, {gradient: array})
    assert array.tolist() == [1, 1]
    assert session.run(accumulator.take_grad(3)).tolist() == [1, 1]


def test_sparse_gradients_are_averaged_slice_by_slice(session):
    accumulator = tf.SparseConditionalAccumulator(tf.float32, shape=[3, 2])
    session.run(accumulator.apply_grad([0, 2], [[1.0, 1.0], [2.0, 2.0]], [3, 2]))
    session.run(accumulator.apply_indexed_slices_grad(tf.IndexedSlices([[3.0, 3.0]], [0])))
    taken = session.run(accumulator.take_indexed_slices_grad(2))
    assert taken.indices.tolist() == [0, 2]
    assert taken.values.tolist() == [[2, 2], [2, 2]]
    assert taken.dense_shape.tolist() == [3, 2]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a, s, x: a.apply_grad(x), r"Shape mismatch: expected \[2\], got \[3\]"),
        (lambda a, s, x: a.take_grad(0), "must be positive"),
        (lambda a, s, x: s.apply_grad([0], [[1.0]]), "Shape mismatch"),
        (lambda a, s, x: s.apply_grad([5], [[1.0, 2.0]]), r"lie in \[0, 3\)"),
        (lambda a, s, x: s.apply_grad([0, 1], [[1.0, 2.0]]), "Expected 2 slices"),
        (lambda a, s, x: s.apply_grad([0], [[1.0, 2.0]], [4, 2]), "Shape mismatch"),
    ],
)
def test_bad_gradients_are_rejected(session, call, message):
    dense = tf.ConditionalAccumulator(tf.float32, shape=[2])
    sparse = tf.SparseConditionalAccumulator(tf.float32, shape=[3, 2])
    x = tf.placeholder(tf.float32)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        session.run(call(dense, sparse, x), {x: [1.0, 2.0, 3.0]})


def _barrier():
    handle = raw.Barrier(component_types=[tf.float32, tf.int32], shapes=[[], [2]])

    def insert(index, keys, values):
        return raw.BarrierInsertMany(handle=handle, keys=keys, values=values, component_index=index)

    def take(count, small=False):
        return raw.BarrierTakeMany(
            handle=handle, num_elements=count, component_types=[tf.float32, tf.int32], allow_small_batch=small
        )

    return handle, insert, take


def test_a_barrier_joins_components_by_key(session):
    handle, insert, take = _barrier()
    sizes = [raw.BarrierReadySize(handle=handle), raw.BarrierIncompleteSize(handle=handle)]
    session.run(insert(0, ["a", "b"], [1.0, 2.0]))
    assert session.run(sizes) == [0, 2]
    session.run(insert(1, ["b", "a"], [[1, 2], [3, 4]]))
    assert session.run(sizes) == [2, 0]
    indices, keys, values = session.run(take(2))
    assert indices.tolist() == [-(2**63)] * 2
    assert keys.tolist() == [b"b", b"a"]
    assert values[0].tolist() == [2, 1] and values[1].tolist() == [[1, 2], [3, 4]]


def test_a_closed_barrier_takes_what_completes_its_elements(session):
    handle, insert, take = _barrier()
    session.run(insert(0, ["a", "b"], [1.0, 2.0]))
    session.run(insert(1, ["b"], [[1, 2]]))
    session.run(raw.BarrierClose(handle=handle))
    with pytest.raises(tf.errors.OutOfRangeError, match="insufficient elements"):
        session.run(take(3))
    with pytest.raises(tf.errors.CancelledError, match="closed"):
        session.run(insert(0, ["new"], [1.0]))
    assert session.run(take(3, small=True)).keys.tolist() == [b"b"]
    session.run(insert(1, ["a"], [[5, 6]]))
    assert session.run(take(1)).keys.tolist() == [b"a"]


def test_a_barrier_rejects_bad_values(session):
    _, insert, _ = _barrier()
    session.run(insert(0, ["a"], [1.0]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="already has a value"):
        session.run(insert(0, ["a"], [1.0]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="Shape mismatch"):
        session.run(insert(1, ["a"], [[1, 2, 3]]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="out of range"):
        session.run(insert(2, ["a"], [[1, 2, 3]]))


def test_staged_values_are_picked_up_in_order(session):
    area = {"dtypes": [tf.int32], "shared_name": "area", "capacity": 2}
    value = tf.placeholder(tf.int32)
    put = raw.Stage(values=[value], shared_name="area", capacity=2)
    for number in (1, 2):
        session.run(put, {value: number})
    with pytest.raises(tf.errors.DeadlineExceededError):
        session.run(put, {value: 3}, **SOON)
    assert session.run(raw.StagePeek(index=1, **area)) == [2]
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be >= 0, but is -1"):  # TensorFlow waits for ever
        session.run(raw.StagePeek(index=-1, **area))
    assert session.run(raw.Unstage(**area)) == [1]
    assert session.run(raw.StageSize(**area)) == 1
    session.run(raw.StageClear(**area))
    assert session.run(raw.StageSize(**area)) == 0


@pytest.mark.parametrize("prefix", ["Map", "OrderedMap"])
def test_staged_values_are_picked_up_by_key(session, prefix):
    area = {"dtypes": [tf.int32, tf.float32], "shared_name": "area"}

    def call(name, **arguments):
        return session.run(getattr(raw, prefix + name)(**arguments, **area))

    call("Stage", key=4, indices=[0, 1], values=[1, 2.0])
    call("Stage", key=3, indices=[1], values=[5.0])
    assert (call("Size"), call("IncompleteSize")) == (1, 1)
    call("Stage", key=3, indices=[0], values=[6])
    assert call("Peek", key=3, indices=[0, 1]) == [6, 5]
    key, values = call("UnstageNoKey", indices=[0, 1])
    assert (key, values) == ((3, [6, 5.0]) if prefix == "OrderedMap" else (4, [1, 2.0]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="out of bounds"):
        call("Stage", key=9, indices=[2], values=[1])
    call("Clear")
    assert call("Size") == 0


def test_a_critical_section_lets_one_run_in(session):
    variable = tf.get_variable("v", [], initializer=tf.zeros_initializer(), use_resource=True)
    section = tf.CriticalSection()
    inside = []

    def slow_add(value):
        inside.append("in")
        assert inside.count("in") - inside.count("out") == 1
        inside.append("out")
        return value + np.float32(1)

    def add():
        value = tf.py_func(slow_add, [variable.read_value()], tf.float32)
        with tf.control_dependencies([variable.assign(tf.reshape(value, []))]):
            return tf.identity(value)

    step = section.execute(add)
    session.run(tf.global_variables_initializer())
    threads = [threading.Thread(target=lambda: [session.run(step) for _ in range(25)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert session.run(variable) == 100


def test_a_run_that_fails_leaves_its_section(session):
    x = tf.placeholder(tf.float32)
    checked = tf.CriticalSection().execute(lambda: raw.CheckNumerics(tensor=x, message="bad"))
    with pytest.raises(tf.errors.InvalidArgumentError):
        session.run(checked, {x: np.inf})
    gc.collect()
    assert session.run(checked, {x: 1.0}) == 1


def test_sections_must_not_nest(graph):
    section = tf.CriticalSection()
    with pytest.raises(ValueError, match="already running"):
        section.execute(lambda: section.execute(lambda: tf.constant(1)))
    variable = tf.get_variable("v", [], use_resource=True)
    section.execute(variable.read_value)
    with pytest.raises(ValueError, match="exclusive"):
        tf.CriticalSection(name="other").execute(variable.read_value)


def test_sections_work_eagerly():
    assert tf2.CriticalSection().execute(lambda: tf2.constant(5)).numpy() == 5


def test_tensors_stay_in_the_session(session):
    handle = session.run(tf.get_session_handle(tf.constant([1.0, 2.0])))
    holder, tensor = tf.get_session_tensor(handle.handle, tf.float32)
    assert session.run(tensor * 2, {holder: handle.handle}).tolist() == [2, 4]
    assert handle.eval().tolist() == [1, 2]
    x = tf.placeholder(tf.float32)
    assert session.run(x + 1, {x: handle}).tolist() == [2, 3]
    text = handle.handle
    handle.delete()
    with pytest.raises(tf.errors.InvalidArgumentError, match="not in the session store"):
        session.run(tensor, {holder: text})
    with pytest.raises(TypeError, match="deleted"):
        handle.eval()


def test_a_lost_handle_frees_the_tensor(session):
    handle = session.run(tf.get_session_handle(tf.constant(1.0)))
    text = handle.handle
    holder, tensor = tf.get_session_tensor(text, tf.float32)
    del handle
    gc.collect()
    with pytest.raises(tf.errors.InvalidArgumentError, match="not in the session store"):
        session.run(tensor, {holder: text})


def test_deleting_by_handle(session):
    handle = session.run(tf.get_session_handle(tf.constant(1.0)))
    text = handle.get_raw_handle()
    holder, deleter = tf.delete_session_tensor(text)
    session.run(deleter, {holder: text})
    with pytest.raises(tf.errors.InvalidArgumentError):
        session.run(deleter, {holder: text})
    with pytest.raises(ValueError, match="not the handle"):
        tf.get_session_tensor("nonsense", tf.float32)


def test_abort_is_an_error_and_not_a_crash(session):
    with pytest.raises(tf.errors.AbortedError, match="stop now"):
        session.run(raw.Abort(error_msg="stop now"))


def test_constants_from_files(session, tmp_path):
    path = tmp_path / "data"
    np.arange(6, dtype=np.float32).tofile(path)
    constant = raw.ImmutableConst(dtype=tf.float32, shape=[2, 3], memory_region_name=str(path))
    assert session.run(constant).tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(tf.errors.InvalidArgumentError):
        session.run(raw.ImmutableConst(dtype=tf.float32, shape=[2, 4], memory_region_name=str(path)))
    with pytest.raises(tf.errors.NotFoundError):
        session.run(raw.ImmutableConst(dtype=tf.float32, shape=[1], memory_region_name=str(tmp_path / "missing")))


def test_what_resources_go_on_holding_is_handed_out_as_copies(graph) -> None:
    value = tf.placeholder(tf.float32, [3])
    handle = tf.get_session_handle(value)
    typed = {"dtypes": [tf.float32], "shared_name": "area"}
    stage = raw.Stage(values=[value * 1.0], shared_name="area")
    peeked = raw.StagePeek(index=0, **typed)[0]
    with tf.Session() as session:
        kept = session.run(handle, {value: np.ones(3)})
        session.run(stage, {value: np.ones(3)})
        place, tensor = tf.get_session_tensor(kept.handle, tf.float32)
        for fetch, feeds in [(tensor, {place: kept.handle}), (peeked, {})]:
            session.run(fetch, feeds)[:] = 9.0
            np.testing.assert_array_equal(session.run(fetch, feeds), np.ones(3))
