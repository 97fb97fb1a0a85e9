"""Functions that several operations hold are looked at once."""

from __future__ import annotations

from typing import Any

import pytest

import tideflow as tf
from tideflow._src.runtime import cost_model, effects

LEVELS = 24


def doubling(levels: int) -> Any:
    """Returns a function of which each level holds the next one in both branches of a conditional."""
    if levels == 0:
        return tf.function(lambda x: x + 1.0)
    inner = doubling(levels - 1)

    @tf.function
    def level(x: Any) -> Any:
        return tf.cond(x > 0.0, lambda: inner(x), lambda: inner(x))

    return level


def test_functions_that_two_branches_share_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    of_ops = cost_model._of_ops
    monkeypatch.setattr(cost_model, "_of_ops", lambda *given: counted.append(given) or of_ops(*given))
    function = doubling(LEVELS)
    assert function(tf.constant(1.0)).numpy() == 2.0
    assert 0 < len(counted) < 100 * LEVELS


def test_inner_functions_come_once() -> None:
    graph = doubling(5).get_concrete_function(tf.TensorSpec([], tf.float32)).graph
    found = list(effects.inner_functions(graph.get_operations()))
    assert len(found) == len(set(found)) < 5 * 5
    assert "AddV2" in effects.kinds_in(graph.get_operations())
    assert not any(effects.changes_variables(op) for op in graph.get_operations())


def test_compiling_shared_functions_costs_as_often_as_they_are_held() -> None:
    def compiling(levels: int) -> float:
        graph = doubling(levels).get_concrete_function(tf.TensorSpec([], tf.float32)).graph
        return cost_model.of_plan(graph.plan(), None, [()]).compile

    assert compiling(9) - compiling(8) > 1.9 * (compiling(8) - compiling(7)) > 0
