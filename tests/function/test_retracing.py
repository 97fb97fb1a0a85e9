"""Many traces of a function are told, with what made them."""

from __future__ import annotations

import gc
import sys
from typing import Any

import pytest

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


def test_functions_of_one_decorator_are_not_one_function(caplog):
    def make(index):
        source = f"def f{index}(x):\n    return x + {index}.0\n"
        namespace = {}
        exec(compile(source, f"<function {index}>", "exec"), namespace)
        return tf.function(tf.autograph.experimental.do_not_convert(namespace[f"f{index}"]))

    with caplog.at_level("WARNING", logger="tensorflow"):
        results = [float(make(index)(tf.constant(1.0))) for index in range(8)]
    assert results == [1.0 + index for index in range(8)]
    assert not caplog.records


def test_calls_of_functions_that_were_replaced_count(caplog):
    """Keras makes its step anew whenever a model is compiled: that is no storm if each is used."""

    def step(x):
        return x + 1.0

    with caplog.at_level("WARNING", logger="tensorflow"):
        for kept in (False, True):
            functions = []
            for _ in range(8):
                function = tf.function(step)
                for value in range(12):
                    assert float(function(tf.constant(float(value)))) == value + 1.0
                if kept:
                    functions.append(function)
    assert not caplog.records


def test_functions_made_anew_for_each_call_are_told(caplog):
    def step(x):
        return x + 1.0

    with caplog.at_level("WARNING", logger="tensorflow"):
        for _ in range(6):
            tf.function(step)(tf.constant(1.0))
    assert "The function was made anew" in caplog.records[0].getMessage()


def test_functions_within_functions_are_not_counted(caplog):
    """As in TensorFlow: the outer function's traces are."""

    def inner(x):
        return x * 2.0

    def outer(x):
        return tf.function(inner)(x)

    with caplog.at_level("WARNING", logger="tensorflow"):
        for number in range(7):
            function = tf.function(outer)
            for _ in range(12):
                assert float(function(tf.constant(float(number)))) == 2.0 * number
    assert not caplog.records


def test_a_traced_method_may_end_after_its_object(monkeypatch: pytest.MonkeyPatch) -> None:
    class Owner:
        @tf.function
        def method(self, x: Any) -> Any:
            return x + 1

    unraisable: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    owner: Any = Owner()
    owner.itself = owner  # so that collecting garbage clears weak references to it first
    assert owner.method(tf.constant(1)).numpy() == 2
    del owner
    gc.collect()
    assert not unraisable
