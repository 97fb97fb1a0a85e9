"""Freezes functions and checkpoints; `test_frozen_models.py` runs it here and, as a program, on TensorFlow.

As a program it is called with three folders: it reads what is in the first, writes what it finds to the second, and
writes files of its own to the third.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import pathlib
import pickle
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

_random = np.random.default_rng(9)
ROWS = _random.normal(size=(4, 3)).astype(np.float32)
IDS = np.array([2, 0, 3], np.int32)
IMAGES = _random.normal(size=(2, 8, 8, 3)).astype(np.float32)
WEIGHTS = {
    name: _random.normal(size=shape).astype(np.float32)
    for name, shape in {"w": (3, 4), "b": (4,), "square": (3, 3), "rows": (5, 3), "filter": (3, 3, 3, 2)}.items()
}


def _module(tf: Any) -> Any:
    module = tf.Module()
    for name, value in WEIGHTS.items():
        setattr(module, name, tf.Variable(value, name=name))
    module.constant = tf.constant(WEIGHTS["b"] * 2)
    return module


def _dense(tf: Any, m: Any) -> Any:
    return tf.function(lambda x: tf.nn.relu(x @ m.w + m.b)), [ROWS]


def _captured(tf: Any, m: Any) -> Any:
    return tf.function(lambda x: x @ m.w * m.constant), [ROWS]


def _nested(tf: Any, m: Any) -> Any:
    inner = tf.function(lambda x: (x @ m.square, x + 1.0))

    def middle(x: Any) -> Any:
        first, second = inner(x)
        return inner(first)[0] + second

    outer = tf.function(middle)
    return tf.function(lambda x: {"b": outer(x), "a": outer(x * 2.0) @ m.w}), [ROWS]


def _returns_call(tf: Any, m: Any) -> Any:
    inner = tf.function(lambda x: (x @ m.w, tf.reduce_sum(x)))
    return tf.function(lambda x: inner(x)), [ROWS]


def _passes_through(tf: Any, m: Any) -> Any:
    inner = tf.function(lambda x, y: (y, x))
    return tf.function(lambda x: inner(x, x @ m.square)), [ROWS]


def _loop(tf: Any, m: Any) -> Any:
    inner = tf.function(lambda x: tf.tanh(x @ m.square))

    def turns(x: Any) -> Any:
        return tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, inner(v) + m.b[0]), [0, x])[1]

    return tf.function(turns), [ROWS]


def _branch(tf: Any, m: Any) -> Any:
    inner = tf.function(lambda x: x @ m.w)

    def choose(x: Any) -> Any:
        return tf.cond(tf.reduce_sum(x) > 0.0, lambda: inner(x), lambda: x @ m.w - m.b)

    return tf.function(choose), [ROWS]


def _choice(tf: Any, m: Any) -> Any:
    def choose(i: Any, x: Any) -> Any:
        return tf.switch_case(i, [lambda: x @ m.w, lambda: x @ m.w + m.b, lambda: m.w[:3] * 0.0])

    return tf.function(choose), [np.int32(1), ROWS[:3]]


def _gather(tf: Any, m: Any) -> Any:
    return tf.function(lambda i: (tf.gather(m.rows, i), tf.gather_nd(m.rows, tf.stack([i, i % 3], 1)))), [IDS]


def _shape(tf: Any, m: Any) -> Any:
    return tf.function(lambda x: tf.reshape(x, tf.shape(m.rows.read_value())[1:] * [1])), [ROWS[0]]


def _convolution(tf: Any, m: Any) -> Any:
    def convolve(x: Any) -> Any:
        return tf.reduce_mean(tf.nn.relu(tf.nn.conv2d(x, m.filter, 2, "SAME")), [1, 2])

    return tf.function(convolve), [IMAGES]


def _asserts(tf: Any, m: Any) -> Any:
    def check(x: Any) -> Any:
        tf.debugging.assert_rank(x, 2)
        tf.debugging.assert_less(tf.reduce_max(tf.abs(x)), 1e6)
        return x @ m.w

    return tf.function(check), [ROWS]


PROGRAMS: dict[str, Callable[[Any, Any], Any]] = {
    "dense": _dense,
    "captured": _captured,
    "nested": _nested,
    "returns a call": _returns_call,
    "passes through": _passes_through,
    "loop": _loop,
    "branch": _branch,
    "choice": _choice,
    "gather": _gather,
    "shape": _shape,
    "convolution": _convolution,
    "asserts": _asserts,
}


def freeze(tf: Any, python: str) -> dict[str, Any]:
    """Returns of each program: its frozen graph, the names of inputs and outputs, the arguments and the results."""
    convert = importlib.import_module(f"{python}.framework.convert_to_constants")
    found = {}
    for name, build in PROGRAMS.items():
        function, arguments = build(tf, _module(tf))
        specs = [
            tf.TensorSpec([None, *np.shape(each)[1:]] if np.ndim(each) > 1 else np.shape(each), each.dtype, f"x{index}")
            for index, each in enumerate(arguments)
        ]
        concrete = function.get_concrete_function(*specs)
        frozen, graph_def = convert.convert_variables_to_constants_v2_as_graph(concrete)
        given = [tf.constant(each) for each in arguments]
        results = [each.numpy() for each in frozen(*given)]
        for before, after in zip(tf.nest.flatten(concrete(*given)), results, strict=True):
            np.testing.assert_allclose(before.numpy(), after, rtol=1e-6)
        found[name] = {
            "graph": frozen.graph.as_graph_def().SerializeToString(),
            "variables": len(frozen.variables) + len(frozen.captured_inputs),
            "operations": sorted({node.op for node in graph_def.node}),
            "inputs": [(each.name, str(each.shape), each.dtype.name) for each in frozen.inputs],
            "outputs": [(each.name, each.dtype.name) for each in frozen.outputs],
            "arguments": arguments,
            "results": results,
        }
    return found


def run(tf: Any, frozen: dict[str, Any]) -> list[Any]:
    """Returns what a frozen graph of either side computes."""
    v1 = tf.compat.v1
    message = v1.GraphDef.FromString(frozen["graph"])
    with tf.Graph().as_default(), v1.Session() as session:
        v1.import_graph_def(message, name="")
        feeds = dict(zip((name for name, _, _ in frozen["inputs"]), frozen["arguments"], strict=True))
        return session.run([name for name, _ in frozen["outputs"]], feeds)


# Graphs with checkpoints.


def write(tf: Any, folder: pathlib.Path) -> None:
    """Writes graphs, checkpoints, meta graphs and SavedModels of sessions."""
    v1 = tf.compat.v1
    for kind in ("reference", "resource"):
        place = folder / kind
        with tf.Graph().as_default() as graph, v1.Session() as session, graph.device("/cpu:0"):
            x = v1.placeholder(tf.float32, [None, 3], "x")
            resource = kind == "resource"
            w = v1.get_variable("w", initializer=WEIGHTS["w"], use_resource=resource)
            b = v1.get_variable("b", initializer=WEIGHTS["b"], use_resource=resource)
            step = v1.get_variable("step", initializer=np.int64(3), trainable=False, use_resource=resource)
            y = tf.nn.softmax(tf.matmul(x, w) + b, name="y")
            v1.assign_add(step, 1, name="bump")
            tf.identity(y * tf.cast(step, tf.float32), name="scaled")
            session.run(v1.global_variables_initializer())
            saver = v1.train.Saver()
            saver.save(session, str(place / "model"))
            tf.io.write_graph(graph.as_graph_def(), str(place), "graph.pb", as_text=False)
            tf.io.write_graph(graph.as_graph_def(), str(place), "graph.pbtxt")
            (place / "saver.pb").write_bytes(saver.as_saver_def().SerializeToString())
            v1.saved_model.simple_save(session, str(place / "saved"), {"x": x}, {"y": y})


#: How a graph is frozen: what of ``freeze_graph``'s arguments is given.
WAYS: dict[str, dict[str, Any]] = {
    "binary graph": {"input_graph": "graph.pb", "input_binary": True, "input_checkpoint": "model"},
    "text graph": {"input_graph": "graph.pbtxt", "input_checkpoint": "model"},
    "saver": {"input_graph": "graph.pb", "input_binary": True, "input_saver": "saver.pb", "input_checkpoint": "model"},
    "meta graph": {"input_meta_graph": "model.meta", "input_binary": True, "input_checkpoint": "model"},
    "saved model": {"input_saved_model_dir": "saved"},
    "initializers": {
        "input_meta_graph": "model.meta",
        "input_binary": True,
        "input_checkpoint": "model",
        "initializer_nodes": "bump",
        "output_node_names": "y,scaled",
    },
    "some": {
        "input_meta_graph": "model.meta",
        "input_binary": True,
        "input_checkpoint": "model",
        "variable_names_denylist": "step",
        "output_node_names": "y",
    },
    "no checkpoint": {"input_graph": "graph.pb", "input_binary": True, "input_checkpoint": "elsewhere"},
    "no output": {
        "input_graph": "graph.pb",
        "input_binary": True,
        "input_checkpoint": "model",
        "output_node_names": "",
    },
    "no graph": {"input_graph": "elsewhere", "input_binary": True, "input_checkpoint": "model"},
    "no meta graph": {"input_meta_graph": "elsewhere", "input_binary": True, "input_checkpoint": "model"},
    "other output": {"input_saved_model_dir": "saved", "output_node_names": "elsewhere"},
    "other tags": {"input_saved_model_dir": "saved", "saved_model_tags": "train"},
}
_PATHS = ("input_graph", "input_checkpoint", "input_saver", "input_meta_graph", "input_saved_model_dir")


def freeze_files(tf: Any, python: str, folder: pathlib.Path, out: pathlib.Path) -> dict[str, Any]:
    """Freezes what is in a folder in each way; returns what that computes, or the error."""
    program = importlib.import_module(f"{python}.tools.freeze_graph")
    found: dict[str, Any] = {}
    for kind in ("reference", "resource"):
        for way, given in WAYS.items():
            arguments = {
                "input_graph": "",
                "input_saver": "",
                "input_binary": False,
                "input_checkpoint": "",
                "output_node_names": "y",
                "restore_op_name": "save/restore_all",
                "filename_tensor_name": "save/Const:0",
                "output_graph": str(out / f"{kind}.{way}.pb"),
                "clear_devices": True,
                "initializer_nodes": "",
            } | given
            arguments |= {key: str(folder / kind / arguments[key]) for key in _PATHS if arguments.get(key)}
            with tf.Graph().as_default(), contextlib.redirect_stdout(io.StringIO()):
                try:
                    program.freeze_graph(**arguments)
                except Exception as error:
                    text = str(error).replace(str(folder), "FOLDER").splitlines()[0]
                    found[f"{kind} {way}"] = type(error).__name__, text
                    continue
            message = tf.compat.v1.GraphDef.FromString(pathlib.Path(arguments["output_graph"]).read_bytes())
            names = arguments["output_node_names"].split(",")
            with tf.Graph().as_default(), tf.compat.v1.Session() as session:
                tf.compat.v1.import_graph_def(message, name="")
                values = session.run([f"{name}:0" for name in names], {"x:0": ROWS})
            found[f"{kind} {way}"] = (
                sorted({node.op for node in message.node}),
                {node.device for node in message.node},
                values,
            )
    return found


def inspect(python: str, folder: pathlib.Path) -> dict[str, str]:
    """Returns what is printed of the checkpoints in a folder."""
    program = importlib.import_module(f"{python}.tools.inspect_checkpoint")
    utilities = importlib.import_module(f"{python}.tools.saved_model_utils")
    found = {}
    for kind in ("reference", "resource", "elsewhere"):
        path = str(folder / kind / "model")
        for name, arguments in {
            "all": ("", True),
            "names": ("", False, True),
            "summary": ("", False),
            "one": ("b", False),
            "missing": ("c", False),
            "counted": ("", False, True, "^[wb]$"),
        }.items():
            with contextlib.redirect_stdout(io.StringIO()) as text:
                program.print_tensors_in_checkpoint_file(path, *arguments)
            found[f"{kind} {name}"] = text.getvalue().replace(str(folder), "FOLDER")
    found["tags"] = str(utilities.get_saved_model_tag_sets(str(folder / "resource" / "saved")))
    signatures = utilities.get_meta_graph_def(str(folder / "resource" / "saved"), "serve").signature_def
    found["signatures"] = str(sorted(signatures))
    return found


def main(here: pathlib.Path, answers: pathlib.Path, there: pathlib.Path) -> None:
    """Freezes on TensorFlow, and reads what is frozen elsewhere."""
    import tensorflow as tf

    python = "tensorflow.python"
    write(tf, there)
    (there / "out").mkdir()
    found = {
        "frozen": freeze(tf, python),
        "run": {name: run(tf, frozen) for name, frozen in pickle.loads((here / "frozen").read_bytes()).items()},
        "files": freeze_files(tf, python, here, there / "out"),
        "own files": freeze_files(tf, python, there, there / "out"),
        "inspected": inspect(python, here),
    }
    (answers / "found").write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    main(*map(pathlib.Path, sys.argv[1:]))
