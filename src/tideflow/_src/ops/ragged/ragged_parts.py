"""Defines what a ragged tensor is made of, and what follows from that: ``RaggedParts``, below ``RaggedTensor``."""

from __future__ import annotations

import math
from typing import Any

from tideflow._src.core import dtypes, type_spec
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.gathering import gather
from tideflow._src.ops.array.joining import concat, stack
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import reshape
from tideflow._src.ops.array.shape import shape as shape_of
from tideflow._src.ops.array.shape import size as size_of
from tideflow._src.ops.math.reduction_functions import reduce_max
from tideflow._src.ops.ragged import taking_over
from tideflow._src.ops.ragged.ragged_spec import RaggedTensorSpec
from tideflow._src.ops.ragged.ragged_value import RaggedTensorValue
from tideflow._src.ops.ragged.row_partition import RowPartition
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


class RaggedParts(type_spec.CompositeTensor):
    """Is values and the partition that cuts them into rows: what ``RaggedTensor`` knows of itself."""

    def __init__(self, values: Any, row_partition: Any, internal: bool = False) -> None:
        if not internal:
            raise ValueError(
                "RaggedTensor constructor is private; please use one of the factory methods instead (e.g., "
                "RaggedTensor.from_row_lengths())"
            )
        if not is_supported_values_type(values):
            kinds = ", ".join(kind.__name__ for kind in _value_types)
            raise TypeError(f"type(values) must be one of: {kinds}, got {values}.")
        if not isinstance(row_partition, RowPartition):
            raise TypeError(f"Argument `row_partition` must be a RowPartition. Received {row_partition}.")
        if not taking_over.loaded:
            taking_over.load()
        values.shape.with_rank_at_least(1)
        if isinstance(values, RaggedParts):
            assert row_partition.dtype is values.row_splits.dtype
        self._values = values
        self._row_partition: RowPartition = row_partition

    # What it is made of.

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._values.dtype  # type: ignore[no-any-return]

    @property
    def shape(self) -> TensorShape:
        """The shape, with None for ragged dimensions and for what is not known statically."""
        partition = self._row_partition
        outer = TensorShape([partition.static_nrows, partition.static_uniform_row_length])
        return outer.concatenate(self._values.shape[1:])

    def get_shape(self) -> TensorShape:
        """Returns the shape, with None for ragged dimensions and for what is not known statically."""
        return self.shape

    @property
    def ragged_rank(self) -> int:
        """The number of levels of rows."""
        return len(self._nested_row_partitions)

    @property
    def values(self) -> Any:
        """The values of all rows, one after another: a tensor or ragged tensor of shape ``[nvals, ...]``."""
        return self._values

    @property
    def flat_values(self) -> Any:
        """The values of the innermost level: a tensor."""
        values = self._values
        while isinstance(values, RaggedParts):
            values = values._values
        return values

    @property
    def _nested_row_partitions(self) -> tuple[RowPartition, ...]:
        partitions = []
        values: Any = self
        while isinstance(values, RaggedParts):
            partitions.append(values._row_partition)
            values = values._values
        return tuple(partitions)

    @property
    def row_splits(self) -> Any:
        """Where rows begin and end: a vector of ``nrows + 1`` integers."""
        return self._row_partition.row_splits()

    @property
    def nested_row_splits(self) -> tuple[Any, ...]:
        """The row splits of all levels, the outermost first."""
        return tuple(partition.row_splits() for partition in self._nested_row_partitions)

    @property
    def uniform_row_length(self) -> Any:
        """The length that all rows have, a scalar; None where they may differ."""
        return self._row_partition.uniform_row_length()

    def value_rowids(self, name: str | None = None) -> Any:
        """Returns the row of each value: a vector of ``nvals`` integers."""
        with name_scope(name, "RaggedValueRowIds"):
            return self._row_partition.value_rowids()

    def nested_value_rowids(self, name: str | None = None) -> tuple[Any, ...]:
        """Returns the row ids of all levels, the outermost first."""
        with name_scope(name, "RaggedNestedValueRowIds"):
            return tuple(partition.value_rowids() for partition in self._nested_row_partitions)

    def nrows(self, out_type: Any = None, name: str | None = None) -> Any:
        """Returns the number of rows, a scalar of ``out_type`` or of the row splits' type."""
        with name_scope(name, "RaggedNRows"):
            count = self._row_partition.nrows()
            return count if out_type is None else raw.Cast(count, DstT=dtypes.as_dtype(out_type))

    def row_starts(self, name: str | None = None) -> Any:
        """Returns where each row begins: a vector of ``nrows`` integers."""
        with name_scope(name, "RaggedRowStarts"):
            return self._row_partition.row_starts()

    def row_limits(self, name: str | None = None) -> Any:
        """Returns where each row ends: a vector of ``nrows`` integers."""
        with name_scope(name, "RaggedRowLimits"):
            return self._row_partition.row_limits()

    def row_lengths(self, axis: int = 1, name: str | None = None) -> Any:
        """Returns the lengths of the rows along a dimension.

        >>> import tideflow as tf
        >>> rt = tf.RaggedTensor.from_nested_row_lengths([1, 2, 3], [[1, 2], [2, 0, 1]])
        >>> rt.row_lengths().numpy().tolist(), rt.row_lengths(axis=2).to_list()
        ([1, 2], [[2], [0, 1]])

        Args:
          axis: the dimension.
          name: the name scope.

        Returns:
          A (ragged) tensor of integers, of the shape of the dimensions before ``axis``.

        Raises:
          ValueError: there is no such dimension.
        """
        if axis == 0:
            return self._row_partition.nrows()
        if axis == 1:
            return self._row_partition.row_lengths()
        with name_scope(name, "RaggedRowLengths"):
            axis = positive_axis(axis, self.shape.rank, "axis", "rank(self)")
            if axis < 2:
                return self.row_lengths(axis)
            values = self._values
            if isinstance(values, RaggedParts):
                return self.with_values(values.row_lengths(axis - 1))
            sizes = shape_of(values, out_type=self._row_partition.dtype)
            return self.with_values(raw.Fill(sizes[: axis - 1], sizes[axis - 1]))

    def nested_row_lengths(self, name: str | None = None) -> tuple[Any, ...]:
        """Returns the row lengths of all levels, the outermost first."""
        with name_scope(name, "RaggedNestedRowLengths"):
            return tuple(partition.row_lengths() for partition in self._nested_row_partitions)

    def bounding_shape(self, axis: Any = None, name: str | None = None, out_type: Any = None) -> Any:
        """Returns the shape of the smallest dense tensor that holds this one.

        >>> import tideflow as tf
        >>> tf.RaggedTensor.from_row_lengths([1, 2, 3], [2, 0, 1]).bounding_shape().numpy().tolist()
        [3, 2]

        Args:
          axis: the dimension or dimensions whose sizes are wanted; None for all.
          name: the name scope.
          out_type: the type of the result; by default that of the row splits.
        """
        partition = self._row_partition
        out_type = partition.dtype if out_type is None else dtypes.as_dtype(out_type)
        with name_scope(name, "RaggedBoundingBox"):
            if axis.__class__ is int and axis in (0, 1):
                return _as(partition.nrows() if axis == 0 else _longest(partition), out_type)
            partitions = self._nested_row_partitions
            sizes = [_as(size, out_type) for size in (partition.nrows(), *map(_longest, partitions))]
            inner = shape_of(self.flat_values, out_type=out_type)[1:]
            box = concat([stack(sizes), inner], axis=0)
            return box if axis is None else gather(box, axis)

    # Others like it.

    def with_values(self, new_values: Any) -> Any:
        """Returns a ragged tensor with the same rows of other values.

        Args:
          new_values: a tensor or ragged tensor of shape ``[nvals, ...]``.

        Raises:
          ValueError: their number or the type of their row splits is another.
        """
        new_values = as_values(new_values)
        new_values.shape.with_rank_at_least(1)
        self._values.shape[:1].assert_is_compatible_with(new_values.shape[:1])
        if isinstance(new_values, RaggedParts) and self._row_partition.dtype is not new_values._row_partition.dtype:
            raise ValueError(
                "self and new_values have mismatched row_splits dtypes; use RaggedTensor.with_row_splits_dtype() to "
                "convert them to compatible dtypes."
            )
        return type(self)(new_values, self._row_partition, internal=True)

    def with_flat_values(self, new_values: Any) -> Any:
        """Returns a ragged tensor with the same rows of all levels and other elements.

        Args:
          new_values: a tensor with as many rows as ``flat_values``.

        Raises:
          ValueError: their number is another.
        """
        if isinstance(self._values, RaggedParts):
            new_values = self._values.with_flat_values(new_values)
        return self.with_values(new_values)

    def with_row_splits_dtype(self, dtype: Any) -> Any:
        """Returns this ragged tensor with row splits of int32 or int64.

        Raises:
          ValueError: ``dtype`` is neither.
        """
        dtype = dtypes.as_dtype(dtype)
        if dtype not in (dtypes.int32, dtypes.int64):
            raise ValueError(f"Argument `row_splits` dtype must be int32 or int64. Received {dtype}.")
        if self._row_partition.dtype is dtype:
            return self
        values = self._values
        if isinstance(values, RaggedParts):
            values = values.with_row_splits_dtype(dtype)
        return type(self)(values, self._row_partition.with_dtype(dtype), internal=True)

    def merge_dims(self, outer_axis: int, inner_axis: int) -> Any:
        """Returns this tensor with the dimensions from ``outer_axis`` to ``inner_axis`` in one.

        >>> import tideflow as tf
        >>> rt = tf.RaggedTensor.from_nested_row_lengths([1, 2, 3], [[1, 2], [2, 0, 1]])
        >>> print(rt.merge_dims(1, 2))
        <tf.RaggedTensor [[1, 2], [3]]>

        Raises:
          ValueError: there are no such dimensions, or the first lies behind the last.
        """
        rank = self.shape.rank
        outer_axis = positive_axis(outer_axis, rank, "outer_axis", "rank(self)")
        inner_axis = positive_axis(inner_axis, rank, "inner_axis", "rank(self)")
        if outer_axis > inner_axis:
            raise ValueError(
                f"Expected outer_axis ({outer_axis}) to be less than or equal to inner_axis ({inner_axis})."
            )
        return merge_dims(self, outer_axis, inner_axis)

    def _set_shape(self, shape: Any) -> None:
        """Adds what the caller knows of the static shape.

        Raises:
          ValueError: it contradicts what is known.
        """
        dims = TensorShape(shape)._dims
        if dims is None:
            return
        if dims[0] is not None:
            self.row_splits.set_shape([dims[0] + 1])
        kind = self._row_partition.dtype
        for axis, partition in enumerate(self._nested_row_partitions, start=1):
            length = dims[axis]
            if length is None:
                continue
            known = partition.static_uniform_row_length
            if known is not None:
                if length != known:
                    raise ValueError(f"Inconsistent size for axis {axis}: {known} vs. {length}.")
                continue
            partition._uniform_row_length = convert_to_tensor(length, kind)
            if partition._nrows is None:
                partition._nrows = size_of(partition.row_splits(), out_type=kind) - 1
        if hasattr(self.flat_values, "set_shape"):
            self.flat_values.set_shape([None, *dims[self.ragged_rank + 1 :]])


#: What the values of a ragged tensor may be. Classes of other composite tensors may be added.
_value_types: tuple[type, ...] = (Tensor, RaggedParts)


def add_supported_value_type(cls: Any) -> None:
    """Lets the values of ragged tensors be of another class of composite tensors, with a shape and a dtype.

    Raises:
      ValueError: the class is no such.
    """
    if not issubclass(cls, type_spec.CompositeTensor):
        raise ValueError(f"cls ({cls}) must be a subclass of CompositeTensor.")
    for name in ("shape", "dtype"):
        if not hasattr(cls, name):
            raise ValueError(f"cls must support the `{name}` property.")
    global _value_types
    _value_types += (cls,)


def is_supported_values_type(value: Any) -> bool:
    """Tells whether a value may be the values of a ragged tensor as it is."""
    return isinstance(value, _value_types)


def as_values(value: Any) -> Any:
    """Returns what may be the values of a ragged tensor: a value as it is, or as a tensor or ragged tensor."""
    return value if isinstance(value, _value_types) else convert_to_tensor_or_ragged_tensor(value, name="values")


def convert_to_tensor_or_ragged_tensor(
    value: Any, dtype: Any = None, preferred_dtype: Any = None, name: str | None = None
) -> Any:
    """Returns a value as a ragged tensor if it is one or the value of one, and as a tensor otherwise.

    Raises:
      ValueError: it is a ragged tensor of another dtype.
    """
    if isinstance(value, RaggedParts):
        if dtype is not None and not dtypes.as_dtype(dtype).is_compatible_with(value.dtype):
            raise ValueError(
                f"Tensor conversion requested dtype {dtypes.as_dtype(dtype).name} for RaggedTensor with dtype "
                f"{value.dtype.name}: {value}."
            )
        return value
    if isinstance(value, RaggedTensorValue):
        with name_scope(name, "ConvertToTensorOrRaggedTensor"):
            flat = convert_to_tensor(value.flat_values, dtype, preferred_dtype, name="flat_values")
            return RaggedTensorSpec.ragged_class.from_nested_row_splits(flat, value.nested_row_splits, validate=False)
    return convert_to_tensor(value, dtype, preferred_dtype, name=name)


def merge_dims(value: Any, outer_axis: int, inner_axis: int) -> Any:
    """Returns a tensor or ragged tensor with the dimensions from ``outer_axis`` to ``inner_axis`` in one."""
    if outer_axis == inner_axis:
        return value
    while outer_axis == 0 and isinstance(value, RaggedParts):
        value = value.values
        inner_axis -= 1
        if inner_axis == 0:
            return value
    if not isinstance(value, RaggedParts):
        return _merged_axes(value, outer_axis, inner_axis)
    if outer_axis > 1:
        return value.with_values(merge_dims(value.values, outer_axis - 1, inner_axis - 1))
    values, splits = value.values, value.row_splits
    for axis in range(outer_axis, inner_axis):
        if isinstance(values, RaggedParts):
            splits = gather(values.row_splits, splits)
            values = values.values
            continue
        count = inner_axis - axis
        dims = values.shape._dims
        if dims is not None and None not in dims[1 : count + 1]:
            width: Any = math.prod(dims[1 : count + 1])
        else:
            width = raw.Cast(raw.Prod(shape_of(values)[1 : count + 1], 0, keep_dims=False), DstT=splits.dtype)
        values = _merged_axes(values, 0, count)
        splits = splits * width
        break
    return RaggedTensorSpec.ragged_class.from_row_splits(values, splits)


def _merged_axes(tensor: Any, first: int, last: int) -> Any:
    dims = tensor.shape._dims
    if dims is not None and None not in dims:
        return reshape(tensor, [*dims[:first], math.prod(dims[first : last + 1]), *dims[last + 1 :]])
    sizes = shape_of(tensor)
    return reshape(tensor, concat([sizes[:first], [-1], sizes[last + 1 :]], axis=0))


def positive_axis(axis: Any, rank: int | None, axis_name: str, rank_name: str) -> int:
    """Returns an axis counted from the front.

    Raises:
      TypeError: it is no int.
      ValueError: there is no such axis, or it is negative and the rank unknown.
    """
    if not isinstance(axis, int):
        raise TypeError(f"{axis_name} must be an int; got {type(axis).__name__}")
    if rank is not None:
        if -rank <= axis < rank:
            return axis % rank
        raise ValueError(f"{axis_name}={axis} out of bounds: expected {-rank}<={axis_name}<{rank}")
    if axis < 0:
        raise ValueError(f"{axis_name}={axis} may only be negative if {rank_name} is statically known.")
    return axis


def row_count(tensor: Any, out_type: Any = dtypes.int32) -> Any:
    """Returns the size of the first dimension of a tensor or ragged tensor, a scalar of ``out_type``."""
    if isinstance(tensor, RaggedParts):
        return tensor.nrows(out_type=out_type)
    return shape_of(tensor, out_type=out_type)[0]


def _as(tensor: Any, dtype: DType) -> Any:
    return tensor if tensor.dtype is dtype else raw.Cast(tensor, DstT=dtype)


def _longest(partition: RowPartition) -> Any:
    zero = convert_to_tensor(0, partition.dtype)
    return raw.Maximum(reduce_max(partition.row_lengths()), zero)
