"""Tests that models saved by Keras on Tideflow are read by Keras on TensorFlow, and the other way round."""

from __future__ import annotations

import os
import pathlib
import subprocess
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import tideflow as tf

from . import keras_files
from .oracle import ENVIRONMENT_VARIABLE

pytestmark = [
    pytest.mark.timeout(300),
    # Of Keras's variables, which convert in an old way, and of Keras about the format that is tested.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def differences(found: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """Returns in what the state of a model that was read differs from that of the one that was saved.

    What was saved is the same to the bit. Predictions are sums of a few dozen products in one order here and another
    there, a few layers deep.
    """
    if sorted(found) != sorted(expected):
        return [f"{sorted(found)} for {sorted(expected)}"]
    wrong = []
    for name, value in expected.items():
        if found[name].shape != value.shape or found[name].dtype != value.dtype:
            wrong.append(f"{name}: {found[name].dtype}{found[name].shape} for {value.dtype}{value.shape}")
            continue
        room = 64 * np.finfo(np.float32).eps * np.abs(value).max() if name == "predictions" else 0.0
        if not np.all(np.abs(found[name] - value) <= room):
            wrong.append(f"{name}: off by {np.abs(found[name] - value).max()}")
    return wrong


def test_models_saved_on_one_side_are_the_same_on_the_other(tmp_path: pathlib.Path) -> None:
    here, answers, there = (tmp_path / name for name in ("here", "answers", "there"))
    for folder in (here, answers, there):
        folder.mkdir()
    keras_files.write(tf.keras, here)
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "tensorflow"}
    command = [
        os.path.abspath(os.environ[ENVIRONMENT_VARIABLE]),
        keras_files.__file__,
        *map(str, (here, answers, there)),
    ]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-4000:]

    names = [f"{name}.{kind}" for name in keras_files.MODELS for kind in keras_files.KINDS]
    read_here = keras_files.read(tf.keras, there)
    wrong = {}
    for name in names:
        model = name.partition(".")[0]
        read_there = np.load(answers / f"{name}.npz")
        for side, found, saved in (("there", read_there, here), ("here", read_here[name], there)):
            expected = dict(np.load(saved / f"{model}.npz"))
            if name.endswith(".h5") and not name.endswith(".weights.h5"):
                expected = {"predictions": expected["predictions"]}
            wrong[f"{name} read {side}"] = differences(found, expected)
    assert {name: what for name, what in wrong.items() if what} == {}


def test_a_file_of_another_model_is_seen() -> None:
    saved = {"predictions": np.ones((2, 2), np.float32), "slot0": np.array(2, np.int64)}
    other = {"predictions": np.ones((2, 2), np.float32) + np.float32(1e-4), "slot0": np.array(3, np.int64)}
    assert differences(saved, saved) == []
    assert [text.partition(":")[0] for text in differences(other, saved)] == ["predictions", "slot0"]
    assert differences({"predictions": saved["predictions"]}, saved)
