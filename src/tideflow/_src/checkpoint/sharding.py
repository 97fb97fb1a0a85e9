"""What of a checkpoint goes into which of its files: ``ShardingCallback`` and its two policies."""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.logger import get_logger
from tideflow._src.core.tensor import EagerTensor
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.checkpoint import tensor_slice
from tideflow._src.state.variable import Variable

#: A file: tensors by key and by slice.
Shard = dict[str, dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class ShardableTensor:
    """Is a tensor that is to be saved.

    Attributes:
      tensor: the tensor.
      dtype: its dtype.
      device: the device that it is on.
      name: its name in the checkpoint.
      shape: its shape.
      slice_spec: which part of a tensor it is; empty for all of one.
      checkpoint_key: the key that it is saved under.
      trackable: the object that it belongs to.
    """

    _tensor_save_spec: Any
    tensor: Any
    dtype: Any
    device: Any
    name: str
    shape: Any
    slice_spec: str
    checkpoint_key: str
    trackable: Any

    def __hash__(self) -> int:
        return hash((self.name, self.dtype, str(self.device), self.checkpoint_key))

    def __repr__(self) -> str:
        fields = (each.name for each in dataclasses.fields(self))
        return f"\n{type(self).__name__}:" + "".join(f"\n  {name}={getattr(self, name)!r}" for name in fields)


class ShardingCallback(abc.ABC):
    """Says what goes into which file of a checkpoint."""

    @property
    @abc.abstractmethod
    def description(self) -> str:
        """What it does, in words."""

    @abc.abstractmethod
    def __call__(self, shardable_tensors: Sequence[ShardableTensor]) -> Sequence[Shard]:
        """Returns the files.

        Args:
          shardable_tensors: what is to be saved.

        Returns:
          For each file its tensors, by key and by slice. Tensors may be cut; each part goes under the slice that it is.
        """

    def __hash__(self) -> int:
        found = hash(self.description)
        for name, value in vars(self).items():
            found ^= hash(name)
            if isinstance(value, Hashable):
                found ^= hash(value)
        return found


class ShardByTaskPolicy(ShardingCallback):
    """Writes one file for each task, and so one file: there is one task."""

    @property
    def description(self) -> str:
        """What it does, in words."""
        return "Split tensors into shards based on their device spec task."

    def __call__(self, shardable_tensors: Sequence[ShardableTensor]) -> Sequence[Shard]:
        """Returns one file with everything."""
        shard: Shard = {}
        for each in shardable_tensors:
            shard.setdefault(each.checkpoint_key, {})[each.slice_spec] = each.tensor
        return [shard]


class MaxShardSizePolicy(ShardingCallback):
    """Writes files of a size that is not exceeded, and cuts tensors that are larger.

    What cannot be cut small enough, a scalar or a string, gets a file of its own.

    Args:
      max_shard_size: the size in bytes.

    Raises:
      ValueError: it is not positive.
    """

    def __init__(self, max_shard_size: int) -> None:
        if max_shard_size <= 0:
            raise ValueError(f"`max_shard_size` must be positive, got {max_shard_size}.")
        self.max_shard_size = max_shard_size

    @property
    def description(self) -> str:
        """What it does, in words."""
        return "Split tensors into shards with a max shard size."

    def __call__(self, shardable_tensors: Sequence[ShardableTensor]) -> Sequence[Shard]:
        """Returns the files: tensors in their order, a new file where one is full."""
        shards: list[Shard] = [{}]
        alone: list[Shard] = []
        left = self.max_shard_size
        for each in shardable_tensors:
            for part, tensor, size in self._parts(each, left):
                if size > self.max_shard_size:
                    get_logger().warning(
                        "Tensor %s is of %s bytes and cannot be cut into parts of at most %s bytes; it gets a file of "
                        "its own.",
                        each.checkpoint_key,
                        size,
                        self.max_shard_size,
                    )
                    alone.append({each.checkpoint_key: {part: tensor}})
                    continue
                if size > left:
                    shards.append({})
                    left = self.max_shard_size
                shards[-1].setdefault(each.checkpoint_key, {})[part] = tensor
                left -= size
        return [shard for shard in (*shards, *alone) if shard]

    def _parts(self, each: ShardableTensor, left: int) -> Iterator[tuple[str, Any, int]]:
        """Yields slice, tensor and size of the parts of a tensor, the first of a size that fits what is left."""
        shape = each.shape.as_list() if each.shape.is_fully_defined() else None
        whole = each.dtype is dtypes.string or each.dtype is dtypes.variant or not shape
        size = _bytes_of(each.tensor, each.dtype, shape)
        if whole or size <= left or 0 in (shape or ()):
            yield each.slice_spec, each.tensor, size
            return
        assert shape is not None
        if each.slice_spec:
            full, stored = tensor_slice.parse(each.slice_spec)
            offset = [begin for begin, _ in stored.bounds(full)]
        else:
            full, offset = tuple(shape), [0] * len(shape)
        for start, extent in _boxes([0] * len(shape), shape, each.dtype.size, self.max_shard_size, left):
            begins = [begin + more for begin, more in zip(offset, start, strict=True)]
            info = Variable.SaveSliceInfo(each.checkpoint_key, list(full), begins, extent)
            yield info.spec, raw.Slice(each.tensor, start, extent), math.prod(extent) * each.dtype.size


def _boxes(
    start: list[int], extent: list[int], element: int, most: int, left: int
) -> Iterator[tuple[list[int], list[int]]]:
    """Yields where the parts of a tensor begin and their sizes; the first fits what is left, if it can.

    It is cut along the first axis whose rows are small enough; if there is none, each row of the first axis that has
    several is cut in its turn.
    """
    total = math.prod(extent) * element
    if total <= min(most, left) or max(extent) == 1:
        yield start, extent
        return
    rows = [total // size for size in extent]
    axis = next((axis for axis, row in enumerate(rows) if row <= most), None)
    if axis is None:
        axis = next(axis for axis, size in enumerate(extent) if size > 1)
    room = max(1, (left if left >= rows[axis] else most) // rows[axis])
    begin = 0
    while begin < extent[axis]:
        count = min(room, extent[axis] - begin)
        part_start, part_extent = list(start), list(extent)
        part_start[axis] += begin
        part_extent[axis] = count
        if count * rows[axis] > most:
            yield from _boxes(part_start, part_extent, element, most, most)
        else:
            yield part_start, part_extent
        begin += count
        room = max(1, most // rows[axis])


def _bytes_of(tensor: Any, dtype: Any, shape: list[int] | None) -> int:
    if dtype is dtypes.string:
        if not isinstance(tensor, EagerTensor):
            return 0  # only a run of the graph knows
        return sum(len(text) for text in tensor.numpy().ravel()) if tensor.shape.rank else len(tensor.numpy())
    return math.prod(shape or ()) * dtype.size


def validate_shards(shards: Sequence[Shard], tensors: Sequence[ShardableTensor], description: str) -> None:
    """Checks that files hold exactly what is to be saved.

    Raises:
      RuntimeError: a tensor is missing, is there twice, or was not to be saved.
    """
    wanted: dict[str, int] = {}
    for each in tensors:
        wanted[each.checkpoint_key] = wanted.get(each.checkpoint_key, 0) + int(each.tensor.shape.num_elements() or 0)
    seen: set[tuple[str, str]] = set()
    found: dict[str, int] = {}
    where = f"After executing the checkpoint sharding callback ({description}),"
    for shard in shards:
        for key, parts in shard.items():
            for part, tensor in parts.items():
                if key not in wanted:
                    raise RuntimeError(f"{where} a tensor not originally in the object graph was found: {key}")
                if (key, part.strip()) in seen:
                    raise RuntimeError(
                        f"{where} multiple tensors with the same checkpoint key and slice spec were found: {key} {part}"
                    )
                seen.add((key, part.strip()))
                found[key] = found.get(key, 0) + int(tensor.shape.num_elements() or 0)
    for key, count in wanted.items():
        if key not in found:
            raise RuntimeError(f"{where} tensors in the object graph were not found in the checkpoint shards: {key}")
        if found[key] != count:
            raise RuntimeError(
                f"{where} {key} has {found[key]} elements in the checkpoint shards, where it has {count}"
            )
