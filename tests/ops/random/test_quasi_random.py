"""Tests permutations, Sobol's sequence, and numbers from binomial and truncated distributions."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.ops.random import quasi_random


@pytest.mark.parametrize("size", [1, 2, 10, 1000])
def test_every_index_gets_its_own_place(size: int) -> None:
    index = np.arange(size, dtype=np.int32)
    places = tf.random.experimental.index_shuffle(index, [1, 2], np.int32(size - 1)).numpy()
    assert sorted(places.tolist()) == index.tolist()


@pytest.mark.parametrize("limits", [700, 20000, [400, 500, 900, 60000]])
@pytest.mark.parametrize("seed", [[1, 2, 3], [[1, 2, 3], [4, 5, 6], [1, 2, 3], [-1, 0, 9]]])
def test_a_table_of_all_blocks_changes_nothing(limits, seed, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = np.broadcast_to(limits, (4,)).astype(np.int32)

    def places() -> list[int]:
        index = np.minimum(np.arange(4, dtype=np.int32), limits)
        return tf.raw_ops.RandomIndexShuffle(index=index, seed=seed, max_index=limits, rounds=6).numpy().tolist()

    monkeypatch.setattr(quasi_random, "_TURNS_OF_A_TABLE", -1)  # whatever it costs
    found = places()
    monkeypatch.setattr(quasi_random, "_TURNS_OF_A_TABLE", 1 << 16)
    assert found == places()


def test_index_shuffle_is_that_of_tensorflow() -> None:
    assert tf.random.experimental.index_shuffle(3, [1, 2], 9).numpy() == 4


def test_sobol_points_fill_the_cube_evenly() -> None:
    points = tf.raw_ops.SobolSample(dim=3, num_results=1023, skip=0).numpy()
    assert points[:2].tolist() == [[0.5, 0.5, 0.5], [0.75, 0.25, 0.25]]
    counts = np.bincount((points[:, 0] * 4).astype(int))
    assert (np.abs(counts - 256) <= 1).all()


def test_binomial_numbers() -> None:
    assert tf.random.stateless_binomial([6], [1, 2], 10.0, 0.3).numpy().tolist() == [5, 5, 5, 4, 4, 3]
    for count, chance in ((5.0, 0.3), (400.0, 0.7)):
        drawn = tf.random.stateless_binomial([20000], [3, 4], count, chance).numpy()
        np.testing.assert_allclose(drawn.mean(), count * chance, rtol=0.02)
        np.testing.assert_allclose(drawn.var(), count * chance * (1 - chance), rtol=0.05)


def test_truncated_numbers_stay_inside() -> None:
    bounds = np.float32([[-2, 2], [3, 9], [0.1, 0.2], [-9, -3]])
    drawn = tf.random.stateless_parameterized_truncated_normal(
        [500, 4], [1, 2], 0.0, 1.0, bounds[:, 0], bounds[:, 1]
    ).numpy()
    assert (drawn >= bounds[:, 0]).all() and (drawn <= bounds[:, 1]).all()
    assert len(np.unique(drawn)) > 1900
