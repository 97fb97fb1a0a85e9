"""Defines ``StructuredTensor``: records of named fields, one for each place of a shape, which may be ragged."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Union

import numpy as np

from tideflow._src.core import dtypes, nest
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import EagerTensor, Tensor
from tideflow._src.core.tensor_shape import TensorShape, as_shape
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.core.type_spec import TypeSpec
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.composite.extension_type import BatchableExtensionType, ExtensionType
from tideflow._src.ops.ragged.dynamic_ragged_shape import DynamicRaggedShape
from tideflow._src.ops.ragged.dynamic_ragged_shape_spec import DynamicRaggedShapeSpec
from tideflow._src.ops.ragged.factories import constant as ragged_constant
from tideflow._src.ops.ragged.ragged_parts import convert_to_tensor_or_ragged_tensor, merge_dims, positive_axis
from tideflow._src.ops.ragged.ragged_spec import RaggedTensorSpec
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor, is_ragged
from tideflow._src.ops.ragged.row_partition import RowPartition
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

FieldName = Union[str, Sequence[str]]  # noqa: UP007
_FIELD_NAME = re.compile("^[a-zA-Z][a-zA-Z0-9_]*$")


class StructuredTensor(BatchableExtensionType):
    """Holds records with the same named fields: one (rank 0), a list of them (rank 1), or lists of lists, which may be
    ragged.

    The dimensions of the shape are the first ones of each field: a field of rank 3 in a structured tensor of rank 1
    gives each record a matrix. A field is a tensor, a ragged tensor, another structured tensor, or an extension type.

    >>> import tideflow as tf
    >>> people = tf.experimental.StructuredTensor.from_pyval([{"age": 30, "scores": [1, 2]}, {"age": 40, "scores": []}])
    >>> people.shape, people.field_names()
    (TensorShape([2]), ('age', 'scores'))
    >>> people.field_value("scores").to_list(), people[1:].to_pyval()
    ([[1, 2], []], [{'age': 40, 'scores': []}])

    Use ``from_pyval``, ``from_fields``, ``from_fields_and_rank`` or ``from_shape`` to make one.

    Args:
      fields: the fields by name.
      ragged_shape: the shape of the whole, as a ``DynamicRaggedShape``.
    """

    __name__ = "tf.StructuredTensor"
    _fields: Mapping[str, Tensor | RaggedTensor | StructuredTensor | ExtensionType]
    _ragged_shape: DynamicRaggedShape

    FieldName = FieldName  # type: ignore[misc]

    def __init__(self, fields: Any, ragged_shape: Any) -> None:
        self._fields = fields
        self._ragged_shape = ragged_shape

    class Spec:
        """Describes a structured tensor: the specs of its fields, and of its shape."""

        _fields: Any
        _ragged_shape: Any

        def __validate__(self) -> None:
            assert self._ragged_shape is not None

        @classmethod
        def _from_fields_and_rank(cls, fields: Mapping[str, Any], rank: int) -> Any:
            shape = None
            for name, spec in fields.items():
                one = _shape_spec(spec)
                if one is None:
                    raise ValueError(f"Cannot convert spec of {name}.")
                if one.rank is not None and one.rank < rank:
                    raise ValueError(f"Rank of field {name} is {one.rank}, but must be at least {rank}.")
                one = _truncated(one, rank)
                shape = one if shape is None else shape._merge_with(one)
            return cls(fields, shape)  # type: ignore[call-arg]

        @classmethod
        def _from_shape(cls, shape: Any) -> Any:
            return cls({}, shape)  # type: ignore[call-arg]

        @property
        def _shape(self) -> TensorShape:
            return self._ragged_shape._to_tensor_shape()  # type: ignore[no-any-return]

        @property
        def _field_specs(self) -> Any:
            return self._fields

        @property
        def shape(self) -> TensorShape:
            """The shape of the whole, as far as it is known."""
            return self._shape

        @property
        def rank(self) -> int | None:
            """The number of dimensions."""
            return self._ragged_shape.rank  # type: ignore[no-any-return]

    # Making one.

    @classmethod
    def from_shape(cls, ragged_shape: DynamicRaggedShape) -> StructuredTensor:
        """Returns a structured tensor without fields."""
        return cls(fields={}, ragged_shape=ragged_shape)

    @classmethod
    def from_fields(
        cls,
        fields: Mapping[str, Any],
        shape: Any = (),
        nrows: Any = None,
        row_partitions: Sequence[RowPartition] | None = None,
        validate: bool = False,
    ) -> StructuredTensor:
        """Returns a structured tensor with these fields.

        >>> StructuredTensor.from_fields({"x": [1, 2], "y": [[3], [4]]}, shape=[2]).to_pyval()
        [{'x': 1, 'y': [3]}, {'x': 2, 'y': [4]}]

        Args:
          fields: the fields by name: their first dimensions must be those of ``shape``.
          shape: the shape of the whole, of known rank.
          nrows: the size of the first dimension; found out from the fields if there are any.
          row_partitions: how the other dimensions divide; found out from the fields if there are any.
          validate: kept for TensorFlow's signature: what is not known statically is always checked.

        Raises:
          TypeError, ValueError: the fields or the shape are none, or do not fit each other.
        """
        del validate
        shape = as_shape(shape)
        rank = shape.rank
        if rank is None:
            raise ValueError("StructuredTensor's shape must have known rank.")
        if not isinstance(fields, dict):
            raise TypeError(f"fields must be a dictionary, got {type(fields).__name__}")
        if rank < 2 and row_partitions:
            raise ValueError("row_partitions must be None or [] if shape.rank<2")
        if rank == 0 and nrows is not None:
            raise ValueError("nrows must be None if shape.rank==0")
        if row_partitions is not None and len(row_partitions) != max(0, rank - 1):
            raise ValueError("len(row_partitions) must be shape.rank-1")
        partitions = () if row_partitions is None else tuple(row_partitions)
        with name_scope(None, "StructuredTensor", fields.values()):
            converted = {}
            for name, value in fields.items():
                if not isinstance(name, str):
                    raise TypeError(f"Unexpected type for key in `fields`: {name}")
                if not _FIELD_NAME.match(name):
                    raise ValueError(f"Field name {name!r} is not currently allowed.")
                converted[name] = _field(value)
            whole = _shape_of(converted, shape, nrows, partitions)
            if rank > 1:
                whole = whole._with_num_row_partitions(rank - 1)
            converted = {name: _with_partitions(value, partitions) for name, value in converted.items()}
            return cls(fields=converted, ragged_shape=whole)

    @classmethod
    def from_fields_and_rank(
        cls, fields: Mapping[str, Any], rank: int, validate: bool = False, dtype: DType | None = None
    ) -> StructuredTensor:
        """Returns a structured tensor whose shape is the first ``rank`` dimensions of its fields.

        Args:
          fields: the fields by name, at least one.
          rank: the number of dimensions of the whole.
          validate: kept for TensorFlow's signature.
          dtype: the type that shapes are encoded in.

        Raises:
          ValueError: there are no fields, the rank is none, or the shapes differ.
        """
        del validate
        if not fields:
            raise ValueError("Must provide at least one field")
        if not isinstance(rank, int):
            raise ValueError("rank must be an integer")
        if rank < 0:
            raise ValueError("rank must be nonnegative")
        converted = {name: _field(value) for name, value in fields.items()}
        dtype = _encoding(converted) if dtype is None else dtype
        converted = {name: _encoded_in(value, dtype) for name, value in converted.items()}
        shape: Any = _common_shape(converted, rank, dtype)
        if rank > 1:
            shape = shape._with_num_row_partitions(rank - 1)
        partitions = shape._row_partitions
        return cls({name: _with_partitions(value, partitions) for name, value in converted.items()}, shape)

    @classmethod
    def from_pyval(cls, pyval: Any, typespec: Any = None) -> StructuredTensor:
        """Returns a structured tensor with the values of dictionaries: of one, of a list of them, or of lists of lists.

        Args:
          pyval: dictionaries that may hold numbers, strings, lists of these, dictionaries and lists of dictionaries;
            those side by side have the same keys.
          typespec: the spec of the result; by default it is found out.

        Raises:
          KeyError: a dictionary lacks a key that others have.
          ValueError: the values do not fit together, or not the spec.
        """
        return _from_value(pyval, typespec, ())  # type: ignore[no-any-return]

    def with_updates(
        self, updates: Mapping[Any, Any | Callable[[Any], Any] | None], validate: bool = False
    ) -> StructuredTensor:
        """Returns a copy with some fields set, changed or removed.

        >>> one = StructuredTensor.from_pyval([{"x": 1, "inside": {"y": 2}}])
        >>> one.with_updates({"x": None, ("inside", "y"): lambda y: y * 10, "z": [3]}).to_pyval()
        [{'inside': {'y': 20}, 'z': 3}]

        Args:
          updates: by name, or path of names: the new value, a function of the old one, or None to remove it.
          validate: kept for TensorFlow's signature.

        Raises:
          ValueError: there is no such field, or a path goes on within another one of ``updates``.
        """
        items = sorted(((_path(name), value) for name, value in updates.items()), key=lambda item: item[0])
        for (before, _), (after, _) in itertools.pairwise(items):
            if after[: len(before)] == before:
                raise ValueError(
                    "`StructuredTensor.with_updates` does not allow both parent and child nodes to be updated: parent="
                    f"{before}, child={after}. If needed you can update child nodes in the parent update value."
                )
        return self._updated((), items, validate)

    def _updated(self, prefix: tuple[str, ...], updates: Sequence[Any], validate: bool) -> StructuredTensor:
        fields: dict[str, Any] = dict(self._fields)
        problem = "`StructuredTensor.with_updates`"
        for path, value in updates:
            if not path or not path[0]:
                raise ValueError(f"{problem} does not allow empty names {(*prefix, path)}.")
            name, rest = path[0], path[1:]
            full = str((*prefix, name))
            if rest:
                if name not in fields:
                    raise ValueError(
                        f"{problem} cannot create new sub-field {prefix + tuple(path)} if parent field {full} is not "
                        f"set."
                    )
                if not isinstance(fields[name], StructuredTensor):
                    raise ValueError(
                        f"{problem} cannot create new sub-field {prefix + tuple(path)} if parent structure {full} is "
                        f"not a "
                        f"`StructuredTensor` that can contain sub-structures -- it is a `{type(fields[name])}`."
                    )
                fields[name] = fields[name]._updated((*prefix, name), [(rest, value)], validate)
            elif value is None:
                if name not in fields:
                    raise ValueError(f"{problem} cannot delete field {full} because it is not present.")
                del fields[name]
            else:
                if callable(value):
                    if name not in fields:
                        raise ValueError(
                            f"{problem} cannot update the field {full} because a transforming function was given, but "
                            f"that "
                            "field does not already exist."
                        )
                    value = value(fields[name])
                fields[name] = value
        try:
            return StructuredTensor.from_fields(fields, self.shape, self.nrows(), self.row_partitions, validate)
        except ValueError as error:
            raise ValueError(f"{problem} failed" + (f" for field {prefix}" if prefix else "")) from error

    def promote(self, source_path: Any, new_name: str) -> StructuredTensor:
        """Returns a copy in which a field of a structured tensor inside appears one level further out, too.

        Args:
          source_path: the path of the field, of two names at least.
          new_name: its name there.

        Raises:
          ValueError: the path or the name is none.
        """
        if not isinstance(new_name, str):
            raise ValueError("new_name is not a string")
        if not isinstance(source_path, list | tuple):
            raise ValueError("source_path must be a list or tuple")
        if len(source_path) < 2:
            raise ValueError("source_path must have length at least two")
        outer = tuple(source_path[:-2])
        field: Any = self.field_value(source_path)
        wanted, parent = self.field_value(outer).rank, self.field_value(source_path[:-1]).rank
        if wanted != parent:
            if field.shape.rank is None:
                raise ValueError("Cannot determine if dimensions should be merged.")
            last = min(parent, field.shape.rank - 1)
            if last > wanted:
                field = _merged(field, wanted, last)
        return self.with_updates({(*outer, new_name): field})

    # What it is.

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        return self._ragged_shape.rank  # type: ignore[return-value]

    @property
    def shape(self) -> TensorShape:
        """The shape of the whole, as far as it is known statically."""
        return self._ragged_shape._to_tensor_shape()

    @property
    def row_partitions(self) -> tuple[RowPartition, ...]:
        """How the dimensions after the first divide."""
        return () if self.rank < 2 else self._ragged_shape._as_row_partitions()

    _row_partitions = row_partitions

    def nrows(self) -> Any:
        """Returns the size of the first dimension, a scalar; None for rank 0."""
        return None if self.rank == 0 else self._ragged_shape[0]

    def with_shape_dtype(self, dtype: DType) -> StructuredTensor:
        """Returns a copy whose shapes are encoded as int32 or int64."""
        if dtype is self._ragged_shape.dtype:
            return self
        fields = {name: _encoded_in(value, dtype) for name, value in self._fields.items()}
        return StructuredTensor(fields, self._ragged_shape.with_dtype(dtype))

    def field_names(self) -> tuple[str, ...]:
        """Returns the names of the fields."""
        return tuple(self._fields)

    def field_value(self, field_name: Any) -> Any:
        """Returns a field.

        Args:
          field_name: its name, or the path of names to a field of a structured tensor inside.

        Raises:
          KeyError: there is none.
        """
        if not isinstance(field_name, list | tuple):
            return self._fields[field_name]
        value: Any = self
        for name in field_name:
            if not isinstance(value, StructuredTensor):
                raise KeyError(f"Field path {field_name} not found in {self}")
            value = value.field_value(name)
        return value

    def __getitem__(self, key: Any) -> Any:
        """Returns a part: indices and slices for each dimension, then the name of a field, then indices into that.

        Raises:
          ValueError: the key is of another form.
        """
        key = tuple(key) if isinstance(key, list) else key if isinstance(key, tuple) else (key,)
        if not key:
            return self
        rank = self.rank
        if rank == 0 and isinstance(key[0], slice):
            if key[0] != slice(None):
                raise ValueError("Key for indexing a StructuredTensor must be a string or a full slice (':')")
            return StructuredTensor.from_fields(
                {name: value[key[1:]] for name, value in self._fields.items()}, self.shape
            )
        if rank == 0 and not isinstance(key[0], str | bytes):
            raise ValueError("Key for indexing a StructuredTensor must be a string or a full slice (':')")
        if len(key) > rank:
            if not isinstance(key[rank], str | bytes):
                raise ValueError("Key for indexing a StructuredTensor must be a string")
            return _indexed(self._fields[key[rank]], key[:rank] + key[rank + 1 :])
        fields = {name: _indexed(value, key) for name, value in self._fields.items()}
        sizes: list[int | None] = []
        for position, size in enumerate(self.shape.as_list()):
            item = key[position] if position < len(key) else slice(None)
            if isinstance(item, slice):
                sizes.append(size if item == slice(None) else None)
            elif item is None:
                raise ValueError("Slicing not supported for tf.newaxis")
            elif not isinstance(item, int | Tensor):
                raise ValueError(f"Slicing not supported for {item!r}")
        return StructuredTensor.from_fields(fields, sizes)

    def __repr__(self) -> str:
        shown = [
            '"{}": {}'.format(name, str(value).replace("\n", "\n            "))
            for name, value in sorted(self._fields.items())
        ]
        fields = ",\n        ".join(shown)
        return f"<StructuredTensor(\n    fields={{\n        {fields}}},\n    shape={self.shape})>"

    def to_pyval(self) -> Any:
        """Returns the records as dictionaries in lists.

        Raises:
          ValueError: a field has no value yet: it is a node of a graph.
        """
        if not all(isinstance(tensor, EagerTensor) for tensor in nest.flatten(self, expand_composites=True)):
            raise ValueError("StructuredTensor.to_pyval() is only supported in eager mode.")
        fields: dict[str, Any] = {}
        for name, value in self._fields.items():
            if isinstance(value, StructuredTensor):
                fields[name] = value.to_pyval()
            elif isinstance(value, RaggedTensor):
                fields[name] = value.to_list()
            else:
                array = value.numpy() if isinstance(value, EagerTensor) else value
                fields[name] = array.tolist() if isinstance(array, np.ndarray) else array
        if self.rank == 0:
            return fields
        if not fields:
            return _empty_records(self.row_partitions, int(self.nrows()))
        return _records(list(fields), list(fields.values()), self.rank)

    # Another shape.

    def partition_outer_dimension(self, row_partition: RowPartition) -> StructuredTensor:
        """Returns a structured tensor with one dimension more: the first is divided into rows.

        >>> three = StructuredTensor.from_pyval([{"x": 1}, {"x": 2}, {"x": 3}])
        >>> three.partition_outer_dimension(RowPartition.from_row_lengths([2, 0, 1])).to_pyval()
        [[{'x': 1}, {'x': 2}], [], [{'x': 3}]]

        Raises:
          TypeError: ``row_partition`` is none.
          ValueError: the rank is 0.
        """
        if not isinstance(row_partition, RowPartition):
            raise TypeError("row_partition must be a RowPartition.")
        if self.shape.rank == 0:
            raise ValueError(f"Shape {self.shape} must have rank at least 1")
        return _partitioned(self, row_partition)  # type: ignore[no-any-return]

    def merge_dims(self, outer_axis: int, inner_axis: int) -> StructuredTensor:
        """Returns a structured tensor with some dimensions in one.

        >>> nested = StructuredTensor.from_pyval([[{"x": 1}, {"x": 2}], [], [{"x": 3}]])
        >>> nested.merge_dims(0, 1).to_pyval()
        [{'x': 1}, {'x': 2}, {'x': 3}]

        Args:
          outer_axis: the first of them, ``inner_axis`` the last.

        Raises:
          ValueError: there are no such dimensions.
        """
        outer_axis = positive_axis(outer_axis, self.shape.rank, "outer_axis", "rank(self)")
        inner_axis = positive_axis(inner_axis, self.shape.rank, "inner_axis", "rank(self)")
        if outer_axis > inner_axis:
            raise ValueError(
                f"Expected outer_axis ({outer_axis}) to be less than or equal to inner_axis ({inner_axis})"
            )
        return self if outer_axis == inner_axis else _merged(self, outer_axis, inner_axis)  # type: ignore[no-any-return]


def structured_tensor_spec(shape: Any, field_specs: Mapping[str, Any]) -> Any:
    """Returns the spec of structured tensors of a shape, with fields of these specs.

    Raises:
      TypeError: the specs are no dictionary of specs, or the rank is unknown.
      ValueError: a field has fewer dimensions than the whole.
    """
    if not isinstance(field_specs, dict):
        raise TypeError("field_specs must be a dictionary.")
    if not all(isinstance(name, str) for name in field_specs):
        raise TypeError("field_specs must be a dictionary with string keys.")
    if not all(isinstance(spec, TypeSpec) for spec in field_specs.values()):
        raise TypeError("field_specs must be a dictionary with TypeSpec values.")
    whole = DynamicRaggedShapeSpec._from_tensor_shape(as_shape(shape), 0, dtypes.int32)
    if whole.rank is None:
        raise TypeError("StructuredTensor's shape must have known rank.")
    for name, spec in field_specs.items():
        one = _shape_spec(spec)
        if one is None:
            raise ValueError(f"Cannot convert spec of {name}.")
        if one.rank is not None and one.rank < whole.rank:
            raise ValueError(f"Rank of field {name} is {one.rank}, but must be at least {whole.rank}.")
        whole = whole._merge_with(_truncated(one, whole.rank))
    return StructuredTensor.Spec(field_specs, whole)  # type: ignore[call-arg]


# Fields.


def _field(value: Any) -> Any:
    """Returns a value as a field."""
    if isinstance(value, Tensor | RaggedTensor | ExtensionType):
        return value
    if is_ragged(value):
        return convert_to_tensor_or_ragged_tensor(value)
    try:
        return convert_to_tensor(value)
    except (ValueError, TypeError) as error:
        raise TypeError(f"Unexpected type for value in `fields`: {value!r}") from error


def _encoding_of(value: Any) -> Any:
    if isinstance(value, RaggedTensor):
        return value.row_splits.dtype
    return value._ragged_shape.dtype if isinstance(value, StructuredTensor) else None


def _encoding(fields: Mapping[str, Any], nrows: Any = None, row_partitions: Sequence[RowPartition] = ()) -> DType:
    """Returns the type that all shapes are encoded in: int64 if one is, or if nothing says otherwise."""
    found = {_encoding_of(value) for value in fields.values()} | {partition.dtype for partition in row_partitions}
    if isinstance(nrows, Tensor):
        found.add(nrows.dtype)
    return dtypes.int32 if dtypes.int64 not in found and dtypes.int32 in found else dtypes.int64


def _encoded_in(value: Any, dtype: DType) -> Any:
    if isinstance(value, RaggedTensor):
        return value.with_row_splits_dtype(dtype)
    return value.with_shape_dtype(dtype) if isinstance(value, StructuredTensor) else value


def _shape_spec(spec: Any) -> Any:
    return spec._ragged_shape if isinstance(spec, StructuredTensor.Spec) else DynamicRaggedShapeSpec._from_spec(spec)


def _truncated(spec: Any, rank: int) -> Any:
    """Returns the spec of the first dimensions of a shape."""
    count = spec.num_row_partitions
    if rank > count:
        return DynamicRaggedShapeSpec(spec._row_partitions, spec._static_inner_shape[: rank - count], spec.dtype)
    partitions = spec._row_partitions[: max(0, rank - 1)]
    inner = TensorShape([] if rank == 0 else [spec._row_partitions[rank - 1].nrows])
    return DynamicRaggedShapeSpec(partitions, inner, spec.dtype)


def _common_shape(fields: Mapping[str, Any], rank: int, dtype: DType) -> DynamicRaggedShape | None:
    """Returns the first dimensions of all fields, which must be the same."""
    common: Any = None
    for name, value in fields.items():
        try:
            if isinstance(value, StructuredTensor):
                own = value._ragged_shape
            else:
                own = DynamicRaggedShape.from_tensor(value, dtype=dtype)
            own = own[:rank]
            common = own if common is None else common._merge_with(own)
        except Exception as error:
            raise ValueError(f"Error in shape of {name}") from error
    return common  # type: ignore[no-any-return]


def _shape_of(
    fields: Mapping[str, Any], shape: TensorShape, nrows: Any, row_partitions: tuple[RowPartition, ...]
) -> DynamicRaggedShape:
    """Returns the shape of the whole from all that is known of it."""
    dtype = _encoding(fields, nrows, row_partitions)
    fields = {name: _encoded_in(value, dtype) for name, value in fields.items()}
    rank = len(shape._dims or ())
    if rank == 0:
        return DynamicRaggedShape._from_inner_shape(convert_to_tensor(np.zeros(0, dtype.as_numpy_dtype)), dtype=dtype)
    known = [_common_shape(fields, rank, dtype)]
    if shape.is_fully_defined():
        known.insert(0, DynamicRaggedShape._from_inner_shape(shape.as_list(), dtype=dtype))
    if rank == 1:
        rows = shape.as_list()[0] if shape.as_list()[0] is not None else nrows
        if rows is not None:
            known.append(DynamicRaggedShape._from_inner_shape(raw.Pack([raw.Cast(rows, DstT=dtype)]), dtype=dtype))
    elif row_partitions:
        known.append(DynamicRaggedShape.from_row_partitions(row_partitions, dtype=dtype))
    found: Any = None
    for one in known:
        if one is not None:
            found = one if found is None else found._merge_with(one)
    if found is None and rank == 1:
        raise ValueError("Must specify `nrows`, a fully specified `shape`, or have `fields` if `rank=1`")
    if found is None:
        raise ValueError("Must specify row_partitions, a fully specified shape, or have fields if rank > 1")
    return found  # type: ignore[no-any-return]


def _with_partitions(value: Any, partitions: Sequence[RowPartition]) -> Any:
    """Returns a field with these partitions in place of its own, equal ones."""
    if not partitions or isinstance(value, Tensor):
        return value
    if isinstance(value, RaggedTensor):
        values = _with_partitions(value.values, partitions[1:])
        return RaggedTensor._from_row_partition(values, partitions[0], validate=False)
    if not isinstance(value, StructuredTensor):
        return value
    fields = {name: _with_partitions(item, partitions) for name, item in value._fields.items()}
    both = (*partitions, *value.row_partitions[len(partitions) :])
    return StructuredTensor(fields, _shape_of(fields, value.shape, value.nrows(), both))


def _partitioned(value: Any, partition: RowPartition) -> Any:
    if isinstance(value, StructuredTensor):
        fields = {name: _partitioned(item, partition) for name, item in value._fields.items()}
        shape = TensorShape([partition.static_nrows, partition.static_uniform_row_length]).concatenate(value.shape[1:])
        partitions = (partition, *value.row_partitions)
        return StructuredTensor(fields, _shape_of(fields, shape, partition.nrows(), partitions))
    if isinstance(value, Tensor) and partition.uniform_row_length() is not None:
        first = raw.Pack([partition.nrows(), partition.uniform_row_length()])
        rest = raw.Shape(value, out_type=partition.dtype)[1:]
        return raw.Reshape(value, raw.ConcatV2([first, rest], 0))
    return RaggedTensor._from_row_partition(value, partition)


def _merged(value: Any, outer_axis: int, inner_axis: int) -> Any:
    if not isinstance(value, StructuredTensor):
        return merge_dims(value, outer_axis, inner_axis)
    fields = {name: _merged(item, outer_axis, inner_axis) for name, item in value._fields.items()}
    return StructuredTensor(fields, value._ragged_shape._merge_dims(outer_axis, inner_axis))


def _indexed(value: Any, key: tuple[Any, ...]) -> Any:
    return value[key] if key else value


def _path(name: Any) -> tuple[str, ...]:
    return (name,) if isinstance(name, str) else tuple(name)


# Values of Python.


def _records(names: list[str], columns: list[Any], depth: int) -> Any:
    """Turns lists for each field into lists of dictionaries, ``depth`` levels deep."""
    if depth == 0:
        return dict(zip(names, columns, strict=True))
    return [_records(names, list(row), depth - 1) for row in zip(*columns, strict=True)]


def _empty_records(partitions: Sequence[RowPartition], count: int) -> list[Any]:
    if not partitions:
        return [{} for _ in range(count)]
    splits = partitions[0].row_splits().numpy().tolist()
    values = _empty_records(partitions[1:], splits[-1])
    return [values[start:end] for start, end in itertools.pairwise(splits)]


def _from_value(value: Any, spec: Any, path: tuple[Any, ...]) -> Any:
    if isinstance(value, dict):
        return _from_dictionary(value, spec, path)
    if isinstance(value, list | tuple):
        names: dict[str, None] = {}
        rank = _depth_of_records(value, names)
        return _from_list(value, spec, path) if rank is None else _from_records(value, names, rank, spec, path)
    if spec is None:
        return _parsed(path, lambda: convert_to_tensor(value))
    if not (isinstance(spec, TensorSpec) and spec.shape.rank == 0):
        raise _mismatch(path, value, spec)
    return convert_to_tensor(value, spec.dtype)


def _mismatch(path: Any, value: Any, spec: Any, what: str = "") -> ValueError:
    return ValueError(f"Value at {path!r} does not match typespec{what}: {value!r} vs {spec!r}")


def _parsed(path: Any, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except Exception as error:
        raise ValueError(f"Error parsing path {path!r}") from error


def _from_dictionary(value: Mapping[str, Any], spec: Any, path: tuple[Any, ...]) -> StructuredTensor:
    if spec is None:
        fields = {name: _from_value(item, None, (*path, name)) for name, item in value.items()}
    else:
        if not (isinstance(spec, StructuredTensor.Spec) and spec.rank == 0 and set(value) == set(spec._field_specs)):
            raise _mismatch(path, value, spec)
        fields = {name: _from_value(item, spec._field_specs[name], (*path, name)) for name, item in value.items()}
    return StructuredTensor.from_fields(fields, shape=())


def _depth_of_records(value: Any, names: dict[str, None]) -> int | None:
    """Returns how many levels of lists lie around dictionaries, or None if there are none; adds their keys to
    ``names``."""
    if isinstance(value, dict):
        names.update(dict.fromkeys(value))
        return 0
    if not isinstance(value, list | tuple):
        return None
    depth = None
    for item in value:
        found = _depth_of_records(item, names)
        if found is not None:
            if depth is not None and depth != found + 1:
                raise ValueError("Inconsistent depth of dictionaries")
            depth = found + 1
    return depth


def _from_records(
    value: Any, names: Mapping[str, None], rank: int, spec: Any, path: tuple[Any, ...]
) -> StructuredTensor:
    columns = {name: [_column(item, name) for item in value] for name in names}
    fields: dict[str, Any]
    if spec is None:
        shape = TensorShape([None] * rank)
        fields = {name: _from_value(column, None, (*path, name)) for name, column in columns.items()}
    else:
        if not isinstance(spec, StructuredTensor.Spec) or set(columns) - set(spec._field_specs):
            raise _mismatch(path, value, spec)
        shape = spec.shape
        if len(shape._dims or ()) < rank:
            raise _mismatch(path, value, spec, " (rank mismatch)")
        fields = {
            name: _from_value(columns.get(name, []), item, (*path, name)) for name, item in spec._field_specs.items()
        }
    if not fields and spec is None:
        return _parsed(path, lambda: _without_fields(value, rank))  # type: ignore[no-any-return]
    return _parsed(path, lambda: StructuredTensor.from_fields(fields, shape))  # type: ignore[no-any-return]


def _column(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value[name]
    if not isinstance(value, list | tuple):
        raise ValueError("Expected dict or nested list/tuple of dict")
    return [_column(item, name) for item in value]


def _without_fields(value: Any, rank: int) -> StructuredTensor:
    if rank < 2:
        return StructuredTensor.from_fields({}, shape=[len(value)][:rank], nrows=len(value) if rank else None)
    zeros: Any = ragged_constant(_zeros(value))
    shape = TensorShape([len(value), *[None] * (rank - 1)])
    return StructuredTensor.from_fields({}, shape, len(value), zeros._nested_row_partitions)


def _zeros(value: Any) -> Any:
    return 0 if isinstance(value, dict) else [_zeros(item) for item in value]


def _from_list(value: Any, spec: Any, path: tuple[Any, ...]) -> Any:
    if spec is None:
        return _parsed(path, lambda: ragged_constant(value))
    if isinstance(spec, TensorSpec):
        result = _parsed(path, lambda: convert_to_tensor(value, spec.dtype))
        if not spec.shape.is_compatible_with(result.shape):
            raise _mismatch(path, spec, value)
        return result
    if isinstance(spec, RaggedTensorSpec):
        inner = spec._shape[spec._ragged_rank + 1 :]
        return _parsed(
            path,
            lambda: ragged_constant(
                value,
                dtype=spec._dtype,
                ragged_rank=spec._ragged_rank,
                row_splits_dtype=spec._row_splits_dtype,
                inner_shape=inner,
            ),
        )
    depth = _depth_of_empty(value) if isinstance(spec, StructuredTensor.Spec) else None
    if depth is None:
        raise _mismatch(path, spec, value)
    return _from_records(value, {}, depth, spec, path)


def _depth_of_empty(value: Any) -> int | None:
    """Returns how many levels deep empty lists lie, or None if there is something else."""
    if not isinstance(value, list):
        return None
    depths = [_depth_of_empty(item) for item in value]
    known = [depth for depth in depths if depth is not None]
    return None if len(known) < len(depths) else max(known, default=0) + 1
