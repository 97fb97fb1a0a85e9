"""Tests of ``tf.train.Checkpoint`` and what ``restore`` returns."""

from __future__ import annotations

import gc
import logging
import os
import threading

import numpy as np
import pytest

import tideflow as tf


class Net(tf.Module):
    """Holds variables in every structure that is tracked."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.w = tf.Variable([1.0 * scale, 2.0 * scale])
        self.layers = [tf.Variable(1), {"a": tf.Variable("x"), "b/c.d": tf.Variable(3.0)}]
        self.pair = (tf.Variable(np.int64(scale)), "no variable")


class State(tf.train.experimental.PythonState):
    def __init__(self, value: str) -> None:
        self.value = value

    def serialize(self) -> str:
        return self.value

    def deserialize(self, string_value: bytes) -> None:
        self.value = string_value.decode()


def test_keys_are_the_paths_of_attributes(tmp_path):
    checkpoint = tf.train.Checkpoint(net=Net(), state=State("s"))
    path = checkpoint.save(tmp_path / "ckpt")
    assert path == str(tmp_path / "ckpt-1")
    assert [name for name, _ in tf.train.list_variables(path)] == [
        "_CHECKPOINTABLE_OBJECT_GRAPH",
        "net/layers/0/.ATTRIBUTES/VARIABLE_VALUE",
        "net/layers/1/a/.ATTRIBUTES/VARIABLE_VALUE",
        "net/layers/1/b.Sc..d/.ATTRIBUTES/VARIABLE_VALUE",
        "net/pair/0/.ATTRIBUTES/VARIABLE_VALUE",
        "net/w/.ATTRIBUTES/VARIABLE_VALUE",
        "save_counter/.ATTRIBUTES/VARIABLE_VALUE",
        "state/.ATTRIBUTES/py_state",
    ]


@pytest.mark.parametrize(
    "value",
    [
        np.float32([[1, 2], [3, 4]]), np.int64(7), np.array([True, False]), np.array(["", "ab"]), 3 + 4j,
        np.zeros((0, 3)), np.float16([0.5]), tf.constant([1.5, -2], tf.bfloat16), np.uint8([200]),
    ],
)  # fmt: skip
def test_every_dtype_is_there_again(tmp_path, value):
    variable = tf.Variable(value)
    path = tf.train.Checkpoint(v=variable).write(tmp_path / "ckpt")
    other = tf.Variable(tf.zeros_like(variable))
    tf.train.Checkpoint(v=other).read(path).assert_consumed()
    np.testing.assert_array_equal(other.numpy(), variable.numpy())
    assert other.dtype == variable.dtype


def test_what_is_depended_on_later_is_restored_then(tmp_path):
    path = tf.train.Checkpoint(net=Net(5.0), step=tf.Variable(3)).save(tmp_path / "ckpt")
    later = tf.train.Checkpoint()
    status = later.restore(path)
    with pytest.raises(AssertionError, match="Unresolved object in checkpoint"):
        status.assert_consumed()
    later.step = tf.Variable(0)
    assert later.step.numpy() == 3
    later.net = tf.Module()
    later.net.w = tf.Variable([0.0, 0.0])
    np.testing.assert_array_equal(later.net.w, [5.0, 10.0])
    later.net.layers = []
    later.net.layers.append(tf.Variable(0))
    assert later.net.layers[0].numpy() == 1
    later.net.layers.append({})
    later.net.layers[1]["a"] = tf.Variable("")
    later.net.layers[1]["b/c.d"] = tf.Variable(0.0)
    later.net.pair = (tf.Variable(np.int64(0)), "")
    assert later.net.pair[0].numpy() == 5
    status.assert_consumed()


def test_the_latest_of_two_restorations_that_wait_wins(tmp_path):
    variable = tf.Variable(1.0)
    saver = tf.train.Checkpoint(v=variable)
    first = saver.save(tmp_path / "ckpt")
    variable.assign(2.0)
    second = saver.save(tmp_path / "ckpt")
    later = tf.train.Checkpoint()
    first_status, second_status = later.restore(first), later.restore(second)
    later.v = tf.Variable(0.0)
    assert later.v.numpy() == 2.0
    second_status.assert_consumed()
    assert first_status is not second_status


def test_statuses_tell_what_is_missing_on_either_side(tmp_path):
    path = tf.train.Checkpoint(a=tf.Variable(1.0), b=tf.Variable(2.0)).write(tmp_path / "ckpt")
    partial = tf.train.Checkpoint(a=tf.Variable(0.0))
    status = partial.read(path).expect_partial()
    status.assert_existing_objects_matched().assert_nontrivial_match()
    with pytest.raises(AssertionError, match=r"Unresolved object in checkpoint \(root\).b"):
        status.assert_consumed()
    more = tf.train.Checkpoint(a=tf.Variable(0.0), b=tf.Variable(0.0), c=tf.Variable(5.0))
    status = more.read(path)
    with pytest.raises(AssertionError, match="Found 1 Python objects that were not bound"):
        status.assert_existing_objects_matched()
    other = tf.train.Checkpoint(x=tf.Variable(0.0)).read(path).expect_partial()
    with pytest.raises(AssertionError, match="Nothing except the root object matched"):
        other.assert_nontrivial_match()
    with pytest.raises(AssertionError, match="No checkpoint specified"):
        more.restore(None).assert_consumed()


def test_values_that_nobody_wants_are_named_in_the_log(tmp_path, caplog):
    path = tf.train.Checkpoint(a=tf.Variable(1.0), b=tf.Variable(2.0)).write(tmp_path / "ckpt")
    logger = tf.get_logger()
    propagate, logger.propagate = logger.propagate, True
    try:
        with caplog.at_level(logging.WARNING):
            tf.train.Checkpoint(a=tf.Variable(0.0)).read(path)
            gc.collect()
            assert "Value in checkpoint could not be found in the restored object: (root).b" in caplog.text
            caplog.clear()
            tf.train.Checkpoint(a=tf.Variable(0.0)).read(path).expect_partial()
            gc.collect()
            assert caplog.text == ""
    finally:
        logger.propagate = propagate


def test_another_shape_or_dtype_is_an_error(tmp_path):
    path = tf.train.Checkpoint(v=tf.Variable([1.0, 2.0])).write(tmp_path / "ckpt")
    with pytest.raises(ValueError, match="Received incompatible tensor with shape"):
        tf.train.Checkpoint(v=tf.Variable([1.0])).read(path)
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected dtype double does not equal original dtype"):
        tf.train.Checkpoint(v=tf.Variable(np.zeros(2))).read(path)


def test_what_is_no_checkpoint_is_not_found(tmp_path):
    with pytest.raises(tf.errors.NotFoundError, match="Error when restoring from checkpoint or SavedModel at"):
        tf.train.Checkpoint(v=tf.Variable(1)).restore(tmp_path / "none")
    with pytest.raises(ValueError, match="was expecting v to be a trackable object"):
        tf.train.Checkpoint(v=3)


def test_a_root_is_saved_as_itself(tmp_path):
    net = Net(2.0)
    path = tf.train.Checkpoint(net, optimizer=tf.Variable(4.0)).save(tmp_path / "ckpt")
    names = [name for name, _ in tf.train.list_variables(path)]
    assert "w/.ATTRIBUTES/VARIABLE_VALUE" in names
    assert "optimizer/.ATTRIBUTES/VARIABLE_VALUE" in names
    other, optimizer = Net(), tf.Variable(0.0)
    restored = tf.train.Checkpoint(other, optimizer=optimizer)
    restored.restore(path).assert_consumed()
    np.testing.assert_array_equal(other.w, [2.0, 4.0])
    assert (optimizer.numpy(), restored.save_counter.numpy()) == (4.0, 1)
    with pytest.raises(ValueError, match=r"if root\.w already exists"):
        tf.train.Checkpoint(net, w=tf.Variable(1.0))


def test_one_variable_with_two_names_is_saved_once(tmp_path):
    variable = tf.Variable(1.0)
    checkpoint = tf.train.Checkpoint(a=variable, b=variable)
    path = checkpoint.write(tmp_path / "ckpt")
    assert len(tf.train.list_variables(path)) == 2
    variable.assign(0.0)
    checkpoint.read(path).assert_consumed()
    assert variable.numpy() == 1.0


def test_the_counter_goes_on_after_restoring(tmp_path):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1))
    checkpoint.save(tmp_path / "ckpt")
    second = checkpoint.save(tmp_path / "ckpt")
    assert tf.train.latest_checkpoint(tmp_path) == second
    fresh = tf.train.Checkpoint(v=tf.Variable(0))
    fresh.restore(second)
    assert fresh.save_counter.numpy() == 2
    assert fresh.save(tmp_path / "ckpt") == str(tmp_path / "ckpt-3")


def test_objects_of_a_class_of_ones_own(tmp_path):
    class Own(tf.__internal__.tracking.AutoTrackable):
        def __init__(self, value):
            self.value = tf.constant(value)

        def _serialize_to_tensors(self):
            return {"a/b": self.value, "c.d": self.value * 2}

        def _restore_from_tensors(self, restored_tensors):
            assert sorted(restored_tensors) == ["a/b", "c.d"]
            self.value = restored_tensors["a/b"]

    path = tf.train.Checkpoint(own=Own([1.0, 2.0])).write(tmp_path / "ckpt")
    own = Own([0.0])
    tf.train.Checkpoint(own=own).read(path).assert_consumed()
    np.testing.assert_array_equal(own.value, [1.0, 2.0])


def test_saving_in_a_thread_takes_the_values_of_the_moment(tmp_path):
    variable = tf.Variable(np.arange(1000.0))
    checkpoint = tf.train.Checkpoint(v=variable)
    proceed, written = threading.Event(), []

    def wait(path):
        assert proceed.wait(60)
        written.append(path)

    options = tf.train.CheckpointOptions(enable_async=True, experimental_write_callbacks=[wait])
    path = checkpoint.save(tmp_path / "ckpt", options=options)
    variable.assign(np.zeros(1000))
    assert tf.train.latest_checkpoint(tmp_path) is None
    proceed.set()
    checkpoint.sync()
    assert written == [path]
    assert tf.train.latest_checkpoint(tmp_path) == path
    checkpoint.restore(path).assert_consumed()
    np.testing.assert_array_equal(variable, np.arange(1000.0))


def test_an_error_of_the_thread_is_raised_by_the_next_call(tmp_path):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    (tmp_path / "file").write_text("")
    checkpoint.write(str(tmp_path / "file" / "ckpt"), tf.train.CheckpointOptions(enable_async=True))
    with pytest.raises(tf.errors.OpError, match="file"):
        checkpoint.sync()
    assert checkpoint.write(tmp_path / "ckpt") == str(tmp_path / "ckpt")


@pytest.mark.parametrize("size", [1, 7, 16, 10_000])
def test_files_of_a_size_that_is_not_exceeded(tmp_path, size):
    values = {"m": np.arange(60.0).reshape(3, 4, 5), "v": np.arange(7, dtype=np.int32), "s": np.array(["a", "bcd"])}
    variables = {name: tf.Variable(value) for name, value in values.items()}
    variables["empty"] = tf.Variable(np.zeros((0, 2)))
    policy = tf.train.experimental.MaxShardSizePolicy(size)
    options = tf.train.CheckpointOptions(experimental_sharding_callback=policy)
    path = tf.train.Checkpoint(**variables).write(tmp_path / "ckpt", options)
    sizes = [entry.stat().st_size for entry in os.scandir(tmp_path) if ".data-" in entry.name]
    assert (len(sizes) > 1) == (size < 10_000)
    if size == 16:
        assert sorted(sizes)[-2] <= 16 + 6  # the largest is the object graph; strings have lengths and a checksum
    others = {name: tf.Variable(tf.zeros_like(variable)) for name, variable in variables.items()}
    tf.train.Checkpoint(**others).read(path).assert_consumed()
    for name, value in values.items():
        got = others[name].numpy()
        np.testing.assert_array_equal(got.astype(value.dtype) if name == "s" else got, value)


def test_a_policy_that_loses_a_tensor_is_refused(tmp_path):
    class Loses(tf.train.experimental.ShardingCallback):
        @property
        def description(self):
            return "loses one"

        def __call__(self, shardable_tensors):
            return [{each.checkpoint_key: {each.slice_spec: each.tensor}} for each in shardable_tensors[1:]]

    options = tf.train.CheckpointOptions(experimental_sharding_callback=Loses())
    with pytest.raises(RuntimeError, match="were not found in the checkpoint shards"):
        tf.train.Checkpoint(v=tf.Variable(1.0)).write(tmp_path / "ckpt", options)
    assert os.listdir(tmp_path) == []


def test_a_view_compares_a_checkpoint_with_a_program(tmp_path):
    path = tf.train.Checkpoint(a=tf.Variable(1.0), b=tf.Variable(2.0)).write(tmp_path / "ckpt")
    view = tf.train.CheckpointView(path)
    assert sorted(view.children(0)) == ["a", "b"]
    program = tf.train.Checkpoint(a=tf.Variable(1.0), c=tf.Variable(2.0))
    both, only_there, only_here = view.diff(program)
    assert both == {0: program, view.children(0)["a"]: program.a}
    assert only_there == [view.children(0)["b"]]
    assert len(only_here) == 1
    assert only_here[0] is program.c


def test_in_a_function_writing_is_part_of_it(tmp_path):
    variable = tf.Variable(1.0)
    checkpoint = tf.train.Checkpoint(v=variable)

    @tf.function
    def train(prefix):
        variable.assign_add(1.0)
        return checkpoint.write(prefix)

    path = train(tf.constant(str(tmp_path / "ckpt"))).numpy().decode()
    variable.assign(0.0)
    checkpoint.read(path).assert_consumed()
    assert variable.numpy() == 2.0
    with pytest.raises(NotImplementedError, match="from a function is not supported"):
        tf.function(lambda: checkpoint.save(str(tmp_path / "ckpt")))()


class TestInGraphs:
    def test_saves_and_restores_with_sessions(self, tmp_path):
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            net, state = Net(3.0), State("first")
            checkpoint = tf.compat.v1.train.Checkpoint(net=net, state=state)
            session.run(tf.compat.v1.global_variables_initializer())
            path = checkpoint.save(str(tmp_path / "ckpt"), session=session)
            operations = len(session.graph.get_operations())
            state.value = "second"
            second = checkpoint.save(str(tmp_path / "ckpt"))
            assert len(session.graph.get_operations()) == operations
            session.run(net.w.assign([0.0, 0.0]))
            status = checkpoint.restore(path).assert_consumed()
            assert state.value == "first"
            status.run_restore_ops()
            np.testing.assert_array_equal(session.run(net.w), [3.0, 6.0])
            operations = len(session.graph.get_operations())
            checkpoint.restore(second).run_restore_ops(session)
            assert state.value == "second"
            assert len(session.graph.get_operations()) == operations
        eager = tf.train.Checkpoint(net=Net(), state=State(""))
        eager.restore(second).assert_consumed()
        np.testing.assert_array_equal(eager.net.w, [3.0, 6.0])

    def test_initializes_what_is_not_restored(self, tmp_path):
        path = tf.train.Checkpoint(a=tf.Variable(5.0)).save(tmp_path / "ckpt")
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            a, b = tf.Variable(1.0), tf.compat.v1.Variable(2.0, use_resource=False)
            checkpoint = tf.train.Checkpoint(a=a, b=b)
            checkpoint.restore(None).initialize_or_restore(session)
            assert session.run([a, b]) == [1.0, 2.0]
            session.run([a.assign(0.0), b.assign(0.0)])
            checkpoint.restore(path).initialize_or_restore()
            assert session.run([a, b]) == [5.0, 2.0]
            written = checkpoint.write(str(tmp_path / "both"))
            session.run([a.assign(0.0), b.assign(0.0)])
            checkpoint.read(written).run_restore_ops()
            assert session.run([a, b]) == [5.0, 2.0]

    def test_needs_a_session(self, tmp_path):
        with tf.Graph().as_default():
            checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
            with pytest.raises(RuntimeError, match="without a default session"):
                checkpoint.save(str(tmp_path / "ckpt"))


class TestByName:
    """Checkpoints of ``tf.compat.v1.train.Saver``."""

    def test_are_restored_by_the_names_of_variables(self, tmp_path):
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            tf.compat.v1.get_variable("kernel", initializer=[1.0, 2.0])
            tf.compat.v1.get_variable("unwanted", initializer=1)
            session.run(tf.compat.v1.global_variables_initializer())
            path = tf.compat.v1.train.Saver().save(session, str(tmp_path / "model"))
        kernel = tf.Variable([0.0, 0.0], name="kernel")
        checkpoint = tf.train.Checkpoint(kernel=kernel)
        status = checkpoint.restore(path).assert_consumed().assert_existing_objects_matched()
        np.testing.assert_array_equal(kernel, [1.0, 2.0])
        checkpoint.later = tf.Module()
        checkpoint.later.unwanted = tf.Variable(0, name="unwanted")
        assert checkpoint.later.unwanted.numpy() == 1
        checkpoint.missing = tf.Variable(0, name="missing")
        with pytest.raises(AssertionError, match="Some objects had attributes which were not restored"):
            status.assert_consumed()
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            kernel = tf.Variable([0.0, 0.0], name="kernel")
            tf.train.Checkpoint(k=kernel).read(path).run_restore_ops(session)
            np.testing.assert_array_equal(session.run(kernel), [1.0, 2.0])


def test_elements_keep_their_values_where_those_that_wait_do_not_fit(tmp_path):
    path = tf.train.Checkpoint(list=[tf.Variable([1.0]), tf.Variable(2.0)], dict={"a": tf.Variable(3)}).write(
        tmp_path / "c"
    )
    checkpoint = tf.train.Checkpoint(list=[], dict={})
    checkpoint.read(path)
    checkpoint.list.append(tf.Variable([7.0, 8.0]))
    checkpoint.list.append(tf.Variable(0.0))
    checkpoint.dict["a"] = tf.Variable([9, 9])
    assert checkpoint.list[0].numpy().tolist() == [7, 8]
    assert checkpoint.list[1].numpy() == 2
    assert checkpoint.dict["a"].numpy().tolist() == [9, 9]


def test_saveable_objects_of_libraries(tmp_path):
    from tideflow._src.compat.private_names import private_module

    saveable_object = private_module("python.training.saving.saveable_object")

    class Doubled(saveable_object.SaveableObject):
        def __init__(self, variable, name):
            self.variable = variable
            super().__init__(variable, [saveable_object.SaveSpec(variable.read_value() * 2, "", f"{name}-x")], name)

        def restore(self, restored_tensors, restored_shapes):
            return self.variable.assign(restored_tensors[0])

    class Holder(tf.__internal__.tracking.Trackable):
        def __init__(self):
            self.variable = tf.Variable(1.0)

        def _gather_saveables_for_checkpoint(self):
            return {"a/b": lambda name="n": Doubled(self.variable, name)}

    checkpoint = tf.train.Checkpoint(holder=Holder())
    path = checkpoint.write(tmp_path / "c")
    assert ("holder/.ATTRIBUTES/a.Sb-x", []) in tf.train.list_variables(path)
    checkpoint.read(path).assert_consumed()
    assert checkpoint.holder.variable.numpy() == 2


@pytest.mark.parametrize("asynchronous", [False, True])
def test_all_folders_of_a_checkpoint_are_made(tmp_path, asynchronous):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    options = tf.train.CheckpointOptions(enable_async=asynchronous)
    paths = [
        checkpoint.write(tmp_path / "a" / "b" / "c" / "x", options),
        checkpoint.save(f"{tmp_path}/missing/../d/./e//x", options),
        tf.train.CheckpointManager(checkpoint, f"{tmp_path}/f/g/../h", 2).save(options=options),
    ]
    checkpoint.sync()
    for path in paths:
        tf.train.Checkpoint(v=tf.Variable(0.0)).read(path).assert_existing_objects_matched()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(tf.errors.FailedPreconditionError, match="file is not a directory"):
        checkpoint.write(tmp_path / "file" / "x", options)
        checkpoint.sync()


@pytest.mark.parametrize("way", ["a//x", "./a/x", "a/../a/x", "a///b/.//x"])
def test_the_way_to_a_checkpoint_may_be_written_in_any_way(tmp_path, monkeypatch, way):
    monkeypatch.chdir(tmp_path)
    for value in (1.0, 2.0):
        tf.train.Checkpoint(v=tf.Variable(value)).write(way)
        read = tf.train.Checkpoint(v=tf.Variable(0.0))
        read.read(way).assert_consumed()
        assert read.v.numpy() == value
    assert sorted(each.suffix for each in tmp_path.glob("a/**/x.*")) == [".data-00000-of-00001", ".index"]
