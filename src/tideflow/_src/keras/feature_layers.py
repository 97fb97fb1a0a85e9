"""``tf.keras.layers.DenseFeatures``, which Keras 3 has no more: a layer that makes a model's input of columns.

Every program that uses Keras loads this file: what columns need is loaded with the first layer.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from tideflow._src.keras import loading

_keras: Any = loading.keras_module()


def _columns() -> Any:
    return importlib.import_module("tideflow._src.keras.column_weights")


@_keras.utils.register_keras_serializable("tideflow")
class DenseFeatures(_keras.layers.Layer):
    """Puts the vectors of dense columns side by side.

    Called with a dictionary of features: tensors ``[batch]`` or ``[batch, ...]`` by name, dense or sparse. Returns a
    tensor ``[batch, size]``: the columns, ordered by name.

    Args:
      feature_columns: dense columns of ``tf.feature_column``.
      trainable: whether the vectors of embedding columns are learned.
      name: the name of the layer.
      partitioner: is taken for the sake of old programs; nothing is partitioned.
      **kwargs: other arguments of layers of Keras.

    Raises:
      ValueError: something is no dense column.
    """

    def __init__(
        self,
        feature_columns: Any,
        trainable: bool = True,
        name: str | None = None,
        partitioner: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, trainable=trainable, **kwargs)
        self._columns = _columns().dense_columns(feature_columns)
        # In a tuple: not tracked, for its variables are the layer's and its tables are those of columns.
        self._weights_of_columns = (_columns().ColumnWeights(self),)

    def build(self, _: Any) -> None:
        """Makes the variables of the columns."""
        for column in self._columns:
            column.create_state(*self._weights_of_columns)
        self.built = True

    def call(self, features: Any) -> Any:
        """Returns the matrix of a batch of features.

        Args:
          features: tensors by name.

        Raises:
          ValueError: the features are no dictionary, or lack one.
        """
        return _columns().side_by_side(self._columns, features, *self._weights_of_columns)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, int]:
        """Returns the shape of the matrix."""
        first = next(iter(input_shape.values()))
        return (first[0], sum(column.variable_shape.num_elements() for column in self._columns))

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make another; functions in columns by name."""
        return {**super().get_config(), "feature_columns": _columns().serialize_feature_columns(self._columns)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> DenseFeatures:
        """Returns a layer of a configuration.

        Args:
          config: what `get_config` returned.
          custom_objects: functions and initializers of columns, by name.
        """
        known = {**_keras.utils.get_custom_objects(), **(custom_objects or {})}
        columns = _columns().deserialize_feature_columns(config["feature_columns"], known)
        return cls(**{**config, "feature_columns": columns})
