"""Columns as dictionaries of plain values, and back: what layers of columns put in their configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.feature_column.base import FeatureColumn
from tideflow._src.feature_column.categorical import (
    CrossedColumn,
    HashedCategoricalColumn,
    IdentityCategoricalColumn,
    VocabularyFileCategoricalColumn,
    VocabularyListCategoricalColumn,
    WeightedCategoricalColumn,
)
from tideflow._src.feature_column.dense import EmbeddingColumn, IndicatorColumn
from tideflow._src.feature_column.numeric import BucketizedColumn, NumericColumn
from tideflow._src.feature_column.sequence import SequenceCategoricalColumn, SequenceNumericColumn
from tideflow._src.state import initializers

_COLUMNS: dict[str, Any] = {
    column.__name__: column
    for column in (
        BucketizedColumn,
        CrossedColumn,
        EmbeddingColumn,
        HashedCategoricalColumn,
        IdentityCategoricalColumn,
        IndicatorColumn,
        NumericColumn,
        SequenceCategoricalColumn,
        SequenceNumericColumn,
        VocabularyFileCategoricalColumn,
        VocabularyListCategoricalColumn,
        WeightedCategoricalColumn,
    )
}


def serialize_feature_column(fc: Any) -> Any:
    """Returns a column as ``{"class_name": ..., "config": ...}``; the name of a feature as it is.

    Args:
      fc: a column, or the name of a feature.

    Raises:
      ValueError: it is neither, or is a column of a shared table, which has no configuration of its own.

    >>> import tideflow as tf
    >>> serialize = tf.__internal__.feature_column.serialize_feature_column
    >>> serialize(tf.feature_column.categorical_column_with_identity("size", 3))
    {'class_name': 'IdentityCategoricalColumn', 'config': {'key': 'size', 'number_buckets': 3, 'default_value': None}}
    """
    if isinstance(fc, str):
        return fc
    if not isinstance(fc, FeatureColumn):
        raise ValueError(f"Instance: {fc} is not a FeatureColumn")
    name = type(fc).__name__
    if _COLUMNS.get(name) is not type(fc):
        raise ValueError(f"Columns of class {name} have no configuration: {fc}")
    column: Any = fc
    return {"class_name": name, "config": {field: _plain(getattr(column, field)) for field in column._fields}}


def _plain(value: Any) -> Any:
    if isinstance(value, FeatureColumn):
        return serialize_feature_column(value)
    if isinstance(value, tuple) and any(isinstance(each, FeatureColumn) for each in value):
        return tuple(serialize_feature_column(each) for each in value)
    if isinstance(value, dtypes.DType):
        return value.name
    if isinstance(value, initializers.Initializer):
        return {"class_name": type(value).__name__, "config": value.get_config()}
    return value.__name__ if callable(value) else value


def deserialize_feature_column(
    config: Any,
    custom_objects: Mapping[str, Any] | None = None,
    columns_by_name: dict[str, Any] | None = None,
) -> Any:
    """Returns the column that `serialize_feature_column` made a dictionary of.

    Args:
      config: the dictionary, or the name of a feature, which is returned as it is.
      custom_objects: functions and initializers by the names that the dictionary has for them.
      columns_by_name: the columns that were made before; of equal ones there is one.

    Raises:
      ValueError: the dictionary has another form, or names something unknown.
    """
    if isinstance(config, str):
        return config
    if not isinstance(config, Mapping) or not {"class_name", "config"} <= set(config):
        raise ValueError(f"Improper config format: {config}")
    kind, values = _COLUMNS.get(config["class_name"]), config["config"]
    if kind is None:
        raise ValueError(f"Unknown feature_column_v2: {config['class_name']}")
    if not isinstance(values, Mapping) or not set(values) <= set(kind._fields):
        raise ValueError(f"Improper config format: {config}")
    made = columns_by_name if columns_by_name is not None else {}
    try:
        column = kind(**{name: _revived(name, value, custom_objects or {}, made) for name, value in values.items()})
    except TypeError as error:  # a field is missing
        raise ValueError(f"Improper config format: {config}: {error}") from None
    return made.setdefault(f"{config['class_name']}:{column.name}", column)


def _revived(name: str, value: Any, custom_objects: Mapping[str, Any], made: dict[str, Any]) -> Any:
    if name in ("source_column", "categorical_column"):
        return deserialize_feature_column(value, custom_objects, made)
    if name == "keys":
        return tuple(deserialize_feature_column(each, custom_objects, made) for each in value)
    if name == "dtype":
        return dtypes.as_dtype(value)
    if name == "initializer" and isinstance(value, Mapping):
        return _named(value["class_name"], vars(initializers) | dict(custom_objects)).from_config(value["config"])
    if name in ("initializer", "normalizer_fn") and isinstance(value, str):
        return _named(value, custom_objects)
    return tuple(value) if isinstance(value, list) else value  # JSON knows no tuples


def _named(name: str, known: Mapping[str, Any]) -> Any:
    if name not in known:
        raise ValueError(f"Unknown function or initializer: {name}. Give it in `custom_objects`.")
    return known[name]


def serialize_feature_columns(feature_columns: Iterable[Any]) -> list[Any]:
    """Returns `serialize_feature_column` of each."""
    return [serialize_feature_column(column) for column in feature_columns]


def deserialize_feature_columns(configs: Iterable[Any], custom_objects: Mapping[str, Any] | None = None) -> list[Any]:
    """Returns `deserialize_feature_column` of each; of equal columns there is one."""
    made: dict[str, Any] = {}
    return [deserialize_feature_column(config, custom_objects, made) for config in configs]
