"""Defines ``RowPartition``: how a list of values is cut into rows, in any of the ways that say so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes, type_spec
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.sequences import range as range_of
from tideflow._src.ops.array.shape import shape as shape_of
from tideflow._src.ops.control.assertions import (
    assert_equal,
    assert_greater_equal,
    assert_less,
    assert_less_equal,
    assert_non_negative,
    assert_rank,
)
from tideflow._src.ops.control.grouping import with_dependencies
from tideflow._src.ops.math.counting import bincount
from tideflow._src.ops.math.cumulative import cumsum
from tideflow._src.ops.ragged.row_encodings import (
    all_as_tensors,
    as_row_partition_tensor,
    assert_ascending,
    assert_zero,
    cast_to,
    merge_tensors,
    row_ids_of_splits,
    static_integer,
    static_size,
)
from tideflow._src.ops.ragged.row_partition_spec import RowPartitionSpec
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.checks import require_memory
from tideflow._src.runtime.convert import convert_to_tensor

_FACTORY = object()
_INDEX = (dtypes.int32, dtypes.int64)


class RowPartition(type_spec.CompositeTensor):
    """Is a way to cut a sequence of ``nvals`` values into ``nrows`` rows.

    It keeps the row splits, and beside them whatever encoding it was made from, so that nothing is computed twice.

    >>> partition = RowPartition.from_row_lengths([4, 0, 3])
    >>> partition.row_splits().numpy().tolist()
    [0, 4, 4, 7]
    >>> partition.value_rowids().numpy().tolist()
    [0, 0, 0, 0, 2, 2, 2]

    The constructor is private: use one of the ``from_*`` methods.
    """

    def __init__(
        self,
        row_splits: Any,
        row_lengths: Any = None,
        value_rowids: Any = None,
        nrows: Any = None,
        uniform_row_length: Any = None,
        nvals: Any = None,
        internal: Any = False,
    ) -> None:
        if internal is not _FACTORY:
            raise ValueError(
                "RowPartition constructor is private; please use one of the factory methods instead (e.g., "
                "RowPartition.from_row_lengths())"
            )
        if not isinstance(row_splits, Tensor):
            raise TypeError(f"Row-partitioning argument must be a Tensor, got {row_splits!r}")
        if row_splits.dtype not in _INDEX:
            raise ValueError("Row-partitioning argument must be int32 or int64")
        row_splits.shape.assert_has_rank(1)
        row_splits.set_shape([None])  # type: ignore[attr-defined]
        for tensor in (row_lengths, value_rowids, nrows, uniform_row_length, nvals):
            if tensor is None:
                continue
            if not isinstance(tensor, Tensor):
                raise TypeError("Cached value must be a Tensor or None.")
            if tensor.dtype is not row_splits.dtype:
                raise ValueError(f"Inconsistent dtype for encoding tensors: {tensor} vs {row_splits}")
        self._row_splits: Any = row_splits
        self._row_lengths = row_lengths
        self._value_rowids = value_rowids
        self._nrows = nrows
        self._uniform_row_length = uniform_row_length
        self._nvals = nvals

    # Making one.

    @classmethod
    def from_value_rowids(
        cls, value_rowids: Any, nrows: Any = None, validate: bool = True, dtype: Any = None, dtype_hint: Any = None
    ) -> RowPartition:
        """Returns the partition in which value ``i`` belongs to row ``value_rowids[i]``.

        Args:
          value_rowids: a vector of integers that never decrease.
          nrows: the number of rows; by default one more than the last row id.
          validate: whether to check the arguments.
          dtype: int32 or int64, the type of the encoding.
          dtype_hint: the same, as a wish.

        Raises:
          ValueError: ``nrows`` is negative or too small.
          InvalidArgumentError: the ids decrease, or one is negative or no row.
        """
        _check_validate(validate)
        with name_scope(None, "RowPartitionFromValueRowIds"):
            value_rowids = as_row_partition_tensor(value_rowids, "value_rowids", dtype, dtype_hint)
            known_ids = static_value(value_rowids)
            if nrows is None:
                if known_ids is None:
                    nrows = concat([value_rowids[-1:], [-1]], axis=0)[0] + 1
                    known_nrows = None
                else:
                    known_nrows = int(known_ids[-1]) + 1 if known_ids.size else 0
                    nrows = convert_to_tensor(known_nrows, value_rowids.dtype, name="nrows")
            else:
                nrows = convert_to_tensor(nrows, value_rowids.dtype, name="nrows")
                known_nrows = static_integer(nrows)
                if known_nrows is not None:
                    if known_nrows < 0:
                        raise ValueError(f"Expected nrows >= 0; got {known_nrows}")
                    if known_ids is not None and known_ids.size and known_nrows < known_ids[-1] + 1:
                        raise ValueError(
                            f"Expected nrows >= value_rowids[-1] + 1; got nrows={known_nrows}, "
                            f"value_rowids[-1]={known_ids[-1]}"
                        )
            value_rowids.shape.assert_has_rank(1)
            nrows.shape.assert_has_rank(0)
            if validate:
                message = "Arguments to from_value_rowids do not form a valid RowPartition"
                value_rowids = with_dependencies(
                    [
                        assert_rank(value_rowids, 1, message=message),
                        assert_rank(nrows, 0, message=message),
                        assert_non_negative(value_rowids[:1], message=message),
                        assert_ascending(value_rowids, message),
                        assert_less(value_rowids[-1:], nrows, message=message),
                    ],
                    value_rowids,
                )
            rows = raw.Cast(nrows, DstT=dtypes.int32)
            row_lengths = bincount(
                raw.Cast(value_rowids, DstT=dtypes.int32), minlength=rows, maxlength=rows, dtype=value_rowids.dtype
            )
            row_splits = concat([[0], cumsum(row_lengths)], axis=0)
            if known_nrows is not None:
                row_lengths.set_shape([known_nrows])
                row_splits.set_shape([known_nrows + 1])
            return cls(row_splits, row_lengths=row_lengths, value_rowids=value_rowids, nrows=nrows, internal=_FACTORY)

    @classmethod
    def from_row_splits(
        cls, row_splits: Any, validate: bool = True, dtype: Any = None, dtype_hint: Any = None
    ) -> RowPartition:
        """Returns the partition whose row ``i`` is ``values[row_splits[i]:row_splits[i + 1]]``.

        Args:
          row_splits: a vector of integers that begins with 0 and never decreases.
          validate: whether to check that.
          dtype: int32 or int64, the type of the encoding.
          dtype_hint: the same, as a wish.

        Raises:
          ValueError: there are no splits.
          InvalidArgumentError: they do not begin with 0, or decrease.
        """
        _check_validate(validate)
        if isinstance(row_splits, list | tuple) and not row_splits:
            raise ValueError("row_splits tensor may not be empty.")
        with name_scope(None, "RowPartitionFromRowSplits"):
            row_splits = as_row_partition_tensor(row_splits, "row_splits", dtype, dtype_hint)
            row_splits.shape.assert_has_rank(1)
            if validate:
                message = "Arguments to from_row_splits do not form a valid RaggedTensor:"
                row_splits = with_dependencies(
                    [
                        assert_rank(row_splits, 1, message=message + "rank"),
                        assert_zero(row_splits[0], message + "zero"),
                        assert_ascending(row_splits, message + "monotonic"),
                    ],
                    row_splits,
                )
            return cls(row_splits, internal=_FACTORY)

    @classmethod
    def from_row_lengths(
        cls, row_lengths: Any, validate: bool = True, dtype: Any = None, dtype_hint: Any = None
    ) -> RowPartition:
        """Returns the partition whose row ``i`` has ``row_lengths[i]`` values.

        Args:
          row_lengths: a vector of integers, none negative.
          validate: whether to check that.
          dtype: int32 or int64, the type of the encoding.
          dtype_hint: the same, as a wish.

        Raises:
          InvalidArgumentError: a length is negative.
        """
        _check_validate(validate)
        with name_scope(None, "RowPartitionFromRowLengths"):
            row_lengths = as_row_partition_tensor(row_lengths, "row_lengths", dtype, dtype_hint)
            row_lengths.shape.assert_has_rank(1)
            if validate:
                message = "Arguments to from_row_lengths do not form a valid RowPartition"
                row_lengths = with_dependencies(
                    [
                        assert_rank(row_lengths, 1, message=message),
                        assert_non_negative(row_lengths, message=message),
                    ],
                    row_lengths,
                )
            return cls(concat([[0], cumsum(row_lengths)], axis=0), row_lengths=row_lengths, internal=_FACTORY)

    @classmethod
    def from_row_starts(
        cls, row_starts: Any, nvals: Any, validate: bool = True, dtype: Any = None, dtype_hint: Any = None
    ) -> RowPartition:
        """Returns the partition whose row ``i`` begins at ``row_starts[i]`` and ends where the next one begins.

        Args:
          row_starts: a vector of integers that begins with 0, if it has elements, and never decreases.
          nvals: the number of values, where the last row ends.
          validate: whether to check that.
          dtype: int32 or int64, the type of the encoding.
          dtype_hint: the same, as a wish.

        Raises:
          InvalidArgumentError: the starts are none, or beyond ``nvals``.
        """
        _check_validate(validate)
        with name_scope(None, "RowPartitionFromRowStarts"):
            row_starts = as_row_partition_tensor(row_starts, "row_starts", dtype, dtype_hint)
            row_starts.shape.assert_has_rank(1)
            nvals = cast_to(nvals, row_starts.dtype)
            if validate:
                message = "Arguments to from_row_starts do not form a valid RaggedTensor"
                row_starts = with_dependencies(
                    [
                        assert_rank(row_starts, 1, message=message),
                        assert_zero(row_starts[:1], message),
                        assert_ascending(row_starts, message),
                        assert_less_equal(row_starts[-1:], nvals, message=message),
                    ],
                    row_starts,
                )
            return cls(concat([row_starts, [nvals]], axis=0), nvals=nvals, internal=_FACTORY)

    @classmethod
    def from_row_limits(
        cls, row_limits: Any, validate: bool = True, dtype: Any = None, dtype_hint: Any = None
    ) -> RowPartition:
        """Returns the partition whose row ``i`` ends before ``row_limits[i]``, where the next one begins.

        Args:
          row_limits: a vector of integers that never decrease, none negative.
          validate: whether to check that.
          dtype: int32 or int64, the type of the encoding.
          dtype_hint: the same, as a wish.

        Raises:
          InvalidArgumentError: a limit is negative or less than the one before.
        """
        _check_validate(validate)
        with name_scope(None, "RowPartitionFromRowLimits"):
            row_limits = as_row_partition_tensor(row_limits, "row_limits", dtype, dtype_hint)
            row_limits.shape.assert_has_rank(1)
            if validate:
                message = "Arguments to from_row_limits do not form a valid RaggedTensor"
                row_limits = with_dependencies(
                    [
                        assert_rank(row_limits, 1, message=message),
                        assert_non_negative(row_limits[:1], message=message),
                        assert_ascending(row_limits, message),
                    ],
                    row_limits,
                )
            return cls(concat([[0], row_limits], axis=0), internal=_FACTORY)

    @classmethod
    def from_uniform_row_length(
        cls,
        uniform_row_length: Any,
        nvals: Any = None,
        nrows: Any = None,
        validate: bool = True,
        dtype: Any = None,
        dtype_hint: Any = None,
    ) -> RowPartition:
        """Returns the partition whose rows have ``uniform_row_length`` values each.

        Args:
          uniform_row_length: a scalar integer, not negative.
          nvals: the number of values.
          nrows: the number of rows; where neither is known statically, one of the two must be given. Rows of no
            values are none unless ``nrows`` says how many.
          validate: whether to check that the numbers fit each other.
          dtype: int32 or int64, the type of the encoding.
          dtype_hint: the same, as a wish.

        Raises:
          ValueError: neither ``nvals`` nor ``nrows`` is given, or what is known statically does not fit.
          InvalidArgumentError: the numbers do not fit each other.
        """
        _check_validate(validate)
        if nrows is None and nvals is None:
            raise ValueError("Either (or both) of nvals and nrows must be specified")
        with name_scope(None, "RowPartitionFromUniformRowLength"):
            length, nvals, nrows = all_as_tensors(
                [(uniform_row_length, "uniform_row_length"), (nvals, "nvals"), (nrows, "nrows")], dtype, dtype_hint
            )
            kind = length.dtype
            length.shape.assert_has_rank(0)
            known_length = static_integer(length)
            if nrows is None:
                if known_length is None:
                    nrows = nvals // raw.Maximum(length, convert_to_tensor(1, kind))
                elif known_length == 0:
                    nrows = convert_to_tensor(0, kind)
                else:
                    nrows = nvals // known_length
            known_nrows = static_integer(nrows)
            known_nvals = None if nvals is None else static_integer(nvals)
            checks: list[Any] = []
            if known_nvals is None and known_nrows is not None and known_length is not None:
                known_nvals = known_nrows * known_length
                if nvals is not None and validate:
                    checks.append(assert_equal(nvals, convert_to_tensor(known_nvals, kind)))
                nvals = convert_to_tensor(known_nvals, kind)
            if nvals is None:
                nvals = nrows * length
            if known_nrows is not None and known_length is not None:
                require_memory([max(known_nrows + 1, 0)], kind.size)
                steps = np.arange(max(known_nrows + 1, 0), dtype=kind.as_numpy_dtype)
                row_splits: Any = convert_to_tensor(steps * kind.as_numpy_dtype(known_length))
            else:
                row_splits = range_of(nrows + 1, dtype=kind) * length
            if validate:
                if known_nrows is None or known_length is None or known_nvals is None:
                    checks.append(
                        assert_equal(nrows * length, nvals, "uniform_row_length times nrows must equal nvals")
                    )
                elif known_nrows * known_length != known_nvals:
                    raise ValueError(
                        f"uniform_row_length={known_length} times nrows={known_nrows} must equal nvals={known_nvals}"
                    )
                if length.shape.rank is None:
                    checks.append(assert_rank(length, 0, message="uniform_row_length must be a scalar."))
                if known_length is None:
                    checks.append(
                        assert_greater_equal(
                            length, convert_to_tensor(0, kind), message="uniform_row_length must be >= 0."
                        )
                    )
                elif known_length < 0:
                    raise ValueError("uniform_row_length must be >= 0.")
                row_splits = with_dependencies(checks, row_splits)
            return cls(row_splits, uniform_row_length=length, nrows=nrows, nvals=nvals, internal=_FACTORY)

    # What it says.

    @property
    def dtype(self) -> DType:
        """The type of the encoding: int32 or int64."""
        return self._row_splits.dtype  # type: ignore[no-any-return]

    def row_splits(self) -> Any:
        """Returns where rows begin and end: a vector of ``nrows + 1`` integers, the first of which is 0."""
        return self._row_splits

    def value_rowids(self) -> Any:
        """Returns the row of each value: a vector of ``nvals`` integers."""
        if self._value_rowids is not None:
            return self._value_rowids
        return row_ids_of_splits(self._row_splits)

    def nvals(self) -> Any:
        """Returns the number of values, a scalar."""
        return self._row_splits[-1]

    def nrows(self) -> Any:
        """Returns the number of rows, a scalar."""
        if self._nrows is not None:
            return self._nrows
        known = self._row_splits.shape[0]
        if known is None:
            return shape_of(self._row_splits, out_type=self.dtype)[0] - 1
        return convert_to_tensor(int(known) - 1, self.dtype)

    def uniform_row_length(self) -> Any:
        """Returns the length that all rows have, a scalar; None if they were not said to be uniform."""
        return self._uniform_row_length

    def row_starts(self) -> Any:
        """Returns where each row begins: a vector of ``nrows`` integers."""
        return self._row_splits[:-1]

    def row_limits(self) -> Any:
        """Returns where each row ends: a vector of ``nrows`` integers."""
        return self._row_splits[1:]

    def row_lengths(self) -> Any:
        """Returns the number of values of each row: a vector of ``nrows`` integers."""
        if self._row_lengths is not None:
            return self._row_lengths
        return self._row_splits[1:] - self._row_splits[:-1]

    def offsets_in_rows(self) -> Any:
        """Returns the position of each value in its row: a vector of ``nvals`` integers."""
        zero, one = (convert_to_tensor(number, self.dtype) for number in (0, 1))
        return raw.RaggedRange(zero, self.row_lengths(), one, Tsplits=dtypes.int64)[1]

    def is_uniform(self) -> bool:
        """Tells whether all rows are known to be equally long."""
        return self._uniform_row_length is not None

    @property
    def static_nrows(self) -> int | None:
        """The number of rows as far as it is known without running anything."""
        for tensor, surplus in ((self._row_splits, 1), (self._row_lengths, 0)):
            size = None if tensor is None else static_size(tensor)
            if size is not None:
                return size - surplus
        return None if self._nrows is None else static_integer(self._nrows)

    @property
    def static_nvals(self) -> int | None:
        """The number of values as far as it is known without running anything."""
        known = None if self._nvals is None else static_integer(self._nvals)
        if known is None and self._value_rowids is not None:
            return static_size(self._value_rowids)
        return known

    @property
    def static_uniform_row_length(self) -> int | None:
        """The length of all rows as far as it is known without running anything."""
        return None if self._uniform_row_length is None else static_integer(self._uniform_row_length)

    @property
    def static_row_lengths(self) -> Any:
        """The lengths of the rows, an array, if they are known without running anything, else None."""
        if self._row_lengths is not None:
            return static_value(self._row_lengths)
        splits = static_value(self._row_splits)
        return None if splits is None else np.diff(splits)

    # Others like it.

    def with_dtype(self, dtype: Any) -> RowPartition:
        """Returns this partition encoded in int32 or int64.

        Raises:
          ValueError: ``dtype`` is neither.
        """
        dtype = dtypes.as_dtype(dtype)
        if dtype not in _INDEX:
            raise ValueError("dtype must be int32 or int64")
        if self.dtype is dtype:
            return self
        parts = (self._row_splits, self._row_lengths, self._value_rowids, self._nrows, self._uniform_row_length)
        return RowPartition(
            *(None if part is None else raw.Cast(part, DstT=dtype) for part in parts), internal=_FACTORY
        )

    def _changed(self, **parts: Any) -> RowPartition:
        return RowPartition(
            **{
                "row_splits": self._row_splits,
                "row_lengths": self._row_lengths,
                "value_rowids": self._value_rowids,
                "nrows": self._nrows,
                "uniform_row_length": self._uniform_row_length,
                "nvals": self._nvals,
                **parts,
            },
            internal=_FACTORY,
        )

    def _with_dependencies(self, dependencies: Sequence[Any]) -> RowPartition:
        splits = with_dependencies(dependencies, self._row_splits)
        return self if splits is self._row_splits else self._changed(row_splits=splits)

    def _has_precomputed_row_splits(self) -> bool:
        return self._row_splits is not None

    def _has_precomputed_row_lengths(self) -> bool:
        return self._row_lengths is not None

    def _has_precomputed_value_rowids(self) -> bool:
        return self._value_rowids is not None

    def _has_precomputed_nrows(self) -> bool:
        return self._nrows is not None

    def _has_precomputed_nvals(self) -> bool:
        return self._nvals is not None

    def _with_precomputed_row_splits(self) -> RowPartition:
        return self._changed(row_splits=self.row_splits())

    def _with_precomputed_row_lengths(self) -> RowPartition:
        return self._changed(row_lengths=self.row_lengths())

    def _with_precomputed_value_rowids(self) -> RowPartition:
        return self._changed(value_rowids=self.value_rowids())

    def _with_precomputed_nrows(self) -> RowPartition:
        return self._changed(nrows=self.nrows())

    def _with_precomputed_nvals(self) -> RowPartition:
        return self._changed(nvals=self.nvals())

    def _merge_with_spec(self, spec: Any) -> RowPartition:
        """Returns this partition with what a spec knows of it.

        Raises:
          ValueError: it does not fit the spec.
        """
        if not self._type_spec.is_compatible_with(spec):
            raise ValueError("RowPartition and RowPartitionSpec are not compatible")
        known = {
            name: convert_to_tensor(size, self.dtype)
            for name, size in (
                ("nrows", spec.nrows),
                ("nvals", spec.nvals),
                ("uniform_row_length", spec.uniform_row_length),
            )
            if size is not None
        }
        return self._changed(**known)

    def _merge_precomputed_encodings(self, other: RowPartition, validate: bool = True) -> RowPartition:
        """Returns this partition with the encodings that another, equal one has computed.

        Args:
          other: a partition that is known to be equal, but for the static shapes.
          validate: whether to check that it is.

        Raises:
          ValueError: static shapes differ.
          InvalidArgumentError: the partitions differ.
        """
        names = ("nrows", "nvals", "uniform_row_length", "row_splits", "row_lengths", "value_rowids")
        mine = {name: getattr(self, f"_{name}") for name in names}
        theirs = {name: getattr(other, f"_{name}") for name in names}
        if self is other or all(mine[name] is theirs[name] for name in names):
            return self
        checked: set[str] = set()
        merged: dict[str, Any] = {}
        for name in names:
            if {"nrows", "uniform_row_length"} <= checked or checked & {"row_splits", "row_lengths"}:
                validate = False
            merged[name], was_checked = merge_tensors(mine[name], theirs[name], name, validate)
            if was_checked:
                checked.add(name)
        for partition, parts in ((self, mine), (other, theirs)):
            if all(merged[name] is parts[name] for name in names if name != "nvals"):
                return partition
        return RowPartition(**merged, internal=_FACTORY)

    # As a value made of tensors.

    @property
    def _type_spec(self) -> RowPartitionSpec:
        return RowPartitionSpec.from_value(self)

    def __repr__(self) -> str:
        if self._uniform_row_length is not None:
            return f"tf.RowPartition(nrows={self._nrows}, uniform_row_length={self._uniform_row_length})"
        return f"tf.RowPartition(row_splits={self._row_splits})"


def _check_validate(validate: Any) -> None:
    if not isinstance(validate, bool):
        raise TypeError("validate must have type bool")


RowPartitionSpec.partition_class = RowPartition
