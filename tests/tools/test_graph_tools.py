"""The programs that freeze, strip and print graphs and checkpoints, from the command line."""

from __future__ import annotations

import argparse
import runpy
import subprocess
import sys

import numpy as np
import pytest

import tideflow.v1 as tf
from tideflow._src.graph import protos
from tideflow._src.tools import freeze_graph, inspect_checkpoint, optimize_for_inference, strip_unused

X = np.array([[1.0, 2.0]], np.float32)


@pytest.fixture
def model(tmp_path):
    """Is a folder with the graph, checkpoint, meta graph and SavedModel of a small model."""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 2], "x")
        w = tf.get_variable("w", initializer=[[1.0], [2.0]])
        y = tf.identity(tf.debugging.check_numerics(x @ w, "y"), name="y")
        session.run(w.initializer)
        tf.train.Saver().save(session, str(tmp_path / "model"))
        tf.io.write_graph(graph, tmp_path, "graph.pbtxt")
        tf.io.write_graph(graph, tmp_path, "graph.pb", as_text=False)
        tf.saved_model.simple_save(session, tmp_path / "saved", {"x": x}, {"y": y})
    return tmp_path


def _result(path, text=False):
    if text:
        from google.protobuf import text_format

        message = text_format.Parse(path.read_text(), protos.get("GraphDef")())
    else:
        message = protos.get("GraphDef").FromString(path.read_bytes())
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(message, name="")
        return session.run("y:0", {"x:0": X}).tolist(), {node.op for node in message.node}


@pytest.mark.parametrize(
    "given",
    [
        ["--input_graph=graph.pbtxt", "--input_checkpoint=model"],
        ["--input_graph=graph.pb", "--input_binary", "--input_checkpoint=model"],
        ["--input_meta_graph=model.meta", "--input_binary=true", "--input_checkpoint=model"],
        ["--input_saved_model_dir=saved"],
    ],
)
def test_graphs_are_frozen_from_the_command_line(given, model, monkeypatch):
    monkeypatch.chdir(model)
    freeze_graph.run_main([*given, "--output_node_names=y", "--output_graph=frozen.pb"])
    result, operations = _result(model / "frozen.pb")
    assert result == [[5.0]] and not {"VariableV2", "VarHandleOp", "ReadVariableOp"} & operations


def test_a_file_of_the_other_format_is_named(model):
    with pytest.raises(ValueError, match=r"graph\.pb' cannot be read.*with --input_binary=true"):
        freeze_graph.run_main([f"--input_graph={model / 'graph.pb'}", f"--input_checkpoint={model / 'model'}"])
    with pytest.raises(ValueError, match="Invalid checkpoint version"):
        freeze_graph.run_main(["--checkpoint_version=3"])


def test_what_is_frozen_already_has_no_variables(model):
    freeze_graph.run_main(
        [f"--input_saved_model_dir={model / 'saved'}", "--output_node_names=y", f"--output_graph={model / 'f.pb'}"]
    )
    arguments = [f"--input_graph={model / 'f.pb'}", "--input_binary", f"--input_checkpoint={model / 'model'}"]
    with pytest.raises(ValueError, match="You cannot freeze a graph twice"):
        freeze_graph.run_main([*arguments, "--output_node_names=y"])


def test_partitioned_variables_need_a_saved_model(tmp_path):
    with tf.Graph().as_default() as graph, tf.Session() as session:
        with tf.variable_scope("s", partitioner=tf.fixed_size_partitioner(2)):
            w = tf.get_variable("w", [4, 1], initializer=tf.ones_initializer())
        tf.identity(w, name="y")
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, str(tmp_path / "model"))
        tf.io.write_graph(graph, tmp_path, "graph.pbtxt")
    with pytest.raises(ValueError, match="partition variables cannot be converted"):
        freeze_graph.run_main(
            [f"--input_graph={tmp_path / 'graph.pbtxt'}", f"--input_checkpoint={tmp_path / 'model'}"]
            + ["--output_node_names=y"]
        )


def test_graphs_are_stripped_and_optimized(model, capsys):
    frozen, text, last = (str(model / name) for name in ("frozen.pb", "stripped.pbtxt", "last.pb"))
    freeze_graph.run_main(
        [f"--input_saved_model_dir={model / 'saved'}", "--output_node_names=y", f"--output_graph={frozen}"]
    )
    names = ["--input_node_names=x", "--output_node_names=y"]
    binary = [f"--input_graph={frozen}", "--input_binary"]
    assert strip_unused.main([*binary, f"--output_graph={text}", "--output_binary=false", *names]) is None
    assert capsys.readouterr().out.endswith("ops in the final graph.\n")
    assert _result(model / "stripped.pbtxt", text=True)[0] == [[5.0]]
    names = ["--input_names=x", "--output_names=y"]
    assert optimize_for_inference.main([f"--input={frozen}", f"--output={last}", *names]) == 0
    result, operations = _result(model / "last.pb")
    assert result == [[5.0]] and "CheckNumerics" not in operations
    assert strip_unused.main(["--input_graph=elsewhere"]) == -1
    assert strip_unused.main([*binary, f"--output_graph={text}"]) == -1
    assert optimize_for_inference.main(["--input=elsewhere"]) == -1
    assert capsys.readouterr().out.splitlines() == [
        "Input graph file 'elsewhere' does not exist!",
        "You need to supply the name of a node to --output_node_names.",
        "Input graph file 'elsewhere' does not exist!",
    ]


def test_checkpoints_are_printed(model, capsys):
    path = str(model / "model")
    with np.printoptions():  # which the option changes for the process
        assert inspect_checkpoint.main([f"--file_name={path}", "--all_tensors", "--printoptions", "precision=3"]) == 0
    assert capsys.readouterr().out == "tensor: w (float32) [2, 1]\n[[1.]\n [2.]]\n# Total number of params: 2\n"
    assert inspect_checkpoint.main([f"--file_name={path}.index"]) == 0
    assert "w" not in capsys.readouterr().out.split()
    assert inspect_checkpoint.main([]) == 1
    assert capsys.readouterr().out.startswith("Usage: inspect_checkpoint --file_name=")
    for option in ("precision", "=3", "unknown=3", "formatter=3", "precision=many"):
        with pytest.raises(argparse.ArgumentTypeError):
            inspect_checkpoint.parse_numpy_printoption(option)


def test_the_runner_knows_the_programs_by_their_names(model):
    command = [sys.executable, "-m", "tideflow", "-m", "tensorflow.python.tools.inspect_checkpoint"]
    done = subprocess.run([*command, f"--file_name={model / 'model'}"], capture_output=True, text=True, cwd=model)
    assert done.stdout == "w (DT_FLOAT) [2,1]\n\n# Total number of params: 2\n", done.stderr


def test_modules_run_as_programs(model, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["inspect_checkpoint"])
    with pytest.raises(SystemExit, match="1"), pytest.warns(RuntimeWarning, match="in sys.modules"):
        runpy.run_module("tideflow._src.tools.inspect_checkpoint", run_name="__main__")
