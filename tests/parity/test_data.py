"""Compares ``tf.data`` with TensorFlow's, element for element: values, order for a seed, specs, and errors."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tideflow as tf

from .data_program import PIPELINES, VALUES
from .oracle import ENVIRONMENT_VARIABLE, Oracle

_PROGRAM = Path(__file__).with_name("data_program.py")


@pytest.fixture(scope="module")
def answers() -> tuple[dict[str, Any], dict[str, Any]]:
    """What came of every pipeline: here, and on TensorFlow."""
    interpreter = os.environ[ENVIRONMENT_VARIABLE]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    processes = [
        subprocess.Popen(
            [python, str(_PROGRAM), library], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        )
        for python, library in ((sys.executable, "tideflow"), (interpreter, "tensorflow"))
    ]
    found = []
    for process in processes:
        output, errors = process.communicate(timeout=1200)
        assert process.returncode == 0, errors.decode()[-3000:]
        found.append(pickle.loads(output))
    ours, theirs = found
    return ours, theirs


@pytest.mark.parametrize("text", [*PIPELINES, *VALUES])
def test_a_pipeline_gives_the_same(text: str, answers: tuple[dict[str, Any], dict[str, Any]]) -> None:
    ours, theirs = answers
    assert ours[text] == theirs[text]


_LOAD = """
D = tf.data.Dataset
result = [sorted(int(x) for x in D.load(f"{root}/{name}", compression=name or None)) for name in ("", "GZIP", "SNAPPY")]
"""
_SAVE = """
D = tf.data.Dataset
for name in ("", "GZIP", "SNAPPY"):
    D.range(4000).save(f"{root}/{name}", name or None, shard_func=lambda x: x % 3)
result = True
"""


def test_each_loads_what_the_other_saved(oracle: Oracle, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    scope: dict[str, Any] = {"tf": tf}
    exec(f"root = {str(ours)!r}\n{_SAVE}", scope)
    assert oracle.ask("evaluate", source=f"root = {str(ours)!r}\n{_LOAD}")["result"] == [list(range(4000))] * 3
    assert oracle.ask("evaluate", source=f"root = {str(theirs)!r}\n{_SAVE}")["result"]
    exec(f"root = {str(theirs)!r}\n{_LOAD}", scope)
    assert scope["result"] == [list(range(4000))] * 3
