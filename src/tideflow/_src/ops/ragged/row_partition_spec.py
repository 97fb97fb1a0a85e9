"""Defines ``RowPartitionSpec``, what is known statically of a ``RowPartition``."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes, type_spec
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.tensor_spec import TensorSpec

_INDEX = (dtypes.int32, dtypes.int64)


@type_spec.register("tf.RowPartitionSpec")
class RowPartitionSpec(type_spec.TypeSpec):
    """Is what is known statically of a ``RowPartition``.

    Args:
      nrows: the number of rows, or None.
      nvals: the number of values, or None.
      uniform_row_length: the length that all rows have, or None.
      dtype: int32 or int64.

    Raises:
      ValueError: the numbers contradict each other, or the dtype is another.
    """

    #: The class of the values. Its module, which stands on this one, hands it over.
    partition_class: Any = None

    def __init__(
        self, nrows: Any = None, nvals: Any = None, uniform_row_length: Any = None, dtype: Any = dtypes.int64
    ) -> None:
        self._nrows = TensorShape([nrows])
        self._nvals = TensorShape([nvals])
        if isinstance(uniform_row_length, TensorShape):
            self._uniform_row_length = uniform_row_length.with_rank(1)
        else:
            self._uniform_row_length = TensorShape([uniform_row_length])
        self._dtype = dtypes.as_dtype(dtype)
        if self._dtype not in _INDEX:
            raise ValueError("dtype must be tf.int32 or tf.int64")
        rows, values, length = self.nrows, self.nvals, self.uniform_row_length
        for size, name in ((rows, f"nrows={rows}"), (length, f"uniform_row_length={self._uniform_row_length}")):
            if size == 0:
                if values is None:
                    self._nvals = TensorShape([0])
                elif values != 0:
                    raise ValueError(f"nvals={values} is not compatible with {name}")
        if length is not None and values is not None:
            if length != 0 and values % length:
                raise ValueError(
                    f"nvals={values} is not compatible with uniform_row_length={length} (doesn't divide evenly)"
                )
            if rows is not None and values != length * rows:
                raise ValueError(f"nvals={values} is not compatible with nrows={rows} and uniform_row_length={length}")
            if rows is None and length != 0:
                self._nrows = TensorShape([values // length])
        if length is not None and rows is not None and values is None:
            self._nvals = TensorShape([length * rows])

    @property
    def value_type(self) -> type:
        """``RowPartition``."""
        return self.partition_class  # type: ignore[no-any-return]

    @property
    def nrows(self) -> int | None:
        """The number of rows, or None."""
        return _only(self._nrows)

    @property
    def nvals(self) -> int | None:
        """The number of values, or None."""
        return _only(self._nvals)

    @property
    def uniform_row_length(self) -> int | None:
        """The length of all rows, or None."""
        return _only(self._uniform_row_length)

    @property
    def dtype(self) -> DType:
        """The type of the encoding: int32 or int64."""
        return self._dtype

    def with_dtype(self, dtype: Any) -> RowPartitionSpec:
        """Returns this spec with another type of encoding."""
        return RowPartitionSpec(self.nrows, self.nvals, self._uniform_row_length, dtype)

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Tells whether some partition fits both this spec and the given spec (or is the given partition)."""
        if not super().is_compatible_with(spec_or_value):
            return False
        other = spec_or_value if isinstance(spec_or_value, RowPartitionSpec) else spec_or_value._type_spec
        return _fit(*self._merged_sizes(other))

    def _merged_sizes(self, other: RowPartitionSpec) -> list[int | None]:
        return [
            _only(mine.merge_with(theirs))
            for mine, theirs in (
                (self._nrows, other._nrows),
                (self._nvals, other._nvals),
                (self._uniform_row_length, other._uniform_row_length),
            )
        ]

    def _merge_with(self, other: RowPartitionSpec) -> RowPartitionSpec:
        """Returns the spec of what fits both.

        Raises:
          ValueError: nothing does.
        """
        sizes = self._merged_sizes(other)
        if not _fit(*sizes):
            raise ValueError("Merging incompatible RowPartitionSpecs")
        if self.dtype is not other.dtype:
            raise ValueError("Merging RowPartitionSpecs with incompatible dtypes")
        return RowPartitionSpec(*sizes, dtype=self.dtype)

    @classmethod
    def from_value(cls, value: Any) -> RowPartitionSpec:
        """Returns the spec of a partition; a TypeError for anything else."""
        if not isinstance(value, cls.partition_class):
            raise TypeError("Expected `value` to be a `RowPartition`")
        return cls(value.static_nrows, value.static_nvals, value.static_uniform_row_length, value.dtype)

    def _serialize(self) -> Any:
        return self._nrows, self._nvals, self._uniform_row_length, self._dtype

    @classmethod
    def _deserialize(cls, serialization: Any) -> Any:
        nrows, nvals, uniform_row_length, dtype = serialization
        return cls(_only(nrows), _only(nvals), uniform_row_length, dtype)

    def __reduce__(self) -> Any:
        return RowPartitionSpec, (self.nrows, self.nvals, self.uniform_row_length, self._dtype)

    @property
    def _component_specs(self) -> Any:
        return TensorSpec([None if self.nrows is None else self.nrows + 1], self._dtype)

    def _to_components(self, value: Any) -> Any:
        return value.row_splits()

    def _from_components(self, components: Any) -> Any:
        return self.partition_class.from_row_splits(components, validate=False)

    def __repr__(self) -> str:
        return (
            f"RowPartitionSpec(nrows={self.nrows}, nvals={self.nvals}, "
            f"uniform_row_length={self.uniform_row_length}, dtype={self._dtype!r})"
        )


def _only(shape: TensorShape) -> int | None:
    assert shape._dims is not None
    return shape._dims[0]


def _fit(nrows: int | None, nvals: int | None, length: int | None) -> bool:
    if 0 in (nrows, length) and nvals not in (0, None):
        return False
    if length is None or nvals is None:
        return True
    return (length == 0 or nvals % length == 0) and (nrows is None or nvals == length * nrows)
