"""Hands out data to several replicas: each batch of a dataset is cut into a part for each of them.

The parts come one after the other from one dataset, or each from one of its own. Where the last batch gives some
replicas nothing, these get batches without rows, so that every replica takes part in every step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.core import context
from tideflow._src.core.errors import InvalidArgumentError, OutOfRangeError
from tideflow._src.core.type_spec import TypeSpec
from tideflow._src.data import structure
from tideflow._src.data.options import AutoShardPolicy
from tideflow._src.distribute.contexts import get_replica_context, in_strategy
from tideflow._src.distribute.inputs import DistributedDataset, DistributedIterator, InputReplicationMode
from tideflow._src.distribute.values import PerReplicaSpec, regroup
from tideflow._src.function.conditional import cond
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.composite.optional import Optional
from tideflow._src.ops.data.stage import INFINITE, stage_in
from tideflow._src.ops.ragged.ragged_spec import RaggedTensorSpec
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.sparse_tensor import SparseTensor, SparseTensorSpec

_READERS = frozenset(
    "TFRecordDataset TFRecordDatasetV2 TextLineDataset FixedLengthRecordDataset FixedLengthRecordDatasetV2".split()
)


def check_options(options: Any, function: str) -> bool:
    """Checks how data is to get to the replicas; tells whether each has a pipeline of its own.

    Raises:
      NotImplementedError: that is asked for where there is but one dataset.
      ValueError: options contradict each other.
    """
    if options is None:
        return False
    each = options.experimental_replication_mode == InputReplicationMode.PER_REPLICA
    if each and function == "experimental_distribute_dataset":
        raise NotImplementedError(
            "InputReplicationMode.PER_REPLICA is only supported in `distribute_datasets_from_function`."
        )
    if options.experimental_place_dataset_on_device and not each:
        raise ValueError(
            "When `experimental_place_dataset_on_device` is set for dataset placement, you must also specify "
            "`PER_REPLICA` for the replication mode"
        )
    if options.experimental_place_dataset_on_device and options.experimental_fetch_to_device:
        raise ValueError(
            "`experimental_place_dataset_on_device` can not be set to True when experimental_fetch_to_device is True "
            "and replication mode is set to `PER_REPLICA`"
        )
    return each


def rebatched(dataset: Any, count: int) -> Any:
    """Returns the dataset of the parts of batches, ``count`` of which make a batch.

    As in TensorFlow, it depends on how the dataset may be shared among machines. Where its elements would be dealt out
    (the policy ``DATA``, or ``AUTO`` for what reads no files of records), each batch is cut by itself, into parts of
    one size as far as there are rows. Else the parts are filled as long as there is data, and where the size of
    batches does not divide, the first ones have one row more.

    Args:
      dataset: a dataset of batches.
      count: the number of replicas.

    Raises:
      ValueError: its elements are no batches.
    """
    if count == 1:
        return dataset
    try:
        size = -1 if _is_dealt_out(dataset) else _batch_size(dataset)
        if size != -1:
            floor, rest = divmod(size, count)
            return dataset.rebatch([floor + 1] * rest + [floor] * (count - rest)).prefetch(count)
        return _divided(dataset, count).prefetch(count)
    except InvalidArgumentError as error:
        raise ValueError(
            f"Call the `batch` method on the input Dataset in order to be able to split your input across {count} "
            f"replicas.\n Please see the tf.distribute.Strategy guide. {error}"
        ) from error


def _is_dealt_out(dataset: Any) -> bool:
    """Tells whether machines would share the elements of a dataset, and not its files."""
    policy = dataset.options().experimental_distribute.auto_shard_policy
    if policy is not AutoShardPolicy.AUTO:
        return policy is AutoShardPolicy.DATA
    variant = static_value(dataset._variant_tensor)
    return variant is None or not _reads_files(stage_in(variant))


def _reads_files(stage: Any) -> bool:
    """Tells whether a stage, one before it, or a function that one of them calls reads files of records."""
    if stage.kind in _READERS or any(operation.type in _READERS for operation in stage.operations_called()):
        return True
    return any(map(_reads_files, stage.inputs))


def _batch_size(dataset: Any) -> int:
    """Returns the size of the batches of a dataset, the last one aside; -1 if it is not known."""
    sizes = []
    for spec in structure.flattened(dataset.element_spec):
        shape = getattr(spec, "shape", None)
        sizes.append(None if shape is None or not shape.rank else shape.as_list()[0])
    if all(size is not None for size in sizes):
        return int(sizes[0] or 0) if len(set(sizes)) == 1 else -1
    with context.eager_scope():
        found = static_value(raw.ComputeBatchSize(dataset._variant_tensor))
    return -1 if found is None else int(found)


def _divided(dataset: Any, count: int) -> Any:
    specs = dataset.element_spec
    if any(spec.shape.rank == 0 for spec in structure.flattened(specs)):
        raise ValueError(
            "Invalid `input_dataset`. Expected a dataset whose elements have rank >= 1 but found a dataset whose "
            "elements are scalars. Fix the issue by adding the `batch` transformation to the dataset."
        )

    def part(spec: Any) -> Any:
        size = spec.shape.as_list()[0] if spec.shape.rank is not None else None
        return spec._unbatch()._batch(size // count if size is not None and size % count == 0 else None)

    parts = structure.mapped(part, specs)
    source = dataset._with_rows()
    variant = raw.RebatchDataset(source._variant_tensor, count, **structure.kinds(parts))
    return dataset._made(variant, parts, "_LegacyRebatchDataset")


class PerReplicaDataset(DistributedDataset):
    """Gives each replica its part of the batches.

    Args:
      datasets: one dataset, whose elements are for the replicas in turn, or one for each replica.
      strategy: the strategy.
      original: the dataset of whole batches that they were made of, or None.
    """

    def __init__(self, datasets: Sequence[Any], strategy: Any, original: Any = None) -> None:
        super().__init__(datasets[0], strategy)
        self._original = datasets[0] if original is None else original
        self._datasets = list(datasets)

    def __iter__(self) -> PerReplicaIterator:
        graph = context.current_graph()
        if graph is not None and not graph.building_function:
            raise RuntimeError("__iter__() is only supported inside of tf.function or when eager execution is enabled.")
        partial = _has_partial_batches(self._original)
        return PerReplicaIterator([iter(dataset) for dataset in self._datasets], self._strategy, partial)

    def __len__(self) -> int:
        return len(self._original)

    @property
    def element_spec(self) -> Any:
        """The type of what the replicas get."""
        return _for_replicas(self._dataset.element_spec, self._strategy)

    @property
    def cardinality(self) -> Any:
        """The number of batches, as the dataset that was given has them."""
        return self._original.cardinality().numpy()

    def reduce(self, initial_state: Any, reduce_func: Any) -> Any:
        """Combines the batches, one after the other, with a state; see :meth:`tf.data.Dataset.reduce`."""
        state = initial_state
        for batch in self:
            state = reduce_func(state, batch)
        return state


def _for_replicas(specs: Any, strategy: Any) -> Any:
    count = strategy.num_replicas_in_sync
    return structure.mapped(lambda spec: PerReplicaSpec(*[spec] * count), specs) if count > 1 else specs


def _has_partial_batches(dataset: Any) -> bool:
    """Tells whether there may be batches that give some replicas nothing: of datasets that end, whose shapes vary."""
    if context.executing_eagerly() and int(dataset.cardinality()) == INFINITE:
        return False
    return not all(map(_is_static, structure.flattened(dataset.element_spec)))


def _is_static(spec: Any) -> bool:
    if isinstance(spec, SparseTensorSpec | RaggedTensorSpec):
        return spec.shape.rank is None or spec.shape.rank == 0 or spec.shape.as_list()[0] is not None
    return all(part.shape.is_fully_defined() for part in spec._flat_tensor_specs)


class PerReplicaIterator(DistributedIterator):
    """Gives the parts of batches to the replicas.

    Args:
      iterators: one, whose elements are for the replicas in turn, or one for each replica.
      strategy: the strategy.
      has_partial_batches: whether a batch may give some replicas nothing.
    """

    def __init__(self, iterators: Sequence[Any], strategy: Any, has_partial_batches: bool) -> None:
        super().__init__(iterators[0], strategy)
        self._iterators = list(iterators)
        self._has_partial_batches = has_partial_batches

    @property
    def _type_spec(self) -> Any:
        specs = tuple(iterator._type_spec for iterator in self._iterators)
        return PerReplicaIteratorSpec(specs, self._strategy, self._has_partial_batches)

    @property
    def element_spec(self) -> Any:
        """The type of what the replicas get."""
        return _for_replicas(self._iterator.element_spec, self._strategy)

    def _turns(self) -> list[Any]:
        """Returns the iterator that each replica's part comes from."""
        count = self._strategy.num_replicas_in_sync
        return self._iterators if len(self._iterators) == count else self._iterators * count

    def _regrouped(self, parts: Sequence[Any]) -> Any:
        return regroup(parts, always=self._strategy.num_replicas_in_sync > 1)

    def __next__(self) -> Any:
        try:
            return self.get_next()
        except OutOfRangeError:
            raise StopIteration from None

    def next(self) -> Any:
        """Returns the next batch; StopIteration at the end."""
        return self.__next__()

    def get_next(self, name: str | None = None) -> Any:
        """Returns the next batch, a part for each replica.

        Raises:
          OutOfRangeError: there is none.
          ValueError: a replica calls it.
        """
        del name
        with in_strategy(self._strategy):
            if get_replica_context() is not None:
                raise ValueError(
                    "next(iterator) should be called from outside of replica_fn. e.g. strategy.run(replica_fn, "
                    "args=(next(iterator),))"
                )
        if not self._has_partial_batches:
            return self._regrouped([iterator.get_next() for iterator in self._turns()])
        options = [iterator.get_next_as_optional() for iterator in self._turns()]
        return cond(
            _some_has_value(options),
            lambda: self._regrouped([self._value_or_empty(option) for option in options]),
            lambda: self._regrouped([iterator.get_next() for iterator in self._turns()]),
        )

    def get_next_as_optional(self) -> Any:
        """Returns an ``Optional`` with the next batch, empty if there is none."""
        options = [iterator.get_next_as_optional() for iterator in self._turns()]
        return cond(
            _some_has_value(options),
            lambda: Optional.from_value(self._regrouped([self._value_or_empty(option) for option in options])),
            lambda: Optional.empty(self.element_spec),
        )

    def _value_or_empty(self, option: Any) -> Any:
        return cond(option.has_value(), option.get_value, lambda: structure.mapped(_without_rows, option.element_spec))


def _some_has_value(options: Sequence[Any]) -> Any:
    found = options[0].has_value()
    for option in options[1:]:
        found = raw.LogicalOr(found, option.has_value())
    return found


def _without_rows(spec: Any) -> Any:
    """Returns a batch without rows, as far as a spec says what a batch is."""
    if hasattr(spec, "_create_empty_value"):
        return spec._create_empty_value()
    is_ragged = isinstance(spec, RaggedTensorSpec)
    sizes = None if spec.shape.rank is None else spec.shape.as_list()
    if is_ragged and sizes is not None:
        sizes = sizes[:1] + sizes[1 + spec.ragged_rank :]
    if sizes and (is_ragged or None not in sizes):
        sizes[0] = 0
    shape = [0 if size is None else size for size in sizes or ()]
    if isinstance(spec, SparseTensorSpec):
        return SparseTensor(
            indices=raw.Fill([0, len(shape)], convert_to_tensor(0, "int64")),
            values=_zeros([0], spec.dtype),
            dense_shape=convert_to_tensor(shape, "int64"),
        )
    empty = _zeros(shape, spec.dtype)
    if is_ragged:
        splits = convert_to_tensor([0], spec.row_splits_dtype)
        return RaggedTensor.from_nested_row_splits(empty, [splits] * spec.ragged_rank, validate=False)
    return empty


def _zeros(shape: Sequence[int], dtype: Any) -> Any:
    zero = "" if dtype.name == "string" else 0
    return raw.Fill(convert_to_tensor(list(shape), "int32"), convert_to_tensor(zero, dtype))


class PerReplicaIteratorSpec(TypeSpec):
    """Is the description of such an iterator: a function is traced once for all iterators over like batches.

    Args:
      iterator_specs: those of the iterators that the parts come from.
      strategy: the strategy.
      has_partial_batches: whether a batch may give some replicas nothing.
    """

    def __init__(self, iterator_specs: tuple[Any, ...], strategy: Any, has_partial_batches: bool) -> None:
        self._iterator_specs = iterator_specs
        self._strategy = strategy
        self._has_partial_batches = has_partial_batches

    @property
    def value_type(self) -> Any:
        return PerReplicaIterator

    @property
    def element_spec(self) -> Any:
        """The type of what the replicas get."""
        return _for_replicas(self._iterator_specs[0].element_spec, self._strategy)

    def _serialize(self) -> Any:
        return self._iterator_specs, self._strategy, self._has_partial_batches

    @property
    def _component_specs(self) -> Any:
        return self._iterator_specs

    def _to_components(self, value: Any) -> Any:
        return tuple(value._iterators)

    def _from_components(self, components: Any) -> Any:
        return PerReplicaIterator(components, self._strategy, self._has_partial_batches)
