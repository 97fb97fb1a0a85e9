"""Dropout: scale, shapes of noise, seeds, and rates that make no sense."""

from __future__ import annotations

import numpy as np
import pytest

from tideflow._src.ops import everything  # noqa: F401
from tideflow._src.ops.nn.dropout import dropout, dropout_v1, general_dropout, stateless_dropout
from tideflow._src.runtime.convert import convert_to_tensor

ONES = np.ones((100, 50), np.float32)


def test_elements_are_dropped_or_scaled() -> None:
    found = dropout(ONES, 0.2, seed=3).numpy()
    np.testing.assert_allclose(np.unique(found), [0, 1.25])
    assert np.mean(found == 0) == pytest.approx(0.2, abs=0.03)


def test_keep_prob_is_the_complement_of_rate() -> None:
    kept = dropout_v1(ONES, 0.8, seed=3).numpy()
    assert np.mean(kept == 0) == pytest.approx(0.2, abs=0.03)
    tensor = dropout_v1(ONES, convert_to_tensor(np.float32(0.8))).numpy()
    np.testing.assert_allclose(np.unique(tensor), [0, 1.25])
    with pytest.raises(ValueError, match="Cannot specify both"):
        dropout_v1(ONES, 0.8, rate=0.2)


def test_noise_may_be_shared() -> None:
    found = dropout(ONES, 0.5, noise_shape=[None, 1], seed=1).numpy()
    assert all(len(set(row)) == 1 for row in found)
    assert len(set(found[:, 0])) == 2


def test_nothing_is_dropped_at_rate_zero() -> None:
    x = convert_to_tensor(ONES)
    assert dropout(x, 0.0) is x


def test_stateless_dropout_repeats() -> None:
    first, second = (stateless_dropout(ONES, 0.5, seed=[1, 2]).numpy() for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert (stateless_dropout(ONES, 0.5, seed=[1, 3]).numpy() != first).any()


def test_the_caller_may_draw() -> None:
    def draw(shape, dtype):
        return convert_to_tensor(np.linspace(0, 0.99, 4, dtype=np.float32))

    np.testing.assert_allclose(general_dropout(np.ones(4, np.float32), 0.5, draw).numpy(), [0, 0, 2, 2])


@pytest.mark.parametrize("rate", [-0.1, 1.0, "0.5"])
def test_rates_that_make_no_sense(rate) -> None:
    with pytest.raises(ValueError, match="`rate` must be a scalar"):
        dropout(ONES, rate)


def test_integers_cannot_be_scaled() -> None:
    with pytest.raises(ValueError, match="floating point"):
        dropout(np.int32([1, 2]), 0.5)
