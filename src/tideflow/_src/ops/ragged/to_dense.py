"""Makes dense tensors of ragged ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.graph.op_def import at_least
from tideflow._src.ops.array.masking import boolean_mask
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape, text, with_rank_at_most
from tideflow._src.ops.ragged.partitions import check_size
from tideflow._src.runtime.op import op

Array = np.ndarray[Any, Any]

_TYPES = ("FIRST_DIM_SIZE", "VALUE_ROWIDS", "ROW_LENGTHS", "ROW_SPLITS", "ROW_LIMITS", "ROW_STARTS")


def _check_types(types: list[str], count: int, error: Any) -> None:
    """Rejects what does not say how rows are divided."""
    for name in types:
        if name not in _TYPES:
            raise error(f"Unknown string for partition info type: {name}")
    if not types:
        raise error("No row_partition_types given.")
    if types[0] not in ("FIRST_DIM_SIZE", "ROW_SPLITS"):
        kind = f"{types[0]} in first dimension." if types[0] == "VALUE_ROWIDS" else f"type {types[0]}"
        raise error(f"Cannot handle {kind}")
    if types[0] == "FIRST_DIM_SIZE" and types[1:2] != ["VALUE_ROWIDS"]:
        raise error("FIRST_DIM_SIZE must be followed by VALUE_ROWIDS")
    for name in types[1:]:
        if name not in ("VALUE_ROWIDS", "ROW_SPLITS"):
            raise error(f"Cannot handle partition type {name}")
    if len(types) > count:
        raise error(f"There are {len(types)} row_partition_types, but only {count} row_partition_tensors.")


def _combined(shape: Any, levels: int, values: Any, error: Any) -> Any:
    """Returns the wanted sizes, None where the values decide; ``shape`` is None or a list of sizes (None: any).

    Raises:
      ``error``: the shape does not fit the values.
    """
    if values is None:
        return shape
    rank = levels + len(values)
    if shape is None:
        return [None] * (levels + 1) + list(values[1:])
    shown = f"rt_input.shape and shape={text(shape)} are incompatible"
    if len(shape) != rank:
        raise error(f"{shown}: rt_input.rank = {rank} but shape.rank = {len(shape)}")
    result = list(shape[: levels + 1])
    for axis in range(1, len(values)):
        wanted, found = shape[levels + axis], values[axis]
        if wanted is not None and found is not None and wanted != found:
            place = levels + axis
            raise error(f"{shown}: rt_input.shape[{place}] = {found} but shape[{place}] = {wanted}")
        result.append(found if wanted is None else wanted)
    return result


def _check_default(default: Any, values: Any, error: Any) -> None:
    if default is None or values is None:
        return
    shown = f"default_value.shape={text(default)} and rt_input.flat_values.shape={text(values)} are incompatible"
    if len(default) >= len(values):
        raise error(
            f"{shown}: default_value.rank = {len(default)}  must be less than rt_input.flat_values.rank = {len(values)}"
        )
    for place in range(1, len(default) + 1):
        size, wanted = default[-place], values[-place]
        if size is not None and wanted is not None and size != 1 and size != wanted:
            raise error(
                f"{shown}: default_value.shape[{-place}] = {size} but rt_input.flat_values.shape[{-place}] = {wanted}"
            )


def _sizes(shape: Array) -> Any:
    """Returns the elements of the input ``shape``, None for one that is not given; or None for no shape."""
    if shape.ndim > 1:
        raise invalid_argument(f"Shape must be at most rank 1 but is rank {shape.ndim}")
    if shape.ndim == 0:
        if shape != -1:
            raise invalid_argument("The only valid scalar shape tensor is the fully unknown shape specified as -1.")
        return None
    low = np.flatnonzero(shape < -1)
    if low.size:
        raise invalid_argument(f"Dimension {shape[low[0]]} must be >= -1")
    return [None if size == -1 else int(size) for size in shape]


def _first_size(kind: str, tensor: Array) -> int:
    if not tensor.size:
        raise invalid_argument("Invalid first partition input. Tensor requires at least one element.")
    if kind == "ROW_SPLITS":
        return int(tensor.size) - 1
    if tensor.size > 1:
        raise invalid_argument(f"The size of the first dimension must be one number, not {tensor.size}.")
    size = int(tensor[0])
    if size < 0:
        raise invalid_argument(f"Dimension {size} must be >= 0")
    return size


class _Level:
    """Is one dimension of rows: the length of each, and how they lie among the rows of the dimension before."""

    def __init__(self, kind: str, tensor: Array, parents: int) -> None:
        self.rows = None
        if kind == "ROW_SPLITS":
            lengths = np.diff(tensor)
            if tensor.size and (tensor[0] != 0 or (lengths < 0).any()):
                raise invalid_argument("Invalid row split size.")
            if lengths.size > parents:
                raise invalid_argument(
                    f"There are {lengths.size} rows of values, but only {parents} rows to hold them."
                )
            self.starts = tensor[:-1].astype(np.int64)
        else:
            for ids in (tensor[:1], tensor):
                bad = ids[(ids < 0) | (ids >= parents)]
                if bad.size:
                    which = "current" if ids.size == 1 else "next"
                    raise invalid_argument(f"Got {which}_value_rowid={bad[0]} which is not less than {parents}")
            if (tensor[1:] < tensor[:-1]).any():
                raise invalid_argument("The row ids of values must be in ascending order.")
            lengths = np.bincount(tensor, minlength=parents) if tensor.size else np.zeros(parents, np.int64)
            self.starts = np.cumsum(lengths) - lengths
        self.lengths = lengths.astype(np.int64)
        self.count = int(self.lengths.sum())
        self.longest = int(self.lengths.max(initial=0))

    def fills(self, count: int, sizes: list[int]) -> bool:
        """Tells whether all rows and values fit into a matrix, ``count`` of them there are."""
        return self.count == count and self.longest <= sizes[1] and self.lengths.size <= sizes[0]

    def places(self, parents: Array, width: int, step: int) -> Array:
        """Returns where the values of the rows go, -1 where there is no room."""
        parents = parents[: self.lengths.size]
        if self.longest <= width and not (parents < 0).any():
            return self._places_with_room(parents, step)
        columns = np.arange(self.count)
        columns -= np.repeat(self.starts, self.lengths)
        places = np.repeat(parents, self.lengths)
        dropped = (places < 0) | (columns >= width)
        columns *= step
        places += columns
        places[dropped] = -1
        return places

    def _places_with_room(self, parents: Array, step: int) -> Array:
        """Returns where values go if there is room for all: a step from the one before, or a jump to the next row."""
        rows = np.flatnonzero(self.lengths)
        firsts, lasts = parents[rows], parents[rows] + (self.lengths[rows] - 1) * step
        places = np.full(self.count, step, np.int64)
        if rows.size:
            places[self.starts[rows]] = firsts - np.concatenate([[0], lasts[:-1]])
        return np.cumsum(places, out=places)


@op(
    "RaggedTensorToTensor",
    "shape: static Tshape, values: T, default_value: T, row_partition_tensors: num_row_partition_tensors * Tindex -> "
    "result: T",
    tier="host",
    Tindex=("int64", "int32"),
    Tshape=("int64", "int32"),
    num_row_partition_tensors=at_least(1),
)
def ragged_tensor_to_tensor_op(shape, values, default_value, row_partition_tensors, *, row_partition_types: list[str]):
    """Fills the rows of a ragged tensor up, or cuts them off, so that they are of one length."""
    shape, values, default_value = np.asarray(shape), np.asarray(values), np.asarray(default_value)
    types = row_partition_types
    _check_types(types, len(row_partition_tensors), invalid_argument)
    tensors = [np.asarray(tensor).reshape(-1) for tensor in row_partition_tensors]
    first = _first_size(types[0], tensors[0])
    check_size((first,), "RaggedTensorToTensor")
    partitions = list(zip(types, tensors, strict=False))
    if types[0] == "FIRST_DIM_SIZE":
        del partitions[0]
    wanted = _combined(_sizes(shape), len(partitions), values.shape, invalid_argument)
    _check_default(default_value.shape, values.shape, invalid_argument)
    levels = []
    parents = first
    for kind, tensor in partitions:
        levels.append(_Level(kind, tensor, parents))
        parents = levels[-1].count
    longest = [first, *(level.longest for level in levels)]
    found = [size if size is not None else longest[axis] for axis, size in enumerate(wanted)]
    check_size(found, "RaggedTensorToTensor")
    inner = values.shape[1:]
    rows = found[: len(levels) + 1]
    count = int(np.prod(rows, dtype=np.int64))
    if values.dtype != object and not default_value.ndim and default_value == 0:
        result = np.zeros((count, *inner), values.dtype)  # its memory is zero as it comes
    else:
        result = np.empty((count, *inner), values.dtype)
        result[...] = default_value
    if len(levels) == 1 and levels[0].fills(values.shape[0], rows):
        # A mask is a quarter of the memory that the places are.
        kind = np.min_scalar_type(rows[1])
        lengths = levels[0].lengths.astype(kind)[:, None]
        result.reshape(found)[: lengths.size][np.arange(rows[1], dtype=kind) < lengths] = values
        return result.reshape(found)
    places: Any = None
    for axis, level in enumerate(levels):
        if places is None:
            places = np.arange(first) * int(np.prod(rows[1:], dtype=np.int64))
            places[found[0] :] = -1
        places = level.places(places, rows[axis + 1], int(np.prod(rows[axis + 2 :], dtype=np.int64)))
    if places is None:
        places = np.arange(min(first, found[0]))
    # TensorFlow takes what there is where values and rows differ in number.
    places = places[: values.shape[0]]
    values = values[: places.size]
    if places.size and places.min() < 0:
        kept = places >= 0
        places, values = places[kept], values[kept]
    result[places] = values
    return result.reshape(found)


@ragged_tensor_to_tensor_op.shape
def _ragged_tensor_to_tensor_shape(shape, values, default_value, row_partition_tensors, *, row_partition_types):
    with_rank_at_most(shape.shape, 1)
    _check_types(row_partition_types, len(row_partition_tensors), ValueError)
    skipped = row_partition_types[0] == "FIRST_DIM_SIZE"
    first = row_partition_tensors[0]
    with_rank_at_most(first, 0 if skipped else 1)
    levels = len(row_partition_types) - skipped
    sizes = None
    if shape.shape == ():
        if shape.value is not None and int(shape.value) != -1:
            raise ValueError("The only valid scalar shape tensor is the fully unknown shape specified as -1.")
    elif (known := shape.integers()) is not None:
        for size in known:
            if size is not None and size < -1:
                raise ValueError(f"Dimension {size} must be >= -1")
        sizes = [None if size in (None, -1) else size for size in known]
    result = _combined(sizes, levels, values, ValueError)
    _check_default(default_value, values, ValueError)
    if result is not None and None not in result and math.prod(result) >= 1 << 63:
        raise ValueError(f"Shape {text(result)} is too large (more than 2**63 - 1 entries)")
    return None if result is None else tuple(result)


@ragged_tensor_to_tensor_op.gradient
def _ragged_tensor_to_tensor_gradient(call, dy):
    _, values, default, partitions = call.inputs
    types = call.attr("row_partition_types")
    levels = sum(kind != "FIRST_DIM_SIZE" for kind in types)
    sizes = raw.Shape(values)
    # Where each element came from: the number of a value, or -1 for the default.
    sources = ragged_tensor_to_tensor_op(
        raw.Slice(raw.Shape(dy), [0], [1 + levels]),
        raw.Range(0, raw.GatherV2(sizes, 0, 0), 1),
        -1,
        partitions,
        row_partition_types=types,
    )
    given = raw.NotEqual(sources, -1)
    d_values = IndexedSlices(boolean_mask(dy, given), boolean_mask(sources, given), sizes)
    d_default = boolean_mask(dy, raw.LogicalNot(given))
    return None, d_values, _summed_to(d_default, default), [None] * len(partitions)


def _summed_to(gradients: Any, default: Any) -> Any:
    """Adds the gradients of all places up to that of the default, which may have been broadcast to them."""
    shape, sizes = known_shape(default), raw.Shape(default)
    elements = raw.Shape(gradients)
    if shape == ():
        return raw.Sum(gradients, raw.Range(0, raw.Rank(gradients), 1))
    one = raw.BroadcastGradientArgs(elements, sizes)
    return raw.Reshape(raw.Sum(gradients, one.r1), sizes)


@ragged_tensor_to_tensor_op.samples
def _ragged_tensor_to_tensor_samples(s):
    splits, inner = np.int64([0, 2, 2, 3]), np.int64([0, 1, 1, 4])
    any_shape = np.int64(-1)
    rows = {"row_partition_types": ["ROW_SPLITS"]}
    for dtype in s.dtypes("T"):
        yield s(any_shape, s.array((3,), dtype), s.array((), dtype), [splits], **rows)
    for dtype in s.dtypes("Tindex"):
        kind = dtype.as_numpy_dtype
        yield s(np.array([-1, 1], kind), s.normal(3), s.normal(), [splits.astype(kind)], **rows)
    yield s(np.int64([4, 3]), s.normal(3), s.normal(), [splits], **rows)
    yield s(np.int64([2, -1]), s.normal(3), s.normal(), [splits], **rows)
    yield s(np.int64([-1, 0]), s.normal(3), s.normal(), [splits], **rows)
    yield s(np.int64([-1, 3, 2]), s.normal(3, 2), s.normal(2), [splits], **rows)
    yield s(any_shape, s.normal(3, 2, 2), s.normal(2, 1), [splits], **rows)
    yield s(any_shape, s.normal(3, 2, 2), s.normal(1, 2), [splits], **rows)
    two = {"row_partition_types": ["ROW_SPLITS", "ROW_SPLITS"]}
    yield s(any_shape, s.normal(4), s.normal(), [splits, inner], **two)
    yield s(np.int64([2, 1, 2]), s.normal(4), s.normal(), [splits, inner], **two)
    ids = {"row_partition_types": ["FIRST_DIM_SIZE", "VALUE_ROWIDS"]}
    yield s(any_shape, s.normal(4), s.normal(), [np.int64(3), np.int64([0, 0, 2, 2])], **ids)
    mixed = {"row_partition_types": ["FIRST_DIM_SIZE", "VALUE_ROWIDS", "ROW_SPLITS"]}
    yield s(any_shape, s.normal(4), s.normal(), [np.int64(3), np.int64([0, 0, 2]), inner], **mixed)
    yield s(any_shape, s.empty(0), s.normal(), [splits[:1]], **rows)
    error = {"error": "InvalidArgumentError"}
    yield s(any_shape, s.normal(3), s.normal(), [splits[:0]], **rows, **error)
    yield s(any_shape, s.normal(3), s.normal(), [splits + 1], **rows, **error)
    yield s(any_shape, s.normal(3), s.normal(), [splits[[0, 2, 1, 3, 1, 3]]], **rows, **error)
    yield s(np.int64(3), s.normal(3), s.normal(), [splits], **rows, **error)
    yield s(np.int64([3, 2, 1]), s.normal(3), s.normal(), [splits], **rows, **error)
    yield s(np.int64([-1, -1, 3]), s.normal(3, 2), s.normal(), [splits], **rows, **error)
    yield s(any_shape, s.normal(3), s.normal(1), [splits], **rows, **error)
    yield s(any_shape, s.normal(3, 2), s.normal(3), [splits], **rows, **error)
    yield s(np.int64([2**40, 2**40]), s.normal(3), s.normal(), [splits], **rows, **error)
    yield s(any_shape, s.normal(4), s.normal(), [np.int64(2), np.int64([0, 0, 2, 2])], **ids, **error)
    yield s(any_shape, s.normal(3), s.normal(), [splits], row_partition_types=["FOO"], **error)
    yield s(any_shape, s.normal(3), s.normal(), [splits], row_partition_types=["ROW_LENGTHS"], **error)
