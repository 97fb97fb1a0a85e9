"""What a column is, the features of one batch, and what columns remember between batches."""

from __future__ import annotations

import abc
import collections
from collections.abc import Iterable, Mapping
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.selection import where
from tideflow._src.ops.array.shape import expand_dims
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.sparse.conversion import sparse_reshape
from tideflow._src.runtime.sparse_tensor import SparseTensor, convert_to_tensor_or_sparse_tensor


class FeatureColumn(abc.ABC):
    """Describes a column of features: see https://www.tensorflow.org/api_docs/python/tf/feature_column."""

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """The name, by which columns are sorted and their variables are called."""

    @property
    @abc.abstractmethod
    def parse_example_spec(self) -> dict[str, Any]:
        """What `tf.io.parse_example` needs to read the features that the column is made of, by their names."""

    @property
    @abc.abstractmethod
    def parents(self) -> list[Any]:
        """The columns, or names of features, that the column is made of."""

    @abc.abstractmethod
    def transform_feature(self, transformation_cache: FeatureTransformationCache, state_manager: Any) -> Any:
        """Makes the column's tensor.

        Args:
          transformation_cache: the features, and tensors of other columns.
          state_manager: where the column's variables and tables are.
        """

    def create_state(self, state_manager: Any) -> None:
        """Makes the variables of the column; most have none."""
        del state_manager

    def __lt__(self, other: Any) -> bool:
        return str(self) < str(other)


class ColumnOfFeature(FeatureColumn):
    """Is a column that is made of one feature, and called like it."""

    #: The name of the feature.
    key: str

    @property
    def name(self) -> str:
        return self.key

    @property
    def parents(self) -> list[Any]:
        return [self.key]


class DenseColumn(FeatureColumn):
    """Is a column of vectors of one length."""

    @property
    @abc.abstractmethod
    def variable_shape(self) -> TensorShape:
        """The shape of the tensor but for the batch."""

    @abc.abstractmethod
    def get_dense_tensor(self, transformation_cache: FeatureTransformationCache, state_manager: Any) -> Any:
        """Returns the tensor, of shape ``[batch, *variable_shape]``."""


class CategoricalColumn(FeatureColumn):
    """Is a column of categories, any number in each row."""

    #: The categories as a sparse tensor of int64, and weights or None.
    IdWeightPair = collections.namedtuple("IdWeightPair", ("id_tensor", "weight_tensor"))

    @property
    @abc.abstractmethod
    def num_buckets(self) -> int:
        """How many categories there are."""

    def get_sparse_tensors(self, transformation_cache: FeatureTransformationCache, state_manager: Any) -> Any:
        """Returns an `IdWeightPair`."""
        return CategoricalColumn.IdWeightPair(transformation_cache.get(self, state_manager), None)


class SequenceDenseColumn(FeatureColumn):
    """Is a column of sequences of vectors."""

    #: The sequences, ``[batch, steps, ...]``, and how many steps each has.
    TensorSequenceLengthPair = collections.namedtuple("TensorSequenceLengthPair", ("dense_tensor", "sequence_length"))

    @abc.abstractmethod
    def get_sequence_dense_tensor(self, transformation_cache: FeatureTransformationCache, state_manager: Any) -> Any:
        """Returns a `TensorSequenceLengthPair`."""


class FeatureTransformationCache:
    """Holds the features of a batch, and the tensors that columns have made of them, each made once.

    Args:
      features: tensors, sparse tensors or what makes tensors, by name. Vectors become matrices of one column.
    """

    def __init__(self, features: Mapping[Any, Any]) -> None:
        self._features = dict(features)
        self._feature_tensors: dict[Any, Any] = {}

    def get(self, key: Any, state_manager: Any, training: Any = None) -> Any:
        """Returns the tensor of a feature or a column.

        Args:
          key: a name, or a column.
          state_manager: where columns have their variables and tables.
          training: handed to columns that ask for it.

        Raises:
          ValueError: there is no feature of that name, it is a scalar, or a column makes nothing.
          TypeError: the key is neither.
        """
        found = self._feature_tensors.get(key)
        if found is not None:
            return found
        if key in self._features:
            made = _at_least_a_matrix(key, convert_to_tensor_or_sparse_tensor(self._features[key]))
        elif isinstance(key, str):
            raise ValueError(f"Feature {key} is not in features dictionary.")
        elif not isinstance(key, FeatureColumn):
            raise TypeError(f'"key" must be either a "str" or "FeatureColumn". Provided: {key}')
        else:
            made = key.transform_feature(self, state_manager)
            if made is None:
                raise ValueError(f"Column {key.name} is not supported.")
        self._feature_tensors[key] = made
        return made


def _at_least_a_matrix(key: Any, tensor: Any) -> Any:
    rank = tensor.shape.rank
    if rank == 0:
        raise ValueError(f"Feature (key: {key}) cannot have rank 0. Given: {tensor}")
    if rank == 1:
        if isinstance(tensor, SparseTensor):
            return sparse_reshape(tensor, raw.ConcatV2([tensor.dense_shape, [1]], 0))
        return expand_dims(tensor, -1)
    if rank is None and not isinstance(tensor, SparseTensor):
        # Matrices and beyond stay; of vectors every number is a row.
        size = raw.Shape(tensor)
        more = where(raw.Equal(raw.Rank(tensor), 1), [1], raw.ZerosLike([1]))
        return raw.Reshape(tensor, raw.ConcatV2([size, raw.Fill(more, 1)], 0))
    return tensor


class StateManager:
    """Keeps the variables and tables of columns."""

    def __init__(self) -> None:
        self._variables: dict[tuple[Any, str], Any] = {}
        self._resources: dict[tuple[Any, str], Any] = {}

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
        """Makes a variable of a column.

        Raises:
          ValueError: the column has one of that name.
        """
        if (feature_column, name) in self._variables:
            raise ValueError("Variable already exists.")
        made = self._made(name, shape, dtype or dtypes.float32, trainable, use_resource, initializer)
        self._variables[feature_column, name] = made
        return made

    def _made(self, name: str, shape: Any, dtype: Any, trainable: bool, use_resource: bool, initializer: Any) -> Any:
        raise NotImplementedError("StateManager.create_variable")

    def get_variable(self, feature_column: Any, name: str) -> Any:
        """Returns a variable of a column.

        Raises:
          ValueError: there is none of that name.
        """
        found = self._variables.get((feature_column, name))
        if found is None:
            raise ValueError("Variable does not exist.")
        return found

    def variables_of(self, feature_column: Any) -> list[Any]:
        """Returns all variables of a column."""
        return [variable for (column, _), variable in self._variables.items() if column == feature_column]

    def add_resource(self, feature_column: Any, name: str, resource: Any) -> None:
        """Keeps a table of a column."""
        self._resources[feature_column, name] = resource

    def has_resource(self, feature_column: Any, name: str) -> bool:
        """Tells whether a column has a table of that name."""
        return (feature_column, name) in self._resources

    def get_resource(self, feature_column: Any, name: str) -> Any:
        """Returns a table of a column.

        Raises:
          ValueError: there is none of that name.
        """
        if (feature_column, name) not in self._resources:
            raise ValueError("Resource does not exist.")
        return self._resources[feature_column, name]


def table_of(column: Any, name: str, make: Any, state_manager: Any) -> Any:
    """Returns a table of a column, made at the first call for a state manager, and at every call without one."""
    if state_manager is None:
        return make()
    if not state_manager.has_resource(column, name):
        state_manager.add_resource(column, name, make())
    return state_manager.get_resource(column, name)


def to_sparse(tensor: Any, ignore_value: Any = None) -> SparseTensor:
    """Returns a tensor as a sparse one, without the values that stand for none.

    Args:
      tensor: a tensor, or a sparse one, which is returned as it is.
      ignore_value: what stands for none: by default the empty string, -1 of integers, 0 of other numbers.
    """
    tensor = convert_to_tensor_or_sparse_tensor(tensor)
    if isinstance(tensor, SparseTensor):
        return tensor
    if ignore_value is None:
        is_text, is_integer = tensor.dtype == dtypes.string, tensor.dtype.is_integer
        ignore_value = "" if is_text else -1 if is_integer else 0
    ignored = ignore_value if tensor.dtype == dtypes.string else cast(ignore_value, tensor.dtype)
    indices = where(raw.NotEqual(tensor, ignored))
    return SparseTensor(indices, raw.GatherNd(tensor, indices), raw.Shape(tensor, out_type=dtypes.int64))


def checked_columns(feature_columns: Any) -> list[Any]:
    """Returns columns as a list, sorted by name.

    Raises:
      ValueError: there are none, something is no column, or two have the same name.
    """
    if isinstance(feature_columns, FeatureColumn):
        feature_columns = [feature_columns]
    if isinstance(feature_columns, dict):
        raise ValueError("Expected feature_columns to be iterable, found dict.")
    columns = list(feature_columns)
    if not columns:
        raise ValueError("feature_columns must not be empty.")
    names: dict[str, Any] = {}
    for column in columns:
        if not isinstance(column, FeatureColumn):
            raise ValueError(
                f"Items of feature_columns must be a FeatureColumn. Given (type {type(column)}): {column}."
            )
        if column.name in names:
            raise ValueError(
                f"Duplicate feature column name found for columns: {column} and {names[column.name]}. This usually "
                "means that these columns refer to same base feature. Either one must be discarded or a duplicated but "
                "renamed item must be inserted in features dict."
            )
        names[column.name] = column
    return sorted(columns, key=lambda column: str(column.name))


def make_parse_example_spec(feature_columns: Iterable[Any]) -> dict[str, Any]:
    """Returns what `tf.io.parse_example` needs to read all features that columns are made of.

    Args:
      feature_columns: the columns.

    Returns:
      A dictionary from names of features to descriptions such as `tf.io.FixedLenFeature`.

    Raises:
      ValueError: something is no column, or two columns read a feature differently.

    >>> import tideflow as tf
    >>> tf.feature_column.make_parse_example_spec([tf.feature_column.numeric_column("age")])
    {'age': FixedLenFeature(shape=(1,), dtype=tf.float32, default_value=None)}
    """
    result: dict[str, Any] = {}
    for column in feature_columns:
        if not isinstance(column, FeatureColumn):
            raise ValueError(f"All feature_columns must be FeatureColumn instances. Given: {column}")
        for key, value in column.parse_example_spec.items():
            if key in result and value != result[key]:
                raise ValueError(
                    f"feature_columns contain different parse_spec for key {key}. Given {value} and {result[key]}"
                )
            result[key] = value
    return result


def check_key(key: Any) -> None:
    """Checks that a name of a feature is a string.

    Raises:
      ValueError: it is not.
    """
    if not isinstance(key, str):
        raise ValueError(f"key must be a string. Got: type {type(key)}. Given key: {key}.")


def check_string_or_integer(dtype: Any, prefix: str) -> None:
    """Checks that a dtype is one that categories can have.

    Raises:
      ValueError: it is not.
    """
    if dtype != dtypes.string and not dtype.is_integer:
        raise ValueError(f"{prefix} dtype must be string or integer. dtype: {dtype}.")
