"""What is made of elements one after the other or by groups, and of several datasets by choice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.data import structure
from tideflow._src.data.function_transformations import FunctionTransformations, state_function
from tideflow._src.data.functions import StructuredFunction
from tideflow._src.data.specs import DatasetSpec
from tideflow._src.data.transformations import integer
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.raw import raw
from tideflow._src.runtime.convert import convert_to_tensor

_NUMBER = TensorSpec([], dtypes.int64)


class GroupTransformations(FunctionTransformations):
    """Has the transformations of datasets that carry something from element to element."""

    def scan(self, initial_state: Any, scan_func: Callable[..., Any], name: str | None = None) -> Any:
        """Returns a dataset of what a function makes of a state and each element, besides the next state.

        Args:
          initial_state: the first state: a structure of values.
          scan_func: takes a state and an element, and returns a pair: the next state and an element of the result.
          name: a name for the dataset.

        Raises:
          TypeError: the function returns no pair, or a state of another structure or other dtypes.

        >>> import tideflow as tf
        >>> sums = tf.data.Dataset.range(4).scan(tf.constant(0, tf.int64), lambda total, x: (total + x, total + x))
        >>> [int(total) for total in sums]
        [0, 1, 3, 6]
        """
        state = structure.normalized(initial_state)
        specs = structure.spec_of(state)

        def state_of(found: Any) -> Any:
            if not isinstance(found, tuple) or len(found) != 2:
                raise TypeError(
                    "Invalid `scan_func`. `scan_func` should return a pair consisting of new state and the output "
                    f"value but its return type is {found}."
                )
            return found[0]

        function, specs = state_function(scan_func, specs, self.element_spec, "scan_func", "Dataset.scan()", state_of)
        result = function.output_structure[1]
        variant = raw.ScanDataset(
            self._variant_tensor, structure.tensors_of(specs, state), function.captured, f=function.graph,
            preserve_cardinality=True, **structure.kinds(result),
        )  # fmt: skip
        return self._made(variant, result, "_ScanDataset")

    def take_while(self, predicate: Callable[..., Any], name: str | None = None) -> Any:
        """Returns a dataset of the elements before the first that a function says no to.

        Args:
          predicate: takes an element as the function of ``map`` does, and returns a truth value.
          name: a name for the dataset.

        Raises:
          ValueError: it returns something else.

        >>> import tideflow as tf
        >>> list(tf.data.Dataset.range(9).take_while(lambda x: x < 2).as_numpy_iterator())
        [np.int64(0), np.int64(1)]
        """
        function = StructuredFunction(predicate, "Dataset.take_while()", self.element_spec)
        found = function.output_structure
        if getattr(found, "dtype", None) != dtypes.bool or not found.shape.is_compatible_with([]):
            raise ValueError(
                f"Invalid `predicate`. `predicate` must return a `tf.bool` scalar tensor but its return type is{found}."
            )
        return self._through("_TakeWhileDataset", "TakeWhileDataset", function.captured, predicate=function.graph)

    def unique(self, name: str | None = None) -> Any:
        """Returns a dataset of the elements that differ from all before them.

        Raises:
          TypeError: an element is no tensor of ``int32``, ``int64`` or ``string``.

        >>> import tideflow as tf
        >>> list(tf.data.Dataset.from_tensor_slices([1, 37, 2, 37, 1]).unique().as_numpy_iterator())
        [np.int32(1), np.int32(37), np.int32(2)]
        """
        for spec in structure.component_specs(self.element_spec):
            if spec.dtype not in (dtypes.int32, dtypes.int64, dtypes.string):
                raise TypeError(
                    f"`tf.data.Dataset.unique` does not support type {spec.dtype!r} -- only `tf.int32`, `tf.int64`, "
                    "and `tf.string` are supported."
                )
        return self._through("_UniqueDataset", "UniqueDataset")

    def ignore_errors(self, log_warning: bool = False, name: str | None = None) -> Any:
        """Returns a dataset of the elements that do not fail.

        Args:
          log_warning: whether failures are logged.
          name: a name for the dataset.

        >>> import tideflow as tf
        >>> risky = tf.data.Dataset.from_tensor_slices([1.0, 0.0, 4.0]).map(
        ...     lambda x: tf.debugging.check_numerics(1 / x, "infinite"))
        >>> list(risky.ignore_errors().as_numpy_iterator())
        [np.float32(1.0), np.float32(0.25)]
        """
        return self._through("_IgnoreErrorsDataset", "IgnoreErrorsDataset", log_warning=log_warning)

    def group_by_window(
        self,
        key_func: Callable[..., Any],
        reduce_func: Callable[..., Any],
        window_size: Any = None,
        window_size_func: Callable[..., Any] | None = None,
        name: str | None = None,
    ) -> Any:
        """Returns a dataset of the elements of the datasets that a function makes of windows of one key.

        Elements are collected by key; so many of one key are a window, and so is what is left of a key at the end.

        Args:
          key_func: takes an element as the function of ``map`` does, and returns a scalar ``int64``.
          reduce_func: takes a key and the dataset of the elements of a window, and returns a dataset.
          window_size: how many elements a window has.
          window_size_func: takes a key and returns how many, in place of ``window_size``.
          name: a name for the dataset.

        Raises:
          ValueError: neither or both of size and function are given, or a key is no ``int64``.
          TypeError: ``reduce_func`` returns no dataset.
          InvalidArgumentError: while iterating, a size is not positive.

        >>> import tideflow as tf
        >>> groups = tf.data.Dataset.range(6).group_by_window(lambda x: x % 2, lambda key, window: window.batch(3), 3)
        >>> [group.numpy().tolist() for group in groups]
        [[0, 2, 4], [1, 3, 5]]
        """
        if (window_size is None) == (window_size_func is None):
            raise ValueError("Either the `window_size` argument or the `window_size_func` argument must be specified.")

        def size_of(key: Any) -> Any:
            return integer(window_size if window_size_func is None else window_size_func(key), "window_size")

        key = keys_of(key_func, self.element_spec, "Dataset.group_by_window()")
        window = StructuredFunction(reduce_func, "Dataset.group_by_window()", (_NUMBER, DatasetSpec(self.element_spec)))
        found = window.output_structure
        if not isinstance(found, DatasetSpec):
            raise TypeError(
                "Invalid `reduce_func`. `reduce_func` must return a single `tf.data.Dataset` object but its return "
                f"type is {found}."
            )
        size = StructuredFunction(size_of, "Dataset.group_by_window()", _NUMBER)
        specs = found.element_spec
        variant = raw.GroupByWindowDataset(
            self._variant_tensor, key.captured, window.captured, size.captured, key_func=key.graph,
            reduce_func=window.graph, window_size_func=size.graph, **structure.kinds(specs),
        )  # fmt: skip
        return self._made(variant, specs, "_GroupByWindowDataset")

    def bucket_by_sequence_length(
        self,
        element_length_func: Callable[..., Any],
        bucket_boundaries: Any,
        bucket_batch_sizes: Any,
        padded_shapes: Any = None,
        padding_values: Any = None,
        pad_to_bucket_boundary: bool = False,
        no_padding: bool = False,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Any:
        """Returns a dataset of padded batches of elements of similar lengths.

        Args:
          element_length_func: takes an element as the function of ``map`` does, and returns its length, an ``int32``.
          bucket_boundaries: the lengths, ascending, from which on elements belong to the next bucket.
          bucket_batch_sizes: the size of a batch for each bucket: one more than there are boundaries.
          padded_shapes, padding_values: as of ``padded_batch``.
          pad_to_bucket_boundary: whether sizes that are not known become one less than the boundary of the bucket.
          no_padding: whether elements are batched as they are, which then have one shape.
          drop_remainder: whether smaller batches at the end are left out.
          name: a name for the dataset.

        Raises:
          ValueError: there are not as many sizes as buckets.
          InvalidArgumentError: while iterating, an element is too long for the last boundary that it is padded to.

        >>> import tideflow as tf
        >>> rows = tf.data.Dataset.range(1, 5).map(lambda n: tf.fill([n], n))
        >>> batches = rows.bucket_by_sequence_length(lambda row: tf.shape(row)[0], [3], [2, 2])
        >>> [batch.numpy().tolist() for batch in batches]
        [[[1, 0], [2, 2]], [[3, 3, 3, 0], [4, 4, 4, 4]]]
        """
        if len(bucket_batch_sizes) != len(bucket_boundaries) + 1:
            raise ValueError(
                "`len(bucket_batch_sizes)` must equal `len(bucket_boundaries) + 1` but "
                f"`len(bucket_batch_sizes)={len(bucket_batch_sizes)}` and "
                f"`len(bucket_boundaries)={len(bucket_boundaries)}`."
            )
        sizes = convert_to_tensor(list(bucket_batch_sizes), dtypes.int64)
        limits = np.array(list(bucket_boundaries), np.int64)
        longest = convert_to_tensor(np.append(limits, np.iinfo(np.int64).max) - 1, dtypes.int64)

        def bucket_of(*element: Any) -> Any:
            length = raw.Cast(convert_to_tensor(element_length_func(*element)), DstT=dtypes.int64)
            return raw.Sum(raw.Cast(raw.GreaterEqual(length, limits), DstT=dtypes.int64), [0])

        def batched(bucket: Any, window: Any) -> Any:
            size = raw.GatherV2(sizes, bucket, 0)
            if no_padding:
                return window.batch(size, drop_remainder=drop_remainder)
            shapes = padded_shapes
            if shapes is None:
                shapes = structure.mapped(lambda spec: spec.shape, window.element_spec)
            if pad_to_bucket_boundary:
                shapes = structure.mapped(lambda shape: _up_to(shape, bucket), shapes)
            return window.padded_batch(size, shapes, padding_values, drop_remainder)

        def _up_to(shape: Any, bucket: Any) -> Any:
            last = raw.GatherV2(longest, bucket, 0)
            known = shape.as_list() if hasattr(shape, "as_list") else list(shape)
            return raw.Pack([last if size in (None, -1) else np.int64(size) for size in known]) if known else []

        def size_of(bucket: Any) -> Any:
            return raw.GatherV2(sizes, bucket, 0)

        return self.group_by_window(bucket_of, batched, window_size_func=size_of)

    @classmethod
    def sample_from_datasets(
        cls,
        datasets: Any,
        weights: Any = None,
        seed: Any = None,
        stop_on_empty_dataset: bool = False,
        rerandomize_each_iteration: bool | None = None,
    ) -> Any:
        """Returns a dataset of the elements of several ones, each time the next one of a dataset drawn at random.

        Args:
          datasets: the datasets.
          weights: how likely each is: a list, a vector of floats, or a dataset of these; equally by default.
          seed: the seed of the draws.
          stop_on_empty_dataset: whether the end of one dataset is the end; else it is drawn in vain from then on.
          rerandomize_each_iteration: whether each iteration draws anew.

        Raises:
          TypeError: weights are no floats, or the datasets are of different specs.
          ValueError: there is no dataset, or there are not as many weights.

        >>> import tideflow as tf
        >>> parts = [tf.data.Dataset.range(2), tf.data.Dataset.range(10, 12)]
        >>> both = tf.data.Dataset.sample_from_datasets(parts, seed=1)
        >>> sorted(int(x) for x in both)
        [0, 1, 10, 11]
        """
        if not datasets:
            raise ValueError("Invalid `datasets`. `datasets` should not be empty.")
        datasets = list(datasets)
        numbers = cls.random(seed=seed, rerandomize_each_iteration=rerandomize_each_iteration)  # type: ignore[attr-defined]
        seeds = numbers.batch(2)
        if isinstance(weights, FunctionTransformations):
            logits = weights.map(lambda *found: _logits(convert_to_tensor(found[0] if len(found) == 1 else found)))
            choices = cls.zip((logits, seeds)).map(_drawn)  # type: ignore[attr-defined]
        else:
            datasets, given = _weighted(datasets, weights)
            if len(datasets) == 1:
                return datasets[0]
            choices = seeds.map(lambda pair: _drawn(given, pair))
        return cls._directed(choices, datasets, stop_on_empty_dataset)

    @classmethod
    def choose_from_datasets(cls, datasets: Any, choice_dataset: Any, stop_on_empty_dataset: bool = True) -> Any:
        """Returns a dataset of the elements of several ones, each time the next one of the dataset that a number says.

        Args:
          datasets: the datasets.
          choice_dataset: a dataset of their numbers, scalars of ``int64``.
          stop_on_empty_dataset: whether the end of one dataset is the end; else its number is passed over.

        Raises:
          TypeError: the numbers are something else, or the datasets are of different specs.
          ValueError: there is no dataset.
          InvalidArgumentError: while iterating, there is no dataset of such a number.

        >>> import tideflow as tf
        >>> choices = tf.data.Dataset.range(2).repeat(2)
        >>> parts = [tf.data.Dataset.range(9), tf.data.Dataset.range(10, 19)]
        >>> both = tf.data.Dataset.choose_from_datasets(parts, choices)
        >>> [int(x) for x in both]
        [0, 10, 1, 11]
        """
        if not datasets:
            raise ValueError("Invalid `datasets`. `datasets` should not be empty.")
        spec = choice_dataset.element_spec
        if getattr(spec, "dtype", None) != dtypes.int64 or not spec.shape.is_compatible_with([]):
            raise TypeError(
                "Invalid `choice_dataset`. Elements of `choice_dataset` must be scalar `tf.int64` tensors but are "
                f"{spec}."
            )
        return cls._directed(choice_dataset, list(datasets), stop_on_empty_dataset)

    @classmethod
    def _directed(cls, choices: Any, datasets: Any, stops: bool) -> Any:
        specs = datasets[0].element_spec
        for number, dataset in enumerate(datasets):
            try:
                specs = structure.common(specs, dataset.element_spec)
            except TypeError:
                raise TypeError(
                    "Invalid `datasets`. `datasets` must have compatible element specs.\n Dataset 0 "
                    f"element_spec={datasets[0].element_spec}.\nDataset {number} element_spec={dataset.element_spec}."
                ) from None
        variant = raw.DirectedInterleaveDataset(
            choices._variant_tensor, [dataset._variant_tensor for dataset in datasets], stop_on_empty_dataset=stops,
            **structure.kinds(specs),
        )  # fmt: skip
        return datasets[0]._made(variant, specs, "_DirectedInterleaveDataset", choices, *datasets[1:])


def _logits(weights: Any) -> Any:
    if weights.dtype not in (dtypes.float32, dtypes.float64):
        raise TypeError(
            f"Invalid `weights`. `weights` type must be either `tf.float32` or `tf.float64` but is {weights.dtype!r}."
        )
    return raw.ExpandDims(raw.Log(weights), 0)


def _drawn(logits: Any, pair: Any) -> Any:
    return raw.Reshape(raw.StatelessMultinomial(logits, 1, pair), np.zeros(0, np.int32))


def _weighted(datasets: Any, weights: Any) -> tuple[Any, Any]:
    """Returns the datasets that can be drawn, and the logarithms of their weights."""
    if weights is None:
        return datasets, convert_to_tensor(np.ones((1, len(datasets)), np.float32))
    given = convert_to_tensor(weights)
    count = given.shape[0] if given.shape.rank else None
    if count is not None and count != len(datasets):
        raise ValueError(
            "Invalid `weights`. `weights` should have the same length as `datasets` but got "
            f"`len(weights)={count}` vs. `len(datasets)={len(datasets)}`."
        )
    logits = _logits(given)
    known = static_value(given)
    if known is not None and not np.all(known):
        kept = [number for number, weight in enumerate(known) if weight]
        if not kept:
            return [datasets[0].take(0)], logits
        datasets, logits = [datasets[number] for number in kept], _logits(convert_to_tensor(known[kept]))
    return datasets, logits


def keys_of(key_func: Callable[..., Any], element_spec: Any, transformation: str) -> StructuredFunction:
    """Returns a function of an element that gives a scalar ``int64``.

    Raises:
      ValueError: it gives something else.
    """

    def key_of(*element: Any) -> Any:
        return integer(key_func(*element), "key")

    key = StructuredFunction(key_of, transformation, element_spec)
    if not key.output_structure.shape.is_compatible_with([]):
        raise ValueError(f"Invalid `key_func`. It must return a scalar, but returns {key.output_structure}.")
    return key
