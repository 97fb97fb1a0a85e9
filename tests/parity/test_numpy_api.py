"""Compares ``tf.experimental.numpy`` with TensorFlow's: values, dtypes, static shapes, gradients and errors."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .oracle import ENVIRONMENT_VARIABLE

_PROGRAM = Path(__file__).with_name("numpy_program.py")

#: Calls on which the two differ, and why.
DIFFERENCES = {
    r"tnp\.is(inf|neginf|posinf)\(": "TensorFlow's take tensors alone",
    r"tnp\.(rad2deg|hsplit|vsplit)\(": "TensorFlow's do not convert what they are given",
    r"tnp\.(logaddexp|logaddexp2)\(": "TensorFlow's subtract lists from lists, and mix float32 with float64",
    r"tnp\.(moveaxis\(.*, 0, 0\)|rot90\(.*k=0\))": "TensorFlow's return what they were given, lists and all",
    r"tnp\.(reciprocal|around|round|gcd|lcm|kron|tril|floor_divide|divmod|vdot)\(": "TensorFlow lacks kernels",
    r"tnp\.(flipud|fliplr)\(": "TensorFlow's take scalars for vectors",
    r"tnp\.(diff|matmul|tensordot|compress)\(": "TensorFlow's raise an IndexError or an AssertionError by accident",
    r"tnp\.(isclose|allclose)\(\[1, 2\], \[1, 2, 3\]\)": "TensorFlow's do not say that shapes differ, for integers",
    r"tnp\.array\((2\*\*64|\[True, 2\.5, 1j\]|\[.a., .bc.\])\)": "TensorFlow's fail in an unforeseen way",
    r"float32 others: tnp\.meshgrid\(": "TensorFlow multiplies float32 with int64",
    r"(all|safe) operators: (a|v) (<|<=|>|>=|!=) ": "TensorFlow's comparisons do not promote in these modes",
    r"(all|safe) operators: c (&|\*) ": "TensorFlow computes with booleans alone",
    r"safe operators: u - np": "TensorFlow leaves to NumPy what the mode disallows",
}


@pytest.fixture(scope="module")
def answers() -> tuple[dict[str, Any], dict[str, Any]]:
    """What came of every call: here, and on TensorFlow."""
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


def _is_error(outcome: Any) -> bool:
    return isinstance(outcome, tuple) and bool(outcome) and outcome[0] == "error"


def _same(ours: Any, theirs: Any) -> bool:
    if _is_error(theirs):
        kinds = theirs[1][0], *(("ValueError",) if "InvalidArgumentError" in theirs[1] else ())
        return _is_error(ours) and any(kind in ours[1] for kind in kinds)
    if isinstance(theirs, tuple) and isinstance(ours, tuple) and theirs[:1] == ("shape",) == ours[:1]:
        return _knows_as_much(ours[1], theirs[1])
    if type(ours) is not type(theirs):
        return False
    if isinstance(theirs, tuple | list):
        return len(ours) == len(theirs) and all(map(_same, ours, theirs))
    if isinstance(theirs, np.ndarray):
        return ours.dtype == theirs.dtype and ours.shape == theirs.shape and _close(ours, theirs)
    return bool(ours == theirs)


def _knows_as_much(ours: Any, theirs: Any) -> bool:
    """Tells whether a static shape agrees with TensorFlow's, or says more."""
    if theirs is None or ours is None:
        return theirs is None
    return len(ours) == len(theirs) and all(b is None or a == b for a, b in zip(ours, theirs, strict=True))


def _close(ours: np.ndarray, theirs: np.ndarray) -> bool:
    if theirs.dtype.kind not in "fc":
        return bool((ours == theirs).all())
    # Products and sums of a few terms, and functions that are exact to some units in the last place; float32 stands for
    # bfloat16, too, whose results are compared bit by bit elsewhere.
    unit = float(np.finfo(theirs.dtype).eps)
    return bool(np.allclose(ours, theirs, rtol=64 * unit, atol=64 * unit, equal_nan=True))


def test_every_call_gives_what_tensorflow_gives(answers: tuple[dict[str, Any], dict[str, Any]]) -> None:
    ours, theirs = answers
    assert list(ours) == list(theirs)
    differing = [call for call in theirs if not _same(ours[call], theirs[call])]
    unexplained = [call for call in differing if not any(re.search(pattern, call) for pattern in DIFFERENCES)]
    shown = "\n".join(f"{call}\n  here       {ours[call]}\n  TensorFlow {theirs[call]}" for call in unexplained[:20])
    assert not unexplained, f"{len(unexplained)} calls differ:\n{shown}"


def test_every_difference_that_is_explained_exists(answers: tuple[dict[str, Any], dict[str, Any]]) -> None:
    ours, theirs = answers
    differing = [call for call in theirs if not _same(ours[call], theirs[call])]
    unused = [pattern for pattern in DIFFERENCES if not any(re.search(pattern, call) for call in differing)]
    assert not unused


def test_where_tensorflow_has_a_result_there_is_one_here(answers: tuple[dict[str, Any], dict[str, Any]]) -> None:
    ours, theirs = answers
    failing = [call for call in theirs if _is_error(ours[call]) and not _is_error(theirs[call])]
    reasons = r"(flipud|fliplr|isclose|allclose)\(|safe operators: u - np"
    assert [call for call in failing if not re.search(reasons, call)] == []
