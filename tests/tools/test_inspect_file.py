"""``python -m tideflow inspect``: real files of each kind, and hundreds of damaged ones."""

from __future__ import annotations

import gzip
import json
import pathlib
import shutil
import subprocess
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest

import tideflow as tf
import tideflow.v1 as v1
from tideflow._src.runtime import records
from tideflow._src.tools import inspect_file
from tideflow._src.tools.contents.kinds import tables_of


def _example(number):
    features = {
        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=range(number))),
        "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"x" * number])),
    }
    return tf.train.Example(features=tf.train.Features(feature=features))


def _sequence():
    values = [tf.train.Feature(float_list=tf.train.FloatList(value=[1.0])) for _ in range(3)]
    lists = tf.train.FeatureLists(feature_list={"steps": tf.train.FeatureList(feature=values)})
    return tf.train.SequenceExample(context=_example(1).features, feature_lists=lists)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Is a folder with a file of each kind."""
    folder = tmp_path_factory.mktemp("files")
    with tf.Graph().as_default() as graph, v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 2], "x")
        w = v1.get_variable("w", initializer=[[1.0], [2.0]])
        y = tf.identity(tf.function(lambda: x @ w)(), name="y")
        session.run(w.initializer)
        v1.train.Saver().save(session, str(folder / "model"))
        v1.train.Saver(write_version=1, name="old").save(session, str(folder / "first"), write_meta_graph=False)
        tf.io.write_graph(graph, folder, "graph.pb", as_text=False)
        tf.io.write_graph(graph, folder, "graph.pbtxt")
        v1.saved_model.simple_save(session, folder / "saved", {"x": x}, {"y": y})
        with v1.summary.FileWriter(str(folder / "logs"), graph=graph) as writer:
            for step in range(3):
                value = v1.Summary.Value(tag="loss", simple_value=0.5)
                writer.add_summary(v1.Summary(value=[value]), step)
    for name, compression in (("plain", ""), ("packed", "GZIP"), ("deflated", "ZLIB")):
        with tf.io.TFRecordWriter(str(folder / f"{name}.tfrecord"), compression) as writer:
            for number in range(1, 4):
                writer.write(_example(number).SerializeToString())
            writer.write(_sequence().SerializeToString())
            writer.write(b"\xff\xff")
    (folder / "events").write_bytes(next((folder / "logs").iterdir()).read_bytes())
    tf.train.Checkpoint(v=tf.Variable([1.0, 2.0, 3.0])).write(str(folder / "objects"))
    _keras(folder / "net.keras")
    return folder


def _keras(path):
    """Writes a file as Keras does, without loading Keras."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path.with_suffix(".h5"), "w") as file:
        file.create_dataset("layers/dense/vars/0", data=np.ones((2, 3), np.float32))
        file.create_dataset("layers/dense/vars/1", data=np.ones(3, np.float32))
        file.attrs["keras_version"] = "3.15.0"
    layers = [{"class_name": "Dense", "module": "keras.layers", "config": {"name": "dense"}}]
    config = {"class_name": "Sequential", "config": {"name": "net", "layers": layers}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.15.0", "date_saved": "today"}))
        archive.write(path.with_suffix(".h5"), "model.weights.h5")


SHOWN = {
    "model": ["Checkpoint", "w float32 (2, 1) 2", "format 2"],
    "model.index": ["w float32 (2, 1) 2"],
    "model.data-00000-of-00001": ["w float32 (2, 1) 2"],
    "first": ["w float32 (2, 1) 2", "format 1"],
    "objects": ["kind objects", "v/.ATTRIBUTES/VARIABLE_VALUE float32 (3) 3", "elements 3"],
    "graph.pb": ["GraphDef", "x float32 (?, 2)", "MatMul 0 1", "VarHandleOp 1 0", "producer 2474"],
    "graph.pbtxt": ["GraphDef", "x float32 (?, 2)", "MatMul 0 1"],
    "model.meta": ["MetaGraphDef", "trainable_variables bytes 1", "saver restores with save/restore_all"],
    "saved": ["version 1", "tags serve", "serving_default input x float32 (?, 2) x:0", "w float32 (2, 1) 2"],
    "saved/saved_model.pb": ["SavedModel", "serving_default output y float32 (?, 1) y:0"],
    "plain.tfrecord": ["TFRecord file", "records 5", "Example 3", "SequenceExample 1", "other records 1"],
    "packed.tfrecord": ["compression GZIP", "label int64 3 1 to 3", "label int64 context 1 1"],
    "deflated.tfrecord": ["compression ZLIB", "image bytes 3 1", "steps float list 1 3"],
    "events": ["Event file", "loss scalars 3 0 2", "graph_def 1", "file_version 1"],
    "net.keras": ["Keras model", "dense Dense keras.layers", "layers/dense/vars/0 float32 (2, 3)", "Keras 3.15.0"],
    "net.h5": ["HDF5 file", "elements 9", "layers/dense/vars/1 float32 (3)"],
}


@pytest.mark.parametrize("name", list(SHOWN))
def test_what_files_hold_is_shown(name, files, capsys):
    assert inspect_file.main([str(files / name)]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert [each for each in SHOWN[name] if each not in lines] == []


def _mutations(content, count):
    """Yields the content cut off, with bytes changed, and with parts left out or doubled."""
    random = np.random.default_rng(len(content))
    for number in range(count):
        place = int(random.integers(len(content)))
        changed = bytearray(content)
        if number % 4 == 0:
            yield content[:place]
        elif number % 4 == 1:
            for each in random.integers(len(content), size=1 + number // 4):
                changed[each] = int(random.integers(256))
            yield bytes(changed)
        elif number % 4 == 2:
            yield content[:place] + content[place + int(random.integers(1, 40)) :]
        else:
            yield content[:place] + content[place // 2 :]


@pytest.mark.parametrize(
    "name",
    ["model.index", "first", "graph.pb", "graph.pbtxt", "model.meta", "saved/saved_model.pb", "plain.tfrecord"]
    + ["packed.tfrecord", "deflated.tfrecord", "events", "net.keras", "net.h5"],
)
def test_damaged_files_are_told_in_one_line(name, files, tmp_path, capsys):
    content = (files / name).read_bytes()
    target = tmp_path / pathlib.Path(name).name
    failed = 0
    for changed in _mutations(content, 40):
        target.write_bytes(changed)
        status = inspect_file.main([str(target)])
        captured = capsys.readouterr()
        assert status in (0, 1)
        if status:
            failed += 1
            assert captured.err.startswith("python -m tideflow inspect: ") and captured.err.count("\n") == 1
            assert not captured.out
            assert "Traceback" not in captured.err
    assert failed >= 5


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"", "The file is empty."),
        (b"just text\n", "The file is none of"),
        (b"\x00" * 100, "The file is none of"),
        (b"PK\x03\x04 and no more", "File is not a zip file"),
        (b"\x89HDF\r\n\x1a\n and no more", ""),
    ],
)
def test_other_files_are_refused(content, reason, tmp_path, capsys):
    (tmp_path / "file").write_bytes(content)
    assert inspect_file.main([str(tmp_path / "file")]) == 1
    assert reason in capsys.readouterr().err


def test_what_is_not_there_is_refused(tmp_path, capsys):
    assert inspect_file.main([str(tmp_path / "nothing"), str(tmp_path)]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("nothing'.") and second.endswith("neither a SavedModel nor a checkpoint.")


def test_folders_of_checkpoints_are_read(files, tmp_path, capsys):
    for name in ("model.index", "model.data-00000-of-00001", "checkpoint"):
        shutil.copy(files / name, tmp_path / name)
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "model"\n')
    assert inspect_file.main([str(tmp_path), str(files / "saved")]) == 0
    assert f"Checkpoint {tmp_path / 'model'}\n" in capsys.readouterr().out


def test_archives_that_unfold_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "model.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * ((1 << 26) + 1))
    with pytest.raises(ValueError, match="is larger than"):
        tables_of(str(tmp_path / "model.keras"))
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a", b"")
    with pytest.raises(ValueError, match="no Keras model"):
        tables_of(str(tmp_path / "other.zip"))
    (tmp_path / "deep.keras").write_bytes((tmp_path / "other.zip").read_bytes())
    with zipfile.ZipFile(tmp_path / "deep.keras", "w") as archive:
        archive.writestr("config.json", "[" * 200_000)
    assert inspect_file.main([str(tmp_path / "deep.keras")]) == 1


def test_long_records_take_no_memory(tmp_path):
    path = tmp_path / "long.tfrecord"
    size = 100 << 20
    with gzip.open(path, "wb", 1) as file:
        length = size.to_bytes(8, "little")
        file.write(length + records.masked_crc32c(length).to_bytes(4, "little"))
        crc = 0
        for _ in range(100):
            file.write(b"\0" * (1 << 20))
            crc = records.crc32c(b"\0" * (1 << 20), crc)
        file.write(records.masked(crc).to_bytes(4, "little"))
    tables_of(str(path))  # loads what it needs
    tracemalloc.start()
    try:
        tables = tables_of(str(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert ("other records", 1) in tables[0].rows and ("bytes of data", size) in tables[0].rows
    assert peak < 40 << 20


def test_names_cannot_change_the_terminal(tmp_path, capsys):
    with tf.io.TFRecordWriter(str(tmp_path / "file")) as writer:
        feature = tf.train.Feature(int64_list=tf.train.Int64List(value=[1]))
        features = tf.train.Features(feature={"\x1b[31mred\n": feature, "long" * 100: feature})
        writer.write(tf.train.Example(features=features).SerializeToString())
    assert inspect_file.main([str(tmp_path / "file")]) == 0
    text = capsys.readouterr().out
    assert "\x1b" not in text and "?[31mred?" in text and "..." in text


def test_it_is_a_command_of_the_runner(files, tmp_path):
    command = [sys.executable, "-m", "tideflow", "inspect"]
    done = subprocess.run([*command, str(files / "model")], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith("Checkpoint\n")
    done = subprocess.run([*command, "nothing"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    (tmp_path / "inspect").write_text("print('a script')")
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "a script\n"
