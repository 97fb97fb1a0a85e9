"""Transformations of ``tf.data.experimental``: functions of a dataset, for ``Dataset.apply``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.data import structure
from tideflow._src.data.dataset import Dataset, VariantDataset
from tideflow._src.data.function_transformations import state_function
from tideflow._src.data.functions import StructuredFunction
from tideflow._src.data.grouping import keys_of
from tideflow._src.ops.array.raw import raw

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
    return lambda dataset: dataset.shuffle(buffer_size, seed).repeat(count)


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
    return lambda dataset: dataset.map(map_func, calls).batch(batch_size, drop_remainder)


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
    return lambda dataset: dataset.interleave(map_func, cycle_length, block_length, cycle_length, order)


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
    return Dataset.random(seed, rerandomize_each_iteration)


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
