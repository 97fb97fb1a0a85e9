"""The features of the conversion that a program chooses, and what converted code calls where they are on.

A function that is converted with features hands them on to all that it calls, as in TensorFlow.
"""

from __future__ import annotations

import builtins
import enum
import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tideflow._src.core.inheritance import inherited
from tideflow._src.function.autograph.staging import symbolic
from tideflow._src.ops.array.broadcasting import broadcast_to
from tideflow._src.ops.array.indexing import SliceArguments, getitem
from tideflow._src.ops.array.shape import shape
from tideflow._src.ops.array.slicing import tensor_strided_slice_update
from tideflow._src.ops.control.python_function import py_func
from tideflow._src.runtime.convert import convert_to_tensor


class Feature(enum.Enum):
    """Names parts of the conversion that a program may choose.

    ``BUILTIN_FUNCTIONS`` makes ``print`` of a tensor print its value in each run, where without it the tensor of the
    graph is printed once, while the function is traced. ``LISTS`` makes ``x[i] = v`` of a tensor mean a tensor with
    another element under the same name; lists stay Python's. The others are always on.
    """

    ALL = "ALL"
    AUTO_CONTROL_DEPS = "AUTO_CONTROL_DEPS"
    ASSERT_STATEMENTS = "ASSERT_STATEMENTS"
    BUILTIN_FUNCTIONS = "BUILTIN_FUNCTIONS"
    EQUALITY_OPERATORS = "EQUALITY_OPERATORS"
    LISTS = "LISTS"
    NAME_SCOPES = "NAME_SCOPES"

    @classmethod
    def all(cls) -> tuple[Feature, ...]:
        """Returns every feature."""
        return tuple(cls.__members__.values())

    @classmethod
    def all_but(cls, exclude: Any) -> tuple[Feature, ...]:
        """Returns every feature but some."""
        excluded = set(exclude) if isinstance(exclude, list | tuple | set) else {exclude}
        return tuple(feature for feature in cls.all() if feature not in excluded | {cls.ALL})


class _Active(threading.local):
    """Is what is on in this thread: features that change nothing are left out."""

    features: frozenset[Feature] = frozenset()


_active = inherited(_Active())
_EFFECTIVE = frozenset((Feature.BUILTIN_FUNCTIONS, Feature.LISTS))


def chosen(features: Any) -> frozenset[Feature]:
    """Returns those of the features that a program asks for which change something."""
    given = frozenset(features if isinstance(features, list | tuple | set | frozenset) else [features])
    return _EFFECTIVE if Feature.ALL in given else given & _EFFECTIVE


def is_on(feature: Feature) -> bool:
    """Tells whether the code that runs in this thread was converted with a feature."""
    return feature in _active.features


@contextmanager
def turned_on(features: frozenset[Feature]) -> Iterator[frozenset[Feature]]:
    """Is the block in which features are on, and no others; gives those that were on."""
    before, _active.features = _active.features, features
    try:
        yield before
    finally:
        _active.features = before


def with_features(
    function: Callable[..., Any], features: frozenset[Feature], in_place_of: frozenset[Feature] = frozenset()
) -> Callable[..., Any]:
    """Returns a function that turns features on while it runs, in place of others; the function, if both are none."""
    if not features and not in_place_of:
        return function

    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        with turned_on(features):
            return function(*arguments, **named)

    return call


def print_values(*values: Any, **options: Any) -> None:
    """Prints values as Python does; of tensors of a graph what they hold, in each run."""
    tensors = [symbolic(value) for value in values]
    if all(tensor is None for tensor in tensors):
        builtins.print(*values, **options)
        return

    def show(*arrays: Any) -> None:
        found = iter(arrays)
        shown = [value if tensor is None else _text(next(found)) for value, tensor in zip(values, tensors, strict=True)]
        builtins.print(*shown, **options)

    py_func(show, [tensor for tensor in tensors if tensor is not None], [])


def _text(value: Any) -> Any:
    """Returns a value as it is printed: strings as text."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, np.ndarray) and value.dtype == object:
        return np.vectorize(_text, otypes=[object])(value)
    return value


def set_item(target: Any, key: Any, value: Any) -> Any:
    """Returns what ``target`` is after ``target[key] = value``: a tensor with other elements, or the object itself."""
    tensor = symbolic(target)
    if tensor is None or tensor is not target:
        target[key] = value
        return target
    selected = getitem(tensor, key)
    given = broadcast_to(convert_to_tensor(value, tensor.dtype.base_dtype), shape(selected))
    index = SliceArguments(key)
    return tensor_strided_slice_update(tensor, index.begin, index.end, index.strides, given, **index.masks)
