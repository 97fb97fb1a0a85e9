"""Checks how assertions and 1.x printing write values."""

from __future__ import annotations

import numpy as np
import pytest

from tideflow._src.ops.control.assert_and_print import summary


@pytest.mark.parametrize(
    ("value", "count", "text"),
    [
        (np.arange(5), 3, "[0 1 2...]"),
        (np.arange(3), 3, "[0 1 2]"),
        (np.arange(5), -1, "[0 1 2 3 4]"),
        (np.array([[1.0, 2.5]]), 3, "[1 2.5]"),
        (np.array([True, False]), 3, "[1 0]"),
        (np.array([b"a", "é".encode()], object), 3, "[a é]"),
        (np.float32(0.1), 3, "[0.1]"),
        (np.array([]), 3, "[]"),
    ],
)
def test_summaries(value, count, text) -> None:
    assert summary(value, count) == text
