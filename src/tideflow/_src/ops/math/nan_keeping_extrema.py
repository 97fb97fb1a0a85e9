"""Extrema in compiled programs that keep not-a-number: XLA's own reductions drop it on the CPU once they are long."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.runtime.lazy import lax


def lowest(dtype: Any) -> Any:
    """The value that no value of the dtype is below: minus infinity for floats."""
    return dtype.type(np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf)


def highest(dtype: Any) -> Any:
    """The value that no value of the dtype is above: infinity for floats."""
    return dtype.type(np.iinfo(dtype).max if dtype.kind in "iu" else np.inf)


def greater(x: Any, y: Any) -> Any:
    """Returns the greater of two traced values; not-a-number if one is."""
    return lax.select((x >= y) | (x != x), x, y)


def less(x: Any, y: Any) -> Any:
    """Returns the lesser of two traced values; not-a-number if one is."""
    return lax.select((x <= y) | (x != x), x, y)


def reduce(combine: Any, initial: Any, x: Any, axes: tuple[int, ...], keep_dims: bool) -> Any:
    """Combines the elements of a traced array along axes, from ``initial`` on."""
    result = lax.reduce(x, np.asarray(initial, x.dtype), combine, axes)
    return lax.expand_dims(result, axes) if keep_dims else result
