"""Checks one op against itself: rules against kernels, tier against tier, gradients against differences.

Each check takes a definition and returns a list of problems, empty if there are none, without TensorFlow.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tideflow._src.autodiff.tape import GradientTape
from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import wrap
from tideflow._src.graph import samples as forms
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.samples import Sample, samples_of
from tideflow._src.runtime.convert import convert_to_tensor

from . import subject, wire
from .comparison import error_difference, list_difference, shape_allows, value_difference
from .exemptions import unspecified_outputs

_DOUBLE = {
    "float16": np.float64,
    "bfloat16": np.float64,
    "float32": np.float64,
    "complex64": np.complex128,
}


def _problem(sample: Sample, difference: str | None) -> list[str]:
    return [] if difference is None else [f"{sample}: {difference}"]


@functools.lru_cache(maxsize=1)
def _answers(definition: OpDef) -> list[tuple[Sample, dict[str, Any]]]:
    """Returns the samples with what they give: checks of one op that follow each other share the calls."""
    return [(sample, subject.call(sample)) for sample in samples_of(definition)]


def _working(definition: OpDef) -> Iterator[tuple[Sample, dict[str, Any]]]:
    """Yields the samples that succeed, with what they give."""
    for sample, answer in _answers(definition):
        if sample.error is None and "error" not in answer:
            yield sample, answer


def completeness(definition: OpDef) -> list[str]:
    """Checks that the definition has samples, and a gradient or the statement that it has none."""
    problems = []
    try:
        samples_of(definition)
    except LookupError as error:
        problems.append(str(error))
    if definition.gradient_rule is None and definition.differentiable is True:
        problems.append(f'{definition.name} has no gradient and does not say so (differentiable=False or "missing")')
    return problems


def outcomes(definition: OpDef) -> list[str]:
    """Checks that each sample succeeds, or fails with the error that it announces."""
    problems = []
    for sample, answer in _answers(definition):
        found = answer.get("error")
        expected = None if sample.error is None else (sample.error, "as the sample says")
        problems += _problem(sample, error_difference(found, expected))
    return problems


def static_shapes(definition: OpDef) -> list[str]:
    """Checks that inferred dtypes and shapes allow the real ones, however little is known of the inputs."""
    problems = []
    for sample, answer in _working(definition):
        for variant, shapes in subject.static_shapes(sample).items():
            if isinstance(shapes, dict):
                problems += _problem(sample, f"{variant}: it works, but inference says {shapes['error']}")
                continue
            if len(shapes) != len(answer["outputs"]):
                problems += _problem(sample, f"{variant}: {len(shapes)} shapes, {len(answer['outputs'])} outputs")
                continue
            for shape, (dtype, array) in zip(shapes, answer["outputs"], strict=True):
                actual = () if array is None else array.shape
                if dtype not in ("resource", "variant") and not shape_allows(shape, actual):
                    problems += _problem(sample, f"{variant}: inferred {shape}, really {actual}")
    return problems


def session(definition: OpDef) -> list[str]:
    """Checks that the op gives in a session what it gives eagerly, static inputs fed and constant."""
    problems = []
    for sample, answer in _working(definition):
        if subject.needs_graph(sample):
            continue
        for static in (False, True) if sample.static else (False,):
            with subject.tier("host"):
                found = subject.run_in_session(sample, static=static)
            problems += _problem(sample, _difference(sample, found, answer))
    return problems


def graph_def(definition: OpDef) -> list[str]:
    """Checks that a GraphDef written and read back computes the same."""
    problems = []
    for sample, answer in _working(definition):
        if sample.before or sample.op.startswith("Placeholder"):
            continue
        made = subject.make_graph_def(sample)
        shown = [
            position for position, value in enumerate(answer["outputs"]) if value[0] not in ("resource", "variant")
        ]
        fetches = [made["outputs"][position] for position in shown] or [made["operation"]]
        found = subject.run_graph_def(made["graph_def"], made["feeds"], fetches, made["initializers"])
        if shown or "error" in found:
            wanted = {"outputs": [answer["outputs"][position] for position in shown], "state": []}
            problems += _problem(sample, _difference(sample, {**found, "state": []}, wanted))
    return problems


def tiers(definition: OpDef) -> list[str]:
    """Checks that the compiled tier gives what the interpreted one gives: of random ops, the same numbers."""
    if definition.tier == "host" and definition.xla_kernel is None:
        return []
    working = [(_seeded(sample), answer) for sample, answer in _working(definition) if not subject.needs_graph(sample)]
    found = subject.run_compiled([sample for sample, _ in working])
    problems = []
    for (sample, answer), compiled in zip(working, found, strict=True):
        if sample.random:  # eager calls continue one stream, each session starts its own
            with subject.tier("host"):
                answer = subject.run_in_session(sample, static=True)
        problems += _problem(sample, _difference(dataclasses.replace(sample, random=False), compiled, answer))
    return problems


def _seeded(sample: Sample) -> Sample:
    """Returns the call of a random op with a seed, of other ops as it is."""
    if not sample.random or sample.attributes.get("seed") or sample.attributes.get("seed2"):
        return sample
    return dataclasses.replace(sample, attributes={**sample.attributes, "seed": 3, "seed2": 5})


def _difference(sample: Sample, found: dict[str, Any], wanted: dict[str, Any]) -> str | None:
    if "error" in found:
        return error_difference(found["error"], None)
    if sample.random and not (sample.attributes.get("seed") or sample.attributes.get("seed2")):
        shapes = [(dtype, array.shape) for dtype, array in found["outputs"]]
        expected = [(dtype, array.shape) for dtype, array in wanted["outputs"]]
        return None if shapes == expected else f"{shapes}, expected {expected}"
    if sample.random:
        return None  # eager calls continue one stream, a session starts its own: the parity tests compare both
    hidden = unspecified_outputs(sample)
    outputs = [
        [item for number, item in enumerate(side["outputs"]) if number not in hidden] for side in (found, wanted)
    ]
    difference = list_difference(*outputs, sample.tolerance)
    return difference or list_difference(found["state"], wanted["state"], sample.tolerance)


# Gradients against finite differences


@dataclasses.dataclass(frozen=True)
class Slot:
    """Is the place of one differentiable array among the inputs of a call."""

    position: int
    item: int | None
    array: np.ndarray[Any, Any]

    def put(self, inputs: tuple[Any, ...], array: np.ndarray[Any, Any]) -> tuple[Any, ...]:
        """Returns the inputs with another array in this place."""
        changed = list(inputs)
        if self.item is None:
            is_variable = isinstance(changed[self.position], forms.Variable)
            changed[self.position] = forms.Variable(array) if is_variable else array
        else:
            items = list(changed[self.position])
            items[self.item] = array
            changed[self.position] = items
        return tuple(changed)


def in_double(definition: OpDef, sample: Sample) -> Sample:
    """Returns the call in double precision, as far as the op allows that type."""

    def widened(item: Any, attribute: str) -> Any:
        if isinstance(item, list):
            return [widened(each, attribute) for each in item]
        if isinstance(item, forms.Variable):
            return forms.Variable(widened(item.value, attribute))
        if not isinstance(item, np.ndarray):
            return item
        wide = _DOUBLE.get(dtypes.of_numpy[item.dtype].name)
        if wide is None or (attribute and not definition.accepts(attribute, dtypes.as_dtype(wide))):
            return item
        return item.astype(wide)

    if any(isinstance(value, forms.Body) for value in sample.attributes.values()):
        return sample  # the function has parameters of its own types
    inputs = []
    implied = {argument.type_attr for argument in definition.inputs}
    for item, argument in zip(sample.inputs, definition.inputs, strict=True):
        fixed = argument.dtype is not None and argument.dtype.name != "resource"
        inputs.append(item if fixed else widened(item, argument.type_attr))
    attributes = {}
    for name, value in sample.attributes.items():
        if definition.attributes[name].type == "type":
            wide = _DOUBLE.get(dtypes.as_dtype(value).name)
            if wide is not None and definition.accepts(name, dtypes.as_dtype(wide)):
                value = dtypes.as_dtype(wide)
        attributes[name] = value
    for name, attribute in definition.attributes.items():
        if name not in attributes and isinstance(attribute.default, DType) and name not in implied:
            wide = _DOUBLE.get(attribute.default.name)
            if wide is not None and definition.accepts(name, dtypes.as_dtype(wide)):
                attributes[name] = dtypes.as_dtype(wide)
    return dataclasses.replace(sample, inputs=tuple(inputs), attributes=attributes)


def _slots(sample: Sample) -> list[Slot]:
    slots = []
    for position, item in enumerate(sample.inputs):
        if isinstance(item, list):
            slots += [Slot(position, index, each) for index, each in enumerate(item) if isinstance(each, np.ndarray)]
        elif isinstance(item, np.ndarray):
            slots.append(Slot(position, None, item))
        elif isinstance(item, forms.Variable):
            slots.append(Slot(position, None, item.value))
    return [slot for slot in slots if dtypes.of_numpy[slot.array.dtype].name in wire.DIFFERENTIABLE]


def _outputs(sample: Sample, inputs: tuple[Any, ...]) -> list[np.ndarray[Any, Any]]:
    answer = subject.call(dataclasses.replace(sample, inputs=inputs))
    if "error" in answer:
        raise RuntimeError(f"{answer['error'][0]}: {answer['error'][1]}")
    return [wire.comparable(value) for value in answer["outputs"] if value[0] in wire.DIFFERENTIABLE]


def _first(sample: Sample, inputs: tuple[Any, ...], upstream: list[Any]) -> list[np.ndarray[Any, Any] | None]:
    """Returns the gradients by every differentiable input for the given gradients of the outputs."""
    run = subject.Run()
    tensors = run.inputs(dataclasses.replace(sample, inputs=inputs))
    sources = [tensor for tensor in subject.flatten(tensors) if subject._differentiable(tensor, run)]
    with GradientTape() as tape:
        for tensor in sources:
            tape.watch(tensor)
        outputs = subject.flatten(OpDef.registry[sample.op](*tensors, **subject.attributes_of(sample)))
    outputs = [tensor for tensor in outputs if tensor.dtype.name in wire.DIFFERENTIABLE]
    seeds = [wrap(array) for array in upstream]
    found = tape.gradient(outputs, sources, output_gradients=seeds)
    return [None if g is None else np.asarray(convert_to_tensor(g).numpy()) for g in found]


def _inner(left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> float:
    return float(np.sum(np.real(np.conj(left) * right)))


def _size(left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> float:
    return float(np.sum(np.abs(left) * np.abs(right)))


def first_gradients(definition: OpDef) -> list[str]:
    """Checks first gradients against central differences along random directions."""
    return _each_differentiable(definition, _first_difference)


def second_gradients(definition: OpDef) -> list[str]:
    """Checks gradients of gradients against central differences of the first ones."""
    return _each_differentiable(definition, _second_difference)


def _each_differentiable(definition: OpDef, check: Callable[[Sample], str | None]) -> list[str]:
    if definition.gradient_rule is None:
        return []
    problems = []
    for original in samples_of(definition):
        if original.gradient and original.differences and not original.before and not original.random:
            sample = in_double(definition, original)
            try:
                problems += _problem(original, check(sample)) if _slots(sample) else []
            except LookupError as error:
                if type(error) is not LookupError:  # a plain one says that there is no gradient here
                    raise
    return problems


def _step(sample: Sample) -> tuple[float, float]:
    """Returns the step of central differences and the relative error that they may have."""
    names = {dtypes.of_numpy[slot.array.dtype].name for slot in _slots(sample)}
    # Some outputs are float32 whatever the inputs are: images that were resized, for one.
    fixed = [argument.dtype for argument in OpDef.registry[sample.op].outputs if argument.dtype is not None]
    names |= {dtype.name for dtype in fixed if dtype.is_floating}
    if names <= {"float64", "complex128"}:
        return 1e-5, 2e-6 if sample.tolerance is None else max(2e-6, sample.tolerance)
    return (1e-2, 1e-2) if names <= {"float64", "complex128", "float32", "complex64"} else (0.125, 0.2)


def _first_difference(sample: Sample) -> str | None:
    slots = _slots(sample)
    step, tolerance = _step(sample)
    outputs = _outputs(sample, sample.inputs)
    weights = [_weights(array, f"upstream {i}") for i, array in enumerate(outputs)]
    if not outputs:
        return None
    gradients = _first(sample, sample.inputs, [_like(w, a) for w, a in zip(weights, outputs, strict=True)])

    def loss(inputs: tuple[Any, ...]) -> float:
        return sum(_inner(w, array) for w, array in zip(weights, _outputs(sample, inputs), strict=True))

    scale = sum(_size(w, array) for w, array in zip(weights, outputs, strict=True))
    for number, (slot, gradient) in enumerate(zip(slots, gradients, strict=True)):
        difference = _along(sample, slot, gradient, loss, step, tolerance, scale)
        if difference is not None:
            return f"gradient #{number}: {difference}"
    return None


def _along(
    sample: Sample,
    slot: Slot,
    gradient: np.ndarray[Any, Any] | None,
    loss: Callable[[tuple[Any, ...]], float],
    step: float,
    tolerance: float,
    scale: float,
) -> str | None:
    if gradient is None or not np.all(np.isfinite(slot.array)):
        return None  # TensorFlow has none for some inputs that matter: which, is compared with it
    if gradient.shape != slot.array.shape:
        return f"shape {gradient.shape}, but the input has {slot.array.shape}"
    for number in range(2):
        direction = _weights(slot.array, f"direction {number}")
        ahead = loss(slot.put(sample.inputs, _like(slot.array + step * direction, slot.array)))
        behind = loss(slot.put(sample.inputs, _like(slot.array - step * direction, slot.array)))
        expected = (ahead - behind) / (2 * step)
        found, size = _inner(gradient, direction), _size(gradient, direction)
        if not np.isfinite(expected):
            continue  # the direction leads out of where the function is defined
        if not abs(found - expected) <= tolerance * max(1.0, size, abs(expected), scale * 0.1):
            return f"{found:.9g} along a direction, but differences give {expected:.9g}"
    return None


def _second_difference(sample: Sample) -> str | None:
    slots = _slots(sample)
    step, tolerance = _step(sample)
    outputs = _outputs(sample, sample.inputs)
    if not outputs:
        return None
    upstream = [_like(_weights(array, f"upstream {i}"), array) for i, array in enumerate(outputs)]
    first = _first(sample, sample.inputs, upstream)
    seeds = [None if g is None else _weights(g, f"first {i}") for i, g in enumerate(first)]
    answer = subject.gradients(sample, second=True)
    for key in ("first_error", "second_error"):
        if key in answer and answer[key][0] == "LookupError":
            return None
        if key in answer:
            return f"{key}: {answer[key]}"

    def loss(inputs: tuple[Any, ...], seeds_of_outputs: list[Any]) -> float:
        found = _first(sample, inputs, seeds_of_outputs)
        return sum(_inner(s, g) for s, g in zip(seeds, found, strict=True) if s is not None and g is not None)

    scale = sum(_size(s, g) for s, g in zip(seeds, first, strict=True) if s is not None and g is not None)
    for number, (slot, entry) in enumerate(zip(slots, answer["second"], strict=True)):
        gradient = None if first[number] is None else _dense(entry, slot.array)
        difference = _along(sample, slot, gradient, lambda inputs: loss(inputs, upstream), step, tolerance, scale)
        if difference is not None:
            return f"second gradient #{number}: {difference}"
    for number, (array, entry) in enumerate(zip(upstream, answer["second_upstream"], strict=True)):
        gradient = _dense(entry, array)
        place = Slot(number, None, array)
        stand_in = dataclasses.replace(sample, inputs=tuple(upstream))
        difference = _along(
            stand_in, place, gradient, lambda seeds: loss(sample.inputs, list(seeds)), step, tolerance, scale
        )
        if difference is not None:
            return f"gradient by the upstream gradient #{number}: {difference}"
    return None


def _dense(entry: Any, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Returns a second gradient; where there is none, all of the first one must be constant."""
    return np.zeros_like(array) if entry is None else wire.comparable(entry[0])


def _weights(array: np.ndarray[Any, Any], label: str) -> np.ndarray[Any, Any]:
    return wire.weights(array.shape, dtypes.of_numpy[array.dtype].name, label)


def _like(values: np.ndarray[Any, Any], array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(values).astype(array.dtype)


Check = Callable[[OpDef], list[str]]
#: The checks that come out alike on every processor, and those that compare numbers which were computed in two ways.
RULES: tuple[Check, ...] = (completeness, outcomes, static_shapes, session, graph_def)
NUMBERS: tuple[Check, ...] = (tiers, first_gradients, second_gradients)
CHECKS = RULES + NUMBERS

__all__ = [
    "CHECKS",
    "NUMBERS",
    "RULES",
    "Check",
    "Slot",
    "in_double",
    "value_difference",
    *(check.__name__ for check in CHECKS),
]
