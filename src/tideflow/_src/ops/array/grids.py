"""Operations that cut a tensor into a grid of equal parts, and put the parts of a grid together."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import at_least
from tideflow._src.runtime.op import op


def _checked(counts: Sequence[int], paddings: Sequence[int], parts: int, name: str) -> list[int]:
    """Returns the padding of each dimension.

    Raises:
      InvalidArgumentError: the grid has not as many places as there are parts, or a number is out of range.
    """
    if len(counts) > 8:
        raise invalid_argument(f"{name!r} length must not exceed 8, but got {len(counts)}.")
    for index, count in enumerate(counts):
        if count <= 0:
            raise invalid_argument(f"{name!r} at index {index} must be positive, but got {count}.")
    if math.prod(counts) != parts:
        raise invalid_argument(f"'N' must match number of slices {math.prod(counts)} from {name!r}, but got {parts}.")
    if paddings and len(paddings) != len(counts):
        raise invalid_argument(f"'paddings' length must match {name!r} length {len(counts)}, but got {len(paddings)}.")
    for index, padding in enumerate(paddings):
        if padding < 0:
            raise invalid_argument(f"'padding' must be all non-negative, but got {padding} at index {index}.")
    return list(paddings) or [0] * len(counts)


def _check_numbers(value: Any) -> None:
    if value.dtype == object:
        raise invalid_argument("The parts of a grid are tensors of numbers, not of strings.")


def _part_sizes(shape: Sequence[int], counts: Sequence[int], paddings: Sequence[int]) -> list[int]:
    """Returns the shape of each part of a tensor of a shape."""
    if len(shape) != len(counts):
        raise invalid_argument(
            f"'input' tensor rank must be the same as 'num_splits' length {len(counts)}, but got rank {len(shape)}."
        )
    sizes = []
    for index, (size, count, padding) in enumerate(zip(shape, counts, paddings, strict=True)):
        if (size + padding) % count:
            raise invalid_argument(
                f"'input' tensor shape dimension {index} ({size}) with padding {padding} must be evenly divisible by "
                f"'num_splits' {count}."
            )
        sizes.append((size + padding) // count)
    return sizes


def _split(xp: Any, value: Any, counts: Sequence[int], paddings: Sequence[int], parts: int) -> list[Any]:
    _check_numbers(value)
    paddings = _checked(counts, paddings, parts, "num_splits")
    sizes = _part_sizes(value.shape, counts, paddings)
    if any(paddings):
        value = xp.pad(value, [(0, padding) for padding in paddings])
    found = []
    for place in itertools.product(*map(range, counts)):
        cut = tuple(slice(at * size, (at + 1) * size) for at, size in zip(place, sizes, strict=True))
        found.append(value[cut] if cut else value)
    return found


def _concatenated(xp: Any, inputs: Sequence[Any], counts: Sequence[int], paddings: Sequence[int]) -> Any:
    _check_numbers(inputs[0])
    paddings = _checked(counts, paddings, len(inputs), "num_concats")
    shape = inputs[0].shape
    if len(shape) != len(counts):
        raise invalid_argument(
            f"'inputs' rank must be the same as 'num_concats' length {len(counts)}, but got rank {len(shape)}."
        )
    for index, part in enumerate(inputs):
        if part.shape != shape:
            raise invalid_argument(
                f"'inputs' must all have the same expected shape {list(shape)}, but got {list(part.shape)} at index "
                f"{index}."
            )
    ends = []
    for index, (size, count, padding) in enumerate(zip(shape, counts, paddings, strict=True)):
        if padding > size * count:
            raise invalid_argument(
                f"'paddings' must not exceed expected output shape dimension {size * count} at index {index}, but got "
                f"{padding}."
            )
        ends.append(slice(0, size * count - padding))
    rows = list(inputs)
    for axis in reversed(range(len(counts))):
        count = counts[axis]
        rows = [xp.concatenate(rows[first : first + count], axis) for first in range(0, len(rows), count)]
    return rows[0][tuple(ends)] if ends else rows[0]


@op("XlaSplitND", "input: T -> outputs: N * T", N=at_least(1), differentiable="missing")
def xla_split_nd_op(xp, input, *, N: int, num_splits: list[int], paddings: list[int] = []):  # noqa: B006
    """Cuts a tensor, with zeros behind it, into a grid of equal parts, in order of their rows."""
    return _split(xp, input, num_splits, paddings, N)


@op("XlaConcatND", "inputs: N * T -> output: T", N=at_least(1), differentiable="missing")
def xla_concat_nd_op(xp, inputs, *, num_concats: list[int], paddings: list[int] = []):  # noqa: B006
    """Puts the parts of a grid together, and drops what is behind the end."""
    return _concatenated(xp, inputs, num_concats, paddings)


@op(
    "ReadVariableXlaSplitND",
    "resource: resource -> outputs: N * T",
    N=at_least(1),
    reads=("resource",),
    stateful=True,
    differentiable="missing",
)
def read_variable_xla_split_nd_op(
    xp, resource, *, T: DType, N: int, num_splits: list[int], paddings: list[int] = []  # noqa: B006
):  # fmt: skip
    """Reads a variable and cuts its value into a grid of equal parts."""
    if dtypes.as_dtype(resource.dtype) is not T:
        raise invalid_argument(
            f"'T' must match 'resource' variable dtype {dtypes.as_dtype(resource.dtype).name}, but got {T.name}"
        )
    parts = _split(xp, resource, num_splits, paddings, N)
    return [xp.array(part) for part in parts]  # the variable may be changed where it is, the parts stay what they are


@op(
    "AssignVariableXlaConcatND",
    "resource: resource, inputs: N * T ->",
    N=at_least(1),
    updates=("resource",),
    allows_uninitialized=True,
    stateful=True,
    differentiable=False,
)
def assign_variable_xla_concat_nd_op(
    xp, resource, inputs, *, num_concats: list[int], paddings: list[int] = []  # noqa: B006
):  # fmt: skip
    """Gives a variable the value that the parts of a grid make up."""
    value = _concatenated(xp, inputs, num_concats, paddings)
    if resource is not None and resource.dtype != value.dtype:
        raise invalid_argument(
            f"'T' must match 'resource' variable dtype {dtypes.as_dtype(resource.dtype).name}, but got "
            f"{dtypes.as_dtype(value.dtype).name}"
        )
    if resource is not None and np.shape(resource) != np.shape(value):
        raise invalid_argument(
            f"'resource' variable shape {list(np.shape(resource))} must be the same as the concatenated shape "
            f"{list(np.shape(value))}"
        )
    return value


# Static shapes: TensorFlow infers none.


@xla_split_nd_op.shape
def _split_shape(input, *, N):
    return [None] * N


@read_variable_xla_split_nd_op.shape
def _read_variable_split_shape(resource, *, N):
    return [None] * N


@xla_concat_nd_op.shape
def _concat_shape(inputs):
    return None


@assign_variable_xla_concat_nd_op.shape
def _assign_shape(resource, inputs):
    return []


# Samples.


@xla_split_nd_op.samples
def _split_samples(s):
    for dtype in ("float32", "float64", "int32", "bool", "bfloat16", "complex64"):
        yield s(s.array((4, 6), dtype), N=4, num_splits=[2, 2], gradient=False)
    yield s(s.normal(3, 5), N=4, num_splits=[2, 2], paddings=[1, 1], gradient=False)
    yield s(s.normal(3, 5), N=4, num_splits=[2, 2], paddings=[5, 1], gradient=False)
    yield s(s.normal(2, 3, 4), N=6, num_splits=[1, 3, 2], gradient=False)
    yield s(s.normal(3, 5), N=4, num_splits=[2, 2], error="InvalidArgumentError")
    yield s(s.normal(4, 6), N=3, num_splits=[2, 2], error="InvalidArgumentError")
    yield s(s.normal(4, 6), N=2, num_splits=[2], error="InvalidArgumentError")
    yield s(s.normal(4, 6), N=4, num_splits=[2, 2], paddings=[-1, 0], error="InvalidArgumentError")
    yield s(s.normal(4, 6), N=4, num_splits=[2, 2], paddings=[1], error="InvalidArgumentError")


@xla_concat_nd_op.samples
def _concat_samples(s):
    for dtype in ("float32", "float64", "int32", "bool", "bfloat16", "complex64"):
        yield s([s.array((2, 3), dtype) for _ in range(4)], num_concats=[2, 2], gradient=False)
    parts = [s.normal(2, 3) for _ in range(6)]
    yield s(parts, num_concats=[2, 3], paddings=[1, 2], gradient=False)
    yield s(parts, num_concats=[3, 2], gradient=False)
    yield s(parts, num_concats=[2, 2], error="InvalidArgumentError")
    yield s(parts, num_concats=[2, 3], paddings=[5, 0], error="InvalidArgumentError")
    yield s(parts, num_concats=[6], error="InvalidArgumentError")
    yield s([*parts[:5], s.normal(2, 2)], num_concats=[2, 3], error="InvalidArgumentError")


@read_variable_xla_split_nd_op.samples
def _read_variable_split_samples(s):
    yield s(s.variable(s.normal(4, 6)), T="float32", N=4, num_splits=[2, 2], gradient=False)
    yield s(s.variable(s.normal(3, 6)), T="float32", N=4, num_splits=[2, 2], paddings=[1, 0], gradient=False)
    yield s(s.variable(s.normal(3, 6)), T="float32", N=4, num_splits=[2, 2], error="InvalidArgumentError")


@assign_variable_xla_concat_nd_op.samples
def _assign_samples(s):
    parts = [s.normal(2, 3) for _ in range(4)]
    yield s(s.variable(s.normal(4, 6)), parts, num_concats=[2, 2])
    yield s(s.variable(s.normal(3, 5)), parts, num_concats=[2, 2], paddings=[1, 1])
    yield s(s.variable(s.normal(3, 5)), parts, num_concats=[2, 2], error="InvalidArgumentError")
