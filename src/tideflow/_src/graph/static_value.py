"""Finds values that are known while a graph is being built: constants, static shapes, and arithmetic on those."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.tensor import EagerTensor, SymbolicTensor, Tensor
from tideflow._src.graph import evaluation
from tideflow._src.graph.signature import group

_MOST_ELEMENTS = 1 << 20
_DEPTH = 64


def static_value(tensor: Any) -> np.ndarray[Any, Any] | None:
    """Returns the value of ``tensor`` if it can be told without running the graph, else None."""
    value = _find(tensor, _DEPTH, {})
    return None if value is None or _is_partial(value) else value


def get_static_value(tensor: Any, partial: bool = False) -> Any:
    """Returns the value of a tensor as a NumPy array if it can be told without running the graph, else None.

    Args:
      tensor: a tensor.
      partial: whether an array of Python numbers may come back in which None stands for unknown elements.
    """
    if not isinstance(tensor, Tensor):
        # A variable may change. What is no tensor is its own value, as in TensorFlow.
        return None if tensor is None or (hasattr(tensor, "dtype") and not isinstance(tensor, np.ndarray)) else tensor
    value = _find(tensor, _DEPTH, {})
    return None if value is None or (_is_partial(value) and not partial) else value


def value_and_elements(tensor: Any) -> tuple[np.ndarray[Any, Any] | None, tuple[int | None, ...] | None]:
    """Returns the known value, and for a vector or scalar of integers known in part its elements."""
    value = _find(tensor, _DEPTH, {})
    if value is None or value.size > _MOST_ELEMENTS:  # no shape or axis is that long
        return None, None
    if _is_partial(value):
        if value.ndim > 1:
            return None, None
        return None, tuple(None if item is None else int(item) for item in value.reshape(-1))
    return value, None


def _is_partial(value: np.ndarray[Any, Any]) -> bool:
    return value.dtype == object and any(item is None for item in value.reshape(-1))


def _find(tensor: Any, depth: int, found: dict[Any, Any]) -> np.ndarray[Any, Any] | None:
    """Returns the value as an array; unknown elements of a partly known one are None in an object array.

    ``found`` holds what this query knows already: without it, a tensor used twice at each of many levels would be
    evaluated once for each path to it.
    """
    if isinstance(tensor, EagerTensor):
        return np.asarray(tensor._value)
    try:
        return tensor._static  # type: ignore[no-any-return]
    except AttributeError:
        pass
    if tensor in found:
        return found[tensor]  # type: ignore[no-any-return]
    value = _evaluate(tensor, depth, found) if depth else None
    found[tensor] = value
    if value is not None and not _is_partial(value):
        tensor._static = value
    return value


def _evaluate(tensor: SymbolicTensor, depth: int, found: dict[Any, Any]) -> np.ndarray[Any, Any] | None:
    op = tensor._op
    op_def = op.op_def
    if op_def.name == "Const":
        return np.asarray(op.attrs["value"])
    if op_def.stateful or op_def.random is not None or op_def.tier == "xla" or op_def.reads or op_def.updates:
        return None
    if op_def.name == "PlaceholderWithDefault":
        return None  # a run may feed another value
    if op_def.shape_value_rule is not None:
        shapes = group(op_def.inputs, op.attrs, [item._shape for item in op.inputs])
        result = op_def.shape_value_rule(*shapes)
        return None if result is None else _cast_shape(_pick(result, tensor), tensor)
    if not op.inputs or tensor._dtype.name in ("resource", "variant", "string"):
        return None
    values = []
    partial = False
    for item in op.inputs:
        if item._dtype._is_ref_dtype:
            return None
        value = _find(item, depth - 1, found)
        if value is None and op_def.structural and item._shape is not None and None not in item._shape:
            value = np.full(item._shape, None, dtype=object) if _size(item._shape) <= 64 else None
        if value is None or value.size > _MOST_ELEMENTS:
            return None
        if _is_partial(value):
            partial = True
        values.append(value)
    if partial and not op_def.structural:
        return None
    if tensor._shape is not None and None not in tensor._shape and _size(tensor._shape) > _MOST_ELEMENTS:
        return None
    results = evaluation.host_outputs(op, values, partial)
    return None if results is None else results[tensor._value_index]


def _size(shape: tuple[Any, ...]) -> int:
    return int(np.prod(shape, dtype=np.int64)) if shape else 1


def _pick(result: Any, tensor: SymbolicTensor) -> Any:
    return result[tensor._value_index] if isinstance(result, list) else result


def _cast_shape(result: Any, tensor: SymbolicTensor) -> np.ndarray[Any, Any] | None:
    if result is None:
        return None
    array = np.asarray(result, dtype=object)
    if any(item is None for item in array.reshape(-1)):
        return array
    return array.astype(tensor._dtype.as_numpy_dtype)
