"""Checks that operations keep NumPy's warnings out, that a user's own stay, and that there is one way to do it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.core import float_errors

SOURCES = Path(tf.__file__).parent


def test_warnings_are_off_inside_only() -> None:
    one = np.float32(1.0)
    with float_errors.quiet():
        assert np.isinf(one / np.float32(0.0))
    assert np.isinf(float_errors.run_quietly(np.divide, one, np.float32(0.0)))
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        one / np.float32(0.0)


def test_operations_do_not_warn() -> None:
    zero = tf.constant([0.0])
    assert np.isinf((tf.constant([1.0]) / zero).numpy()).all()
    assert np.isneginf(tf.math.log(zero).numpy()).all()
    assert np.isnan(tf.reduce_mean(tf.constant([], tf.float32)).numpy())


def test_no_other_file_switches_warnings_off() -> None:
    switches = re.compile(r"errstate\(|\bseterr\b")
    found = [path.name for path in SOURCES.rglob("*.py") if switches.search(path.read_text(encoding="utf-8"))]
    assert found == ["float_errors.py"]
