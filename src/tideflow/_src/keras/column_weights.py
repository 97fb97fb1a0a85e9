"""What layers of columns do with columns: their weights, their tensors, their configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tideflow._src.feature_column.base import DenseColumn, FeatureTransformationCache, StateManager, checked_columns
from tideflow._src.feature_column.serialization import deserialize_feature_columns as deserialize_feature_columns
from tideflow._src.feature_column.serialization import serialize_feature_columns as serialize_feature_columns
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import raw


def dense_columns(given: Any) -> tuple[Any, ...]:
    """Returns columns in the order of their names.

    Raises:
      ValueError: one is not dense.
    """
    columns = tuple(checked_columns(given))
    for column in columns:
        if not isinstance(column, DenseColumn):
            raise ValueError(
                "Items of feature_columns must be a DenseColumn. You can wrap a categorical column with an "
                f"embedding_column or indicator_column. Given: {column}"
            )
    return columns


def side_by_side(columns: tuple[Any, ...], features: Any, weights: StateManager) -> Any:
    """Returns the matrices of columns as one.

    Raises:
      ValueError: the features are no dictionary, or lack one.
    """
    if not isinstance(features, Mapping):
        raise ValueError(f"We expected a dictionary here. Instead we got: {features}")
    cache = FeatureTransformationCache(features)
    found = []
    for column in columns:
        tensor = column.get_dense_tensor(cache, weights)
        found.append(raw.Reshape(tensor, raw.Pack([raw.Shape(tensor)[0], column.variable_shape.num_elements()])))
    return concat(found, -1)


class ColumnWeights(StateManager):
    """Makes the variables of columns as weights of a layer."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self._layer = layer
        self._prefix = ""

    def create_variable(
        self,
        feature_column: Any,
        name: str,
        shape: Any,
        dtype: Any = None,
        trainable: bool = True,
        use_resource: bool = True,
        initializer: Any = None,
    ) -> Any:
        self._prefix = re.sub(r"[^A-Za-z0-9_.\-]", "_", feature_column.name)
        return super().create_variable(feature_column, name, shape, dtype, trainable, use_resource, initializer)

    def _made(self, name: str, shape: Any, dtype: Any, trainable: bool, use_resource: bool, initializer: Any) -> Any:
        return self._layer.add_weight(
            name=f"{self._prefix}_{name}",  # names of weights of Keras hold no path
            shape=tuple(shape),
            dtype=dtype.name,
            initializer=initializer,
            trainable=trainable and self._layer.trainable,
        )

    def add_resource(self, feature_column: Any, name: str, resource: Any) -> None:
        super().add_resource(feature_column, name, resource)
        self._layer._track_trackable(resource, f"{feature_column.name}_{name}", overwrite=True)  # so it is saved, too

    def get_variable(self, feature_column: Any, name: str) -> Any:
        return super().get_variable(feature_column, name).value  # the variable of TensorFlow in that of Keras
