"""Tests variables of loaded SavedModels: those of sessions, and those that are loaded into a graph."""

from __future__ import annotations

import numpy as np

import tideflow as tf

v1 = tf.compat.v1


def test_resource_variables_beside_reference_variables_are_found_and_have_gradients(tmp_path) -> None:
    folder = str(tmp_path / "model")
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [])
        scale = v1.get_variable("scale", initializer=2.0, use_resource=True)
        offset = v1.get_variable("offset", initializer=3.0, use_resource=False)
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(session, folder, {"x": x}, {"y": x * scale + offset})
    loaded = tf.saved_model.load(folder)
    assert [variable.name for variable in loaded.variables] == ["scale:0"]
    with tf.GradientTape() as tape:
        y = loaded.signatures["serving_default"](x=tf.constant(5.0))["y"]
    assert float(y) == 13.0
    assert float(tape.gradient(y, loaded.variables[0])) == 5.0


class _Branching(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = tf.Variable([2.0, 3.0])

    @tf.function(input_signature=[tf.TensorSpec([2])])
    def __call__(self, x):
        return tf.cond(tf.reduce_sum(x) > 0.0, lambda: x * self.weight, lambda: x)


def test_gradients_in_a_graph_go_through_branches_of_a_loaded_function(tmp_path) -> None:
    tf.saved_model.save(_Branching(), str(tmp_path))
    with tf.Graph().as_default(), v1.Session() as session:
        loaded = tf.saved_model.load(str(tmp_path))
        x = v1.placeholder(tf.float32, [2])
        gradients = tf.gradients(loaded(x), [x, loaded.weight])
        session.run(v1.global_variables_initializer())
        np.testing.assert_array_equal(session.run(gradients, {x: [1.0, 5.0]}), [[2.0, 3.0], [1.0, 5.0]])
        np.testing.assert_array_equal(session.run(gradients, {x: [-1.0, -5.0]}), [[1.0, 1.0], [0.0, 0.0]])


class _Numbering(tf.Module):
    def __init__(self, path) -> None:
        super().__init__()
        keys = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
        words = tf.lookup.TextFileInitializer(path, tf.string, keys[0], tf.int64, keys[1])
        self.words = tf.lookup.StaticHashTable(words, -1)
        self.extra = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -7)
        self.extra.insert(["q"], tf.constant([9], tf.int64))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def __call__(self, x):
        return self.words.lookup(x), self.extra.lookup(x)


def test_tables_that_are_loaded_into_a_graph_have_their_content(tmp_path) -> None:
    (tmp_path / "words.txt").write_text("a\nb\n")
    tf.saved_model.save(_Numbering(str(tmp_path / "words.txt")), str(tmp_path / "model"))
    with tf.Graph().as_default(), v1.Session() as session:
        found = tf.saved_model.load(str(tmp_path / "model"))(tf.constant(["b", "q"]))
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        words, extra = session.run(found)
    assert words.tolist() == [1, -1]
    assert extra.tolist() == [-7, 9]
