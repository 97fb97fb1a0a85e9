"""Tests that SavedModels of sessions go both ways: written on one side, they compute the same on the other."""

from __future__ import annotations

import os
import pathlib
import pickle
import subprocess
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tideflow
import tideflow.compat.v1 as tf
from tideflow._src.core import context

from . import session_models
from .oracle import ENVIRONMENT_VARIABLE

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def graphs() -> Iterator[None]:
    """Builds graphs by default, as programs of 1.x do."""
    tf.disable_v2_behavior()
    yield
    context.mode.eager_by_default = True


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, pathlib.Path]]:
    """The folders of what Tideflow writes, what TensorFlow answers and what TensorFlow writes."""
    base = tmp_path_factory.mktemp("models")
    found = {name: base / name for name in ("here", "answers", "there")}
    for folder in found.values():
        folder.mkdir()
    session_models.write_objects(tideflow, found["here"])
    tf.disable_v2_behavior()
    session_models.write(tf, found["here"])
    context.mode.eager_by_default = True
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [os.path.abspath(os.environ[ENVIRONMENT_VARIABLE]), session_models.__file__, *map(str, found.values())]
    done = subprocess.run(command, cwd=base, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-4000:]
    yield found


@pytest.fixture(scope="module")
def answers(folders: dict[str, pathlib.Path]) -> dict[str, Any]:
    """What TensorFlow found."""
    return pickle.loads((folders["answers"] / "found").read_bytes())


def differences(found: dict[str, Any], written: pathlib.Path) -> list[str]:
    """Returns which SavedModels compute something else than what was written about them."""
    wrong = []
    for key, (results, _, _) in found.items():
        expected = pickle.loads((written / f"{key.split('.')[0]}.results").read_bytes())
        if key.startswith("training"):  # a step more than what is saved
            continue
        for signature, values in expected.items():
            for name, value in values.items():
                answer = np.asarray(results[signature][name])
                value = np.asarray(value)
                if answer.dtype != value.dtype or answer.shape != value.shape:
                    wrong.append(f"{key} {name}: {answer.dtype}{answer.shape} for {value.dtype}{value.shape}")
                elif value.dtype.kind in "fc":
                    # Sums of some dozen products, in one order here and another there.
                    if np.abs(answer - value).max() > 64 * np.finfo(np.float32).eps * max(np.abs(value).max(), 1):
                        wrong.append(f"{key} {name}: {answer} for {value}")
                elif not np.array_equal(answer, value):
                    wrong.append(f"{key} {name}: {answer} for {value}")
    return wrong


def test_models_written_on_one_side_compute_the_same_on_the_other(
    graphs: None, folders: dict[str, pathlib.Path], answers: dict[str, Any]
) -> None:
    found = session_models.read(tf, folders["there"])
    assert len(found) == len(session_models.PROGRAMS) * len(session_models.VARIANTS) * len(session_models.SCOPES)
    assert sorted(found) == sorted(answers["read"])
    assert differences(found, folders["there"]) == []
    assert differences(answers["read"], folders["here"]) == []
    for key, (results, held, variables) in found.items():
        other_results, other_held, other_variables = answers["read"][key]
        assert (held, variables) == (other_held, other_variables), key
        if key.startswith("training"):
            for name in ("loss", "step"):
                np.testing.assert_allclose(results["train"][name], other_results["train"][name], rtol=1e-5)


def test_models_of_objects_are_loaded_into_sessions(
    graphs: None, folders: dict[str, pathlib.Path], answers: dict[str, Any]
) -> None:
    for folder in ("here", "there"):
        found = session_models.read_objects(tf, folders[folder])
        assert len(found) == 2 * len(session_models.SCOPES)
        for key, outputs in answers["objects"][folder].items():
            assert sorted(found[key]) == sorted(outputs)
            for name, value in outputs.items():
                np.testing.assert_allclose(found[key][name], value, rtol=1e-5, atol=1e-6, err_msg=f"{folder} {key}")


def test_a_wrong_answer_is_seen(graphs: None, folders: dict[str, pathlib.Path], answers: dict[str, Any]) -> None:
    results, held, variables = answers["read"]["resource variables.plain.None"]
    changed = {"serving_default": {**results["serving_default"], "flags": np.array([True, True])}}
    found = differences({"resource variables.plain.None": (changed, held, variables)}, folders["here"])
    assert len(found) == 1 and "flags" in found[0]


def test_mistakes_have_the_errors_of_tensorflow(graphs: None, answers: dict[str, Any], tmp_path: pathlib.Path) -> None:
    found = session_models.errors(tf, tmp_path)
    wrong = [f"{name}: {found[name]} for {there}" for name, there in answers["errors"].items() if found[name] != there]
    assert not wrong, "\n".join(wrong)


def test_signatures_are_the_same_messages(graphs: None, answers: dict[str, Any]) -> None:
    found = session_models.messages(tf)
    assert {name: (found[name], there) for name, there in answers["messages"].items() if found[name] != there} == {}
