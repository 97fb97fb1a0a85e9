"""Tests sorting, the greatest elements, places in sorted rows, counts and segments, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import wrap
from tideflow._src.ops.math.argument_extrema import argmax, argmin
from tideflow._src.ops.math.counting import bincount, confusion_matrix
from tideflow._src.ops.math.order_statistics import _host_top_k, _xla_top_k
from tideflow._src.ops.math.segments import unsorted_segment_mean, unsorted_segment_sqrt_n
from tideflow._src.ops.math.sorting import argsort, searchsorted, sort, top_k

RANDOM = np.random.default_rng(2)


@pytest.mark.parametrize("dtype", ["float32", "int32", "int64", "uint8", "float16"])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_sort_is_numpys(dtype: str, axis: int) -> None:
    values = RANDOM.integers(0, 9, (4, 5)).astype(dtype)
    np.testing.assert_array_equal(sort(wrap(values), axis).numpy(), np.sort(values, axis))
    np.testing.assert_array_equal(argsort(wrap(values), axis).numpy(), np.argsort(values, axis, kind="stable"))
    downward = sort(wrap(values), axis, direction="DESCENDING").numpy()
    np.testing.assert_array_equal(downward, np.flip(np.sort(values, axis), axis))


def test_sort_does_not_overflow() -> None:
    limits = np.array([3, -(2**31), 2**31 - 1], np.int32)
    assert sort(wrap(limits)).numpy().tolist() == [-(2**31), 3, 2**31 - 1]


def test_nan_comes_last() -> None:
    found = sort(wrap(np.array([3, np.nan, 1], np.float32))).numpy()
    np.testing.assert_array_equal(found, [1, 3, np.nan])


def test_sort_rejects_other_directions() -> None:
    with pytest.raises(ValueError, match="ASCENDING"):
        sort([1.0], direction="UP")


@pytest.mark.parametrize("length", [10, 3000])
@pytest.mark.parametrize("dtype", ["float32", "int32"])
@pytest.mark.parametrize("k", [1, 7, "all"])
def test_both_tiers_prefer_the_first_of_equal_elements(length: int, dtype: str, k: object) -> None:
    values = RANDOM.integers(0, length // 3, (2, length)).astype(dtype)
    count = length if k == "all" else int(k)  # type: ignore[call-overload]
    wanted = np.argsort(-values, axis=-1, kind="stable")[:, :count]
    for find in (_host_top_k, _xla_top_k):
        found, places = find(values, count, np.int32)
        np.testing.assert_array_equal(np.asarray(places), wanted)
        np.testing.assert_array_equal(np.asarray(found), np.take_along_axis(values, wanted, -1))


def test_top_k_checks_k() -> None:
    with pytest.raises(InvalidArgumentError, match="at least k columns"):
        top_k([1.0, 2.0], 3)


def test_positions_of_extrema_skip_nan() -> None:
    values = wrap(np.array([[np.nan, 1, 3, 3], [np.nan] * 4], np.float32))
    assert argmax(values, 1).numpy().tolist() == [2, 0]
    assert argmin(values, 1).numpy().tolist() == [1, 0]
    with pytest.raises(TypeError, match="axis"):
        argmax(values, [0])


@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted_is_numpys(side: str) -> None:
    rows, wanted = np.sort(RANDOM.integers(0, 9, (2, 3, 6)), -1), RANDOM.integers(0, 9, (2, 3, 4))
    found = searchsorted(wrap(rows), wrap(wanted), side).numpy()
    for index in np.ndindex(2, 3):
        np.testing.assert_array_equal(found[index], np.searchsorted(rows[index], wanted[index], side))


def test_bincount() -> None:
    assert bincount([1, 2, 2, 5]).numpy().tolist() == [0, 1, 2, 0, 0, 1]
    assert bincount([1, 2, 2, 5], maxlength=3).numpy().tolist() == [0, 1, 2]
    assert bincount([1, 2], weights=[0.5, 2.0], minlength=4).numpy().tolist() == [0, 0.5, 2, 0]
    assert bincount([[1, 1], [0, 2]], axis=-1).numpy().tolist() == [[0, 2, 0], [1, 0, 1]]
    with pytest.raises(InvalidArgumentError, match="non-negative"):
        bincount([-1])


def test_confusion_matrix() -> None:
    assert confusion_matrix([0, 1, 1], [1, 1, 0]).numpy().tolist() == [[0, 1], [1, 1]]
    with pytest.raises(InvalidArgumentError, match="out of bound"):
        confusion_matrix([0, 1], [1, 5], num_classes=3)
    with pytest.raises(InvalidArgumentError, match="negative"):
        confusion_matrix([0, -1], [1, 1])


def test_means_of_segments_without_rows_are_zero() -> None:
    data, ids = wrap(np.array([1, 2, 3], np.float32)), [0, 0, 2]
    assert unsorted_segment_mean(data, ids, 4).numpy().tolist() == [1.5, 0, 3, 0]
    np.testing.assert_allclose(unsorted_segment_sqrt_n(data, ids, 4).numpy(), [3 / np.sqrt(2), 0, 3, 0], rtol=1e-6)
