"""Reads frozen graphs with another program and writes what it computes; `test_readers.py` starts it.

It is called with the reader's name and a folder that holds, for each program, `NAME.pb` (a file, or the folder of a
SavedModel whose signature takes `x` and gives `y`) and `NAME.feeds.npz`; it leaves
`NAME.results.npz` for what it could read, `NAME.error` for what it could not, and `at` holds the name of the program
that it is at, so that one that hangs is known.
"""

from __future__ import annotations

import importlib
import pathlib
import signal
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

_SECONDS = 60  # for one program, what the reader imports apart
_IMPORTS = {"tensorflow": ["tensorflow"], "openvino": ["openvino"], "onnx": ["tensorflow", "tf2onnx", "onnxruntime"]}
Run = Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]


def tensorflow(path: pathlib.Path) -> Run:
    """Imports the graph into TensorFlow."""
    import tensorflow as tf

    if path.is_dir():
        signature = tf.saved_model.load(path).signatures["serving_default"]
        return lambda feed: signature(x=tf.constant(feed))["y"].numpy()
    message = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(message, name="")
    session = tf.compat.v1.Session(graph=graph)
    return lambda feed: session.run("y:0", {"x:0": feed})


def openvino(path: pathlib.Path) -> Run:
    """Compiles the graph with OpenVINO, in full precision."""
    import openvino as ov

    core = ov.Core()
    compiled = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda feed: compiled([feed])[0]


def onnx(path: pathlib.Path) -> Run:
    """Converts the graph with tf2onnx and runs that with onnxruntime."""
    import onnxruntime
    import tensorflow as tf
    import tf2onnx

    if path.is_dir():
        return _onnx_of_saved_model(path)
    message = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    model, _ = tf2onnx.convert.from_graph_def(message, input_names=["x:0"], output_names=["y:0"], opset=17)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda feed: session.run(None, {"x:0": feed})[0]


def _onnx_of_saved_model(path: pathlib.Path) -> Run:
    import onnxruntime
    import tensorflow as tf
    import tf2onnx

    out = path.with_suffix(".onnx")
    loader = tf2onnx.tf_loader
    graph_def, inputs, outputs = loader.from_saved_model(str(path), None, None, "serve", ["serving_default"])
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        with loader.tf_session(graph=graph):
            made = tf2onnx.tfonnx.process_tf_graph(graph, opset=17, input_names=inputs, output_names=outputs)
    tf2onnx.utils.save_protobuf(str(out), made.make_model("saved"))
    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    return lambda feed: session.run(None, {session.get_inputs()[0].name: feed})[0]


def main(reader: str, folder: pathlib.Path) -> None:
    """Reads every graph in the folder."""
    load: Callable[[pathlib.Path], Run] = {"tensorflow": tensorflow, "openvino": openvino, "onnx": onnx}[reader]
    for module in _IMPORTS[reader]:
        importlib.import_module(module)
    for path in sorted(folder.glob("*.pb")):
        (folder / "at").write_text(path.stem)
        if path.with_suffix(".results.npz").exists() or path.with_suffix(".error").exists():
            continue
        # The default action, not a handler: a reader that hangs in its own code would never get to that.
        signal.alarm(_SECONDS)
        try:
            run = load(path)
            feeds = np.load(path.with_suffix(".feeds.npz"))
            np.savez(path.with_suffix(".results.npz"), *[run(feeds[name]) for name in feeds.files])
        except Exception as error:
            path.with_suffix(".error").write_text(f"{type(error).__name__}: {error}")
        signal.alarm(0)


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    main(sys.argv[1], pathlib.Path(sys.argv[2]))
