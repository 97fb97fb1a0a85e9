"""Tests that rows are added up alike whether NumPy or a sparse product does it."""

from __future__ import annotations

import numpy as np
import pytest

from tideflow._src.ops.array import row_sums


def random_rows(dtype: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    rows = (random.standard_normal((2000, 3, 4)) * 100).astype(dtype)
    target = (random.standard_normal((50, 3, 4)) * 100).astype(dtype)
    return target, random.integers(0, 40, 2000), rows


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int32", "int64", "uint8"])
def test_large_sums_are_made_in_the_order_of_their_rows(dtype) -> None:
    target, places, rows = random_rows(dtype)
    assert rows.size > row_sums._LARGE
    expected = np.zeros_like(target)
    np.add.at(expected, places, rows)
    result = row_sums.sum_rows(places, rows, len(target))
    assert result.dtype == rows.dtype
    np.testing.assert_array_equal(result, expected)
    expected = target.copy()
    np.add.at(expected, places, rows)
    row_sums.add_rows(target, places, rows)
    np.testing.assert_array_equal(target, expected)


def test_complex_rows_are_added_up() -> None:
    _, places, rows = random_rows("float64")
    rows = rows + 1j * rows[::-1]
    expected = np.zeros((50, 3, 4), np.complex128)
    np.add.at(expected, places, rows)
    np.testing.assert_array_equal(row_sums.sum_rows(places, rows, 50), expected)


def test_what_is_not_finite_stays_in_its_row() -> None:
    _, places, rows = random_rows("float32")
    rows[0, 0, 0], rows[1, 0, 1] = np.nan, np.inf
    places[:2], places[2:] = (40, 41), np.minimum(places[2:], 39)
    result = row_sums.sum_rows(places, rows, 50)
    assert np.isnan(result[40, 0, 0])
    assert result[41, 0, 1] == np.inf
    assert np.isfinite(result[:40]).all()


def test_few_rows_of_many_take_no_copy_of_the_others() -> None:
    target = np.zeros((10_000, 32), np.float32)
    row_sums.add_rows(target, np.full(600, 7), np.ones((600, 32), np.float32))
    assert (target[7] == 600).all()
    assert not np.delete(target, 7, 0).any()


@pytest.mark.parametrize("width", [1, 40])
def test_rows_are_picked_and_spread_as_they_are_added_one_by_one(width):
    random = np.random.default_rng(5)
    rows = random.normal(size=(300, width)).astype(np.float32)
    picked, places = random.integers(0, 300, 2000), np.sort(random.integers(0, 90, 2000))
    expected = np.zeros((100, width), np.float32)
    np.add.at(expected, places, rows[picked])
    np.testing.assert_array_equal(row_sums.sum_picked_rows(rows, picked, places, 100), expected)
    expected = np.zeros((300, width), np.float32)
    np.add.at(expected, picked, rows[places])
    np.testing.assert_array_equal(row_sums.sum_spread_rows(rows, places, picked, 300), expected)
