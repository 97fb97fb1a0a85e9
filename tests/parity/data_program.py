"""Runs a table of pipelines, and says what elements they give, in order.

It runs in a process of its own, on the library that it is told: ``data_program.py tensorflow``.
"""

from __future__ import annotations

import collections
import importlib
import pickle
import sys
from typing import Any

import numpy as np

#: Pipelines over ``D``, which is ``tf.data.Dataset``.
PIPELINES = """
D.range(10).batch(3)
D.range(10).batch(4, drop_remainder=True).unbatch()
D.range(10).skip(3).take(4).repeat(2).shard(3, 1)
D.range(5, 0, -2)
D.range(3, output_type=tf.float32)
D.range(3).concatenate(D.range(2)).enumerate(start=5)
D.zip((D.range(3), {"a": D.range(5, 9)}))
D.range(10).filter(lambda x: x % 3 == 0)
D.range(4).window(2).flat_map(lambda w: w.batch(2))
D.range(8).window(3, 1, 2)
D.range(8).window(3, 2, 2, True)
D.range(8).window(20, 3)
D.range(5).interleave(lambda x: D.from_tensors(x).repeat(x + 1), cycle_length=2, block_length=1)
D.range(5).interleave(lambda x: D.from_tensors(x).repeat(x + 1), cycle_length=3, block_length=2)
D.range(5).interleave(lambda x: D.from_tensors(x).repeat(x + 1), cycle_length=4, num_parallel_calls=2)
D.range(5).flat_map(lambda x: D.from_tensors(x).repeat(x))
D.from_tensors({"b": 1, "a": (2, None)})
D.from_tensor_slices(Pair(np.arange(3), ["x", "y", "z"]))
D.from_tensor_slices({"a": [1, 2], "b": ([3.0, 4.0], ["u", "v"])}).map(lambda d: {"c": d["a"] * 2, **d})
D.range(3).map(lambda x: [x, x + 1])
D.range(3).map(lambda x: (x, [x, x]))
D.range(3).map(lambda x: (x, None))
D.range(3).map(lambda x: 1.5).batch(2)
D.range(20).map(lambda x: x * x, num_parallel_calls=4).batch(7)
D.range(20).map(lambda x: tf.py_function(lambda y: y + 1, [x], tf.int64), num_parallel_calls=4)
D.from_tensor_slices(sparse)
D.from_tensor_slices(sparse).batch(2)
D.from_tensor_slices(sparse).batch(2).unbatch()
D.from_tensor_slices(ragged)
D.from_tensor_slices(ragged).batch(2).unbatch()
D.from_tensor_slices(ragged).map(lambda row: tf.reduce_sum(row.values))
D.from_tensors(D.range(3))
D.range(1, 4).map(lambda n: tf.fill([n], n)).padded_batch(2)
D.range(1, 4).map(lambda n: tf.fill([n], n)).padded_batch(2, [4], tf.constant(-1, tf.int64))
D.range(1, 4).map(lambda n: tf.fill([n], n)).padded_batch(2, padded_shapes=[1])
D.range(1, 4).map(lambda n: tf.fill([n], n)).batch(2)
D.from_tensor_slices([True, False]).batch(2)
D.from_tensor_slices(tf.constant([1.5, 2.5], tf.bfloat16)).batch(2)
D.from_tensor_slices(np.zeros((3, 0)))
D.from_tensor_slices(3)
D.from_tensor_slices(([1, 2], [1, 2, 3]))
D.range(3).batch(0)
D.range(3).shuffle(0)
D.range(3).shard(2, 2)
D.range(3).unbatch()
D.range(3).filter(lambda x: x)
D.range(3).concatenate(D.from_tensors("a"))
D.range(3).padded_batch(2, [None])
D.from_generator(lambda: ((i, "x" * i) for i in range(3)), (tf.int32, tf.string))
D.from_generator(lambda n: range(n), tf.int32, args=(3,)).repeat(2)
D.from_generator(lambda: iter([1, "a"]), tf.int32)
D.from_generator(lambda: iter([1, [2]]), output_signature=tf.TensorSpec((), tf.int32))
D.range(3).map(lambda x: tf.random.uniform([2], seed=4)).repeat(2)
D.range(3).map(lambda x: tf.random.uniform([]))
D.range(6).shuffle(3).map(lambda x: x).shuffle(4)
D.range(6).repeat(2).shuffle(5)
D.range(12).batch(2).shuffle(3).unbatch()
D.range(9).shuffle(4).take(5).cache().repeat(2)
D.range(9).cache().shuffle(4).repeat(2)
D.range(9).shuffle(9).batch(2).repeat(2)
D.range(9).shuffle(9).batch(2).repeat(1)
D.range(9).shuffle(4).map(lambda x: x + 1).repeat(3)
D.range(9).shuffle(4).map(lambda x: x + 1).repeat(3).take(20)
D.range(9).prefetch(2).shuffle(3, seed=1).batch(2).prefetch(1)
D.zip(D.range(9), D.range(9, 18)).shuffle(4, seed=1).skip(2)
D.range(7).shuffle(3, seed=5).enumerate()
D.range(30).shard(3, 1).shuffle(4, seed=2)
""".strip().splitlines()

for _size in (1, 2, 7, 50, 64, 100):
    for _rest in ("", ", seed=3", ", reshuffle_each_iteration=False", ", seed=3, reshuffle_each_iteration=False"):
        PIPELINES.append(f"D.range(64).shuffle({_size}{_rest}).repeat(2)")
        PIPELINES.append(f"D.range(64).map(lambda x: x).shuffle({_size}{_rest}).repeat(2)")

#: What is asked of a dataset as a whole.
VALUES = """
[int(d.cardinality()) for d in (D.range(10).batch(4), D.range(10).repeat(), D.range(10).repeat().take(3))]
[int(d.cardinality()) for d in (D.range(10).skip(20), D.range(10).shard(3, 0), D.range(0).repeat())]
[int(d.cardinality()) for d in (D.range(4).window(3), D.range(9).filter(lambda x: True).take(3))]
[int(d.cardinality()) for d in (D.zip(D.range(3), D.range(4).repeat()), D.range(3).concatenate(D.range(2).repeat()))]
repr(D.range(10).batch(4, drop_remainder=True).element_spec)
repr(D.from_tensor_slices(ragged).batch(2).element_spec)
repr(D.from_tensor_slices(sparse).batch(2).element_spec)
repr(D.range(4).window(2).element_spec)
repr(D.range(3).map(lambda x: (x, {"a": [x, x]})).element_spec)
repr(D.range(3))
int(D.range(5).reduce(np.int64(0), lambda total, x: total + x))
D.range(5).reduce(tf.zeros([0], tf.int64), lambda s, x: tf.concat([s, [x]], 0)).numpy().tolist()
D.range(5).reduce(0, lambda total, x: total + x)
D.range(5).batch(5).get_single_element().numpy().tolist()
D.range(5).get_single_element()
len(D.range(5).repeat())
bool(D.range(0))
[x.tolist() for x in D.from_tensors((1, None, {"z": [2]})).map(lambda *a: a[2]["z"]).as_numpy_iterator()]
next(iter(D.range(0)))
iter(D.range(0)).get_next()
bool(iter(D.range(0)).get_next_as_optional().has_value())
tf.function(lambda d: d.reduce(np.int64(0), lambda a, b: a + b))(D.range(5)).numpy()
tf.function(lambda i: i.get_next() * 10 + next(i))(iter(D.range(5))).numpy()
D.range(2).with_options(options(deterministic=False)).batch(1).options().deterministic
""".strip().splitlines()


def shown(tf: Any, value: Any) -> Any:
    """Returns an element as Python's own values."""
    if isinstance(value, dict):
        return {key: shown(tf, item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(shown(tf, item) for item in value)
    if isinstance(value, tf.RaggedTensor):
        return "ragged", value.to_list()
    if isinstance(value, tf.SparseTensor):
        return "sparse", *(part.numpy().tolist() for part in (value.indices, value.values, value.dense_shape))
    if isinstance(value, tf.data.Dataset):
        return "dataset", [shown(tf, item) for item in value]
    if hasattr(value, "numpy"):
        value = value.numpy()
    return value.tolist() if hasattr(value, "tolist") else value


def answers(library: str) -> dict[str, Any]:
    """Returns what each pipeline gives on a library, twice, or the class of the exception."""
    tf = importlib.import_module(library)

    def options(**said: Any) -> Any:
        found = tf.data.Options()
        for name, value in said.items():
            setattr(found, name, value)
        return found

    scope = {
        "tf": tf,
        "np": np,
        "D": tf.data.Dataset,
        "Pair": collections.namedtuple("Pair", "a b"),
        "sparse": tf.SparseTensor([[0, 0], [1, 2]], [1, 2], [2, 3]),
        "ragged": tf.ragged.constant([[[1], [2, 3]], [], [[4]]]),
        "options": options,
    }
    found: dict[str, Any] = {}
    for text in (*PIPELINES, *VALUES):
        tf.random.set_seed(7)
        try:
            value = eval(text, scope)
            if text in PIPELINES:
                value = [[shown(tf, item) for item in value] for _ in range(2)]
            found[text] = value
        except Exception as error:
            found[text] = "error", type(error).__name__
    return found


if __name__ == "__main__":
    sys.stdout.buffer.write(pickle.dumps(answers(sys.argv[1])))
