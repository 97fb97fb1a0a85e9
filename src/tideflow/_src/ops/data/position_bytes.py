"""Positions in datasets as bytes and arrays, so that a checkpoint can hold them.

A position is made of lists, tuples, numbers, strings, arrays, None, and windows: data sets whose elements are there.
The structure is written as JSON, in which objects stand for what JSON has not: ``{"t": [...]}`` for a tuple,
``{"a": 2}`` for the third array.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import UnimplementedError
from tideflow._src.ops.data.sources import Elements


def encode(position: Any) -> tuple[bytes, list[Any]]:
    """Returns a position as bytes and arrays.

    Raises:
      UnimplementedError: it holds elements that cannot be written, such as datasets.
    """
    arrays: list[Any] = []

    def written(value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, bytes):
            return {"b": value.decode("latin-1")}
        if type(value) is list:
            return [written(each) for each in value]
        if isinstance(value, tuple):
            return {"t": [written(each) for each in value]}
        if type(value) is dict:
            return {"d": [[written(key), written(each)] for key, each in value.items()]}
        if type(value) is np.ndarray or isinstance(value, np.generic):
            arrays.append(np.asarray(value))
            return {"a" if type(value) is np.ndarray else "s": len(arrays) - 1}
        if type(value) is Elements:
            types = [dtype.name for dtype in value.types]
            return {"w": [written(each) for each in (value.kind, types, list(value.shapes), list(value.elements))]}
        raise UnimplementedError(
            None, None, f"The position of an iterator that holds {type(value).__name__} elements cannot be saved."
        )

    return json.dumps(written(position)).encode(), arrays


def decode(text: bytes, arrays: list[Any]) -> Any:
    """Returns the position that bytes and arrays hold.

    Raises:
      ValueError: they hold none.
    """

    def read(value: Any) -> Any:
        if isinstance(value, list):
            return [read(each) for each in value]
        if not isinstance(value, dict):
            return value
        ((kind, content),) = value.items()
        if kind == "b":
            return content.encode("latin-1")
        if kind == "t":
            return tuple(read(each) for each in content)
        if kind == "d":
            return {read(key): read(each) for key, each in content}
        if kind == "a":
            return arrays[content]
        if kind == "w":
            name, types, shapes, elements = map(read, content)
            return Elements(name, [dtypes.as_dtype(each) for each in types], shapes, elements)
        if kind == "s":
            return arrays[content][()]
        raise ValueError(f"it has an unknown mark {kind!r}")

    try:
        return read(json.loads(text))
    except (AttributeError, IndexError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"it is no position: {error}") from None
