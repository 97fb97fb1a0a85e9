"""Vectors for categories: indicators, embeddings, and embeddings that columns share."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

from tideflow._src.checkpoint.warm_start import init_from_checkpoint
from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.feature_column.base import CategoricalColumn, DenseColumn, SequenceDenseColumn
from tideflow._src.feature_column.categorical import WeightedCategoricalColumn, same_kind
from tideflow._src.feature_column.sequence import SequenceCategoricalColumn, sequence_length
from tideflow._src.function.name_scopes import name_scope
from tideflow._src.graph.default_graph import get_default_graph
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.sequences import one_hot
from tideflow._src.ops.math.reduction_functions import reduce_sum
from tideflow._src.ops.nn.embedding_sparse import embedding_lookup_sparse, safe_embedding_lookup_sparse
from tideflow._src.ops.sparse.arranging import slice as slice_of_sparse
from tideflow._src.ops.sparse.conversion import sparse_tensor_to_dense
from tideflow._src.ops.sparse.ids import merge
from tideflow._src.state.autotrackable import AutoTrackable
from tideflow._src.state.initializers import TruncatedNormal
from tideflow._src.state.partitioned_variable import PartitionedVariable
from tideflow._src.state.variable_scope import get_variable

_WEIGHTS = "embedding_weights"


class _OfCategories(DenseColumn, SequenceDenseColumn):
    """Is what columns have in common that make vectors of categories."""

    categorical_column: CategoricalColumn

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        return self.categorical_column.parse_example_spec

    @property
    def parents(self) -> list[Any]:
        return [self.categorical_column]

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        return transformation_cache.get(self.categorical_column, state_manager)

    def _vectors(self, transformation_cache: Any, state_manager: Any, pair: Any) -> Any:
        """Returns the vectors of an `IdWeightPair`, or of each of its steps."""
        raise NotImplementedError

    def get_dense_tensor(self, transformation_cache: Any, state_manager: Any) -> Any:
        """Returns the tensor, of shape ``[batch, *variable_shape]``.

        Raises:
          ValueError: the categories are in sequences.
        """
        column = self.categorical_column
        if isinstance(column, SequenceCategoricalColumn):
            raise ValueError(
                f"In {self._function}: {self.name}. categorical_column must not be of type SequenceCategoricalColumn. "
                "Suggested fix A: If you wish to use DenseFeatures, use a non-sequence categorical_column_with_*. "
                "Suggested fix B: If you wish to create sequence input, use SequenceFeatures instead of DenseFeatures. "
                f"Given (type {type(column)}): {column}"
            )
        return self._vectors(
            transformation_cache, state_manager, column.get_sparse_tensors(transformation_cache, state_manager)
        )

    def get_sequence_dense_tensor(self, transformation_cache: Any, state_manager: Any) -> Any:
        """Returns the sequences and their lengths.

        Raises:
          ValueError: the categories are not in sequences.
        """
        column = self.categorical_column
        if not isinstance(column, SequenceCategoricalColumn):
            raise ValueError(
                f"In {self._function}: {self.name}. categorical_column must be of type SequenceCategoricalColumn to "
                "use SequenceFeatures. Suggested fix: Use one of sequence_categorical_column_with_*. Given (type "
                f"{type(column)}): {column}"
            )
        pair = column.get_sparse_tensors(transformation_cache, state_manager)
        return SequenceDenseColumn.TensorSequenceLengthPair(
            self._vectors(transformation_cache, state_manager, pair), sequence_length(pair.id_tensor)
        )

    #: The name of the function that makes such columns.
    _function = ""


class _Indicator(NamedTuple):
    categorical_column: CategoricalColumn


class IndicatorColumn(_OfCategories, _Indicator):
    """Is a column of counts of each category: see `indicator_column`."""

    _function = "indicator_column"

    @property
    def name(self) -> str:
        return f"{self.categorical_column.name}_indicator"

    @property
    def variable_shape(self) -> TensorShape:
        return TensorShape([1, self.categorical_column.num_buckets])

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        pair = self.categorical_column.get_sparse_tensors(transformation_cache, state_manager)
        categories, weights = pair.id_tensor, pair.weight_tensor
        count = self.categorical_column.num_buckets
        if weights is None:
            dense = sparse_tensor_to_dense(categories, -1)
            return reduce_sum(one_hot(dense, count, 1.0, 0.0), [-2])
        merged = merge(categories, weights, int(count))
        merged = slice_of_sparse(merged, [0, 0], merged.dense_shape)  # without categories below 0, which stand for none
        return raw.ScatterNd(merged.indices, merged.values, merged.dense_shape)

    def _vectors(self, transformation_cache: Any, state_manager: Any, pair: Any) -> Any:
        return transformation_cache.get(self, state_manager)


class _Embedding(NamedTuple):
    categorical_column: CategoricalColumn
    dimension: int
    combiner: str
    initializer: Any
    ckpt_to_load_from: str | None
    tensor_name_in_ckpt: str | None
    max_norm: float | None
    trainable: bool
    use_safe_embedding_lookup: bool = True


class EmbeddingColumn(_OfCategories, _Embedding):
    """Is a column of vectors that are learned: see `embedding_column`."""

    _function = "embedding_column"

    @property
    def name(self) -> str:
        return f"{self.categorical_column.name}_embedding"

    @property
    def variable_shape(self) -> TensorShape:
        return TensorShape([self.dimension])

    def create_state(self, state_manager: Any) -> None:
        state_manager.create_variable(
            self,
            name=_WEIGHTS,
            shape=(self.categorical_column.num_buckets, self.dimension),
            dtype=dtypes.float32,
            trainable=self.trainable,
            use_resource=True,
            initializer=self.initializer,
        )

    def _vectors(self, transformation_cache: Any, state_manager: Any, pair: Any) -> Any:
        weights = state_manager.get_variable(self, name=_WEIGHTS)
        _load(weights, self.ckpt_to_load_from, self.tensor_name_in_ckpt)
        return _looked_up(weights, pair, self)


class SharedEmbeddings(AutoTrackable):
    """Is the table that several columns share, one in each graph.

    Args:
      dimension: the length of its vectors.
      initializer: what it holds at first.
      ckpt_to_load_from, tensor_name_in_ckpt: a checkpoint and a name in it to start with, or None.
      num_buckets: how many vectors it has.
      trainable: whether optimizers change it.
      name: its name.
      in_scope: whether the variable stands in a scope of that name, as in TensorFlow 1.x, and not by itself.
    """

    def __init__(
        self,
        dimension: int,
        initializer: Any,
        ckpt_to_load_from: str | None,
        tensor_name_in_ckpt: str | None,
        num_buckets: int,
        trainable: bool,
        name: str,
        in_scope: bool,
    ) -> None:
        self.dimension = dimension
        self.name = name
        self._checkpoint = ckpt_to_load_from, tensor_name_in_ckpt
        self._initializer = initializer
        self._shape = num_buckets, dimension
        self._trainable = trainable
        self.in_scope = in_scope
        self._tables: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

    @property
    def embedding_weights(self) -> Any:
        """The variable of the graph that is being built."""
        graph = _outermost_graph()
        if graph not in self._tables:
            self._tables[graph] = get_variable(
                self.name, self._shape, dtypes.float32, initializer=self._initializer, trainable=self._trainable
            )
            _load(self._tables[graph], *self._checkpoint)
        return self._tables[graph]

    def make_in_scope(self, state_manager: Any) -> None:
        """Makes the variable where variables of columns are made, unless the graph has it."""
        graph = _outermost_graph()
        if self.in_scope and graph not in self._tables:
            self._tables[graph] = state_manager.create_variable(
                self, _WEIGHTS, self._shape, dtypes.float32, trainable=self._trainable, initializer=self._initializer
            )
            _load(self._tables[graph], *self._checkpoint)


def _outermost_graph() -> Any:
    graph: Any = get_default_graph()
    while getattr(graph, "outer_graph", None) is not None:
        graph = graph.outer_graph
    return graph


class _Shared(NamedTuple):
    categorical_column: CategoricalColumn
    shared_embedding_column_creator: SharedEmbeddings
    combiner: str
    max_norm: float | None
    use_safe_embedding_lookup: bool = True


class SharedEmbeddingColumn(_OfCategories, _Shared):
    """Is a column of vectors that are learned, of a table that others share: see `shared_embeddings`."""

    _function = "embedding_column"

    @property
    def name(self) -> str:
        return f"{self.categorical_column.name}_shared_embedding"

    @property
    def variable_shape(self) -> TensorShape:
        return TensorShape([self.shared_embedding_column_creator.dimension])

    def create_state(self, state_manager: Any) -> None:
        self.shared_embedding_column_creator.make_in_scope(state_manager)

    def _vectors(self, transformation_cache: Any, state_manager: Any, pair: Any) -> Any:
        with name_scope(self.name):
            return _looked_up(self.shared_embedding_column_creator.embedding_weights, pair, self)


def _looked_up(weights: Any, pair: Any, column: Any) -> Any:
    rank = pair.id_tensor.shape.rank
    safe = column.use_safe_embedding_lookup or rank is None or rank > 2
    look_up = safe_embedding_lookup_sparse if safe else embedding_lookup_sparse
    return look_up(
        weights,
        pair.id_tensor,
        pair.weight_tensor,
        combiner=column.combiner,
        max_norm=column.max_norm,
        name=f"{column.name}_weights",
    )


def _load(variable: Any, checkpoint: str | None, name: str | None) -> None:
    """Lets a variable begin with what a checkpoint has under a name."""
    if checkpoint is not None:
        parts = list(variable) if isinstance(variable, PartitionedVariable) else variable
        init_from_checkpoint(checkpoint, {name: parts})


# Functions that make them.


def indicator_column(categorical_column: CategoricalColumn) -> IndicatorColumn:
    """Returns a column that counts each category of a row, or adds up its weights.

    Args:
      categorical_column: the column of categories.

    Returns:
      A dense column.

    Raises:
      ValueError: it is no categorical column.
    """
    if not isinstance(categorical_column, CategoricalColumn):
        raise ValueError(f"Unsupported input type. Input must be a CategoricalColumn. Given: {categorical_column}")
    return IndicatorColumn(categorical_column)


def embedding_column(
    categorical_column: CategoricalColumn,
    dimension: int,
    combiner: str = "mean",
    initializer: Any = None,
    ckpt_to_load_from: str | None = None,
    tensor_name_in_ckpt: str | None = None,
    max_norm: float | None = None,
    trainable: bool = True,
    use_safe_embedding_lookup: bool = True,
) -> EmbeddingColumn:
    """Returns a column of vectors that are learned, one for each category.

    Args:
      categorical_column: the column of categories.
      dimension: the length of the vectors.
      combiner: what becomes of several categories in a row: ``"mean"``, ``"sqrtn"`` or ``"sum"``.
      initializer: what the vectors are at first: by default normal numbers, cut off at two deviations, with a deviation
        of ``1 / sqrt(dimension)``.
      ckpt_to_load_from: a checkpoint to start with.
      tensor_name_in_ckpt: the name of the vectors in it.
      max_norm: the greatest norm of a vector; longer ones are scaled down.
      trainable: whether optimizers change them.
      use_safe_embedding_lookup: whether rows without categories, and categories below 0, are taken care of.

    Returns:
      A dense column.

    Raises:
      ValueError: the dimension is less than 1, only one of the checkpoint and the name is given, or the initializer is
        no function.
    """
    _check_embedding(dimension, ckpt_to_load_from, tensor_name_in_ckpt)
    if initializer is not None and not callable(initializer):
        raise ValueError(
            f"initializer must be callable if specified. Embedding of column_name: {categorical_column.name}"
        )
    return EmbeddingColumn(
        categorical_column,
        dimension,
        combiner,
        initializer or TruncatedNormal(0.0, 1 / math.sqrt(dimension)),
        ckpt_to_load_from,
        tensor_name_in_ckpt,
        max_norm,
        trainable,
        use_safe_embedding_lookup,
    )


def _check_embedding(dimension: Any, ckpt_to_load_from: Any, tensor_name_in_ckpt: Any) -> None:
    if dimension is None or dimension < 1:
        raise ValueError(f"Invalid dimension {dimension}.")
    if (ckpt_to_load_from is None) != (tensor_name_in_ckpt is None):
        raise ValueError("Must specify both `ckpt_to_load_from` and `tensor_name_in_ckpt` or none of them.")


def _sharing(in_scope: bool, documentation: str) -> Callable[..., list[SharedEmbeddingColumn]]:
    def shared(
        categorical_columns: list[CategoricalColumn],
        dimension: int,
        combiner: str = "mean",
        initializer: Any = None,
        shared_embedding_collection_name: str | None = None,
        ckpt_to_load_from: str | None = None,
        tensor_name_in_ckpt: str | None = None,
        max_norm: float | None = None,
        trainable: bool = True,
        use_safe_embedding_lookup: bool = True,
    ) -> list[SharedEmbeddingColumn]:
        if context.executing_eagerly():
            raise RuntimeError("shared_embedding_columns are not supported when eager execution is enabled.")
        _check_embedding(dimension, ckpt_to_load_from, tensor_name_in_ckpt)
        if initializer is not None and not callable(initializer):
            raise ValueError("initializer must be callable if specified.")
        ordered = sorted(categorical_columns, key=lambda column: column.name)
        same_kind(list(ordered), _below)
        name = shared_embedding_collection_name or "_".join(column.name for column in ordered) + "_shared_embedding"
        table = SharedEmbeddings(
            dimension,
            initializer or TruncatedNormal(0.0, 1 / math.sqrt(dimension)),
            ckpt_to_load_from,
            tensor_name_in_ckpt,
            ordered[0].num_buckets,
            trainable,
            name,
            in_scope,
        )
        return [
            SharedEmbeddingColumn(column, table, combiner, max_norm, use_safe_embedding_lookup)
            for column in categorical_columns
        ]

    shared.__doc__ = documentation
    return shared


_SHARED = """Returns columns of vectors that are learned, for columns of the same categories, from one table.

    Args:
      categorical_columns: the columns; all of the same kind and number of categories.
      dimension: the length of the vectors.
      combiner: what becomes of several categories in a row: ``"mean"``, ``"sqrtn"`` or ``"sum"``.
      initializer: what the vectors are at first: by default normal numbers, cut off at two deviations, with a deviation
        of ``1 / sqrt(dimension)``.
      shared_embedding_collection_name: the name of the table; by default made of the names of the columns.
      ckpt_to_load_from: a checkpoint to start with.
      tensor_name_in_ckpt: the name of the vectors in it.
      max_norm: the greatest norm of a vector; longer ones are scaled down.
      trainable: whether optimizers change them.
      use_safe_embedding_lookup: whether rows without categories, and categories below 0, are taken care of.

    Returns:
      Dense columns, in the order of the others.

    Raises:
      ValueError: the columns differ, the dimension is less than 1, only one of the checkpoint and the name is given, or
        the initializer is no function.
      RuntimeError: it is called eagerly.
    """

shared_embeddings = _sharing(False, _SHARED)
shared_embeddings.__name__ = shared_embeddings.__qualname__ = "shared_embeddings"
shared_embedding_columns = _sharing(True, _SHARED)
shared_embedding_columns.__name__ = shared_embedding_columns.__qualname__ = "shared_embedding_columns"


def _below(column: Any) -> Any:
    """Returns what a column is made of, below weights and sequences."""
    while isinstance(column, WeightedCategoricalColumn | SequenceCategoricalColumn):
        column = column.categorical_column
    return column
