"""Lookup tables that are filled from datasets."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.io.lookup_initializers import TableInitializerBase, keep
from tideflow._src.io.lookup_tables import StaticHashTableV1, StaticVocabularyTableV1
from tideflow._src.ops.array.raw import raw


class DatasetInitializer(TableInitializerBase):
    """Fills a table from a dataset of pairs of a key and a value.

    >>> import tideflow as tf
    >>> words = tf.data.Dataset.from_tensor_slices(["one", "two"])
    >>> filling = tf.data.experimental.DatasetInitializer(tf.data.Dataset.zip((words, tf.data.Dataset.range(1, 3))))
    >>> tf.lookup.StaticHashTable(filling, -1).lookup(tf.constant(["two", "ten"])).numpy().tolist()
    [2, -1]

    Args:
      dataset: the dataset, of pairs of scalars.

    Raises:
      ValueError: its elements are something else.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        key, value = _pair_of(dataset.element_spec)
        super().__init__(key.dtype, value.dtype)

    def initialize(self, table: Any) -> Any:
        """Returns the operation that fills ``table``; None when called eagerly, where it is filled at once."""
        self._check(table)
        return keep(raw.InitializeTableFromDataset(table.resource_handle, self.dataset._variant_tensor))


def _pair_of(specs: Any) -> tuple[Any, Any]:
    """Returns the specs of keys and values.

    Raises:
      ValueError: they are not those of scalar tensors.
    """
    problem = (
        "Datasets used to initialize lookup tables must produce elements in the form (key, value), where the keys and "
        "values are scalar tensors. "
    )
    if not isinstance(specs, tuple) or len(specs) != 2:
        raise ValueError(f"{problem}However, the given dataset produces elements of {specs}.")
    for name, spec in zip(("keys", "values"), specs, strict=True):
        if not isinstance(spec, TensorSpec):
            raise ValueError(f"{problem}However, the given dataset produces non-Tensor {name} of {spec}.")
        if spec.shape.rank not in (None, 0):
            raise ValueError(f"{problem}However, the given dataset produces non-scalar {name} of {spec}.")
    key, value = specs
    return key, value


def table_from_dataset(
    dataset: Any = None,
    num_oov_buckets: int = 0,
    vocab_size: Any = None,
    default_value: Any = None,
    hasher_spec: Any = None,
    key_dtype: Any = dtypes.string,
    name: str | None = None,
) -> Any:
    """Returns a lookup table of the pairs of a key and a value that a dataset gives.

    Args:
      dataset: the dataset.
      num_oov_buckets: how many further numbers there are for other keys, which get one by their hash.
      vocab_size: how many pairs are taken, which there must be; all by default.
      default_value: the value of other keys where there are no further numbers; -1 by default.
      hasher_spec: not used: keys are hashed fast.
      key_dtype: the dtype of the keys that are looked up.
      name: not used.

    Raises:
      ValueError: elements are no pairs of scalars, a number is negative or 0, or values need a default.
      TypeError: keys are neither strings nor integers.
    """
    _, value = _pair_of(dataset.element_spec)
    if default_value is None:
        default_value = -1
        if not (value.dtype.is_integer or value.dtype.is_floating):
            raise ValueError(
                "`default_value` must be specified when creating a table from a dataset that produces values of type "
                f"{value.dtype!r}."
            )
    if num_oov_buckets < 0:
        raise ValueError(f"`num_oov_buckets` must be greater than or equal to 0, got {num_oov_buckets}.")
    if vocab_size is not None and not isinstance(vocab_size, Tensor) and vocab_size < 1:
        raise ValueError(f"`vocab_size` must be greater than 0, got {vocab_size}.")
    key_dtype = dtypes.as_dtype(key_dtype)
    if not key_dtype.is_integer and key_dtype is not dtypes.string:
        raise TypeError(f"`key_dtype` must be either an integer or string type, but got {key_dtype!r}")
    if vocab_size is not None:
        if isinstance(vocab_size, Tensor):
            vocab_size = raw.Cast(vocab_size, DstT=dtypes.int64)
        dataset = dataset.take(vocab_size)
        dataset = dataset._through("_AssertCardinalityDataset", "AssertCardinalityDataset", vocab_size)
    content = DatasetInitializer(dataset)
    if num_oov_buckets:
        return StaticVocabularyTableV1(content, num_oov_buckets, lookup_key_dtype=key_dtype)
    return StaticHashTableV1(content, default_value)


def index_table_from_dataset(
    dataset: Any = None,
    num_oov_buckets: int = 0,
    vocab_size: Any = None,
    default_value: Any = -1,
    hasher_spec: Any = None,
    key_dtype: Any = dtypes.string,
    name: str | None = None,
) -> Any:
    """Returns a lookup table of the places of the keys that a dataset gives.

    Args:
      dataset: the dataset of keys.
      num_oov_buckets, vocab_size, default_value, hasher_spec, key_dtype, name: as of ``table_from_dataset``.

    >>> import tideflow as tf
    >>> words = tf.data.Dataset.from_tensor_slices(["one", "two"])
    >>> table = tf.data.experimental.index_table_from_dataset(words)
    >>> table.lookup(tf.constant(["two", "ten"])).numpy().tolist()
    [1, -1]
    """
    pairs = dataset.enumerate().map(lambda place, key: (key, place))
    return table_from_dataset(pairs, num_oov_buckets, vocab_size, default_value, hasher_spec, key_dtype, name)
