"""Runs a table of programs over several parts of the host, and says what they give.

It runs in a process of its own, on the library and with the number of replicas that it is told:
``mirrored_program.py tensorflow 3``.
"""

from __future__ import annotations

import importlib
import pickle
import sys
from typing import Any

import numpy as np

#: Datasets over ``D``, which is ``tf.data.Dataset``, that are distributed: what the replicas get, in order.
DATASETS = """
D.range(8).batch(4)
D.range(10).batch(5)
D.range(11).batch(6)
D.range(1).batch(4)
D.range(0).batch(2)
D.range(11).batch(6, drop_remainder=True)
D.range(11).batch(3, drop_remainder=True)
D.range(10).batch(4).map(lambda x: x * 2)
D.range(10).batch(4).filter(lambda x: True)
D.range(5).batch(2).repeat(2)
D.range(6).batch(2).unbatch().batch(3)
D.range(3).flat_map(lambda x: D.range(4).batch(4))
D.range(5).map(lambda x: tf.range(x)).padded_batch(3)
D.range(5).map(lambda x: tf.range(x)).ragged_batch(2)
D.range(8).batch(4, drop_remainder=True).map(lambda x: tf.reshape(x, [2, 2]))
D.zip((D.range(6).batch(3), D.range(4).batch(2)))
D.from_tensor_slices({"a": np.arange(5), "b": ["x"] * 5}).batch(2)
D.from_tensor_slices((np.arange(7.0), np.arange(14).reshape(7, 2))).batch(3)
shared(D.range(10).batch(4), "OFF")
shared(D.range(10).batch(4), "FILE")
shared(D.range(10).batch(4), "DATA")
lines(10).batch(4)
shared(lines(10).batch(4), "DATA")
D.range(3).interleave(lambda x: lines(4)).batch(4)
""".strip().splitlines()

#: Functions that run as replicas, eagerly and traced: what each gives. ``n`` is the number of the replica, as a float.
REPLICAS = """
n()
(1, "a", {"b": [n()]}, None)
reduced("SUM", n() / 3)
reduced("MEAN", [n(), {"a": 2 * n()}])
reduced("SUM", tf.IndexedSlices(tf.fill([1, 2], n()), tf.constant([1]), tf.constant([3, 2])))
gathered(tf.fill([2, 1 + number()], n()), 1)
gradient(lambda x: reduced("MEAN", x * x) * (n() + 1))
gradient(lambda x: reduced("SUM", x) * reduced("SUM", x * n()))
gradient(lambda x: gathered(x[:1] * (n() + 1), 0) * 3.0)
here().merge_call(lambda s, x: s.reduce("SUM", x, axis=None), args=(n(),))
here().merge_call(lambda s, x: s.reduce("MEAN", x, axis=0), args=(tf.range(n() + 1),))
here().merge_call(lambda s, x: s.extended.reduce_to("SUM", x, v[0]), args=(n(),))
here().merge_call(lambda s, x: s.extended.update(v[0], lambda v, x: v.assign_sub(x), (x,)), args=(n(),))
here().merge_call(lambda s, x: s.extended.update(v[0], lambda v, x: v.assign(x), (x,), group=False), args=(n(),))
v[0].assign_add(n() + 1)
v[1].assign_add(n() + 1)
v[2].assign_add(n() + 1)
v[3].assign_add(n() + 1)
v[1].assign(2.0)
v[4].assign_add(n())
v[4] + n()
v[5].assign_sub(n())
rows.scatter_add(tf.IndexedSlices(tf.fill([1, 2], n()), tf.constant([1])))
rows.scatter_update(tf.IndexedSlices(tf.fill([1, 2], n()), tf.constant([1])))
v[4].scatter_add(tf.IndexedSlices(tf.fill([1], n()), tf.constant([0])))
v[0].assign_add(1.0) if number() else n()
strategy.run(n)
""".strip().splitlines()

#: Errors that are compared by these classes of Python's: TensorFlow derives some of its own from them.
BUILT_IN = (ValueError, TypeError, RuntimeError, NotImplementedError, AssertionError)

#: Expressions across the replicas: what each is.
ACROSS = """
strategy.reduce("SUM", strategy.run(n), axis=None)
strategy.reduce("MEAN", strategy.run(lambda: tf.range(n() + 1)), axis=0)
strategy.reduce("MEAN", strategy.run(lambda: tf.constant([1, 2])), axis=None)
strategy.reduce("SUM", 3, axis=None)
strategy.reduce("MEAN", 3, axis=None)
strategy.gather(strategy.run(lambda: tf.fill([1 + number()], n())), axis=0)
strategy.experimental_local_results(strategy.run(n))
strategy.experimental_local_results(3)
strategy.experimental_distribute_values_from_function(lambda c: (c.replica_id_in_sync_group, c.num_replicas_in_sync))
strategy.experimental_distribute_values_from_function(lambda c: tf.constant(1.0))
v[1].assign(7.0)
v[4].assign(6.0)
v[4].assign_add(6.0)
v[4].read_value()
v[5].assign_add(1.0)
v[6].read_value()
strategy.run(n) + 1
next(iter(strategy.distribute_datasets_from_function(lambda c: D.range(7).batch(c.get_per_replica_batch_size(6)))))
strategy.run(lambda: tf.Variable([1.0]) + 1.0)
strategy.run(lambda: tf.Variable(1, aggregation=tf.VariableAggregation.MEAN))
tf.distribute.MirroredStrategy(["CPU:0", "CPU:0"])
""".strip().splitlines()


def plain(tf: Any, value: Any) -> Any:
    """Returns a value as nests of numbers that can be compared."""
    if isinstance(value, tuple | list):
        return [plain(tf, item) for item in value]
    if isinstance(value, dict):
        return {key: plain(tf, item) for key, item in value.items()}
    if isinstance(value, tf.distribute.DistributedValues):
        return ["replicas", *(plain(tf, item) for item in value.values)]
    if isinstance(value, tf.IndexedSlices):
        return plain(tf, tf.convert_to_tensor(value))
    if isinstance(value, tf.RaggedTensor):
        return value.to_list()
    return np.asarray(value.numpy()).tolist() if hasattr(value, "numpy") else value


def answers(library: str, count: int, folder: str) -> dict[str, Any]:
    """Returns what came of each program: on ``count`` replicas of a library."""
    tf = importlib.import_module(library)
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    strategy = tf.distribute.MirroredStrategy([f"CPU:{place}" for place in range(count)])
    here = tf.distribute.get_replica_context
    ways = tf.VariableAggregation
    on_read = tf.VariableSynchronization.ON_READ

    def lines(number: int) -> Any:
        path = f"{folder}/{number}"
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(map(str, range(number))))
        return tf.data.TextLineDataset(path)

    def shared(dataset: Any, policy: str) -> Any:
        options = tf.data.Options()
        options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy[policy]
        return dataset.with_options(options)

    def gradient(function: Any) -> Any:
        x = tf.stack([scope["n"](), 2.0])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return tape.gradient(y, x)

    def variables() -> dict[str, Any]:
        with strategy.scope():
            kinds = [tf.Variable(1.0, aggregation=way) for way in (ways.NONE, ways.SUM, ways.MEAN)]
            kinds.append(tf.Variable(1.0, aggregation=ways.ONLY_FIRST_REPLICA))
            kinds += [
                tf.Variable(1.0, synchronization=on_read, aggregation=way)
                for way in (ways.SUM, ways.MEAN, ways.ONLY_FIRST_REPLICA)
            ]
            return {
                "v": kinds,
                "rows": tf.Variable(tf.ones([3, 2]), aggregation=ways.SUM),
            }

    scope: dict[str, Any] = {
        "tf": tf, "np": np, "D": tf.data.Dataset, "strategy": strategy, "here": here, "lines": lines, "shared": shared,
        "gradient": gradient,
        "number": lambda: here()._replica_id,
        "n": lambda: tf.cast(here().replica_id_in_sync_group, tf.float32),
        "reduced": lambda reduction, value: here().all_reduce(reduction, value),
        "gathered": lambda value, axis: here().all_gather(value, axis),
    }  # fmt: skip

    def tried(function: Any) -> Any:
        try:
            return function()
        except Exception as error:
            kinds = [kind.__name__ for kind in BUILT_IN if isinstance(error, kind)]
            return "error", kinds[-1] if kinds else type(error).__name__

    def replicated(text: str, traced: bool) -> Any:
        scope.update(variables())
        program = eval(f"lambda: {text}", scope)
        run = (
            (lambda: strategy.run(program))
            if not traced
            else tf.function(lambda: strategy.run(program), autograph=False)
        )
        result = tried(lambda: plain(tf, run()))
        return result, plain(tf, [scope["v"], scope["rows"]])

    def batches(text: str) -> Any:
        distributed = strategy.experimental_distribute_dataset(eval(text, scope))
        specs = tf.nest.map_structure(lambda spec: repr(spec._component_specs), distributed.element_spec)
        return str(specs), int(distributed.cardinality), [plain(tf, batch) for batch in distributed]

    found: dict[str, Any] = {text: tried(lambda text=text: batches(text)) for text in DATASETS}
    for text in REPLICAS:
        found[text] = replicated(text, traced=False)
        if "IndexedSlices(tf.fill([1, 2], n()), tf.constant([1]), " not in text and "gathered(x" not in text:
            found[f"traced {text}"] = replicated(text, traced=True)
    for text in ACROSS:
        scope.update(variables())
        found[text] = tried(lambda text=text: plain(tf, eval(text, scope)))
    return found


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as _scratch:
        sys.stdout.buffer.write(pickle.dumps(answers(sys.argv[1], int(sys.argv[2]), _scratch)))
