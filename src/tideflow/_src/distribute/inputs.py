"""Data for replicas, and values that have one for each of them."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Any, NamedTuple

from tideflow._src.core.class_names import named_in_tensorflow
from tideflow._src.core.type_spec import CompositeTensor, TypeSpec


class InputReplicationMode(enum.Enum):
    """Says for which replicas a dataset function is called once."""

    PER_WORKER = "PER_WORKER"
    PER_REPLICA = "PER_REPLICA"


class InputOptions(NamedTuple):
    """Says how data gets to the replicas."""

    experimental_fetch_to_device: Any = None
    experimental_replication_mode: InputReplicationMode = InputReplicationMode.PER_WORKER
    experimental_place_dataset_on_device: bool = False
    experimental_per_replica_buffer_size: int = 1


class RunOptions(NamedTuple):
    """Says how ``Strategy.run`` runs a function."""

    experimental_enable_dynamic_batch_size: bool = True
    experimental_bucketizing_dynamic_shape: bool = False
    experimental_xla_options: Any = None


class InputContext:
    """Tells a dataset function which part of the data it is to give.

    Args:
      num_input_pipelines: how many pipelines there are.
      input_pipeline_id: which of them this is.
      num_replicas_in_sync: how many replicas there are.
    """

    def __init__(self, num_input_pipelines: int = 1, input_pipeline_id: int = 0, num_replicas_in_sync: int = 1) -> None:
        self.num_input_pipelines = num_input_pipelines
        self.input_pipeline_id = input_pipeline_id
        self.num_replicas_in_sync = num_replicas_in_sync

    def get_per_replica_batch_size(self, global_batch_size: int) -> int:
        """Returns how much of a batch each replica gets.

        Raises:
          ValueError: the batch cannot be divided among them.
        """
        if global_batch_size % self.num_replicas_in_sync != 0:
            raise ValueError(
                f"The `global_batch_size` {global_batch_size!r} is not divisible by `num_replicas_in_sync` "
                f"{self.num_replicas_in_sync!r}."
            )
        return global_batch_size // self.num_replicas_in_sync

    def __str__(self) -> str:
        return (
            f"tf.distribute.InputContext(input pipeline id {self.input_pipeline_id}, total: {self.num_input_pipelines})"
        )


class ValueContext(NamedTuple):
    """Tells a value function for which replica it is called."""

    replica_id_in_sync_group: int = 0
    num_replicas_in_sync: int = 1


@named_in_tensorflow("distribute.input_lib.DistributedIterator")
class DistributedIterator(CompositeTensor):
    """Gives the parts of batches to the replicas.

    Args:
      iterator: the iterator over the batches.
      strategy: the strategy.
    """

    @property
    def _type_spec(self) -> Any:
        return _DistributedIteratorSpec(self._iterator._type_spec, self._strategy)

    def _stream_in_graph(self) -> DistributedIterator:
        """Returns what a ``for`` statement of a graph goes over."""
        return self

    def __init__(self, iterator: Any, strategy: Any) -> None:
        self._iterator = iterator
        self._strategy = strategy

    def __iter__(self) -> DistributedIterator:
        return self

    def __next__(self) -> Any:
        with self._strategy.extended._placed():
            return next(self._iterator)

    def get_next(self) -> Any:
        """Returns the next batch.

        Raises:
          OutOfRangeError: there is none.
        """
        with self._strategy.extended._placed():
            return self._iterator.get_next()

    def get_next_as_optional(self) -> Any:
        """Returns an ``Optional`` with the next batch, empty if there is none."""
        with self._strategy.extended._placed():
            return self._iterator.get_next_as_optional()

    @property
    def element_spec(self) -> Any:
        """The type of a batch."""
        return self._iterator.element_spec


class _DistributedIteratorSpec(TypeSpec):
    """Is the description of such an iterator: a function is traced once for all iterators over like batches.

    Args:
      iterator_spec: that of the iterator over the batches.
      strategy: the strategy.
    """

    def __init__(self, iterator_spec: Any, strategy: Any) -> None:
        self._iterator_spec = iterator_spec
        self._strategy = strategy

    @property
    def value_type(self) -> Any:
        return DistributedIterator

    @property
    def element_spec(self) -> Any:
        """The type of a batch."""
        return self._iterator_spec.element_spec

    def _serialize(self) -> Any:
        return self._iterator_spec, self._strategy

    @property
    def _component_specs(self) -> Any:
        return (self._iterator_spec,)

    def _to_components(self, value: Any) -> Any:
        return (value._iterator,)

    def _from_components(self, components: Any) -> Any:
        return DistributedIterator(components[0], self._strategy)


@named_in_tensorflow("distribute.input_lib.DistributedDataset")
class DistributedDataset:
    """Gives each replica its part of the batches of a dataset.

    Args:
      dataset: the dataset.
      strategy: the strategy.
    """

    def __init__(self, dataset: Any, strategy: Any) -> None:
        self._dataset = dataset
        self._strategy = strategy

    def __iter__(self) -> Iterator[Any]:
        return DistributedIterator(iter(self._dataset), self._strategy)

    def _stream_in_graph(self) -> Any:
        """Returns what a ``for`` statement of a graph goes over."""
        return iter(self)

    def __len__(self) -> int:
        return len(self._dataset)

    @property
    def element_spec(self) -> Any:
        """The type of a batch."""
        return self._dataset.element_spec

    @property
    def cardinality(self) -> Any:
        """The number of batches."""
        return self._dataset.cardinality
