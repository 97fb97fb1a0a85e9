"""Checks initializers: shapes, spread and configuration of what they give."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf2
import tideflow.v1 as tf
from tideflow._src.state import initializers


@pytest.mark.parametrize(
    ("initializer", "spread"),
    [
        (initializers.GlorotUniform(seed=1), np.sqrt(2 / (40 + 60))),
        (initializers.GlorotNormal(seed=1), np.sqrt(2 / (40 + 60))),
        (initializers.he_normal(seed=1), np.sqrt(2 / 40)),
        (initializers.he_uniform(seed=1), np.sqrt(2 / 40)),
        (initializers.lecun_normal(seed=1), np.sqrt(1 / 40)),
        (initializers.VarianceScaling(3.0, "fan_out", "untruncated_normal", seed=1), np.sqrt(3 / 60)),
        (initializers.RandomNormal(1.0, 0.5, seed=1), 0.5),
        (initializers.UniformUnitScaling(seed=1), np.sqrt(1 / 40)),
    ],
)
def test_spread(initializer, spread) -> None:
    values = initializer([40, 60]).numpy()
    assert values.shape == (40, 60)
    np.testing.assert_allclose(values.std(), spread, rtol=0.05)


def test_truncated_normal_stays_within_two_deviations() -> None:
    values = initializers.TruncatedNormal(1.0, 0.5, seed=1)([1000]).numpy()
    assert np.abs(values - 1.0).max() <= 1.0


def test_orthogonal_and_identity() -> None:
    for shape in ([6, 4], [4, 6]):
        matrix = initializers.Orthogonal(2.0, seed=1)(shape).numpy()
        small = matrix.T @ matrix if shape[0] > shape[1] else matrix @ matrix.T
        np.testing.assert_allclose(small, 4.0 * np.eye(4), atol=1e-5)
    np.testing.assert_array_equal(initializers.Identity(3.0)([2, 3]).numpy(), 3.0 * np.eye(2, 3))
    with pytest.raises(ValueError, match="two-dimensional"):
        initializers.Identity()([2])


def test_constants() -> None:
    assert tf.constant_initializer([1, 2, 3, 4])([2, 2], tf.float32).numpy().tolist() == [[1, 2], [3, 4]]
    assert tf2.constant_initializer(7)([2], tf.int32).numpy().tolist() == [7, 7]
    assert tf2.zeros_initializer()([2]).dtype is tf.float32
    with pytest.raises(TypeError, match="Expected Python scalar"):
        tf.constant_initializer({})
    with pytest.raises(ValueError, match="floating point"):
        tf2.random_normal_initializer()([2], tf.int32)


@pytest.mark.parametrize(
    "initializer",
    [initializers.Constant(2), initializers.RandomUniform(-1, 1), initializers.VarianceScaling(), initializers.Ones()],
)
def test_configuration(initializer) -> None:
    config = initializer.get_config()
    assert type(initializer).from_config(config).get_config() == config


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="`scale`"):
        initializers.VarianceScaling(0.0)
    with pytest.raises(ValueError, match="`mode`"):
        initializers.VarianceScaling(mode="fan")
    with pytest.raises(ValueError, match="`distribution`"):
        initializers.VarianceScaling(distribution="cauchy")
