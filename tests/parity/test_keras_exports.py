"""Tests that what Keras exports on Tideflow works on TensorFlow, and the other way round."""

from __future__ import annotations

import os
import pathlib
import pickle
import subprocess
from typing import Any

import numpy as np
import pytest

import tideflow as tf

from . import keras_exports
from .oracle import ENVIRONMENT_VARIABLE

pytestmark = [
    pytest.mark.timeout(300),
    # Of Keras's variables, which convert in an old way, and of Keras about its own layers.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def differences(found: dict[str, Any], written: pathlib.Path) -> list[str]:
    """Returns in what exports differ from what the models computed that were exported.

    Predictions are sums of a few hundred products, in one order here and in another there.
    """
    results = pickle.loads((written / "results").read_bytes())
    wrong = []
    for key, value in found.items():
        if key.endswith("counts"):
            continue
        name = "images" if key in ("archive", "plain") else key.removesuffix(" as a layer")
        expected = tf.nest.flatten(results[name])
        for part, other in zip(tf.nest.flatten(value), expected, strict=True):
            if np.abs(part - other).max() > 256 * np.finfo(np.float32).eps * max(np.abs(other).max(), 1):
                wrong.append(f"{key}: off by {np.abs(part - other).max()}")
    return wrong


def test_exports_go_both_ways(tmp_path: pathlib.Path) -> None:
    here, answers, there = (tmp_path / name for name in ("here", "answers", "there"))
    for folder in (here, answers, there):
        folder.mkdir()
    keras_exports.export(tf, here)
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "tensorflow"}
    folders = map(str, (here, answers, there))
    command = [os.path.abspath(os.environ[ENVIRONMENT_VARIABLE]), keras_exports.__file__, *folders]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-4000:]
    read_there, own = (pickle.loads((answers / name).read_bytes()) for name in ("found", "own"))
    read_here = keras_exports.use(tf, there)
    assert differences(read_there, here) == []
    assert differences(read_here, there) == []
    assert differences(keras_exports.use(tf, here), here) == []
    for key in own:
        if key.endswith("counts"):
            assert read_here[key] == own[key] == read_there[key], key


def test_another_prediction_is_seen(tmp_path: pathlib.Path) -> None:
    (tmp_path / "results").write_bytes(pickle.dumps({"images": np.ones((3, 2), np.float32)}))
    assert differences({"images": np.ones((3, 2), np.float32)}, tmp_path) == []
    assert differences({"plain": np.full((3, 2), 1.001, np.float32)}, tmp_path) != []
