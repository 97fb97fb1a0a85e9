"""Defines ``RaggedTensor``: a tensor with dimensions along which lengths differ."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes, type_spec
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import OperatorNotAllowedInGraphError
from tideflow._src.core.tensor import EagerTensor, Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.gathering import gather
from tideflow._src.ops.array.joining import concat, stack
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import reshape
from tideflow._src.ops.array.shape import shape as shape_of
from tideflow._src.ops.array.shape import size as size_of
from tideflow._src.ops.control.assertions import assert_equal, assert_rank_at_least
from tideflow._src.ops.math import arithmetic, comparison, division, logical, operators, unary
from tideflow._src.ops.math.reduction_functions import reduce_max
from tideflow._src.ops.ragged import conversion, taking_over
from tideflow._src.ops.ragged.indexing import ragged_getitem
from tideflow._src.ops.ragged.ragged_spec import RaggedTensorSpec
from tideflow._src.ops.ragged.ragged_value import RaggedTensorValue, rows_as_lists, value_of_components
from tideflow._src.ops.ragged.row_partition import RowPartition, as_row_partition_tensor
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor, register_tensor_conversion_function


class ValuesGradient:
    """Lets gradients flow through the values of a ragged tensor."""

    def get_gradient_components(self, value: Any) -> Any:
        """Returns what gradients flow through."""
        return value.values

    def replace_gradient_components(self, value: Any, component_grads: Any) -> Any:
        """Returns a gradient like ``value``, of the gradients of its components."""
        return value.with_values(component_grads)


class RaggedTensor(type_spec.CompositeTensor):
    """Is a tensor whose rows, along one dimension or several, may be of different lengths.

    It consists of the values of all rows, one after another, and a partition that says where rows begin and end. The
    values may be a ragged tensor themselves: the number of such levels is the ragged rank.

    >>> print(RaggedTensor.from_row_splits([3, 1, 4, 1, 5, 9, 2, 6], [0, 4, 4, 7, 8]))
    <tf.RaggedTensor [[3, 1, 4, 1], [], [5, 9, 2], [6]]>

    The constructor is private: use one of the ``from_*`` methods, or ``tf.ragged.constant``.
    """

    #: NumPy leaves an operator between an array and a ragged tensor to the latter.
    __array_priority__ = 100
    __composite_gradient__ = ValuesGradient()

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
        if isinstance(values, RaggedTensor):
            assert row_partition.dtype is values.row_splits.dtype
        self._values = values
        self._row_partition: RowPartition = row_partition

    # Making one.

    @classmethod
    def _from_row_partition(cls, values: Any, row_partition: Any, validate: bool = True) -> RaggedTensor:
        if not isinstance(row_partition, RowPartition):
            raise TypeError(f"Argument `row_partition` must be a RowPartition. Received {row_partition}.")
        _check_validate(validate)
        if isinstance(values, RaggedTensor):
            if values._row_partition.dtype is not row_partition.dtype:
                raise ValueError(
                    "Argument `row_partition` of RaggedTensor with name: partition must have same dtype as Argument "
                    f"`values`. ({row_partition.dtype} vs. {values._row_partition.dtype})."
                )
        else:
            values = as_values(values)
        if row_partition._has_precomputed_value_rowids():
            values.shape[:1].assert_is_compatible_with(row_partition.value_rowids().shape)
        if validate:
            checks = [
                assert_equal(
                    row_partition.nvals(),
                    row_count(values, row_partition.dtype),
                    message="Arguments to _from_row_partition do not form a valid RaggedTensor",
                )
            ]
            if not isinstance(values, RaggedTensor):
                checks.append(assert_rank_at_least(values, 1))
            row_partition = row_partition._with_dependencies(checks)
        return cls(values, row_partition, internal=True)

    @classmethod
    def _from_components(cls, flat_values: Any, nested_row_splits: Sequence[Any]) -> Any:
        result = flat_values
        for splits in reversed(nested_row_splits):
            result = cls(result, RowPartition.from_row_splits(splits, validate=False), internal=True)
        return result

    @classmethod
    def from_value_rowids(
        cls, values: Any, value_rowids: Any, nrows: Any = None, name: str | None = None, validate: bool = True
    ) -> RaggedTensor:
        """Returns the ragged tensor in which value ``i`` belongs to row ``value_rowids[i]``.

        >>> print(RaggedTensor.from_value_rowids([3, 1, 4, 1, 5], [0, 0, 2, 2, 2], nrows=4))
        <tf.RaggedTensor [[3, 1], [], [4, 1, 5], []]>

        Args:
          values: a tensor or ragged tensor of shape ``[nvals, ...]``.
          value_rowids: an int32 or int64 vector of ``nvals`` integers that never decrease.
          nrows: the number of rows; by default one more than the last row id.
          name: the name scope.
          validate: whether to check the arguments.

        Raises:
          ValueError: ``nrows`` is too small.
          InvalidArgumentError: the row ids decrease, or one is negative or no row.
        """
        _check_validate(validate)
        with name_scope(name, "RaggedFromValueRowIds"):
            partition = RowPartition.from_value_rowids(
                value_rowids, nrows, validate=validate, dtype_hint=_partition_dtype(values)
            )
            return cls._from_row_partition(values, partition, validate=validate)

    @classmethod
    def from_row_splits(
        cls, values: Any, row_splits: Any, name: str | None = None, validate: bool = True
    ) -> RaggedTensor:
        """Returns the ragged tensor whose row ``i`` is ``values[row_splits[i]:row_splits[i + 1]]``.

        >>> print(RaggedTensor.from_row_splits([3, 1, 4], [0, 2, 2, 3]))
        <tf.RaggedTensor [[3, 1], [], [4]]>

        Args:
          values: a tensor or ragged tensor of shape ``[nvals, ...]``.
          row_splits: an int32 or int64 vector that begins with 0, never decreases, and ends with ``nvals``.
          name: the name scope.
          validate: whether to check the arguments.

        Raises:
          ValueError: there are no splits.
          InvalidArgumentError: they do not fit the values.
        """
        _check_validate(validate)
        with name_scope(name, "RaggedFromRowSplits"):
            partition = RowPartition.from_row_splits(row_splits, validate=validate, dtype_hint=_partition_dtype(values))
            return cls._from_row_partition(values, partition, validate=validate)

    @classmethod
    def from_row_lengths(
        cls, values: Any, row_lengths: Any, name: str | None = None, validate: bool = True
    ) -> RaggedTensor:
        """Returns the ragged tensor whose row ``i`` has ``row_lengths[i]`` values.

        >>> print(RaggedTensor.from_row_lengths([3, 1, 4], [2, 0, 1]))
        <tf.RaggedTensor [[3, 1], [], [4]]>

        Args:
          values: a tensor or ragged tensor of shape ``[nvals, ...]``.
          row_lengths: an int32 or int64 vector, none negative, with the sum ``nvals``.
          name: the name scope.
          validate: whether to check the arguments.

        Raises:
          InvalidArgumentError: the lengths do not fit the values.
        """
        _check_validate(validate)
        with name_scope(name, "RaggedFromRowLengths"):
            partition = RowPartition.from_row_lengths(
                row_lengths, validate=validate, dtype_hint=_partition_dtype(values)
            )
            return cls._from_row_partition(values, partition, validate=validate)

    @classmethod
    def from_row_starts(
        cls, values: Any, row_starts: Any, name: str | None = None, validate: bool = True
    ) -> RaggedTensor:
        """Returns the ragged tensor whose row ``i`` begins with value ``row_starts[i]``.

        >>> print(RaggedTensor.from_row_starts([3, 1, 4], [0, 2, 2]))
        <tf.RaggedTensor [[3, 1], [], [4]]>

        Args:
          values: a tensor or ragged tensor of shape ``[nvals, ...]``.
          row_starts: an int32 or int64 vector that begins with 0 and never decreases.
          name: the name scope.
          validate: whether to check the arguments.

        Raises:
          InvalidArgumentError: the starts do not fit the values.
        """
        _check_validate(validate)
        with name_scope(name, "RaggedFromRowStarts"):
            values = as_values(values)
            partition = RowPartition.from_row_starts(
                row_starts, row_count(values), validate=validate, dtype_hint=_partition_dtype(values)
            )
            return cls._from_row_partition(values, partition, validate=validate)

    @classmethod
    def from_row_limits(
        cls, values: Any, row_limits: Any, name: str | None = None, validate: bool = True
    ) -> RaggedTensor:
        """Returns the ragged tensor whose row ``i`` ends before value ``row_limits[i]``.

        >>> print(RaggedTensor.from_row_limits([3, 1, 4], [2, 2, 3]))
        <tf.RaggedTensor [[3, 1], [], [4]]>

        Args:
          values: a tensor or ragged tensor of shape ``[nvals, ...]``.
          row_limits: an int32 or int64 vector that never decreases and ends with ``nvals``.
          name: the name scope.
          validate: whether to check the arguments.

        Raises:
          InvalidArgumentError: the limits do not fit the values.
        """
        _check_validate(validate)
        with name_scope(name, "RaggedFromRowLimits"):
            values = as_values(values)
            partition = RowPartition.from_row_limits(row_limits, validate=validate, dtype_hint=_partition_dtype(values))
            return cls._from_row_partition(values, partition, validate=validate)

    @classmethod
    def from_uniform_row_length(
        cls,
        values: Any,
        uniform_row_length: Any,
        nrows: Any = None,
        validate: bool = True,
        name: str | None = None,
    ) -> RaggedTensor:
        """Returns the ragged tensor whose rows have ``uniform_row_length`` values each.

        >>> print(RaggedTensor.from_uniform_row_length([1, 2, 3, 4], 2).shape)
        (2, 2)

        Args:
          values: a tensor or ragged tensor of shape ``[nvals, ...]``.
          uniform_row_length: a scalar integer; ``nvals`` must be a multiple of it.
          nrows: the number of rows; needed where rows are empty, else ``nvals / uniform_row_length``.
          validate: whether to check the arguments.
          name: the name scope.

        Raises:
          ValueError: what is known statically does not fit.
          InvalidArgumentError: the arguments do not fit each other.
        """
        _check_validate(validate)
        with name_scope(name, "RaggedFromUniformRowLength"):
            values = as_values(values)
            kind = _partition_dtype(values)
            length = as_row_partition_tensor(uniform_row_length, "UniformRowLength", kind)
            known = values.shape._dims[0] if values.shape._dims else None
            nvals = row_count(values, length.dtype) if known is None else convert_to_tensor(known, length.dtype)
            partition = RowPartition.from_uniform_row_length(
                length, nvals=nvals, nrows=nrows, validate=validate, dtype_hint=kind
            )
            return cls._from_row_partition(values, partition, validate=validate)

    @classmethod
    def from_nested_value_rowids(
        cls,
        flat_values: Any,
        nested_value_rowids: Any,
        nested_nrows: Any = None,
        name: str | None = None,
        validate: bool = True,
    ) -> Any:
        """Returns the ragged tensor with a level for each vector of row ids, the outermost first.

        Args:
          flat_values: a tensor.
          nested_value_rowids: a list of vectors of integers; see ``from_value_rowids``.
          nested_nrows: the number of rows of each level, a list; None for one more than the last row id.
          name: the name scope.
          validate: whether to check the arguments.

        Raises:
          TypeError: a list is a tensor.
          ValueError: the lists are of different lengths.
          InvalidArgumentError: row ids decrease, or are no rows.
        """
        _check_validate(validate)
        _check_is_list(nested_value_rowids, "nested_value_rowids")
        if nested_nrows is None:
            nested_nrows = [None] * len(nested_value_rowids)
        else:
            _check_is_list(nested_nrows, "nested_nrows")
            if len(nested_nrows) != len(nested_value_rowids):
                raise ValueError(
                    "Argument `nested_nrows` must have the same length as argument `nested_value_rowids`. "
                    f"len(nested_nrows) = {len(nested_nrows)} vs. len(nested_values_rowids) = "
                    f"{len(nested_value_rowids)}."
                )
        with name_scope(name, "RaggedFromNestedValueRowIds"):
            result = flat_values
            for ids, nrows in reversed(list(zip(nested_value_rowids, nested_nrows, strict=True))):
                result = cls.from_value_rowids(result, ids, nrows, validate=validate)
            return result

    @classmethod
    def from_nested_row_splits(
        cls, flat_values: Any, nested_row_splits: Any, name: str | None = None, validate: bool = True
    ) -> Any:
        """Returns the ragged tensor with a level for each vector of row splits, the outermost first.

        >>> print(RaggedTensor.from_nested_row_splits([1, 2, 3], [[0, 1, 3], [0, 2, 2, 3]]))
        <tf.RaggedTensor [[[1, 2]], [[], [3]]]>

        Args:
          flat_values: a tensor.
          nested_row_splits: a list of vectors of integers; see ``from_row_splits``.
          name: the name scope.
          validate: whether to check the arguments.

        Raises:
          TypeError: the list is a tensor.
          InvalidArgumentError: splits do not fit each other or the values.
        """
        _check_validate(validate)
        _check_is_list(nested_row_splits, "nested_row_splits")
        with name_scope(name, "RaggedFromNestedRowSplits"):
            result = flat_values
            for splits in reversed(nested_row_splits):
                result = cls.from_row_splits(result, splits, validate=validate)
            return result

    @classmethod
    def from_nested_row_lengths(
        cls, flat_values: Any, nested_row_lengths: Any, name: str | None = None, validate: bool = True
    ) -> Any:
        """Returns the ragged tensor with a level for each vector of row lengths, the outermost first.

        >>> print(RaggedTensor.from_nested_row_lengths([1, 2, 3], [[1, 2], [2, 0, 1]]))
        <tf.RaggedTensor [[[1, 2]], [[], [3]]]>

        Args:
          flat_values: a tensor.
          nested_row_lengths: a list of vectors of integers; see ``from_row_lengths``.
          name: the name scope.
          validate: whether to check the arguments.

        Raises:
          TypeError: the list is a tensor.
          InvalidArgumentError: lengths do not fit each other or the values.
        """
        _check_validate(validate)
        _check_is_list(nested_row_lengths, "nested_row_lengths")
        with name_scope(name, "RaggedFromNestedRowlengths"):
            result = flat_values
            for lengths in reversed(nested_row_lengths):
                result = cls.from_row_lengths(result, lengths, validate=validate)
            return result

    @classmethod
    def _from_nested_row_partitions(
        cls, flat_values: Any, nested_row_partitions: Any, name: str | None = None, validate: bool = True
    ) -> Any:
        _check_validate(validate)
        if isinstance(nested_row_partitions, RowPartition | Tensor):
            raise TypeError(
                f"Argument `nested_row_partitions` must be a list of RowPartitions. Received {nested_row_partitions}."
            )
        with name_scope(name, "RaggedFromNestedRowPartitions"):
            result = flat_values
            for partition in reversed(nested_row_partitions):
                result = cls._from_row_partition(result, partition, validate=validate)
            return result

    @classmethod
    def from_tensor(
        cls,
        tensor: Any,
        lengths: Any = None,
        padding: Any = None,
        ragged_rank: int = 1,
        name: str | None = None,
        row_splits_dtype: Any = dtypes.int64,
    ) -> Any:
        """Returns a dense tensor as a ragged one, without what is beyond ``lengths`` or padding at the end of rows.

        >>> print(RaggedTensor.from_tensor([[5, 7, 0], [0, 3, 0], [6, 0, 0]], padding=0))
        <tf.RaggedTensor [[5, 7], [0, 3], [6]]>

        Args:
          tensor: a tensor of shape ``[nrows, columns, ...]``.
          lengths: the length of each row; or a list with such a vector for each level.
          padding: the value, or inner values, that rows end with and that are left out.
          ragged_rank: the number of levels of the result.
          name: the name scope.
          row_splits_dtype: int32 or int64.

        Raises:
          ValueError: both ``lengths`` and ``padding``, or a rank that does not fit.
          TypeError: the ragged rank is no int.
        """
        return conversion.from_tensor(cls, tensor, lengths, padding, ragged_rank, name, row_splits_dtype)

    @classmethod
    def from_sparse(cls, st_input: Any, name: str | None = None, row_splits_dtype: Any = dtypes.int64) -> RaggedTensor:
        """Returns a sparse matrix, whose elements are the first ones of each row, as a ragged tensor.

        Args:
          st_input: a sparse tensor of rank 2, with its places in order.
          name: the name scope.
          row_splits_dtype: int32 or int64.

        Raises:
          TypeError: the input is not sparse.
          ValueError: its rank is not 2.
          InvalidArgumentError: an element is missing before another one of its row.
        """
        return conversion.from_sparse(cls, st_input, name, row_splits_dtype)  # type: ignore[no-any-return]

    @classmethod
    def _from_variant(
        cls,
        variant: Any,
        dtype: Any,
        output_ragged_rank: int,
        input_ragged_rank: int | None = None,
        row_splits_dtype: Any = dtypes.int64,
        name: str | None = None,
    ) -> Any:
        return conversion.from_variant(
            cls, variant, dtype, output_ragged_rank, input_ragged_rank, row_splits_dtype, name
        )

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
        while isinstance(values, RaggedTensor):
            values = values._values
        return values

    @property
    def _nested_row_partitions(self) -> tuple[RowPartition, ...]:
        partitions = []
        values: Any = self
        while isinstance(values, RaggedTensor):
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

        >>> rt = RaggedTensor.from_nested_row_lengths([1, 2, 3], [[1, 2], [2, 0, 1]])
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
            if isinstance(values, RaggedTensor):
                return self.with_values(values.row_lengths(axis - 1))
            sizes = shape_of(values, out_type=self._row_partition.dtype)
            return self.with_values(raw.Fill(sizes[: axis - 1], sizes[axis - 1]))

    def nested_row_lengths(self, name: str | None = None) -> tuple[Any, ...]:
        """Returns the row lengths of all levels, the outermost first."""
        with name_scope(name, "RaggedNestedRowLengths"):
            return tuple(partition.row_lengths() for partition in self._nested_row_partitions)

    def bounding_shape(self, axis: Any = None, name: str | None = None, out_type: Any = None) -> Any:
        """Returns the shape of the smallest dense tensor that holds this one.

        >>> RaggedTensor.from_row_lengths([1, 2, 3], [2, 0, 1]).bounding_shape().numpy().tolist()
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

    def with_values(self, new_values: Any) -> RaggedTensor:
        """Returns a ragged tensor with the same rows of other values.

        Args:
          new_values: a tensor or ragged tensor of shape ``[nvals, ...]``.

        Raises:
          ValueError: their number or the type of their row splits is another.
        """
        new_values = as_values(new_values)
        new_values.shape.with_rank_at_least(1)
        self._values.shape[:1].assert_is_compatible_with(new_values.shape[:1])
        if isinstance(new_values, RaggedTensor) and self._row_partition.dtype is not new_values._row_partition.dtype:
            raise ValueError(
                "self and new_values have mismatched row_splits dtypes; use RaggedTensor.with_row_splits_dtype() to "
                "convert them to compatible dtypes."
            )
        return RaggedTensor(new_values, self._row_partition, internal=True)

    def with_flat_values(self, new_values: Any) -> RaggedTensor:
        """Returns a ragged tensor with the same rows of all levels and other elements.

        Args:
          new_values: a tensor with as many rows as ``flat_values``.

        Raises:
          ValueError: their number is another.
        """
        if isinstance(self._values, RaggedTensor):
            new_values = self._values.with_flat_values(new_values)
        return self.with_values(new_values)

    def with_row_splits_dtype(self, dtype: Any) -> RaggedTensor:
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
        if isinstance(values, RaggedTensor):
            values = values.with_row_splits_dtype(dtype)
        return RaggedTensor(values, self._row_partition.with_dtype(dtype), internal=True)

    def merge_dims(self, outer_axis: int, inner_axis: int) -> Any:
        """Returns this tensor with the dimensions from ``outer_axis`` to ``inner_axis`` in one.

        >>> rt = RaggedTensor.from_nested_row_lengths([1, 2, 3], [[1, 2], [2, 0, 1]])
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

    # As something else.

    def to_tensor(self, default_value: Any = None, name: str | None = None, shape: Any = None) -> Any:
        """Returns a dense tensor in which rows that are too short are filled up.

        Args:
          default_value: what to fill up with: zero (or an empty string) by default.
          name: the name scope.
          shape: the shape of the result: what is beyond is left out. By default, and where it is None, what is needed.

        Raises:
          TypeError: ``default_value`` is of another type.
          ValueError: ``shape`` does not fit.
        """
        return conversion.to_tensor(self, default_value, name, shape)

    def to_sparse(self, name: str | None = None) -> Any:
        """Returns a sparse tensor with the elements in their places."""
        return conversion.to_sparse(self, name)

    def _to_variant(self, batched_input: bool = False, name: str | None = None) -> Any:
        return conversion.to_variant(self, batched_input, name)

    def _is_eager(self) -> bool:
        parts = (*self.nested_row_splits, self.flat_values)
        return all(isinstance(part, Tensor) and hasattr(type(part), "numpy") for part in parts)

    def numpy(self) -> Any:
        """Returns the value as an array: of arrays, where rows differ in length.

        Raises:
          ValueError: this tensor belongs to a graph.
        """
        if not self._is_eager():
            raise ValueError("RaggedTensor.numpy() is only supported in eager mode.")
        values = self._values.numpy()
        splits = self.row_splits.numpy()
        lengths = np.diff(splits)
        if not lengths.size:
            return np.zeros((0, 0, *values.shape[1:]), values.dtype)
        part = values[splits[0] : splits[-1]]
        if (lengths == lengths[0]).all() and len(part) == len(lengths) * lengths[0]:
            return part.reshape(len(lengths), int(lengths[0]), *values.shape[1:])
        rows = np.empty(len(lengths), object)
        bounds = splits.tolist()
        rows[:] = [values[start:limit] for start, limit in itertools.pairwise(bounds)]
        return rows

    def to_list(self) -> list[Any]:
        """Returns the value as nested lists.

        Raises:
          ValueError: this tensor belongs to a graph, or its values have no lists.
        """
        if not isinstance(self.row_splits, EagerTensor) and not hasattr(type(self.row_splits), "numpy"):
            raise ValueError("to_list can only be used in eager mode.")
        values = self.flat_values
        splits = [each.numpy() for each in self.nested_row_splits]
        if hasattr(type(values), "numpy"):
            return rows_as_lists(values.numpy(), splits)
        if hasattr(values, "to_list"):
            return rows_as_lists(_Listed(values.to_list()), splits)
        raise ValueError("values must be convertible to a list")

    def _eager_value(self) -> Any:
        return value_of_components([each.numpy() for each in (*self.nested_row_splits, self.flat_values)])

    def __repr__(self) -> str:
        if self._is_eager():
            with np.printoptions(formatter={"all": element_text}):
                return f"<tf.RaggedTensor {element_text(self.numpy())}>"
        return f"tf.RaggedTensor(values={self.values}, row_splits={self.row_splits})"

    # In sessions, functions and loops.

    @property
    def _type_spec(self) -> RaggedTensorSpec:
        return RaggedTensorSpec.from_value(self)

    def _shape_invariant_to_type_spec(self, shape: Any) -> RaggedTensorSpec:
        return RaggedTensorSpec(shape, self.dtype, self.ragged_rank, self._row_partition.dtype)

    def _with_static_shape(self, shape: Any) -> Any:
        """Returns this tensor, of which no more is known statically than its shape says."""
        spec = self._shape_invariant_to_type_spec(shape)
        parts = zip(spec._to_components(self), spec._component_specs, strict=True)
        return spec._from_components([raw.PlaceholderWithDefault(part, shape=known.shape) for part, known in parts])

    def consumers(self) -> list[Any]:
        """Returns the operations of the graph that take a part of this tensor."""
        return self._consumers()

    def _fetch_components(self) -> tuple[list[Any], Callable[[list[Any]], Any]]:
        return [*self.nested_row_splits, self.flat_values], value_of_components

    def _feed_components(self, value: Any) -> list[Any]:
        """Returns what the components of this tensor are fed where it is fed a ragged tensor or the value of one."""
        return [*value.nested_row_splits, value.flat_values]

    def _as_graph_element(self) -> Any:
        return self.flat_values

    # Operators.

    __getitem__ = ragged_getitem

    def __iter__(self) -> Iterator[Any]:
        """Yields the rows.

        Raises:
          OperatorNotAllowedInGraphError: how many there are is known when the graph runs only.
        """
        count = self.shape[0] if not self._is_eager() else int(self.nrows())
        if count is None:
            raise OperatorNotAllowedInGraphError(
                f"Iterating over a symbolic RaggedTensor whose number of rows is unknown is not allowed: {self!r}. "
                "Use a `for` statement in a function that AutoGraph converts, or tf.map_fn."
            )
        return (self[row] for row in range(count))

    def __bool__(self) -> bool:
        raise TypeError("RaggedTensor may not be used as a boolean.")

    __nonzero__ = __bool__

    def __hash__(self) -> int:
        graph = getattr(self.row_splits, "graph", None) if not self._is_eager() else None
        if context.mode.tensor_equality and (graph is None or graph.building_function):
            raise TypeError("RaggedTensor is unhashable.")
        return id(self)

    def __eq__(self, other: object) -> Any:
        return operators.tensor_equals(self, other)

    def __ne__(self, other: object) -> Any:
        return operators.tensor_not_equals(self, other)


class _Listed:
    """Is a list where an array is expected."""

    def __init__(self, items: list[Any]) -> None:
        self.tolist = lambda: items


def _operator(name: str, function: Callable[[Any, Any], Any]) -> None:
    """Makes a function of two arguments the operator ``name`` of ragged tensors, on either side."""
    setattr(RaggedTensor, f"__{name}__", lambda self, other: function(self, other))
    setattr(RaggedTensor, f"__r{name}__", lambda self, other: function(other, self))


for _name, _function in (
    ("add", arithmetic.add),
    ("sub", arithmetic.subtract),
    ("mul", arithmetic.multiply),
    ("truediv", division.truediv),
    ("floordiv", division.floordiv),
    ("mod", division.floormod),
    ("pow", arithmetic.pow),
    ("and", logical.logical_and),
    ("or", logical.logical_or),
    ("xor", logical.logical_xor),
):
    _operator(_name, _function)
for _name, _function in (
    ("lt", comparison.less),
    ("le", comparison.less_equal),
    ("gt", comparison.greater),
    ("ge", comparison.greater_equal),
):
    setattr(RaggedTensor, f"__{_name}__", lambda self, other, _function=_function: _function(self, other))
for _name, _unary in (("neg", unary.negative), ("abs", unary.abs), ("invert", logical.logical_not)):
    setattr(RaggedTensor, f"__{_name}__", lambda self, _unary=_unary: _unary(self))

RaggedTensorSpec.ragged_class = RaggedTensor

#: What the values of a ragged tensor may be. Classes of other composite tensors may be added.
_value_types: tuple[type, ...] = (Tensor, RaggedTensor)


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


def is_ragged(value: Any) -> bool:
    """Tells whether a value is a ragged tensor or the value of one."""
    return isinstance(value, RaggedTensor | RaggedTensorValue)


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
    if isinstance(value, RaggedTensor):
        if dtype is not None and not dtypes.as_dtype(dtype).is_compatible_with(value.dtype):
            raise ValueError(
                f"Tensor conversion requested dtype {dtypes.as_dtype(dtype).name} for RaggedTensor with dtype "
                f"{value.dtype.name}: {value}."
            )
        return value
    if isinstance(value, RaggedTensorValue):
        with name_scope(name, "ConvertToTensorOrRaggedTensor"):
            flat = convert_to_tensor(value.flat_values, dtype, preferred_dtype, name="flat_values")
            return RaggedTensor.from_nested_row_splits(flat, value.nested_row_splits, validate=False)
    return convert_to_tensor(value, dtype, preferred_dtype, name=name)


def match_row_splits_dtypes(*tensors: Any, return_dtype: bool = False) -> Any:
    """Returns tensors, the ragged ones of which all have row splits of one type.

    Args:
      *tensors: tensors and ragged tensors.
      return_dtype: whether to return that type, too: ``(dtype, tensors)``.

    Raises:
      ValueError: their types differ.
    """
    kinds = {tensor._row_partition.dtype for tensor in tensors if isinstance(tensor, RaggedTensor)}
    if len(kinds) > 1:
        raise ValueError(
            "Input RaggedTensors have mismatched row_splits dtypes; use RaggedTensor.with_row_splits_dtype() to "
            "convert them to compatible dtypes."
        )
    return (kinds.pop() if kinds else dtypes.int64, tensors) if return_dtype else tensors


def merge_dims(value: Any, outer_axis: int, inner_axis: int) -> Any:
    """Returns a tensor or ragged tensor with the dimensions from ``outer_axis`` to ``inner_axis`` in one."""
    if outer_axis == inner_axis:
        return value
    while outer_axis == 0 and isinstance(value, RaggedTensor):
        value = value.values
        inner_axis -= 1
        if inner_axis == 0:
            return value
    if not isinstance(value, RaggedTensor):
        return _merged_axes(value, outer_axis, inner_axis)
    if outer_axis > 1:
        return value.with_values(merge_dims(value.values, outer_axis - 1, inner_axis - 1))
    values, splits = value.values, value.row_splits
    for axis in range(outer_axis, inner_axis):
        if isinstance(values, RaggedTensor):
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
    return RaggedTensor.from_row_splits(values, splits)


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
    if isinstance(tensor, RaggedTensor):
        return tensor.nrows(out_type=out_type)
    return shape_of(tensor, out_type=out_type)[0]


def element_text(item: Any) -> str:
    """Writes an element, a row or the whole value of a ragged tensor as it is printed."""
    if not isinstance(item, np.ndarray):
        return str(item)
    return np.array2string(item, separator=", ") if item.size else repr(item.tolist())


def _as(tensor: Any, dtype: DType) -> Any:
    return tensor if tensor.dtype is dtype else raw.Cast(tensor, DstT=dtype)


def _longest(partition: RowPartition) -> Any:
    zero = convert_to_tensor(0, partition.dtype)
    return raw.Maximum(reduce_max(partition.row_lengths()), zero)


def _partition_dtype(values: Any) -> Any:
    return values._row_partition.dtype if isinstance(values, RaggedTensor) else None


def _check_validate(validate: Any) -> None:
    if not isinstance(validate, bool):
        raise TypeError(f"Argument `validate` must have type bool. Received {validate}.")


def _check_is_list(items: Any, name: str) -> None:
    if isinstance(items, Tensor):
        raise TypeError(f"Argument `{name}` must be a list of Tensors. Received {items}.")


def _refuse_conversion(value: Any, dtype: Any = None, name: Any = None, as_ref: bool = False) -> Any:
    del value, dtype, name, as_ref
    kind = ValueError if context.executing_eagerly() else TypeError
    raise kind("TypeError: object of type 'RaggedTensor' has no len()")


register_tensor_conversion_function(RaggedTensor, _refuse_conversion)
