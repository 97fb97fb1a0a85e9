"""Checks what the generated tests of recurrent block operations cannot: short sequences, gradients of sequences."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf


def arguments(rng):
    draw = lambda *shape: rng.normal(size=shape, scale=0.5).astype(np.float32)  # noqa: E731
    keys = {"cs_prev": (2, 4), "h_prev": (2, 4), "w": (7, 16), "wci": (4,), "wcf": (4,), "wco": (4,), "b": (16,)}
    return {"x": draw(3, 2, 3), **{key: draw(*shape) for key, shape in keys.items()}}


@pytest.mark.parametrize("use_peephole", [False, True])
def test_a_sequence_is_its_steps_and_ends_where_told(use_peephole: bool) -> None:
    given = arguments(np.random.default_rng(0))
    whole = tf.raw_ops.BlockLSTM(seq_len_max=np.int64(2), **given, use_peephole=use_peephole)
    cs, h = given["cs_prev"], given["h_prev"]
    for time in range(2):
        step = {**given, "x": given["x"][time], "cs_prev": cs, "h_prev": h}
        found = tf.raw_ops.LSTMBlockCell(**step, use_peephole=use_peephole)
        for name in found._fields if hasattr(found, "_fields") else ():
            np.testing.assert_allclose(getattr(whole, name)[time], getattr(found, name), rtol=1e-5, atol=1e-6)
        cs, h = found[1], found[6]
        np.testing.assert_allclose(whole[6][time], h, rtol=1e-5, atol=1e-6)
    assert all((np.asarray(item)[2] == 0).all() for item in whole)


@pytest.mark.parametrize("kind", ["BlockLSTM", "BlockLSTMV2"])
@pytest.mark.parametrize("steps", [2, 3])
def test_gradients_are_those_of_differences(kind: str, steps: int) -> None:
    given = {key: tf.constant(value) for key, value in arguments(np.random.default_rng(1)).items()}

    def loss():
        outputs = getattr(tf.raw_ops, kind)(seq_len_max=np.int64(steps), **given, use_peephole=True, cell_clip=0.0)
        return tf.reduce_sum(tf.square(outputs[6])) + tf.reduce_sum(outputs[1])

    with tf.GradientTape() as tape:
        tape.watch(list(given.values()))
        value = loss()
    found = dict(zip(given, tape.gradient(value, list(given.values())), strict=True))
    rng = np.random.default_rng(2)
    for key, tensor in list(given.items()):
        direction = rng.normal(size=tensor.shape.as_list()).astype(np.float32)
        difference = []
        for sign in (1, -1):
            given[key] = tensor + sign * 1e-2 * direction
            difference.append(float(loss()))
        given[key] = tensor
        expected = (difference[0] - difference[1]) / 2e-2
        assert float(tf.reduce_sum(found[key] * direction)) == pytest.approx(expected, rel=2e-2, abs=2e-2), key


def test_lengths_out_of_range_are_rejected() -> None:
    given = arguments(np.random.default_rng(0))
    with pytest.raises(tf.errors.InvalidArgumentError, match="seq_len_max must be between 0 and 3"):
        tf.raw_ops.BlockLSTM(seq_len_max=np.int64(4), **given)
