"""Models, inputs and command lines for `test_saved_model_cli.py`."""

from __future__ import annotations

import pathlib
import pickle
from typing import Any

import numpy as np


def write_inputs(folder: pathlib.Path) -> None:
    """Writes files with inputs."""
    x = np.array([[1.0, 2.0], [3.0, -4.0]], np.float32)
    np.save(folder / "x.npy", x)
    np.savez(folder / "one.npz", x=x)
    np.savez(folder / "two.npz", a=x, b=x * 2)
    (folder / "x.pickle").write_bytes(pickle.dumps({"p": x}))


def write_models(tf: Any, folder: pathlib.Path) -> None:
    """Writes a model of a session with two meta graphs, one that parses examples, and one of objects."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 2], "x")
        w = v1.get_variable("w", initializer=[[1.0], [2.0]])
        y = tf.matmul(x, w, name="y")
        s = v1.placeholder(tf.string, None, "s")
        path = tf.constant("nowhere")
        session.run(w.initializer)
        builder = v1.saved_model.Builder(folder / "models" / "session")
        signatures = {
            "serving_default": v1.saved_model.predict_signature_def({"x": x}, {"y": y, "double": y * 2.0}),
            "text": v1.saved_model.predict_signature_def({"s": s}, {"s": tf.strings.upper(s)}),
            "read": v1.saved_model.predict_signature_def({"s": s}, {"content": tf.io.read_file(path)}),
        }
        builder.add_meta_graph_and_variables(session, ["serve"], signatures)
        builder.add_meta_graph(["train", "gpu"], {"other": signatures["text"]})
        builder.save()
    with tf.Graph().as_default(), v1.Session() as session:
        examples = v1.placeholder(tf.string, [None], "examples")
        kinds = {"id": tf.io.FixedLenFeature([1], tf.int64), "weight": tf.io.FixedLenFeature([2], tf.float32)}
        parsed = tf.io.parse_example(examples, {**kinds, "name": tf.io.FixedLenFeature([], tf.string, "none")})
        v1.saved_model.simple_save(session, folder / "models" / "examples", {"examples": examples}, parsed)
    module = tf.Module()
    module.w = tf.Variable([[1.0], [2.0]])

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
    def serve(x: Any) -> Any:
        return {"y": x @ module.w}

    @tf.function
    def choose(x: Any, training: bool = False, mode: str = "a") -> Any:
        return x + 1.0 if training else x - 1.0

    module.serve, module.choose = serve, choose
    choose(tf.ones([2]))
    tf.saved_model.save(module, str(folder / "models" / "objects"), signatures={"serving_default": serve})


def commands() -> list[list[str]]:
    """Returns the command lines."""
    lines = []
    for name in ("session", "examples", "objects", "missing"):
        show = f"show --dir models/{name}"
        lines += [
            show,
            f"{show} --all",
            f"{show} --list_ops",
            f"{show} --tag_set serve",
            f"{show} --tag_set serve --list_ops",
            f"{show} --tag_set serve --signature_def serving_default",
            f"{show} --tag_set serve --signature_def other",
            f"{show} --tag_set train,gpu",
            f"{show} --tag_set=gpu,train --signature_def=other --list_ops",
            f"scan --dir models/{name}",
            f"scan --dir models/{name} --tag_set serve",
            f"scan --dir models/{name} --tag_set serve --op_denylist MatMul,Cos",
            f"scan --dir models/{name} --op_denylist Cos",
        ]
    run = "run --dir models/session --tag_set serve --signature_def serving_default"
    lines += [
        run,
        f"{run} --inputs x=x.npy",
        f"{run} --inputs x=x.npy[ignored]",
        f"{run} --inputs x=one.npz",
        f"{run} --inputs x=two.npz",
        f"{run} --inputs x=two.npz[b]",
        f"{run} --inputs x=two.npz[c]",
        f"{run} --inputs x=x.pickle[p]",
        f"{run} --inputs x",
        f"{run} --inputs z=x.npy",
        f"{run} --input_exprs x=[[1.0,2.0]]",
        f"{run} --inputs x=x.npy --input_exprs x=[[1.0,2.0]]",
        f"{run} --input_exprs x=np.ones((2,2))",
        f"{run} --input_exprs x=__import__('os').getpid()",
        f"{run} --input_exprs x",
        f"{run} --inputs x=x.npy --outdir out",
        f"{run} --inputs x=x.npy --outdir out",
        f"{run} --inputs x=x.npy --outdir out --overwrite",
        "run --dir models/session --tag_set serve --signature_def text --input_exprs s=['ab','c']",
        "run --dir models/session --tag_set gpu,train --signature_def other --input_exprs s='ab'",
        "run --dir models/session --tag_set serve --signature_def missing --input_exprs s='ab'",
        "run --dir models/session --tag_set other --signature_def missing --input_exprs s='ab'",
        "run --dir models/objects --tag_set serve --signature_def serving_default --inputs x=x.npy --outdir out2",
    ]
    run = "run --dir models/examples --tag_set serve --signature_def serving_default"
    split = [line.split() for line in lines]
    for value in (
        "[{'id': [3], 'weight': [0.5, 2.0], 'name': ['n']}, {'id': [4], 'weight': [1.5, 1.0]}]",
        "{'id': [3]}",
        "[{'id': 3}]",
        "[{'id': [None]}]",
    ):
        split.append([*run.split(), "--input_examples", f"examples={value}"])
    return split
