"""Patches of images, and how many there are."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow.v1 as tf
from tideflow._src.ops.image.patches import windows_along


def test_windows_along_an_axis() -> None:
    assert windows_along(5, 2, 2, 1, "VALID") == (2, 0, 0)
    assert windows_along(5, 2, 2, 2, "SAME") == (3, 1, 1)
    assert windows_along(2, 3, 2, 1, "VALID") == (0, 0, 0)  # too large by less than two strides: none
    with pytest.raises(ValueError, match="would be negative"):
        windows_along(2, 5, 1, 1, "VALID")


def test_a_stride_is_refused_once_the_size_is_known() -> None:
    window = {"ksizes": [1, 2, 2, 1], "strides": [1, 0, 1, 1], "rates": [1, 1, 1, 1], "padding": "VALID"}
    with tf.Graph().as_default():
        unknown = tf.placeholder(tf.float32, [None, None, None, 1])
        assert tf.raw_ops.ExtractImagePatches(images=unknown, **window).shape.as_list() == [None, None, None, 4]
        with pytest.raises(ValueError, match="Stride must be > 0"):
            tf.raw_ops.ExtractImagePatches(images=tf.constant(np.ones([1, 3, 3, 1], np.float32)), **window)
