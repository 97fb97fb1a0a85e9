"""Compares ``MirroredStrategy`` with TensorFlow's on the same parts of the host: replicas, variables and data."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .mirrored_program import ACROSS, DATASETS, REPLICAS
from .oracle import ENVIRONMENT_VARIABLE

_PROGRAM = Path(__file__).with_name("mirrored_program.py")


@pytest.fixture(scope="module", params=[2, 3])
def answers(request: pytest.FixtureRequest) -> tuple[dict[str, Any], dict[str, Any]]:
    """What came of every program: here, and on TensorFlow."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    found = []
    for python, library in ((sys.executable, "tideflow"), (os.environ[ENVIRONMENT_VARIABLE], "tensorflow")):
        process = subprocess.run(
            [python, str(_PROGRAM), library, str(request.param)], capture_output=True, env=environment, timeout=600
        )
        assert process.returncode == 0, process.stderr.decode()[-3000:]
        found.append(pickle.loads(process.stdout))
    ours, theirs = found
    return ours, theirs


def close(ours: Any, theirs: Any) -> bool:
    """Tells whether two nests are equal, the numbers in them to the rounding of a sum of three in another order."""
    if isinstance(theirs, list | tuple):
        return type(ours) is type(theirs) and len(ours) == len(theirs) and all(map(close, ours, theirs))
    if isinstance(theirs, float):
        return bool(abs(ours - theirs) <= 4 * np.finfo(np.float32).eps * max(1.0, abs(theirs)))
    return bool(ours == theirs)


@pytest.mark.parametrize("text", [*DATASETS, *REPLICAS, *ACROSS])
def test_a_program_gives_the_same(text: str, answers: tuple[dict[str, Any], dict[str, Any]]) -> None:
    ours, theirs = answers
    for name in (text, f"traced {text}"):
        if name in theirs:
            assert close(ours[name], theirs[name]), (ours[name], theirs[name])


def test_the_comparison_sees_a_difference() -> None:
    assert not close([1.0, ["a"]], [1.0, ["b"]]) and not close([1.0], [1.001]) and close([1.0], [1.0 + 1e-7])
    assert not close([1], (1,)) and not close([1.0, 2.0], [1.0])
