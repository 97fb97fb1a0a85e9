"""Columns of numbers, and of the buckets that numbers fall in."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.feature_column.base import CategoricalColumn, ColumnOfFeature, DenseColumn, check_key
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.sequences import one_hot
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.parsing.features import FixedLenFeature
from tideflow._src.runtime.sparse_tensor import SparseTensor


class _Numeric(NamedTuple):
    key: str
    shape: tuple[int, ...]
    default_value: Any
    dtype: Any
    normalizer_fn: Callable[[Any], Any] | None


class NumericColumn(ColumnOfFeature, DenseColumn, _Numeric):
    """Is a column of numbers: see `numeric_column`."""

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        return {self.key: FixedLenFeature(self.shape, self.dtype, self.default_value)}

    @property
    def variable_shape(self) -> TensorShape:
        return TensorShape(self.shape)

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        numbers = transformation_cache.get(self.key, state_manager)
        if isinstance(numbers, SparseTensor):
            raise ValueError(
                "The corresponding Tensor of numerical column must be a Tensor. SparseTensor is not supported. "
                f"key: {self.key}"
            )
        return cast(numbers if self.normalizer_fn is None else self.normalizer_fn(numbers), dtypes.float32)

    def get_dense_tensor(self, transformation_cache: Any, state_manager: Any) -> Any:
        return transformation_cache.get(self, state_manager)


class _Bucketized(NamedTuple):
    source_column: NumericColumn
    boundaries: tuple[float, ...]


class BucketizedColumn(DenseColumn, CategoricalColumn, _Bucketized):
    """Is a column of numbers of buckets: see `bucketized_column`."""

    @property
    def name(self) -> str:
        return f"{self.source_column.name}_bucketized"

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        return self.source_column.parse_example_spec

    @property
    def parents(self) -> list[Any]:
        return [self.source_column]

    @property
    def variable_shape(self) -> TensorShape:
        return TensorShape((*self.source_column.shape, len(self.boundaries) + 1))

    @property
    def num_buckets(self) -> int:
        return (len(self.boundaries) + 1) * self.source_column.shape[0]

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        numbers = transformation_cache.get(self.source_column, state_manager)
        return raw.Bucketize(numbers, boundaries=[float(boundary) for boundary in self.boundaries])

    def get_dense_tensor(self, transformation_cache: Any, state_manager: Any) -> Any:
        buckets = cast(transformation_cache.get(self, state_manager), dtypes.int64)
        return one_hot(buckets, len(self.boundaries) + 1, 1.0, 0.0)

    def get_sparse_tensors(self, transformation_cache: Any, state_manager: Any) -> Any:
        """Counts the buckets of all numbers of a row through."""
        buckets = transformation_cache.get(self, state_manager)
        width = self.source_column.shape[0]
        rows = raw.Shape(buckets)[0]
        numbers = raw.Range(0, rows * width, 1)
        row, place = numbers // width, numbers % width
        values = raw.Reshape(buckets, [-1]) + (len(self.boundaries) + 1) * place
        indices = cast(raw.Pack([row, place], axis=1), dtypes.int64)
        shape = cast(raw.Pack([rows, width]), dtypes.int64)
        return CategoricalColumn.IdWeightPair(SparseTensor(indices, values, shape), None)


def numeric_column(
    key: str,
    shape: Any = (1,),
    default_value: Any = None,
    dtype: Any = dtypes.float32,
    normalizer_fn: Callable[[Any], Any] | None = None,
) -> NumericColumn:
    """Returns a column of numbers.

    Args:
      key: the name of the feature.
      shape: the shape of the numbers in a row.
      default_value: what stands for missing numbers when examples are parsed: one, or as many as ``shape`` says.
      dtype: the type of the feature; the column is ``float32``.
      normalizer_fn: a function of the feature's tensor whose result is used, such as ``lambda x: (x - 3.0) / 4.2``.

    Returns:
      A dense column.

    Raises:
      TypeError: a dimension is no integer, the default does not fit the type, or the normalizer is no function.
      ValueError: a dimension is less than 1, the default has another shape, or the type is none of numbers.

    >>> import tideflow as tf
    >>> age = tf.feature_column.numeric_column("age")
    >>> tf.compat.v1.feature_column.input_layer({"age": [[21.0], [35.0]]}, [age]).numpy().tolist()
    [[21.0], [35.0]]
    """
    sizes = checked_shape(shape, key)
    check_number(dtype, key)
    default = _default(sizes, default_value, dtype, key)
    check_normalizer(normalizer_fn)
    check_key(key)
    return NumericColumn(key, sizes, default, dtype, normalizer_fn)


def bucketized_column(source_column: NumericColumn, boundaries: Any) -> BucketizedColumn:
    """Returns a column of the buckets that numbers fall in.

    Args:
      source_column: a column made by `numeric_column`, of one dimension.
      boundaries: where buckets end, in ascending order: ``[0.0, 1.0]`` makes the buckets below 0, from 0 to below 1,
        and from 1 on.

    Returns:
      A column that is dense and categorical.

    Raises:
      ValueError: the source is no such column, or there are no boundaries in ascending order.
    """
    if not isinstance(source_column, NumericColumn):
        raise ValueError(f"source_column must be a column generated with numeric_column(). Given: {source_column}")
    if len(source_column.shape) > 1:
        raise ValueError(f"source_column must be one-dimensional column. Given: {source_column}")
    if not boundaries:
        raise ValueError("boundaries must not be empty.")
    ascending = isinstance(boundaries, list | tuple) and all(
        one < next_one for one, next_one in itertools.pairwise(boundaries)
    )
    if not ascending:
        raise ValueError("boundaries must be a sorted list.")
    return BucketizedColumn(source_column, tuple(boundaries))


def checked_shape(shape: Any, key: str) -> tuple[int, ...]:
    """Returns a shape as a tuple.

    Raises:
      TypeError: a dimension is no integer.
      ValueError: one is less than 1.
    """
    sizes = tuple(shape) if isinstance(shape, list | tuple | TensorShape) else (shape,)
    for size in sizes:
        if not isinstance(size, int):
            raise TypeError(f"shape dimensions must be integer. shape: {sizes}, key: {key}")
        if size < 1:
            raise ValueError(f"shape dimensions must be greater than 0. shape: {sizes}, key: {key}")
    return sizes


def check_number(dtype: Any, key: str) -> None:
    """Checks that a dtype is one of numbers.

    Raises:
      ValueError: it is not.
    """
    if not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"dtype must be convertible to float. dtype: {dtype}, key: {key}")


def check_normalizer(normalizer_fn: Any) -> None:
    """Checks that a normalizer is a function.

    Raises:
      TypeError: it is not.
    """
    if normalizer_fn is not None and not callable(normalizer_fn):
        raise TypeError(f"normalizer_fn must be a callable. Given: {normalizer_fn}")


def _default(shape: tuple[int, ...], value: Any, dtype: Any, key: str) -> Any:
    """Returns a default value in nested tuples, one number for each of the shape."""
    if value is None:
        return None
    if isinstance(value, int) or (isinstance(value, float) and dtype.is_floating):
        return _filled(shape, value)
    value = value.tolist() if callable(getattr(value, "tolist", None)) else value
    if isinstance(value, list | tuple):
        if not _fits(value, shape):
            raise ValueError(
                f"The shape of default_value must be equal to given shape. default_value: {value}, shape: {shape}, "
                f"key: {key}"
            )
        numbers = list(_numbers(value))
        if all(isinstance(number, int) for number in numbers) or (
            dtype.is_floating and any(isinstance(number, float) for number in numbers)
        ):
            return _as_tuple(value)
    raise TypeError(f"default_value must be compatible with dtype. default_value: {value}, dtype: {dtype}, key: {key}")


def _filled(shape: tuple[int, ...], value: Any) -> Any:
    return tuple(_filled(shape[1:], value) for _ in range(shape[0])) if shape else value


def _fits(value: Any, shape: tuple[int, ...]) -> bool:
    if isinstance(value, list | tuple) != bool(shape):
        return False
    return not shape or (len(value) == shape[0] and all(_fits(each, shape[1:]) for each in value))


def _numbers(value: Any) -> Any:
    if isinstance(value, list | tuple):
        for each in value:
            yield from _numbers(each)
    else:
        yield value


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if isinstance(value, list | tuple) else value
