"""Compares an op of Tideflow with the same op of TensorFlow, one aspect at a time.

Each check returns a list of problems, empty if there are none, so that one run tells all that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tideflow._src.graph.op_def import Argument, OpDef
from tideflow._src.graph.samples import Produced, PythonFunction, Sample, samples_of

from . import subject, wire
from .comparison import (
    error_difference,
    list_difference,
    shape_difference,
    value_difference,
)
from .equivalence import decoded, largest_term
from .exemptions import unspecified_outputs
from .oracle import Oracle, OracleCrash, OracleFailure


class Checks:
    """Holds TensorFlow's answers for the samples of each op, so that each question is asked once.

    Args:
      oracle: TensorFlow.
      shapes: whether it is also asked for static shapes, which `static_shapes` compares.
    """

    def __init__(self, oracle: Oracle, shapes: bool = True) -> None:
        self.oracle = oracle
        self._shapes = shapes
        self._expected: dict[OpDef, list[tuple[Sample, dict[str, Any]]]] = {}
        self._found: dict[OpDef, list[dict[str, Any]]] = {}
        self._differentiated: dict[OpDef, list[dict[str, Any]]] = {}

    def expected(self, name: str) -> list[tuple[Sample, dict[str, Any]]]:
        """Returns each sample with the oracle's answer."""
        definition = OpDef.registry[name]
        if definition not in self._expected:
            self._expected[definition] = [(s, self._ask(s)) for s in samples_of(definition)]
        return self._expected[definition]

    def _ask(self, sample: Sample) -> dict[str, Any]:
        asked = subject.question(sample)
        static = list(sample.static)
        try:
            differentiated = {"gradient": sample.gradient, "second": sample.gradient}
            return dict(self.oracle.ask("call", **asked, shapes=self._shapes, static=static, **differentiated))
        except OracleCrash as crash:
            return {"crash": str(crash)}
        except OracleFailure as failure:
            if not _is_made(sample):
                raise
            return {"crash": str(failure)}  # TensorFlow no longer makes such queues or arrays

    def pairs(self, name: str, gradient: bool) -> Iterator[tuple[Sample, dict[str, Any], dict[str, Any]]]:
        """Yields each sample with Tideflow's and TensorFlow's answers, unless TensorFlow crashed on it.

        With `gradient`, only the samples to differentiate come, and Tideflow's answers hold only gradients.
        """
        expected = self.expected(name)
        answers = self._found if not gradient else self._differentiated
        definition = OpDef.registry[name]
        if definition not in answers:
            answers[definition] = [_gradients(sample) if gradient else subject.call(sample) for sample, _ in expected]
        for (sample, wanted), found in zip(expected, answers[definition], strict=True):
            if "crash" not in wanted and (sample.gradient or not gradient):
                yield sample, found, wanted

    # The checks.

    def op_def(self, name: str) -> list[str]:
        """Compares the definitions: inputs, outputs, attributes, defaults, allowed values, flags."""
        expected = self.oracle.definition(name)
        if expected is None:
            return [f"TensorFlow has no op {name}"]
        found = subject.op_def(name)
        problems = []
        for key, value in found.items():
            wanted = expected[key]
            if key == "attributes":
                problems += _attribute_problems(value, wanted)
            elif key in ("inputs", "outputs"):
                problems += [
                    f"{key}: {left}, expected {right}"
                    for left, right in zip(value, wanted, strict=False)
                    if left != right
                ]
                if len(value) != len(wanted):
                    problems.append(f"{len(value)} {key}, expected {[item['name'] for item in wanted]}")
            elif value != wanted:
                problems.append(f"{key}: {value!r}, expected {wanted!r}")
        definition = OpDef.registry[name]
        if not (_may_be_differentiable(definition.inputs, name) and _may_be_differentiable(definition.outputs, name)):
            return problems
        if expected["gradient"] == "function" and definition.gradient_rule is None:
            problems.append("TensorFlow has a gradient for it, this definition has none")
        if expected["gradient"] == "missing" and definition.differentiable is False:
            problems.append("its gradient is a LookupError in TensorFlow, but differentiable=False makes it None")
        if expected["gradient"] == "none" and definition.differentiable is not False:
            problems.append("its gradient is None in TensorFlow: differentiable=False says so")
        return problems

    def values(self, name: str) -> list[str]:
        """Compares values, dtypes, final states of variables, and classes of errors."""
        problems = []
        for sample, found, wanted in self.pairs(name, gradient=False):
            if cannot_run(wanted):
                continue
            difference = outcome_difference(sample, found, wanted)
            if difference is None and sample.error is not None:
                difference = error_difference(found.get("error"), (sample.error, "as the sample says"))
            problems += _problem(sample, difference)
        return problems

    def static_shapes(self, name: str) -> list[str]:
        """Compares what is inferred of the outputs' shapes, for each knowledge of the inputs."""
        problems = []
        for sample, wanted in self.expected(name):
            if "crash" in wanted:
                continue
            found = subject.static_shapes(sample)
            for variant, shapes in wanted["shapes"].items():
                if isinstance(shapes, dict) and _is_limitation(shapes["error"], wanted):
                    continue
                difference = shape_difference(found[variant], shapes)
                problems += _problem(sample, difference and f"{variant}: {difference}")
        return problems

    def first_gradients(self, name: str) -> list[str]:
        """Compares first gradients: which are None, which sparse, and their values."""
        problems = []
        for sample, found, wanted in self.pairs(name, gradient=True):
            if "first" not in wanted and "first_error" not in wanted:
                continue
            if "error" in found:
                problems += _problem(sample, error_difference(found["error"], None))
                continue
            error = wanted.get("first_error")
            if error is not None and ("first_error" not in found or error[0] in _ACCIDENTS):
                continue  # here the differences that `consistency` takes are the judge
            if error is not None or "first_error" in found:
                problems += _problem(sample, error_difference(found.get("first_error"), error))
            else:
                problems += _problem(sample, _gradient_difference(found["first"], wanted["first"], sample.tolerance))
        return problems

    def second_gradients(self, name: str) -> list[str]:
        """Compares gradients of gradients; None and zeros count as the same."""
        problems = []
        for sample, found, wanted in self.pairs(name, gradient=True):
            if "second" not in wanted or "error" in found or "first_error" in found:
                continue
            if "second_error" in found:
                problems += _problem(sample, error_difference(found["second_error"], None))
                continue
            for key in ("second", "second_upstream"):
                if len(found[key]) != len(wanted[key]):
                    problems += _problem(sample, f"{len(found[key])} gradients, expected {len(wanted[key])}")
                    continue
                left = [_or_zero(entry, other) for entry, other in zip(found[key], wanted[key], strict=True)]
                right = [_or_zero(entry, other) for entry, other in zip(wanted[key], found[key], strict=True)]
                problems += _problem(sample, list_difference(left, right, sample.tolerance))
        return problems

    def graph_def_from_tensorflow(self, name: str) -> list[str]:
        """Runs GraphDefs that TensorFlow wrote."""
        return self._through_graph_def(
            name,
            lambda sample, constants: self.oracle.ask(
                "make_graph_def", **_without_steps(subject.question(sample)), constants=constants
            ),
            subject.run_graph_def,
        )

    def graph_def_to_tensorflow(self, name: str) -> list[str]:
        """Lets TensorFlow run GraphDefs that Tideflow wrote."""
        return self._through_graph_def(
            name,
            subject.make_graph_def,
            lambda *arguments: self.oracle.ask(
                "run_graph_def",
                **dict(zip(("graph_def", "feeds", "fetches", "initializers"), arguments, strict=True)),
            ),
        )

    def _through_graph_def(
        self,
        name: str,
        make: Callable[[Sample, Sequence[int]], dict[str, Any]],
        run: Callable[..., dict[str, Any]],
    ) -> list[str]:
        problems = []
        for sample, wanted in self.expected(name):
            if sample.error or sample.before or "error" in wanted or "crash" in wanted:
                continue
            if subject.needs_graph(sample) and not sample.inputs and name.startswith("Placeholder"):
                continue
            if any(isinstance(value, PythonFunction) for value in sample.attributes.values()):
                continue  # the token means something only in the process that wrote it
            shown = [
                position
                for position, (dtype, _) in enumerate(wanted["outputs"])
                if dtype not in ("resource", "variant")
            ]
            for constants in ((), sample.static):  # some ops work in no graph where their static inputs are fed
                found = made = make(sample, constants)
                if "error" not in made:
                    fetches = [made["outputs"][position] for position in shown] or [made["operation"]]
                    found = run(made["graph_def"], made["feeds"], fetches, made["initializers"])
                if "error" not in found:
                    break
            if "error" in found or not shown:
                problems += _problem(sample, error_difference(found.get("error"), None))
                continue
            values = [wanted["outputs"][position] for position in shown]
            problems += _problem(sample, _list_difference(sample, found["outputs"], values))
        return problems

    def random_stream(self, name: str) -> list[str]:
        """Compares the numbers that seeded random ops draw, call after call, in a session and eagerly."""
        problems = []
        for sample in samples_of(OpDef.registry[name]):
            if sample.error or sample.before or not (sample.attributes.get("seed") or sample.attributes.get("seed2")):
                continue
            wanted = self.oracle.ask("random_stream", **_without_steps(subject.question(sample)))
            if "error" in wanted:
                continue
            found = subject.random_stream(sample)
            for way in ("session", "eager"):
                for number, (left, right) in enumerate(zip(found[way], wanted[way], strict=True)):
                    difference = list_difference(left, right, sample.tolerance)
                    problems += _problem(sample, difference and f"{way}, draw {number}: {difference}")
        return problems

    def variant(self, sample: Sample) -> list[str]:
        """Compares one generated call: its values or the class of its error."""
        try:
            wanted = self.oracle.ask("call", **subject.question(sample), shapes=False)
        except OracleCrash:
            return []
        except OracleFailure:
            if not _is_made(sample):
                raise
            return []
        if cannot_run(wanted):
            return []
        return _problem(sample, outcome_difference(sample, subject.call(sample), wanted))


def _is_made(sample: Sample) -> bool:
    """Tells whether a call takes what another operation makes, such as a queue."""
    items = [each for item in sample.inputs for each in (item if isinstance(item, list) else [item])]
    return bool(sample.before) or any(isinstance(item, Produced) for item in items)


def _may_be_differentiable(arguments: tuple[Argument, ...], name: str) -> bool:
    """Tells whether some argument, other than a reference, can hold floating or complex numbers."""
    for argument in arguments:
        if argument.is_ref or (argument.dtype is not None and argument.dtype.name not in wire.DIFFERENTIABLE):
            continue
        attribute = OpDef.registry[name].attributes.get(argument.type_attr or argument.type_list_attr)
        allowed = None if attribute is None else attribute.allowed
        if allowed is None or any(dtype.name in wire.DIFFERENTIABLE for dtype in allowed):
            return True
    return False


def _gradients(sample: Sample) -> dict[str, Any]:
    if not sample.gradient or subject.needs_graph(sample):
        return {}
    try:
        return subject.gradients(sample, second=True)
    except Exception as error:
        return {"error": subject.to_error(error)}


# What TensorFlow's gradient functions raise where they were not written for the call, or do not exist: whether a
# gradient is missing is compared with the definitions.
_ACCIDENTS = ("LookupError", "TypeError", "AttributeError", "NotImplementedError")


def _is_limitation(error: tuple[str, str], answer: dict[str, Any]) -> bool:
    """Tells whether a shape function rejects, for want of knowledge or of the op, a call that would succeed."""
    return "error" not in answer or cannot_run(answer) or error[0] == "NotImplementedError"


def cannot_run(answer: dict[str, Any]) -> bool:
    """Tells whether TensorFlow lacks a kernel for a call, so that at most its static side can be compared."""
    error = answer.get("error")
    return error is not None and (
        error[0] in ("UnimplementedError", "NotImplementedError", "_FallbackException")
        or "Could not find device for node" in error[1]
        or "No OpKernel was registered" in error[1]
        or "has constraint on attr" in error[1]
        or "could not create a primitive" in error[1]  # oneDNN has none for this processor
        or "only support NHWC tensor format" in error[1]  # oneDNN lifts this limit
        or "CPU implementations do not yet support" in error[1]  # and this one
    )


def outcome_difference(sample: Sample, found: dict[str, Any], wanted: dict[str, Any]) -> str | None:
    """Says how the outcome of a call, values or an error, differs from the expected one."""
    if "error" in found or "error" in wanted:
        return error_difference(found.get("error"), wanted.get("error"))
    difference = _list_difference(sample, found["outputs"], wanted["outputs"])
    if difference is None:
        difference = list_difference(found["state"], wanted["state"], sample.tolerance)
        return difference and f"final value of variable {difference}"
    return difference


def _list_difference(sample: Sample, found: Any, wanted: Any) -> str | None:
    if len(found) == len(wanted):
        hidden = unspecified_outputs(sample)
        found, wanted = (
            [value for position, value in enumerate(values) if position not in hidden] for values in (found, wanted)
        )
    if not sample.random:
        found, wanted = (decoded(sample.op, values) for values in (found, wanted))
        return list_difference(found, wanted, sample.tolerance, largest_term(sample))
    shapes = [(dtype, None if array is None else array.shape) for dtype, array in found]
    expected = [(dtype, None if array is None else array.shape) for dtype, array in wanted]
    return None if shapes == expected else f"dtypes and shapes {shapes}, expected {expected}"


def _gradient_difference(found: list[Any], wanted: list[Any], tolerance: float | None) -> str | None:
    if len(found) != len(wanted):
        return f"{len(found)} gradients, expected {len(wanted)}"
    for position, (left, right) in enumerate(zip(found, wanted, strict=True)):
        if left is None or right is None:
            if left is not right:
                return f"gradient #{position} is {_kind(left)}, expected {_kind(right)}"
            continue
        if left[1] != right[1]:
            return f"gradient #{position} is {left[1]}, expected {right[1]}"
        difference = value_difference(left[0], right[0], tolerance)
        if difference is not None:
            return f"gradient #{position}: {difference}"
    return None


def _kind(entry: Any) -> str:
    return "None" if entry is None else str(entry[1])


def _or_zero(entry: Any, other: Any) -> wire.Value | None:
    if entry is not None:
        return entry[0]  # type: ignore[no-any-return]
    return None if other is None else (other[0][0], np.zeros_like(other[0][1]))


def _attribute_problems(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> list[str]:
    ours = {item["name"]: item for item in found}
    theirs = {item["name"]: item for item in wanted}
    problems = [f"attribute {name} is missing" for name in theirs if name not in ours]
    problems += [f"attribute {name} is not in TensorFlow's" for name in ours if name not in theirs]
    for name in ours.keys() & theirs.keys():
        for key, value in ours[name].items():
            expected = theirs[name][key]
            same = _same_set(value, expected) if key == "allowed" else _same_attribute(value, expected)
            if not same:
                problems.append(f"attribute {name}, {key}: {value!r}, expected {expected!r}")
    return problems


def _same_attribute(found: Any, expected: Any) -> bool:
    if isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], np.ndarray):
        return value_difference(found, expected) is None
    if isinstance(found, float) and isinstance(expected, float):
        return np.float32(found) == np.float32(expected)
    return bool(found == expected)


def _same_set(found: Any, expected: Any) -> bool:
    if found is None or expected is None:
        return found is expected
    return set(found) == set(expected)


class Problem(str):
    """Is a line that says how a call differs; it knows the call, and how that was spoiled if it was."""

    sample: Sample
    what: str

    @classmethod
    def of(cls, sample: Sample, text: str, what: str = "") -> Problem:
        problem = cls(f"{what}: {text}" if what else text)
        problem.sample, problem.what = sample, what
        return problem


def _problem(sample: Sample, difference: str | None) -> list[str]:
    return [] if difference is None else [Problem.of(sample, f"{sample}: {difference}")]


def _without_steps(asked: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in asked.items() if key != "before"}
