"""Histograms, positions and special functions."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
from tideflow import v1


def test_histograms_count_what_lies_outside_in_the_outer_intervals():
    values = [-9.0, 0.5, 1.5, 1.7, 4.9, 99.0]
    np.testing.assert_array_equal(tf.histogram_fixed_width(values, [0.0, 5.0], nbins=5), [2, 2, 0, 0, 2])
    np.testing.assert_array_equal(tf.histogram_fixed_width_bins(values, [0.0, 5.0], nbins=5), [0, 0, 1, 1, 4, 4])
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.histogram_fixed_width_bins(values, [0.0, 5.0], nbins=0)


def test_positions():
    np.testing.assert_array_equal(tf.unravel_index([2, 5], [3, 3]), [[0, 1], [2, 2]])
    out, idx = v1.setdiff1d([1, 2, 3, 2], [2])
    assert (out.numpy().tolist(), idx.numpy().tolist()) == ([1, 3], [0, 2])


def test_special_functions_at_known_points():
    special = tf.math.special
    found = [
        special.bessel_j0(0.0),
        special.dawsn(0.0),
        special.spence(1.0),
        special.expint(1.0),
        special.bessel_k0(1.0),
    ]
    np.testing.assert_allclose(found, [1, 0, 0, 1.8951178, 0.42102444], rtol=1e-6)
    np.testing.assert_allclose(tf.math.lbeta([[1.0, 1.0], [2.0, 3.0]]), [0, -np.log(12)], atol=1e-6)
