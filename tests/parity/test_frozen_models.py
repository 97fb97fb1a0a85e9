"""Tests that functions and checkpoints are frozen to what TensorFlow freezes them to."""

from __future__ import annotations

import os
import pathlib
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.compat.private_names import private_module

from . import frozen_models
from .oracle import ENVIRONMENT_VARIABLE

pytestmark = pytest.mark.timeout(300)
PYTHON = "tensorflow.python"
#: What TensorFlow does not freeze, though nothing is missing: its savers take no handles.
ONLY_HERE = ("resource binary graph", "resource text graph")


@pytest.fixture(scope="module", autouse=True)
def modules() -> Iterator[None]:
    """Lets the program import the modules by TensorFlow's names."""
    names = [f"tools.{name}" for name in ("freeze_graph", "inspect_checkpoint", "saved_model_utils")]
    found = {
        f"{PYTHON}.{name}": private_module(f"python.{name}") for name in [*names, "framework.convert_to_constants"]
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, module in found.items():
            patch.setitem(sys.modules, name, module)
        yield


@pytest.fixture(scope="module")
def folders(modules: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pathlib.Path]:
    """The folders of what Tideflow writes, what TensorFlow answers and what TensorFlow writes."""
    base = tmp_path_factory.mktemp("frozen")
    found = {name: base / name for name in ("here", "answers", "there")}
    for folder in found.values():
        folder.mkdir()
    frozen_models.write(tf, found["here"])
    (found["here"] / "frozen").write_bytes(pickle.dumps(frozen_models.freeze(tf, PYTHON)))
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [os.path.abspath(os.environ[ENVIRONMENT_VARIABLE]), frozen_models.__file__, *map(str, found.values())]
    done = subprocess.run(command, cwd=base, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-4000:]
    return found


@pytest.fixture(scope="module")
def answers(folders: dict[str, pathlib.Path]) -> dict[str, Any]:
    """What TensorFlow found."""
    return pickle.loads((folders["answers"] / "found").read_bytes())


def close(found: Any, expected: Any) -> bool:
    """Tells whether results are the same but for the order of a few dozen additions, a few layers deep."""
    return len(found) == len(expected) and all(
        np.asarray(one).dtype == np.asarray(other).dtype
        and np.shape(one) == np.shape(other)
        and np.allclose(one, other, rtol=1e-4, atol=1e-5)
        for one, other in zip(found, expected, strict=True)
    )


@pytest.mark.parametrize("name", list(frozen_models.PROGRAMS))
def test_functions_are_frozen_alike(name: str, folders: dict[str, pathlib.Path], answers: dict[str, Any]) -> None:
    here, there = pickle.loads((folders["here"] / "frozen").read_bytes())[name], answers["frozen"][name]
    assert (here["inputs"], here["outputs"]) == (there["inputs"], there["outputs"])
    assert here["variables"] == there["variables"] == 0
    assert not {"PartitionedCall", "StatefulPartitionedCall", "ReadVariableOp", "VarHandleOp"} & set(here["operations"])
    assert close(here["results"], there["results"])
    assert close(answers["run"][name], there["results"])
    assert close(frozen_models.run(tf, there), here["results"])


def test_checkpoints_are_frozen_alike(
    folders: dict[str, pathlib.Path], answers: dict[str, Any], tmp_path: pathlib.Path
) -> None:
    wrong = []
    for files, theirs in (("there", "own files"), ("here", "files")):
        found = frozen_models.freeze_files(tf, PYTHON, folders[files], tmp_path)
        assert len(found) == 2 * len(frozen_models.WAYS)
        for way, there in answers[theirs].items():
            here = found[way]
            if way in ONLY_HERE:
                same = there[0] == "IndexError" and close(here[2], found["resource meta graph"][2])
            elif isinstance(there[1], str) or isinstance(here[1], str):
                same = here == there
            else:
                same = here[1] == there[1] and close(here[2], there[2])
            if not same:
                wrong.append(f"{files}, {way}: {here} for {there}")
    assert not wrong, "\n".join(wrong)


def test_checkpoints_are_printed_alike(folders: dict[str, pathlib.Path], answers: dict[str, Any]) -> None:
    found = frozen_models.inspect(PYTHON, folders["here"])
    wrong = [f"{name}: {found[name]} for {text}" for name, text in answers["inspected"].items() if found[name] != text]
    assert not wrong, "\n".join(wrong)


def test_another_result_is_seen() -> None:
    assert close([np.float32(1.0)], [np.float32(1.0)])
    assert not close([np.float32(1.0)], [np.float32(1.001)])
    assert not close([np.float32(1.0)], [np.float64(1.0)])
    assert not close([], [np.float32(1.0)])
