"""Dense inputs and linear models of columns, with the variables of TensorFlow 1.x."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tideflow._src.feature_column.base import (
    CategoricalColumn,
    DenseColumn,
    FeatureTransformationCache,
    StateManager,
    checked_columns,
)
from tideflow._src.feature_column.dense import SharedEmbeddingColumn
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.arithmetic import add_n
from tideflow._src.ops.nn.bias import bias_add
from tideflow._src.ops.nn.embedding_sparse import safe_embedding_lookup_sparse
from tideflow._src.ops.sparse.conversion import sparse_reshape
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.initializers import Zeros
from tideflow._src.state.partitioned_variable import PartitionedVariable
from tideflow._src.state.variable_scope import get_variable, variable_scope


class _InScope(StateManager):
    """Makes variables in the scope that is open, in collections of the graph.

    Args:
      weight_collections: the names of further collections.
      trainable: whether optimizers change variables whose column says nothing else.
    """

    def __init__(self, weight_collections: Any, trainable: bool) -> None:
        super().__init__()
        self._collections = list(weight_collections or [])
        for name in (GraphKeys.GLOBAL_VARIABLES, GraphKeys.MODEL_VARIABLES):
            if name not in self._collections:
                self._collections.append(name)
        self._trainable = trainable

    def _made(self, name: str, shape: Any, dtype: Any, trainable: bool, use_resource: bool, initializer: Any) -> Any:
        return get_variable(
            name,
            shape,
            dtype,
            initializer=initializer,
            trainable=trainable and self._trainable,
            collections=self._collections,
        )


def input_layer(
    features: Mapping[str, Any],
    feature_columns: Any,
    weight_collections: Any = None,
    trainable: bool = True,
    cols_to_vars: dict[Any, Any] | None = None,
    cols_to_output_tensors: dict[Any, Any] | None = None,
) -> Any:
    """Puts the vectors of dense columns side by side.

    Args:
      features: tensors by name; vectors stand for matrices of one column.
      feature_columns: dense columns.
      weight_collections: names of collections that variables join, beside those of global and of model variables.
      trainable: whether optimizers change the variables.
      cols_to_vars: a dictionary that gets the variables of each column.
      cols_to_output_tensors: a dictionary that gets the matrix of each column.

    Returns:
      A matrix: a row for each of the batch, and in it the columns, ordered by name.

    Raises:
      ValueError: something is no dense column, or a feature is missing.

    >>> import tideflow as tf
    >>> color = tf.feature_column.categorical_column_with_vocabulary_list("color", ["red", "green"])
    >>> columns = [tf.feature_column.numeric_column("size"), tf.feature_column.indicator_column(color)]
    >>> features = {"size": [1.5, 2.5], "color": ["green", "red"]}
    >>> tf.compat.v1.feature_column.input_layer(features, columns).numpy().tolist()
    [[0.0, 1.0, 1.5], [1.0, 0.0, 2.5]]
    """
    columns = checked_columns(feature_columns)
    for column in columns:
        if not isinstance(column, DenseColumn):
            raise ValueError(
                "Items of feature_columns must be a DenseColumn. You can wrap a categorical column with an "
                f"embedding_column or indicator_column. Given: {column}"
            )
    state = _InScope(weight_collections, trainable)
    cache = FeatureTransformationCache(features)
    outputs = []
    with variable_scope(None, "input_layer"):
        for column in columns:
            with _scope_of(column):
                column.create_state(state)
                tensor = column.get_dense_tensor(cache, state)
                outputs.append(_as_matrix(tensor, column))
                if cols_to_vars is not None:
                    cols_to_vars[column] = _variables(column, state)
                if cols_to_output_tensors is not None:
                    cols_to_output_tensors[column] = outputs[-1]
        _check_batches(outputs, columns)
        return concat(outputs, 1)


def linear_model(
    features: Mapping[str, Any],
    feature_columns: Any,
    units: int = 1,
    sparse_combiner: str = "sum",
    weight_collections: Any = None,
    trainable: bool = True,
    cols_to_vars: dict[Any, Any] | None = None,
) -> Any:
    """Computes a linear function of columns, whose weights are variables that begin with 0.

    Args:
      features: tensors by name; vectors stand for matrices of one column.
      feature_columns: dense or categorical columns.
      units: how many results there are for each row.
      sparse_combiner: what becomes of several categories in a row: ``"mean"``, ``"sqrtn"`` or ``"sum"``.
      weight_collections: names of collections that variables join, beside those of global and of model variables.
      trainable: whether optimizers change the variables.
      cols_to_vars: a dictionary that gets the variables of each column, and under ``"bias"`` the bias.

    Returns:
      A matrix, a row of ``units`` numbers for each of the batch.

    Raises:
      ValueError: something is neither a dense nor a categorical column, or a feature is missing.
    """
    columns = checked_columns(feature_columns)
    for column in columns:
        if not isinstance(column, DenseColumn | CategoricalColumn):
            raise ValueError(
                f"Items of feature_columns must be either a DenseColumn or CategoricalColumn. Given: {column}"
            )
    state = _InScope(weight_collections, trainable)
    cache = FeatureTransformationCache(features)
    sums = []
    with variable_scope(None, "linear_model"):
        for column in columns:
            with _scope_of(column):
                is_categorical = isinstance(column, CategoricalColumn)
                size = column.num_buckets if is_categorical else column.variable_shape.num_elements()
                weights = state.create_variable(column, "weights", (size, units), initializer=Zeros())
                if is_categorical:
                    pair = column.get_sparse_tensors(cache, state)
                    sums.append(_weighted_sum(weights, pair, sparse_combiner))
                else:
                    column.create_state(state)
                    sums.append(raw.MatMul(_as_matrix(column.get_dense_tensor(cache, state), column), weights))
                if cols_to_vars is not None:
                    cols_to_vars[column] = _variables(column, state)
        _check_batches(sums, columns)
        bias = state.create_variable(None, "bias_weights", (units,), initializer=Zeros())
        if cols_to_vars is not None:
            cols_to_vars["bias"] = _parts(bias)
        return bias_add(add_n(sums, name="weighted_sum_no_bias"), bias, name="weighted_sum")


def _scope_of(column: Any) -> Any:
    """Returns the scope of a column's variables; that of columns which share a table is called like the table."""
    shared = isinstance(column, SharedEmbeddingColumn) and column.shared_embedding_column_creator.in_scope
    name = column.shared_embedding_column_creator.name if shared else column.name
    return variable_scope(None, re.sub(r"[^A-Za-z0-9_.\-]", "_", name))


def _as_matrix(tensor: Any, column: Any) -> Any:
    return raw.Reshape(tensor, raw.Pack([raw.Shape(tensor)[0], column.variable_shape.num_elements()]))


def _weighted_sum(weights: Any, pair: Any, combiner: str) -> Any:
    def matrix(tensor: Any) -> Any:
        return None if tensor is None else sparse_reshape(tensor, [tensor.dense_shape[0], -1])

    return safe_embedding_lookup_sparse(
        weights, matrix(pair.id_tensor), matrix(pair.weight_tensor), combiner=combiner, name="weighted_sum"
    )


def _variables(column: Any, state: StateManager) -> list[Any]:
    if isinstance(column, SharedEmbeddingColumn):
        return _parts(column.shared_embedding_column_creator.embedding_weights)
    return [part for variable in state.variables_of(column) for part in _parts(variable)]


def _parts(variable: Any) -> list[Any]:
    return list(variable) if isinstance(variable, PartitionedVariable) else [variable]


def _check_batches(tensors: list[Any], columns: list[Any]) -> None:
    """Checks that all columns have as many rows as far as that is known.

    Raises:
      ValueError: two have not.
    """
    known: tuple[Any, Any] | None = None
    for tensor, column in zip(tensors, columns, strict=True):
        size = tensor.shape[0] if tensor.shape.rank else None
        if size is None:
            continue
        if known is None:
            known = size, column
        elif size != known[0]:
            raise ValueError(
                "Batch size (first dimension) of each feature must be same. Batch size of columns "
                f"({known[1].name}, {column.name}): ({known[0]}, {size})"
            )
