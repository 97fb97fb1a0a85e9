"""How features are described to ``tf.io.parse_example``, and what that means for the operations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.parsing.ragged_features import RaggedFeature, RaggedParameters
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.sparse_tensor import SparseTensor


class VarLenFeature(NamedTuple):
    """Describes a feature with any number of values, parsed into a ``SparseTensor``.

    Attributes:
      dtype: the type of the values.
    """

    dtype: Any


class SparseFeature(NamedTuple):
    """Describes a sparse tensor whose indices and values stand in different features.

    Attributes:
      index_key: the feature that holds the indices, or a list of one for each dimension.
      value_key: the feature that holds the values.
      dtype: the type of the values.
      size: the size of the dimension, or a list of sizes.
      already_sorted: whether the indices are in order already.
    """

    index_key: Any
    value_key: Any
    dtype: Any
    size: Any
    already_sorted: bool = False


class FixedLenFeature(NamedTuple):
    """Describes a feature with a fixed number of values.

    Attributes:
      shape: the shape of the values.
      dtype: their type.
      default_value: their value where the feature is missing; None where it must be there.
    """

    shape: Any
    dtype: Any
    default_value: Any = None


class FixedLenSequenceFeature(NamedTuple):
    """Describes a feature with any number of values, parsed into a dense tensor that is padded to the longest.

    Attributes:
      shape: the shape of one value.
      dtype: the type.
      allow_missing: whether the feature may be missing.
      default_value: what to pad with.
    """

    shape: Any
    dtype: Any
    allow_missing: bool = False
    default_value: Any = None


class Parameters:
    """Is what the operations are told of features: keys, types, shapes and defaults, by kind.

    Args:
      features: what describes each feature, by name.
      allowed: the kinds of descriptions that may be among them.

    Raises:
      ValueError: a description is incomplete, contradicts another one, or is of another kind.
    """

    def __init__(self, features: Mapping[str, Any] | None, allowed: tuple[type, ...]) -> None:
        self.sparse_keys: list[str] = []
        self.sparse_types: list[Any] = []
        self.dense_keys: list[str] = []
        self.dense_types: list[Any] = []
        self.dense_shapes: list[TensorShape] = []
        self._defaults: dict[str, Any] = {}
        self.missing_as_empty: list[bool] = []
        self.ragged = RaggedParameters()
        for key in sorted(features or {}):
            feature = features[key]  # type: ignore[index]
            if not isinstance(feature, allowed):
                raise ValueError(f"Unsupported {type(feature).__name__} {feature} for key '{key}'")
            if isinstance(feature, VarLenFeature):
                self._add_variable(key, feature)
            elif isinstance(feature, SparseFeature):
                self._add_sparse(key, feature)
            elif isinstance(feature, RaggedFeature):
                self.ragged.add(key, feature)
            else:
                self._add_dense(key, feature)
        kinds = [("dense", self.dense_keys), ("sparse", self.sparse_keys), ("ragged", self.ragged.keys)]
        for (first, keys), (second, others) in ((kinds[0], kinds[1]), (kinds[0], kinds[2]), (kinds[2], kinds[1])):
            overlap = set(keys) & set(others)
            if overlap:
                raise ValueError(
                    f"{first.capitalize()} and {second} keys must not intersect; {first}_keys: {keys}, {second}_keys: "
                    f"{others}, intersection: {overlap}"
                )

    @property
    def count(self) -> int:
        """The number of features."""
        return len(self.sparse_keys) + len(self.dense_keys) + len(self.ragged.keys)

    def _add_variable(self, key: str, feature: VarLenFeature) -> None:
        if not feature.dtype:
            raise ValueError(f"Missing type for feature {key}. Received feature={feature}")
        self._add_sparse_key(key, feature.dtype)

    def _add_sparse_key(self, key: str, dtype: Any) -> None:
        if key in self.sparse_keys:
            before = self.sparse_types[self.sparse_keys.index(key)]
            if dtypes.as_dtype(before) is not dtypes.as_dtype(dtype):
                raise ValueError(f"Conflicting type {before} vs {dtype} for feature {key}.")
            return
        self.sparse_keys.append(key)
        self.sparse_types.append(dtype)

    def _add_sparse(self, key: str, feature: SparseFeature) -> None:
        if not feature.index_key:
            raise ValueError(f"Missing index_key for SparseFeature {feature}.")
        if not feature.value_key:
            raise ValueError(f"Missing value_key for SparseFeature {feature}.")
        if not feature.dtype:
            raise ValueError(f"Missing type for feature {key}. Received feature={feature}.")
        for index_key in _listed(feature.index_key):
            self._add_sparse_key(index_key, dtypes.int64)
        self._add_sparse_key(feature.value_key, feature.dtype)

    def _add_dense(self, key: str, feature: Any) -> None:
        if not feature.dtype:
            raise ValueError(f"Missing type for feature {key}. Received feature={feature}.")
        if feature.shape is None:
            raise ValueError(f"Missing shape for feature {key}. Received feature={feature}.")
        shape = TensorShape(feature.shape)
        if isinstance(feature, FixedLenFeature) and shape.rank and shape[0] is None:
            raise ValueError(
                f"First dimension of shape for feature {key} unknown. Consider using FixedLenSequenceFeature. Received "
                f"feature={feature}."
            )
        if not shape[1 if isinstance(feature, _Prepared) else 0 :].is_fully_defined():
            raise ValueError(f"All dimensions of shape for feature {key} need to be known but received {shape!s}.")
        self.dense_keys.append(key)
        self.dense_types.append(feature.dtype)
        self.dense_shapes.append(shape)
        self.missing_as_empty.append(bool(getattr(feature, "allow_missing", False)))
        self._defaults[key] = feature.default_value

    def dense_defaults(self) -> list[Any]:
        """Returns a tensor for each dense feature: its default value, or one without elements if there is none."""
        found = zip(self.dense_keys, self.dense_shapes, self.dense_types, strict=True)
        return [self._default(key, shape, dtypes.as_dtype(dtype)) for key, shape, dtype in found]

    def _default(self, key: str, shape: TensorShape, dtype: Any) -> Any:
        value = self._defaults[key]
        safe = re.sub("[^A-Za-z0-9_.\\-/]", "_", key)
        if shape.rank and shape[0] is None:
            if value is None:
                return convert_to_tensor("" if dtype is dtypes.string else 0, dtype)
            return raw.Reshape(convert_to_tensor(value, dtype, name=f"padding_{safe}"), [])
        if value is None:
            return convert_to_tensor([], dtype)
        if isinstance(value, Tensor):
            return value
        return raw.Reshape(convert_to_tensor(value, dtype, name=f"key_{safe}"), shape.as_list())


class _Prepared(FixedLenSequenceFeature):
    """Is a ``FixedLenSequenceFeature`` whose shape starts with the dimension of the sequence."""


def prepared(features: Mapping[str, Any]) -> dict[str, Any]:
    """Returns features in which sequences have their first dimension, of unknown size, in their shape.

    Raises:
      ValueError: a sequence may not be missing.
    """
    result = {}
    for key, feature in features.items():
        if isinstance(feature, FixedLenSequenceFeature):
            if not feature.allow_missing:
                raise ValueError("Unsupported: FixedLenSequenceFeature requires allow_missing to be True.")
            if feature.shape is not None:
                shape = [None, *TensorShape(feature.shape).as_list()]
                feature = _Prepared(shape, feature.dtype, feature.allow_missing, feature.default_value)
        result[key] = feature
    return result


def _listed(value: Any) -> list[Any]:
    return [value] if isinstance(value, str | bytes | int) else list(value)


def with_sparse_features(features: Mapping[str, Any], tensors: dict[str, Any]) -> dict[str, Any]:
    """Returns tensors by name, with those that ``SparseFeature`` joins in place of their parts."""
    parts: set[str] = set()
    joined = {}
    for key, feature in sorted(features.items()):
        if isinstance(feature, SparseFeature):
            indices = [tensors[index_key] for index_key in _listed(feature.index_key)]
            joined[key] = _joined(indices, tensors[feature.value_key], _listed(feature.size), feature.already_sorted)
            parts.update([*_listed(feature.index_key), feature.value_key])
    result = {key: value for key, value in tensors.items() if key not in parts or key in features}
    result.update(joined)
    return result


def _joined(indices: list[Any], values: Any, sizes: list[Any], already_sorted: bool) -> SparseTensor:
    """Returns the sparse tensor whose last indices are the values of other sparse tensors."""
    if len(indices) != len(sizes):
        raise ValueError(f"sparse_ids and vocab_size have to have equal lengths, got {len(indices)} and {len(sizes)}")
    outer = indices[0].indices[:, :-1]
    columns = [raw.ExpandDims(index.values, 1) for index in indices]
    places = raw.ConcatV2([outer, *columns], 1)
    dense_shape = raw.ConcatV2([indices[0].dense_shape[:-1], convert_to_tensor(sizes, dtypes.int64)], 0)
    result = SparseTensor(places, values.values, dense_shape)
    if already_sorted:
        return result
    ordered = raw.SparseReorder(result.indices, result.values, result.dense_shape)
    return SparseTensor(ordered[0], ordered[1], dense_shape)
