"""Tests that checkpoints of objects saved by Tideflow are restored by TensorFlow, and the other way round."""

from __future__ import annotations

import os
import pathlib
import subprocess
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.graph import protos

from . import checkpoint_files
from .oracle import ENVIRONMENT_VARIABLE

pytestmark = [
    pytest.mark.timeout(300),
    # Of Keras's variables, which convert in an old way.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def differences(found: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """Returns in what values that were restored differ from those that were saved: not a bit may."""
    if sorted(found) != sorted(expected):
        return [f"{sorted(found)} for {sorted(expected)}"]
    return [
        f"{name}: {found[name]} for {value}"
        for name, value in expected.items()
        if found[name].dtype != value.dtype or found[name].tobytes() != value.tobytes()
    ]


def _object_graph(path: pathlib.Path) -> Any:
    """Returns the object graph of a checkpoint, less the names that count the models of a process."""
    content = tf.train.load_checkpoint(path).get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH")
    message = protos.get("TrackableObjectGraph").FromString(content)
    for node in message.nodes:
        for attribute in node.attributes:
            attribute.full_name = ""
    return message


def test_objects_saved_on_one_side_are_the_same_on_the_other(tmp_path: pathlib.Path) -> None:
    here, answers, there = (tmp_path / name for name in ("here", "answers", "there"))
    for folder in (here, answers, there):
        folder.mkdir()
    checkpoint_files.write(tf, here)
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "tensorflow"}
    command = [
        os.path.abspath(os.environ[ENVIRONMENT_VARIABLE]),
        checkpoint_files.__file__,
        *map(str, (here, answers, there)),
    ]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-4000:]

    read_here = checkpoint_files.read(tf, there)
    assert sorted(read_here) == sorted(path.stem for path in answers.iterdir())
    assert len(read_here) == 2 * len(checkpoint_files.CASES) - 3
    wrong = {}
    for name, found in read_here.items():
        case = name.rpartition("-")[0]
        wrong[f"{name} read here"] = differences(found, dict(np.load(there / f"{case}.npz")))
        read_there = dict(np.load(answers / f"{name}.npz"))
        wrong[f"{name} read there"] = differences(read_there, dict(np.load(here / f"{case}.npz")))
    assert {name: what for name, what in wrong.items() if what} == {}
    for name in checkpoint_files.CASES:
        assert _object_graph(here / f"{name}-1") == _object_graph(there / f"{name}-1"), name


def test_a_value_of_another_dtype_or_bit_is_seen() -> None:
    saved = {"a": np.ones(2, np.float32), "b": np.array(2, np.int64)}
    other = {"a": np.nextafter(np.ones(2, np.float32), np.float32(2)), "b": np.array(2, np.int32)}
    assert differences(saved, saved) == []
    assert [text.partition(":")[0] for text in differences(other, saved)] == ["a", "b"]
    assert differences({"a": saved["a"]}, saved)
