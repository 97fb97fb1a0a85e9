"""Defines ``MirroredStrategy``, which runs a replica on each of several devices of this process."""

from __future__ import annotations

import contextlib
import functools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.autodiff.custom_gradient import custom_gradient
from tideflow._src.core import context, nest
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.type_spec import CompositeTensor
from tideflow._src.distribute.communication import CrossDeviceOps, copied, gathered, read
from tideflow._src.distribute.contexts import entered, get_replica_context
from tideflow._src.distribute.distributed_variables import DistributedVariable, MirroredVariable, SyncOnReadVariable
from tideflow._src.distribute.inputs import InputContext, ValueContext
from tideflow._src.distribute.per_replica_inputs import PerReplicaDataset, check_options, rebatched
from tideflow._src.distribute.reduction import ReduceOp, combined_along
from tideflow._src.distribute.replicas import run_as_replicas
from tideflow._src.distribute.strategy import Strategy, StrategyExtended
from tideflow._src.distribute.values import DistributedValues, Mirrored, container_of, is_mirrored, of_replica, regroup
from tideflow._src.function.traced_function import TracedFunction
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.grouping import group
from tideflow._src.ops.scopes import graph_scope
from tideflow._src.runtime import devices
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.base_resource_variable import BaseResourceVariable
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.replication import VariableAggregationV2, VariableSynchronization


class MirroredExtended(StrategyExtended):
    """Is what libraries ask of a strategy that has a replica on each of several devices.

    Args:
      container_strategy: the strategy.
      device_names: the names of the devices, which may be partial.
      cross_device_ops: brings the values of devices together.

    Raises:
      AssertionError: there is no device, or one is named twice.
      InvalidArgumentError: there is no such device.
    """

    def __init__(self, container_strategy: Any, device_names: Sequence[str], cross_device_ops: Any = None) -> None:
        super().__init__(container_strategy)
        self._names = existing_devices(device_names)
        self._cross_device_ops = CrossDeviceOps() if cross_device_ops is None else cross_device_ops
        #: What runs a traced function as replicas: a function that is traced around all of them.
        self._around: weakref.WeakKeyDictionary[TracedFunction, TracedFunction] = weakref.WeakKeyDictionary()

    def _devices(self) -> tuple[str, ...]:
        return self._names

    @property
    def _num_replicas_in_sync(self) -> int:
        return len(self._names)

    @property
    def worker_devices_by_replica(self) -> list[list[str]]:
        """The devices of each replica."""
        return [[name] for name in self._names]

    def _use_merge_call(self) -> bool:
        return True

    def _replica_id(self, number: int) -> Any:
        return convert_to_tensor(number)

    def _placed(self) -> contextlib.AbstractContextManager[Any]:
        return contextlib.nullcontext()

    # Variables.

    def colocate_vars_with(self, colocate_with_variable: Any) -> contextlib.AbstractContextManager[Any]:
        """Is a context in which variables are made for the devices of another, as they are anyway.

        Raises:
          ValueError: the variable was not made in this strategy's scope.
        """
        if getattr(colocate_with_variable, "_distribute_strategy", None) is not self._strategy:
            raise ValueError(
                "`colocate_vars_with` must only be passed a variable created in this tf.distribute.Strategy.scope(), "
                f"not: {colocate_with_variable!r}"
            )
        return contextlib.nullcontext()

    def _create_variable(self, next_creator: Callable[..., Any], **arguments: Any) -> Any:
        synchronization = arguments.get("synchronization") or VariableSynchronization.AUTO
        if synchronization == VariableSynchronization.NONE:
            raise ValueError(
                "`NONE` variable synchronization mode is not supported with tf.distribute strategy. Please change the "
                f"`synchronization` for variable: {arguments.get('name')}"
            )
        if synchronization == VariableSynchronization.AUTO:
            synchronization = VariableSynchronization.ON_WRITE
        synchronization = VariableSynchronization(synchronization)
        aggregation = arguments.get("aggregation") or VariableAggregationV2.NONE
        arguments.update(synchronization=synchronization, aggregation=aggregation, use_resource=True)
        arguments.pop("caching_device", None)
        graph = None if context.executing_eagerly() else context.current_graph()
        collections = arguments.pop("collections", None)
        if graph is not None and not graph.building_function:
            arguments["collections"] = []
        parts = self._parts(next_creator, arguments)
        if any(not isinstance(part, BaseResourceVariable) for part in parts):
            return parts[0]  # what a creator of the program's own has made
        made = self._kind(synchronization)(self._strategy, parts, synchronization, aggregation)
        if graph is not None and not graph.building_function:
            _join_collections(graph, collections, made)
        elif collections and GraphKeys.GLOBAL_STEP in collections:
            context.default_graph().add_to_collection(GraphKeys.GLOBAL_STEP, made)
        return made

    def _kind(self, synchronization: Any) -> type[DistributedVariable]:
        """Returns the class of a variable."""
        return SyncOnReadVariable if synchronization is VariableSynchronization.ON_READ else MirroredVariable

    def _parts(self, next_creator: Callable[..., Any], arguments: dict[str, Any]) -> list[Any]:
        parts: list[Any] = []
        with context.no_tapes():
            for number, name in enumerate(self._part_devices()):
                if number:
                    first = parts[0]
                    # The slash makes the name one that no scope comes before.
                    arguments["name"] = f"{first.name.partition(':')[0]}/replica_{number}/"
                    arguments["initial_value"] = lambda first=first: _initial_copy(first)
                with devices.device(name):
                    parts.append(next_creator(**arguments))
        return parts

    def _part_devices(self) -> tuple[str, ...]:
        """Returns the devices of the parts of a variable."""
        return self._names

    def value_container(self, value: Any) -> Any:
        """Returns the distributed variable that a variable is a part of, or the value itself."""
        return container_of(value)

    def _update(self, var: Any, fn: Callable[..., Any], args: Any, kwargs: Any, group: bool) -> Any:
        if not isinstance(var, DistributedVariable):
            raise AssertionError(
                f"`update` changes variables that were made in the strategy's scope, which this one was not: {var!r}"
            )
        return self._updated(var._values, lambda part, *given, **named: fn(part, *given, **named), args, kwargs, group)

    def _updated(self, places: Sequence[Any], fn: Callable[..., Any], args: Any, kwargs: Any, group: bool) -> Any:
        """Calls a function for each place, a part of a variable or the name of a device, one after the other."""
        updates = []
        for number, place in enumerate(places):
            where = place if isinstance(place, str) else place.device
            with (
                devices.device(where),
                entered(self._strategy, None, updating=number),
                graph_scope(f"update_{number}"),
            ):
                own, named = of_replica(number, list(args)), of_replica(number, kwargs)
                updates.append(fn(place, *own, **named))
        if group:
            return regroup(updates, _grouped)
        return nest.map_structure(self._local_results, regroup(updates, Mirrored))

    def _replica_update(self, var: Any, fn: Callable[..., Any], args: Any, kwargs: Any, group: bool) -> Any:
        def across(strategy: Any, *given: Any, **named: Any) -> Any:
            return strategy.extended.update(var, fn, given, named, group)

        return get_replica_context().merge_call(across, args=args, kwargs=kwargs)

    def update_non_slot(
        self, colocate_with: Any, fn: Callable[..., Any], args: Any = (), kwargs: Any = None, group: bool = True
    ) -> Any:
        """Calls a function that changes what no variable's slot is, on each of the devices ``colocate_with``."""
        self._require_cross_replica()
        places = colocate_with if isinstance(colocate_with, tuple | list) else self._names
        return self._updated(
            list(places), lambda place, *given, **named: fn(*given, **named), args, kwargs or {}, group
        )

    def non_slot_devices(self, var_list: Any) -> Any:
        """Returns the devices of what no variable's slot is."""
        del var_list
        return self._names

    # Values.

    def _local_results(self, value: Any) -> tuple[Any, ...]:
        if isinstance(value, DistributedValues):
            return value._values
        if nest.is_nested(value):
            return tuple(_with_parts(number, value) for number in range(len(self._names)))
        return (value,)

    def _values_for_replicas(self, value_fn: Callable[[Any], Any]) -> Any:
        count = len(self._names)
        return regroup([value_fn(ValueContext(number, count)) for number in range(count)], always=True)

    def broadcast_to(self, tensor: Any, destinations: Any) -> Any:
        """Copies a tensor to the devices of ``destinations``."""
        if isinstance(tensor, float | int):
            return tensor
        return self._cross_device_ops.broadcast(tensor, destinations or self._names)

    def _reduce_to(self, reduction: ReduceOp, value: Any, destinations: Any, options: Any) -> Any:
        return nest.map_structure(lambda each: self._reduced(reduction, each, destinations, options), value)

    def _reduced(self, reduction: ReduceOp, value: Any, destinations: Any, options: Any) -> Any:
        if is_mirrored(value):
            if reduction is ReduceOp.MEAN:
                return value
            raise AssertionError(f"The sum of a value that is the same on all replicas is asked for: {value!r}")
        if isinstance(value, DistributedValues):
            return self._cross_device_ops.reduce(reduction, value, destinations, options)
        if not isinstance(value, Tensor | CompositeTensor) and not hasattr(value, "_handle") and value == 0:
            return value
        if reduction is ReduceOp.MEAN:
            return value
        if len(self._names) > 1:
            raise ValueError(
                f"A non-DistributedValues value {value} cannot be reduced with the given reduce op {reduction}."
            )
        return self._cross_device_ops.broadcast(value, destinations)

    def batch_reduce_to(self, reduce_op: Any, value_destination_pairs: Any, options: Any = None) -> list[Any]:
        """Is ``reduce_to`` of several pairs of a value and destinations."""
        self._require_cross_replica()
        pairs = list(value_destination_pairs)
        if all(isinstance(value, DistributedValues) and not is_mirrored(value) for value, _ in pairs):
            found: list[Any] = self._cross_device_ops.batch_reduce(ReduceOp.named(reduce_op), pairs, options)
            return found
        return super().batch_reduce_to(reduce_op, pairs, options)

    def _reduce(self, reduction: ReduceOp, value: Any, axis: Any) -> Any:
        def reduced(each: Any) -> Any:
            if axis is None:
                result = self._reduced(reduction, each, self._names[:1], None)
                return convert_to_tensor(result._values[0]) if _is_tensors(result) else result
            values = read(each) if isinstance(each, DistributedValues) else [each] * len(self._names)
            return combined_along(reduction, values, axis)

        return nest.map_structure(reduced, value)

    def _gather(self, value: Any, axis: int) -> Any:
        def joined(each: Any) -> Any:
            if not isinstance(each, DistributedValues):
                return each
            _refuse_slices("gather", each._values)
            return gathered(read(each), axis)

        return nest.map_structure(joined, value)

    # In a replica.

    def _all_reduce(self, reduction: ReduceOp, value: Any, options: Any) -> Any:
        leaves = [_as_tensor(leaf) for leaf in nest.flatten(value)]

        def across(strategy: Any, *values: Any) -> Any:
            # As in TensorFlow, what is one object in all replicas is there once, and is its own sum.
            reduced = iter(
                strategy.extended.batch_reduce_to(
                    reduction, [(each, each) for each in values if isinstance(each, DistributedValues)], options
                )
            )
            return [
                next(reduced) if isinstance(each, DistributedValues) else copied(each, len(self._names))
                for each in values
            ]

        def merged(*given: Any) -> Any:
            return get_replica_context().merge_call(across, args=given)

        if not leaves:
            return value
        if any(isinstance(leaf, IndexedSlices) for leaf in leaves):
            return nest.pack_sequence_as(value, list(merged(*leaves)))

        @custom_gradient
        def all_reduced(*tensors: Any) -> Any:
            def gradient(*upstream: Any) -> Any:
                return list(self._all_reduce(reduction, list(upstream), options))

            return list(merged(*tensors)), gradient

        return nest.pack_sequence_as(value, _listed(all_reduced(*leaves)))

    def _all_gather(self, value: Any, axis: int, options: Any) -> Any:
        leaves = nest.flatten(value)
        _refuse_slices("all_gather", leaves)

        @custom_gradient
        def all_gathered(*tensors: Any) -> Any:
            def gradient(*upstream: Any) -> Any:
                number = get_replica_context()._replica_id
                sums = self._all_reduce(ReduceOp.SUM, list(upstream), options)
                own = [raw.Reshape(raw.Shape(tensor)[axis], [1]) for tensor in tensors]
                sizes = self._joined_in_replicas(own, 0)
                return [
                    _part(total, raw.Sum(each[:number], [0]), each[number], axis)
                    for total, each in zip(sums, sizes, strict=True)
                ]

            return self._joined_in_replicas(tensors, axis), gradient

        return nest.pack_sequence_as(value, _listed(all_gathered(*map(convert_to_tensor, leaves)))) if leaves else value

    def _joined_in_replicas(self, tensors: Sequence[Any], axis: int) -> list[Any]:
        """Returns in each replica the tensors of all, joined along an axis."""
        count = len(self._names)

        def across(strategy: Any, *values: Any) -> Any:
            each = [read(value) if isinstance(value, DistributedValues) else [value] for value in values]
            return [copied(gathered(parts, axis), count) for parts in each]

        return list(get_replica_context().merge_call(across, args=tuple(tensors)))

    # Running.

    def _call_for_each_replica(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if not isinstance(fn, TracedFunction):
            return run_as_replicas(self._strategy, fn, args, kwargs)
        lasting = fn._shared() or fn  # a method is made each time that it is asked for
        around = self._around.get(lasting)
        if around is None:
            around = self._around[lasting] = lasting._like(_around(self._strategy, lasting), autograph=False)
        return around(*args, **kwargs)

    # Input.

    def _distributed(self, dataset: Any, options: Any) -> Any:
        check_options(options, "experimental_distribute_dataset")
        count = len(self._names)
        return PerReplicaDataset([rebatched(dataset, count)], self._strategy, dataset)

    def _distributed_from_function(self, dataset_fn: Callable[[Any], Any], options: Any) -> Any:
        count = len(self._names)
        pipelines = count if check_options(options, "distribute_datasets_from_function") else 1
        made = [dataset_fn(InputContext(pipelines, number, count)) for number in range(pipelines)]
        return PerReplicaDataset(made, self._strategy)


class MirroredStrategy(Strategy):
    """Keeps a copy of each variable on each device, and runs a replica on each.

    Args:
      devices: the names of the devices; by default all accelerators, or the host.
      cross_device_ops: how the values of devices are brought together; all ways compute the same.

    Raises:
      AssertionError: a device is named twice.
      InvalidArgumentError: there is no such device.

    >>> import tideflow as tf
    >>> strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    >>> with strategy.scope():
    ...     v = tf.Variable(1.0)
    >>> strategy.run(lambda: v + 1.0).numpy().item()
    2.0
    """

    def __init__(self, devices: Sequence[str] | None = None, cross_device_ops: Any = None) -> None:
        super().__init__(MirroredExtended(self, devices or all_devices(), cross_device_ops))


def all_devices() -> list[str]:
    """Returns the names of all accelerators, or of the host where there is none."""
    found = devices.list_logical_devices("GPU") or devices.list_logical_devices("CPU")[:1]
    return [devices.full_name(each) for each in found]


def existing_devices(names: Sequence[str]) -> tuple[str, ...]:
    """Returns the full names of devices.

    Raises:
      AssertionError: one is named twice.
      InvalidArgumentError: there is no such device.
    """
    found = []
    for name in names:
        full = devices.existing(str(name))
        if full is None:
            known = ", ".join(devices.full_name(each) for each in devices.list_logical_devices())
            raise InvalidArgumentError(None, None, f"There is no device {name!r} to mirror on; there are {known}.")
        found.append(full)
    if len(set(found)) != len(found):
        raise AssertionError(f"No duplicates allowed in `devices` argument: {tuple(found)}")
    return tuple(found)


def _around(strategy: Any, function: TracedFunction) -> Callable[..., Any]:
    """Returns what runs the Python function of a traced function as replicas.

    It keeps neither the traced function nor the object of a method.
    """
    reference = weakref.ref(function)

    @functools.wraps(function.python_function)
    def run(*args: Any, **kwargs: Any) -> Any:
        found = reference()
        assert found is not None  # it is being called
        return run_as_replicas(strategy, found._traceable(), args, kwargs)

    run.__signature__ = function.__signature__  # type: ignore[attr-defined]
    run.__wrapped__ = function._function  # not bound
    return run


def _initial_copy(part: Any) -> Any:
    """Returns the value that another part begins with."""
    if context.executing_eagerly() or context.current_graph().building_function:
        return raw.Identity(part.value())
    return raw.Identity(part.initial_value)


def _join_collections(graph: Any, collections: Any, variable: Any) -> None:
    """Puts a variable into the collections of a graph, in the place of its parts."""
    keys = [GraphKeys.GLOBAL_VARIABLES] if collections is None else list(collections)
    if variable.trainable:
        keys.append(GraphKeys.TRAINABLE_VARIABLES)
        kept = graph.get_collection_ref(GraphKeys.TRAINABLE_VARIABLES)
        kept[:] = [each for each in kept if not any(each is part for part in variable.values)]
    for key in dict.fromkeys(keys):
        graph.add_to_collection(key, variable)


def _grouped(values: Sequence[Any]) -> Any:
    """Returns what an update of all parts returns: tensors that are there when all are changed, or an operation."""
    if len(values) == 1:
        return Mirrored(values)
    if context.current_graph() is None:
        return Mirrored([_as_tensor(value) for value in values])
    done = group(*values)
    if not all(isinstance(value, Tensor) or hasattr(value, "_handle") for value in values):
        return done
    with context.current_graph().control_dependencies([done]):
        return Mirrored([raw.Identity(value) for value in values])


def _as_tensor(value: Any) -> Any:
    return value if isinstance(value, CompositeTensor) else convert_to_tensor(value)


def _is_tensors(value: Any) -> bool:
    return isinstance(value, Mirrored) and not isinstance(value._values[0], CompositeTensor)


def _with_parts(number: int, structure: Any) -> Any:
    """Returns a structure with the values of one replica, and the parts of variables."""
    return nest.map_structure(
        lambda value: value._values[number] if isinstance(value, DistributedValues) else value, structure
    )


def _refuse_slices(method: str, values: Sequence[Any]) -> None:
    if any(isinstance(value, IndexedSlices) for value in values):
        raise NotImplementedError(f"{method} does not support IndexedSlices: convert them to tensors first.")


def _listed(values: Any) -> list[Any]:
    return list(values) if isinstance(values, list | tuple) else [values]


def _part(total: Any, begin: Any, size: Any, axis: int) -> Any:
    """Returns the elements of a tensor from ``begin`` on along an axis."""
    return raw.GatherV2(total, raw.Range(begin, begin + size, 1), axis)
