"""Defines ``DynamicRaggedShape``, the shape of a dense or ragged tensor with the lengths of its rows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes, type_spec
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.graph.static_value import value_and_elements
from tideflow._src.ops.array.gathering import gather
from tideflow._src.ops.array.joining import stack
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import shape as shape_of
from tideflow._src.ops.control.assertions import assert_equal
from tideflow._src.ops.control.grouping import with_dependencies
from tideflow._src.ops.math.reduction_functions import reduce_all, reduce_prod
from tideflow._src.ops.ragged import taking_over
from tideflow._src.ops.ragged.dynamic_ragged_shape_spec import DynamicRaggedShapeSpec
from tideflow._src.ops.ragged.ragged_parts import positive_axis
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor, is_ragged
from tideflow._src.ops.ragged.row_partition import RowPartition
from tideflow._src.runtime.convert import convert_to_tensor

_INDEX = (dtypes.int32, dtypes.int64)


class DynamicRaggedShape(type_spec.CompositeTensor):
    """Is the shape of a tensor, dense or ragged, with the lengths of all its rows.

    The outer dimensions are row partitions, ragged or uniform; the inner ones are a vector, whose first element is the
    number of values of the last partition.

    >>> DynamicRaggedShape.from_lengths([2, (2, 1), 3])
    <DynamicRaggedShape lengths=[2, (2, 1), 3] num_row_partitions=1>

    Args:
      row_partitions: the partitions of the outer dimensions, the outermost first.
      inner_shape: the sizes of the inner dimensions, a vector of integers.
      dtype: int32 or int64; by default that of the partitions or of ``inner_shape``, or else int64.
      validate: whether to check when the program runs what is not known before.
      static_inner_shape: what is known of the inner shape beyond what follows from it.

    Raises:
      TypeError: the partitions are none.
      ValueError: the partitions do not fit each other or the inner shape, as far as it is known; or another dtype.
    """

    def __init__(
        self,
        row_partitions: Sequence[RowPartition],
        inner_shape: Any,
        dtype: Any = None,
        validate: bool = False,
        static_inner_shape: Any = None,
    ) -> None:
        if not taking_over.loaded:
            taking_over.load()
        if not isinstance(row_partitions, Iterable):
            raise TypeError(f"row_partitions should be a list of row partitions. Instead, got {row_partitions}")
        for partition in row_partitions:
            if not isinstance(partition, RowPartition):
                raise TypeError(f"row_partitions contains {partition} which is not a RowPartition")
        kind = _dtype_of([*row_partitions, inner_shape], dtype)
        partitions = tuple(partition.with_dtype(kind) for partition in row_partitions)
        inner = convert_to_tensor(inner_shape, dtype_hint=kind, name="inner_dim_sizes")
        if inner.dtype is not kind:
            inner = raw.Cast(inner, DstT=kind)
        checks = []
        for axis, (outer, partition) in enumerate(itertools.pairwise(partitions)):
            message = f"RowPartitions in DynamicRaggedShape do not align between {axis} and {axis + 1}"
            rows, values = partition.static_nrows, outer.static_nvals
            if rows is not None and values is not None:
                if rows != values:
                    raise ValueError(message)
            elif validate:
                checks.append(assert_equal(outer.nvals(), partition.nrows(), message=message))
        inner.shape.assert_has_rank(1)
        static = _shape_from_vector(inner)
        if static_inner_shape is not None:
            static = static.merge_with(static_inner_shape)
        if partitions:
            message = "Last row partition does not match inner_shape."
            values, size = partitions[-1].static_nvals, static._dims[0] if static._dims else None
            if values is not None and size is not None:
                if values != size:
                    raise ValueError(message)
            elif validate:
                checks.append(assert_equal(partitions[-1].nvals(), inner[0], message=message))
        if checks:
            inner = with_dependencies(checks, inner, name="inner_shape_validated")
            partitions = tuple(partition._with_dependencies(checks) for partition in partitions)
        self._row_partitions = partitions
        self._inner_shape = inner
        self._static_inner_shape = static

    @classmethod
    def from_lengths(
        cls,
        lengths: Sequence[Sequence[int] | int],
        num_row_partitions: int | None = None,
        dtype: Any = dtypes.int64,
    ) -> DynamicRaggedShape:
        """Returns the shape with a size for each uniform dimension and a tuple of lengths for each ragged one.

        >>> DynamicRaggedShape.from_lengths([2, 3])
        <DynamicRaggedShape lengths=[2, 3] num_row_partitions=0>

        Args:
          lengths: a list of integers and tuples of integers.
          num_row_partitions: how many dimensions after the first are partitions; by default up to the last ragged one.
          dtype: int32 or int64.

        Raises:
          ValueError: ``lengths`` is no such list, its lengths do not fit each other, or ``num_row_partitions`` them.
        """
        if not isinstance(lengths, list):
            raise ValueError("lengths should be a list")
        for length in lengths:
            if not _is_length(length):
                raise ValueError(f"element of lengths should be int or tuple of ints: instead {length!r}")
        if num_row_partitions is None:
            num_row_partitions = max(
                (axis for axis, length in enumerate(lengths) if not isinstance(length, int)), default=0
            )
        if not isinstance(num_row_partitions, int):
            raise ValueError("num_row_partitions should be an int or None")
        if not lengths:
            if num_row_partitions > 0:
                raise ValueError("num_row_partitions==0 for a scalar shape")
            return DynamicRaggedShape([], [], dtype=dtype)
        if num_row_partitions >= len(lengths):
            raise ValueError("num_row_partitions should be less than `len(lengths)` if shape is not scalar.")
        count: Any = lengths[0]
        partitions = []
        for length in lengths[1 : num_row_partitions + 1]:
            if isinstance(length, int):
                partitions.append(RowPartition.from_uniform_row_length(length, count * length, nrows=count))
                count *= length
            else:
                if count != len(length):
                    raise ValueError("Shape not consistent.")
                partitions.append(RowPartition.from_row_lengths(length))
                count = sum(length)
        return DynamicRaggedShape(partitions, [count, *lengths[num_row_partitions + 1 :]], dtype=dtype)

    @classmethod
    def from_row_partitions(cls, row_partitions: Sequence[RowPartition], dtype: Any = None) -> DynamicRaggedShape:
        """Returns the shape whose dimensions after the first are the given partitions.

        Raises:
          ValueError: there are none.
        """
        if not row_partitions:
            raise ValueError("row_partitions cannot be empty")
        return DynamicRaggedShape(row_partitions, [row_partitions[-1].nvals()], dtype=dtype)

    @classmethod
    def _from_inner_shape(cls, inner_shape: Any, dtype: Any = None) -> DynamicRaggedShape:
        return DynamicRaggedShape([], inner_shape, dtype=dtype)

    @classmethod
    def from_tensor(cls, t: Any, dtype: Any = None) -> DynamicRaggedShape:
        """Returns the shape of a tensor or ragged tensor, encoded in ``dtype``."""
        if not is_ragged(t):
            return DynamicRaggedShape([], shape_of(t), dtype=dtype)
        if isinstance(t, RaggedTensor):
            flat = t.flat_values
            return DynamicRaggedShape(
                t._nested_row_partitions, shape_of(flat), dtype=dtype, static_inner_shape=flat.shape
            )
        partitions = [RowPartition.from_row_splits(splits) for splits in t.nested_row_splits]
        return DynamicRaggedShape(partitions, t.flat_values.shape, dtype=dtype)

    # What it says.

    @property
    def row_partitions(self) -> tuple[RowPartition, ...]:
        """The partitions of the outer dimensions, the outermost first."""
        return self._row_partitions

    @property
    def num_row_partitions(self) -> int:
        """How many dimensions are partitions."""
        return len(self._row_partitions)

    @property
    def inner_shape(self) -> Any:
        """The sizes of the inner dimensions, a vector."""
        return self._inner_shape

    @property
    def inner_rank(self) -> int | None:
        """The number of inner dimensions, as far as it is known."""
        return self._static_inner_shape.rank

    @property
    def rank(self) -> int | None:
        """The number of dimensions, as far as it is known."""
        return None if self.inner_rank is None else self.num_row_partitions + self.inner_rank

    @property
    def dtype(self) -> DType:
        """The type of the encoding: int32 or int64."""
        return self._inner_shape.dtype  # type: ignore[no-any-return]

    def is_uniform(self, axis: int) -> bool:
        """Tells whether a dimension has one size everywhere.

        Raises:
          TypeError: the axis is no int.
          IndexError: there is no such dimension.
        """
        if not isinstance(axis, int):
            raise TypeError("axis must be an integer")
        if axis < 0:
            raise IndexError("Negative axis values are not supported")
        if self.rank is not None and axis >= self.rank:
            raise IndexError(f"Expected axis={axis} < rank={self.rank}")
        return axis == 0 or axis > self.num_row_partitions or self._row_partitions[axis - 1].is_uniform()

    def static_lengths(self, ragged_lengths: bool = True) -> list[Any]:
        """Returns what is known statically: a size, a tuple of lengths, or None for each dimension.

        Args:
          ragged_lengths: whether the lengths of ragged dimensions are wanted; else None stands for them.

        Returns:
          A list, which ends with ``...`` if the rank is unknown.
        """
        inner = [...] if self._static_inner_shape.rank is None else self._static_inner_shape.as_list()
        if not self._row_partitions:
            return inner  # type: ignore[return-value]
        lengths: list[Any] = [self._row_partitions[0].static_nrows]
        for partition in self._row_partitions:
            if partition.is_uniform():
                lengths.append(partition.static_uniform_row_length)
            else:
                known = partition.static_row_lengths if ragged_lengths else None
                lengths.append(None if known is None else tuple(known.tolist()))
        return lengths + (inner if self._static_inner_shape.rank is None else inner[1:])

    def _to_tensor_shape(self) -> TensorShape:
        lengths = self.static_lengths(ragged_lengths=False)
        return TensorShape(None if lengths and lengths[-1] is ... else lengths)

    def __repr__(self) -> str:
        lengths = ", ".join("..." if length is ... else str(length) for length in self.static_lengths())
        return f"<DynamicRaggedShape lengths=[{lengths}] num_row_partitions={self.num_row_partitions}>"

    def __getitem__(self, index: Any) -> Any:
        """Returns the size of a uniform dimension, a scalar; or the shape of some dimensions, for a slice.

        Raises:
          ValueError: the dimension is ragged; or a slice that does not begin with the first one holds a ragged one.
          IndexError: there is no such dimension, or the slice has a step.
          TypeError: the index is neither an int nor a slice.
        """
        rank = self.rank
        if isinstance(index, slice):
            if index.step is not None and index.step != 1:
                raise IndexError("Cannot stride through a shape")
            start = _bound(0 if index.start is None else index.start, rank, self.num_row_partitions)
            if index.stop is None and rank is None:
                raise ValueError("Rank must be known to use __getitem__ without a stop.")
            stop = _from_front(rank if index.stop is None else index.stop, rank)
            return self._sliced(start, stop if rank is None else min(stop, rank))
        if not isinstance(index, int):
            raise TypeError("Argument is not an int or a slice")
        if index < 0:
            if rank is None:
                raise ValueError("Rank must be known to use __getitem__ with a negative index.")
            index += rank
        return self._dimension(index)

    def _dimension(self, index: int) -> Any:
        if not isinstance(index, int):
            raise TypeError("index should be an int")
        count = self.num_row_partitions
        if count == 0 or index > count + 1:
            if self.rank is None:
                raise ValueError("Rank must be known to use __getitem__ on a large index.")
            if index >= self.rank:
                raise IndexError(f"Index is too big: {index}>={self.rank}")
        if index < 0:
            raise IndexError(f"Index must be non-negative: {index}")
        if not self.is_uniform(index):
            raise ValueError(f"Index {index} is not uniform")
        if count == 0 or index > count:
            return self._as_tensor(self._inner_size(index - count))
        return self._row_partitions[0].nrows() if index == 0 else self._row_partitions[index - 1].uniform_row_length()

    def _sliced(self, start: int, stop: int) -> DynamicRaggedShape:
        if stop <= start:
            return DynamicRaggedShape._from_inner_shape([], dtype=self.dtype)
        if start > 0:
            outer = self._sliced(0, stop) if self.rank is None or stop < self.rank else self
            if not all(partition.is_uniform() for partition in outer._row_partitions):
                raise ValueError("All relevant dimensions must be uniform")
            if outer.rank is None:
                raise NotImplementedError("__getitem__[start:stop] where start > 0 not implemented")
            return DynamicRaggedShape._from_inner_shape(outer._with_num_row_partitions(0)._inner_shape[start:])
        if stop == 1 and self._row_partitions:
            return DynamicRaggedShape._from_inner_shape([self._row_partitions[0].nrows()])
        if stop <= self.num_row_partitions:
            return DynamicRaggedShape.from_row_partitions(self._row_partitions[: stop - 1])
        if self.rank is not None and self.rank <= stop:
            return self
        count = stop - self.num_row_partitions
        static = None if self.rank is None else self._static_inner_shape[:count]
        return DynamicRaggedShape(self._row_partitions, self._inner_shape[:count], static_inner_shape=static)

    # Sizes, as Python integers where they are known, else as scalar tensors.

    def _inner_size(self, index: int) -> Any:
        dims = self._static_inner_shape._dims
        known = None if dims is None else dims[index]
        return self._inner_shape[index] if known is None else known

    def _inner_sizes(self) -> list[Any]:
        assert self.inner_rank is not None
        return [self._inner_size(index) for index in range(self.inner_rank)]

    def _as_tensor(self, size: Any) -> Any:
        return size if isinstance(size, Tensor) else convert_to_tensor(size, self.dtype)

    def _as_vector(self, sizes: Sequence[Any]) -> Any:
        if not any(isinstance(size, Tensor) for size in sizes):
            return convert_to_tensor(np.array(sizes, self.dtype.as_numpy_dtype))
        return stack([self._as_tensor(size) for size in sizes])

    def _num_elements(self) -> Any:
        return reduce_prod(self._inner_shape)

    def _num_slices_in_dimension(self, axis: int) -> Any:
        """Returns how many values there are along a dimension, in all rows together."""
        if not isinstance(axis, int):
            raise TypeError("axis must be an integer")
        if axis < 0:
            if self.rank is None:
                raise ValueError("You can't use negative values if the rank is undefined")
            axis += self.rank
        if axis == 0:
            return self._dimension(0)
        if axis <= self.num_row_partitions:
            return self._row_partitions[axis - 1].nvals()
        return reduce_prod(self._inner_shape[: axis - self.num_row_partitions + 1])

    # The same shape with more or fewer dimensions as partitions.

    def with_dtype(self, dtype: Any) -> DynamicRaggedShape:
        """Returns this shape encoded in int32 or int64."""
        dtype = dtypes.as_dtype(dtype)
        if dtype is self.dtype:
            return self
        return DynamicRaggedShape(
            self._row_partitions, self._inner_shape, dtype=dtype, static_inner_shape=self._static_inner_shape
        )

    def _alt_inner_shape(self, new_inner_rank: int) -> Any:
        """Returns the inner shape with another number of dimensions; those before are partitions then.

        Raises:
          ValueError: one of them is ragged, or there is nothing to change.
        """
        rank = self.inner_rank
        if new_inner_rank == 0:
            raise ValueError("new_inner_rank cannot be zero")
        if rank is None or rank == 0:
            raise ValueError("old inner_rank cannot be zero")
        if new_inner_rank == rank:
            return self._inner_shape
        sizes = self._inner_sizes()
        if new_inner_rank < rank:
            first = rank - new_inner_rank + 1
            return self._as_vector([_product(sizes[:first]), *sizes[first:]])
        partitions = self._row_partitions[rank - new_inner_rank :]
        if not all(partition.is_uniform() for partition in partitions):
            raise ValueError("Cannot get an inner shape over a ragged dimension")
        lengths = [
            _known_or(partition.static_uniform_row_length, partition.uniform_row_length) for partition in partitions
        ]
        return self._as_vector([_known_or(partitions[0].static_nrows, partitions[0].nrows), *lengths, *sizes[1:]])

    def _with_inner_rank(self, inner_rank: int) -> DynamicRaggedShape:
        rank = self.rank
        if rank is None:
            raise ValueError("Rank must be known to adjust inner_rank")
        if rank < 2:
            if inner_rank == rank:
                return self
            raise ValueError("Cannot change inner_rank if rank < 2")
        return self._with_num_row_partitions(rank - inner_rank)

    def _with_num_row_partitions(self, num_row_partitions: int) -> DynamicRaggedShape:
        """Returns the same shape with another number of its dimensions as partitions.

        Raises:
          ValueError: there are not as many dimensions, or a ragged one would be an inner one.
        """
        rank = self.rank
        if rank is None:
            raise ValueError("Rank must be known to adjust num_row_partitions")
        if not isinstance(num_row_partitions, int):
            raise ValueError("num_row_partitions must be an int")
        if num_row_partitions < 0:
            raise ValueError("num_row_partitions must be nonnegative")
        if num_row_partitions == self.num_row_partitions:
            return self
        if num_row_partitions >= rank:
            raise ValueError("num_row_partitions must be less than rank")
        inner = self._alt_inner_shape(rank - num_row_partitions)
        if num_row_partitions < self.num_row_partitions:
            return DynamicRaggedShape(self._row_partitions[:num_row_partitions], inner)
        count, *lengths = self._inner_sizes()
        partitions = list(self._row_partitions)
        for length in lengths[: num_row_partitions - self.num_row_partitions]:
            partitions.append(RowPartition.from_uniform_row_length(length, nrows=count, dtype=self.dtype))
            count = _product([count, length])
        return DynamicRaggedShape(partitions, inner)

    def _as_row_partitions(self) -> tuple[RowPartition, ...]:
        if self.rank is None:
            raise ValueError("rank must be known for _as_row_partitions")
        if self.rank < 1:
            raise ValueError("rank must be >= 1 for _as_row_partitions")
        return self._with_num_row_partitions(self.rank - 1)._row_partitions

    def _merge_dims(self, outer_axis: int, inner_axis: int) -> DynamicRaggedShape:
        """Returns this shape with the dimensions from ``outer_axis`` to ``inner_axis`` in one.

        Raises:
          ValueError: there are no such dimensions, or the first lies behind the last.
        """
        rank, count = self.rank, self.num_row_partitions
        outer_axis = positive_axis(outer_axis, rank, "outer_axis", "rank(self)")
        inner_axis = positive_axis(inner_axis, rank, "inner_axis", "rank(self)")
        if outer_axis > inner_axis:
            raise ValueError(
                f"Expected outer_axis ({outer_axis}) to be less than or equal to inner_axis ({inner_axis})."
            )
        if outer_axis == inner_axis:
            return self
        if count == 0 or outer_axis > count:
            sizes = self._inner_sizes()
            first, last = outer_axis - count, inner_axis - count + 1
            inner = self._as_vector([*sizes[:first], _product(sizes[first:last]), *sizes[last:]])
            return DynamicRaggedShape(self._row_partitions, inner, dtype=self.dtype)
        if inner_axis > count:
            if rank is None:
                raise ValueError("Cannot merge_dims of the inner shape if the dimension of inner_shape is unknown")
            inner = self._alt_inner_shape(rank - inner_axis)
            if outer_axis == 0:
                return DynamicRaggedShape._from_inner_shape(inner)
            width = _product(self._inner_sizes()[1 : inner_axis - count + 1])
            splits = _merged(self._row_partitions[outer_axis - 1 :]) * width
            return DynamicRaggedShape(
                [*self._row_partitions[: outer_axis - 1], RowPartition.from_row_splits(splits)], inner
            )
        partitions = list(self._row_partitions[inner_axis:])
        if outer_axis > 0:
            splits = _merged(self._row_partitions[outer_axis - 1 : inner_axis])
            partitions = [
                *self._row_partitions[: outer_axis - 1],
                RowPartition.from_row_splits(splits),
                *partitions,
            ]
        return DynamicRaggedShape(
            partitions, self._inner_shape, dtype=self.dtype, static_inner_shape=self._static_inner_shape
        )

    def _merge_with(self, other: DynamicRaggedShape) -> DynamicRaggedShape:
        """Returns this shape with what another, equal one knows of it."""
        return self._merged_with(other, lambda mine, theirs: mine._merge_precomputed_encodings(theirs))

    def _merge_with_spec(self, other: Any) -> DynamicRaggedShape:
        """Returns this shape with what a spec that it fits knows of it."""
        return self._merged_with(other, lambda mine, spec: mine._merge_with_spec(spec))

    def _merged_with(self, other: Any, merge: Any) -> DynamicRaggedShape:
        count = max(self.num_row_partitions, other.num_row_partitions)
        mine, theirs = self._with_num_row_partitions(count), other._with_num_row_partitions(count)
        partitions = [merge(*pair) for pair in zip(mine._row_partitions, theirs._row_partitions, strict=True)]
        dtype = theirs.dtype if mine.dtype is dtypes.int32 else dtypes.int64
        static = mine._static_inner_shape.merge_with(theirs._static_inner_shape)
        return DynamicRaggedShape(partitions, mine._inner_shape, dtype, True, static)

    def _add_row_partitions(self, flat_values: Any, validate: bool = False) -> Any:
        """Returns the tensor of this shape with the given values, of the inner shape.

        Raises:
          ValueError, InvalidArgumentError: there are more or fewer values, if ``validate``.
        """
        if not self._row_partitions:
            return flat_values
        if validate and isinstance(flat_values, Tensor):
            last = self._row_partitions[-1]
            message = "Last row partition does not match flat_values."
            dims, values = flat_values.shape._dims, last.static_nvals
            if dims is None or dims[0] is None or values is None:
                count = shape_of(flat_values, out_type=self.dtype)[0]
                flat_values = with_dependencies([assert_equal(last.nvals(), count, message=message)], flat_values)
            elif dims[0] != values:
                raise ValueError(message)
        return RaggedTensor._from_nested_row_partitions(flat_values, self._row_partitions, validate=False)

    # As a value made of tensors.

    @property
    def _type_spec(self) -> DynamicRaggedShapeSpec:
        return DynamicRaggedShapeSpec.from_value(self)

    def __eq__(self, other: object) -> Any:
        if not isinstance(other, DynamicRaggedShape) or self.num_row_partitions != other.num_row_partitions:
            return False
        mine, theirs = self._tensors(), other._tensors()
        if not all(
            a.dtype is b.dtype and a.shape.is_compatible_with(b.shape) for a, b in zip(mine, theirs, strict=True)
        ):
            return False
        return reduce_all(stack([reduce_all(raw.Equal(a, b)) for a, b in zip(mine, theirs, strict=True)]))

    def __ne__(self, other: object) -> Any:
        equal = self == other
        return raw.LogicalNot(equal) if isinstance(equal, Tensor) else not equal

    __hash__ = None  # type: ignore[assignment]

    def _tensors(self) -> list[Any]:
        return [*(partition.row_splits() for partition in self._row_partitions), self._inner_shape]


DynamicRaggedShape.Spec = DynamicRaggedShapeSpec  # type: ignore[attr-defined]


DynamicRaggedShapeSpec.shape_class = DynamicRaggedShape


def _dtype_of(values: Sequence[Any], wanted: Any) -> DType:
    """Returns the type of an encoding: the wanted one, else that of the first value that has one, else int64."""
    if wanted is None:
        for value in values:
            if isinstance(value, RowPartition | Tensor | np.ndarray):
                wanted = value.dtype
                break
    kind = dtypes.int64 if wanted is None else dtypes.as_dtype(wanted)
    if kind not in _INDEX:
        raise ValueError(f"Illegal dtype: {kind}")
    return kind


def _shape_from_vector(vector: Any) -> TensorShape:
    value, elements = value_and_elements(vector)
    if value is not None:
        elements = tuple(value.tolist())
    if elements is not None:
        return TensorShape([None if size is None or size < 0 else size for size in elements])
    dims = vector.shape._dims
    return TensorShape(None if dims is None or dims[0] is None else [None] * dims[0])


def _is_length(length: Any) -> bool:
    return isinstance(length, int) or (isinstance(length, tuple) and all(isinstance(item, int) for item in length))


def _known_or(known: Any, otherwise: Any) -> Any:
    return otherwise() if known is None else known


def _product(sizes: Sequence[Any]) -> Any:
    known = math.prod(size for size in sizes if not isinstance(size, Tensor))
    tensors = [size for size in sizes if isinstance(size, Tensor)]
    for size in tensors:
        known = known * size if isinstance(known, Tensor) or known != 1 else size
    return known


def _merged(partitions: Sequence[RowPartition]) -> Any:
    splits = partitions[0].row_splits()
    for partition in partitions[1:]:
        splits = gather(partition.row_splits(), splits)
    return splits


def _from_front(index: int, rank: int | None) -> int:
    if index < 0:
        if rank is None:
            raise ValueError("Rank must be known to use __getitem__ on a negative index.")
        index = max(index + rank, 0)
    return index


def _bound(index: int, rank: int | None, num_row_partitions: int) -> int:
    index = _from_front(index, rank)
    if index == 0 or (num_row_partitions > 0 and index <= num_row_partitions + 1):
        return index
    if rank is None:
        raise ValueError("Rank must be known to use __getitem__ on a large index.")
    return min(index, rank)
