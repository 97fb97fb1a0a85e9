"""Datasets of parsed ``Example`` messages: ``parse_example_dataset`` and ``make_batched_features_dataset``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.data.csv_datasets import in_epochs, read_in_turn
from tideflow._src.data.dataset import Dataset
from tideflow._src.data.file_sources import TFRecordDataset
from tideflow._src.data.v1 import of_version_1
from tideflow._src.ops.parsing.parse_functions import parse_example


def parse_example_dataset(
    features: Mapping[str, Any] | None, num_parallel_calls: Any = 1, deterministic: bool | None = None
) -> Callable[[Any], Any]:
    """Returns a transformation that parses batches of serialized ``Example`` messages, as ``tf.io.parse_example`` does.

    Args:
      features: what describes each feature, by name.
      num_parallel_calls: how many batches are parsed at once.
      deterministic: whether they keep their order even so.

    Raises:
      ValueError: there are no features.
      TypeError: elements are no vectors of strings.

    >>> import tideflow as tf
    >>> feature = tf.train.Feature(int64_list=tf.train.Int64List(value=[3]))
    >>> example = tf.train.Example(features=tf.train.Features(feature={"x": feature})).SerializeToString()
    >>> batches = tf.data.Dataset.from_tensors([example, example])
    >>> parse = tf.data.experimental.parse_example_dataset({"x": tf.io.FixedLenFeature([], tf.int64)})
    >>> [batch["x"].numpy().tolist() for batch in batches.apply(parse)]
    [[3, 3]]
    """
    if features is None:
        raise ValueError("Argument `features` is required, but not specified.")

    def transformed(dataset: Any) -> Any:
        if not TensorSpec([None], dtypes.string).is_compatible_with(dataset.element_spec):
            raise TypeError(
                f"Input dataset should be a dataset of vectors of strings. Instead it is `{dataset.element_spec}`."
            )
        return dataset.map(
            lambda serialized: parse_example(serialized, features), num_parallel_calls, deterministic=deterministic
        )

    return transformed


def make_batched_features_dataset(
    file_pattern: Any,
    batch_size: Any,
    features: Mapping[str, Any],
    reader: Callable[..., Any] | None = None,
    label_key: str | None = None,
    reader_args: Sequence[Any] | None = None,
    num_epochs: int | None = None,
    shuffle: bool = True,
    shuffle_buffer_size: Any = 10000,
    shuffle_seed: Any = None,
    prefetch_buffer_size: Any = None,
    reader_num_threads: Any = None,
    parser_num_threads: Any = None,
    sloppy_ordering: bool = False,
    drop_final_batch: bool = False,
) -> Any:
    """Returns a dataset of batches of the ``Example`` messages in files, parsed: dictionaries of features by name.

    Args:
      file_pattern: a pattern of names of files, or a list of these.
      batch_size: how many messages a batch has.
      features: what describes each feature, by name.
      reader: makes a dataset of messages, or of pairs of a key and a message, of a name; ``tf.data.TFRecordDataset`` by
        default.
      label_key: the feature that is none: elements are then pairs of a dictionary and this one.
      reader_args: what the reader is given besides.
      num_epochs: how often the files are gone over; for ever by default.
      shuffle, shuffle_buffer_size, shuffle_seed: whether messages come in random order, and how that is drawn.
      prefetch_buffer_size: how many batches are made ahead.
      reader_num_threads: how many files are read at once; 1 by default.
      parser_num_threads: how many batches are parsed at once; 2 by default.
      sloppy_ordering: whether messages need not keep their order even without ``shuffle``.
      drop_final_batch: whether a smaller batch at the end is left out.

    Raises:
      ValueError: ``label_key`` is no feature.
      TypeError: the reader is a queue's of TensorFlow 1.x.
    """
    if isinstance(reader, type) and hasattr(reader, "read_up_to"):
        raise TypeError(
            "The `reader` argument must return a `Dataset` object. `tf.ReaderBase` subclasses are not supported. For "
            "example, pass `tf.data.TFRecordDataset` instead of `tf.TFRecordReader`."
        )
    if label_key and label_key not in features:
        raise ValueError(
            f"The `label_key` provided ({label_key}) must be one of the `features` keys: {list(features)}."
        )
    read = TFRecordDataset if reader is None else reader
    more = list(reader_args or ())
    dataset = Dataset.list_files(file_pattern, shuffle=shuffle, seed=shuffle_seed)
    calls = 1 if reader_num_threads is None else reader_num_threads
    dataset = read_in_turn(dataset, lambda path: read(path, *more), calls, sloppy_ordering)
    spec = dataset.element_spec
    if isinstance(spec, tuple) and len(spec) == 2 and all(part.dtype is dtypes.string for part in spec):
        dataset = dataset.map(lambda _, message: message)
    dataset = in_epochs(dataset, num_epochs, shuffle, shuffle_buffer_size, shuffle_seed)
    # Without an end, every batch is full.
    dataset = dataset.batch(batch_size, drop_remainder=drop_final_batch or num_epochs is None)
    threads = 2 if parser_num_threads is None else parser_num_threads
    dataset = dataset.apply(parse_example_dataset(features, threads))
    if label_key:
        dataset = dataset.map(lambda found: (found, found.pop(label_key)))
    return dataset.prefetch(-1 if prefetch_buffer_size is None else prefetch_buffer_size)


make_batched_features_dataset_v1 = of_version_1(make_batched_features_dataset)
