"""SavedModels of sessions: what is written, what is loaded, and what is refused."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest

import tideflow.v1 as tf
from tideflow._src.graph import protos
from tideflow._src.saved_model.files import parse_saved_model
from tideflow._src.saved_model.v1.builder import _SavedModelBuilder
from tideflow._src.saved_model.v1.loader import SavedModelLoader, get_train_op


def _linear(session, bias=1.0):
    x = tf.placeholder(tf.float32, [None, 2], "x")
    w = tf.get_variable("w", [2, 1], initializer=tf.constant_initializer([[2.0], [3.0]]))
    y = tf.add(x @ w, bias, name="y")
    session.run(tf.global_variables_initializer())
    return x, y


def test_simple_save_is_loaded_again(tmp_path):
    folder = tmp_path / "model"
    with tf.Graph().as_default(), tf.Session() as session:
        x, y = _linear(session)
        tf.saved_model.simple_save(session, folder, {"in": x}, {"out": y})
    assert tf.saved_model.contains_saved_model(folder) and not tf.saved_model.contains_saved_model(tmp_path)
    assert sorted(os.listdir(folder)) == ["saved_model.pb", "variables"]
    assert sorted(os.listdir(folder / "variables")) == ["variables.data-00000-of-00001", "variables.index"]
    with tf.Graph().as_default(), tf.Session() as session:
        message = tf.saved_model.load(session, {"serve"}, folder)
        signature = message.signature_def["serving_default"]
        assert signature.method_name == "tensorflow/serving/predict"
        taken, given = signature.inputs["in"].name, signature.outputs["out"].name
        np.testing.assert_array_equal(session.run(given, {taken: [[1, 1]]}), [[6.0]])
        assert [each.name for each in tf.trainable_variables()] == ["w:0"]


def test_two_graphs_share_variables(tmp_path):
    builder = tf.saved_model.Builder(tmp_path / "model")
    for tags, bias in ((["one"], 1.0), (["two", "b"], 20.0)):
        with tf.Graph().as_default(), tf.Session() as session:
            _linear(session, bias)
            if tags == ["one"]:
                session.run(tf.global_variables()[0].assign([[5.0], [7.0]]))
                builder.add_meta_graph_and_variables(session, tags)
            else:
                builder.add_meta_graph(tags)
    assert not tf.saved_model.contains_saved_model(tmp_path / "model")
    assert builder.save() == str(tmp_path / "model" / "saved_model.pb").encode()
    for tags, expected in ((["one"], 13.0), (["b", "two"], 32.0)):
        with tf.Graph().as_default(), tf.Session() as session:
            tf.saved_model.load(session, tags, tmp_path / "model", import_scope="in")
            np.testing.assert_array_equal(session.run("in/y:0", {"in/x:0": [[1, 1]]}), [[expected]])


def _files(folder: pathlib.Path, contents: dict[str, str]) -> list[tf.Tensor]:
    made = []
    for number, (name, content) in enumerate(contents.items()):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
        made.append(tf.constant(str(path), name=f"path{number}"))
    return made


def test_assets_of_the_same_name_are_told_apart_by_their_content(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        paths = _files(tmp_path, {"a/words": "1", "b/words": "2", "c/words": "1", "d/words": "3", "d/more": ""})
        read = [tf.io.read_file(path, name=f"read{number}") for number, path in enumerate(paths)]
        init = tf.group(*read, name="init")
        builder = tf.saved_model.Builder(tmp_path / "model")
        builder.add_meta_graph_and_variables(session, ["t"], assets_collection=[*paths, paths[0]], main_op=init)
        builder.save(as_text=True)
    assets = tmp_path / "model" / "assets"
    assert {each.name: each.read_text() for each in assets.iterdir()} == {
        "words": "1",
        "words_1": "2",
        "words_2": "3",
        "more": "",
    }
    with tf.Graph().as_default(), tf.Session() as session:
        tf.saved_model.load(session, ["t"], tmp_path / "model")
        assert len(tf.get_collection("saved_model_assets")) == 6


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "a/../../outside", ".."])
def test_an_asset_outside_the_model_is_refused(name, tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        builder = tf.saved_model.Builder(tmp_path / "model")
        builder.add_meta_graph_and_variables(session, ["t"], assets_collection=_files(tmp_path, {"a": "1"}))
        builder.save()
    path = tmp_path / "model" / "saved_model.pb"
    message = protos.get("SavedModel").FromString(path.read_bytes())
    asset = message.meta_graphs[0].asset_file_def.add(filename=name)
    asset.tensor_info.name = "path0:0"
    path.write_bytes(message.SerializeToString())
    with tf.Graph().as_default(), tf.Session() as session, pytest.raises(OSError, match="does not lie in"):
        tf.saved_model.load(session, ["t"], tmp_path / "model")


def test_operations_can_be_named_by_signatures(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        count = tf.get_variable("count", [], tf.int32, initializer=tf.zeros_initializer())
        session.run(tf.global_variables_initializer())
        paths = _files(tmp_path, {"a/words": "1"})
        builder = _SavedModelBuilder(str(tmp_path / "model"))
        builder.add_meta_graph_and_variables(
            session,
            ["t"],
            assets_list=paths,
            init_op=count.assign(5).op,
            train_op=count.assign_add(1).op,
            strip_default_attrs=True,
        )
        builder.add_meta_graph(["other"])
        builder.save()
    with tf.Graph().as_default(), tf.Session() as session:
        message = tf.saved_model.load(session, ["t"], str(tmp_path / "model"), import_scope="s")
        assert [each.filename for each in message.asset_file_def] == ["words"]
        train_op = get_train_op(message, "s")
        session.run(train_op)
        assert session.run("s/count/Read/ReadVariableOp:0") == 6


def test_a_loader_loads_in_steps(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        x, y = _linear(session)
        tf.saved_model.simple_save(session, str(tmp_path / "model"), {"x": x}, {"y": y})
    loader = SavedModelLoader(str(tmp_path / "model"))
    assert loader.variables_path == str(tmp_path / "model" / "variables" / "variables")
    assert len(loader.saved_model.meta_graphs) == 1 and loader.export_dir == str(tmp_path / "model")
    with tf.Graph().as_default() as graph, tf.Session() as session:
        saver, (found,) = loader.load_graph(graph, ["serve"], return_elements=["y:0"])
        with pytest.raises(ValueError, match="a saver is required"):
            loader.restore_variables(session, None)
        loader.restore_variables(session, saver)
        np.testing.assert_array_equal(session.run(found, {"x:0": [[1, 1]]}), [[6.0]])


def test_python_functions_are_refused_unless_asked_for(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [])
        y = tf.py_func(lambda value: value + np.float32(1), [x], tf.float32)
        tf.saved_model.simple_save(session, tmp_path / "model", {"x": x}, {"y": y})
        with pytest.raises(tf.errors.PermissionDeniedError, match="PyFunc"):
            tf.saved_model.load(session, ["serve"], tmp_path / "model")
    with tf.Graph().as_default(), tf.Session() as session:
        message = tf.saved_model.load(session, ["serve"], tmp_path / "model", allow_python_functions=True)
        signature = message.signature_def["serving_default"]
        assert session.run(signature.outputs["y"].name, {signature.inputs["x"].name: 1.0}) == 2.0


def test_python_functions_in_functions_are_refused(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [])
        called = tf.function(lambda value: tf.numpy_function(lambda a: a, [value], tf.float32))
        tf.saved_model.simple_save(session, tmp_path / "model", {"x": x}, {"y": tf.identity(called(x))})
        with pytest.raises(tf.errors.PermissionDeniedError, match="of the function"):
            tf.saved_model.load(session, ["serve"], tmp_path / "model")


def test_variables_that_are_not_initialized_leave_no_model(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("w", [2])
        builder = tf.saved_model.Builder(tmp_path / "model")
        with pytest.raises(tf.errors.FailedPreconditionError):
            builder.add_meta_graph_and_variables(session, ["serve"])
    assert not tf.saved_model.contains_saved_model(tmp_path / "model")


def test_method_names_are_replaced(tmp_path):
    for as_text in (False, True):
        folder = tmp_path / str(as_text)
        with tf.Graph().as_default(), tf.Session() as session:
            x, y = _linear(session)
            builder = tf.saved_model.Builder(folder)
            signature = tf.saved_model.predict_signature_def({"x": x}, {"y": y})
            builder.add_meta_graph_and_variables(session, ["a"], {"k": signature})
            builder.add_meta_graph(["b"], {"k": signature})
            builder.save(as_text)
        updater = tf.saved_model.signature_def_utils.MethodNameUpdater(folder)
        updater.replace_method_name("k", "regress")
        updater.replace_method_name("k", "classify", tags="b")
        updater.save()
        found = [each.signature_def["k"].method_name for each in parse_saved_model(folder).meta_graphs]
        assert found == ["regress", "classify"]
        assert tf.saved_model.contains_saved_model(folder)
        assert (folder / "saved_model.pbtxt").exists() == as_text


def test_main_op_initializes_and_restores(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.get_variable("w", [2], initializer=tf.ones_initializer())
        doubled = w.assign(w.initialized_value() * 2)
        op = tf.saved_model.main_op_with_restore(doubled)
        session.run(op)
        np.testing.assert_array_equal(session.run(w), [2.0, 2.0])
        session.run(tf.saved_model.main_op.main_op())
        np.testing.assert_array_equal(session.run(w), [1.0, 1.0])


_WRITER = """
import os, signal, sys
import tideflow.v1 as tf
replace, folder = os.replace, sys.argv[1]
left = [0]

def counted(*arguments):
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    return replace(*arguments)

def write(path):
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.get_variable("w", [1000], initializer=tf.ones_initializer())
        session.run(w.initializer)
        words = tf.constant(folder + "/words")
        builder = tf.saved_model.Builder(path)
        builder.add_meta_graph_and_variables(session, ["serve"], assets_collection=[words])
        builder.save()

open(folder + "/words", "w").write("word")
write(folder + "/first")
os.replace = counted
for count in range(9):
    child = os.fork()
    if not child:
        left[0] = count
        write(f"{folder}/{count}")
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(status)
    if not status:
        break
"""


def test_a_killed_writer_leaves_no_half_model(tmp_path):
    """Kills the writer at each file that is put in its place: asset, parts, data, index and message."""
    done = subprocess.run([sys.executable, "-c", _WRITER, str(tmp_path)], capture_output=True, text=True)
    assert done.stdout.split() == [str(-signal.SIGKILL)] * 6 + ["0"], done.stderr
    for count in range(6):
        assert not tf.saved_model.contains_saved_model(tmp_path / str(count))
        with tf.Graph().as_default(), tf.Session() as session, pytest.raises(OSError, match="does not exist"):
            tf.saved_model.load(session, ["serve"], tmp_path / str(count))
    with tf.Graph().as_default(), tf.Session() as session:
        tf.saved_model.load(session, ["serve"], tmp_path / "6")
        assert session.run("w:0").sum() == 1000


def test_eager_execution_has_no_tensors_to_describe():
    with pytest.raises(RuntimeError, match="not supported in eager execution"):
        tf.saved_model.build_tensor_info(tf.constant(1.0))
