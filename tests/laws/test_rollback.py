"""The law of updates: a run that raises leaves every bit of every variable as it was before the run.

It holds for every operation that updates variables, on both tiers, in sessions and in traced functions, alone, in a
branch and in a loop, whether what fails then is an operation of the same program or a Python function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tideflow as tf
from parity import subject
from tideflow._src.graph import samples as forms
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.samples import samples_of
from tideflow.compat import v1

subject.every_op()

#: Operations that change what their handle refers to without saying so, since no kernel over arrays could.
_BY_HANDLE = ("StatefulRandomBinomial", "StatefulUniformInt")
#: What TensorFlow has retired cannot be called.
_RETIRED = frozenset(["StatefulStandardNormal"])

UPDATES = sorted(
    name
    for name, definition in OpDef.registry.items()
    if (definition.updates or name in _BY_HANDLE) and name not in _RETIRED
)
#: Indices that all turns of a loop take, and those of which the last is taken by none.
GOOD, BAD = [0, 1, 0], [0, 1, 7]


def _call(name: str) -> Any:
    """Returns the first call of an operation that succeeds and updates a variable that is there."""

    def fits(sample: Any) -> bool:
        given = sample.inputs[: max(len(OpDef.registry[name].updates), 1)]
        held = [one for item in given for one in (item if isinstance(item, list | tuple) else [item])]
        return sample.error is None and all(isinstance(one, forms.Variable | forms.Reference) for one in held)

    return next(sample for sample in samples_of(OpDef.registry[name]) if fits(sample))


def _fail_in_python(index: Any) -> Any:
    return np.float32([1.0, 2.0][int(index)])


def _fail_in_kernel(index: Any) -> Any:
    return tf.gather(tf.constant([1.0, 2.0]), index)


def _fails_in_python(index: Any) -> Any:
    return tf.numpy_function(_fail_in_python, [index], tf.float32)


FAILURES = {"kernel": _fail_in_kernel, "python": _fails_in_python}


def _step(update: Callable[[], list[Any]], fails: Callable[[Any], Any], indices: Any, place: str) -> Any:
    """Builds an update with what may fail after it, in one of the places."""

    def once(index: Any) -> Any:
        with tf.control_dependencies(update()):
            result = fails(index)
        result.set_shape([])
        return result

    if place == "alone":
        return once(indices[2])
    if place == "branch":
        return tf.cond(indices[0] < 1, lambda: once(indices[2]), lambda: tf.constant(0.0))
    return tf.while_loop(
        lambda turn, total: turn < 3, lambda turn, total: (turn + 1, total + once(indices[turn])), (0, 0.0)
    )[1]


def _operation(made: Any) -> Any:
    made = (*subject.flatten(made), made)[0]
    return getattr(made, "op", made)


def _changed(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """Returns the names under which some bit of some array differs."""

    def same(a: Any, b: Any) -> bool:
        bits = a.tobytes() == b.tobytes() or (a.dtype == object and a.tolist() == b.tolist())
        return a.dtype == b.dtype and a.shape == b.shape and bits

    return [name for name in first if not all(map(same, first[name], second[name]))]


CALLS = {name: _call(name) for name in UPDATES}


def _is_compiled(definition: OpDef) -> bool:
    return definition.tier != "host" or definition.xla_kernel is not None


def _cases(names: list[str]) -> list[Any]:
    """Returns what to run: interpreted, each operation alone; compiled, which takes long, those of a kind at once."""
    found = [
        pytest.param([name], failure, place, "host", id=f"{name}-{failure}-{place}-host")
        for name in names
        for failure in FAILURES
        for place in ("alone", "branch", "loop")
    ]
    kinds = {
        "rows": [name for name in names if OpDef.registry[name].in_place],
        "whole": [name for name in names if not OpDef.registry[name].in_place and _is_compiled(OpDef.registry[name])],
        "uncompiled": [name for name in names if not _is_compiled(OpDef.registry[name])],
    }
    for kind, members in kinds.items():
        for failure, place in (("kernel", "alone"), ("python", "alone"), ("kernel", "loop"), ("kernel", "branch")):
            some = members if place == "alone" else members[::4]
            found.append(pytest.param(some, failure, place, "xla", id=f"{kind}-{failure}-{place}-xla"))
            if kind == "whole" and failure == "kernel":  # what a larger run may give back is in no pack
                found.append(pytest.param(some, failure, place, "packed", id=f"{kind}-{failure}-{place}-packed"))
    return found


def _set_tier(monkeypatch: pytest.MonkeyPatch, tier: str) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", "xla" if tier == "packed" else tier)
    monkeypatch.setenv("TIDEFLOW_PACKS", "always" if tier == "packed" else "never")


@pytest.mark.parametrize(("names", "failure", "place", "tier"), _cases(UPDATES))
def test_a_session_run(monkeypatch, names: list[str], failure: str, place: str, tier: str) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", "host")
    with tf.Graph().as_default(), v1.Session() as session:
        runs = [subject.GraphRun("full", CALLS[name].static) for name in names]
        inputs = [run.inputs(CALLS[name]) for run, name in zip(runs, names, strict=True)]
        indices = v1.placeholder(tf.int32, [3])

        def update() -> list[Any]:
            return [
                _operation(OpDef.registry[name](*given, **subject.attributes_of(CALLS[name])))
                for name, given in zip(names, inputs, strict=True)
            ]

        step = _step(update, FAILURES[failure], indices, place)
        state = {name: run.read_state() for name, run in zip(names, runs, strict=True)}
        feeds = {key: value for run in runs for key, value in run.feeds.items()}
        session.run([run.initial for run in runs])
        before = session.run(state)
        _set_tier(monkeypatch, tier)
        with pytest.raises(tf.errors.OpError):
            session.run(step, {**feeds, indices: BAD})
        assert _changed(before, session.run(state)) == []
        session.run(step, {**feeds, indices: GOOD})
        after = session.run(state)
        assert _changed(before, after) == names
        with pytest.raises(tf.errors.OpError):  # what was computed is in another memory, leased or not
            session.run(step, {**feeds, indices: BAD})
        assert _changed(after, session.run(state)) == []


@pytest.mark.parametrize(
    ("names", "failure", "place", "tier"),
    _cases([name for name in UPDATES if isinstance(CALLS[name].inputs[0], forms.Variable)]),
)
def test_a_traced_function(monkeypatch, names: list[str], failure: str, place: str, tier: str) -> None:
    _set_tier(monkeypatch, tier)
    held = {
        name: [tf.Variable(item.value) for item in CALLS[name].inputs if isinstance(item, forms.Variable)]
        for name in names
    }

    @tf.function
    def step(indices: Any) -> Any:
        def update() -> list[Any]:
            for name in names:
                call, variables = CALLS[name], iter(held[name])
                inputs = [
                    next(variables).handle
                    if isinstance(item, forms.Variable)
                    else tf.nest.map_structure(tf.constant, item)
                    for item in call.inputs
                ]
                OpDef.registry[name](*inputs, **subject.attributes_of(call))
            return []

        return _step(update, FAILURES[failure], indices, place)

    def state() -> dict[str, list[Any]]:
        return {name: [np.asarray(variable.read_value()) for variable in held[name]] for name in names}

    before = state()
    with pytest.raises(tf.errors.OpError):
        step(tf.constant(BAD))
    assert _changed(before, state()) == []
    step(tf.constant(GOOD))
    after = state()
    assert _changed(before, after) == names
    with pytest.raises(tf.errors.OpError):
        step(tf.constant(BAD))
    assert _changed(after, state()) == []
