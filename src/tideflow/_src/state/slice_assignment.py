"""Assignment to a slice of a variable: ``variable[1:, 0].assign(value)``."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.ops.array.indexing import SliceArguments, getitem


def sliced(variable: Any, key: Any) -> Any:
    """Returns ``variable[key]`` as a tensor that has a method ``assign``."""
    result = getitem(variable.value(), key)
    if hasattr(result, "__dict__"):
        result.assign = _Assign(variable, key, result)
    return result


class _Assign:
    """Is the method ``assign`` of a slice of a variable."""

    __slots__ = ("_key", "_slice", "_variable")

    def __init__(self, variable: Any, key: Any, result: Any) -> None:
        self._variable = variable
        self._key = key
        self._slice = result

    def __call__(self, val: Any, name: str | None = None) -> Any:
        """Assigns ``val``, which broadcasts to the slice; returns the variable with its new value."""
        variable = self._variable
        arguments = SliceArguments(self._key)
        vectors: list[Any] = [arguments.begin, arguments.end, arguments.strides]
        if isinstance(self._slice, SymbolicTensor):
            if self._slice.op.type == "StridedSlice" and self._slice.graph is context.current_graph():
                vectors = list(self._slice.op.inputs[1:4])
            name = name or f"{self._slice.op.name}/_assign/"
        return variable._strided_slice_assign(*vectors, val, name, arguments.masks)
