"""Says what columns of features give; `test_feature_columns.py` runs it here and, as a program, on TensorFlow."""

from __future__ import annotations

import os
import pathlib
import pickle
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np


def _sparse(tf: Any, rows: list[list[Any]], kind: Any) -> Any:
    places = [(row, place) for row, values in enumerate(rows) for place in range(len(values))]
    values = np.array([value for row in rows for value in row], kind)
    return tf.SparseTensor(np.array(places, np.int64).reshape(-1, 2), values, [len(rows), max(map(len, rows))])


def _features(tf: Any) -> dict[str, Any]:
    return {
        "age": [[21.0], [35.0], [60.0]],
        "pair": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]],
        "n": [3, 1, -1],
        "word": ["a", "zz", "c"],
        "many": _sparse(tf, [["a", "b", "a"], [], ["q"]], object),
        "w": _sparse(tf, [[1.0, 2.0, 0.5], [], [4.0]], np.float32),
        "num": _sparse(tf, [[1, 2], [0], [7]], np.int64),
        "dense_w": [[0.5], [0.0], [2.0]],
        "mat": np.arange(12, dtype=np.float32).reshape(3, 2, 2),
        "i32": np.array([[1], [9], [2]], np.int32),
        "vec": [1.0, 2.0, 3.0],
    }


def _columns(tf: Any, vocabulary: str) -> dict[str, Callable[[], Any]]:
    fc = tf.feature_column

    def tenths(shape: Any, dtype: Any = None, **_: Any) -> Any:
        return tf.reshape(tf.cast(tf.range(int(np.prod(shape))), dtype or tf.float32) / 10, shape)

    def many(**options: Any) -> Any:
        return fc.categorical_column_with_vocabulary_list("many", ["a", "b", "c"], **options)

    def bucketized(*boundaries: float) -> Any:
        return fc.bucketized_column(fc.numeric_column("pair", 2), list(boundaries))

    identity, hashed = fc.categorical_column_with_identity, fc.categorical_column_with_hash_bucket
    indicator, embedding = fc.indicator_column, fc.embedding_column
    weighted, cross = fc.weighted_categorical_column, fc.crossed_column
    from_file = fc.categorical_column_with_vocabulary_file
    return {
        "numbers": lambda: fc.numeric_column("age"),
        "normalized": lambda: fc.numeric_column("pair", shape=(2,), normalizer_fn=lambda x: (x - 1) / 2),
        "matrix": lambda: fc.numeric_column("mat", shape=[2, 2]),
        "vector": lambda: fc.numeric_column("vec"),
        "integers": lambda: fc.numeric_column("i32", dtype=tf.int32, default_value=3),
        "buckets": lambda: fc.bucketized_column(fc.numeric_column("age"), [30, 50]),
        "buckets of two": lambda: bucketized(2.0, 4.0, 5.0),
        "identity": lambda: indicator(identity("n", 4)),
        "identity with default": lambda: indicator(identity("num", 4, default_value=3)),
        "identity of 32 bits": lambda: indicator(identity("i32", 4, 0)),
        "hash": lambda: indicator(hashed("word", 5)),
        "hash of integers": lambda: indicator(hashed("n", 5, tf.int64)),
        "list": lambda: indicator(many()),
        "list and more": lambda: indicator(many(num_oov_buckets=2)),
        "list with default": lambda: indicator(many(default_value=1)),
        "list of integers": lambda: indicator(fc.categorical_column_with_vocabulary_list("num", [7, 1, 2])),
        "file": lambda: indicator(from_file("word", vocabulary)),
        "part of a file": lambda: indicator(from_file("word", vocabulary, vocabulary_size=2, num_oov_buckets=1)),
        "weights": lambda: indicator(weighted(many(), "w")),
        "cross": lambda: indicator(cross(["word", "many"], 7)),
        "cross with buckets": lambda: indicator(cross(["word", bucketized(2.0, 4.0)], 7, hash_key=5)),
        "cross of a cross": lambda: indicator(cross([cross(["word", "many"], 11), identity("num", 9)], 7)),
        "embedding": lambda: embedding(many(), 2, initializer=tenths),
        "embedding, sum": lambda: embedding(many(num_oov_buckets=1), 3, "sum", initializer=tenths),
        "embedding with weights": lambda: embedding(weighted(many(), "w"), 2, "sqrtn", initializer=tenths),
        "embedding with a norm": lambda: embedding(many(), 2, initializer=tenths, max_norm=0.1),
        "embedding of buckets": lambda: embedding(bucketized(2.0, 4.0, 5.0), 2, initializer=tenths),
        "embedding, unsafe": lambda: embedding(
            identity("i32", 10), 2, initializer=tenths, use_safe_embedding_lookup=False
        ),
        "categories": many,
        "no feature": lambda: fc.numeric_column("elsewhere"),
        "numbers in a sparse tensor": lambda: fc.numeric_column("w"),
        "sequences": lambda: indicator(fc.sequence_categorical_column_with_identity("num", 9)),
        "categories of floats": lambda: indicator(identity("age", 9)),
        "strings of integers": lambda: indicator(hashed("n", 9)),
        "weights of integers": lambda: indicator(weighted(many(), "num")),
    }


def _wrong(tf: Any, vocabulary: str) -> list[Callable[[], Any]]:
    fc = tf.feature_column
    number, words = fc.numeric_column, fc.categorical_column_with_vocabulary_list
    hashed, from_file = fc.categorical_column_with_hash_bucket, fc.categorical_column_with_vocabulary_file
    identity, cross = fc.categorical_column_with_identity, fc.crossed_column
    return [
        lambda: number("a", shape=0),
        lambda: number("a", shape=(1.5,)),
        lambda: number("a", dtype=tf.string),
        lambda: number("a", default_value="x"),
        lambda: number("a", shape=2, default_value=[1.0]),
        lambda: number(3),
        lambda: number("a", normalizer_fn=3),
        lambda: fc.bucketized_column(words("a", ["b"]), [1]),
        lambda: fc.bucketized_column(number("a"), []),
        lambda: fc.bucketized_column(number("a"), [2, 1]),
        lambda: fc.bucketized_column(number("a", (2, 2)), [1]),
        lambda: hashed("a", 0),
        lambda: hashed("a", None),
        lambda: hashed("a", 2, tf.float32),
        lambda: from_file("a", ""),
        lambda: from_file("a", "/nowhere/at/all"),
        lambda: from_file("a", vocabulary, num_oov_buckets=1, default_value=2),
        lambda: words("a", []),
        lambda: words("a", ["x", "x"]),
        lambda: words("a", ["x"], dtype=tf.int32),
        lambda: words("a", [1.5]),
        lambda: identity("a", 0),
        lambda: identity("a", 3, 5),
        lambda: fc.indicator_column(number("a")),
        lambda: fc.embedding_column(words("a", ["b"]), 0),
        lambda: fc.embedding_column(words("a", ["b"]), 2, initializer=3),
        lambda: fc.embedding_column(words("a", ["b"]), 2, ckpt_to_load_from="x"),
        lambda: cross(["a"], 3),
        lambda: cross(["a", "b"], 0),
        lambda: cross(["a", 3], 3),
        lambda: cross(["a", hashed("b", 3)], 3),
        lambda: fc.weighted_categorical_column(words("a", ["b"]), "w", tf.string),
        lambda: fc.make_parse_example_spec([3]),
        lambda: fc.make_parse_example_spec([number("a"), number("b"), number("a", 2)]),
        lambda: fc.shared_embeddings([words("a", ["b"])], 2),
        lambda: fc.sequence_numeric_column("a", 0),
    ]


def _outcome(tf: Any, make: Callable[[], Any]) -> Any:
    """Returns values and variables of a graph, or the class of its error."""
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        try:
            fetches = make()
            with v1.Session() as session:
                session.run([v1.global_variables_initializer(), v1.tables_initializer()])
                values = [np.asarray(value) for value in session.run(fetches)]
        except Exception as error:
            return type(error).__name__
        trainable = {variable.name for variable in v1.trainable_variables()}
        names = [(each.name, tuple(each.shape), each.name in trainable) for each in v1.global_variables()]
        return values, names, sorted(each.name for each in v1.get_collection(v1.GraphKeys.MODEL_VARIABLES))


def found(tf: Any) -> dict[str, Any]:
    """Returns what columns give, by what they are."""
    v1, fc = tf.compat.v1, tf.feature_column
    with tempfile.TemporaryDirectory() as folder:
        vocabulary = os.path.join(folder, "words.txt")
        pathlib.Path(vocabulary).write_text("a\nb\nc\n")
        result: dict[str, Any] = {}
        columns = _columns(tf, vocabulary)
        for key, make in columns.items():
            column = make()

            def inputs(column: Any = column) -> list[Any]:
                return [v1.feature_column.input_layer(_features(tf), [column])]

            def linear(column: Any = column) -> list[Any]:
                return [v1.feature_column.linear_model(_features(tf), [column, fc.numeric_column("dense_w")], units=2)]

            spec = {name: repr(each) for name, each in column.parse_example_spec.items()}
            result[key] = column.name, spec, _outcome(tf, inputs), _outcome(tf, linear)

        def gradients() -> list[Any]:
            chosen = [columns[key]() for key in ("embedding", "buckets", "cross", "numbers")]
            variables: dict[Any, Any] = {}
            x = v1.feature_column.input_layer(_features(tf), chosen, cols_to_vars=variables)
            y = v1.feature_column.linear_model(_features(tf), [*chosen[1:], columns["categories"]()])
            of_columns = {column.name: [each.name for each in parts] for column, parts in variables.items()}
            result["variables of columns"] = sorted(of_columns.items())
            loss = tf.reduce_sum((y - x[:, :1]) ** 2) + tf.reduce_sum(x * x)
            return [tf.convert_to_tensor(each) for each in v1.gradients(loss, v1.trainable_variables())]

        def shared() -> list[Any]:
            words = fc.categorical_column_with_vocabulary_list
            of = [words("many", ["a", "b", "c"]), words("word", ["x", "y", "c"])]
            ones = tf.compat.v1.ones_initializer()
            both = v1.feature_column.shared_embedding_columns(of, 2, initializer=ones)
            return [v1.feature_column.input_layer(_features(tf), [*both, fc.numeric_column("age")])]

        result["gradients"], result["shared"] = _outcome(tf, gradients), _outcome(tf, shared)
        for number, make in enumerate(_wrong(tf, vocabulary)):
            try:
                result[f"wrong {number}"] = repr(make())
            except Exception as error:
                # Classes show their module in some messages.
                text = str(error).replace("tensorflow.python.feature_column.feature_column_v2.", "")
                text = text.replace("tensorflow.python.feature_column.feature_column_v2", "")
                result[f"wrong {number}"] = type(error).__name__, text.split("Given")[0]
    return result


if __name__ == "__main__":
    import tensorflow

    pathlib.Path(sys.argv[1]).write_bytes(pickle.dumps(found(tensorflow)))
