"""Compares what ``tf.summary`` writes with what TensorFlow and TensorBoard's package write."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
from typing import Any

import pytest

import tideflow as tf

from . import summary_program
from .oracle import ENVIRONMENT_VARIABLE

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("theirs")
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    interpreter = os.path.abspath(os.environ[ENVIRONMENT_VARIABLE])
    command = [interpreter, summary_program.__file__, str(folder / "logs"), str(folder / "answers.json")]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads((folder / "answers.json").read_text())


@pytest.mark.parametrize("tier", ["host", "xla"])
def test_events_are_the_same(tier: str, theirs: Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", tier)
    assert summary_program.write(tf, str(tmp_path)) == theirs["answers"]
    events = summary_program.events(tf, str(tmp_path))
    assert len(events) == len(theirs["events"]) > 150
    for found, wanted in zip(events, theirs["events"], strict=True):
        assert found == wanted


def test_what_is_wrong_fails_alike(theirs: Any, tmp_path: pathlib.Path) -> None:
    ours = summary_program.failures(tf, str(tmp_path))
    assert set(ours) == set(theirs["failures"])
    for name, wanted in theirs["failures"].items():
        found = ours[name]
        if wanted is None:
            assert found is None, name
            continue
        assert found is not None, name
        assert found[0] == wanted[0], name
        if wanted[0] in ("ValueError", "TypeError") and " at 0x" not in wanted[1]:
            assert found[1].startswith(wanted[1]), name  # ours may say more
