"""Cuts a piece of a given size out of a tensor, at a random place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import shape as shape_of
from tideflow._src.ops.math.arithmetic import add, subtract
from tideflow._src.ops.random.stateful_functions import random_uniform
from tideflow._src.ops.random.stateless_functions import stateless_random_uniform
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

__all__ = ["random_crop", "stateless_random_crop"]


def random_crop(value: Any, size: Any, seed: Any = None, name: str | None = None) -> Any:
    """Returns a piece of a tensor, cut out at a random place.

    Args:
      value: the tensor.
      size: the size of the piece in each dimension, a vector of integers; the whole dimension is a size too.
      seed: the seed of this call, an integer.
      name: the name of the result's node; ``random_crop`` by default.

    Raises:
      InvalidArgumentError: when it runs, the piece is larger than the tensor.
    """

    def draw(shape: Any, dtype: Any) -> Any:
        return random_uniform(shape, dtype=dtype, maxval=dtype.max, seed=seed)

    return _crop(value, size, draw, name)


def stateless_random_crop(value: Any, size: Any, seed: Any, name: str | None = None) -> Any:
    """Returns a piece of a tensor, cut out at a place that follows from the seed.

    Args:
      value: the tensor.
      size: the size of the piece in each dimension, a vector of integers.
      seed: two integers.
      name: the name of the result's node; ``random_crop`` by default.

    Raises:
      InvalidArgumentError: when it runs, the piece is larger than the tensor.
    """

    def draw(shape: Any, dtype: Any) -> Any:
        return stateless_random_uniform(shape, dtype=dtype, maxval=dtype.max, seed=seed)

    return _crop(value, size, draw, name)


def _crop(value: Any, size: Any, draw: Callable[[Any, Any], Any], name: str | None) -> Any:
    with name_scope(name, "random_crop") as scope:
        value = convert_to_tensor(value, name="value")
        size = convert_to_tensor(size, dtypes.int32, name="size")
        shape = shape_of(value)
        fits = raw.GreaterEqual(shape, size, name="GreaterEqual")
        axes = convert_to_tensor(np.arange(len(shape.shape), dtype=np.int32), name="Const")
        checked = _checked_shape(raw.All(fits, axes, name="All"), shape, size)
        limit = add(subtract(checked, size, name="sub"), 1, name="add")
        offset = raw.FloorMod(draw(shape_of(checked), size.dtype), limit, name="mod")
        return raw.Slice(value, offset, size, name=scope)


def _checked_shape(fits: Any, shape: Any, size: Any) -> Any:
    """Returns ``shape``; when it runs, the piece must fit into it."""
    with name_scope(None, "Assert"):
        message = "Need value.shape >= size, got "
        convert_to_tensor(message)
        check = raw.Assert(fits, [message, shape, size], summarize=1000, name="Assert")
    graph = context.current_graph()
    if graph is None:
        return shape
    with graph.control_dependencies([check]):
        return raw.Identity(shape, name="control_dependency")
