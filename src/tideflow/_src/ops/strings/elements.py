"""Takes the strings out of the arrays that kernels get, and puts strings into the arrays that they return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.shape_inference import shape_text

Array = np.ndarray[Any, Any]


def items_of(value: Any) -> list[bytes]:
    """Returns the strings of an array as a flat list."""
    return np.asarray(value, object).ravel().tolist()  # type: ignore[no-any-return]


def array_of(items: Sequence[bytes], shape: Sequence[int]) -> Array:
    """Returns strings as an array of the given shape."""
    return np.fromiter(items, object, len(items)).reshape(shape)


def mapped(function: Callable[[bytes], bytes], value: Any) -> Array:
    """Returns what a function makes of each string of an array."""
    return array_of(list(map(function, items_of(value))), np.shape(value))


def scalar_string(value: Any, described: str) -> bytes:
    """Returns the one string of a value that must be a scalar.

    Raises:
      InvalidArgumentError: it is not.
    """
    if np.ndim(value):
        raise invalid_argument(f"{described} must be scalar, but received {shape_text(np.shape(value))}")
    return value.item() if isinstance(value, np.ndarray) else value


def shown(item: bytes) -> str:
    """Returns a string as messages show it."""
    return item.decode("utf-8", "backslashreplace")
