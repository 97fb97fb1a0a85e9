"""Compares the tiers over the whole range of floats, for every operation that works element by element.

The operations are found in the registry, by how they behave. What is promised: both tiers give the same number, up to
four units in the last place of the largest term of its formula, or what :data:`PROMISES` says. A compiled program may
count subnormal numbers as zeros, where they come in and where they come out (TensorFlow's kernels do as well); so what
is within a few times of the smallest normal number may be zero.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import pytest

from parity import subject
from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.graph import evaluation
from tideflow._src.graph.op_def import REQUIRED, OpDef
from tideflow._src.runtime.op import op
from tideflow._src.runtime.tracing import NeedsHost, xla_kernel

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Promise:
    """Says how far the tiers may be apart.

    Attributes:
      ulps: units in the last place, for float32 and float64.
      largest_term: gives, from a result and the arguments, the size of the largest term of the formula, if that is
        not the result itself.
      between: an intermediate result of which the same holds as of arguments: it may be zero if it is subnormal.
      rounded_at: the function jumps, so that it counts how its argument was rounded: beside numbers of this size.
    """

    ulps: tuple[float, float] = (4, 4)
    largest_term: Callable[..., Array] = lambda result, *arguments: np.abs(result)
    between: Callable[..., Array] | None = None
    rounded_at: float = 0


def _lgamma_terms(result: Array, x: Array) -> Array:
    """Gives the largest term of Stirling's and Lanczos' formulas."""
    return np.where((x > 0.5) & (x < 2.5), 0, (1 + np.abs(x)) * np.log(2 + np.abs(x)))


def _polygamma_terms(result: Array, order: Array, x: Array) -> Array:
    """Gives what a factorial as the exponential of its logarithm, and a power as one, leave of the result."""
    exponent = (1 + order) * (np.log(1 + order) + np.abs(np.log(np.abs(x))))
    return np.where(order == 0, _digamma_terms(result, x), np.abs(result) * (1 + exponent))


def _digamma_terms(result: Array, x: Array) -> Array:
    return 2 + np.log(1 + np.abs(x))


_SERIES = Promise(ulps=(16, 16))  # polynomials that are fitted to the last place but one
# An expansion that has eight digits right; of the largest parameters SciPy does not have the tails.
_INCOMPLETE = Promise((16, 2**26), lambda result, a, x: np.where(a > 1e12, 1, 0))

PROMISES = {
    **dict.fromkeys(["BesselI0", "BesselI0e", "BesselI1", "BesselI1e", "Erfinv", "Spence", "Tanh"], _SERIES),
    **dict.fromkeys(["Igamma", "Igammac"], _INCOMPLETE),
    **dict.fromkeys(["Log1p", "Atanh", "Xlog1py"], Promise(ulps=(4, 64))),  # as XLA's logarithm near 1 is
    "Digamma": Promise(ulps=(16, 16), largest_term=_digamma_terms),
    "Erfc": Promise(ulps=(8, 8), largest_term=lambda result, x: np.abs(result) * (1 + x * x)),  # exp(-x * x)
    "Expint": Promise(ulps=(4, 16), largest_term=lambda result, x: 1 + np.abs(np.log(x))),
    "FakeQuantWithMinMaxArgs": Promise(rounded_at=6),
    "FloorDiv": Promise(between=lambda x, y: x / y),
    "FloorMod": Promise(between=np.fmod),
    "Lgamma": Promise(ulps=(16, 16), largest_term=_lgamma_terms),
    "Polygamma": Promise((16, 16), _polygamma_terms, between=lambda order, x: (np.abs(x) + 10) ** -(order + 2)),
    "RsqrtGrad": Promise(between=lambda y, dy: y * y),
    "Zeta": Promise(
        ulps=(8, 8),
        largest_term=lambda result, x, q: np.abs(result * (1 + np.abs(x * np.log(np.abs(q))))),
        between=lambda x, q: (np.abs(q) + 10) ** -(x + 1),
    ),
}

#: Points where functions turn, jump, overflow, round, or change from one formula to another.
_POINTS = [0.375, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 7.5, 8, 10, 20, 40, 50, 80, 88, 89.5, 100, 700, 709, 711, 1e5, 1e7]
_POINTS += [np.pi / 4, np.pi / 2, np.pi, 2**23, 2**24, 2**31, 2**52, 2**53]


def numbers(dtype: Any, per_exponent: int, exponents: int, steps: int) -> Array:
    """Returns floats of all sizes and both signs: subnormal, huge, zero, infinite, NaN, and what lies beside points.

    Args:
      dtype: float32 or float64.
      per_exponent: how many numbers have the same exponent.
      exponents: how many of the exponents occur, in equal steps.
      steps: how many numbers lie between 0 and 12, and between 12 and 120.
    """
    limits = np.finfo(dtype)
    lowest = limits.minexp - limits.nmant
    exponent = np.unique(np.linspace(lowest, limits.maxexp - 1, exponents).astype(int))
    mantissas = np.linspace(1, 2, per_exponent, endpoint=False)
    spread = np.concatenate([np.ldexp(dtype(mantissa), exponent) for mantissa in mantissas])
    points = np.array([*_POINTS, limits.max, limits.tiny, limits.tiny / 3, limits.smallest_subnormal], dtype)
    with np.errstate(over="ignore", under="ignore"):
        beside = [points, np.nextafter(points, dtype(0)), np.nextafter(points, dtype(np.inf))]
    dense = [np.linspace(0, 12, steps), np.linspace(12, 120, steps)]
    positive = np.concatenate([spread, *beside, *dense, [np.inf]]).astype(dtype)
    return np.concatenate([positive, -positive, [np.nan]]).astype(dtype)


def arguments_of(definition: OpDef, dtype: Any) -> list[Array]:
    """Returns arguments for all inputs of an operation: of several, every combination of fewer numbers."""
    count = len(definition.inputs)
    if count == 1:
        return [numbers(dtype, 3, 2100, 600)]
    few = numbers(dtype, 1, 60, 10)
    if count > 2:
        few = few[:: 2 * count]
    return [grid.ravel() for grid in np.meshgrid(*[few] * count)]


def _attribute_choices(definition: OpDef) -> Iterator[dict[str, Any]]:
    """Yields the attributes to call an operation with: defaults, and where a type is asked for, each floating one."""
    choices = []
    for name in definition.kernel_attributes:
        attribute = definition.attributes[name]
        if attribute.default is not REQUIRED:
            choices.append([attribute.default])
        elif attribute.type == "type":
            choices.append([dtype for dtype in (dtypes.float32, dtypes.float64) if definition.accepts(name, dtype)])
        else:
            return
    for chosen in itertools.product(*choices):
        yield dict(zip(definition.kernel_attributes, chosen, strict=True))


def _takes(definition: OpDef, dtype: DType) -> bool:
    return all(
        not argument.is_list
        and not argument.is_ref
        and (definition.accepts(argument.type_attr, dtype) if argument.type_attr else argument.dtype is dtype)
        for argument in definition.inputs
    )


def _outputs(kernel: Callable[..., Any], *arguments: Any) -> list[Array]:
    result = kernel(*arguments)
    return [np.asarray(item) for item in (result if isinstance(result, (list, tuple)) else [result])]


def _is_elementwise(kernel: Callable[..., Any], count: int, dtype: Any) -> bool:
    """Tells whether each element of the outputs depends on the elements of the inputs in its place alone."""
    generator = np.random.default_rng(0)
    inputs = [generator.uniform(0.1, 0.9, (3, 4)).astype(dtype) for _ in range(count)]
    changed = [item.copy() for item in inputs]
    for item in changed:
        item[1, 2] = 0.95
    elsewhere = np.ones((3, 4), bool)
    elsewhere[1, 2] = False
    try:
        results = _outputs(kernel, *inputs)
        if any(result.shape != (3, 4) or result.dtype.kind not in "fcbiu" for result in results):
            return False
        after = _outputs(kernel, *changed)
        turned = _outputs(kernel, *[item.T for item in inputs])
        single = _outputs(kernel, *[item[0, 0] for item in inputs])
    except Exception:  # it asks for another rank, or for shapes that differ
        return False
    return (
        all(np.array_equal(x[elsewhere], y[elsewhere], equal_nan=True) for x, y in zip(results, after, strict=True))
        and all(np.array_equal(x, y.T, equal_nan=True) for x, y in zip(results, turned, strict=True))
        and all(item.shape == () for item in single)
    )


@dataclass(frozen=True)
class Call:
    """Is an operation that works element by element, with attributes."""

    definition: OpDef
    attributes: dict[str, Any]

    def host(self, *arguments: Array) -> list[Array]:
        """Computes on the host tier."""
        kernel = evaluation.host_kernel(self.definition)
        assert kernel is not None
        with np.errstate(all="ignore"):
            return _outputs(lambda *items: kernel(*items, **self.attributes), *arguments)

    def compiled(self, *arguments: Array) -> list[Array]:
        """Computes on the XLA tier."""
        kernel = xla_kernel(self.definition)
        with jax.enable_x64(True):
            return _outputs(jax.jit(lambda *items: kernel(*items, **self.attributes)), *arguments)


def elementwise_calls(dtype: Any) -> Iterator[Call]:
    """Yields every operation of two tiers that works element by element on numbers of a dtype."""
    for name in subject.every_op():
        definition = OpDef.registry[name]
        effects = definition.stateful or definition.random or definition.reads or definition.updates
        if effects or definition.takes_functions or definition.static_inputs or not definition.inputs:
            continue
        if not _takes(definition, dtypes.as_dtype(dtype)) or evaluation.host_kernel(definition) is None:
            continue
        try:
            xla_kernel(definition)
        except NeedsHost:
            continue
        for attributes in _attribute_choices(definition):
            call = Call(definition, attributes)
            if _is_elementwise(call.host, len(definition.inputs), dtype):
                yield call


def _without_subnormal(x: Array) -> Array:
    return np.where(np.abs(x) < np.finfo(x.dtype).tiny, np.copysign(x.dtype.type(0), x), x)


def _agree(found: Array, wanted: Array, ulps: float, terms: Array) -> Array:
    """Tells of each element whether two results differ by no more than some units in the last place of a term."""
    if found.dtype.kind not in "f":
        return found == wanted
    limits = np.finfo(found.dtype)
    # An infinity counts as the largest number: in one tier the last units of that may overflow.
    left, right, terms = (
        np.clip(item, -limits.max, limits.max).astype(np.longdouble) for item in (found, wanted, terms)
    )
    close = np.abs(left - right) <= ulps * limits.eps * np.maximum(terms, limits.tiny)
    tiny = np.maximum(np.abs(left), np.abs(right)) <= 4 * limits.tiny
    return close | tiny | (np.isnan(left) & np.isnan(right))


def _parts(results: list[Array]) -> list[Array]:
    """Returns results with the parts of complex ones apart."""
    return [part for item in results for part in ([item.real, item.imag] if item.dtype.kind == "c" else [item])]


def differences(call: Call, dtype: Any, promise: Promise) -> list[str]:
    """Says where the tiers differ by more than is promised; empty if nowhere."""
    arguments = arguments_of(call.definition, dtype)
    found = _parts(call.compiled(*arguments))
    ulps = promise.ulps[dtype is np.float64]
    shown = []
    candidates = [arguments, [_without_subnormal(item) for item in arguments]]
    unit = promise.rounded_at * np.finfo(dtype).eps
    candidates += [[item + dtype(k * unit) for item in arguments] for k in (-2, -1, 1, 2) if unit]
    answers = [_parts(call.host(*candidate)) for candidate in candidates]
    for position, result in enumerate(found):
        agreed = np.zeros(result.shape, bool)
        with np.errstate(all="ignore"):
            for candidate, answer in zip(candidates, answers, strict=True):
                assert answer[position].dtype == result.dtype
                terms = np.abs(answer[position])
                if result.dtype.kind == "f":
                    terms = np.fmax(terms, promise.largest_term(answer[position], *candidate))
                agreed |= _agree(result, answer[position], ulps, terms)
            if promise.between is not None:
                agreed |= np.abs(promise.between(*arguments)) <= 4 * np.finfo(dtype).tiny
        for place in np.flatnonzero(~agreed)[:3]:
            values = ", ".join(repr(item[place]) for item in arguments)
            name = call.definition.name
            shown.append(f"{name}({values}): compiled {result[place]!r}, host {answers[0][position][place]!r}")
    return shown


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_tiers_agree_everywhere(dtype: Any) -> None:
    calls = list(elementwise_calls(dtype))
    found = {call.definition.name for call in calls}
    assert len(found) > 80
    assert set("Mul ReluGrad Relu6Grad RsqrtGrad TanhGrad Igamma Cast Complex IsNan ClipByValue".split()) <= found
    assert set(PROMISES) <= found | {"FakeQuantWithMinMaxArgs"}
    problems = [
        line for call in calls for line in differences(call, dtype, PROMISES.get(call.definition.name, Promise()))
    ]
    assert not problems, "\n" + "\n".join(problems)


# The comparison, shown operations that differ.


def _twice_with(compiled: Callable[[Any], Any]) -> list[str]:
    """Compares an operation that doubles a number with what it is compiled to."""
    definition = op("TestTwice", "x: T -> y: T", T=("float", "double"))(lambda xp, x: x + x)
    try:
        definition.xla(compiled)
        return differences(Call(definition, {}), np.float32, Promise())
    finally:
        del OpDef.registry["TestTwice"]


def test_the_same_is_not_a_difference() -> None:
    assert _twice_with(lambda x: x * 2) == []


def test_a_few_units_in_the_last_place_are_no_difference_and_more_are() -> None:
    assert _twice_with(lambda x: x * np.float32(2 + 2**-21)) == []
    assert _twice_with(lambda x: x * np.float32(2 + 2**-19))


def test_an_infinity_for_a_nan_is_a_difference() -> None:
    assert _twice_with(lambda x: jax.numpy.where(x == jax.numpy.inf, x - x, x * 2))


def test_an_overflow_is_a_difference() -> None:
    assert _twice_with(lambda x: jax.numpy.where(abs(x) > 1e38, x * jax.numpy.inf, x * 2))


def test_a_number_that_vanishes_is_a_difference_unless_it_is_subnormal() -> None:
    assert _twice_with(lambda x: jax.numpy.where(abs(x) < 1e-38, 0, x * 2)) == []
    assert _twice_with(lambda x: jax.numpy.where(abs(x) < 1e-30, 0, x * 2))


def test_what_mixes_elements_is_not_elementwise() -> None:
    assert _is_elementwise(np.sin, 1, np.float32)
    assert not _is_elementwise(lambda x: x - x.mean(), 1, np.float32)
    assert not _is_elementwise(lambda x: np.cumsum(x, axis=-1), 1, np.float32)
    assert not _is_elementwise(lambda x: x[..., ::-1], 1, np.float32)
