"""Slices the batch of an operator: ``operator[1:, 0]`` is the operator made of slices of its parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape, shape_of
from tideflow._src.ops.linalg.operators.arguments import joined, read, sizes_of


def sliced(operator: Any, slices: Any) -> Any:
    """Returns the operator for a part of its batch.

    Args:
      operator: the operator.
      slices: what stands between the brackets; the dimensions of the matrices are not sliced.

    Raises:
      InvalidArgumentError: there are more slices than dimensions of the batch.
      ValueError: the rank of the batch is not known.
    """
    slices = slices if isinstance(slices, tuple) else (slices,)
    if slices == (Ellipsis,):
        return _with(operator, {})
    batch = sizes_of(operator.batch_shape)
    if batch is None:
        raise ValueError("Slicing an operator needs the rank of its batch.")
    return _sliced(operator, _complete(slices, len(batch)), batch)


def _complete(slices: tuple[Any, ...], rank: int) -> list[Any]:
    """Writes out an ellipsis, and the slices left out at the end."""
    taken = sum(item is not None and item is not Ellipsis for item in slices)
    if taken > rank:
        raise InvalidArgumentError(None, None, f"Too many slices: {taken}, for a batch of rank {rank}.")
    positions = [position for position, item in enumerate(slices) if item is Ellipsis]
    if len(positions) > 1:
        raise ValueError(f"Found multiple `...` in slices {slices}")
    place = positions[0] if positions else len(slices)
    rest = [slice(None)] * (rank - taken)
    return [*slices[:place], *rest, *slices[place + 1 :]]


def _with(operator: Any, changes: dict[str, Any]) -> Any:
    return type(operator)(**{**operator.parameters, **changes})


def _sliced(operator: Any, slices: list[Any], batch: tuple[int | None, ...]) -> Any:
    changes = {}
    for name, ranks in operator._experimental_parameter_ndims_to_matrix_ndims.items():
        value = getattr(operator, name)
        if value is not None:
            changes[name] = _sliced_parameter(value, ranks, slices, batch)
    return _with(operator, changes)


def _sliced_parameter(value: Any, ranks: Any, slices: list[Any], batch: tuple[int | None, ...]) -> Any:
    if isinstance(value, list | tuple):
        return [_sliced_parameter(item, rank, slices, batch) for item, rank in zip(value, ranks, strict=True)]
    if hasattr(value, "_linop_matmul"):
        return value if batch and value.batch_shape.rank == 0 else _sliced(value, slices, batch)
    tensor = read(value)
    sizes = known_shape(tensor)
    if sizes is None:
        raise ValueError("Slicing an operator needs the ranks of its parameters.")
    own = sizes[: len(sizes) - ranks]
    if batch and not own:
        return value
    missing = len(batch) - len(own)
    if missing:
        tensor = raw.Reshape(tensor, joined(np.ones(missing, np.int32), shape_of(tensor)))
        own = (1,) * missing + own
    chosen: list[Any] = []
    place = 0
    for item in slices:
        if item is None:
            chosen.append(None)
            continue
        is_broadcast = own[place] == 1 and batch[place] != 1
        chosen.append((slice(None) if isinstance(item, slice) else 0) if is_broadcast else item)
        place += 1
    return tensor[(*chosen, *[slice(None)] * ranks)]
