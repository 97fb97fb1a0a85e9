"""Room on Python's stack for levels of functions, beside limits that users set themselves."""

from __future__ import annotations

import sys

import pytest

from tideflow._src.core import nesting


@pytest.fixture
def limit():
    before = sys.getrecursionlimit()
    yield before
    sys.setrecursionlimit(before)


def test_the_limit_is_as_it_was_after_the_levels(limit):
    with nesting.room(20), nesting.level():
        assert sys.getrecursionlimit() > limit
        assert nesting.has_room(21)
    assert sys.getrecursionlimit() == limit
    assert not nesting.has_room(1)


def test_the_highest_limit_of_all(limit):
    highest = 2**31 - 1
    sys.setrecursionlimit(highest)
    with nesting.room(20), nesting.level():
        assert nesting.has_room(21)
    assert sys.getrecursionlimit() == highest
    assert not nesting.has_room(1)


def test_a_low_limit_that_is_set_inside_stays(limit):
    with nesting.room(20):
        sys.setrecursionlimit(limit)
    assert sys.getrecursionlimit() == limit
    assert not nesting.has_room(1)
