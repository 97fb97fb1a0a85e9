"""``MirroredStrategy`` over several devices: what it computes is what one device computes with the whole batch."""

from __future__ import annotations

import _thread
import gc
import signal
import threading
import time
import weakref

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.core.inheritance import identity
from tideflow._src.function.autograph.features import turned_on

SUM, MEAN, FIRST, NONE = (
    getattr(tf.VariableAggregation, name) for name in ("SUM", "MEAN", "ONLY_FIRST_REPLICA", "NONE")
)
ON_READ = tf.VariableSynchronization.ON_READ


def number():
    """Returns the number of the replica as a float."""
    return tf.cast(tf.distribute.get_replica_context().replica_id_in_sync_group, tf.float32)


def values(distributed):
    return [np.asarray(value).tolist() for value in distributed.values]


def both(strategy, function):
    """Returns what replicas give eagerly and in a traced function, which must be the same."""
    eagerly = strategy.run(function)
    traced = tf.function(lambda: strategy.run(function))()
    tf.nest.map_structure(
        lambda one, other: np.testing.assert_array_equal(one, other), eagerly, traced, expand_composites=True
    )
    return eagerly


# Replicas.


def test_each_replica_has_its_number_its_device_and_its_part_of_the_arguments(strategy):
    given = strategy.experimental_distribute_values_from_function(lambda context: context.replica_id_in_sync_group * 10)

    def replica(x, y):
        context = tf.distribute.get_replica_context()
        return x + y, tf.constant(1.0).device, context.num_replicas_in_sync

    sums, devices, count = strategy.run(replica, args=(given,), kwargs={"y": 1})
    assert sums.values == (1, 11, 21) and count == 3
    assert [name[-5:] for name in devices.values] == ["CPU:0", "CPU:1", "CPU:2"]


def test_replicas_run_one_after_the_other_as_far_as_they_meet(strategy):
    log = []

    def replica():
        context = tf.distribute.get_replica_context()
        log.append(("begin", context._replica_id))
        context.merge_call(lambda strategy: log.append(("across", tf.distribute.get_replica_context())))
        log.append(("end", context._replica_id))

    before = threading.active_count()
    strategy.run(replica)
    assert log == [
        ("begin", 0), ("begin", 1), ("begin", 2), ("across", None), ("end", 0), ("end", 1), ("end", 2),
    ]  # fmt: skip
    assert threading.active_count() == before


def test_replicas_take_over_what_the_caller_has_chosen(strategy):
    outer = threading.get_ident()
    seen = []

    def creator(next_creator, **arguments):
        seen.append(arguments["name"])
        return next_creator(**arguments)

    writer = object()

    def replica():
        from tideflow._src.function.autograph import features
        from tideflow._src.summary.recording import state

        tf.Variable(1.0, name="made")
        return (
            threading.get_ident() != outer, identity() == outer, state.writer is writer, features._active.features,
        )  # fmt: skip

    from tideflow._src.summary.recording import state

    saved, state.writer = state.writer, writer
    try:
        with tf.variable_creator_scope(creator), turned_on(frozenset({"a feature"})):
            found = strategy.run(replica)
    finally:
        state.writer = saved
    assert [each.values if hasattr(each, "values") else each for each in found] == [
        True, True, True, frozenset({"a feature"}),
    ]  # fmt: skip
    assert seen == ["made"] or seen[0] == "made"


def test_scopes_that_a_replica_has_open_are_its_own(strategy):
    names = []

    @tf.function
    def traced():
        def replica():
            with tf.name_scope("inner"), tf.control_dependencies([tf.constant(1.0)]):
                tf.distribute.get_replica_context().merge_call(lambda strategy: names.append(tf.identity(1.0).op.name))
            names.append(tf.identity(2.0).op.name)

        with tf.name_scope("outer"):
            strategy.run(replica)
            names.append(tf.identity(3.0).op.name)

    traced()
    assert [name.rpartition("/")[0] for name in names] == [
        "outer/inner", "outer", "outer/replica_1", "outer/replica_2", "outer",
    ]  # fmt: skip


def test_what_a_replica_raises_reaches_the_caller_and_ends_the_others(strategy):
    ended = []

    def replica():
        try:
            context = tf.distribute.get_replica_context()
            context.merge_call(lambda strategy: None)
            if context._replica_id == 1:
                raise KeyError("of the second")
            context.merge_call(lambda strategy: None)
        finally:
            ended.append(context._replica_id)

    before = threading.active_count()
    with pytest.raises(KeyError, match="of the second") as caught:
        strategy.run(replica)
    assert any(entry.name == "replica" for entry in caught.traceback)
    assert sorted(ended) == [0, 1, 2] and threading.active_count() == before
    with pytest.raises(ValueError, match="across"):
        strategy.run(lambda: tf.distribute.get_replica_context().merge_call(raise_across))
    assert threading.active_count() == before
    assert not tf.distribute.has_strategy()


def test_a_replica_that_ends_early_leaves_the_scopes_of_the_caller(strategy):
    def replica():
        context = tf.distribute.get_replica_context()
        if context._replica_id == 1:
            raise KeyError("of the second")
        with tf.name_scope("inner"), tf.control_dependencies([tf.no_op()]), tf.device("CPU:0"):
            context.merge_call(lambda strategy: None)

    with tf.Graph().as_default():
        before = tf.no_op()
        with tf.name_scope("outer"), tf.control_dependencies([before]), tf.device("CPU:1"):
            with pytest.raises(KeyError, match="of the second"):
                strategy.run(replica)
            inside = tf.no_op("last")
        after = tf.no_op("last")
    assert (inside.name, list(inside.control_inputs)) == ("outer/last", [before]) and inside.device.endswith("CPU:1")
    assert (after.name, list(after.control_inputs), after.device) == ("last", [], "")


def test_a_replica_that_ends_early_crosses_no_more(strategy):
    def replica():
        context = tf.distribute.get_replica_context()
        context.merge_call(lambda strategy: None)
        if context._replica_id == 1:
            raise KeyError("of the second")
        try:
            context.merge_call(lambda strategy: None)
        finally:
            context.merge_call(lambda strategy: None)

    before = threading.active_count()
    with pytest.raises(KeyError, match="of the second"):
        strategy.run(replica)
    assert threading.active_count() == before


def raise_across(strategy):
    raise ValueError("across the replicas")


@pytest.fixture
def interruptible():
    """Makes Ctrl-C raise, also where the tests were started with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_all_replicas(strategy):
    before = threading.active_count()
    reached = []

    def replica():
        if tf.distribute.get_replica_context()._replica_id == 1:
            reached.append(True)
            _thread.interrupt_main()
            while True:  # until the interrupt, which the main thread gets, is handed on
                time.sleep(0.001)

    with pytest.raises(KeyboardInterrupt):
        strategy.run(replica)
    assert reached and threading.active_count() == before
    assert values(strategy.run(number)) == [0.0, 1.0, 2.0]


def test_replicas_must_meet_equally_often(strategy):
    def replica():
        context = tf.distribute.get_replica_context()
        if context._replica_id:
            context.merge_call(lambda strategy: None)

    with pytest.raises(RuntimeError, match="a different number of"):
        strategy.run(replica)
    with pytest.raises(RuntimeError, match="cross-replica context"):
        strategy.run(lambda: strategy.run(number))
    with pytest.raises(RuntimeError, match="cross-replica context"):
        strategy.run(lambda: strategy.reduce("SUM", 1.0, axis=None))

    @tf.function
    def nested():
        return strategy.run(lambda: tf.function(lambda: all_reduced("SUM", 1.0))())

    with pytest.raises(RuntimeError, match="defining a new graph"):
        nested()


def all_reduced(reduction, value):
    return tf.distribute.get_replica_context().all_reduce(reduction, value)


def test_a_traced_function_runs_as_replicas_and_is_traced_around_them(strategy):
    traces = []

    @tf.function
    def step(x):
        traces.append(number())
        if x > 1.0:  # AutoGraph's
            x *= 10.0
        return all_reduced("SUM", x)

    given = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(float(context.replica_id_in_sync_group))
    )
    assert [values(strategy.run(step, args=(given,))) for _ in range(2)] == [[21.0] * 3] * 2
    assert len(traces) == 3


# Reductions.


def test_a_traced_method_is_traced_once_and_does_not_keep_its_object(strategy):
    traced = []

    class Model:
        @tf.function
        def step(self, x, factor=2.0):
            traced.append(x)
            return x * factor

    model = Model()
    for _ in range(3):
        found = strategy.run(model.step, (tf.constant(4.0),))
        assert values(found) == [8.0, 8.0, 8.0]
    assert len(traced) == 3  # once as each replica
    assert values(strategy.run(model.step, (tf.constant(4.0),), {"factor": 3.0})) == [12.0, 12.0, 12.0]
    traced.clear()
    reference = weakref.ref(model)
    del model
    gc.collect()
    assert reference() is None


def test_reductions_and_their_gradients(strategy):
    def replica():
        x = tf.stack([number(), 1.0])
        with tf.GradientTape() as tape:
            tape.watch(x)
            total, mean = all_reduced("SUM", [x, {"of": 2.0 * x}]), all_reduced("MEAN", x)
            joined = tf.distribute.get_replica_context().all_gather(x[:1], axis=0)
            loss = (number() + 1.0) * (tf.reduce_sum(total[0] * mean) + tf.reduce_sum(joined * [1.0, 2.0, 3.0]))
        return total, mean, joined, tape.gradient(loss, x)

    total, mean, joined, gradient = both(strategy, replica)
    assert values(total[0]) == [[3.0, 3.0]] * 3 and values(total[1]["of"]) == [[6.0, 6.0]] * 3
    assert values(mean) == [[1.0, 1.0]] * 3 and values(joined) == [[0.0, 1.0, 2.0]] * 3
    # Each loss is (i + 1) (sum * mean + ...), and 1 + 2 + 3 of them depend on each x: 6 (mean + sum / 3) and 6 k.
    assert values(gradient) == [[12.0 + 6.0 * (place + 1), 12.0] for place in range(3)]


def test_reductions_across_the_replicas(strategy):
    given = strategy.run(lambda: tf.range(number() + 1.0))  # 0; 0 1; 0 1 2
    assert strategy.reduce("SUM", given, axis=0).numpy() == 4.0
    assert strategy.reduce("MEAN", given, axis=0).numpy() == np.float32(4 / 6)
    assert strategy.gather(given, axis=0).numpy().tolist() == [0.0, 0.0, 1.0, 0.0, 1.0, 2.0]
    numbers = strategy.run(number)
    assert strategy.reduce("SUM", numbers, axis=None).numpy() == 3.0
    assert strategy.reduce("MEAN", {"a": numbers}, axis=None)["a"].numpy() == 1.0
    assert strategy.reduce("MEAN", 5.0, axis=None) == 5.0 and strategy.reduce("SUM", 0, axis=None) == 0
    with pytest.raises(ValueError, match="non-DistributedValues value"):
        strategy.reduce("SUM", 5.0, axis=None)
    with pytest.raises(ValueError, match="outside of them"):
        tf.convert_to_tensor(numbers)


def test_one_tensor_that_all_replicas_give_is_its_own_sum(strategy):
    given = tf.constant([1.0, 2.0])
    assert values(strategy.run(lambda: all_reduced("SUM", given))) == [[1.0, 2.0]] * 3
    joined = strategy.run(lambda: tf.distribute.get_replica_context().all_gather(given, axis=0))
    assert values(joined) == [[1.0, 2.0]] * 3


def test_the_sum_of_indexed_slices_has_the_rows_of_all(strategy):
    def replica():
        return all_reduced("SUM", tf.IndexedSlices(tf.fill([1, 2], number()), tf.constant([1]), tf.constant([3, 2])))

    total = strategy.run(replica)
    assert tf.convert_to_tensor(total.values[2]).numpy().tolist() == [[0.0, 0.0], [3.0, 3.0], [0.0, 0.0]]
    with pytest.raises(NotImplementedError, match="IndexedSlices"):
        strategy.gather(total, axis=0)


@pytest.mark.parametrize("name", ["NcclAllReduce", "HierarchicalCopyAllReduce", "ReductionToOneDevice"])
def test_all_ways_to_communicate_compute_the_same(strategy, name):
    other = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1", "CPU:2"], cross_device_ops=getattr(tf.distribute, name)())
    assert values(other.run(lambda: all_reduced("SUM", number() / 3.0))) == values(
        strategy.run(lambda: all_reduced("SUM", number() / 3.0))
    )


def test_a_way_to_communicate_of_ones_own_is_asked(strategy):
    class Largest(tf.distribute.CrossDeviceOps):
        def reduce_implementation(self, reduce_op, per_replica_value, destinations, options):
            return self.broadcast(tf.reduce_max(tf.stack(per_replica_value.values), axis=0), destinations)

    other = tf.distribute.MirroredStrategy(["CPU:0", "CPU:2"], cross_device_ops=Largest())
    assert values(other.run(lambda: all_reduced("SUM", number() - 5.0))) == [-4.0, -4.0]


# Variables.


@pytest.mark.parametrize(
    ("aggregation", "expected"), [(SUM, [9.0] * 3), (MEAN, [5.0] * 3), (FIRST, [4.0] * 3), (NONE, [4.0, 5.0, 6.0])]
)
def test_what_replicas_add_to_a_mirrored_variable_is_combined(strategy, aggregation, expected):
    with strategy.scope():
        v = tf.Variable(3.0, aggregation=aggregation)
    assert isinstance(v, tf.distribute.DistributedValues) and isinstance(v, tf.Variable)
    strategy.run(lambda: v.assign_add(number() + 1.0))
    assert values(v) == expected
    v.assign(3.0)
    tf.function(lambda: strategy.run(lambda: v.assign_add(number() + 1.0)))()
    assert values(v) == expected and v.numpy() == expected[0]
    assert values(strategy.run(lambda: v + 1.0)) == [each + 1.0 for each in expected]


def test_a_sync_on_read_variable_is_a_part_in_a_replica_and_all_of_them_outside(strategy):
    with strategy.scope():
        total = tf.Variable(0.0, synchronization=ON_READ, aggregation=SUM)
        mean = tf.Variable(0.0, synchronization=ON_READ, aggregation=MEAN)
        first = tf.Variable(0.0, synchronization=ON_READ, aggregation=FIRST)
    assert not total.trainable

    def replica():
        for v in (total, mean, first):
            v.assign_add(number() + 1.0)
        return total.read_value()

    assert values(strategy.run(replica)) == [1.0, 2.0, 3.0]
    assert (total.numpy(), mean.numpy(), first.numpy()) == (6.0, 2.0, 1.0)
    assert tf.function(lambda: total + mean)().numpy() == 8.0
    total.assign(9.0)
    assert values(total) == [3.0] * 3
    with pytest.raises(ValueError, match="does not support `assign_add`"):
        total.assign_add(1.0)
    with pytest.raises(NotImplementedError, match="scatter_add"):
        total.scatter_add(tf.IndexedSlices(1.0, 0))


def test_updates_of_rows(strategy):
    with strategy.scope():
        v = tf.Variable(tf.zeros([3, 1]), aggregation=SUM)
        other = tf.Variable(tf.zeros([3, 1]))

    def row():
        return tf.IndexedSlices(tf.constant([[1.0]]), tf.constant([1]))

    strategy.run(lambda: v.scatter_add(row()))
    assert values(v) == [[[0.0], [3.0], [0.0]]] * 3
    with pytest.raises(NotImplementedError, match="scatter_update is only supported"):
        strategy.run(lambda: v.scatter_update(row()))
    other.scatter_update(row())
    other[0].assign([5.0])
    assert values(other) == [[[5.0], [1.0], [0.0]]] * 3


def test_the_mean_of_integers_is_refused(strategy):
    with strategy.scope(), pytest.raises(ValueError, match="aggregation=MEAN and a non-floating dtype"):
        tf.Variable(0, aggregation=MEAN)
    with pytest.raises(ValueError, match="`NONE` variable synchronization"), strategy.scope():
        tf.Variable(0, synchronization=tf.VariableSynchronization.NONE)


def test_update_changes_every_part_and_knows_the_variable_that_it_is_of(strategy):
    with strategy.scope():
        v, slot = tf.Variable(1.0), tf.Variable(0.0)
        containers = []

        def change(part, by):
            containers.append(part._distributed_container())
            slot.assign_add(by)
            return part.assign_sub(by)

        by = strategy.extended.reduce_to("MEAN", strategy.run(number), v)
        result = strategy.extended.update(v, change, args=(by,), group=False)
    assert len(result) == 3 and all(found is v for found in containers)
    assert values(v) == [0.0] * 3 and values(slot) == [1.0] * 3
    with pytest.raises(AssertionError, match="strategy's scope"), strategy.scope():
        strategy.extended.update(tf.Variable.__class__, change)


def test_all_replicas_share_the_variables_that_the_first_one_makes(strategy):
    class Once:
        made = None

        @tf.function
        def step(self):
            if self.made is None:
                self.made = tf.Variable([2.0], aggregation=SUM)
            return self.made.assign_add([number()])

    once = Once()
    made = [strategy.run(lambda: tf.Variable(number() + 7.0, name="v")) for _ in range(2)]
    assert [values(each) for each in made] == [[7.0] * 3] * 2
    assert [part.name for part in made[0].values] == ["v:0", "v/replica_1:0", "v/replica_2:0"]
    assert values(strategy.run(once.step)) == [[5.0]] * 3 and values(once.made) == [[5.0]] * 3
    with pytest.raises(RuntimeError, match="Tried to create variable"):
        strategy.run(lambda: tf.Variable(1.0) if tf.distribute.get_replica_context()._replica_id else None)


def test_a_generator_gives_each_replica_numbers_of_its_own(strategy):
    def made():
        with strategy.scope():
            return tf.random.Generator.from_seed(1)

    def drawn(generator):
        return strategy.run(lambda: generator.uniform([]))

    one, two = made(), made()
    first = values(drawn(one))
    np.testing.assert_array_equal(first[:2], np.float32([0.23125923, 0.15012765]))  # as in TensorFlow 2.21
    assert len(set(first)) == 3
    assert values(tf.function(drawn)(two)) == first
    outside = float(one.uniform([]))  # moves the states of all replicas
    assert float(two.uniform([])) == outside
    assert values(one.state)[0] == values(one.state)[1] == values(one.state)[2]
    assert values(drawn(one)) == values(drawn(two)) != first


def test_a_variable_of_another_strategy_is_refused(strategy):
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        v = tf.Variable(1.0)
    with pytest.raises(RuntimeError, match="Mixing different"):
        strategy.run(lambda: v.assign(2.0))
    with pytest.raises(ValueError, match="colocate_vars_with"):
        strategy.extended.colocate_vars_with(v)


def test_checkpoints_hold_one_value_for_each_variable(strategy, tmp_path):
    with strategy.scope():
        v, total = tf.Variable([1.0]), tf.Variable(0.0, synchronization=ON_READ, aggregation=SUM)
    total.assign(6.0)
    path = tf.train.Checkpoint(v=v, total=total).save(str(tmp_path / "c"))
    assert [shape for name, shape in tf.train.list_variables(path) if name[0] in "vt"] == [[], [1]]
    plain = tf.train.Checkpoint(v=tf.Variable([0.0]), total=tf.Variable(0.0))
    plain.restore(path).assert_consumed()
    assert (plain.v.numpy(), plain.total.numpy()) == ([1.0], 6.0)
    v.assign([5.0])
    total.assign(0.0)
    tf.train.Checkpoint(v=v, total=total).restore(path).assert_consumed()
    assert values(v) == [[1.0]] * 3 and values(total) == [2.0] * 3


def test_a_saved_model_holds_one_variable(strategy, tmp_path):
    with strategy.scope():
        module = tf.Module()
        module.v = tf.Variable(2.0)
        module.f = tf.function(lambda x: x * module.v, input_signature=[tf.TensorSpec([], tf.float32)])
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    assert loaded.f(3.0).numpy() == 6.0 and loaded.v.numpy() == 2.0
    with strategy.scope():
        again = tf.saved_model.load(str(tmp_path))
    assert strategy.run(lambda: again.f(number())).values[2].numpy() == 4.0


def test_central_storage_has_one_variable_for_all_replicas(strategy):
    central = tf.distribute.experimental.CentralStorageStrategy(["CPU:1", "CPU:2"])
    with central.scope():
        v, other = tf.Variable(1.0, aggregation=SUM), tf.Variable(1.0)
    assert central.extended.parameter_devices == (v.device,) and v.device.endswith("CPU:0")
    central.run(lambda: v.assign_add(number() + 1.0))
    tf.function(lambda: central.run(lambda: v.assign_add(number() + 1.0)))()
    assert v.numpy() == 7.0 and repr(v).startswith("<tf.Variable")
    assert values(central.run(lambda: v + number())) == [7.0, 8.0]
    with pytest.raises(ValueError, match="You must specify an aggregation"):
        central.run(lambda: other.assign_add(1.0))
    other.assign_add(1.0)
    assert other.numpy() == 2.0


# Data.


def test_the_batches_of_a_dataset_are_cut_into_parts(strategy):
    data = strategy.experimental_distribute_dataset(tf.data.Dataset.range(7).batch(4))
    assert [values(batch) for batch in data] == [[[0, 1], [2, 3], []], [[4], [5], [6]]]
    assert len(data) == 2 and len(data.element_spec._component_specs) == 3

    @tf.function
    def totals(batches):
        total, steps = tf.constant(0, tf.int64), 0
        for batch in batches:
            total += strategy.reduce("SUM", strategy.run(tf.reduce_sum, args=(batch,)), axis=None)
            steps += 1
        return total, steps

    assert [int(each) for each in totals(data)] == [21, 2]
    iterator = iter(data)
    next(iterator)
    assert iterator.get_next_as_optional().has_value() and not iterator.get_next_as_optional().has_value()
    with pytest.raises(ValueError, match="outside of replica_fn"):
        strategy.run(lambda: next(iter(data)))
    with pytest.raises(tf.errors.OutOfRangeError):
        iterator.get_next()


def test_a_dataset_from_a_function_gives_each_replica_a_batch_in_turn(strategy):
    contexts = []

    def dataset_fn(context):
        contexts.append(context.get_per_replica_batch_size(6))
        return tf.data.Dataset.range(8).batch(context.get_per_replica_batch_size(6))

    data = strategy.distribute_datasets_from_function(dataset_fn)
    assert [values(batch) for batch in data] == [[[0, 1], [2, 3], [4, 5]], [[6, 7], [], []]] and contexts == [2]


# The devices.


def test_devices_that_are_not_there_or_named_twice_are_refused(strategy):
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"no device 'CPU:7'.*CPU:2"):
        tf.distribute.MirroredStrategy(["CPU:0", "CPU:7"])
    with pytest.raises(AssertionError, match="No duplicates"):
        tf.distribute.MirroredStrategy(["CPU:0", "/cpu:0"])


# Training.


def test_a_step_equals_that_of_one_device_with_the_whole_batch(strategy):
    x = np.linspace(-1.0, 1.0, 24, dtype=np.float32).reshape(8, 3)
    y = np.sin(x.sum(axis=1, keepdims=True))

    def trained(steps_of, make):
        w, b = make(tf.ones([3, 1]) / 2.0), make(tf.zeros([1]))

        def step(x, y):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum((tf.tanh(x @ w) + b - y) ** 2) / len(x_all)
            reduced = all_reduced("SUM", tape.gradient(loss, [w, b]))
            for variable, gradient in zip([w, b], reduced, strict=True):
                variable.assign_sub(gradient / 10.0)

        for _ in range(5):
            steps_of(step)
        return w.numpy(), b.numpy()

    x_all = x
    single = trained(lambda step: step(x, y), tf.Variable)
    with strategy.scope():
        batches = strategy.experimental_distribute_dataset(tf.data.Dataset.from_tensor_slices((x, y)).batch(8))
        mirrored = trained(
            tf.function(lambda step: strategy.run(step, args=next(iter(batches)))),
            lambda value: tf.Variable(value, aggregation=MEAN),
        )
    for one, other in zip(single, mirrored, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=5 * 8 * np.finfo(np.float32).eps)


def test_a_replica_crosses_over_to_update(strategy):
    with strategy.scope():
        total = tf.Variable(1.0, aggregation=tf.VariableAggregation.MEAN)

    def step():
        strategy.extended.update(total, lambda part, more: part.assign_add(more), args=(tf.constant(2.0),))
        return total.read_value()

    for expected, run in ((3.0, strategy.run), (5.0, tf.function(lambda step: strategy.run(step)))):
        assert {float(each) for each in strategy.experimental_local_results(run(step))} == {expected}


def test_an_only_replica_runs_in_the_callers_thread():
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        total = tf.Variable(1.0, aggregation=tf.VariableAggregation.SUM)

    def step():
        replica = tf.distribute.get_replica_context()
        total.assign_add(2.0)
        across = replica.merge_call(lambda strategy, value: (threading.get_ident(), value, _stands_across()), (3.0,))
        return threading.get_ident(), across, replica.all_reduce("sum", tf.constant(4.0))

    here = threading.get_ident()
    found, across, total_sum = strategy.run(step)
    assert (found, across, float(total_sum), float(total)) == (here, (here, 3.0, True), 4.0, 3.0)
    with pytest.raises(ZeroDivisionError):
        strategy.run(lambda: 1 // 0)
    assert not tf.distribute.has_strategy()


def _stands_across():
    return bool(tf.distribute.in_cross_replica_context())
