"""Writes and reads SavedModels of sessions; `test_session_models.py` runs it here and, as a program, on TensorFlow.

As a program it is called with three folders: it reads what is in the first, writes what it finds to the second, and
writes SavedModels of its own to the third.
"""

from __future__ import annotations

import os
import pathlib
import pickle
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

_random = np.random.default_rng(5)
ROWS = _random.normal(size=(4, 3)).astype(np.float32)
IMAGES = _random.normal(size=(2, 6, 6, 3)).astype(np.float32)
WORDS = np.array(["b", "?", "a", "c"], object)
#: A signature of a program: its inputs, its outputs, and values for the inputs.
Signatures = dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]


def _reference_variables(tf: Any, folder: pathlib.Path) -> Signatures:
    x = tf.placeholder(tf.float32, [None, 3], "x")
    w = tf.get_variable("w", [3, 2], initializer=tf.random_normal_initializer(seed=1), use_resource=False)
    steps = tf.Variable(7, trainable=False, dtype=tf.int64, name="steps", use_resource=False)
    half = tf.get_variable("half", [2], tf.float16, initializer=tf.ones_initializer(), use_resource=False)
    y = tf.nn.softmax(tf.matmul(x, w) + tf.cast(half, tf.float32))
    return {"serving_default": ({"x": x}, {"y": y, "steps": steps + 0}, {"x": ROWS})}


def _resource_variables(tf: Any, folder: pathlib.Path) -> Signatures:
    x = tf.placeholder(tf.float32, [None, 3], "x")
    with tf.variable_scope("layer", use_resource=True):
        w = tf.get_variable("w", [3, 5], initializer=tf.random_uniform_initializer(seed=2))
        flags = tf.get_variable("flags", [2], tf.bool, initializer=tf.constant_initializer([True, False]))
    rows = tf.gather(w, tf.constant([2, 0]))
    return {"serving_default": ({"x": x}, {"y": x @ w, "rows": rows, "flags": tf.identity(flags)}, {"x": ROWS})}


def _partitioned_variables(tf: Any, folder: pathlib.Path) -> Signatures:
    x = tf.placeholder(tf.int32, [None], "x")
    with tf.variable_scope("table", partitioner=tf.fixed_size_partitioner(3), use_resource=False):
        table = tf.get_variable("rows", [7, 2], initializer=tf.random_normal_initializer(seed=3))
    return {
        "serving_default": (
            {"x": x},
            {"y": tf.nn.embedding_lookup(table, x, partition_strategy="div")},
            {"x": [6, 0, 3]},
        )
    }


def _tables(tf: Any, folder: pathlib.Path) -> Signatures:
    path = folder / "words.txt"
    path.write_text("a\nb\nc\n")
    words = tf.placeholder(tf.string, [None], "words")
    initializer = tf.lookup.TextFileInitializer(
        str(path), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
    )
    table = tf.lookup.StaticVocabularyTable(initializer, num_oov_buckets=2)
    names = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer([0, 1], ["zero", "one"]), "many")
    numbers = table.lookup(words)
    return {
        "serving_default": ({"words": words}, {"numbers": numbers}, {"words": WORDS}),
        "names": ({"words": words}, {"names": names.lookup(tf.cast(numbers, tf.int32))}, {"words": WORDS}),
    }


def _training(tf: Any, folder: pathlib.Path) -> Signatures:
    x = tf.placeholder(tf.float32, [None, 3], "x")
    target = tf.placeholder(tf.float32, [None, 1], "target")
    w = tf.get_variable("w", [3, 1], initializer=tf.zeros_initializer(), use_resource=True)
    loss = tf.reduce_mean(tf.square(x @ w - target))
    step = tf.train.get_or_create_global_step()
    train = tf.train.AdamOptimizer(0.1).minimize(loss, global_step=step)
    with tf.control_dependencies([train]):
        after = tf.reduce_mean(tf.square(x @ w.read_value() - target))
    tf.add_to_collection("train_op", train)
    return {
        "train": ({"x": x, "target": target}, {"loss": after, "step": step + 0}, {"x": ROWS, "target": ROWS[:, :1]})
    }


def _control_flow(tf: Any, folder: pathlib.Path) -> Signatures:
    x = tf.placeholder(tf.float32, [], "x")
    w = tf.get_variable("w", [], initializer=tf.constant_initializer(1.5), use_resource=True)
    turned = tf.while_loop(lambda i, v: i < 4, lambda i, v: (i + 1, v * w), [0, x])[1]
    chosen = tf.cond(x > 1.0, lambda: turned + w, lambda: turned - w)
    return {"serving_default": ({"x": x}, {"y": chosen}, {"x": np.float32(3.0)})}


def _functions(tf: Any, folder: pathlib.Path) -> Signatures:
    @tf.function
    def scale(value: Any, by: Any) -> Any:
        return tf.cond(tf.reduce_sum(value) > 0, lambda: value * by, lambda: value - by)

    x = tf.placeholder(tf.float32, [None, 3], "x")
    w = tf.get_variable("w", [3], initializer=tf.constant_initializer([1.0, 2.0, 3.0]), use_resource=True)
    return {"serving_default": ({"x": x}, {"y": scale(x, w.read_value())}, {"x": ROWS})}


def _convolutions(tf: Any, folder: pathlib.Path) -> Signatures:
    x = tf.placeholder(tf.float32, [None, 6, 6, 3], "x")
    f = tf.get_variable("filter", [3, 3, 3, 4], initializer=tf.random_normal_initializer(seed=4), use_resource=True)
    mean = tf.get_variable("mean", [4], initializer=tf.zeros_initializer(), use_resource=True, trainable=False)
    y = tf.nn.relu(tf.nn.conv2d(x, f, [1, 1, 1, 1], "SAME") - mean)
    pooled = tf.reduce_mean(tf.nn.max_pool2d(y, 2, 2, "VALID"), [1, 2])
    return {"serving_default": ({"x": x}, {"y": pooled}, {"x": IMAGES})}


def _sparse(tf: Any, folder: pathlib.Path) -> Signatures:
    x = tf.sparse_placeholder(tf.float32, [None, 4], name="x")
    value = tf.SparseTensorValue([[0, 1], [1, 3]], np.array([2.0, 5.0], np.float32), [2, 4])
    return {"serving_default": ({"x": x}, {"y": tf.sparse.to_dense(x)}, {"x": value})}


def _no_variables(tf: Any, folder: pathlib.Path) -> Signatures:
    x = tf.placeholder(tf.string, [None], "x")
    return {"serving_default": ({"x": x}, {"y": tf.strings.join([x, tf.constant("!")])}, {"x": WORDS})}


PROGRAMS: dict[str, Callable[[Any, pathlib.Path], Signatures]] = {
    "reference variables": _reference_variables,
    "resource variables": _resource_variables,
    "partitioned variables": _partitioned_variables,
    "tables": _tables,
    "training": _training,
    "control flow": _control_flow,
    "functions": _functions,
    "convolutions": _convolutions,
    "sparse": _sparse,
    "no variables": _no_variables,
}
VARIANTS: dict[str, dict[str, Any]] = {"plain": {}, "text": {"text": True}, "stripped": {"strip": True}}
SCOPES = (None, "outer")


def write(tf: Any, folder: pathlib.Path) -> None:
    """Writes a SavedModel of each program, in each variant, and what it computes."""
    for name, build in PROGRAMS.items():
        with tf.Graph().as_default(), tf.Session() as session:
            source = folder / "sources"
            source.mkdir(exist_ok=True)
            signatures = build(tf, source)
            session.run([tf.global_variables_initializer(), tf.local_variables_initializer(), tf.tables_initializer()])
            definitions = {
                key: tf.saved_model.predict_signature_def(inputs, outputs)
                for key, (inputs, outputs, _) in signatures.items()
            }
            main_op = tf.group(tf.tables_initializer(), name="main")
            for variant, options in VARIANTS.items():
                builder = tf.saved_model.Builder(str(folder / f"{name}.{variant}"))
                tf.get_default_graph().clear_collection("saved_model_main_op")
                tf.get_default_graph().clear_collection("saved_model_assets")
                builder.add_meta_graph_and_variables(
                    session,
                    ["serve", name],
                    definitions,
                    assets_collection=tf.get_collection(tf.GraphKeys.ASSET_FILEPATHS),
                    main_op=main_op,
                    strip_default_attrs=options.get("strip", False),
                )
                builder.add_meta_graph(["other"], clear_devices=True)
                builder.save(as_text=options.get("text", False))
            results = _run(session, signatures)
        (folder / f"{name}.results").write_bytes(pickle.dumps(results))


def write_objects(tf2: Any, folder: pathlib.Path) -> None:
    """Writes a SavedModel of TensorFlow 2: functions over variables and a table, with a file."""
    words = folder / "object_words.txt"
    words.write_text("a\nb\nc\n")
    initializer = tf2.lookup.TextFileInitializer(
        str(words), tf2.string, tf2.lookup.TextFileIndex.WHOLE_LINE, tf2.int64, tf2.lookup.TextFileIndex.LINE_NUMBER
    )
    module = tf2.Module()
    module.table = tf2.lookup.StaticHashTable(initializer, -1)
    module.w = tf2.Variable(ROWS[:3])
    module.steps = tf2.Variable(4, dtype=tf2.int64)

    @tf2.function(input_signature=[tf2.TensorSpec([None, 3], tf2.float32, name="x")])
    def product(x: Any) -> Any:
        return {"y": tf2.cond(tf2.reduce_sum(x) > 0.0, lambda: x @ module.w, lambda: -x), "steps": module.steps + 0}

    @tf2.function(input_signature=[tf2.TensorSpec([None], tf2.string, name="words")])
    def numbers(words: Any) -> Any:
        return {"numbers": module.table.lookup(words)}

    module.product, module.numbers = product, numbers
    signatures = {"serving_default": product, "numbers": numbers}
    tf2.saved_model.save(module, str(folder / "objects"), signatures=signatures)


def read_objects(tf: Any, folder: pathlib.Path) -> dict[str, Any]:
    """Returns what the signatures of that SavedModel compute in sessions."""
    found = {}
    for scope in SCOPES:
        with tf.Graph().as_default(), tf.Session() as session:
            signatures = tf.saved_model.load(session, ["serve"], str(folder / "objects"), scope).signature_def
            for key, feeds in (("serving_default", {"x": np.abs(ROWS)}), ("numbers", {"words": WORDS})):
                inputs = _tensors(tf, signatures[key].inputs, scope)
                outputs = _tensors(tf, signatures[key].outputs, scope)
                found[f"{scope} {key}"] = session.run(outputs, {inputs[name]: value for name, value in feeds.items()})
    return found


def _run(session: Any, signatures: Signatures) -> dict[str, dict[str, Any]]:
    return {
        key: session.run(outputs, {inputs[name]: value for name, value in feeds.items()})
        for key, (inputs, outputs, feeds) in signatures.items()
    }


def read(tf: Any, folder: pathlib.Path, feeds: dict[str, Any] | None = None) -> dict[str, Any]:
    """Returns what the SavedModels in a folder compute, and what their meta graphs hold."""
    feeds = feeds or _feeds(tf, folder)
    found = {}
    for name in PROGRAMS:
        for variant in VARIANTS:
            for scope in SCOPES:
                with tf.Graph().as_default(), tf.Session() as session:
                    message = tf.saved_model.load(session, ["serve", name], str(folder / f"{name}.{variant}"), scope)
                    signatures = {
                        key: (
                            _tensors(tf, definition.inputs, scope),
                            _tensors(tf, definition.outputs, scope),
                            feeds[name][key],
                        )
                        for key, definition in message.signature_def.items()
                    }
                    results = _run(session, signatures)
                    # What TensorFlow's Python notes of branches and loops is nothing to others.
                    keys = [key for key in message.collection_def if key not in ("cond_context", "while_context")]
                    held = {key: len(tf.get_collection(key)) for key in sorted(keys)}
                    variables = sorted(each.name for each in tf.global_variables())
                found[f"{name}.{variant}.{scope}"] = results, held, variables
    return found


def _feeds(tf: Any, folder: pathlib.Path) -> dict[str, Any]:
    feeds = {}
    for name, build in PROGRAMS.items():
        with tf.Graph().as_default():
            feeds[name] = {key: values for key, (_, _, values) in build(tf, folder).items()}
    return feeds


def _tensors(tf: Any, infos: Any, scope: str | None) -> dict[str, Any]:
    return {
        key: tf.saved_model.get_tensor_from_tensor_info(info, import_scope=scope) for key, info in sorted(infos.items())
    }


def errors(tf: Any, folder: pathlib.Path) -> dict[str, tuple[str, str]]:
    """Returns the error of each mistake: its class, and its first line without paths and kinds of tensors."""
    found = {}
    for name, mistake in MISTAKES.items():
        place = folder / name
        with tf.Graph().as_default(), tf.Session() as session:
            try:
                mistake(tf, session, str(place))
            except Exception as error:
                text = str(getattr(error, "message", None) or error).replace(str(folder), "FOLDER")
                text = re.sub(r"<class '[\w.]*'>", "CLASS", re.sub(r"b'(FOLDER[^']*)'", r"\1", text.splitlines()[0]))
                found[name] = type(error).__name__, text
            else:
                found[name] = "nothing", ""
    return found


def _constant(tf: Any) -> Any:
    return tf.constant(1.0, name="one")


def _model(tf: Any, session: Any, place: str, **options: Any) -> Any:
    builder = tf.saved_model.Builder(place)
    builder.add_meta_graph_and_variables(session, ["serve"], **options)
    return builder


def _damaged(tf: Any, place: str, name: str, content: bytes) -> None:
    os.makedirs(place)
    pathlib.Path(place, name).write_bytes(content)


def _info_without(tf: Any, field: str) -> Any:
    info = tf.saved_model.build_tensor_info(_constant(tf))
    info.ClearField(field)
    return tf.saved_model.build_signature_def({"x": info}, {}, "predict")


MISTAKES: dict[str, Callable[[Any, Any, str], Any]] = {
    "folder not empty": lambda tf, s, p: (_damaged(tf, p, "x", b""), tf.saved_model.Builder(p)),
    "graph before variables": lambda tf, s, p: tf.saved_model.Builder(p).add_meta_graph(["serve"]),
    "variables twice": lambda tf, s, p: _model(tf, s, p).add_meta_graph_and_variables(s, ["b"]),
    "reserved for initialization": lambda tf, s, p: _model(
        tf, s, p, signature_def_map={"__saved_model_init_op": tf.saved_model.build_signature_def({}, {}, "x")}
    ),
    "reserved for training": lambda tf, s, p: _model(
        tf, s, p, signature_def_map={"__saved_model_train_op": tf.saved_model.build_signature_def({}, {}, "x")}
    ),
    "no name": lambda tf, s, p: _model(tf, s, p, signature_def_map={"k": _info_without(tf, "name")}),
    "no dtype": lambda tf, s, p: _model(tf, s, p, signature_def_map={"k": _info_without(tf, "dtype")}),
    "main op is a tensor": lambda tf, s, p: _model(tf, s, p).add_meta_graph(["b"], main_op=_constant(tf)),
    "two main ops": lambda tf, s, p: _model(tf, s, p, main_op=tf.no_op()).add_meta_graph(["b"], main_op=tf.no_op()),
    "asset is no tensor": lambda tf, s, p: _model(tf, s, p, assets_collection=["path"]),
    "asset is no constant": lambda tf, s, p: _model(
        tf, s, p, assets_collection=[tf.placeholder(tf.string, [], name="q")]
    ),
    "asset is a number": lambda tf, s, p: _model(tf, s, p, assets_collection=[_constant(tf)]),
    "asset is a vector": lambda tf, s, p: _model(tf, s, p, assets_collection=[tf.constant(["a", "b"], name="q")]),
    "asset is empty": lambda tf, s, p: _model(tf, s, p, assets_collection=[tf.constant("", name="q")]),
    "no model": lambda tf, s, p: tf.saved_model.load(s, ["serve"], p),
    "damaged": lambda tf, s, p: (
        _damaged(tf, p, "saved_model.pbtxt", b"meta_graphs { nonsense }"),
        tf.saved_model.load(s, ["serve"], p),
    ),
    "other tags": lambda tf, s, p: (_model(tf, s, p).save(), tf.saved_model.load(s, ["serve", "b"], p)),
    "tags as text": lambda tf, s, p: (_model(tf, s, p).save(), tf.saved_model.load(s, "serving", p)),
    "no inputs": lambda tf, s, p: tf.saved_model.simple_save(s, p, {}, {"y": _constant(tf)}),
    "no outputs": lambda tf, s, p: tf.saved_model.predict_signature_def({"x": _constant(tf)}, None),
    "no examples": lambda tf, s, p: tf.saved_model.regression_signature_def(None, _constant(tf)),
    "no predictions": lambda tf, s, p: tf.saved_model.regression_signature_def(tf.constant("a"), None),
    "examples of another dtype": lambda tf, s, p: tf.saved_model.regression_signature_def(_constant(tf), _constant(tf)),
    "predictions of another dtype": lambda tf, s, p: tf.saved_model.regression_signature_def(
        tf.constant("a"), tf.constant(1)
    ),
    "nothing classified": lambda tf, s, p: tf.saved_model.classification_signature_def(tf.constant("a"), None, None),
    "classes of another dtype": lambda tf, s, p: tf.saved_model.classification_signature_def(
        tf.constant("a"), tf.constant(1), None
    ),
    "scores of another dtype": lambda tf, s, p: tf.saved_model.classification_signature_def(
        tf.constant("a"), None, tf.constant(1)
    ),
    "classified without examples": lambda tf, s, p: tf.saved_model.classification_signature_def(None, None, None),
    "tensor that is not there": lambda tf, s, p: tf.saved_model.get_tensor_from_tensor_info(
        tf.saved_model.build_tensor_info(_constant(tf)), import_scope="elsewhere"
    ),
    "tensor without encoding": lambda tf, s, p: tf.saved_model.get_tensor_from_tensor_info(
        _info_without(tf, "name").inputs["x"]
    ),
    "default that is computed": lambda tf, s, p: tf.saved_model.build_signature_def(
        {}, {}, "m", {"x": _constant(tf) + 1.0}
    ),
    "updating no key": lambda tf, s, p: (_model(tf, s, p).save(), _updater(tf, p).replace_method_name("", "m")),
    "updating no name": lambda tf, s, p: (_model(tf, s, p).save(), _updater(tf, p).replace_method_name("k", "")),
    "updating another key": lambda tf, s, p: (_model(tf, s, p).save(), _updater(tf, p).replace_method_name("k", "m")),
    "updating other tags": lambda tf, s, p: (
        _model(tf, s, p).save(),
        _updater(tf, p).replace_method_name("k", "m", "other"),
    ),
    "updating nothing": lambda tf, s, p: _updater(tf, p),
}


def _updater(tf: Any, place: str) -> Any:
    return tf.saved_model.signature_def_utils.MethodNameUpdater(place)


def messages(tf: Any) -> dict[str, str]:
    """Returns messages as text: signatures of each kind, and whether they can be served."""
    with tf.Graph().as_default():
        text, numbers, count = tf.constant(["a"], name="text"), tf.constant([1.0], name="numbers"), tf.constant(1)
        utilities = tf.saved_model.signature_def_utils
        made = {
            "predict": utilities.predict_signature_def({"x": numbers, "n": count}, {"y": text}),
            "regress": utilities.regression_signature_def(text, numbers),
            "classify": utilities.classification_signature_def(text, text, numbers),
            "scores": utilities.classification_signature_def(text, None, numbers),
            "own": utilities.build_signature_def({}, {}, "own", {"n": count, "t": text}),
            "empty": utilities.build_signature_def(),
            "predict without inputs": utilities.build_signature_def({}, {}, "tensorflow/serving/predict"),
            "sparse": utilities.predict_signature_def({"x": tf.sparse_placeholder(tf.int64, name="s")}, {"y": text}),
            "ragged": utilities.predict_signature_def(
                {"x": tf.ragged.placeholder(tf.int64, 1, [], name="r")}, {"y": text}
            ),
        }
        return {name: f"{utilities.is_valid_signature(each)}\n{each}" for name, each in made.items()}


def main(here: pathlib.Path, answers: pathlib.Path, there: pathlib.Path) -> None:
    """Reads SavedModels on TensorFlow, writes others, and makes mistakes."""
    import tensorflow as tf2
    import tensorflow.compat.v1 as tf

    write_objects(tf2, there)
    tf.disable_v2_behavior()
    write(tf, there)
    mistakes = there / "mistakes"
    mistakes.mkdir()
    found = {"read": read(tf, here, _feeds(tf, there)), "errors": errors(tf, mistakes), "messages": messages(tf)}
    found["objects"] = {"here": read_objects(tf, here), "there": read_objects(tf, there)}
    (answers / "found").write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
