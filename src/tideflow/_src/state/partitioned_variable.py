"""Variables that are kept in parts: ``PartitionedVariable``, and the functions that choose the parts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_shape import TensorShape, as_shape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor, register_tensor_conversion_function


class PartitionInfo:
    """Says to an initializer which part of a variable it makes.

    Args:
      full_shape: the shape of the whole.
      var_offset: where the part begins, for each dimension.

    Raises:
      TypeError: one of them is not a sequence.
      ValueError: they do not fit each other.
    """

    def __init__(self, full_shape: Sequence[int], var_offset: Sequence[int]) -> None:
        for name, value in (("full_shape", full_shape), ("var_offset", var_offset)):
            if not isinstance(value, Sequence) or isinstance(value, str):
                raise TypeError(f"`{name}` must be a sequence (like tuple or list) instead of {type(value).__name__}")
        if len(var_offset) != len(full_shape):
            raise ValueError(
                f"Expected equal length, but `var_offset` is of length {len(var_offset)} while full_shape "
                f"is of length {len(full_shape)}."
            )
        for offset, size in zip(var_offset, full_shape, strict=True):
            if offset < 0 or offset >= size:
                raise ValueError(
                    f"Expected 0 <= offset < shape but found offset={offset}, shape={size} for "
                    f"var_offset={var_offset}, full_shape={full_shape}"
                )
        self._full_shape = full_shape
        self._var_offset = var_offset

    @property
    def full_shape(self) -> Sequence[int]:
        """The shape of the whole."""
        return self._full_shape

    @property
    def var_offset(self) -> Sequence[int]:
        """Where the part begins, for each dimension."""
        return self._var_offset

    def single_offset(self, shape: Sequence[int]) -> int:
        """Returns where a part of ``shape`` begins in the one dimension that is partitioned; 0 if none is."""
        index = self.single_slice_dim(shape)
        return 0 if index is None else self._var_offset[index]

    def single_slice_dim(self, shape: Sequence[int]) -> int | None:
        """Returns the one dimension in which a part of ``shape`` differs from the whole, or None.

        Raises:
          ValueError: there is more than one.
        """
        different = [
            index for index, (part, whole) in enumerate(zip(shape, self._full_shape, strict=True)) if part != whole
        ]
        if len(different) > 1:
            raise ValueError(
                f"Cannot use single_slice_dim() with shape={shape} and full_shape={self._full_shape}: more "
                "than one dimension differs."
            )
        return different[0] if different else None


class PartitionedVariable:
    """Is a variable kept in parts, each a variable of its own; it converts to the whole."""

    def __init__(
        self, name: str, shape: Any, dtype: Any, variable_list: Sequence[Any], partitions: Sequence[int]
    ) -> None:
        if not isinstance(variable_list, list | tuple):
            raise TypeError(f"variable_list is not a list or tuple: {variable_list}")
        if any(count < 1 for count in partitions):
            raise ValueError(f"partition values must be positive: {partitions}")
        if not variable_list:
            raise ValueError("variable_list may not be empty")
        self._name = name
        self._shape = as_shape(shape)
        self._dtype = dtypes.as_dtype(dtype)
        self._variable_list = sorted(variable_list, key=lambda part: part._get_save_slice_info().var_offset)
        self._partitions = list(partitions)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._variable_list)

    def __len__(self) -> int:
        return sum(count > 1 for count in self._partitions)

    def _partition_axes(self) -> list[int]:
        return [axis for axis, count in enumerate(self._partitions) if count > 1] or [0]

    @property
    def name(self) -> str:
        """The name of the whole."""
        return self._name

    @property
    def dtype(self) -> Any:
        """The type of the elements."""
        return self._dtype

    @property
    def shape(self) -> TensorShape:
        """The shape of the whole."""
        return self._shape

    def get_shape(self) -> TensorShape:
        """Returns the shape of the whole."""
        return self._shape

    def _get_variable_list(self) -> list[Any]:
        return self._variable_list

    def _get_partitions(self) -> list[int]:
        return self._partitions

    def as_tensor(self) -> Any:
        """Returns the whole as a tensor.

        Raises:
          NotImplementedError: it is partitioned in more than one dimension.
        """
        if len(self._variable_list) == 1:
            with name_scope(None):
                return raw.Identity(convert_to_tensor(self._variable_list[0]), name=self._name)
        axes = self._partition_axes()
        if len(axes) > 1:
            raise NotImplementedError(f"Cannot concatenate along more than one dimension: {axes}.")
        with name_scope(f"{self._name}/ConcatPartitions/"):
            whole = raw.ConcatV2([convert_to_tensor(part) for part in self._variable_list], axes[0], name="concat")
        with name_scope(None):
            return raw.Identity(whole, name=self._name)

    def _dense_var_to_tensor(self, dtype: Any = None, name: str | None = None, as_ref: bool = False) -> Any:
        del name
        if dtype is not None and not dtype.is_compatible_with(self._dtype):
            raise ValueError(
                f"Incompatible type conversion requested to type '{dtype.name}' for variable of type "
                f"'{self._dtype.name}'"
            )
        if as_ref:
            raise NotImplementedError("PartitionedVariable doesn't support being used as a reference.")
        return self.as_tensor()

    def assign(
        self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> list[Any]:
        """Assigns to each part its share of ``value``; returns what the assignments return."""
        value = convert_to_tensor(value, self._dtype)
        made = []
        for part in self._variable_list:
            info = part._get_save_slice_info()
            where = tuple(slice(o, o + n) for o, n in zip(info.var_offset, info.var_shape, strict=True))
            made.append(part.assign(value[where], use_locking=use_locking, name=name, read_value=read_value))
        return made

    def __repr__(self) -> str:
        described = f"shape={self._shape} dtype={self._dtype.name} parts={len(self._variable_list)}"
        return f"<PartitionedVariable '{self._name}' {described}>"


register_tensor_conversion_function(
    PartitionedVariable,
    lambda value, dtype=None, name=None, as_ref=False: value._dense_var_to_tensor(dtype, name, as_ref),
)


def parts_of(
    partitioner: Callable[..., Any], shape: TensorShape, dtype: Any
) -> tuple[list[int], list[tuple[list[int], list[int]]]]:
    """Asks a partitioner for the number of parts of each dimension.

    Returns:
      Those numbers, and the offset and shape of each part, in order.

    Raises:
      ValueError: the partitioner's answer does not fit the shape.
    """
    if not callable(partitioner):
        raise ValueError(f"Partitioner must be callable, but received: {partitioner}")
    counts = list(partitioner(shape=shape, dtype=dtype))
    if not counts:
        raise ValueError(f"Partitioner did not return a list of the same length as the shape {shape}: {counts}")
    if len(counts) != shape.rank:
        raise ValueError(
            f"Partitioner returned a partition list that does not match the input shape: {counts} vs. {shape}"
        )
    if any(count < 1 for count in counts):
        raise ValueError(f"Partitioner returned zero partitions for some axes: {counts}")
    if sum(count > 1 for count in counts) > 1:
        raise ValueError(f"Can only slice a variable along one dimension: shape: {shape}, partitioning: {counts}")
    sizes: list[Any] = shape.as_list()
    axis = next((index for index, count in enumerate(counts) if count > 1), 0)
    if counts[axis] > sizes[axis]:
        raise ValueError(f"Cannot cut dimension {axis} of shape {shape} into {counts[axis]} parts.")
    small, larger = divmod(sizes[axis], counts[axis])
    parts = []
    start = 0
    for index in range(counts[axis]):
        size = small + (1 if index < larger else 0)
        offset, extent = [0] * len(sizes), list(sizes)
        offset[axis], extent[axis] = start, size
        parts.append((offset, extent))
        start += size
    return counts, parts


def fixed_size_partitioner(num_shards: int, axis: int = 0) -> Callable[..., list[int]]:
    """Returns a partitioner that cuts dimension ``axis`` into at most ``num_shards`` parts."""

    def partition(shape: TensorShape, **unused: Any) -> list[int]:
        del unused
        counts = [1] * len(shape)
        sizes: list[Any] = shape.as_list()
        counts[axis] = min(num_shards, sizes[axis])
        return counts

    return partition


def variable_axis_size_partitioner(
    max_shard_bytes: int, axis: int = 0, bytes_per_string_element: int = 16, max_shards: int | None = None
) -> Callable[..., list[int]]:
    """Returns a partitioner that cuts dimension ``axis`` into parts of at most ``max_shard_bytes``.

    Raises:
      ValueError: one of the numbers is not positive.
    """
    if max_shard_bytes < 1 or bytes_per_string_element < 1:
        raise ValueError(
            "Both max_shard_bytes and bytes_per_string_element must be positive. Currently max_shard_bytes "
            "is "
            f"{max_shard_bytes} and bytes_per_string_element is {bytes_per_string_element}"
        )
    if max_shards and max_shards < 1:
        raise ValueError("max_shards must be positive.")

    def partition(shape: Any, dtype: Any, **unused: Any) -> list[int]:
        del unused
        shape = as_shape(shape)
        element = bytes_per_string_element if dtype.name == "string" else dtype.size
        counts = [1] * shape.rank
        sizes = shape.as_list()
        row = shape.num_elements() / sizes[axis] * element
        rows = max(1, math.floor(max_shard_bytes / row))
        counts[axis] = math.ceil(1.0 * sizes[axis] / rows)
        if max_shards:
            counts[axis] = min(max_shards, counts[axis])
        return counts

    return partition


def min_max_variable_partitioner(
    max_partitions: int = 1, axis: int = 0, min_slice_size: int = 256 << 10, bytes_per_string_element: int = 16
) -> Callable[..., list[int]]:
    """Returns a partitioner that makes as many parts as leave each at least ``min_slice_size`` bytes.

    Raises:
      ValueError: ``max_partitions`` is not positive.
    """
    if max_partitions < 1:
        raise ValueError(f"max_partitions must be positive, got {max_partitions}")

    def partition(shape: TensorShape, dtype: Any, **unused: Any) -> list[int]:
        del unused
        if axis >= len(shape):
            raise ValueError(f"Cannot partition variable along axis {axis} when shape is only {shape}")
        element = bytes_per_string_element if dtype.name == "string" else dtype.size
        elements: Any = shape.num_elements()
        sizes: list[Any] = shape.as_list()
        counts = [1] * len(shape)
        wanted = math.ceil(elements * element / min_slice_size)
        counts[axis] = max(1, min(sizes[axis], max_partitions, wanted))
        return counts

    return partition
