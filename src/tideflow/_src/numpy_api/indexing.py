"""NumPy's advanced indexing: arrays of positions and booleans among the indices of ``tensor[...]``.

An index is taken in two steps. Integers, slices, ``...`` and ``None`` give a strided slice, in which the arrays of
positions stand as ``:``; then these gather from it.
"""

from __future__ import annotations

import numbers
from itertools import pairwise
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dimension import Dimension
from tideflow._src.core.tensor import Tensor
from tideflow._src.numpy_api.arrays import as_type, asarray, promoted
from tideflow._src.numpy_api.manipulation import moveaxis
from tideflow._src.numpy_api.ranks import broadcast, canonical_axis, rank_of, shape_of
from tideflow._src.ops.array import indexing as strided
from tideflow._src.ops.array.gathering import gather, gather_nd
from tideflow._src.ops.array.joining import concat, stack
from tideflow._src.ops.array.masking import boolean_mask
from tideflow._src.ops.array.selection import where_v2 as where
from tideflow._src.ops.array.shape import reshape
from tideflow._src.ops.math.cumulative import cumprod
from tideflow._src.ops.math.reduction_functions import reduce_sum
from tideflow._src.runtime.convert import convert_to_tensor

_KINDS = (
    "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays are valid "
    "indices"
)


def getitem(tensor: Any, key: Any) -> Any:
    """Returns ``tensor[key]`` by NumPy's rules.

    Args:
      tensor: a tensor.
      key: an integer, a slice, ``...``, ``None``, an array of integers or booleans, or a tuple of those. A list counts
        as an array if it holds integers alone, else as a tuple.

    Raises:
      IndexError: an index of another kind.
      NotImplementedError: booleans of more than one axis beside other indices.
      InvalidArgumentError: (in a graph, ValueError) an index beyond its axis.
    """
    if strided.is_plain(key):
        return strided.getitem(tensor, key)
    if isinstance(key, bool) or (hasattr(key, "dtype") and key.dtype in (dtypes.bool, np.bool_)):
        return boolean_mask(tensor, key)
    if not isinstance(key, tuple):
        key = _as_tuple(key)
    return _sliced(tensor, key)


def _as_tuple(key: Any) -> tuple[Any, ...]:
    if isinstance(key, list) and any(_is_no_position(item) for item in key):
        return tuple(key)
    return (key,)


def _is_no_position(item: Any) -> bool:
    if item is None or item is Ellipsis or isinstance(item, list | tuple | slice):
        return True
    return isinstance(item, Tensor | np.ndarray) and item.ndim != 0


def _sliced(tensor: Any, key: tuple[Any, ...]) -> Any:
    basic: list[Any] = []
    positions: dict[int, Any] = {}  # by their place in the key
    removed: list[int] = []  # the places of integers, whose axes go
    ellipsis_at = None
    for place, item in enumerate(key):
        if isinstance(item, slice):
            basic.append(slice(*(None if part is None else _position(part) for part in _parts(item))))
        elif item is None or item is Ellipsis:
            ellipsis_at = place if item is Ellipsis else ellipsis_at
            basic.append(item)
        else:
            found = _position(item, scalar=False)
            if isinstance(found, Tensor) and found.shape.rank != 0:
                positions[place] = found
                basic.append(slice(None))
            else:
                removed.append(place)
                basic.append(found)
    tensor = strided.getitem(tensor, tuple(basic))
    if not positions:
        return tensor
    axes = {}
    for place, found in positions.items():
        if ellipsis_at is not None and place > ellipsis_at:  # counted from the end
            axes[place - len(key) + sum(other > place for other in removed)] = found
        else:
            axes[place - sum(other < place for other in removed)] = found
    dims = sorted(axes)
    indices = list(broadcast(*promoted(*(axes[dim] for dim in dims))))
    neighbours = all(one + 1 == other for one, other in pairwise(dims))
    if neighbours and not (dims[0] < 0 <= dims[-1]):
        return _gathered(tensor, dims, indices)
    return _gathered_in_front(tensor, dims, indices)


def _parts(item: slice) -> tuple[Any, Any, Any]:
    return item.start, item.stop, item.step


def _position(item: Any, scalar: bool = True) -> Any:
    """Returns an index as an integer or a tensor of int32 or int64; booleans as the positions that are true."""
    if isinstance(item, numbers.Integral | Dimension):
        return int(item)
    found = asarray(item)
    if found.dtype is dtypes.bool:
        if found.shape.rank != 1:
            raise NotImplementedError(f"Need rank 1 for bool index {item}")
        found = reshape(where(found), [-1])
    if scalar and found.shape.rank not in (None, 0):
        raise IndexError(f"{_KINDS}, got {item!r}")
    if not found.dtype.is_integer:
        raise IndexError(f"{_KINDS}, got {item!r}")
    if found.dtype not in (dtypes.int32, dtypes.int64):
        wide = np.promote_types(np.int32, found.dtype.as_numpy_dtype)
        if wide.kind == "f":
            raise IndexError(f"{_KINDS}, got {item!r}")
        found = as_type(found, wide)
    return found


def _gathered_in_front(tensor: Any, dims: list[int], indices: list[Any]) -> Any:
    """Gathers along axes that are no neighbours: the axes of the indices come first."""
    tensor = moveaxis(tensor, dims, range(len(dims)))
    stacked = stack(indices, axis=-1)
    sizes = as_type(convert_to_tensor(shape_of(tensor)[: len(dims)]), stacked.dtype)
    return gather_nd(tensor, _from_the_front(stacked, sizes))


def _gathered(tensor: Any, dims: list[int], indices: list[Any]) -> Any:
    """Gathers along neighbouring axes: the axes of the indices take their place."""
    rank = rank_of(tensor)
    axis = canonical_axis(dims[0], rank)
    sizes = convert_to_tensor(shape_of(tensor))
    count = len(dims)
    own = sizes[axis : axis + count]
    if count == 1:
        return gather(tensor, _from_the_front(as_type(indices[0], dtypes.int32), own[0]), axis=axis)
    stacked = _from_the_front(as_type(stack(indices, axis=-1), dtypes.int32), own)
    flat = reduce_sum(stacked * cumprod(own, exclusive=True, reverse=True), axis=-1)
    joined = concat([sizes[:axis], [-1], sizes[axis + count :]], axis=0)
    return gather(reshape(tensor, joined), flat, axis=axis)


def _from_the_front(positions: Any, sizes: Any) -> Any:
    return where(positions < convert_to_tensor(0, positions.dtype), positions + sizes, positions)
