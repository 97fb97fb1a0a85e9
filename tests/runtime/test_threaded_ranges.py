"""Checks that work on a large array is divided among threads, and done whole."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from tideflow._src.runtime import program_options, threaded_ranges

LARGE = 1 << 22


@pytest.fixture
def four_threads(monkeypatch):
    monkeypatch.setattr(program_options, "get_intra_op_parallelism_threads", lambda: 4)


@pytest.mark.parametrize("count", [1, 3, 4, 1001])
def test_the_ranges_cover_all_items_once(four_threads, count):
    seen = np.zeros(count, np.int64)

    def work(begin, end):
        seen[begin:end] += 1

    threaded_ranges.over_ranges(work, count, LARGE)
    np.testing.assert_array_equal(seen, 1)


def test_the_ranges_of_a_large_array_are_worked_on_at_the_same_time(four_threads):
    all_at_once = threading.Barrier(4, timeout=600)
    threaded_ranges.over_ranges(lambda begin, end: all_at_once.wait(), 4, LARGE)


def test_a_small_array_stays_in_the_thread_of_the_caller(four_threads):
    threads = []
    threaded_ranges.over_ranges(lambda begin, end: threads.append((threading.current_thread(), begin, end)), 100, 100)
    assert threads == [(threading.current_thread(), 0, 100)]


@pytest.mark.parametrize("failing", [0, 3])
def test_an_error_reaches_the_caller(four_threads, failing):
    def work(begin, end):
        if begin == failing:
            raise ValueError(f"range {begin}")

    with pytest.raises(ValueError, match=f"range {failing}"):
        threaded_ranges.over_ranges(work, 4, LARGE)


def test_warnings_stay_off_in_the_threads(four_threads):
    def work(begin, end):
        np.float32(1) / np.zeros(end - begin, np.float32)

    with np.errstate(all="ignore"):
        threaded_ranges.over_ranges(work, 4, LARGE)
