"""Checks ``tf.lookup`` eagerly, in sessions and from files, against what TensorFlow 2.21 does."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
import tideflow.v1 as tf1

errors = tf.errors
lookup = tf.lookup


def content(keys, values):
    return lookup.KeyValueTensorInitializer(tf.constant(keys), tf.constant(values))


def test_a_static_table():
    table = lookup.StaticHashTable(content(["a", "b"], [1, 2]), -1)
    assert table.lookup(tf.constant([["a", "c"]])).numpy().tolist() == [[1, -1]]
    assert table[tf.constant("b")].numpy() == 2
    assert table.size().numpy() == 2
    keys, values = table.export()
    assert dict(zip(keys.numpy(), values.numpy(), strict=True)) == {b"a": 1, b"b": 2}
    sparse = tf.SparseTensor([[0, 1], [2, 0]], ["b", "z"], [3, 2])
    assert table.lookup(sparse).values.numpy().tolist() == [2, -1]
    with pytest.raises(TypeError, match="Dtype of argument `keys` must be"):
        table.lookup(tf.constant([1]))
    with pytest.raises(ValueError):
        lookup.StaticHashTable(content(["a"], [1]), [1, 2])


def test_repeated_keys():
    assert lookup.StaticHashTable(content(["a", "a"], [1, 1]), 0).size().numpy() == 1
    with pytest.raises(errors.FailedPreconditionError, match="Key a has 1 and trying to add value 2"):
        lookup.StaticHashTable(content(["a", "a"], [1, 2]), 0)
    with pytest.raises(errors.InvalidArgumentError, match=r"Expected shape \[2\] for value, got \[1\]"):
        lookup.StaticHashTable(content(["a", "a"], [1]), 0)


def test_many_integers():
    keys = np.random.default_rng(0).permutation(1 << 20)[:5000].astype(np.int64)
    table = lookup.StaticHashTable(content(keys, np.float32(keys) / 2), -1.0)
    wanted = np.arange(100_000)
    expected = np.where(np.isin(wanted, keys), np.float32(wanted) / 2, np.float32(-1))
    np.testing.assert_array_equal(table.lookup(tf.constant(wanted)).numpy(), expected)


def test_a_mutable_table():
    table = lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    table.insert(["a", "b", "a"], [1, 2, 3])
    assert table.lookup(["a", "z"]).numpy().tolist() == [3, -1]
    assert table.lookup(["y", "z"], dynamic_default_values=tf.constant([7, 8], tf.int64)).numpy().tolist() == [7, 8]
    table.remove(tf.constant(["a", "nothing"]))
    assert table.size().numpy() == 1
    table.insert("c", 5)
    assert sorted(table.export()[0].numpy()) == [b"b", b"c"]
    with pytest.raises(errors.InvalidArgumentError, match=r"Expected shape \[\] or \[2\] for default value, got \[3\]"):
        table.lookup(["a", "b"], dynamic_default_values=tf.constant([1, 2, 3], tf.int64))
    with pytest.raises(TypeError):
        table.insert([1], [1])


def test_a_mutable_table_of_vectors():
    table = lookup.experimental.MutableHashTable(tf.int64, tf.float32, [-1.0, -2.0])
    table.insert([1, 2], [[1.0, 2.0], [3.0, 4.0]])
    assert table.lookup([[2], [9]]).numpy().tolist() == [[[3, 4]], [[-1, -2]]]
    with pytest.raises(errors.InvalidArgumentError, match=r"Expected shape \[1,2\] for value, got \[1,3\]"):
        table.insert([1], [[1.0, 2.0, 3.0]])
    with pytest.raises(errors.InvalidArgumentError, match="must be a vector"):
        lookup.experimental.MutableHashTable(tf.int64, tf.float32, [[1.0]])


def test_a_dense_table():
    table = lookup.experimental.DenseHashTable(tf.int64, tf.int64, default_value=-1, empty_key=0, deleted_key=-1)
    table.insert([1, 2], [10, 20])
    table.erase(tf.constant([2], tf.int64))
    table.insert_or_assign([3], [30])
    assert table.lookup([1, 2, 3]).numpy().tolist() == [10, -1, 30]
    for key in (0, -1):
        with pytest.raises(errors.InvalidArgumentError, match="as a table key is not allowed"):
            table.insert([key], [1])
        with pytest.raises(errors.InvalidArgumentError, match="as a table key is not allowed"):
            table.lookup([key])
    with pytest.raises(errors.InvalidArgumentError, match="cannot be equal"):
        lookup.experimental.DenseHashTable(tf.int64, tf.int64, -1, 0, 0)
    with pytest.raises(errors.InvalidArgumentError, match="power of 2, got: 7"):
        lookup.experimental.DenseHashTable(tf.int64, tf.int64, -1, 0, 1, initial_num_buckets=7)


def test_a_dense_table_of_vectors():
    table = lookup.experimental.DenseHashTable(tf.int64, tf.int64, [-1, -2], [0, 0], [-1, -1])
    table.insert([[1, 2], [3, 4]], [[5, 6], [7, 8]])
    assert table.lookup([[3, 4], [9, 9]]).numpy().tolist() == [[7, 8], [-1, -2]]
    table.remove(tf.constant([[1, 2]], tf.int64))
    keys, values = (item.numpy() for item in table.export())  # the buckets, as TensorFlow lays them out
    assert keys.shape == values.shape == (1 << 17, 2)
    used = (keys != 0).any(1)
    assert (keys[used].tolist(), values[used].tolist()) == ([[3, 4]], [[7, 8]])
    with pytest.raises(errors.InvalidArgumentError, match="must end with the table's key shape"):
        table.lookup([1, 2, 3])


def test_a_table_from_a_file(tmp_path):
    index = lookup.TextFileIndex
    path = tmp_path / "words"
    path.write_bytes(b"a\r\nb\nc\n")

    def table(default=-1, **arguments):
        given = {"key_dtype": tf.string, "key_index": index.WHOLE_LINE, "value_dtype": tf.int64}
        given |= {"value_index": index.LINE_NUMBER} | arguments
        return lookup.StaticHashTable(lookup.TextFileInitializer(str(path), **given), default)

    assert table().lookup(tf.constant(["c", "z", "a"])).numpy().tolist() == [2, -1, 0]
    assert table(value_index_offset=5).lookup(tf.constant("a")).numpy() == 5
    assert table(vocab_size=2).size().numpy() == 2
    with pytest.raises(errors.InvalidArgumentError, match="expected 9 but got 3"):
        table(vocab_size=9)
    path.write_bytes(b"a 1.5\nb 2\n")
    columns = {"key_index": 0, "value_index": 1, "delimiter": " ", "value_dtype": tf.float32}
    assert table(-1.0, **columns).lookup(tf.constant(["b", "a"])).numpy().tolist() == [2, 1.5]
    path.write_bytes(b"a 1\nb x\n")
    with pytest.raises(errors.InvalidArgumentError, match="Field x in line 1 is not a valid float32"):
        table(-1.0, **columns)
    path.write_bytes(b" 10 \n20\n")
    integers = table(key_dtype=tf.int64)
    assert integers.lookup(tf.constant([20, 10, 7], tf.int64)).numpy().tolist() == [1, 0, -1]
    path.write_bytes(b"10\n30x\n")
    with pytest.raises(errors.InvalidArgumentError, match="Field 30x in line 1 is not a valid int64"):
        table(key_dtype=tf.int64)
    path.write_bytes(b"a\n\nb\n")
    with pytest.raises(errors.InvalidArgumentError, match="empty line"):
        table()
    path.unlink()
    with pytest.raises(errors.NotFoundError):
        table()
    with pytest.raises(ValueError, match="`value_dtype` must be int64"):
        table(value_dtype=tf.int32)
    with pytest.raises(ValueError, match="`vocab_size` should be > 0"):
        table(vocab_size=0)


def test_tables_in_a_session(graph):
    table = tf1.lookup.StaticHashTable(lookup.KeyValueTensorInitializer(["a", "b"], [1, 2]), -1)
    found = table.lookup(tf1.placeholder_with_default(tf1.constant(["a", "z"]), [None]))
    mutable = lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    inserted = mutable.insert(["k"], [4])
    looked_up = mutable.lookup(tf1.constant(["k", "z"]))
    assert looked_up.shape == [2]
    assert [operation.name for operation in tf1.get_collection("table_initializer")] == [table.initializer.name]
    assert (table.name, found.op.name) == ("hash_table", "hash_table_Lookup/LookupTableFindV2")
    with tf1.Session() as session:
        with pytest.raises(errors.FailedPreconditionError, match="not initialized"):
            session.run(found)
        session.run(tf1.tables_initializer())
        assert session.run(found).tolist() == [1, -1]
        session.run(inserted)
        assert session.run(looked_up).tolist() == [4, -1]
    with tf1.Session() as session:
        assert session.run(looked_up).tolist() == [-1, -1]


def test_a_graph_with_tables_survives_a_graph_def(graph):
    table = tf1.lookup.StaticHashTable(lookup.KeyValueTensorInitializer(["a", "b"], [1, 2]), -1)
    found = tf1.identity(table.lookup(tf1.constant(["b"])), "found")
    definition = graph.as_graph_def()
    with tf1.Graph().as_default(), tf1.Session() as session:
        read, initialize = tf1.import_graph_def(
            definition, return_elements=[found.name, table.initializer.name], name=""
        )
        session.run(initialize)
        assert session.run(read).tolist() == [2]


def test_a_vocabulary_table():
    table = lookup.StaticVocabularyTable(content(["a", "b"], np.array([0, 1])), 5)
    assert table.lookup(tf.constant(["a", "b", "z", "y"])).numpy().tolist() == [0, 1, 4, 2]
    assert table.size().numpy() == 7
    numbers = lookup.StaticVocabularyTable(content(np.array([7, 8]), np.array([0, 1])), 3)
    assert numbers.lookup(tf.constant([7, 8, 9, 10], tf.int64)).numpy().tolist() == [0, 1, 4, 4]
    assert lookup.StaticVocabularyTable(None, 5).lookup(tf.constant(["a"])).numpy().tolist() == [4]


def test_a_vocabulary_table_that_cannot_be():
    with pytest.raises(ValueError, match="must be > 0"):
        lookup.StaticVocabularyTable(None, 0)
    with pytest.raises(TypeError, match="Invalid `key_dtype`"):
        lookup.StaticVocabularyTable(content([1.0], np.array([0])), 1)
    with pytest.raises(TypeError, match="Invalid `value_dtype`"):
        lookup.StaticVocabularyTable(content(["a"], [0]), 1)
