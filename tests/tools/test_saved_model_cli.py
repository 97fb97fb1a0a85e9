"""``saved_model_cli`` where it differs from TensorFlow's, and what it refuses."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import tideflow.v1 as tf
from tideflow._src.tools import saved_model_cli, saved_model_inputs


@pytest.fixture
def model(tmp_path):
    """Is the folder of a small model that writes a file in a branch."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 2], "x")

        def write():
            with tf.control_dependencies([tf.write_file("/nowhere/at/all", "text")]):
                return tf.identity(x)

        y = tf.function(lambda: tf.cond(tf.reduce_sum(x) > 1e9, write, lambda: x * 2.0))()
        tf.saved_model.simple_save(session, tmp_path / "model", {"x": x}, {"y": tf.identity(y)})
    return tmp_path / "model"


def test_branches_are_scanned_too(model, capsys):
    assert saved_model_cli.main(["scan", "--dir", str(model)]) == 0
    assert capsys.readouterr().out == (
        "MetaGraph with tag set ['serve'] contains the following denylisted ops: {'WriteFile'}\n"
    )


def test_a_signature_is_run(model, tmp_path, capsys):
    options = ["run", "--dir", str(model), "--tag_set", "serve", "--signature_def", "serving_default"]
    assert saved_model_cli.main([*options, "--input_exprs", "x=[[1.0, 2.0]]", "--outdir", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.startswith("Result for output key y:\n[[2. 4.]]\nOutput y is saved to ")
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "y.npy"), np.float32([[2.0, 4.0]]))
    for option in ("--tf_debug", "--init_tpu"):
        assert saved_model_cli.main([*options, "--input_exprs", "x=[[1.0, 2.0]]", option]) == 1
        assert f"{option} is a part of TensorFlow" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["convert", "aot_compile_cpu", "freeze_model"])
def test_other_commands_say_what_to_use(command, capsys):
    assert saved_model_cli.main([command, "--dir", "x", "tensorrt"]) == 1
    assert capsys.readouterr().err.startswith(f"saved_model_cli: ValueError: Tideflow has no {command}: it ")


@pytest.mark.parametrize("arguments", [[], ["show"], ["run", "--dir", "x"], ["show", "--dir", "x", "--other"], ["x"]])
def test_a_wrong_command_line_ends_with_status_2(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        saved_model_cli.main(arguments)
    assert "usage: saved_model_cli" in capsys.readouterr().err


def test_damage_is_told_in_one_line(model, capsys):
    (model / "saved_model.pb").write_bytes(b"\x12\xff\xff")
    assert saved_model_cli.main(["show", "--dir", str(model), "--all"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("saved_model_cli: OSError: Cannot parse file") and error.count("\n") == 1


def test_nothing_but_literals_is_evaluated():
    with pytest.raises(ValueError, match="Only Python literals"):
        saved_model_inputs.preprocess_input_exprs_arg_string("x=1", safe=False)
    for text in ("x=np.ones(2)", "x=(lambda: 1)()", "x=" + "(" * 500, "x=1+'a'", "x=\0"):
        with pytest.raises(RuntimeError, match="is not a valid python literal"):
            saved_model_inputs.preprocess_input_exprs_arg_string(text)
    for text in ("x=[1]", "x=[{'a': []}]", "x=[{'a': [1, 'b']}]", "x=[{'a': ['b', 1]}]", "x=[{'a': [1.0, {}]}]"):
        with pytest.raises(ValueError):
            saved_model_inputs.preprocess_input_examples_arg_string(text)


def test_it_is_a_program(model):
    command = [sys.executable, "-m", "tideflow.saved_model_cli", "show", "--dir", str(model)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == "The given SavedModel contains the following tag-sets:\n'serve'\n", done.stderr
