"""Checks that an accelerator computes what the host computes, for every operation: values, errors and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tideflow as tf
from parity import subject
from parity.comparison import error_difference, list_difference, value_difference
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.samples import Sample, samples_of
from tideflow._src.runtime.random_state import eager_seeds

COMPILED = [
    name
    for name in subject.every_op()
    if OpDef.registry[name].tier != "host" and not OpDef.registry[name].takes_functions
]


def chosen(name: str) -> list[Sample]:
    """Returns a call that succeeds, one with floating-point inputs if there is one, and a call that fails."""
    samples = [item for item in samples_of(OpDef.registry[name]) if not item.before and not subject.needs_graph(item)]
    working = [item for item in samples if item.error is None]
    floating = [item for item in working if any(getattr(value, "dtype", None) == "float32" for value in item.inputs)]
    failing = [item for item in samples if item.error is not None]
    return [*(floating or working)[:1], *failing[:1]]


def on_both(ask: Callable[[Sample], dict[str, Any]], sample: Sample) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns what the accelerator answers, and what the host does."""
    eager_seeds.set_seed(None)
    with tf.device("/CPU:0"):
        host = ask(sample)
    eager_seeds.set_seed(None)
    with tf.device("/GPU:0"):
        return ask(sample), host


def value_problem(sample: Sample) -> str | None:
    found, wanted = on_both(subject.call, sample)
    if "error" in found or "error" in wanted:
        return error_difference(found.get("error"), wanted.get("error"))
    if sample.random and not (sample.attributes.get("seed") or sample.attributes.get("seed2")):
        return None  # another draw
    return list_difference(found["outputs"], wanted["outputs"], sample.tolerance)


def gradient_problem(sample: Sample) -> str | None:
    found, wanted = on_both(subject.gradients, sample)
    if "first_error" in found or "first_error" in wanted:
        return error_difference(found.get("first_error"), wanted.get("first_error"))
    for position, (mine, other) in enumerate(zip(found["first"], wanted["first"], strict=True)):
        if (mine is None) != (other is None):
            return f"gradient {position}: {mine}, expected {other}"
        if mine is not None and other is not None:
            difference = value_difference(mine[0], other[0], sample.tolerance)
            if difference or mine[1] != other[1]:
                return f"gradient {position}: {difference or mine[1]}"
    return None


@pytest.mark.parametrize("name", COMPILED)
def test_an_accelerator_gives_what_the_host_gives(name: str) -> None:
    for sample in chosen(name):
        problem = value_problem(sample)
        assert problem is None, f"{sample}: {problem}"


@pytest.mark.parametrize("name", [name for name in COMPILED if OpDef.registry[name].gradient_rule is not None])
def test_an_accelerator_gives_the_gradients_that_the_host_gives(name: str) -> None:
    for sample in chosen(name):
        if sample.error is None and not sample.random:
            problem = gradient_problem(sample)
            assert problem is None, f"{sample}: {problem}"
