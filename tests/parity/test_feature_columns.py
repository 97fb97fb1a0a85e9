"""Tests that columns of features give what TensorFlow's give, with the same variables and errors."""

from __future__ import annotations

import os
import pathlib
import pickle
import subprocess
from typing import Any

import numpy as np
import pytest

import tideflow as tf

from . import column_program
from .oracle import ENVIRONMENT_VARIABLE

pytestmark = pytest.mark.timeout(300)


def test_columns(tmp_path: pathlib.Path) -> None:
    """Every kind, dense and in a linear model, on the interpreted tier; gradients; and wrong calls."""
    answer = tmp_path / "answer"
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [os.path.abspath(os.environ[ENVIRONMENT_VARIABLE]), column_program.__file__, str(answer)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-4000:]
    expected = pickle.loads(answer.read_bytes())
    actual = column_program.found(tf)
    assert actual.keys() == expected.keys()
    for key, value in expected.items():
        _compare(actual[key], value, key)


def _compare(actual: Any, expected: Any, where: str) -> None:
    if isinstance(expected, np.ndarray):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6, err_msg=where)
    elif isinstance(expected, list | tuple):
        assert len(actual) == len(expected), where
        for index, (one, other) in enumerate(zip(actual, expected, strict=True)):
            _compare(one, other, f"{where}[{index}]")
    else:
        assert actual == expected, where
