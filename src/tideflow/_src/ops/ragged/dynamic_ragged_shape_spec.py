"""Defines ``DynamicRaggedShapeSpec``, what is known statically of a ``DynamicRaggedShape``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tideflow._src.core import dtypes, type_spec
from tideflow._src.core.dimension import Dimension
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.ragged.ragged_spec import RaggedTensorSpec
from tideflow._src.ops.ragged.row_partition_spec import RowPartitionSpec

_INDEX = (dtypes.int32, dtypes.int64)


@type_spec.register("tf.DynamicRaggedShape.Spec")
class DynamicRaggedShapeSpec(type_spec.BatchableTypeSpec):
    """Is what is known statically of a ``DynamicRaggedShape``: ``DynamicRaggedShape.Spec``.

    Args:
      row_partitions: the specs of its partitions.
      static_inner_shape: what is known of the inner shape.
      dtype: int32 or int64.

    Raises:
      TypeError: the partitions are none.
      ValueError: the partitions contradict each other or the inner shape, or the dtype is another.
    """

    #: The class of the values. Its module, which stands on this one, hands it over.
    shape_class: Any = None

    def __init__(self, row_partitions: Sequence[RowPartitionSpec], static_inner_shape: Any, dtype: Any) -> None:
        if not isinstance(row_partitions, Iterable):
            raise TypeError("row_partitions should be an Iterable")
        partitions = tuple(row_partitions)
        static = TensorShape(static_inner_shape)
        self._dtype = dtypes.as_dtype(dtype)
        if not all(isinstance(spec, RowPartitionSpec) for spec in partitions):
            raise TypeError("row_partitions should be an Iterable of RowPartitionSpecs")
        if self._dtype not in _INDEX:
            raise ValueError("dtype must be tf.int32 or tf.int64")
        for spec in partitions:
            if spec.dtype is not self._dtype:
                raise ValueError(f"dtype of {spec!r} is {spec.dtype!r}: expected {self._dtype!r}")
        if static.rank == 0 and partitions:
            raise ValueError("If row_partitions are provided, must have inner_rank > 0")
        if partitions:
            partitions, static = _agreed(partitions, static)
        self._row_partitions = partitions
        self._static_inner_shape = static

    @property
    def value_type(self) -> type:
        """``DynamicRaggedShape``."""
        return self.shape_class  # type: ignore[no-any-return]

    @property
    def dtype(self) -> DType:
        """The type of the encoding: int32 or int64."""
        return self._dtype

    @property
    def inner_rank(self) -> int | None:
        """The number of inner dimensions, or None."""
        return self._static_inner_shape.rank

    @property
    def num_row_partitions(self) -> int:
        """How many dimensions are partitions."""
        return len(self._row_partitions)

    @property
    def rank(self) -> int | None:
        """The number of dimensions, or None."""
        return None if self.inner_rank is None else self.inner_rank + self.num_row_partitions

    @classmethod
    def from_value(cls, value: Any) -> DynamicRaggedShapeSpec:
        """Returns the spec of a shape."""
        return cls([part._type_spec for part in value.row_partitions], value._static_inner_shape, value.dtype)

    @classmethod
    def _from_tensor_shape(cls, shape: Any, num_row_partitions: int, dtype: Any) -> DynamicRaggedShapeSpec:
        dtype = dtypes.as_dtype(dtype)
        if dtype not in _INDEX:
            raise ValueError("dtype must be tf.int32 or tf.int64")
        dims = TensorShape(shape)._dims
        if dims is None:
            return cls([RowPartitionSpec(dtype=dtype)] * num_row_partitions, TensorShape(None), dtype)
        if len(dims) <= 1:
            if num_row_partitions:
                raise ValueError("num_row_partitions should be zero if shape is a scalar or vector.")
            return cls([], dims, dtype)
        if len(dims) <= num_row_partitions:
            raise ValueError("num_row_partitions must be less than rank")
        count = dims[0]
        specs = []
        for length in dims[1 : num_row_partitions + 1]:
            values = None if length is None or count is None else count * length
            specs.append(RowPartitionSpec(count, values, length, dtype))
            count = values
        return cls(specs, [count, *dims[num_row_partitions + 1 :]], dtype)

    @classmethod
    def _from_spec(cls, spec: Any, dtype: Any = dtypes.int64) -> Any:
        if isinstance(spec, RaggedTensorSpec):
            return cls._from_tensor_shape(spec.shape, spec.ragged_rank, spec.row_splits_dtype)
        if isinstance(spec, TensorSpec):
            return cls._from_tensor_shape(spec.shape, 0, dtype)
        return spec

    def with_dtype(self, dtype: Any) -> DynamicRaggedShapeSpec:
        """Returns this spec with another type of encoding."""
        return DynamicRaggedShapeSpec(
            [spec.with_dtype(dtype) for spec in self._row_partitions], self._static_inner_shape, dtype
        )

    def _to_tensor_shape(self) -> TensorShape:
        dims = self._static_inner_shape._dims
        if dims is None or not self._row_partitions:
            return self._static_inner_shape
        lengths = [spec.uniform_row_length for spec in self._row_partitions]
        return TensorShape([self._row_partitions[0].nrows, *lengths, *dims[1:]])

    def _with_num_row_partitions(self, num_row_partitions: int) -> DynamicRaggedShapeSpec:
        rank = self.rank
        if rank is None:
            raise ValueError("Changing num_row_partitions with unknown rank unsupported")
        if num_row_partitions > max(rank - 1, 0):
            raise ValueError("Number of row partitions too large")
        if num_row_partitions < 0:
            raise ValueError("Number of row partitions negative")
        more = num_row_partitions - self.num_row_partitions
        if more > 0:
            tail = DynamicRaggedShapeSpec._from_tensor_shape(self._static_inner_shape, more, self._dtype)
            return DynamicRaggedShapeSpec(
                [*self._row_partitions, *tail._row_partitions], tail._static_inner_shape, self._dtype
            )
        if more == 0:
            return self
        kept, left = self._row_partitions[:num_row_partitions], self._row_partitions[num_row_partitions:]
        inner = [left[0].nrows, *(spec.uniform_row_length for spec in left), *self._static_inner_shape.as_list()[1:]]
        return DynamicRaggedShapeSpec(kept, inner, self._dtype)

    def _merge_with(self, other: DynamicRaggedShapeSpec) -> DynamicRaggedShapeSpec:
        count = max(self.num_row_partitions, other.num_row_partitions)
        mine, theirs = self._with_num_row_partitions(count), other._with_num_row_partitions(count)
        pairs = zip(mine._row_partitions, theirs._row_partitions, strict=True)
        return DynamicRaggedShapeSpec(
            [a._merge_with(b) for a, b in pairs],
            mine._static_inner_shape.merge_with(theirs._static_inner_shape),
            theirs.dtype if mine.dtype is dtypes.int32 else dtypes.int64,
        )

    def _serialize(self) -> Any:
        return self._row_partitions, self._static_inner_shape, self._dtype

    @property
    def _component_specs(self) -> Any:
        return (TensorSpec([self.inner_rank], self._dtype), *self._row_partitions)

    def _to_components(self, value: Any) -> Any:
        return (value.inner_shape, *value.row_partitions)

    def _from_components(self, components: Any) -> Any:
        inner, *partitions = components
        return self.shape_class(
            [part._merge_with_spec(spec) for part, spec in zip(partitions, self._row_partitions, strict=True)],
            inner,
            dtype=self._dtype,
            static_inner_shape=self._static_inner_shape,
        )

    # In a batch, as a variant: that of a ragged tensor of this shape.

    def _batch(self, batch_size: int | None) -> DynamicRaggedShapeSpec:
        inner = self._static_inner_shape._dims
        if inner is None and not self._row_partitions:
            return self
        # The values of a batch may differ in the sizes that are not known, so these become rows of the batch.
        unknown = [axis for axis, size in enumerate(inner or ()) if size is None]
        if self._row_partitions:
            one = self if inner is None else self._with_num_row_partitions(self.num_row_partitions + max([0, *unknown]))
            rows = one._row_partitions
        else:
            dims = (batch_size, *inner)  # type: ignore[misc]
            count = unknown[-1] + 1 if unknown else int(batch_size is None and bool(inner))
            return self._from_tensor_shape(dims, count, self._dtype)

        def in_all(size: int | None) -> int | None:
            return None if size is None or batch_size is None else size * batch_size

        return DynamicRaggedShapeSpec(
            [
                RowPartitionSpec(batch_size, in_all(rows[0].nrows), rows[0].nrows, self._dtype),
                *(
                    RowPartitionSpec(in_all(spec.nrows), in_all(spec.nvals), spec.uniform_row_length, self._dtype)
                    for spec in rows
                ),
            ],
            one._static_inner_shape if inner is None else [in_all(inner[0]), *one._static_inner_shape[1:]],
            self._dtype,
        )

    def _unbatch(self) -> DynamicRaggedShapeSpec:
        if not self._row_partitions:
            known = self._static_inner_shape.rank is not None
            return DynamicRaggedShapeSpec([], self._static_inner_shape[1:] if known else None, self._dtype)
        lengths = [spec.uniform_row_length for spec in self._row_partitions]
        counts = [lengths[0], *[None] * (len(lengths) - 1)]
        rows = [
            RowPartitionSpec(count, None, length, self._dtype)
            for count, length in zip(counts, lengths[1:], strict=False)
        ]
        inner = self._static_inner_shape
        if inner.rank is not None:
            inner = TensorShape([counts[-1], *inner[1:]])
        return DynamicRaggedShapeSpec(rows, inner, self._dtype)

    @property
    def _flat_tensor_specs(self) -> list[Any]:
        return [TensorSpec(None, dtypes.variant)]

    def _to_variant(self, value: Any, batched: bool) -> Any:
        places = value._add_row_partitions(raw.Fill(value.inner_shape, False))
        if value.num_row_partitions:
            return places._to_variant(batched_input=batched)
        return raw.RaggedTensorToVariant([], places, batched_input=batched, Tsplits=self._dtype)

    def _to_tensor_list(self, value: Any) -> list[Any]:
        return [self._to_variant(value, False)]

    def _to_batched_tensor_list(self, value: Any) -> list[Any]:
        return [self._to_variant(value, True)]

    def _from_compatible_tensor_list(self, tensor_list: Sequence[Any]) -> Any:
        places = RaggedTensorSpec.ragged_class._from_variant(
            tensor_list[0],
            dtype=dtypes.bool,
            row_splits_dtype=self._dtype,
            output_ragged_rank=self.num_row_partitions,
        )
        if not self._row_partitions:
            places.set_shape(self._static_inner_shape)
        found = self.shape_class.from_tensor(places, dtype=self._dtype)
        return self._from_components((found.inner_shape, *found.row_partitions))

    def __repr__(self) -> str:
        return (
            f"DynamicRaggedShape.Spec(row_partitions={self._row_partitions!r}, "
            f"static_inner_shape={self._static_inner_shape!r}, dtype={self._dtype!r})"
        )


def _agreed(
    partitions: tuple[RowPartitionSpec, ...], static: TensorShape
) -> tuple[tuple[RowPartitionSpec, ...], TensorShape]:
    """Returns specs of partitions and an inner shape that tell each other what they know."""
    counts: list[Any] = []
    for position, spec in enumerate(partitions):
        count = Dimension(spec.nrows)
        if position:
            before = partitions[position - 1]
            count = count.merge_with(before.nvals).merge_with(counts[-1] * before.uniform_row_length)
        counts.append(count)
    last = partitions[-1]
    count = (counts[-1] * last.uniform_row_length).merge_with(last.nvals)
    if static._dims is not None:
        count = count.merge_with(static._dims[0])
        static = TensorShape([count, *static._dims[1:]])
    counts.append(count)
    for position in range(len(partitions), 0, -1):
        length = partitions[position - 1].uniform_row_length
        if length:
            counts[position - 1] = counts[position - 1].merge_with(counts[position] // length)
    specs = tuple(
        RowPartitionSpec(rows.value, values.value, spec.uniform_row_length, spec.dtype)
        for spec, rows, values in zip(partitions, counts, counts[1:], strict=False)
    )
    return specs, static
