"""Transformations of ``tf.data.experimental``: functions of a dataset, for ``Dataset.apply``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.device import DeviceSpecV2
from tideflow._src.core.errors import NotFoundError
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.data import structure
from tideflow._src.data.dataset import Dataset, NumpyIterator, VariantDataset
from tideflow._src.data.function_transformations import state_function
from tideflow._src.data.functions import StructuredFunction
from tideflow._src.data.grouping import keys_of
from tideflow._src.data.iterators import OwnedIterator
from tideflow._src.data.transformations import integer
from tideflow._src.ops.array.raw import raw
from tideflow._src.runtime.convert import convert_to_tensor

Transformation = Callable[[Any], Any]


def _method(name: str, *arguments: Any, **named: Any) -> Transformation:
    return lambda dataset: getattr(dataset, name)(*arguments, **named)


def cardinality(dataset: Any) -> Any:
    """Returns the number of elements of a dataset, as ``Dataset.cardinality`` does.

    >>> import tideflow as tf
    >>> int(tf.data.experimental.cardinality(tf.data.Dataset.range(3)))
    3
    """
    return dataset.cardinality()


def get_single_element(dataset: Any) -> Any:
    """Returns the element of a dataset that has one.

    >>> import tideflow as tf
    >>> int(tf.data.experimental.get_single_element(tf.data.Dataset.range(1)))
    0
    """
    return dataset.get_single_element()


def get_structure(dataset_or_iterator: Any) -> Any:
    """Returns the specs of the elements of a dataset or of an iterator.

    Raises:
      TypeError: it is neither.

    >>> import tideflow as tf
    >>> tf.data.experimental.get_structure(tf.data.Dataset.range(1))
    TensorSpec(shape=(), dtype=tf.int64, name=None)
    """
    try:
        return dataset_or_iterator.element_spec
    except AttributeError:
        raise TypeError(
            "Invalid `dataset_or_iterator`. `dataset_or_iterator` must be a `tf.data.Dataset` or tf.data.Iterator "
            f"object, but got {type(dataset_or_iterator)}."
        ) from None


def to_variant(dataset: Any) -> Any:
    """Returns the tensor that a dataset is.

    >>> import tideflow as tf
    >>> tf.data.experimental.to_variant(tf.data.Dataset.range(1)).dtype
    tf.variant
    """
    return dataset._variant_tensor


def from_variant(variant: Any, structure: Any) -> Any:
    """Returns the dataset that a tensor is.

    Args:
      variant: the tensor.
      structure: the specs of an element, in its structure.

    >>> import tideflow as tf
    >>> numbers = tf.data.Dataset.range(2)
    >>> variant = tf.data.experimental.to_variant(numbers)
    >>> [int(x) for x in tf.data.experimental.from_variant(variant, numbers.element_spec)]
    [0, 1]
    """
    return VariantDataset(variant, structure)


def shuffle_and_repeat(buffer_size: Any, count: Any = None, seed: Any = None) -> Transformation:
    """Returns a transformation that repeats a dataset, each time in random order.

    >>> import tideflow as tf
    >>> twice = tf.data.Dataset.range(3).apply(tf.data.experimental.shuffle_and_repeat(3, 2))
    >>> sorted(int(x) for x in twice)
    [0, 0, 1, 1, 2, 2]
    """
    return lambda dataset: dataset.shuffle(buffer_size, seed).repeat(count)._shown_as("_ShuffleAndRepeatDataset")


def map_and_batch(
    map_func: Callable[..., Any],
    batch_size: Any,
    num_parallel_batches: int | None = None,
    drop_remainder: Any = False,
    num_parallel_calls: Any = None,
) -> Transformation:
    """Returns a transformation that calls a function on elements, and batches what it returns.

    Raises:
      ValueError: both kinds of parallelism are asked for.

    >>> import tideflow as tf
    >>> batches = tf.data.Dataset.range(3).apply(tf.data.experimental.map_and_batch(lambda x: x * x, 2))
    >>> [batch.numpy().tolist() for batch in batches]
    [[0, 1], [4]]
    """
    if num_parallel_batches is not None and num_parallel_calls is not None:
        raise ValueError("Only one of `num_parallel_batches` and `num_parallel_calls` can be set.")
    calls = num_parallel_calls
    if num_parallel_batches is not None:
        calls = batch_size * num_parallel_batches
    return lambda dataset: (
        dataset.map(map_func, calls).batch(batch_size, drop_remainder)._shown_as("_MapAndBatchDataset")
    )


def parallel_interleave(
    map_func: Callable[..., Any],
    cycle_length: Any,
    block_length: Any = 1,
    sloppy: bool | None = False,
    buffer_output_elements: Any = None,
    prefetch_input_elements: Any = None,
) -> Transformation:
    """Returns a transformation that reads the datasets that a function makes, several at once, in turn.

    >>> import tideflow as tf
    >>> numbers = tf.data.Dataset.range(2).apply(
    ...     tf.data.experimental.parallel_interleave(lambda x: tf.data.Dataset.from_tensors(x).repeat(2), 2))
    >>> [int(x) for x in numbers]
    [0, 1, 0, 1]
    """
    order = None if sloppy is None else not sloppy
    return lambda dataset: dataset.interleave(map_func, cycle_length, block_length, cycle_length, order)._shown_as(
        "ParallelInterleaveDataset"
    )


def unbatch() -> Transformation:
    """Returns a transformation that takes batches apart."""
    return _method("unbatch")


def enumerate_dataset(start: Any = 0) -> Transformation:
    """Returns a transformation that numbers elements."""
    return _method("enumerate", start)


def ignore_errors(log_warning: bool = False) -> Transformation:
    """Returns a transformation that leaves out the elements that fail."""
    return _method("ignore_errors", log_warning)


def scan(initial_state: Any, scan_func: Callable[..., Any]) -> Transformation:
    """Returns a transformation that calls a function on a state and each element."""
    return _method("scan", initial_state, scan_func)


def take_while(predicate: Callable[..., Any]) -> Transformation:
    """Returns a transformation that keeps the elements before the first that a function says no to."""
    return _method("take_while", predicate)


def unique() -> Transformation:
    """Returns a transformation that keeps the elements that differ from all before them."""
    return _method("unique")


def group_by_window(
    key_func: Callable[..., Any],
    reduce_func: Callable[..., Any],
    window_size: Any = None,
    window_size_func: Callable[..., Any] | None = None,
) -> Transformation:
    """Returns a transformation that makes datasets of windows of elements with one key."""
    return _method("group_by_window", key_func, reduce_func, window_size, window_size_func)


def bucket_by_sequence_length(
    element_length_func: Callable[..., Any],
    bucket_boundaries: Any,
    bucket_batch_sizes: Any,
    padded_shapes: Any = None,
    padding_values: Any = None,
    pad_to_bucket_boundary: bool = False,
    no_padding: bool = False,
    drop_remainder: bool = False,
) -> Transformation:
    """Returns a transformation that batches elements of similar lengths; arguments are those of the method."""
    return _method(
        "bucket_by_sequence_length", element_length_func, bucket_boundaries, bucket_batch_sizes, padded_shapes,
        padding_values, pad_to_bucket_boundary, no_padding, drop_remainder,
    )  # fmt: skip


def Counter(start: Any = 0, step: Any = 1, dtype: Any = dtypes.int64) -> Any:
    """Returns a dataset of numbers without end, as ``Dataset.counter`` does."""
    return Dataset.counter(start, step, dtype)


def RandomDataset(seed: Any = None, rerandomize_each_iteration: bool | None = None, name: str | None = None) -> Any:
    """Returns a dataset of random numbers without end, as ``Dataset.random`` does."""
    return Dataset.random(seed, rerandomize_each_iteration)._shown_as("RandomDatasetV2")


def sample_from_datasets(
    datasets: Any, weights: Any = None, seed: Any = None, stop_on_empty_dataset: bool = False
) -> Any:
    """Returns a dataset of the elements of others drawn at random, as ``Dataset.sample_from_datasets`` does."""
    return Dataset.sample_from_datasets(datasets, weights, seed, stop_on_empty_dataset)


def choose_from_datasets(datasets: Any, choice_dataset: Any, stop_on_empty_dataset: bool = False) -> Any:
    """Returns a dataset of the elements of others that a dataset numbers, as ``Dataset.choose_from_datasets`` does."""
    return Dataset.choose_from_datasets(datasets, choice_dataset, stop_on_empty_dataset)


class Reducer:
    """Holds the functions of a reduction.

    Args:
      init_func: takes a key and returns the first state.
      reduce_func: takes a state and an element and returns the next state.
      finalize_func: takes the last state and returns the result.
    """

    def __init__(
        self, init_func: Callable[..., Any], reduce_func: Callable[..., Any], finalize_func: Callable[..., Any]
    ) -> None:
        self.init_func = init_func
        self.reduce_func = reduce_func
        self.finalize_func = finalize_func


def group_by_reducer(key_func: Callable[..., Any], reducer: Reducer) -> Transformation:
    """Returns a transformation that reduces all elements with one key to one, key by key.

    >>> import tideflow as tf
    >>> zero = tf.constant(0, tf.int64)
    >>> sums = tf.data.experimental.Reducer(lambda key: zero, lambda total, x: total + x, lambda total: total)
    >>> parities = tf.data.Dataset.range(5).apply(tf.data.experimental.group_by_reducer(lambda x: x % 2, sums))
    >>> [int(total) for total in parities]
    [6, 4]
    """

    def transformed(dataset: Any) -> Any:
        kind = "tf.data.experimental.group_by_reducer()"
        key = keys_of(key_func, dataset.element_spec, kind)
        begin = StructuredFunction(reducer.init_func, kind, TensorSpec([], dtypes.int64))
        add, specs = state_function(
            reducer.reduce_func, begin.output_structure, dataset.element_spec, "reducer.reduce_func", kind
        )
        end = StructuredFunction(reducer.finalize_func, kind, specs)
        variant = raw.GroupByReducerDataset(
            dataset._variant_tensor, key.captured, begin.captured, add.captured, end.captured, key_func=key.graph,
            init_func=begin.graph, reduce_func=add.graph, finalize_func=end.graph,
            **structure.kinds(end.output_structure),
        )  # fmt: skip
        return dataset._made(variant, end.output_structure, "_GroupByReducerDataset")

    return transformed


def rejection_resample(
    class_func: Callable[..., Any], target_dist: Any, initial_dist: Any = None, seed: Any = None
) -> Transformation:
    """Returns a transformation that distributes classes as wanted; arguments are those of the method."""
    return _method("rejection_resample", class_func, target_dist, initial_dist, seed)


def dense_to_ragged_batch(
    batch_size: Any, drop_remainder: Any = False, row_splits_dtype: Any = dtypes.int64
) -> Transformation:
    """Returns a transformation that makes batches of ragged tensors; arguments are those of ``ragged_batch``."""
    return _method("ragged_batch", batch_size, drop_remainder, row_splits_dtype)


def dense_to_sparse_batch(batch_size: Any, row_shape: Any) -> Transformation:
    """Returns a transformation that makes batches that are sparse tensors; arguments are those of ``sparse_batch``."""
    return _method("sparse_batch", batch_size, row_shape)


def snapshot(
    path: Any,
    compression: str | None = "AUTO",
    reader_func: Callable[..., Any] | None = None,
    shard_func: Callable[..., Any] | None = None,
) -> Transformation:
    """Returns a transformation that keeps elements in files; arguments are those of the method."""
    return _method("snapshot", path, compression, reader_func, shard_func)


def save(
    dataset: Any,
    path: Any,
    compression: str | None = None,
    shard_func: Callable[..., Any] | None = None,
    checkpoint_args: dict[str, Any] | None = None,
) -> Any:
    """Writes the elements of a dataset to files, as ``Dataset.save`` does."""
    return dataset.save(path, compression, shard_func, checkpoint_args)


def load(
    path: Any,
    element_spec: Any = None,
    compression: str | None = None,
    reader_func: Callable[..., Any] | None = None,
) -> Any:
    """Returns a dataset of the elements that were saved, as ``Dataset.load`` does."""
    return Dataset.load(path, element_spec, compression, reader_func)


def assert_cardinality(expected_cardinality: Any) -> Transformation:
    """Returns a transformation that says how many elements a dataset has, which is checked while iterating.

    Raises:
      FailedPreconditionError: while iterating, there are more or fewer.

    >>> import tideflow as tf
    >>> some = tf.data.Dataset.range(9).filter(lambda x: x < 3).apply(tf.data.experimental.assert_cardinality(3))
    >>> len(some)
    3
    """
    return lambda dataset: dataset._through(
        "_AssertCardinalityDataset", "AssertCardinalityDataset", integer(expected_cardinality, "expected_cardinality")
    )


def at(dataset: Any, index: Any) -> Any:
    """Returns an element of a dataset by its number.

    A dataset of arrays or numbers is not gone over to find it; others are, from the beginning.

    Args:
      dataset: the dataset: of values in memory, ranges, and what ``map``, ``batch``, ``take``, ``skip``, ``repeat``,
        ``concatenate``, ``zip``, ``shard``, ``prefetch`` and ``cache`` make of these.
      index: the number.

    Raises:
      OutOfRangeError: there is no such element.
      UnimplementedError: the dataset is of another kind.

    >>> import tideflow as tf
    >>> int(tf.data.experimental.at(tf.data.Dataset.range(9).map(lambda x: x * x), 3))
    9
    """
    specs = dataset.element_spec
    found = raw.GetElementAtIndex(dataset._variant_tensor, integer(index, "index"), **structure.kinds(specs))
    return structure.element_of(specs, found)


def from_list(elements: list[Any], name: str | None = None) -> Any:
    """Returns a dataset of the elements of a list, which may differ in shape.

    Args:
      elements: the elements, of one structure.
      name: a name for the dataset.

    Raises:
      ValueError: there is no element, or it is no list.
      TypeError: elements differ in structure or dtypes.

    >>> import tideflow as tf
    >>> [row.numpy().tolist() for row in tf.data.experimental.from_list([[1], [2, 3]])]
    [[1], [2, 3]]
    """
    if not elements:
        raise ValueError(
            "Invalid `elements`. `elements` should not be empty. If you want an empty dataset, use "
            "`tf.data.Dataset.range(0)`."
        )
    if not isinstance(elements, list):
        raise ValueError("Invalid `elements`. `elements` must be a list.")
    found = [structure.normalized(element) for element in elements]
    specs = structure.spec_of(found[0])
    for element in found[1:]:
        specs = structure.common(specs, structure.spec_of(element))
    tensors = [tensor for element in found for tensor in structure.tensors_of(specs, element)]
    return VariantDataset(raw.ListDataset(tensors, **structure.kinds(specs)), specs, "_ListDataset")


def pad_to_cardinality(cardinality: Any, mask_key: str = "valid") -> Transformation:
    """Returns a transformation that adds elements of zeros up to a number, and says which are real.

    Args:
      cardinality: the number of elements that there are to be.
      mask_key: the key under which each element, a dictionary, says whether it is real.

    Raises:
      ValueError: elements are no dictionaries, or there are more, or their number is not known.

    >>> import tideflow as tf
    >>> padded = tf.data.Dataset.from_tensor_slices({"a": [7]}).apply(tf.data.experimental.pad_to_cardinality(2))
    >>> [(int(element["a"]), bool(element["valid"])) for element in padded]
    [(7, True), (0, False)]
    """

    def transformed(dataset: Any) -> Any:
        count = dataset.cardinality()
        if context.current_graph() is None and not 0 <= int(count) <= int(cardinality):
            raise ValueError(
                "The dataset passed into `pad_to_cardinality` must have a known cardinality of at most "
                f"{int(cardinality)}, but has cardinality {int(count)}"
            )
        specs = dataset.element_spec
        if not isinstance(specs, Mapping):
            raise ValueError("`pad_to_cardinality` requires its input dataset to be a dictionary.")
        filler = structure.mapped(_zeros, specs)
        zeros = structure.normalized({**filler, mask_key: False}, {**specs, mask_key: TensorSpec([], dtypes.bool)})
        padding = Dataset.from_tensors(zeros).repeat(integer(cardinality, "cardinality") - count)
        return dataset.map(lambda element: {**element, mask_key: True}).concatenate(padding)

    return transformed


def _zeros(spec: Any) -> Any:
    value = b"" if spec.dtype is dtypes.string else 0
    return np.full(spec.shape.as_list(), value, spec.dtype.as_numpy_dtype)


def copy_to_device(target_device: str, source_device: str = "/cpu:0") -> Transformation:
    """Returns a transformation for elements that are to be used on a device.

    Elements are in host memory until an operation on the device uses them, which takes them there.

    Args:
      target_device: the name of the device.
      source_device: the name of the device of the dataset.

    Raises:
      ValueError: a name is no name of a device.
    """
    for name in (target_device, source_device):
        DeviceSpecV2.from_string(name)
    return lambda dataset: dataset._made(dataset._variant_tensor, dataset.element_spec, "_CopyToDeviceDataset")


def prefetch_to_device(device: str, buffer_size: Any = None) -> Transformation:
    """Returns a transformation that makes elements ahead that are to be used on a device.

    Args:
      device: the name of the device.
      buffer_size: how many are ahead at most; left open by default.

    Raises:
      ValueError: the name is no name of a device.
    """
    copied = copy_to_device(device)
    return lambda dataset: copied(dataset).prefetch(buffer_size)


def get_next_as_optional(iterator: Any) -> Any:
    """Returns the next element of an iterator as a ``tf.experimental.Optional``, which has no value at the end.

    >>> import tideflow as tf
    >>> bool(tf.data.experimental.get_next_as_optional(iter(tf.data.Dataset.range(0))).has_value())
    False
    """
    return iterator.get_next_as_optional()


def get_model_proto(iterator: Any) -> Any:
    """Is there for TensorFlow's signature: there is no model of a pipeline, for nothing tunes it while it runs.

    Raises:
      ValueError: it is no iterator.
      NotFoundError: it is one.
    """
    if not isinstance(iterator, (OwnedIterator, NumpyIterator)):
        raise ValueError("Only supports `tf.data.Iterator`-typed `iterator`.")
    raise NotFoundError(None, None, "Cannot find this iterator's analytical model: pipelines are not tuned.")


class TFRecordWriter:
    """Writes the elements of datasets, which are strings, to a TFRecord file.

    >>> import tempfile, os
    >>> import tideflow as tf
    >>> path = os.path.join(tempfile.mkdtemp(), "records")
    >>> tf.data.experimental.TFRecordWriter(path).write(tf.data.Dataset.from_tensor_slices(["a", "b"]))
    >>> list(tf.data.TFRecordDataset(path).as_numpy_iterator())
    [b'a', b'b']

    Args:
      filename: the file.
      compression_type: ``""``, ``"ZLIB"`` or ``"GZIP"``.
    """

    def __init__(self, filename: Any, compression_type: Any = None) -> None:
        self._filename = convert_to_tensor(filename, dtypes.string)
        self._compression = convert_to_tensor(compression_type or "", dtypes.string)

    def write(self, dataset: Any) -> Any:
        """Replaces the file by the elements of a dataset.

        Returns:
          In a graph, the operation that writes; else nothing.

        Raises:
          TypeError: it is no dataset, or its elements are no scalar strings.
        """
        if not isinstance(dataset, Dataset):
            raise TypeError(f"Invalid `dataset.` Expected a `tf.data.Dataset` object but got {type(dataset)}.")
        if not TensorSpec([], dtypes.string).is_compatible_with(dataset.element_spec):
            raise TypeError(
                "Invalid `dataset`. Expected a dataset that produces scalar `tf.string` elements, but got one of "
                f"{dataset.element_spec}."
            )
        return raw.DatasetToTFRecord(dataset._variant_tensor, self._filename, self._compression)
