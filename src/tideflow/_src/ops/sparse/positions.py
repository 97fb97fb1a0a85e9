"""Checks the parts of sparse tensors as TensorFlow's kernels do, and orders positions by one number for each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.ops.dimensions import text
from tideflow._src.runtime.threaded_ranges import over_ranges

#: How many positions are worked on at once.
_CHUNK = 1 << 14
#: The greatest product of sizes for which positions become numbers; beyond that they are ranked.
_MOST_NUMBERS = 1 << 62


def summary(numbers: Any) -> str:
    """Writes the elements of a vector as messages do: ``2 3``."""
    return " ".join(str(int(number)) for number in np.reshape(numbers, -1))


def check_parts(indices: Any, values: Any, shape: Any, *, inside: bool = False) -> None:
    """Checks ranks and lengths of a sparse tensor's parts, and unless told otherwise nothing else.

    Args:
      indices, values, shape: the parts.
      inside: whether every position must lie inside of the shape.
    """
    for name, value, rank in (("indices", indices, 2), ("values", values, 1), ("shape", shape, 1)):
        if np.ndim(value) != rank:
            raise invalid_argument(f"Sparse {name} must be rank {rank} but is rank {np.ndim(value)}")
    if len(indices) != len(values):
        raise invalid_argument(
            f"Number of elements in indices ({len(indices)}) and values ({len(values)}) do not match"
        )
    if indices.shape[1] != len(shape):
        raise invalid_argument(f"Index rank ({indices.shape[1]}) and shape rank ({len(shape)}) do not match")
    if inside:
        check_inside(indices, shape)


def all_inside(indices: Any, shape: Any) -> bool:
    """Tells whether every position lies inside of a shape."""
    # Column by column: NumPy is slow along rows that are this short.
    return not len(indices) or all(
        _greatest(column) < max(int(size), 0) for column, size in zip(indices.T, shape, strict=True)
    )


def _greatest(column: Any) -> int:
    """Returns the greatest of some positions; a number of 64 bits if one is negative, found in the same pass."""
    return int(column.view(np.uint64).max()) if column.dtype == np.int64 else int(column.astype(np.uint64).max())


def check_inside(indices: Any, shape: Any) -> None:
    """Checks that every position lies inside of a shape."""
    if all_inside(indices, shape):
        return
    row = int(np.argmax(((indices < 0) | (indices >= shape)).any(1)))
    place = ", ".join(str(number) for number in indices[row].tolist())
    raise invalid_argument(f"Sparse index tuple indices[{row}, :] = [{place}] is out of bounds")


def check_matrix(indices: Any, values: Any, shape: Any) -> None:
    """Checks the parts of the sparse operand of an operation that names its inputs ``sp_``."""
    if indices.ndim != 2:
        raise invalid_argument(f"Input sp_indices should be a matrix but received shape: {text(indices.shape)}")
    if values.ndim != 1 or shape.ndim != 1:
        raise invalid_argument(
            f"Inputs sp_values and sp_shape should be vectors but received shapes: {text(values.shape)} and "
            f"{text(shape.shape)}"
        )


def check_lengths(indices: Any, values: Any, shape: Any) -> None:
    """Checks that there is a value for each position, and a coordinate for each dimension."""
    if indices.shape[:1] != values.shape[:1]:
        raise invalid_argument(
            f"indices and values rows (indexing dimension) must match. (indices = {len(indices)}, values = "
            f"{len(values)})"
        )
    if indices.ndim != 2 or indices.shape[1] != len(shape):
        raise invalid_argument("Order length must be SparseTensor rank.")


def check_sizes(shape: Any) -> int:
    """Returns the number of elements of a shape; rejects negative sizes and a product of more than 63 bits."""
    count = 1
    for size in np.asarray(shape).tolist():
        if size < 0:
            raise invalid_argument(f"Expected shape dimensions to be non-negative, got {size}")
        if count * size >= 1 << 63:
            raise invalid_argument(f"Encountered overflow when multiplying {count} with {size}, result: -1")
        count *= size
    return count


def steps_of(shape: Sequence[int]) -> list[int]:
    """Returns by how much the number of an element changes with each coordinate, in row-major order."""
    steps = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        steps[axis] = steps[axis + 1] * int(shape[axis + 1])
    return steps


def numbers_of(indices: Any, shape: Sequence[int]) -> Any:
    """Returns the number in row-major order of each position in a shape whose product fits 63 bits."""
    count, columns = indices.shape
    numbers = np.zeros(count, np.int64)

    def fill(begin: int, end: int) -> None:
        for start in range(begin, end, _CHUNK):  # what is worked on stays in the processor's cache
            part = slice(start, min(start + _CHUNK, end))
            mine, places = numbers[part], indices[part]
            for axis in range(columns):
                if axis > 1:
                    mine *= int(shape[axis])
                elif axis:
                    np.multiply(places[:, 0], int(shape[1]), out=mine, casting="unsafe")
                if axis or columns == 1:
                    np.add(mine, places[:, axis], out=mine, casting="unsafe")

    over_ranges(fill, count, indices.size)
    return numbers


def positions_of(numbers: Any, shape: Sequence[int]) -> Any:
    """Returns the position in a shape that each number in row-major order stands for."""
    places = np.empty((len(numbers), len(shape)), np.int64)
    steps = steps_of(shape)

    def fill(begin: int, end: int) -> None:
        for start in range(begin, end, _CHUNK):
            part = slice(start, min(start + _CHUNK, end))
            left = numbers[part].astype(np.int64)
            for axis, step in enumerate(steps[:-1]):
                whole = left // max(step, 1)
                places[part, axis] = whole
                whole *= step
                left -= whole
            if steps:
                places[part, -1] = left

    over_ranges(fill, len(numbers), places.size)
    return places


def order_keys(*blocks: Any) -> list[Any]:
    """Returns a vector for each block of positions, whose numbers are in the order of the positions.

    Positions may be negative and as large as they like: where the space between the least and the greatest has too
    many places, they are sorted and ranked.
    """
    return numbered(*blocks)[0]


def numbered(*blocks: Any) -> tuple[list[Any], list[int] | None]:
    """Returns what :func:`order_keys` does, and the shape in which the keys number the positions, if they do."""
    filled = [block for block in blocks if len(block)]
    columns = blocks[0].shape[1]
    if not filled or not columns:
        return [np.zeros(len(block), np.int64) for block in blocks], None
    whole = [max(_greatest(block[:, axis]) for block in filled) + 1 for axis in range(columns)]
    if math.prod(whole) <= _MOST_NUMBERS:
        return [numbers_of(block, whole) for block in blocks], whole
    low = [min(int(block[:, axis].min()) for block in filled) for axis in range(columns)]
    high = [max(int(block[:, axis].max()) for block in filled) for axis in range(columns)]
    sizes = [last - first + 1 for first, last in zip(low, high, strict=True)]
    if math.prod(sizes) <= _MOST_NUMBERS:
        origin = np.array(low, np.int64)
        return [numbers_of(block - origin, sizes) for block in blocks], None
    every = np.concatenate(blocks)
    order = np.lexsort(every.T[::-1])
    ranked = every[order]
    ranks = np.empty(len(every), np.int64)
    ranks[order] = np.cumsum(np.concatenate([[False], (ranked[1:] != ranked[:-1]).any(1)]))
    return np.split(ranks, np.cumsum([len(block) for block in blocks])[:-1]), None


def ascends(keys: Any, *, strictly: bool = True) -> bool:
    """Tells whether numbers ascend, with no number twice unless told otherwise."""
    if len(keys) < 2:
        return True
    return bool((keys[1:] > keys[:-1]).all() if strictly else (keys[1:] >= keys[:-1]).all())


def sorted_order(keys: Any) -> Any:
    """Returns the places of numbers in ascending order, equal ones in the order that they have; None if they ascend."""
    return None if ascends(keys, strictly=False) else np.argsort(keys, kind="stable")


def run_starts(keys: Any) -> Any:
    """Returns where each run of equal numbers starts."""
    if not len(keys):
        return np.zeros(0, np.intp)
    return np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
