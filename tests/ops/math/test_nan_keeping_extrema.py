"""Compiled extrema keep not-a-number, however long the array and wherever it stands."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow.v1 as tf


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("reduction", ["reduce_max", "reduce_min"])
def test_not_a_number_is_the_extremum_in_a_compiled_program(reduction, dtype, monkeypatch):
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    for shape in ((3,), (17,), (64, 64), (3, 5, 7), (10000,)):
        values = np.random.RandomState(0).randn(*shape).astype(dtype)
        for position in (0, 2, values.size - 1):
            array = values.copy()
            array.reshape(-1)[position] = np.nan
            with tf.Graph().as_default(), tf.Session() as session:
                x = tf.placeholder(dtype, shape)
                function = getattr(tf, reduction)
                found = session.run([function(x), function(x, 0), function(x, -1, keepdims=True)], {x: array})
            host = getattr(np, reduction.removeprefix("reduce_"))
            for result, axis in zip(found, (None, 0, -1), strict=True):
                np.testing.assert_array_equal(result, host(array, axis=axis, keepdims=axis == -1))


def test_integers_infinities_and_nothing_reduce_as_before(monkeypatch):
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    with tf.Graph().as_default(), tf.Session() as session:
        numbers, floats = tf.placeholder(tf.int32, [None]), tf.placeholder(tf.float32, [None, 2])
        fetches = [tf.reduce_max(numbers), tf.reduce_min(numbers), tf.reduce_max(floats, 1), tf.reduce_min(floats)]
        found = session.run(fetches, {numbers: [3, -7, 5], floats: [[-np.inf, -np.inf], [np.inf, 1.0]]})
        assert [np.asarray(value).tolist() for value in found] == [5, -7, [-np.inf, np.inf], -np.inf]
        found = session.run(fetches, {numbers: [], floats: np.zeros((0, 2))})
        assert [np.asarray(value).tolist() for value in found] == [-(2**31), 2**31 - 1, [], np.inf]


def test_a_window_of_the_whole_image_keeps_not_a_number(monkeypatch):
    image = np.random.RandomState(0).randn(1, 64, 64, 2).astype(np.float32)
    image[0, 5, 5, 0] = np.nan
    found = {}
    for tier in ("host", "xla"):
        monkeypatch.setenv("TIDEFLOW_TIER", tier)
        with tf.Graph().as_default(), tf.Session() as session:
            x = tf.placeholder(tf.float32, image.shape)
            found[tier] = session.run(tf.nn.max_pool(x, [1, 64, 64, 1], [1, 1, 1, 1], "VALID"), {x: image}).ravel()
    np.testing.assert_array_equal(found["xla"], found["host"])
    assert np.isnan(found["xla"]).tolist() == [True, False]
