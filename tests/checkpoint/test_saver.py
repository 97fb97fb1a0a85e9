"""Tests ``tf.compat.v1.train.Saver`` and what goes with it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import tideflow.v1 as tf
from tideflow import errors
from tideflow._src.graph import protos

_DATA = Path(__file__).parent / "data"


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as made:
        yield made


def _variables(scale: float = 1.0) -> list[tf.Variable]:
    return [
        tf.get_variable("w", initializer=np.float32([[1, 2], [3, 4]]) * scale, use_resource=False),
        tf.get_variable("r", initializer=np.float32([5, 6]) * scale, use_resource=True),
        tf.get_variable("n", initializer=np.int64(7 * scale), use_resource=False),
    ]


def _save(path: str, **arguments: object) -> tf.train.Saver:
    with tf.Graph().as_default(), tf.Session() as session:
        _variables()
        saver = tf.train.Saver(**arguments)
        session.run(tf.global_variables_initializer())
        assert saver.save(session, path)
        return saver


_KINDS = ({}, {"sharded": True}, {"write_version": 1}, {"write_version": 1, "sharded": True})


@pytest.mark.parametrize("arguments", _KINDS)
def test_save_and_restore(tmp_path: Path, arguments: dict) -> None:
    saved = _save(str(tmp_path / "m"), **arguments).last_checkpoints[0]
    made = _variables(0)
    with tf.Session() as session:
        tf.train.Saver().restore(session, saved)
        w, r, n = session.run(made)
    np.testing.assert_array_equal(w, [[1, 2], [3, 4]])
    np.testing.assert_array_equal(r, [5, 6])
    assert n == 7
    assert tf.train.latest_checkpoint(tmp_path) == saved


def test_names_of_nodes(graph: tf.Graph) -> None:
    _variables()
    saver = tf.train.Saver()
    names = {op.name: op.type for op in graph.get_operations()}
    expected = {
        "save/filename": "PlaceholderWithDefault",
        "save/Const": "PlaceholderWithDefault",
        "save/SaveV2": "SaveV2",
        "save/control_dependency": "Identity",
        "save/RestoreV2": "RestoreV2",
        "save/Assign": "Assign",
        "save/AssignVariableOp": "AssignVariableOp",
        "save/restore_all": "NoOp",
    }
    assert {name: names.get(name) for name in expected} == expected
    definition = saver.as_saver_def()
    assert definition.filename_tensor_name == "save/Const:0"
    assert definition.save_tensor_name == "save/control_dependency:0"
    assert definition.restore_op_name == "save/restore_all"
    assert definition.version == protos.get("SaverDef").V2


def test_only_the_latest_are_kept(tmp_path: Path) -> None:
    _variables()
    saver = tf.train.Saver(max_to_keep=2)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for step in range(4):
            saver.save(session, str(tmp_path / "m"), global_step=step)
    kept = [str(tmp_path / "m-2"), str(tmp_path / "m-3")]
    assert saver.last_checkpoints == kept
    assert sorted(path.name for path in tmp_path.glob("*.index")) == ["m-2.index", "m-3.index"]
    assert sorted(path.name for path in tmp_path.glob("*.meta")) == ["m-2.meta", "m-3.meta"]
    state = tf.train.get_checkpoint_state(tmp_path)
    assert list(state.all_model_checkpoint_paths) == kept
    other = tf.train.Saver(max_to_keep=2)
    other.recover_last_checkpoints(list(state.all_model_checkpoint_paths))
    assert other.last_checkpoints == kept


def test_names_with_steps(tmp_path: Path) -> None:
    _variables()
    step = tf.train.get_or_create_global_step()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert tf.train.Saver().save(session, str(tmp_path / "m"), step) == str(tmp_path / "m-0")
        padded = tf.train.Saver(pad_step_number=True, save_relative_paths=True)
        assert padded.save(session, str(tmp_path / "m"), 12) == str(tmp_path / "m-00000012")
    assert 'model_checkpoint_path: "m-00000012"' in (tmp_path / "checkpoint").read_text()
    assert tf.train.latest_checkpoint(tmp_path) == str(tmp_path / "m-00000012")


def test_a_missing_variable_is_named(tmp_path: Path) -> None:
    _save(str(tmp_path / "m"))
    tf.get_variable("other", [2])
    tf.get_variable("third", [2])
    with tf.Session() as session, pytest.raises(errors.NotFoundError) as caught:
        tf.train.Saver().restore(session, str(tmp_path / "m"))
    for text in (
        "Restoring from checkpoint failed",
        "Key other not found in checkpoint",
        "also missing: third",
        "n, r, w",
    ):
        assert text in caught.value.message


@pytest.mark.parametrize("use_resource", [False, True])
def test_another_shape_is_refused(tmp_path: Path, use_resource: bool) -> None:
    _save(str(tmp_path / "m"))
    tf.get_variable("w", [4, 1], use_resource=use_resource)
    with tf.Session() as session:
        with pytest.raises(errors.InvalidArgumentError, match="Assign requires shapes of both tensors to match"):
            tf.train.Saver().restore(session, str(tmp_path / "m"))
        tf.train.Saver(reshape=True).restore(session, str(tmp_path / "m"))
        assert session.run("w:0" if not use_resource else "w/Read/ReadVariableOp:0").tolist() == [[1], [2], [3], [4]]


def test_partitioned_variables_fit_whole_ones(tmp_path: Path) -> None:
    value = np.arange(10, dtype=np.float32).reshape(5, 2)
    with tf.Graph().as_default(), tf.Session() as session:
        parts = tf.get_variable(
            "w", [5, 2], initializer=tf.zeros_initializer(), partitioner=tf.fixed_size_partitioner(2)
        )
        session.run(tf.global_variables_initializer())
        session.run(parts.assign(tf.constant(value)))
        tf.train.Saver().save(session, str(tmp_path / "m"))
    whole = tf.get_variable("w", [5, 2])
    with tf.Session() as session:
        tf.train.Saver([whole]).restore(session, str(tmp_path / "m"))
        np.testing.assert_array_equal(session.run(whole), value)
    assert tf.train.list_variables(tmp_path) == [("w", [5, 2])]


def test_a_saver_of_some_variables(tmp_path: Path) -> None:
    w, r, n = _variables()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        tf.train.Saver({"other": w, "r": r}).save(session, str(tmp_path / "m"))
    reader = tf.train.NewCheckpointReader(str(tmp_path / "m"))
    assert reader.get_variable_to_shape_map() == {"other": [2, 2], "r": [2]}
    assert reader.get_variable_to_dtype_map() == {"other": tf.float32, "r": tf.float32}
    assert reader.has_tensor("r") and not reader.has_tensor("w")
    assert reader.get_tensor("r").tolist() == [5, 6]
    assert reader.debug_string() == b"other (DT_FLOAT) [2,2]\nr (DT_FLOAT) [2]\n"
    for wrong, kind in (
        ({"a": w, "b": w}, ValueError),
        ([w, w], ValueError),
        ([], ValueError),
        ([n.value()], TypeError),
    ):
        with pytest.raises(kind):
            tf.train.Saver(wrong)


def test_arguments_that_do_not_do(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No variables to save"):
        tf.train.Saver()
    _variables()
    saver = tf.train.Saver()
    with tf.Session() as session:
        with pytest.raises(errors.FailedPreconditionError):
            saver.save(session, str(tmp_path / "m"))
        session.run(tf.global_variables_initializer())
        with pytest.raises(ValueError, match="doesn't exist"):
            saver.save(session, str(tmp_path / "no" / "such" / "m"))
        with pytest.raises(ValueError, match="collides"):
            saver.save(session, str(tmp_path / "checkpoint"))
        with pytest.raises(ValueError, match="path components"):
            saver.save(session, str(tmp_path / "m"), latest_filename="a/b")
        with pytest.raises(ValueError, match="not a valid checkpoint"):
            saver.restore(session, str(tmp_path / "m"))
        with pytest.raises(ValueError, match="None"):
            saver.restore(session, None)
    with pytest.raises(TypeError, match="Session"):
        saver.save(None, str(tmp_path / "m"))
    with pytest.raises(RuntimeError, match="build"):
        tf.train.Saver(defer_build=True).save(None, str(tmp_path / "m"))


def test_a_meta_graph_in_a_scope(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        w, _, _ = _variables()
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        tf.add_to_collection("outputs", tf.matmul(x, w, name="y"))
        tf.add_to_collection("rate", 0.5)
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, str(tmp_path / "m"))
    saver = tf.train.import_meta_graph(tmp_path / "m.meta", clear_devices=True, import_scope="model")
    assert sorted(variable.name for variable in tf.global_variables()) == ["model/n:0", "model/r:0", "model/w:0"]
    assert tf.trainable_variables()[0] in tf.global_variables()
    assert tf.get_collection("rate") == [0.5]
    with tf.Session() as session:
        saver.restore(session, str(tmp_path / "m"))
        found = session.run(tf.get_collection("outputs")[0], {"model/x:0": [[1, 1]]})
    assert found.tolist() == [[4, 6]]
    exported = tf.train.export_meta_graph(export_scope="model", strip_default_attrs=True)
    assert {"w", "x", "y"} <= {node.name for node in exported.graph_def.node}
    with tf.Graph().as_default():
        tf.train.import_meta_graph(exported)
        assert sorted(variable.name for variable in tf.global_variables()) == ["n:0", "r:0", "w:0"]


def test_what_tensorflow_wrote() -> None:
    for name in ("bundle", "first_format"):
        reader = tf.train.load_checkpoint(str(_DATA / name))
        assert reader.get_tensor("bool").tolist() == [True, False]
        assert reader.get_tensor("float").tolist() == [[0, 1, 2], [3, 4, 5]]
        assert reader.get_tensor("int64").tolist() == [-1, 2**40]
        assert reader.get_tensor("scalar") == 2.5
        assert reader.get_tensor("string").tolist() == [b"a", b"", b"\xff\x00"]
        assert reader.get_tensor("part").tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert tf.train.load_variable(str(_DATA / "bundle"), "bfloat16").tolist() == [1.5, -2.0]
    saver = tf.train.import_meta_graph(str(_DATA / "model-7.meta"))
    with tf.Session() as session:
        saver.restore(session, str(_DATA / "model-7"))
        assert session.run(tf.get_collection("outputs")[0], {"x:0": [[1, 2]]}).tolist() == [[3.5]]


def test_we_write_the_bytes_that_tensorflow_writes(tmp_path: Path) -> None:
    tf.train.import_meta_graph(str(_DATA / "model-7.meta"))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, str(tmp_path / "model"), 7)
    for name in ("model-7.index", "model-7.data-00000-of-00001"):
        assert (tmp_path / name).read_bytes() == (_DATA / name).read_bytes()


def test_beginning_with_another_checkpoint(tmp_path: Path) -> None:
    _save(str(tmp_path / "m"))
    with tf.variable_scope("new"):
        made = [tf.get_variable("w", [2, 2]), tf.get_variable("r", [2], use_resource=True)]
    tf.train.init_from_checkpoint(str(tmp_path), {"w": "new/w", "r": made[1]})
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        w, r = session.run(made)
    assert (w.tolist(), r.tolist()) == ([[1, 2], [3, 4]], [5, 6])
    with pytest.raises(ValueError, match="not found"):
        tf.train.init_from_checkpoint(str(tmp_path), {"none": made[0]})
    with pytest.raises(ValueError, match="Shape of variable"):
        tf.train.init_from_checkpoint(str(tmp_path), {"w": made[1]})


def test_a_scope_begins_with_another_checkpoint(tmp_path: Path) -> None:
    _save(str(tmp_path / "m"))
    with tf.variable_scope("new"):
        w = tf.get_variable("w", [2, 2])
    tf.train.init_from_checkpoint(str(tmp_path), {"/": "new/"})
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(w).tolist() == [[1, 2], [3, 4]]


def test_warm_start(tmp_path: Path) -> None:
    _save(str(tmp_path / "m"))
    w, r = tf.get_variable("w", [2, 2]), tf.get_variable("s", [2])
    tf.train.warm_start(str(tmp_path), var_name_to_prev_var_name={"s": "r"})
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(r).tolist() == [5, 6]
        assert session.run(w).tolist() == [[1, 2], [3, 4]]


def test_warm_start_with_another_vocabulary(tmp_path: Path) -> None:
    old, new = tmp_path / "old.txt", tmp_path / "new.txt"
    old.write_text("mercury\nvenus\n")
    new.write_text("venus\njupiter\nmercury\n")
    _save(str(tmp_path / "m"))  # w is [[1, 2], [3, 4]]
    rows = tf.get_variable("rows", [5, 2], partitioner=tf.fixed_size_partitioner(2))
    columns, left = tf.get_variable("columns", [2, 4]), tf.get_variable("left", [2], initializer=tf.zeros_initializer())
    sevens = tf.constant_initializer(7.0)
    info = {
        "rows": tf.train.VocabInfo(str(new), 3, 2, str(old), backup_initializer=sevens),
        "columns": tf.train.VocabInfo(str(new), 3, 1, str(old), axis=1),
    }
    names = {"rows": "w", "columns": "w"}
    tf.train.warm_start(str(tmp_path), None, info, names)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(tf.convert_to_tensor(rows)).tolist() == [[3, 4], [7, 7], [1, 2], [7, 7], [7, 7]]
        assert session.run(columns).tolist() == [[2, 0, 1, 0], [4, 0, 3, 0]]
        assert session.run(left).tolist() == [0, 0]
    with pytest.raises(ValueError, match="var_name_to_vocab_info that were not used"):
        tf.train.warm_start(str(tmp_path), None, {"misspelled": info["rows"]})
    with pytest.raises(ValueError, match="Expected 2nd dim of shape"):
        tf.train.warm_start(str(tmp_path), None, {"columns": info["columns"]._replace(num_oov_buckets=0)}, names)
    with pytest.raises(ValueError, match="axis"):
        tf.train.VocabInfo("new", 1, 0, "old", axis=2)


def test_a_matrix_of_other_vocabularies(tmp_path: Path) -> None:
    from tideflow._src.compat import contrib_framework as framework

    for name, words in {"old": "mercury venus", "new": "venus jupiter mercury", "kinds": "best good"}.items():
        (tmp_path / name).write_text("\n".join(words.split()))
    (tmp_path / "old_kinds").write_text("good\nbest")
    _save(str(tmp_path / "m"))  # w is [[1, 2], [3, 4]]
    files = {name: str(tmp_path / name) for name in ("old", "new", "kinds", "old_kinds")}
    naturals = framework.load_and_remap_matrix_initializer(
        str(tmp_path / "m"),
        "w",
        new_row_vocab_size=3,
        new_col_vocab_size=2,
        old_row_vocab_file=files["old"],
        new_row_vocab_file=files["new"],
        old_col_vocab_file=files["old_kinds"],
        new_col_vocab_file=files["kinds"],
        num_col_oov_buckets=1,
        initializer=lambda shape: tf.reshape(tf.range(10.0, 10.0 + float(np.prod(shape))), shape),
    )
    matrix = tf.get_variable("matrix", [3, 3], initializer=naturals)
    embedding = tf.get_variable(
        "embedding",
        [4, 2],
        initializer=framework.load_embedding_initializer(
            str(tmp_path / "m"), "w", 3, 2, files["old"], files["new"], num_oov_buckets=1, old_vocab_size=1
        ),
    )
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(matrix).tolist() == [[4, 3, 10], [10, 11, 11], [2, 1, 12]]
        vectors = session.run(embedding)
        assert vectors[2].tolist() == [1, 2]  # of the old words only the first counts
        assert np.abs(vectors).max() < 2.1 and len(np.unique(vectors)) == 8
    with pytest.raises(ValueError, match="must both be specified"):
        framework.load_and_remap_matrix("m", "w", 0, 1, 1, tf.zeros, old_row_vocab_file="old")
    with pytest.raises(ValueError, match="either row or column vocab files"):
        framework.load_and_remap_matrix("m", "w", 0, 1, 1, tf.zeros)
    with pytest.raises(ValueError, match=">= 0"):
        framework.load_and_remap_matrix("m", "w", 0, 1, 1, tf.zeros, num_row_oov_buckets=-1)
    with pytest.raises(TypeError, match="must be callable"):
        framework.load_and_remap_matrix_initializer("m", "w", 1, 1, initializer=3)


def test_the_state_file(tmp_path: Path) -> None:
    assert tf.train.get_checkpoint_state(tmp_path) is None
    assert tf.train.latest_checkpoint(tmp_path) is None
    tf.train.update_checkpoint_state(str(tmp_path), str(tmp_path / "b"), [str(tmp_path / "a")])
    state = tf.train.get_checkpoint_state(tmp_path)
    assert [os.path.basename(path) for path in state.all_model_checkpoint_paths] == ["a", "b"]
    assert tf.train.latest_checkpoint(tmp_path) is None  # its files are not there
    _save(str(tmp_path / "b"))
    assert tf.train.checkpoint_exists(str(tmp_path / "b")) and not tf.train.checkpoint_exists(str(tmp_path / "a"))
    assert len(tf.train.get_checkpoint_mtimes([str(tmp_path / "a"), str(tmp_path / "b")])) == 1
    assert next(tf.train.checkpoints_iterator(str(tmp_path), timeout=0)) == str(tmp_path / "b")
    tf.train.remove_checkpoint(str(tmp_path / "b"))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]
    (tmp_path / "checkpoint").write_text("nonsense {")
    assert tf.train.latest_checkpoint(tmp_path) is None


def test_eager_variables(tmp_path: Path) -> None:
    from tideflow._src.core import context

    saved = list(context.state.graphs)
    context.state.graphs.clear()
    try:
        variable = tf.Variable([1.0, 2.0], name="v", use_resource=True)
        saver = tf.train.Saver([variable])
        path = saver.save(None, str(tmp_path / "m"))
        variable.assign([0.0, 0.0])
        saver.restore(None, path)
        assert variable.numpy().tolist() == [1, 2]
    finally:
        context.state.graphs.extend(saved)


def test_the_first_save_removes_what_killed_processes_left(tmp_path: Path) -> None:
    (tmp_path / "model-7_temp").mkdir()
    for name in ("model-7_temp/part-00000-of-00002.index", "model-7.data-00000-of-00001.tempstate123", "other-1_temp"):
        (tmp_path / name).write_bytes(b"")
    with tf.Session() as session:
        _variables()
        saver = tf.train.Saver(sharded=True)
        session.run(tf.global_variables_initializer())
        saver.save(session, str(tmp_path / "model"), 8, write_meta_graph=False)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"checkpoint", "model-8.index", "model-8.data-00000-of-00001", "other-1_temp"}


@pytest.mark.parametrize("kind", ["int64_list", "float_list", "bytes_list"])
def test_a_collection_of_variables_that_holds_none(kind: str) -> None:
    _variables()
    message = tf.train.export_meta_graph()
    key = tf.GraphKeys.GLOBAL_VARIABLES
    message.collection_def[key].Clear()
    getattr(message.collection_def[key], kind).value.append(b"\xff" if kind == "bytes_list" else 3)
    with tf.Graph().as_default(), pytest.raises(ValueError):
        tf.train.import_meta_graph(message)


@pytest.mark.parametrize("use_resource", [False, True])
def test_a_checkpoint_of_objects_is_read_by_the_names_of_variables(tmp_path: Path, use_resource: bool) -> None:
    path = str(tmp_path / "objects")
    with tf.Graph().as_default(), tf.Session() as session:
        a, b = tf.get_variable("a", initializer=[1.0, 2.0]), tf.get_variable("scope/b", initializer=3)
        session.run(tf.global_variables_initializer())
        tf.train.Checkpoint(x=a, y=[b]).write(path)
    a = tf.get_variable("a", initializer=[0.0, 0.0], use_resource=use_resource)
    b = tf.get_variable("scope/b", initializer=0, use_resource=use_resource)
    saver = tf.train.Saver()
    with tf.Session() as session:
        saver.restore(session, path)
        nodes = len(tf.get_default_graph().get_operations())
        saver.restore(session, path)
        assert len(tf.get_default_graph().get_operations()) == nodes
        np.testing.assert_array_equal(session.run(a), [1, 2])
        assert session.run(b) == 3
        tf.train.Saver({"scope/b": b}).restore(session, path)
        with pytest.raises(errors.NotFoundError, match="not in the checkpoint: other"):
            tf.train.Saver({"other": b}).restore(session, path)
