"""Calls on NumPy arrays keep nothing of them, whether a program copies what it is given or the call does."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf


def _aligned(shape: tuple[int, ...]) -> np.ndarray:
    """Returns an array that begins where a cache line does, which XLA takes without a copy."""
    size = 4 * int(np.prod(shape))
    memory = np.empty(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size].view(np.float32).reshape(shape)


@pytest.mark.parametrize("tier", ["auto", "xla", "host"])
@pytest.mark.parametrize("text", [False, True], ids=["one_stage", "with_a_stage_of_the_host"])
def test_what_a_call_returned_and_stored_outlives_changes_of_its_arguments(monkeypatch, tier, text):
    monkeypatch.setenv("TIDEFLOW_TIER", tier)
    stored = tf.Variable(tf.zeros([64, 64]))

    @tf.function
    def keep(x):
        stored.assign(x)
        product = tf.matmul(x, tf.ones([64, 64]))
        if text:
            return x, tf.identity(x), tf.transpose(x), product, tf.strings.as_string(product[0, 0])
        return x, tf.identity(x), tf.transpose(x), product

    x = _aligned((64, 64))
    for number in range(60):
        x[...] = number
        results = keep(x)
        x[...] = -1.0
        for result in results[:3]:
            np.testing.assert_array_equal(result, np.full((64, 64), number, np.float32))
        np.testing.assert_array_equal(results[3], np.full((64, 64), 64.0 * number, np.float32))
        np.testing.assert_array_equal(stored, np.full((64, 64), number, np.float32))
