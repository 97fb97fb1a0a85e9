"""Derives wrong calls from an op's samples: each takes one right call and spoils one thing in it.

What TensorFlow does with such a call, an error of some class or a value after all, Tideflow does too. Where TensorFlow itself aborts
or never ends, Tideflow must still raise one of the errors that users can handle.
"""

from __future__ import annotations

import dataclasses
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tideflow._src.core import errors
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.samples import Sample, samples_of

from . import subject
from .checks import Checks, cannot_run, outcome_difference
from .oracle import OracleCrash, OracleFailure

_SAMPLES = 3  # of each op, as different as they come
_MEMORY = 3 << 30  # bytes that a call may ask for
_SECONDS = 20  # that a call may take

_INTEGERS = (-1, 0, 1 << 20, (1 << 31) - 1, -(1 << 31), (1 << 62) - 1)
_HANDLED = ("ValueError", "TypeError", "MemoryError")


def wrong_calls(definition: OpDef) -> Iterator[tuple[str, Sample]]:
    """Yields spoiled calls of an op, each with a word for what was done."""
    seen: set[Any] = set()
    for sample in samples_of(definition):
        if sample.error is not None or sample.before or not sample.inputs:
            continue
        form = tuple(item.ndim if isinstance(item, np.ndarray) else None for item in sample.inputs)
        if form in seen or len(seen) >= _SAMPLES:
            continue
        seen.add(form)
        for position, item in enumerate(sample.inputs):
            arrays = item if isinstance(item, list) else [item]
            if not arrays or not isinstance(arrays[-1], np.ndarray):
                continue
            for what, spoiled in _spoiled(arrays[-1]):
                changed = [*arrays[:-1], spoiled] if isinstance(item, list) else spoiled
                inputs = (*sample.inputs[:position], changed, *sample.inputs[position + 1 :])
                yield f"input {position} {what}", dataclasses.replace(sample, inputs=inputs, random=sample.random)
        counts = {argument.number_attr for argument in definition.outputs}
        for name, value in sample.attributes.items():
            if name in counts:  # a million outputs are slow in both, not wrong
                continue
            for what, other in _spoiled_attribute(definition.attributes[name].type, value):
                yield f"{name}={what}", dataclasses.replace(sample, attributes={**sample.attributes, name: other})


def _spoiled(array: np.ndarray[Any, Any]) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    yield "of a rank more", array[np.newaxis]
    if array.ndim:
        yield "of a rank less", np.asarray(array[0], array.dtype) if array.shape[0] else np.zeros(array.shape[1:], array.dtype)
        yield "as a vector", array.reshape(-1)
        yield "empty", array[:0]
        yield "longer", np.concatenate([array, array[-1:]])
        if array.ndim > 1:
            yield "wider", np.concatenate([array, array[..., -1:]], axis=-1)
    if array.dtype.kind in "iu":
        limits = np.iinfo(array.dtype)
        for value in _INTEGERS:
            if limits.min <= value <= limits.max:
                spoiled = array.copy()
                spoiled.reshape(-1)[-1:] = value
                yield f"with {value}", spoiled
    if array.dtype == object:
        yield "as numbers", np.zeros(array.shape, np.float32)
        yield "as nonsense", np.full(array.shape, b"\xff\x00nonsense", dtype=object)
    else:
        yield "as another type", array.astype(np.int16 if array.dtype != np.int16 else np.float32)
        yield "as strings", np.full(array.shape, b"word", dtype=object)


def _spoiled_attribute(kind: str, value: Any) -> Iterator[tuple[str, Any]]:
    if kind == "int" and not isinstance(value, bool):
        for other in (-1, 0, 1 << 20, (1 << 31) - 1, -(1 << 62)):
            yield str(other), other
    elif kind == "list(int)" and value:
        yield "with 0", [*value[:-1], 0]
        yield "with -1", [*value[:-1], -1]
        yield "with 2**31 - 1", [*value[:-1], (1 << 31) - 1]
        yield "longer", [*value, value[-1]]
        yield "[]", []
    elif kind == "string":
        yield "nonsense", "nonsense"
    elif kind == "float":
        yield "nan", float("nan")
        yield "-inf", float("-inf")


@contextmanager
def limits() -> Iterator[None]:
    """Bounds the time and the memory of what runs inside: beyond, it raises TimeoutError or MemoryError."""

    def too_long(*_: Any) -> None:
        raise TimeoutError(f"still running after {_SECONDS} s")

    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    previous = signal.signal(signal.SIGALRM, too_long)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + _MEMORY, hard))
    signal.alarm(_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGALRM, previous)


def bad_input(checks: Checks, name: str) -> list[str]:
    """Compares the outcome of every wrong call of an op with TensorFlow's."""
    problems = []
    for what, sample in wrong_calls(OpDef.registry[name]):
        with limits():
            found = subject.call(sample)
        try:
            wanted = checks.oracle.ask("call", **subject.question(sample), shapes=False)
        except (OracleCrash, OracleFailure):
            problem = _unhandled(found)
        else:
            problem = _unhandled(found) if cannot_run(wanted) else outcome_difference(sample, found, wanted)
        if problem is not None:
            problems.append(f"{what}: {sample}: {problem}")
    return problems


def _unhandled(found: dict[str, Any]) -> str | None:
    """Says what is wrong with an outcome where there is none to compare with: an error that is no one's."""
    error = found.get("error")
    if error is None or error[0] in _HANDLED:
        return None
    kind = getattr(errors, error[0], None)
    if kind is not None and error[0] != "InternalError":
        return None
    return f"{error[0]}: {error[1]}"
