"""Tests that SavedModels of objects go both ways: what is saved on one side answers the same on the other."""

from __future__ import annotations

import os
import pathlib
import pickle
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

import tideflow as tf

from . import object_models
from .oracle import ENVIRONMENT_VARIABLE

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, pathlib.Path]]:
    """The folders of what Tideflow writes, what TensorFlow answers and what TensorFlow writes."""
    base = tmp_path_factory.mktemp("models")
    found = {name: base / name for name in ("here", "answers", "there")}
    for folder in found.values():
        folder.mkdir()
    object_models.write(tf, found["here"])
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [os.path.abspath(os.environ[ENVIRONMENT_VARIABLE]), object_models.__file__, *map(str, found.values())]
    done = subprocess.run(command, cwd=base, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-4000:]
    yield found


@pytest.fixture(scope="module")
def expected(folders: dict[str, pathlib.Path]) -> dict[str, Any]:
    """What TensorFlow answers of what it has saved itself."""
    return pickle.loads((folders["answers"] / "own").read_bytes())


def differences(found: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """Returns the questions that are answered otherwise, with both answers."""
    return {
        question: (found.get(question), expected.get(question))
        for question in sorted({*found, *expected})
        if found.get(question) != expected.get(question)
    }


def test_tensorflow_reads_what_tideflow_saves(folders: dict[str, pathlib.Path], expected: dict[str, Any]) -> None:
    assert differences(pickle.loads((folders["answers"] / "found").read_bytes()), expected) == {}


def test_tideflow_reads_what_tensorflow_saves(folders: dict[str, pathlib.Path], expected: dict[str, Any]) -> None:
    assert differences(object_models.ask(tf, folders["there"]), expected) == {}


def test_tideflow_reads_what_it_saves(folders: dict[str, pathlib.Path], expected: dict[str, Any]) -> None:
    assert differences(object_models.ask(tf, folders["here"]), expected) == {}


def test_what_is_loaded_is_saved_again(folders: dict[str, pathlib.Path], expected: dict[str, Any]) -> None:
    again = folders["here"].parent / "again"
    for name in object_models.QUESTIONS:
        tf.saved_model.save(tf.saved_model.load(str(folders["there"] / name)), str(again / name))
    found = object_models.ask(tf, again)
    lost = {
        question for question in expected if "signatures" in question or "in_session" in question
    }  # of the root's own functions, again
    kept = {question: answer for question, answer in expected.items() if question not in lost}
    assert differences({question: found[question] for question in kept}, kept) == {}


def test_another_answer_is_seen(expected: dict[str, Any]) -> None:
    other = expected | {"plain: m.step": ("int64", [], 17)}
    assert list(differences(other, expected)) == ["plain: m.step"]
