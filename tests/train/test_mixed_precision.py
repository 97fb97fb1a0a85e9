"""Losses are scaled, and gradients that are not finite are left out."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow.v1 as tf
from tideflow._src.train import mixed_precision as switches

mixed_precision = tf.mixed_precision


def test_a_dynamic_scale_follows_the_gradients_in_a_session(graph, tier) -> None:
    x = tf.placeholder(tf.float32, [])
    w, v = tf.Variable(2.0), tf.Variable([1.0, 2.0, 3.0])
    step = tf.train.get_or_create_global_step()
    loss = w * x + tf.reduce_sum(tf.gather(v, [0, 0, 1]) * x)
    inner = tf.train.GradientDescentOptimizer(0.5)
    optimizer = mixed_precision.MixedPrecisionLossScaleOptimizer(inner, mixed_precision.DynamicLossScale(4.0, 2, 2.0))
    pairs = optimizer.compute_gradients(loss, [w, v])
    train = optimizer.apply_gradients(pairs, step)
    assert [item.op.name for item in optimizer.variables()] == ["current_loss_scale", "good_steps"]
    scale = optimizer._loss_scale()
    seen = []
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for value in (1, 2, np.inf, 1, np.nan, np.inf, np.inf):
            session.run(train, {x: value})
            seen.append(session.run([w, step, scale]))
        gradient, rows = (pair[0] for pair in session.run(pairs, {x: 3.0}))
        assert session.run(v).tolist() == [-3.0, 0.0, 3.0]
    assert gradient == 3.0
    assert rows.values.tolist() == [3.0] * 3
    # Two good steps double it; each bad one halves it, down to 1, and counts for nothing.
    assert [item[2] for item in seen] == [4, 8, 4, 4, 2, 1, 1]
    assert [item[1] for item in seen] == [1, 2, 2, 3, 3, 3, 3]
    assert [item[0] for item in seen] == [1.5, 0.5, 0.5, 0.0, 0.0, 0.0, 0.0]


def test_scales_say_what_they_are() -> None:
    fixed = mixed_precision.FixedLossScale(8)
    assert (repr(fixed), fixed.get_config()) == ("FixedLossScale(8.0)", {"loss_scale_value": 8.0})
    with tf.Graph().as_default():
        dynamic = mixed_precision.DynamicLossScale.from_config(mixed_precision.DynamicLossScale(4, 3, 2).get_config())
        assert repr(dynamic) == "DynamicLossScale(initial_loss_scale=4.0, increment_period=3, multiplier=2.0)"
    for bad in (0.5, "1"):
        with pytest.raises(ValueError, match=r"at least 1|a Python int or float"):
            mixed_precision.FixedLossScale(bad)  # type: ignore[arg-type]
    for bad, said in ((None, "cannot be None"), ("auto", "Could not interpret loss scale identifier: auto")):
        with pytest.raises(ValueError, match=said):
            mixed_precision.MixedPrecisionLossScaleOptimizer(tf.train.AdamOptimizer(), bad)


def test_the_rewrite_wraps_an_optimizer_once(graph, monkeypatch) -> None:
    for name in ("rewrite", "policy"):
        monkeypatch.setattr(switches._Switches, name, False)
    wrapped = tf.train.experimental.enable_mixed_precision_graph_rewrite(tf.train.AdamOptimizer(), 4)
    assert isinstance(wrapped, tf.train.experimental.MixedPrecisionLossScaleOptimizer)
    assert switches.is_mixed_precision_graph_rewrite_enabled()
    for bad, said in ((wrapped, "must not already be"), (3, "must be an instance of a tf.train.Optimizer")):
        with pytest.raises(ValueError, match=said):
            mixed_precision.enable_mixed_precision_graph_rewrite(bad)
    mixed_precision.disable_mixed_precision_graph_rewrite()
    assert not switches.is_mixed_precision_graph_rewrite_enabled()
    switches.set_using_mixed_precision_policy(True)
    with pytest.raises(ValueError, match="global Keras dtype Policy"):
        mixed_precision.enable_mixed_precision_graph_rewrite(tf.train.AdamOptimizer())
