"""Runs a table of pipelines, and says what elements they give, in order.

It runs in a process of its own, on the library that it is told: ``data_program.py tensorflow``.
"""

from __future__ import annotations

import collections
import importlib
import pickle
import sqlite3
import sys
import tempfile
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
D.range(10).batch(4).rebatch(3)
D.range(10).batch(4).rebatch([3, 1, 2], drop_remainder=True)
D.range(10).batch(4, drop_remainder=True).rebatch(2).unbatch()
D.from_tensor_slices(ragged).batch(2).rebatch(1)
D.from_tensor_slices(sparse).batch(2).rebatch(1)
D.range(6).batch(2).repeat().rebatch(3).take(3)
D.range(8).rebatch(2)
D.range(4).batch(2).rebatch(np.zeros((1, 1), np.int64))
D.from_tensors((tf.zeros([2, 1]), tf.zeros([3]))).rebatch(2)
D.from_tensors((tf.zeros([2, 1]), tf.zeros([3]))).rebatch(2, drop_remainder=True)
D.range(1, 4).map(lambda n: tf.fill([2, n], n)).rebatch(3)
D.range(1, 5).map(lambda n: tf.fill([n], n)).ragged_batch(2)
D.range(1, 5).map(lambda n: (n, {"a": tf.fill([n, 2], n)})).ragged_batch(3, True, tf.int32)
D.range(1, 4).map(lambda n: tf.fill([n, n, 2], n)).ragged_batch(3)
D.from_tensor_slices(ragged).ragged_batch(2)
D.range(4).ragged_batch(0)
D.range(1, 5).map(lambda n: tf.fill([n], n)).sparse_batch(2, [5])
D.range(1, 5).map(lambda n: tf.fill([n, 2], n)).sparse_batch(3, [4, None])
D.range(1, 5).map(lambda n: tf.fill([n], n)).sparse_batch(2, [2])
D.range(1, 5).map(lambda n: tf.fill([n], n)).sparse_batch(2, [2, 2])
D.range(1, 5).map(lambda n: (n, n)).sparse_batch(2, [2])
D.range(1, 5).sparse_batch(2, [])
D.range(60).map(classes).rejection_resample(lambda c, x: c, [0.5, 0.5], [0.6, 0.4], seed=3)
D.range(60).map(classes).rejection_resample(lambda c, x: c, [0.5, 0.5], [0.5, 0.5], seed=3)
D.range(60).map(classes).rejection_resample(lambda c, x: c, [0.5, 0.5])
D.range(60).map(classes).rejection_resample(lambda c, x: c, [0.5, 0.5], [1.0, 0.0])
D.range(5).snapshot(folder())
D.range(5).map(lambda x: (x, tf.strings.as_string(x))).snapshot(folder(), "GZIP", shard_func=lambda x, _: x % 3)
D.range(5).snapshot(folder(), reader_func=lambda s: s.flat_map(lambda x: x), shard_func=lambda x: x % 2).repeat(2)
D.range(5).snapshot(folder(), shard_func=lambda x: 1.5)
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
[int(batch_size(d)) for d in (D.range(9).batch(4), D.range(8).batch(2, drop_remainder=True))]
int(batch_size(D.range(9).padded_batch(4)))
[int(batch_size(D.range(9).batch(4).prefetch(1).repeat(2).take(3).skip(1).shard(2, 0).cache().shuffle(2)))]
[int(batch_size(D.zip(D.range(9).batch(4), D.range(9).batch(size)))) for size in (4, 3)]
[int(batch_size(D.range(9).batch(4).concatenate(D.range(9).batch(size)))) for size in (4, 3)]
[int(batch_size(d)) for d in (D.range(9).batch(4).map(lambda x: x + 1), D.range(9).batch(4).filter(lambda x: True))]
[int(batch_size(d)) for d in (D.range(9).batch(4).batch(2), D.from_tensors(([1, 2], [3, 4])), D.range(9))]
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
repr(D.range(8).batch(4, drop_remainder=True).rebatch(2).element_spec)
repr(D.range(8).batch(4).rebatch([2, 2]).element_spec)
repr(D.range(8).batch(4).rebatch([2, 1]).element_spec)
repr(D.range(5).map(lambda n: (n, {"a": tf.fill([n, 2], n)})).ragged_batch(3, True, tf.int32).element_spec)
repr(D.range(5).map(lambda n: tf.fill([n, 2], n)).sparse_batch(3, [4, None]).element_spec)
repr(D.range(60).map(classes).rejection_resample(lambda c, x: c, [0.5, 0.5], seed=3).element_spec)
[int(d.cardinality()) for d in (D.range(8).batch(4).rebatch(2), D.range(9).map(classes).ragged_batch(2))]
[int(d.cardinality()) for d in (D.range(9).sparse_batch(2, []), D.range(9).snapshot(folder()))]
saved(D.range(5))
saved(D.range(5), compression="GZIP")
saved(D.range(5), compression="SNAPPY")
saved(D.range(7), shard_func=lambda x: x % 3)
saved(D.range(0))
saved(D.from_tensor_slices({"b": ["u", "v"], "a": (np.arange(2.0), [True, False])}).map(lambda d: (d, None)))
saved(D.range(5), reader=lambda shards: shards.flat_map(lambda shard: shard.map(lambda x: x * 2)))
saved(D.range(5), reader=lambda shards: tf.constant(1))
saved(D.range(5), spec=tf.TensorSpec([], tf.int32))
saved(D.range(5), spec=tf.TensorSpec([2], tf.int64))
saved(D.range(5), read="GZIP")
saved(D.range(5), read="SNAPPY")
saved(D.range(3), shard_func=lambda x: tf.cast(x, tf.int32))
D.load(folder())
D.load(folder(), tf.TensorSpec([], tf.int64))
csv("1,a\n2,b\n", [tf.int32, tf.string])
csv("1,a\r\n2,b", [tf.int32, tf.string])
csv('1,"a\nb"\n2,"x""y"\n', [tf.int32, tf.string])
csv("1,a\n\n2,b\n", [tf.int32, tf.string])
csv("1,a,c\n2,b\n3\n4,d\n", [tf.int32, tf.string])
csv('x,a\n2,b\n1,a"b\n2,c\n', [tf.int32, tf.string])
csv('1,"a"b\n2,c\n', [tf.int32, tf.string])
csv('1,"a"b"\n2,c\n', [tf.int32, tf.string])
csv('1,"ab\n2,c\n', [tf.int32, tf.string])
csv("", [tf.int32, tf.string])
csv(" 1 ,a\n1,\n,b\n", [tf.int32, tf.string])
csv('1,a\r2,b\n"1","a"\r\n99999999999,a\n3,"b"', [tf.int32, tf.string])
csv('1,"a\r\nb"\n3,"c\r"\n1,a\r\r\n2,b\n1,a,\n', [tf.int32, tf.string])
csv('1,"a""\n2,b"\n3,c\n"', [tf.int32, tf.string])
csv('"h\nx",i\n1,a\n', [tf.int32, tf.string], header=True)
csv("", [tf.int32, tf.string], header=True)
csv(",\n3,b\n", [tf.constant(7), tf.constant("z")])
csv("1.5,2\n,\n", [7, 1.0])
csv("1,a,2\n3,b,4\n5\n", [tf.int32, tf.int64], select_cols=[0, 2])
csv("1,a,2\n3,b,4\n5,6\n", [tf.float32, tf.float64], exclude_cols=[1])
csv("1,a\n", [tf.int32], exclude_cols=[1], select_cols=[0])
csv("1,a\n", [tf.int32, tf.string], select_cols=[1, 0])
csv("1,a\n", [tf.int32, tf.string], select_cols=[0])
csv("1;a\n", [tf.int32, tf.string], field_delim=";")
csv("1;a\n", [tf.int32, tf.string], field_delim=";;")
csv('1,"a\n2,b"\n', [tf.int32, tf.string], use_quote_delim=False)
csv('NA,NA\n"NA","NA"\n1,""\n', [tf.constant(4), tf.constant("k")], na_value="NA")
csv("1,a\n", [tf.constant([1, 2]), tf.string])
csv("1,a\n", [tf.int32, tf.string], buffer_size=0)
csv("1,a\n" * 300 + "2\n" + "3,b\n" * 9, [tf.int32, tf.string], most=400)
[int(number) for number, _ in E.CsvDataset(text("1,a\n2,b\n3\n4,c\n"), [0.5, tf.string]).ignore_errors()]
[batch[0].numpy().tolist() for batch in E.CsvDataset(text("1,a\n2,b\n4,c\n"), [tf.int32, tf.string]).batch(2)]
table(3, num_epochs=1, shuffle=False)
table(2, num_epochs=1, shuffle_seed=5)
table(2, label_name="c", num_epochs=1, shuffle=False, select_columns=["c", 0])
table(2, num_epochs=1, shuffle=False, column_names=["x", "y", "z"], column_defaults=[tf.int64, 2.5, ""])
table(2, num_epochs=1, shuffle=False, select_columns=[0, 0])
table(2, num_epochs=1, shuffle=False, select_columns=["no"])
table(2, num_epochs=1, shuffle=False, label_name="no")
table(2, header=False)
table(4, shuffle=False, most=3)
E.make_csv_dataset(scratch + "/nothing*", 2)
sql("select a, b, c, d from t", tf.int32, tf.string, tf.float64, tf.string)
[sql("select a from t", kind) for kind in (tf.int8, tf.uint16, tf.bool, tf.string, tf.float64, tf.int64)]
[sql("select b, c from t", one, other) for one in (tf.int32, tf.float64) for other in (tf.int32, tf.string)]
sql("select a from t where a > 1000", tf.int32)
sql("selct", tf.int32, most=1)
sql("select a, b from t", tf.int32, most=1)
sql("select a from t", tf.float32)
examples(num_epochs=1, shuffle=False)
examples(num_epochs=1, shuffle=False, label_key="n", drop_final_batch=True)
examples(num_epochs=1, shuffle_seed=3, reader_num_threads=2)
examples(label_key="none")
repr(D.from_tensors(["a"]).apply(E.parse_example_dataset({"n": tf.io.FixedLenFeature([2], tf.int64)})).element_spec)
D.range(3).apply(E.parse_example_dataset({"n": tf.io.FixedLenFeature([2], tf.int64)}))
list(D.range(5).filter(lambda x: x > 2).apply(E.assert_cardinality(2)).as_numpy_iterator())
list(D.range(5).filter(lambda x: x > 2).apply(E.assert_cardinality(3)).as_numpy_iterator())
[int(E.at(d, 2)) for d in (D.range(5), D.range(5).map(lambda x: x * x), D.range(9).skip(3).repeat(2))]
int(E.at(D.range(4).filter(lambda x: x > 0).cache(), 2))
E.at(D.range(5).batch(2), 2).numpy().tolist()
E.at(D.range(5), 5)
E.at(D.range(5), -1)
E.at(D.range(5).filter(lambda x: True), 1)
[shown(tf, x) for x in E.from_list([(1, "a", [1]), (2, "b", [2, 3])])]
repr(E.from_list([(1, "a", [1]), (2, "b", [2, 3])]).element_spec)
E.from_list([])
E.from_list((1, 2))
[shown(tf, x) for x in D.from_tensor_slices({"a": [1, 2], "b": ["x", "y"]}).apply(E.pad_to_cardinality(4))]
D.range(3).apply(E.pad_to_cardinality(4))
D.from_tensor_slices({"a": [1, 2]}).apply(E.pad_to_cardinality(1))
[shown(tf, x) for x in D.range(3).apply(E.copy_to_device("/cpu:0"))]
[shown(tf, x) for x in D.range(3).apply(E.prefetch_to_device("/cpu:0", 2))]
[shown(tf, x) for x in D.range(1, 4).map(lambda n: tf.fill([n], n)).apply(E.dense_to_ragged_batch(2))]
[shown(tf, x) for x in D.range(1, 4).map(lambda n: tf.fill([n], n)).apply(E.dense_to_sparse_batch(2, [4]))]
bool(E.get_next_as_optional(iter(D.range(0))).has_value())
records(D.from_tensor_slices(["a", "bc", ""]), "GZIP")
records(D.range(3))
records([1, 2])
E.index_table_from_dataset(words).lookup(tf.constant(["y", "n"])).numpy().tolist()
E.index_table_from_dataset(D.from_tensor_slices(["x", "y"]), vocab_size=3)
E.index_table_from_dataset(words, 5).lookup(tf.constant(["y", "n", "m"])).numpy().tolist()
looked_up(E.table_from_dataset(pairs, key_dtype=tf.int64, default_value="n/a"))
E.table_from_dataset(pairs, key_dtype=tf.int64)
E.table_from_dataset(pairs, num_oov_buckets=-1, default_value="n/a")
looked_up(tf.lookup.StaticHashTable(E.DatasetInitializer(D.range(3).enumerate()), -1))
same(lambda: D.range(9).map(lambda x: x + 1).shuffle(3, seed=1).batch(2), lambda: D.range(9).batch(2))
same(lambda: D.range(9).filter(lambda x: x > 1), lambda: D.range(9).filter(lambda x: x > 2))
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


def answers(library: str, scratch: str) -> dict[str, Any]:
    """Returns what each pipeline gives on a library, twice, or the class of the exception.

    Args:
      library: the library.
      scratch: a folder for files.
    """
    tf = importlib.import_module(library)

    def options(**said: Any) -> Any:
        found = tf.data.Options()
        for name, value in said.items():
            setattr(found, name, value)
        return found

    def folder() -> str:
        return tempfile.mkdtemp(dir=scratch)

    def saved(dataset: Any, reader: Any = None, spec: Any = None, read: Any = None, **options: Any) -> Any:
        path = folder()
        dataset.save(path, **options)
        found = tf.data.Dataset.load(path, spec, read or options.get("compression"), reader)
        return [shown(tf, item) for item in found], int(found.cardinality()), found.element_spec == dataset.element_spec

    def same(one: Any, other: Any) -> Any:
        found = [make().fingerprint().numpy() for make in (one, one, other)]
        return [bool(item == found[0]) for item in found]

    E = tf.data.experimental

    def going_on(dataset: Any, most: int = 12) -> Any:
        """Returns elements, and the classes of the exceptions in between."""
        found: list[Any] = []
        iterator = iter(dataset)
        while len(found) < most:
            try:
                found.append(shown(tf, next(iterator)))
            except StopIteration:
                return found
            except tf.errors.OpError as error:
                found.append(type(error).__name__)
        return found

    def text(content: str) -> str:
        path = f"{folder()}/text"
        with open(path, "w", newline="") as file:
            file.write(content)
        return path

    def csv(content: str, defaults: Any, most: int = 12, **options: Any) -> Any:
        dataset = E.CsvDataset(text(content), defaults, **options)
        return going_on(dataset, most), repr(dataset.element_spec)

    def table(size: int, most: int = 12, **options: Any) -> Any:
        one = text("a,b,c\n" + "".join(f"{n},{n}.5,w{n}\n" for n in range(5)))
        other = text("a,b,c\n" + "".join(f"{n},,v\n" for n in range(5, 9)))
        dataset = E.make_csv_dataset([one, other], size, **options)
        return going_on(dataset, most), repr(dataset.element_spec)

    def sql(query: str, *kinds: Any, most: int = 12) -> Any:
        path = f"{folder()}/rows.sqlite3"
        with sqlite3.connect(path) as connection:
            connection.execute("create table t (a integer, b text, c real, d blob)")
            connection.execute(
                "insert into t values (1, 'x', 1.5, x'0102'), (2, null, null, null), (300, '12z', 2.25, 'zz')"
            )
        connection.close()
        return going_on(E.SqlDataset("sqlite", path, query, kinds), most)

    def examples(**options: Any) -> Any:
        path = folder()
        for number in range(3):
            with tf.io.TFRecordWriter(f"{path}/{number}") as writer:
                for value in range(3):
                    features = {
                        "n": tf.train.Feature(int64_list=tf.train.Int64List(value=[number, value])),
                        "w": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"w"] * value)),
                    }
                    example = tf.train.Example(features=tf.train.Features(feature=features))
                    writer.write(example.SerializeToString())
        described = {
            "n": tf.io.FixedLenFeature([2], tf.int64), "w": tf.io.VarLenFeature(tf.string),
            "r": tf.io.RaggedFeature(tf.string, "w"),
        }  # fmt: skip
        dataset = E.make_batched_features_dataset(f"{path}/*", 2, described, **options)
        return [shown(tf, item) for item in dataset]

    def records(dataset: Any, compression: str = "") -> Any:
        path = f"{folder()}/records"
        E.TFRecordWriter(path, compression).write(dataset)
        return list(tf.data.TFRecordDataset(path, compression).as_numpy_iterator())

    scope = {
        "E": E,
        "csv": csv,
        "examples": examples,
        "looked_up": lambda table: table.lookup(tf.constant([1, 9], tf.int64)).numpy().tolist(),
        "words": tf.data.Dataset.from_tensor_slices(["x", "y"]),
        "pairs": tf.data.Dataset.range(3).map(lambda x: (x, tf.strings.as_string(x))),
        "records": records,
        "scratch": scratch,
        "shown": shown,
        "sql": sql,
        "table": table,
        "text": text,
        "folder": folder,
        "saved": saved,
        "same": same,
        "classes": lambda x: (tf.cast(x * x % 3 != 0, tf.int32), x),
        "tf": tf,
        "np": np,
        "D": tf.data.Dataset,
        "Pair": collections.namedtuple("Pair", "a b"),
        "sparse": tf.SparseTensor([[0, 0], [1, 2]], [1, 2], [2, 3]),
        "ragged": tf.ragged.constant([[[1], [2, 3]], [], [[4]]]),
        "options": options,
        "batch_size": lambda dataset: tf.raw_ops.ComputeBatchSize(input_dataset=dataset._variant_tensor),
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
    with tempfile.TemporaryDirectory() as _scratch:
        sys.stdout.buffer.write(pickle.dumps(answers(sys.argv[1], _scratch)))
