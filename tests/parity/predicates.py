"""Tells calls apart by what is special about their inputs, for the exemptions from comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.samples import Produced, Reference, Sample, Variable


def arrays(sample: Sample) -> Iterator[np.ndarray[Any, Any]]:
    """Yields the arrays among the inputs of a call."""
    for item in sample.inputs:
        for each in item if isinstance(item, list) else [item]:
            value = each.value if isinstance(each, (Variable, Reference)) else each
            if isinstance(value, np.ndarray):
                yield value


def always(sample: Sample) -> bool:
    """Is true of every call."""
    del sample
    return True


def empty(sample: Sample) -> bool:
    """Tells whether an input has no elements."""
    return any(array.size == 0 for array in arrays(sample))


def _numbers(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """Returns floating or complex numbers in double precision, of other arrays nothing."""
    name = dtypes.of_numpy[array.dtype].name
    if name.startswith("complex"):
        return array.astype(np.complex128)
    return array.astype(np.float64) if name.startswith(("float", "bfloat")) else None


def floating(sample: Sample) -> Iterator[np.ndarray[Any, Any]]:
    """Yields the floating and complex inputs of a call in double precision."""
    return (numbers for array in arrays(sample) if (numbers := _numbers(array)) is not None)


def not_finite(sample: Sample) -> bool:
    """Tells whether an input holds an infinity or a NaN."""
    return any(not np.isfinite(numbers).all() for numbers in floating(sample))


def has_nan(sample: Sample) -> bool:
    """Tells whether an input holds a NaN."""
    return any(np.isnan(numbers).any() for numbers in floating(sample))


def extreme(sample: Sample) -> bool:
    """Tells whether an input holds numbers of which powers or products overflow or vanish, or that are not finite."""
    with np.errstate(all="ignore"):
        sizes = [np.abs(numbers) for numbers in floating(sample)]
    return any(bool(((size != 0) & ~((size > 1e-15) & (size < 1e15))).any()) for size in sizes)


def complex_zero(sample: Sample) -> bool:
    """Tells whether an input holds a complex zero."""
    return any(numbers.dtype.kind == "c" and (numbers == 0).any() for numbers in floating(sample))


def both_zeros(sample: Sample) -> bool:
    """Tells whether an input holds zeros of both signs."""
    zeros = [numbers[numbers == 0] for numbers in floating(sample) if numbers.dtype.kind == "f"]
    return any(len(set(np.signbit(zero).tolist())) > 1 for zero in zeros)


def unordered(sample: Sample) -> bool:
    """Tells whether the rows of the first input are not sorted; a NaN has no place in an order."""
    first = next(arrays(sample))
    numbers = _numbers(first)
    values = first if numbers is None else numbers
    return not bool(np.all(values[..., 1:] >= values[..., :-1]))


def ties(sample: Sample) -> bool:
    """Tells whether a number comes twice in the first input."""
    first = next(arrays(sample))
    return len(np.unique(first)) < first.size


def zero_byte(sample: Sample) -> bool:
    """Tells whether a string holds a zero byte."""
    return any(b"\0" in text for array in arrays(sample) if array.dtype == object for text in array.reshape(-1))


def unusual_range(sample: Sample) -> bool:
    """Tells whether a range of quantized numbers is tiny, reversed, without zero or not finite, or a number is that."""
    if not_finite(sample):
        return True
    names = [argument.name for argument in OpDef.registry[sample.op].inputs]
    for position, name in enumerate(names):
        other = name.replace("mins", "maxes").replace("min", "max")
        if name == other or other not in names:
            continue
        low, high = (np.asarray(sample.inputs[place], np.float64) for place in (position, names.index(other)))
        with np.errstate(all="ignore"):
            if not np.all((low <= 0) & (high >= 0) & (high - low > 1e-6) & (high - low < 1e15)):
                return True
    return False


def beyond_integers(sample: Sample) -> bool:
    """Tells whether a floating number is converted that an integer type cannot hold."""
    target = sample.attributes.get("DstT")
    if target is None or not (target.is_integer or target.is_bool):
        return False
    for numbers in floating(sample):
        real = numbers.real
        if target.is_bool:
            return bool(np.isnan(real).any())
        if not np.all((np.trunc(real) >= float(target.min)) & (np.trunc(real) <= float(target.max))):
            return True
    return False


def only_reserved(sample: Sample) -> bool:
    """Tells whether a list was reserved, and none of its elements set."""
    return any(isinstance(item, Produced) and item.op == "TensorListReserve" for item in sample.inputs)


def any_of(*predicates: Callable[[Sample], bool]) -> Callable[[Sample], bool]:
    """Returns the predicate of calls for which one of several holds."""
    return lambda sample: any(predicate(sample) for predicate in predicates)


def holds(test: Callable[..., Any]) -> Callable[[Sample], bool]:
    """Returns the predicate of calls for which ``test`` of the inputs, in double precision, is true anywhere."""

    def predicate(sample: Sample) -> bool:
        plain = [array.astype(np.float64) if array.dtype.kind in "iu" else array for array in arrays(sample)]
        values = [array if (numbers := _numbers(array)) is None else numbers for array in plain]
        with np.errstate(all="ignore"):
            return bool(np.any(test(*values)))

    return predicate
