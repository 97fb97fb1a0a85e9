"""Many traces of a function are told, with what made them."""

from __future__ import annotations

import tideflow as tf


def test_a_storm_of_traces_is_told_with_its_cause(caplog):
    @tf.function
    def stormy(x, n):
        return x

    with caplog.at_level("WARNING", logger="tensorflow"):
        for n in range(8):
            stormy(tf.constant(1.0), n)
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2
    assert "5 out of the last 5 calls to <function" in messages[0] and "stormy" in messages[0]
    assert "Argument 'n' changed from Literal[3] to Literal[4]." in messages[0]


def test_few_traces_are_not(caplog):
    @tf.function
    def calm(x):
        return x

    with caplog.at_level("WARNING", logger="tensorflow"):
        for n in range(3):
            calm(n)
        for _ in range(100):
            calm(tf.constant(1.0))
        calm(9)
    assert not caplog.records
