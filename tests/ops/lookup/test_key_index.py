"""Checks the index of a table against a dict, in each of its forms."""

from __future__ import annotations

import numpy as np
import pytest

from tideflow._src.ops.lookup.key_index import KeyIndex

LARGE = np.iinfo(np.int64).max


@pytest.mark.parametrize(
    "keys",
    [
        np.arange(5, 2000, 3),
        np.random.default_rng(0).integers(-LARGE, LARGE, 3000),
        np.array([-LARGE - 1, -1, 0, 1, LARGE]),
        np.array([7]),
        np.random.default_rng(1).permutation(np.arange(0, 1 << 40, 1 << 30)).astype(np.int64),
        np.arange(1000, dtype=np.int32),
    ],
)
def test_integers(keys):
    index = KeyIndex(0, True)
    positions = index.add(keys)
    assert positions.tolist() == list(range(len(keys)))
    expected = dict(zip(keys.tolist(), positions.tolist(), strict=True))
    near = np.concatenate([keys, keys[:100] + 1, keys[:100] ^ 1, np.array([LARGE, -LARGE - 1, 0])]).astype(keys.dtype)
    for wanted in (near, np.resize(near, 5000), keys[:3]):
        assert index.find(wanted).tolist() == [expected.get(key, -1) for key in wanted.tolist()]


def test_an_empty_index_finds_nothing():
    assert KeyIndex(0, True).find(np.arange(500)).tolist() == [-1] * 500


def test_removed_positions_are_given_out_again():
    index = KeyIndex(0, True)
    index.add(np.arange(200))
    index.remove(np.array([3, 5, 999]))
    assert len(index) == 198
    assert index.find(np.arange(200))[[3, 4, 5]].tolist() == [-1, 4, -1]
    assert sorted(index.add(np.array([1000, 1001])).tolist()) == [3, 5]
    assert index.end == 200
    assert index.add(np.array([2000, 2000])).tolist() == [200, 200]


def test_keys_of_several_elements():
    index = KeyIndex(2, False)
    index.add(np.array([[1, 2], [3, 4], [1, 2]]))
    assert index.find(np.array([[3, 4], [4, 3], [1, 2]])).tolist() == [1, -1, 0]
    assert len(index) == 2
