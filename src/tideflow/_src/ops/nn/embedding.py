"""Looking up rows of embedding tables, whole or in parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.gathering import gather
from tideflow._src.ops.array.identity import identity
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.partitioning import dynamic_partition
from tideflow._src.ops.array.raw import fully_known, raw, static_shape
from tideflow._src.ops.array.shape import rank, reshape, shape, size
from tideflow._src.ops.math.arithmetic import maximum
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.math.clip import clip_by_norm
from tideflow._src.ops.math.reduction_functions import reduce_sum
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def embedding_lookup(params: Any, ids: Any, max_norm: Any = None, name: str | None = None) -> Any:
    """Looks up rows of an embedding table.

    Args:
      params: the table, or a list of its parts: the rows are split into contiguous ranges (``"div"``).
      ids: the rows, an integer tensor of any shape.
      max_norm: the Euclidean norm that longer embeddings are scaled down to.
      name: the name of the scope.

    Returns:
      A tensor of the shape ``ids.shape + params.shape[1:]``.

    Raises:
      ValueError: there are no ``params``.
      InvalidArgumentError: an id is not the number of a row.
    """
    return embedding_lookup_v1(params, ids, "div", name, max_norm=max_norm)


def embedding_lookup_v1(
    params: Any,
    ids: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    validate_indices: bool = True,
    max_norm: Any = None,
) -> Any:
    """Looks up rows of an embedding table; see :func:`embedding_lookup`.

    Args:
      params: the table, or a list of its parts.
      ids: the rows, an integer tensor of any shape.
      partition_strategy: how rows are split over several parts: in turn (``"mod"``), or in ranges (``"div"``).
      name: the name of the scope.
      validate_indices: accepted for TensorFlow's signature; ids are always checked.
      max_norm: the Euclidean norm that longer embeddings are scaled down to.

    Raises:
      ValueError: there are no ``params``, or the strategy is another.
    """
    del validate_indices
    return lookup_and_transform(params, ids, partition_strategy, name, max_norm, None)


def lookup_and_transform(
    params: Any,
    ids: Any,
    partition_strategy: str,
    name: str | None,
    max_norm: Any,
    transform: Callable[[Any], Any] | None,
) -> Any:
    """Looks up rows, and applies a function to them where their part of the table lies."""
    if params is None:
        raise ValueError("params must be specified")
    parts = list(params) if isinstance(params, list | tuple) or hasattr(params, "as_partition_list") else [params]
    if not parts:
        raise ValueError("Length of params is currently 0. Need at least one param.")
    with name_scope(name, "embedding_lookup") as scope:
        if not any(hasattr(part, "sparse_read") for part in parts):
            parts = [_table(part, index if len(parts) > 1 else None) for index, part in enumerate(parts)]
        ids = convert_to_tensor(ids, name="ids")
        of_ids = static_shape(ids)
        if len(parts) == 1 and (transform is None or (of_ids is not None and len(of_ids) == 1)):
            found = _clipped(gather(parts[0], ids, name=scope), ids, max_norm)
            return identity(found if transform is None else transform(found))
        flat = reshape(ids, [-1])
        places = raw.Range(np.int32(0), size(flat, out_type=dtypes.int32), np.int32(1), name="range")
        assignments, local = _assign(parts, flat, partition_strategy)
        assignments = cast(assignments, dtypes.int32)
        of_part = dynamic_partition(local, assignments, len(parts))
        places_of_part = dynamic_partition(places, assignments, len(parts))
        found_rows = []
        for part, rows in zip(parts, of_part, strict=True):
            found = gather(part, rows)
            if transform is not None:
                found = transform(_clipped(found, rows, max_norm))
            found_rows.append(found)
        result = raw.ParallelDynamicStitch(places_of_part, found_rows, name=scope)
        if transform is None:
            rest = TensorShape(static_shape(parts[0]))[1:]
            for part in parts[1:]:
                rest = rest.merge_with(TensorShape(static_shape(part))[1:])
        else:
            rest = result.shape[1:]
        if rest.is_fully_defined():
            sizes: Any = np.array(rest.as_list(), np.int32)
        else:
            sizes = shape(parts[0] if transform is None else result)[1:]
        result = reshape(result, concat([shape(ids), sizes], 0))
        if result.__class__ is SymbolicTensor:
            result.set_shape(ids.shape.concatenate(rest))
        return result if transform is not None else _clipped(result, ids, max_norm)


def _table(part: Any, number: int | None) -> Any:
    return convert_to_tensor(part, name="params" if number is None else f"params_{number}")


def _assign(parts: list[Any], ids: Any, strategy: str) -> tuple[Any, Any]:
    """Returns, for each id, the number of its part of the table and its row there."""
    count = len(parts)
    if strategy == "mod":
        return ids % count, ids // count
    if strategy != "div":
        raise ValueError(f"Unrecognized partition strategy: {strategy}. Must be one of either `mod` or `div`.")
    heights = [None if (known := static_shape(part)) is None else known[0] for part in parts]
    if fully_known(tuple(heights)):
        total: Any = convert_to_tensor(sum(heights), ids.dtype)  # type: ignore[arg-type]
    else:
        each = [shape(part)[0] if height is None else height for part, height in zip(parts, heights, strict=True)]
        total = reduce_sum(cast(raw.Pack(each), ids.dtype))
    # The first parts hold one row more than the others if the rows do not divide evenly.
    height, extras = total // count, total % count
    assignments = maximum(ids // (height + 1), (ids - extras) // height)
    return assignments, raw.Select(assignments < extras, ids % (height + 1), (ids - extras) % height)


def _clipped(rows: Any, ids: Any, max_norm: Any) -> Any:
    """Scales embeddings that are longer than ``max_norm`` down to it."""
    if max_norm is None:
        return rows
    of_ids, of_rows = static_shape(convert_to_tensor(ids)), static_shape(rows)
    if of_ids and of_rows:
        axes: Any = list(range(len(of_ids), len(of_rows)))
    else:
        axes = raw.Range(rank(ids), rank(rows), np.int32(1))
    return clip_by_norm(rows, max_norm, axes=axes)
