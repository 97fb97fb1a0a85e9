"""Tests of the distinct elements of a vector."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "uint32", "int64", "uint64"])
@pytest.mark.parametrize("spread", [1, 60, 120])
def test_distinct_integers_come_in_order_of_appearance(dtype, spread) -> None:
    values = np.random.default_rng(spread).integers(0, spread, 200).astype(dtype)
    if dtype.startswith("int"):
        values -= np.array(spread // 2, dtype)
    y, places, counts = (item.numpy() for item in tf.unique_with_counts(values))
    expected = list(dict.fromkeys(values.tolist()))
    assert y.tolist() == expected
    assert y.dtype == dtype
    assert places.dtype == counts.dtype == np.int32
    np.testing.assert_array_equal(y[places], values)
    assert counts.tolist() == [int((values == value).sum()) for value in expected]


@pytest.mark.parametrize(
    "values",
    [
        np.array([-128, 127, -128], np.int8),
        np.array([2**63 - 1, -(2**63), 0, 2**63 - 1], np.int64),
        np.array([2**64 - 1, 2**64 - 2, 2**64 - 1], np.uint64),
    ],
)
def test_extreme_integers_do_not_overflow(values) -> None:
    y, places = (item.numpy() for item in tf.unique(values))
    assert y.tolist() == list(dict.fromkeys(values.tolist()))
    np.testing.assert_array_equal(y[places], values)
