"""``tf.io.parse_example`` and its kin: serialized messages as dictionaries of tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.parsing.features import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    Parameters,
    SparseFeature,
    VarLenFeature,
    prepared,
    with_sparse_features,
)
from tideflow._src.ops.parsing.ragged_features import RaggedFeature, parsed_ragged_tensors, with_ragged_features
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.sparse_tensor import SparseTensor

_ANY_FEATURE = (VarLenFeature, SparseFeature, FixedLenFeature, FixedLenSequenceFeature, RaggedFeature)


def _sparse(indices: Any, values: Any, shapes: Any) -> list[SparseTensor]:
    return [SparseTensor(*parts) for parts in zip(indices, values, shapes, strict=True)]


def parse_example(serialized: Any, features: Any, example_names: Any = None, name: str | None = None) -> dict[str, Any]:
    """Turns serialized ``Example`` messages into tensors.

    >>> import tideflow as tf
    >>> feature = tf.train.Feature(int64_list=tf.train.Int64List(value=[3, 4]))
    >>> example = tf.train.Example(features=tf.train.Features(feature={"x": feature}))
    >>> parsed = tf.io.parse_example([example.SerializeToString()], {"x": tf.io.FixedLenFeature([2], tf.int64)})
    >>> parsed["x"].numpy().tolist()
    [[3, 4]]

    Args:
      serialized: a vector of serialized messages, or one.
      features: a ``FixedLenFeature``, ``FixedLenSequenceFeature``, ``VarLenFeature``, ``SparseFeature`` or
        ``RaggedFeature`` for the name of each feature.
      example_names: names of the messages for errors, of the shape of ``serialized``.
      name: a name for the operations.

    Returns:
      A tensor, ``SparseTensor`` or ``RaggedTensor`` for each name; its first dimension is that of ``serialized``, if
      that is a vector.

    Raises:
      ValueError: a feature is not described completely.
      InvalidArgumentError: a message is malformed, or does not hold what is described.
    """
    if not features:
        raise ValueError(f"Argument `features` cannot be None or falsy. Got {features}")
    complete = prepared(features)
    parameters = Parameters(complete, _ANY_FEATURE)
    with name_scope(name, "ParseExample", [serialized, example_names]):
        serialized = convert_to_tensor(serialized, name="serialized")
        outputs = raw.ParseExampleV2(
            serialized,
            _strings([] if example_names is None else example_names),
            _strings(parameters.sparse_keys),
            _strings(parameters.dense_keys),
            _strings(parameters.ragged.keys),
            parameters.dense_defaults(),
            num_sparse=len(parameters.sparse_keys),
            sparse_types=parameters.sparse_types,
            ragged_value_types=parameters.ragged.value_types,
            ragged_split_types=parameters.ragged.split_types,
            dense_shapes=parameters.dense_shapes,
            name=name,
        )
        sparse = _sparse(*outputs[:3])
        keys = [*parameters.sparse_keys, *parameters.dense_keys]
        tensors = dict(zip(keys, [*sparse, *outputs[3]], strict=True))
        tensors = with_sparse_features(complete, tensors)
        if parameters.ragged.keys:
            tensors |= parsed_ragged_tensors(serialized, parameters.ragged.keys, *outputs[4:])
            tensors = with_ragged_features(complete, tensors)
        return tensors


def _strings(values: Any) -> Any:
    """Returns what is given to a vector of strings: an empty list needs its type said."""
    if isinstance(values, list) and not values:
        return np.empty(0, object)
    return values


def parse_example_v1(serialized: Any, features: Any, name: str | None = None, example_names: Any = None) -> Any:
    """Turns serialized ``Example`` messages into tensors; see ``parse_example``."""
    return parse_example(serialized, features, example_names, name)


def parse_single_example(
    serialized: Any, features: Any, example_names: Any = None, name: str | None = None
) -> dict[str, Any]:
    """Turns one serialized ``Example`` into tensors without a dimension for the batch.

    Args:
      serialized: the message, a scalar string.
      features: what describes each feature, by name; see ``parse_example``.
      example_names: a name of the message for errors, a scalar string.
      name: a name for the operations.

    Raises:
      ValueError: a feature is not described completely, or ``serialized`` is no scalar.
      InvalidArgumentError: the message is malformed, or does not hold what is described.
    """
    if not features:
        raise ValueError("Invalid argument: features cannot be None.")
    with name_scope(name, "ParseSingleExample", [serialized, example_names]):
        return parse_example(_scalar(serialized), features, example_names, name)


def _scalar(serialized: Any) -> Any:
    serialized = convert_to_tensor(serialized, name="serialized")
    if serialized.shape.rank:
        raise ValueError("Input serialized must be a scalar")
    return serialized


def parse_single_example_v1(serialized: Any, features: Any, name: str | None = None, example_names: Any = None) -> Any:
    """Turns one serialized ``Example`` into tensors; see ``parse_single_example``."""
    return parse_single_example(serialized, features, example_names, name)


def parse_sequence_example(
    serialized: Any,
    context_features: Mapping[str, Any] | None = None,
    sequence_features: Mapping[str, Any] | None = None,
    example_names: Any = None,
    name: str | None = None,
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Turns a vector of serialized ``SequenceExample`` messages into tensors.

    Args:
      serialized: the messages.
      context_features: a ``FixedLenFeature``, ``VarLenFeature`` or ``RaggedFeature`` for each feature of the context.
      sequence_features: a ``FixedLenSequenceFeature``, ``VarLenFeature`` or ``RaggedFeature`` for each feature list.
      example_names: names of the messages for errors.
      name: a name for the operations.

    Returns:
      Three dictionaries: of the context, of the feature lists, padded to the longest, and of the lengths of those
      that are dense.

    Raises:
      ValueError: no features are given, or a feature is not described completely.
      InvalidArgumentError: a message is malformed, or does not hold what is described.
    """
    if not (context_features or sequence_features):
        raise ValueError(
            "Both `context_features` and `sequence_features` argument are None, but at least one should have values."
        )
    with name_scope(name, "ParseSequenceExample", [serialized, example_names]):
        return _parse_sequences(serialized, context_features, sequence_features, example_names, name)


def parse_single_sequence_example(
    serialized: Any,
    context_features: Mapping[str, Any] | None = None,
    sequence_features: Mapping[str, Any] | None = None,
    example_name: Any = None,
    name: str | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Turns one serialized ``SequenceExample`` into tensors.

    Args:
      serialized: the message, a scalar string.
      context_features: a ``FixedLenFeature``, ``VarLenFeature`` or ``RaggedFeature`` for each feature of the context.
      sequence_features: a ``FixedLenSequenceFeature``, ``VarLenFeature`` or ``RaggedFeature`` for each feature list.
      example_name: a name of the message for errors.
      name: a name for the operations.

    Returns:
      Two dictionaries: of the context, and of the feature lists, whose first dimension is that of the sequence.

    Raises:
      ValueError: no features are given, a feature is not described completely, or ``serialized`` is no scalar.
      InvalidArgumentError: the message is malformed, or does not hold what is described.
    """
    if not (context_features or sequence_features):
        raise ValueError("Both context_features and sequence_features are None, but at least one should have values.")
    with name_scope(name, "ParseSingleSequenceExample", [serialized, example_name]):
        found = _parse_sequences(_scalar(serialized), context_features, sequence_features, example_name, name)
        return found[0], found[1]


def _parse_sequences(
    serialized: Any, context: Mapping[str, Any] | None, lists: Mapping[str, Any] | None, names: Any, name: str | None
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    outer = Parameters(context, (VarLenFeature, FixedLenFeature, RaggedFeature))
    inner = Parameters(lists, (VarLenFeature, FixedLenSequenceFeature, RaggedFeature))
    with name_scope(name, "ParseSequenceExample", [serialized]):
        serialized = convert_to_tensor(serialized, name="serialized")
        outputs = raw.ParseSequenceExampleV2(
            serialized,
            _strings([] if names is None else names),
            _strings(outer.sparse_keys),
            _strings(outer.dense_keys),
            _strings(outer.ragged.keys),
            _strings(inner.sparse_keys),
            _strings(inner.dense_keys),
            _strings(inner.ragged.keys),
            np.array(inner.missing_as_empty, bool),
            outer.dense_defaults(),
            Ncontext_sparse=len(outer.sparse_keys),
            context_sparse_types=outer.sparse_types,
            context_dense_shapes=outer.dense_shapes,
            Nfeature_list_sparse=len(inner.sparse_keys),
            Nfeature_list_dense=len(inner.dense_keys),
            feature_list_dense_types=inner.dense_types,
            feature_list_sparse_types=inner.sparse_types,
            feature_list_dense_shapes=inner.dense_shapes,
            context_ragged_value_types=outer.ragged.value_types,
            context_ragged_split_types=outer.ragged.split_types,
            feature_list_ragged_value_types=inner.ragged.value_types,
            feature_list_ragged_split_types=inner.ragged.split_types,
            name=name,
        )
    context_keys = [*outer.sparse_keys, *outer.dense_keys]
    list_keys = [*inner.sparse_keys, *inner.dense_keys]
    context_tensors = [*_sparse(*outputs[0:3]), *outputs[3]]
    list_tensors = [*_sparse(*outputs[6:9]), *outputs[9]]
    found = dict(zip(context_keys, context_tensors, strict=True))
    found_lists = dict(zip(list_keys, list_tensors, strict=True))
    if outer.ragged.keys:
        found |= parsed_ragged_tensors(serialized, outer.ragged.keys, *outputs[4:6])
        found = with_ragged_features(context, found)
    if inner.ragged.keys:
        found_lists |= parsed_ragged_tensors(serialized, inner.ragged.keys, *outputs[11:14])
        found_lists = with_ragged_features(lists, found_lists)
    return (
        found,
        found_lists,
        dict(zip(inner.dense_keys, outputs[10], strict=True)),
    )
