"""Tests of what checkpoints hold beside variables of eager programs."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf


def _datasets():
    numbers = tf.data.Dataset.range(40)
    return {
        "shuffled": numbers.shuffle(10, seed=4)
        .map(lambda x: x * 2, num_parallel_calls=2)
        .batch(3)
        .prefetch(2)
        .repeat(2),
        "interleaved": numbers.interleave(lambda x: tf.data.Dataset.range(x, x + 3), cycle_length=4),
        "strings": tf.data.Dataset.from_tensor_slices(([str(n) for n in range(30)], np.arange(30.0))).shuffle(
            7, seed=1
        ),
        "windows": numbers.window(3).flat_map(lambda window: window),
        "random": tf.data.Dataset.random(seed=3).take(30).batch(2),
    }


@pytest.mark.parametrize("name", sorted(_datasets()))
@pytest.mark.parametrize("taken", [0, 7])
def test_an_iterator_goes_on_where_it_was(tmp_path, name, taken):
    iterator = iter(_datasets()[name])
    for _ in range(taken):
        next(iterator)
    path = tf.train.Checkpoint(iterator=iterator).write(tmp_path / "ckpt")
    assert "iterator/.ATTRIBUTES/ITERATOR_STATE" in dict(tf.train.list_variables(path))
    other = iter(_datasets()[name])
    next(other)
    tf.train.Checkpoint(iterator=other).read(path).assert_consumed()
    rest, expected = [*other], [*iterator]
    assert len(rest) == len(expected) > 0
    for found, wanted in zip(rest, expected, strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, found, wanted)


def test_how_far_a_generator_has_come_cannot_be_saved(tmp_path):
    dataset = tf.data.Dataset.from_generator(lambda: iter(range(3)), output_signature=tf.TensorSpec((), tf.int32))
    with pytest.raises(tf.errors.FailedPreconditionError, match="PyFunc is stateful"):
        tf.train.Checkpoint(iterator=iter(dataset)).write(tmp_path / "ckpt")


def test_a_position_of_another_dataset_is_refused(tmp_path):
    path = tf.train.Checkpoint(iterator=iter(_datasets()["shuffled"])).write(tmp_path / "ckpt")
    other = iter(tf.data.Dataset.range(5))
    with pytest.raises(tf.errors.InvalidArgumentError, match="The position is one in another dataset"):
        tf.train.Checkpoint(iterator=other).read(path)


def test_an_iterator_of_a_graph_goes_on_where_it_was(tmp_path):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        dataset = tf.compat.v1.data.Dataset.range(10).shuffle(5, seed=1)
        iterator = tf.compat.v1.data.make_initializable_iterator(dataset)
        element = iterator.get_next()
        session.run(iterator.initializer)
        first = [int(session.run(element)) for _ in range(4)]
        checkpoint = tf.train.Checkpoint(iterator=iterator)
        path = checkpoint.write(str(tmp_path / "ckpt"))
        rest = [int(session.run(element)) for _ in range(6)]
        assert sorted(first + rest) == list(range(10))
        checkpoint.read(path).assert_consumed().run_restore_ops()
        assert [int(session.run(element)) for _ in range(6)] == rest


def _tables():
    dense, mutable = tf.lookup.experimental.DenseHashTable, tf.lookup.experimental.MutableHashTable
    return {
        "dense": dense(tf.int64, tf.float32, 0.0, empty_key=-1, deleted_key=-2, initial_num_buckets=8),
        "pairs": dense(tf.int64, tf.string, "", empty_key=[0, 0], deleted_key=[-1, -1], initial_num_buckets=4),
        "mutable": mutable(tf.string, tf.int64, -1),
    }


def test_tables_have_their_entries_again(tmp_path):
    tables = _tables()
    keys = np.arange(-60, 60, 2, dtype=np.int64) * 3 + 1
    tables["dense"].insert(keys, keys.astype(np.float32))
    tables["pairs"].insert(np.stack([keys, keys + 1], 1), keys.astype(str))
    tables["mutable"].insert(keys.astype(str), keys)
    path = tf.train.Checkpoint(**tables).write(tmp_path / "ckpt")
    shapes = dict(tf.train.list_variables(path))
    assert shapes["dense/.ATTRIBUTES/table-keys"] == [128, 1]  # no more than eight in ten are taken
    others = _tables()
    others["dense"].insert([7], [8.0])
    tf.train.Checkpoint(**others).read(path).assert_consumed()
    assert [int(table.size()) for table in others.values()] == [60] * 3
    np.testing.assert_array_equal(others["dense"].lookup(keys), keys.astype(np.float32))
    np.testing.assert_array_equal(
        others["pairs"].lookup(np.stack([keys, keys + 1], 1)).numpy().astype(str), keys.astype(str)
    )
    np.testing.assert_array_equal(others["mutable"].lookup(keys.astype(str)), keys)


def test_a_generator_goes_on_where_it_was(tmp_path):
    generator = tf.random.Generator.from_seed(1)
    generator.normal([3])
    path = tf.train.Checkpoint(generator=generator).write(tmp_path / "ckpt")
    expected = generator.normal([4])
    other = tf.random.Generator.from_seed(2)
    tf.train.Checkpoint(generator=other).read(path).assert_consumed()
    np.testing.assert_array_equal(other.normal([4]), expected)


class TestOldOptimizers:
    """Those of TensorFlow 1.x keep slots beside variables."""

    def test_slots_are_restored_before_they_are_made(self, tmp_path):
        def step(variable, optimizer):
            optimizer.apply_gradients([(tf.constant([1.0, 2.0]), variable)])

        variable, optimizer = tf.Variable([1.0, 2.0]), tf.compat.v1.train.AdamOptimizer(0.1)
        step(variable, optimizer)
        path = tf.train.Checkpoint(optimizer=optimizer, variable=variable).save(tmp_path / "ckpt")
        assert "variable/.OPTIMIZER_SLOT/optimizer/m/.ATTRIBUTES/VARIABLE_VALUE" in dict(tf.train.list_variables(path))
        step(variable, optimizer)
        other, other_optimizer = tf.Variable([0.0, 0.0]), tf.compat.v1.train.AdamOptimizer(0.1)
        status = tf.train.Checkpoint(optimizer=other_optimizer, variable=other).restore(path)
        step(other, other_optimizer)
        status.assert_consumed()
        np.testing.assert_array_equal(other, variable)

    def test_slots_wait_for_variables_and_optimizers(self, tmp_path):
        variable, optimizer = tf.Variable([1.0, 2.0]), tf.compat.v1.train.MomentumOptimizer(0.1, 0.9)
        optimizer.apply_gradients([(tf.constant([1.0, 2.0]), variable)])
        path = tf.train.Checkpoint(optimizer=optimizer, variable=variable).save(tmp_path / "ckpt")
        for order in (("variable", "optimizer"), ("optimizer", "variable")):
            checkpoint = tf.train.Checkpoint()
            status = checkpoint.restore(path)
            made = {"variable": tf.Variable([0.0, 0.0]), "optimizer": tf.compat.v1.train.MomentumOptimizer(0.1, 0.9)}
            for name in order:
                setattr(checkpoint, name, made[name])
            slot = made["optimizer"].get_slot(made["variable"], "momentum")
            np.testing.assert_array_equal(slot, optimizer.get_slot(variable, "momentum"))
            status.assert_consumed()

    def test_slots_can_be_left_out(self, tmp_path):
        variable, optimizer = tf.Variable([1.0, 2.0]), tf.compat.v1.train.MomentumOptimizer(0.1, 0.9)
        optimizer.apply_gradients([(tf.constant([1.0, 2.0]), variable)])
        path = tf.train.Checkpoint(optimizer=optimizer, variable=variable).save(tmp_path / "ckpt")
        other, other_optimizer = tf.Variable([0.0, 0.0]), tf.compat.v1.train.MomentumOptimizer(0.1, 0.9)
        options = tf.train.CheckpointOptions(experimental_skip_slot_variables=True)
        tf.train.Checkpoint(optimizer=other_optimizer, variable=other).restore(path, options).assert_consumed()
        assert other_optimizer.get_slot(other, "momentum") is None
        np.testing.assert_array_equal(other, variable)

    def test_in_a_graph(self, tmp_path):
        def build():
            variable = tf.Variable([1.0, 2.0])
            optimizer = tf.compat.v1.train.AdamOptimizer(0.1)
            train = optimizer.minimize(lambda: tf.reduce_sum(variable**2), var_list=[variable])
            return variable, optimizer, train

        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            variable, optimizer, train = build()
            session.run(tf.compat.v1.global_variables_initializer())
            session.run(train)
            path = tf.train.Checkpoint(optimizer=optimizer, variable=variable).save(str(tmp_path / "ckpt"))
            session.run(train)
            expected = session.run(variable)
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            variable, optimizer, train = build()
            checkpoint = tf.train.Checkpoint(optimizer=optimizer, variable=variable)
            checkpoint.restore(path).assert_consumed().run_restore_ops(session)
            session.run(train)
            np.testing.assert_array_equal(session.run(variable), expected)


class TestManager:
    def test_keeps_the_latest(self, tmp_path):
        checkpoint = tf.train.Checkpoint(v=tf.Variable(0))
        manager = tf.train.CheckpointManager(checkpoint, tmp_path, max_to_keep=2)
        assert manager.restore_or_initialize() is None
        paths = [manager.save() for _ in range(4)]
        assert manager.checkpoints == paths[2:]
        assert manager.latest_checkpoint == tf.train.latest_checkpoint(tmp_path) == paths[-1]
        assert sorted(path.name for path in tmp_path.glob("*.index")) == ["ckpt-3.index", "ckpt-4.index"]
        again = tf.train.CheckpointManager(tf.train.Checkpoint(v=tf.Variable(0)), tmp_path, max_to_keep=2)
        assert again.restore_or_initialize() == paths[-1]
        assert again.save(checkpoint_number=10) == str(tmp_path / "ckpt-10")
        assert sorted(path.name for path in tmp_path.glob("*.index")) == ["ckpt-10.index", "ckpt-4.index"]

    def test_keeps_one_in_some_hours_for_good(self, tmp_path):
        checkpoint = tf.train.Checkpoint(v=tf.Variable(0))
        manager = tf.train.CheckpointManager(checkpoint, tmp_path, max_to_keep=1, keep_checkpoint_every_n_hours=1e-9)
        paths = [manager.save() for _ in range(3)]
        assert manager.checkpoints == paths[2:]
        assert len(list(tmp_path.glob("*.index"))) == 3

    def test_saves_when_enough_steps_were_made(self, tmp_path):
        step = tf.Variable(0, dtype=tf.int64)
        checkpoint, called = tf.train.Checkpoint(step=step), []
        arguments = {"max_to_keep": None, "step_counter": step, "checkpoint_interval": 2}
        manager = tf.train.CheckpointManager(
            checkpoint, tmp_path, init_fn=lambda: called.append(True), checkpoint_name="c", **arguments
        )
        assert manager.restore_or_initialize() is None
        assert called
        saved = []
        for number in range(5):
            step.assign(number)
            saved.append(manager.save())
        assert [each is not None for each in saved] == [True, False, True, False, True]
        assert manager.save() is None
        step.assign(5)
        assert manager.save(check_interval=False) is not None
        with pytest.raises(ValueError, match="step_counter"):
            tf.train.CheckpointManager(checkpoint, tmp_path, 1, checkpoint_interval=1)
        with pytest.raises(ValueError, match="Expected a positive integer or `None`"):
            tf.train.CheckpointManager(checkpoint, tmp_path, 0)

    def test_in_a_graph(self, tmp_path):
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            variable = tf.Variable(3.0)
            manager = tf.train.CheckpointManager(tf.train.Checkpoint(v=variable), str(tmp_path), 2)
            session.run(tf.compat.v1.global_variables_initializer())
            paths = [manager.save() for _ in range(3)]
            assert manager.checkpoints == paths[1:]
            assert paths[-1] == str(tmp_path / "ckpt-3")
            session.run(variable.assign(0.0))
            tf.train.Checkpoint(v=variable).restore(manager.latest_checkpoint).run_restore_ops()
            assert session.run(variable) == 3.0

    def test_what_is_saved_in_a_thread_is_noted_when_it_is_there(self, tmp_path):
        manager = tf.train.CheckpointManager(tf.train.Checkpoint(v=tf.Variable(0)), tmp_path, 1)
        options = tf.train.CheckpointOptions(enable_async=True)
        paths = [manager.save(options=options) for _ in range(3)]
        manager.sync()
        assert manager.checkpoints == paths[-1:]
        assert [path.name for path in tmp_path.glob("*.index")] == ["ckpt-3.index"]
