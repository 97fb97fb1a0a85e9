"""Makes ragged tensors of values and any encoding of their rows: the ``from_*`` methods of ``RaggedTensor``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.ops.control.assertions import assert_equal, assert_rank_at_least
from tideflow._src.ops.dispatch import add_dispatch_support
from tideflow._src.ops.ragged import conversion
from tideflow._src.ops.ragged.ragged_parts import RaggedParts, as_values, row_count
from tideflow._src.ops.ragged.row_encodings import as_row_partition_tensor
from tideflow._src.ops.ragged.row_partition import RowPartition
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


class RaggedMaking(RaggedParts):
    """Has the class methods that make ragged tensors."""

    @classmethod
    def _from_row_partition(cls, values: Any, row_partition: Any, validate: bool = True) -> Any:
        if not isinstance(row_partition, RowPartition):
            raise TypeError(f"Argument `row_partition` must be a RowPartition. Received {row_partition}.")
        _check_validate(validate)
        if isinstance(values, RaggedParts):
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
            if not isinstance(values, RaggedParts):
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
    @add_dispatch_support
    def from_value_rowids(
        cls, values: Any, value_rowids: Any, nrows: Any = None, name: str | None = None, validate: bool = True
    ) -> Any:
        """Returns the ragged tensor in which value ``i`` belongs to row ``value_rowids[i]``.

        >>> import tideflow as tf
        >>> print(tf.RaggedTensor.from_value_rowids([3, 1, 4, 1, 5], [0, 0, 2, 2, 2], nrows=4))
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
    @add_dispatch_support
    def from_row_splits(cls, values: Any, row_splits: Any, name: str | None = None, validate: bool = True) -> Any:
        """Returns the ragged tensor whose row ``i`` is ``values[row_splits[i]:row_splits[i + 1]]``.

        >>> import tideflow as tf
        >>> print(tf.RaggedTensor.from_row_splits([3, 1, 4], [0, 2, 2, 3]))
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
    @add_dispatch_support
    def from_row_lengths(cls, values: Any, row_lengths: Any, name: str | None = None, validate: bool = True) -> Any:
        """Returns the ragged tensor whose row ``i`` has ``row_lengths[i]`` values.

        >>> import tideflow as tf
        >>> print(tf.RaggedTensor.from_row_lengths([3, 1, 4], [2, 0, 1]))
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
    @add_dispatch_support
    def from_row_starts(cls, values: Any, row_starts: Any, name: str | None = None, validate: bool = True) -> Any:
        """Returns the ragged tensor whose row ``i`` begins with value ``row_starts[i]``.

        >>> import tideflow as tf
        >>> print(tf.RaggedTensor.from_row_starts([3, 1, 4], [0, 2, 2]))
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
    @add_dispatch_support
    def from_row_limits(cls, values: Any, row_limits: Any, name: str | None = None, validate: bool = True) -> Any:
        """Returns the ragged tensor whose row ``i`` ends before value ``row_limits[i]``.

        >>> import tideflow as tf
        >>> print(tf.RaggedTensor.from_row_limits([3, 1, 4], [2, 2, 3]))
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
    @add_dispatch_support
    def from_uniform_row_length(
        cls,
        values: Any,
        uniform_row_length: Any,
        nrows: Any = None,
        validate: bool = True,
        name: str | None = None,
    ) -> Any:
        """Returns the ragged tensor whose rows have ``uniform_row_length`` values each.

        >>> import tideflow as tf
        >>> print(tf.RaggedTensor.from_uniform_row_length([1, 2, 3, 4], 2).shape)
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
    @add_dispatch_support
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
    @add_dispatch_support
    def from_nested_row_splits(
        cls, flat_values: Any, nested_row_splits: Any, name: str | None = None, validate: bool = True
    ) -> Any:
        """Returns the ragged tensor with a level for each vector of row splits, the outermost first.

        >>> import tideflow as tf
        >>> print(tf.RaggedTensor.from_nested_row_splits([1, 2, 3], [[0, 1, 3], [0, 2, 2, 3]]))
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
    @add_dispatch_support
    def from_nested_row_lengths(
        cls, flat_values: Any, nested_row_lengths: Any, name: str | None = None, validate: bool = True
    ) -> Any:
        """Returns the ragged tensor with a level for each vector of row lengths, the outermost first.

        >>> import tideflow as tf
        >>> print(tf.RaggedTensor.from_nested_row_lengths([1, 2, 3], [[1, 2], [2, 0, 1]]))
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
    @add_dispatch_support
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

        >>> import tideflow as tf
        >>> print(tf.RaggedTensor.from_tensor([[5, 7, 0], [0, 3, 0], [6, 0, 0]], padding=0))
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
    @add_dispatch_support
    def from_sparse(cls, st_input: Any, name: str | None = None, row_splits_dtype: Any = dtypes.int64) -> Any:
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
        return conversion.from_sparse(cls, st_input, name, row_splits_dtype)

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


def _partition_dtype(values: Any) -> Any:
    return values._row_partition.dtype if isinstance(values, RaggedParts) else None


def _check_validate(validate: Any) -> None:
    if not isinstance(validate, bool):
        raise TypeError(f"Argument `validate` must have type bool. Received {validate}.")


def _check_is_list(items: Any, name: str) -> None:
    if isinstance(items, Tensor):
        raise TypeError(f"Argument `{name}` must be a list of Tensors. Received {items}.")
