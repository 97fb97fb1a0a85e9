"""Merging two lists by their heads gives every number the row that one step after the other gives it."""

from __future__ import annotations

import numpy as np
import pytest

from tideflow._src.ops.sparse import head_merging
from tideflow._src.ops.sparse.head_merging import merge_heads


def step_by_step(a, b):
    first, second, row = [], [], 0
    while len(first) < len(a) or len(second) < len(b):
        left = a[len(first)] if len(first) < len(a) else np.inf
        right = b[len(second)] if len(second) < len(b) else np.inf
        if left <= right:
            first.append(row)
        if right <= left:
            second.append(row)
        row += 1
    return first, second


def check(a, b):
    rows = merge_heads(np.array(a, np.int64), np.array(b, np.int64))
    assert tuple(found.tolist() for found in rows) == step_by_step(a, b)


@pytest.mark.parametrize("few", [1, 256])
@pytest.mark.parametrize("patience", [0, 1000])
def test_short_lists(monkeypatch, few, patience):
    monkeypatch.setattr(head_merging, "_FEW", few)
    monkeypatch.setattr(head_merging, "_PATIENCE", patience)
    random = np.random.default_rng(few + patience)
    for _ in range(400):
        most = int(random.integers(1, 9))
        check(*(random.integers(-most, most, random.integers(0, 12)).tolist() for _ in range(2)))


@pytest.mark.parametrize("most", [3, 60, 10**6])
def test_long_lists(most):
    random = np.random.default_rng(most)
    a, b = (random.integers(0, most, 3000).tolist() for _ in range(2))
    check(a, b)
    check(sorted(a), b)
    check(sorted(a)[::-1], sorted(b)[::-1])
    check(a, [*a[:-1], most])
    check(a, [*a[:1000], most, *a[1000:]])


def test_lists_that_are_the_same_share_all_rows():
    check([5, 1, 9, 9, 2], [5, 1, 9, 9, 2])
    check([], [])
