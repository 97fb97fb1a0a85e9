"""What is made of datasets that does not look at elements: parts, repetitions, batches, order, caches."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.data import structure
from tideflow._src.data.options import Options
from tideflow._src.data.specs import DatasetSpec
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.random.seeds import get_seed
from tideflow._src.runtime.convert import convert_to_tensor

_LARGEST_INT32 = 2**31 - 1


def integer(value: Any, name: str) -> Any:
    """Returns a number that a transformation is given as a tensor."""
    return convert_to_tensor(value, dtypes.int64, name=name)


class Transformations:
    """Has the transformations of datasets that do not look at elements."""

    _variant_tensor: Any
    element_spec: Any

    def _made(self, variant: Any, element_spec: Any, kind: str, *others: Any) -> Any:
        """Returns a dataset made of this one, and of others."""
        raise AssertionError

    def _through(self, kind: str, operation: str, *inputs: Any, **attributes: Any) -> Any:
        """Returns the dataset of the same elements that an operation makes of this one."""
        call = getattr(raw, operation)
        variant = call(self._variant_tensor, *inputs, **attributes, **structure.kinds(self.element_spec))
        return self._made(variant, self.element_spec, kind)

    def take(self, count: Any, name: str | None = None) -> Any:
        """Returns a dataset of the first elements; of all if ``count`` is -1.

        >>> import tideflow as tf
        >>> list(tf.data.Dataset.range(9).take(2).as_numpy_iterator())
        [np.int64(0), np.int64(1)]
        """
        return self._through("_TakeDataset", "TakeDataset", integer(count, "count"))

    def skip(self, count: Any, name: str | None = None) -> Any:
        """Returns a dataset of all but the first elements; of none if ``count`` is -1.

        >>> import tideflow as tf
        >>> list(tf.data.Dataset.range(4).skip(2).as_numpy_iterator())
        [np.int64(2), np.int64(3)]
        """
        return self._through("_SkipDataset", "SkipDataset", integer(count, "count"))

    def shard(self, num_shards: Any, index: Any, name: str | None = None) -> Any:
        """Returns a dataset of the elements ``index``, ``index + num_shards``, ...

        Raises:
          InvalidArgumentError: there is no such shard.

        >>> import tideflow as tf
        >>> list(tf.data.Dataset.range(5).shard(2, 1).as_numpy_iterator())
        [np.int64(1), np.int64(3)]
        """
        return self._through(
            "_ShardDataset", "ShardDataset", integer(num_shards, "num_shards"), integer(index, "index")
        )

    def repeat(self, count: Any = None, name: str | None = None) -> Any:
        """Returns a dataset of this one ``count`` times; for ever if that is None or -1.

        >>> import tideflow as tf
        >>> list(tf.data.Dataset.range(2).repeat(2).as_numpy_iterator())
        [np.int64(0), np.int64(1), np.int64(0), np.int64(1)]
        """
        return self._through("_RepeatDataset", "RepeatDataset", integer(-1 if count is None else count, "count"))

    def prefetch(self, buffer_size: Any, name: str | None = None) -> Any:
        """Returns a dataset whose elements a thread makes ahead of who asks for them.

        Args:
          buffer_size: how many are ahead at most; ``tf.data.AUTOTUNE`` leaves that open.
          name: a name for the dataset.

        >>> import tideflow as tf
        >>> list(tf.data.Dataset.range(2).prefetch(tf.data.AUTOTUNE).as_numpy_iterator())
        [np.int64(0), np.int64(1)]
        """
        size = integer(-1 if buffer_size is None else buffer_size, "buffer_size")
        return self._through("_PrefetchDataset", "PrefetchDataset", size)

    def cache(self, filename: Any = "", name: str | None = None) -> Any:
        """Returns a dataset that reads this one once and keeps the elements: in memory, or in a file.

        Args:
          filename: the beginning of the names of files; none for memory.
          name: a name for the dataset.

        >>> import tideflow as tf
        >>> dataset = tf.data.Dataset.range(2).cache()
        >>> list(dataset.as_numpy_iterator()) == list(dataset.as_numpy_iterator())
        True
        """
        path = convert_to_tensor(filename, dtypes.string, name="filename")
        if _is_of_version_2():
            return self._through("CacheDataset", "CacheDatasetV2", path, raw.DummyMemoryCache())
        return self._through("CacheDataset", "CacheDataset", path)

    def shuffle(
        self, buffer_size: Any, seed: Any = None, reshuffle_each_iteration: bool | None = True, name: str | None = None
    ) -> Any:
        """Returns a dataset of the same elements in random order.

        A buffer is filled with elements; each that is given is drawn from it and replaced by the next one.

        Args:
          buffer_size: the size of the buffer; from the number of elements on, every order is equally likely.
          seed: the seed, which with that of ``tf.random.set_seed`` determines the order.
          reshuffle_each_iteration: whether each iteration has an order of its own.
          name: a name for the dataset.

        Raises:
          InvalidArgumentError: the size is not positive.

        >>> import tideflow as tf
        >>> sorted(tf.data.Dataset.range(3).shuffle(3).as_numpy_iterator())
        [np.int64(0), np.int64(1), np.int64(2)]
        """
        seeds = [integer(item, "seed") for item in seeds_of(seed)]
        size = integer(buffer_size, "buffer_size")
        again = True if reshuffle_each_iteration is None else reshuffle_each_iteration
        if _is_of_version_2():
            seeds.append(raw.DummySeedGenerator())
            return self._through("_ShuffleDataset", "ShuffleDatasetV3", size, *seeds, reshuffle_each_iteration=again)
        return self._through("_ShuffleDataset", "ShuffleDataset", size, *seeds, reshuffle_each_iteration=again)

    def batch(
        self,
        batch_size: Any,
        drop_remainder: Any = False,
        num_parallel_calls: Any = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Any:
        """Returns a dataset of so many elements in one, stacked along a new first axis.

        Args:
          batch_size: how many.
          drop_remainder: whether a smaller batch at the end is left out.
          num_parallel_calls, deterministic: how many batches are made at once, and whether in order.
          name: a name for the dataset.

        Raises:
          InvalidArgumentError: the size is not positive; while iterating, elements have different shapes.

        >>> import tideflow as tf
        >>> [batch.numpy().tolist() for batch in tf.data.Dataset.range(5).batch(2)]
        [[0, 1], [2, 3], [4]]
        """
        size, drop = integer(batch_size, "batch_size"), _truth(drop_remainder)
        specs = structure.batched(self.element_spec, _known_size(size, drop))
        kinds = structure.kinds(specs)
        if num_parallel_calls is None:
            variant = raw.BatchDatasetV2(self._variant_tensor, size, drop, **kinds)
            return self._made(variant, specs, "_BatchDataset")
        variant = raw.ParallelBatchDataset(
            self._variant_tensor, size, integer(num_parallel_calls, "num_parallel_calls"), drop,
            deterministic=order(deterministic), **kinds,
        )  # fmt: skip
        return self._made(variant, specs, "_ParallelBatchDataset")

    def padded_batch(
        self,
        batch_size: Any,
        padded_shapes: Any = None,
        padding_values: Any = None,
        drop_remainder: Any = False,
        name: str | None = None,
    ) -> Any:
        """Returns a dataset of so many elements in one, each component filled up to one shape.

        Args:
          batch_size: how many.
          padded_shapes: the shapes, in the structure of an element; a size that is None or -1 is that of the largest
            in the batch. All sizes that are not known statically, by default.
          padding_values: what is filled in: scalars in the structure of an element; 0 or an empty string by default.
          drop_remainder: whether a smaller batch at the end is left out.
          name: a name for the dataset.

        Raises:
          ValueError, TypeError: shapes or values do not fit the elements.
          DataLossError: while iterating, an element is larger than it may be.

        >>> import tideflow as tf
        >>> dataset = tf.data.Dataset.range(1, 4).map(lambda n: tf.fill([n], n))
        >>> [batch.numpy().tolist() for batch in dataset.padded_batch(2)]
        [[[1, 0], [2, 2]], [[3, 3, 3]]]
        """
        from tideflow._src.data.padding import padding_of  # loads with the first padded batch

        size, drop = integer(batch_size, "batch_size"), _truth(drop_remainder)
        shapes, values, specs = padding_of(self.element_spec, padded_shapes, padding_values, _known_size(size, drop))
        variant = raw.PaddedBatchDatasetV2(
            self._variant_tensor, size, shapes, values, drop,
            output_shapes=structure.kinds(specs)["output_shapes"],
        )  # fmt: skip
        return self._made(variant, specs, "_PaddedBatchDataset")

    def unbatch(self, name: str | None = None) -> Any:
        """Returns a dataset of the rows of the elements.

        Raises:
          ValueError: a component is a scalar, or their sizes are known to differ.

        >>> import tideflow as tf
        >>> list(tf.data.Dataset.from_tensors([1, 2]).unbatch().as_numpy_iterator())
        [np.int32(1), np.int32(2)]
        """
        sizes = set()
        for spec in structure.component_specs(self.element_spec):
            if spec.shape.rank == 0:
                raise ValueError("Cannot unbatch an input with scalar components.")
            if spec.shape.rank and spec.shape[0] is not None:
                sizes.add(spec.shape[0])
        if len(sizes) > 1:
            one, two, *_ = sorted(sizes)
            raise ValueError(
                "`unbatch()` is only supported for datasets of elements whose components have a matching leading "
                f"dimension. Encountered both {one} and {two}."
            )
        specs = structure.unbatched(self.element_spec)
        source = self._with_rows()
        variant = raw.UnbatchDataset(source._variant_tensor, **structure.kinds(specs))
        return self._made(variant, specs, "_UnbatchDataset")

    def _with_rows(self) -> Any:
        """Returns this dataset with elements whose tensors have the rows along their first axes."""
        if all(isinstance(spec, TensorSpec) for spec in structure.flattened(self.element_spec)):
            return self
        specs = self.element_spec

        def rows(*element: Any) -> Any:
            whole = element if type(specs) is tuple else element[0]
            return tuple(structure.batched_tensors_of(specs, whole))

        return self.map(rows)  # type: ignore[attr-defined]

    def window(
        self, size: Any, shift: Any = None, stride: Any = 1, drop_remainder: Any = False, name: str | None = None
    ) -> Any:
        """Returns a dataset of windows: each component of an element becomes a dataset of some of its values.

        Args:
          size: how many elements a window has.
          shift: how far the next window begins behind it; ``size`` by default.
          stride: how far its elements are apart.
          drop_remainder: whether smaller windows at the end are left out.
          name: a name for the dataset.

        Raises:
          InvalidArgumentError: a number is not positive.

        >>> import tideflow as tf
        >>> [list(window.as_numpy_iterator()) for window in tf.data.Dataset.range(3).window(2)]
        [[np.int64(0), np.int64(1)], [np.int64(2)]]
        """
        specs = structure.mapped(DatasetSpec, self.element_spec)
        variant = raw.WindowDataset(
            self._variant_tensor, integer(size, "size"), integer(size if shift is None else shift, "shift"),
            integer(stride, "stride"), _truth(drop_remainder), **structure.kinds(specs),
        )  # fmt: skip
        return self._made(variant, specs, "_WindowDataset")

    def concatenate(self, dataset: Any, name: str | None = None) -> Any:
        """Returns a dataset of this one, followed by another.

        Raises:
          TypeError: their elements are of different structures or dtypes.

        >>> import tideflow as tf
        >>> list(tf.data.Dataset.range(2).concatenate(tf.data.Dataset.range(1)).as_numpy_iterator())
        [np.int64(0), np.int64(1), np.int64(0)]
        """
        specs = structure.common(self.element_spec, dataset.element_spec)
        variant = raw.ConcatenateDataset(self._variant_tensor, dataset._variant_tensor, **structure.kinds(specs))
        return self._made(variant, specs, "_ConcatenateDataset", dataset)

    def enumerate(self, start: Any = 0, name: str | None = None) -> Any:
        """Returns a dataset of the elements with their numbers.

        Args:
          start: the number of the first.
          name: a name for the dataset.

        >>> import tideflow as tf
        >>> [(int(i), x.numpy()) for i, x in tf.data.Dataset.from_tensor_slices(["a", "b"]).enumerate(5)]
        [(5, b'a'), (6, b'b')]
        """
        numbers = type(self).range(start, dtypes.int64.max)  # type: ignore[attr-defined]
        return type(self).zip((numbers, self))  # type: ignore[attr-defined]

    def with_options(self, options: Options, name: str | None = None) -> Any:
        """Returns this dataset with options for the pipeline up to here.

        >>> import tideflow as tf
        >>> options = tf.data.Options()
        >>> options.deterministic = False
        >>> tf.data.Dataset.range(2).with_options(options).options().deterministic
        False
        """
        return self._through("_OptionsDataset", "OptionsDataset", serialized_options=options._serialized())


def order(deterministic: bool | None) -> str:
    """Returns the attribute that says whether a parallel stage keeps the order."""
    return "default" if deterministic is None else "true" if deterministic else "false"


def seeds_of(seed: Any) -> tuple[Any, Any]:
    """Returns the two seeds of a random transformation that is made now."""
    first, second = get_seed(seed)
    if first is None:
        return 0, 0
    return (0, _LARGEST_INT32) if first == 0 and second == 0 else (first, second)


def _is_of_version_2() -> bool:
    """Tells whether datasets keep what their iterators share: not in a graph of TensorFlow 1.x, which has sessions."""
    graph = context.current_graph()
    return graph is None or bool(graph.building_function)


def _truth(value: Any) -> Any:
    return convert_to_tensor(value, dtypes.bool, name="drop_remainder")


def _known_size(size: Any, drop: Any) -> int | None:
    """Returns the size of every batch, or None if the last may be smaller."""
    known = static_value(drop)
    if known is None or not bool(known):
        return None
    found = static_value(size)
    return None if found is None else int(found)
