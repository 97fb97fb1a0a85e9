"""Compares ``tf.data`` with TensorFlow's, element for element: values, order for a seed, specs, and errors."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .data_program import PIPELINES, VALUES
from .oracle import ENVIRONMENT_VARIABLE

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
