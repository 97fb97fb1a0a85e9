"""The strategies of one replica, and the contexts around them."""

from __future__ import annotations

import pytest

import tideflow as tf


def test_a_program_is_the_only_replica_of_the_default_strategy():
    strategy = tf.distribute.get_strategy()
    assert not tf.distribute.has_strategy()
    assert not tf.distribute.in_cross_replica_context()
    replica = tf.distribute.get_replica_context()
    assert replica.strategy is strategy
    assert (replica.num_replicas_in_sync, replica.replica_id_in_sync_group) == (1, 0)
    with strategy.scope():
        assert not tf.distribute.has_strategy()
        assert tf.distribute.get_replica_context() is replica


def test_a_scope_stands_across_the_replicas_and_run_is_a_replica():
    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    with strategy.scope():
        assert tf.distribute.get_strategy() is strategy
        assert tf.distribute.has_strategy() and tf.distribute.in_cross_replica_context()
        assert tf.distribute.get_replica_context() is None
        inside = strategy.run(lambda x, y: (tf.distribute.get_replica_context(), x + y), args=(1,), kwargs={"y": 2})
        assert inside[0].strategy is strategy and inside[1] == 3
    assert not tf.distribute.has_strategy()


def test_scopes_of_two_strategies_do_not_nest():
    one, other = tf.distribute.OneDeviceStrategy("/cpu:0"), tf.distribute.MirroredStrategy(["/cpu:0"])
    with one.scope():
        with pytest.raises(RuntimeError, match="Mixing different"), other.scope():
            pass
        with pytest.raises(RuntimeError, match="Must not be called inside"):
            tf.distribute.experimental_set_strategy(None)
    default = tf.distribute.get_strategy()
    with one.scope(), pytest.raises(RuntimeError, match="Must not nest"), default.scope():
        pass


def test_merge_call_crosses_over():
    replica = tf.distribute.get_replica_context()
    strategy, doubled, crossed = replica.merge_call(
        lambda strategy, x: (strategy, 2 * x, tf.distribute.in_cross_replica_context()), args=(3,)
    )
    assert strategy is replica.strategy and doubled == 6 and crossed


def test_reductions():
    strategy = tf.distribute.get_strategy()
    values = tf.constant([1.0, 2.0])
    assert strategy.reduce("sum", values, axis=None).numpy().tolist() == [1.0, 2.0]
    assert strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=0).numpy() == 3.0
    assert strategy.reduce("MEAN", values, axis=0).numpy() == 1.5
    with pytest.raises(ValueError, match="not a valid ReduceOp"):
        strategy.reduce("product", values, axis=None)
    summed = tf.distribute.get_replica_context().all_reduce("SUM", [values, {"a": 2.0}])
    assert summed[0].numpy().tolist() == [1.0, 2.0] and summed[1]["a"].numpy() == 2.0


def test_update_changes_a_variable_where_it_is():
    strategy, variable = tf.distribute.get_strategy(), tf.Variable(1.0)
    strategy.extended.update(variable, lambda v, by: v.assign_add(by), args=(2.0,))
    result = strategy.extended.update(variable, lambda v, by: v.assign_add(by), args=(2.0,), group=False)
    assert isinstance(result, tuple) and variable.numpy() == 5.0


def test_a_step_of_a_strategy_in_a_function_converts_its_control_flow():
    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    with strategy.scope():
        total = tf.Variable(0.0)

    def step(x):
        if x > 0.0:
            total.assign_add(x)
        return total.read_value()

    @tf.function
    def train(x):
        return strategy.reduce("SUM", strategy.run(step, args=(x,)), axis=None)

    assert [train(tf.constant(x)).numpy().item() for x in (1.0, -1.0, 2.0)] == [1.0, 1.0, 3.0]


def test_a_step_is_traced_once_for_the_iterators_of_a_distributed_dataset():
    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    dataset = strategy.experimental_distribute_dataset(tf.data.Dataset.range(6).batch(4))
    traces = []

    @tf.function
    def step(iterator):
        traces.append(iterator.element_spec)
        return strategy.run(tf.reduce_sum, args=(next(iterator),))

    for _ in range(3):
        iterator = iter(dataset)
        assert [int(step(iterator)), int(step(iterator))] == [6, 9]
        with pytest.raises(tf.errors.OutOfRangeError):
            step(iterator)
    assert traces == [tf.TensorSpec([None], tf.int64)]

    @tf.function
    def total(batches):
        found = tf.constant(0, tf.int64)
        for batch in batches:
            found += strategy.run(lambda batch: tf.reduce_sum(batch), args=(batch,))
        return found

    assert [int(total(dataset)), int(total(iter(dataset)))] == [15, 15]


def test_strategies_of_several_machines_say_that_they_are_not_there():
    for make in (
        tf.distribute.MultiWorkerMirroredStrategy,
        tf.distribute.TPUStrategy,
        tf.distribute.ParameterServerStrategy,
    ):
        with pytest.raises(RuntimeError, match=f"tf.distribute.{make.__name__} needs"):
            make(None)
    with pytest.raises(AssertionError, match="No duplicates allowed"):
        tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:0"])


def test_layouts_divide_tensors_along_meshes():
    from tideflow.experimental import dtensor

    mesh = dtensor.create_mesh([("batch", 1), ("model", 1)], devices=["/cpu:0"])
    layout = dtensor.Layout([dtensor.UNSHARDED, "model"], mesh)
    assert (mesh.dim_names, mesh.size, layout.rank, layout.num_shards(1)) == (["batch", "model"], 1, 2, 1)
    assert layout == dtensor.Layout([dtensor.UNSHARDED, "model"], mesh)
    with pytest.raises(ValueError, match="no dimension of the mesh"):
        dtensor.Layout(["other"], mesh)
    with pytest.raises(ValueError, match="must be equal to total size"):
        dtensor.create_mesh([("batch", 2)], devices=["/cpu:0"])
