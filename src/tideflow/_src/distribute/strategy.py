"""Defines ``tf.distribute.Strategy``: how a computation runs as replicas, and what is shared among them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from tideflow._src.core import nest
from tideflow._src.core.type_spec import CompositeTensor
from tideflow._src.distribute.contexts import (
    ReplicaContext,
    defaults,
    entered,
    get_replica_context,
    get_strategy,
    has_strategy,
    in_cross_replica_context,
)
from tideflow._src.distribute.inputs import DistributedDataset, InputContext, ValueContext
from tideflow._src.distribute.reduction import ReduceOp, along_axis
from tideflow._src.ops.control.grouping import group as grouped
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.devices import device
from tideflow._src.state.variable import variable_creator_scope


class StrategyExtended:
    """Is what libraries ask of a strategy, beside what programs do.

    Args:
      container_strategy: the strategy.
    """

    def __init__(self, container_strategy: Any) -> None:
        self._strategy = container_strategy

    # What a strategy on one device has.

    def _devices(self) -> tuple[str, ...]:
        return ("",)

    @property
    def worker_devices(self) -> tuple[str, ...]:
        """The devices of the replicas."""
        return self._devices()

    @property
    def parameter_devices(self) -> tuple[str, ...]:
        """The devices of the variables."""
        return self._devices()

    @property
    def _num_replicas_in_sync(self) -> int:
        return 1

    @property
    def should_checkpoint(self) -> bool:
        """Whether this process writes checkpoints."""
        return True

    @property
    def should_save_summary(self) -> bool:
        """Whether this process writes summaries."""
        return True

    @property
    def experimental_between_graph(self) -> bool:
        """Whether each process builds a graph of its own."""
        return False

    @property
    def experimental_should_init(self) -> bool:
        """Whether this process initializes variables."""
        return True

    @property
    def experimental_require_static_shapes(self) -> bool:
        """Whether all shapes must be known before a program runs."""
        return False

    def _use_merge_call(self) -> bool:
        return False

    def _in_multi_worker_mode(self) -> bool:
        return False

    def _container_strategy(self) -> Any:
        return self._strategy

    def _placed(self) -> contextlib.AbstractContextManager[Any]:
        """Is a context in which operations are on the strategy's device."""
        name = self.worker_devices[0]
        return device(name) if name else contextlib.nullcontext()

    # Contexts.

    def variable_created_in_scope(self, v: Any) -> bool:
        """Tells whether a variable was made in the strategy's scope."""
        return getattr(v, "_distribute_strategy", None) in (self._strategy, None)

    def colocate_vars_with(self, colocate_with_variable: Any) -> contextlib.AbstractContextManager[Any]:
        """Is a context in which variables are made on the device of another."""
        name = getattr(colocate_with_variable, "device", "")
        return device(name) if isinstance(name, str) and name else contextlib.nullcontext()

    def _create_variable(self, next_creator: Callable[..., Any], **arguments: Any) -> Any:
        with self._placed():
            return next_creator(**arguments)

    # Values.

    def _replica_id(self, number: int) -> Any:
        return number

    def _reduce(self, reduction: ReduceOp, value: Any, axis: Any) -> Any:
        return nest.map_structure(lambda each: along_axis(reduction, each, axis), value)

    def _reduce_to(self, reduction: ReduceOp, value: Any, destinations: Any, options: Any) -> Any:
        del reduction, destinations, options
        return value

    def _all_reduce(self, reduction: ReduceOp, value: Any, options: Any) -> Any:
        del reduction, options
        return nest.map_structure(_as_tensor, value)

    def _gather(self, value: Any, axis: int) -> Any:
        del axis
        return nest.map_structure(_as_tensor, value)

    def _all_gather(self, value: Any, axis: int, options: Any) -> Any:
        del options
        return self._gather(value, axis)

    def reduce_to(self, reduce_op: Any, value: Any, destinations: Any, options: Any = None) -> Any:
        """Combines the values of the replicas, for the devices of ``destinations``.

        Raises:
          RuntimeError: the thread is a replica.
        """
        self._require_cross_replica()
        return self._reduce_to(ReduceOp.named(reduce_op), value, destinations, options)

    def batch_reduce_to(self, reduce_op: Any, value_destination_pairs: Any, options: Any = None) -> list[Any]:
        """Is ``reduce_to`` of several pairs of a value and destinations."""
        return [self.reduce_to(reduce_op, value, to, options) for value, to in value_destination_pairs]

    def broadcast_to(self, tensor: Any, destinations: Any) -> Any:
        """Copies a tensor to the devices of ``destinations``."""
        del destinations
        return tensor

    def update(self, var: Any, fn: Callable[..., Any], args: Any = (), kwargs: Any = None, group: bool = True) -> Any:
        """Changes a variable, on each device that has a copy.

        Args:
          var: the variable.
          fn: a function of it and the other arguments.
          args, kwargs: these.
          group: whether to return what it returns as it is, and not as a tuple with an element for each device.

        A replica crosses over for it, with ``merge_call``, where there are several.
        """
        if get_replica_context() is None or not has_strategy():
            return self._update(var, fn, args, kwargs or {}, group)
        return self._replica_update(var, fn, args, kwargs or {}, group)

    def _replica_update(self, var: Any, fn: Callable[..., Any], args: Any, kwargs: Any, group: bool) -> Any:
        return self._update(var, fn, args, kwargs, group)

    def _update(self, var: Any, fn: Callable[..., Any], args: Any, kwargs: Any, group: bool) -> Any:
        with self.colocate_vars_with(var):
            result = fn(var, *args, **kwargs)
        return result if group else nest.map_structure(lambda leaf: (leaf,), result)

    def update_non_slot(
        self, colocate_with: Any, fn: Callable[..., Any], args: Any = (), kwargs: Any = None, group: bool = True
    ) -> Any:
        """Calls a function that changes what no variable's slot is, on the devices of ``colocate_with``."""
        del colocate_with
        with self._placed():
            result = fn(*args, **(kwargs or {}))
        return result if group else nest.map_structure(lambda leaf: (leaf,), result)

    def non_slot_devices(self, var_list: Any) -> Any:
        """Returns the devices of what no variable's slot is."""
        return min(var_list, key=lambda variable: variable.name) if var_list else None

    def read_var(self, v: Any) -> Any:
        """Returns the value of a variable."""
        return v.read_value()

    def value_container(self, value: Any) -> Any:
        """Returns the distributed value that a value is a part of."""
        return value

    def call_for_each_replica(self, fn: Callable[..., Any], args: Any = (), kwargs: Any = None) -> Any:
        """Runs a function as each replica."""
        self._require_cross_replica()
        return self._call_for_each_replica(fn, args, kwargs or {})

    def _call_for_each_replica(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        with self._placed(), entered(self._strategy, ReplicaContext(self._strategy, 0)):
            return fn(*args, **kwargs)

    def _local_results(self, value: Any) -> tuple[Any, ...]:
        return (value,)

    def _values_for_replicas(self, value_fn: Callable[[Any], Any]) -> Any:
        return value_fn(ValueContext(0, 1))

    def _group(self, value: Any, name: str | None = None) -> Any:
        return grouped(*nest.flatten(value, expand_composites=True), name=name)

    def _distributed(self, dataset: Any, options: Any) -> Any:
        """Returns what gives each replica its part of each batch of a dataset."""
        del options
        return DistributedDataset(dataset, self._strategy)

    def _distributed_from_function(self, dataset_fn: Callable[[Any], Any], options: Any) -> Any:
        """Returns what gives each replica a batch in turn of the dataset that a function makes."""
        del options
        return DistributedDataset(dataset_fn(InputContext(1, 0, self._num_replicas_in_sync)), self._strategy)

    def _require_cross_replica(self) -> None:
        if get_strategy() is not self._strategy and not has_strategy():
            return  # the default replica calls another strategy, which it may
        if not in_cross_replica_context() and get_strategy() is self._strategy and has_strategy():
            raise RuntimeError("Method requires being in cross-replica context, use get_replica_context().merge_call()")


def _as_tensor(value: Any) -> Any:
    if isinstance(value, CompositeTensor):
        return value
    return convert_to_tensor(value)


class Strategy:
    """Runs a computation as replicas that share variables.

    Args:
      extended: what the strategy does, made by ``extended(strategy)`` if it is a class.

    >>> import tideflow as tf
    >>> strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    >>> with strategy.scope():
    ...     v = tf.Variable(1.0)
    >>> strategy.run(lambda: v.assign_add(2.0)).numpy().item()
    3.0
    """

    #: What libraries ask before they train: whether a coordinator sends steps to workers.
    _should_use_with_coordinator = False

    def __init__(self, extended: Any) -> None:
        self._extended = extended(self) if isinstance(extended, type) else extended
        self._entries: list[Any] = []

    @property
    def extended(self) -> Any:
        """What libraries ask of the strategy, beside what programs do."""
        return self._extended

    @property
    def num_replicas_in_sync(self) -> int:
        """How many replicas there are, whose updates are combined."""
        return self._extended._num_replicas_in_sync

    @property
    def cluster_resolver(self) -> Any:
        """What knows the machines, or None where there is one."""
        return None

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """Is a context across the replicas, in which variables are made for them.

        Raises:
          RuntimeError: it is entered in the scope of another strategy, or by a replica.
        """
        return _Scope(self)

    def run(self, fn: Callable[..., Any], args: Any = (), kwargs: Any = None, options: Any = None) -> Any:
        """Runs a function as each replica.

        Args:
          fn: the function.
          args: its positional arguments, a list or tuple.
          kwargs: its named arguments.
          options: kept for TensorFlow's signature.

        Returns:
          What it returns.

        Raises:
          ValueError: ``args`` is no list or tuple.
        """
        del options
        if not isinstance(args, list | tuple):
            raise ValueError(f"positional args must be a list or tuple, got {type(args)}")
        with self.scope():
            return self._extended._call_for_each_replica(fn, args, kwargs or {})

    def reduce(self, reduce_op: Any, value: Any, axis: Any) -> Any:
        """Combines the values of the replicas, and those along an axis of them.

        Args:
          reduce_op: ``ReduceOp.SUM`` or ``ReduceOp.MEAN``, or its name.
          value: what ``run`` returned.
          axis: the axis, or None.

        Raises:
          ValueError: there is no such reduction or axis, or a sum is asked for of what is no value of replicas.
          RuntimeError: the thread is a replica.
        """
        self._extended._require_cross_replica()
        return self._extended._reduce(ReduceOp.named(reduce_op), value, axis)

    def gather(self, value: Any, axis: int) -> Any:
        """Joins the values of the replicas along an axis.

        Raises:
          RuntimeError: the thread is a replica.
        """
        self._extended._require_cross_replica()
        return self._extended._gather(value, axis)

    def group(self, value: Any, name: str | None = None) -> Any:
        """Returns an operation that runs when all values are computed; None eagerly."""
        return self._extended._group(value, name)

    def experimental_local_results(self, value: Any) -> tuple[Any, ...]:
        """Returns the values of this machine's replicas."""
        return self._extended._local_results(value)

    unwrap = experimental_local_results

    def experimental_distribute_dataset(self, dataset: Any, options: Any = None) -> Any:
        """Returns a dataset that gives each replica its part of each batch."""
        return self._extended._distributed(dataset, options)

    def distribute_datasets_from_function(self, dataset_fn: Callable[[Any], Any], options: Any = None) -> Any:
        """Returns the dataset that a function gives for an ``InputContext``, for the replicas."""
        return self._extended._distributed_from_function(dataset_fn, options)

    experimental_distribute_datasets_from_function = distribute_datasets_from_function

    def experimental_distribute_values_from_function(self, value_fn: Callable[[Any], Any]) -> Any:
        """Returns the values that a function gives for the ``ValueContext`` of each replica."""
        return self._extended._values_for_replicas(value_fn)

    def __deepcopy__(self, memo: Any) -> Any:
        return self  # there is one of each

    def __copy__(self) -> Any:
        return self


class _Scope:
    """Is the context of ``Strategy.scope``."""

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        self._stack: contextlib.ExitStack | None = None

    def __enter__(self) -> Any:
        strategy = self._strategy
        current = get_strategy()
        nested = has_strategy()
        if nested and current is not strategy:
            if strategy is defaults.strategy:
                raise RuntimeError("Must not nest tf.distribute.Strategy scopes.")
            raise RuntimeError(f"Mixing different tf.distribute.Strategy objects: {current} is not {strategy}")
        if nested and get_replica_context() is not None:
            raise RuntimeError(
                "Method requires being in cross-replica context, use get_replica_context().merge_call(): a replica can "
                "neither enter a strategy's scope nor run replicas."
            )
        with contextlib.ExitStack() as stack:
            stack.enter_context(entered(strategy, None))
            if not nested:
                stack.enter_context(variable_creator_scope(strategy.extended._create_variable))
            self._stack = stack.pop_all()
        return strategy

    def __exit__(self, *exception: Any) -> None:
        assert self._stack is not None
        stack, self._stack = self._stack, None
        stack.__exit__(*exception)
