"""The components of elements of datasets: stacking those of several elements, and taking a stack apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.variant_array import VariantArray, variants
from tideflow._src.graph.op_def import Shape

#: One element: a value of the host for each component.
Element = list[Any]


def row(stacked: Any, index: int) -> Any:
    """Returns a row of an array as the value of a tensor."""
    item = stacked[index]
    if item.__class__ is bytes:
        return np.array(item, object)
    return item


def rows(block: Sequence[Any]) -> list[Element]:
    """Returns the elements that a block, which has a stack for each component, consists of."""
    columns: list[Any] = []
    for stacked in block:
        if stacked.ndim == 1 and stacked.dtype is not dtypes.variant and stacked.dtype == object:
            columns.append([np.array(item, object) for item in stacked])
        else:
            columns.append(list(stacked))
    return [list(items) for items in zip(*columns, strict=True)]


def dtype_of(value: Any) -> DType:
    """Returns the dtype of a component."""
    return dtypes.of_numpy[value.dtype]


def stack(items: Sequence[Any]) -> Any:
    """Returns values of one shape and dtype, stacked along a new first axis."""
    first = items[0]
    if first.dtype is dtypes.variant:
        if isinstance(first, np.ndarray):
            return np.stack([item.view(np.ndarray) for item in items]).view(VariantArray)
        return variants(items)
    if first.ndim:
        return np.stack(items)
    if first.dtype == object:
        result = np.empty(len(items), object)
        for index, item in enumerate(items):
            result[index] = item[()]
        return result
    return np.array(items, first.dtype)


def concatenate(blocks: Sequence[Sequence[Any]]) -> list[Any]:
    """Returns several blocks as one."""
    if len(blocks) == 1:
        return list(blocks[0])
    joined = []
    for parts in zip(*blocks, strict=True):
        if parts[0].dtype is dtypes.variant:
            joined.append(np.concatenate([part.view(np.ndarray) for part in parts]).view(VariantArray))
        else:
            joined.append(np.concatenate(parts))
    return joined


def take_rows(stacked: Any, indices: Any) -> Any:
    """Returns the rows of an array at some indices."""
    if stacked.dtype is dtypes.variant:
        return stacked[indices]
    return stacked.take(indices, axis=0)


def shape_text(shape: Sequence[Any] | None) -> str:
    """Returns a shape as messages show it."""
    if shape is None:
        return "<unknown>"
    return "[" + ",".join("?" if size is None else str(size) for size in shape) + "]"


def fits(wanted: Shape, found: Sequence[int]) -> bool:
    """Tells whether a shape is one of those that a static shape stands for."""
    if wanted is None:
        return True
    return len(wanted) == len(found) and all(size in (None, -1, real) for size, real in zip(wanted, found, strict=True))


def scalar(value: Any, name: str) -> Any:
    """Returns the number, string or truth value that an input of an operation must be.

    Raises:
      InvalidArgumentError: it is no scalar.
    """
    if np.ndim(value):
        raise InvalidArgumentError(None, None, f"{name} must be a scalar")
    return np.asarray(value).item()
