"""Reaches operations of other families by name, when they are used: gradient rules of arrays need sums and casts.

Families lie on one floor and may need each other; the registry is the place where they meet, so that no module of one
has to be imported by a module of the other::

    raw.Sum(dy, [0], keep_dims=False)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.tensor import EagerTensor, SymbolicTensor
from tideflow._src.graph.op_def import OpDef
from tideflow._src.runtime.convert import convert_to_tensor


class _Raw:
    """Is the registry as a namespace: ``raw.X`` is the function that calls the operation ``X``."""

    def __getattr__(self, name: str) -> Any:
        try:
            operation = OpDef.registry[name]
        except KeyError:
            raise AttributeError(f"No operation named {name!r} is registered.") from None
        call = operation.call  # type: ignore[attr-defined]
        setattr(self, name, call)
        return call


raw: Any = _Raw()


def static_shape(tensor: Any) -> tuple[int | None, ...] | None:
    """Returns the shape of a tensor as far as it is known: a tuple with None for unknown sizes, or None."""
    if tensor.__class__ is EagerTensor:
        return tensor._value.shape  # type: ignore[no-any-return]
    if tensor.__class__ is SymbolicTensor:
        return tensor._shape  # type: ignore[no-any-return]
    return tensor.shape._dims  # type: ignore[no-any-return]


def all_axes(tensor: Any) -> Any:
    """Returns every axis of a tensor, to reduce over: a constant where its rank is known."""
    shape = static_shape(tensor)
    if shape is None:
        return raw.Range(0, raw.Rank(tensor), 1)
    return convert_to_tensor(np.arange(len(shape), dtype=np.int32))


def fully_known(shape: tuple[int | None, ...] | None) -> bool:
    """Tells whether the rank and every size of a shape are known."""
    return shape is not None and None not in shape
