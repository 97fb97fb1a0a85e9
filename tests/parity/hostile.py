"""Derives wrong calls from an op's samples: each takes one right call and spoils one thing in it.

What TensorFlow does with such a call, an error of some class or a value after all, Tideflow does too. Where TensorFlow
itself aborts or never ends, Tideflow must still raise one of the errors that users can handle.
"""

from __future__ import annotations

import dataclasses
import resource
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core import errors
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.samples import Sample, samples_of

from . import subject
from .checks import Problem, cannot_run, outcome_difference
from .comparison import list_difference
from .exemptions import exempt
from .oracle import Oracle, OracleCrash, OracleFailure

_SAMPLES = 3  # of each op, as different as they come
_MEMORY = 3 << 30  # bytes that a call may ask for
_SECONDS = 100  # of work that a call may take: a hundred times what the longest takes
_COMPILED = 5  # wrong calls of an op that are compiled

_LARGE = frozenset(str(1 << power) for power in (20, 31)) | {str((1 << 31) - 1), str((1 << 62) - 1)}
_INTEGERS = (-1, 0, 1 << 20, (1 << 31) - 1, -(1 << 31), (1 << 62) - 1)
_HANDLED = ("ValueError", "TypeError")
_TOO_LARGE = {"InvalidArgumentError", "ResourceExhaustedError"}

#: How TensorFlow says that an attribute, 64 bits long in every definition, is too large for a kernel.
_NARROW = "out of range for an int32"

#: Operations that wait, in TensorFlow too, until so many elements have come, or count so far.
_WAITING = frozenset("QueueDequeueMany QueueDequeueManyV2 QueueDequeueUpTo QueueDequeueUpToV2 For".split())

#: Operations that try as often as an input says, in TensorFlow too, with that input.
_TRIES = {"KmeansPlusPlusInitialization": 3}

#: Calls on which TensorFlow works for as long as it is waited for: it makes a table of all classes.
_ENDLESS = frozenset(
    (name, f"range_max={(1 << 31) - 1}")
    for name in ("LearnedUnigramCandidateSampler", "ThreadUnsafeUnigramCandidateSampler")
)


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
                waits = definition.name in _WAITING or _TRIES.get(definition.name) == position
                if waits and what.split()[-1].lstrip("-") in _LARGE:
                    continue
                changed = [*arrays[:-1], spoiled] if isinstance(item, list) else spoiled
                inputs = (*sample.inputs[:position], changed, *sample.inputs[position + 1 :])
                yield f"input {position} {what}", dataclasses.replace(sample, inputs=inputs, random=sample.random)
        counts = {argument.number_attr for argument in definition.outputs}
        for name, value in sample.attributes.items():
            if name in counts or name == "rounds":  # a million outputs are slow in both, not wrong
                continue
            for what, other in _spoiled_attribute(definition.attributes[name].type, value):
                yield f"{name}={what}", dataclasses.replace(sample, attributes={**sample.attributes, name: other})


def _spoiled(array: np.ndarray[Any, Any]) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    yield "of a rank more", array[np.newaxis]
    if array.ndim:
        nothing = np.full(array.shape[1:], b"" if array.dtype == object else 0)
        yield "of a rank less", np.asarray(array[0] if array.shape[0] else nothing, array.dtype)
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
        with warnings.catch_warnings(action="ignore"):
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
        raise TimeoutError(f"still running after {_SECONDS} s of work")

    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    previous = signal.signal(signal.SIGPROF, too_long)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + _MEMORY, hard))
    signal.setitimer(signal.ITIMER_PROF, _SECONDS)  # the clock does not tell a hang from a busy machine
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGPROF, previous)


def compiled(definition: OpDef) -> list[str]:
    """Checks that what the host refuses, a compiled program refuses too, without knowing any shape before it runs."""
    if definition.tier == "host" or definition.random is not None:
        return []
    ranked = sorted(_compilable_calls(definition), key=lambda call: call[0])[:_COMPILED]
    with subject.tier("host"):
        on_host = [subject.run_in_session(sample, static=True, variant="rank") for _, _, sample in ranked]
    # What works is compiled in one program; what is refused ends a program, and has one of its own.
    working = [sample for (_, _, sample), wanted in zip(ranked, on_host, strict=True) if "error" not in wanted]
    answers = iter(subject.run_compiled(working, variant="rank"))
    problems: list[str] = []
    for (_, what, sample), wanted in zip(ranked, on_host, strict=True):
        found = next(answers) if "error" not in wanted else subject.run_compiled([sample], variant="rank")[0]
        problem = _unhandled(found)
        if problem is None and "error" in wanted and "error" not in found:
            problem = f"compiled: {found['outputs']}, expected {wanted['error']}"
        elif problem is None and "error" in found and "error" not in wanted:
            problem = f"compiled: {found['error']}, expected {wanted['outputs']}"
        elif problem is None and "error" not in found and not sample.random:
            problem = list_difference(found["outputs"], wanted["outputs"], sample.tolerance)
        if problem is not None:
            problems.append(Problem.of(sample, f"{sample}: {problem}", what))
    return problems


def _compilable_calls(definition: OpDef) -> Iterator[tuple[int, str, Sample]]:
    """Yields wrong calls whose sizes are small, those first whose numbers, not shapes, are wrong."""
    for what, sample in wrong_calls(definition):
        words = what.split()
        if subject.needs_graph(sample) or words[0] != "input" or "strings" in what:
            continue
        is_number = words[2] == "with"
        if is_number and int(words[1]) in sample.static:
            continue  # these numbers are known when the program is made: they are sizes, mostly
        yield (0 if is_number else 1), what, sample


class Outcomes(NamedTuple):
    """Is what the wrong calls of one op showed.

    Attributes:
      wrong: a value where TensorFlow raises or has another one, an error of another class, or one that is nobody's.
      refused: an error that users can handle where TensorFlow computes something.
    """

    wrong: list[str]
    refused: list[str]


class Hostile:
    """Compares the outcome of every wrong call of an op with TensorFlow's."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self._outcomes: dict[str, Outcomes] = {}

    def outcomes(self, name: str) -> Outcomes:
        """Returns what the wrong calls of an op show; each call is made once."""
        if name not in self._outcomes:
            self._outcomes[name] = outcomes = Outcomes([], [])
            for what, sample in wrong_calls(OpDef.registry[name]):
                with limits():
                    found = subject.run_in_session(sample) if _asked_in_graph(sample) else subject.call(sample)
                endless = (name, what) in _ENDLESS
                kind, problem = ("wrong", _unhandled(found)) if endless else self._judge(sample, found)
                if problem is not None:
                    getattr(outcomes, kind).append(Problem.of(sample, f"{sample}: {problem}", what))
        return self._outcomes[name]

    def _judge(self, sample: Sample, found: dict[str, Any]) -> tuple[str, str | None]:
        unhandled = _unhandled(found)
        try:
            wanted = self.oracle.ask("call", **subject.question(sample), shapes=False)
        except (OracleCrash, OracleFailure):
            return "wrong", unhandled
        if "error" in found and "error" in wanted and _agree(sample, found["error"][0], *wanted["error"]):
            return "wrong", None
        if unhandled is not None or cannot_run(wanted) or _NARROW in wanted.get("error", ("", ""))[1]:
            return "wrong", unhandled
        if "error" not in found and "error" not in wanted and exempt("values", sample):
            return "wrong", None
        kind = "refused" if "error" in found and "error" not in wanted else "wrong"
        return kind, outcome_difference(sample, found, wanted)


def _asked_in_graph(sample: Sample) -> bool:
    """Tells whether TensorFlow answers from a graph, though the call could be eager: its attributes are tensors."""
    return any(attribute.type == "tensor" for attribute in OpDef.registry[sample.op].attributes.values())


def _agree(sample: Sample, found: str, wanted: str, message: str) -> bool:
    """Tells whether two classes of errors are as good as the same."""
    if found == wanted or {found, wanted} <= _TOO_LARGE:
        return True
    if {found, wanted} == {"ValueError", "InvalidArgumentError"} and subject.needs_graph(sample):
        return True  # whether a call is refused when it is built or when it runs
    return wanted == "UnicodeDecodeError"  # TensorFlow's own message was too much for its Python side


def _unhandled(found: dict[str, Any]) -> str | None:
    """Says what is wrong with an outcome, whatever TensorFlow does: an error that is nobody's."""
    error = found.get("error")
    if error is None or error[0] in _HANDLED:
        return None
    kind = getattr(errors, error[0], None)
    if kind is not None and error[0] != "InternalError":
        return None
    return f"{error[0]}: {error[1]}"
