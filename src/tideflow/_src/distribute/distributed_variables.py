"""Variables that have a part for each replica: mirrored ones, and those that are combined when they are read.

A part is a variable of its own, on the replica's device. What stands in the program is a variable, too, which is the
part of the replica that the thread is. Across the replicas a mirrored variable is its first part, and an update there
goes to all. In a replica an update is combined with those of the others first, as ``aggregation`` says; with none, a
replica changes its own part alone, as in TensorFlow, so that the parts may differ.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.core.class_names import named_in_tensorflow
from tideflow._src.distribute.contexts import (
    current_replica,
    get_replica_context,
    in_cross_replica_context,
    in_strategy,
    is_updating,
)
from tideflow._src.distribute.reduction import ReduceOp, combined
from tideflow._src.distribute.values import DistributedValues
from tideflow._src.function import interfaces
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.grouping import group
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.base_resource_variable import BaseResourceVariable
from tideflow._src.state.replication import VariableAggregationV2
from tideflow._src.state.trackable import VARIABLE_VALUE_KEY


def _of_parts(name: str) -> Any:
    """Makes the property that all parts have alike."""

    def get(self: Any) -> Any:
        return getattr(self._values[0], name)

    return property(get)


def _of_part(name: str) -> Any:
    """Makes the property that is one of the part of the replica that the thread is."""

    def get(self: Any) -> Any:
        return getattr(self._here(), name)

    return property(get)


class DistributedVariable(DistributedValues, BaseResourceVariable):
    """Is a variable with a part for each replica.

    Args:
      strategy: the strategy.
      values: the parts, in the order of the replicas.
      synchronization: when the parts are brought together.
      aggregation: how the updates of replicas are combined.

    Raises:
      ValueError: updates of what is no floating-point number are to be averaged.
    """

    is_distributed_variable = True

    _handle = _of_part("_handle")
    _buffer = _of_part("_buffer")
    _dtype = _of_parts("_dtype")
    _shape = _of_parts("_shape")
    _handle_name = _of_parts("_handle_name")
    _trainable = _of_parts("_trainable")
    _constraint = _of_parts("_constraint")
    _in_graph = _of_parts("_in_graph")
    _initial_value = _of_parts("_initial_value")
    _graph_element = _of_part("_graph_element")
    _save_slice_info = _of_parts("_save_slice_info")
    _graph_key = _of_parts("_graph_key")
    _unique_id = _of_parts("_unique_id")

    def __init__(self, strategy: Any, values: Sequence[Any], synchronization: Any, aggregation: Any) -> None:
        if aggregation == VariableAggregationV2.MEAN and not values[0].dtype.is_floating:
            raise ValueError(
                "creating distributed tf.Variable with aggregation=MEAN and a non-floating dtype is not supported, "
                f"please use a different aggregation or dtype: '{values[0].name}' is {values[0].dtype.name}"
            )
        DistributedValues.__init__(self, values)
        self._distribute_strategy = strategy
        self._synchronization = synchronization
        self._aggregation = aggregation
        for part in self._values:
            part._distributed_container = weakref.ref(self)

    @property
    def distribute_strategy(self) -> Any:
        """The strategy in whose scope the variable was made."""
        return self._distribute_strategy

    def _here(self) -> Any:
        return self._values[current_replica() or 0]

    @property
    def _handles(self) -> list[Any]:
        """The handles of all parts: whoever saves the variable puts one in the place of all."""
        return [part._handle for part in self._values]

    @property
    def _initializer_op(self) -> Any:
        operations = [part._initializer_op for part in self._values if part._initializer_op is not None]
        return group(*operations) if operations else None

    def set_shape(self, shape: Any) -> None:
        """Adds what ``shape`` knows to the static shape."""
        for part in self._values:
            part.set_shape(shape)

    def _set_save_slice_info(self, save_slice_info: Any) -> None:
        for part in self._values:
            part._set_save_slice_info(save_slice_info)

    # Reading.

    def value(self) -> Any:
        return self._here().value()

    def read_value(self) -> Any:
        return self._here().read_value()

    def sparse_read(self, indices: Any, name: str | None = None) -> Any:
        """Returns the rows that ``indices`` names, without reading the others."""
        return self._here().sparse_read(indices, name)

    def gather_nd(self, indices: Any, name: str | None = None) -> Any:
        """Returns the elements or slices that vectors of ``indices`` name."""
        return self._here().gather_nd(indices, name)

    def is_initialized(self, name: str | None = None) -> Any:
        """Returns whether all parts have a value, as a boolean tensor."""
        answer = self._values[0].is_initialized(name)
        for part in self._values[1:]:
            answer = raw.LogicalAnd(answer, part.is_initialized())
        return answer

    def eval(self, session: Any = None) -> Any:
        """Returns the value in ``session``, by default the default session."""
        return self._here().eval(session)

    # Assigning.

    def _changed(self, update: Callable[..., Any], value: Any) -> Any:
        """Changes the parts that are to be changed where the thread is.

        Args:
          update: changes a part, given it and a value.
          value: the value.
        """
        with in_strategy(self._distribute_strategy):
            if not in_cross_replica_context():
                return self._changed_in_replica(update, value)
            if is_updating():
                return update(self._here(), value)
            return self._changed_across(update, value)

    def _read_and_changed(self, change: Callable[[Any], Any]) -> Any:
        """Changes the part of the replica, or across the replicas all of them alike; returns what the change gives."""
        with in_strategy(self._distribute_strategy):
            if in_cross_replica_context() and not is_updating():
                return convert_to_tensor(self._distribute_strategy.extended.update(self, change))
            return change(self._here())

    def _replica_number(self) -> int | None:
        """Returns the number of the replica that the thread is, or None across the replicas."""
        with in_strategy(self._distribute_strategy):
            replica = get_replica_context()
            return None if replica is None else int(replica._replica_id)

    def _changed_across(self, update: Callable[..., Any], value: Any) -> Any:
        return self._distribute_strategy.extended.update(self, update, args=(value,))

    def _changed_in_replica(self, update: Callable[..., Any], value: Any) -> Any:
        return update(self._here(), value)

    def assign(
        self, value: Any, use_locking: bool | None = None, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Gives the variable a new value; see :meth:`tf.Variable.assign`."""
        return self._changed(lambda part, given: part.assign(given, use_locking, name, read_value), value)

    def assign_add(
        self, delta: Any, use_locking: bool | None = None, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Adds ``delta`` to the variable; see :meth:`assign`."""
        return self._changed(lambda part, given: part.assign_add(given, use_locking, name, read_value), delta)

    def assign_sub(
        self, delta: Any, use_locking: bool | None = None, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Subtracts ``delta`` from the variable; see :meth:`assign`."""
        return self._changed(lambda part, given: part.assign_sub(given, use_locking, name, read_value), delta)

    def _scatter(self, kind: str, sparse_delta: Any, use_locking: bool, name: str | None) -> Any:
        return self._changed(lambda part, given: part._scatter(kind, given, use_locking, name), sparse_delta)

    def _scatter_nd(self, kind: str, indices: Any, updates: Any, name: str | None) -> Any:
        self._refuse_combining(f"scatter_nd_{kind.lower()}")
        return self._changed(lambda part, given: part._scatter_nd(kind, *given, name), (indices, updates))

    def batch_scatter_update(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Replaces rows of each batch by ``sparse_delta``."""
        self._refuse_combining("batch_scatter_update")
        return self._changed(lambda part, given: part.batch_scatter_update(given, use_locking, name), sparse_delta)

    def _strided_slice_assign(
        self, begin: Any, end: Any, strides: Any, value: Any, name: str | None, masks: dict[str, int]
    ) -> Any:
        return self._changed(
            lambda part, given: part._strided_slice_assign(begin, end, strides, given, name, masks), value
        )

    def count_up_to(self, limit: int) -> Any:
        """Returns the value before incrementing it; an OutOfRangeError when it has reached ``limit``."""
        self._refuse_combining("count_up_to")
        return self._changed(lambda part, given: part.count_up_to(given), limit)

    def load(self, value: Any, session: Any = None) -> None:
        """Gives the variable ``value`` in ``session`` at once, without adding to the graph; eagerly, assigns."""
        for part in self._values:
            part.load(value, session)

    def _refuse_combining(self, method: str) -> None:
        """Raises where the updates of replicas would have to be combined: those of rows replaced cannot be."""
        if self._aggregation not in (VariableAggregationV2.NONE, VariableAggregationV2.ONLY_FIRST_REPLICA):
            raise NotImplementedError(
                f"{method} is only supported for mirrored variables (made in the scope of a strategy) with NONE or "
                f"ONLY_FIRST_REPLICA aggregation, got: {self._aggregation}."
            )

    # Checkpoints and copies.

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        done = [part._restore_from_tensors(restored_tensors) for part in self._values]
        return None if done[0] is None else group(*done)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        parts = [copy.deepcopy(part, memo) for part in self._values]
        copied = type(self)(self._distribute_strategy, parts, self._synchronization, self._aggregation)
        memo[id(self)] = copied
        return copied


@named_in_tensorflow("distribute.values.MirroredVariable")
class MirroredVariable(DistributedVariable, interfaces.Mirrored):
    """Is a variable whose parts are kept alike."""

    def _get_cross_replica(self) -> Any:
        return raw.Identity(self._values[0].value())

    def _changed_in_replica(self, update: Callable[..., Any], value: Any) -> Any:
        if self._aggregation == VariableAggregationV2.NONE:
            return update(self._here(), value)

        def across(strategy: Any, values: Any) -> Any:
            return self._changed_across(update, self._aggregated(strategy, values))

        return get_replica_context().merge_call(across, args=(value,))

    def _aggregated(self, strategy: Any, value: Any) -> Any:
        """Returns one value for all replicas, of those that they give."""
        if self._aggregation == VariableAggregationV2.ONLY_FIRST_REPLICA:
            return strategy.experimental_local_results(value)[0]
        reduction = ReduceOp.from_variable_aggregation(self._aggregation)
        return strategy.extended.reduce_to(reduction, value, self)

    def scatter_min(self, *args: Any, **kwargs: Any) -> Any:
        """Takes the smaller of rows and ``sparse_delta``."""
        self._refuse_combining("scatter_min")
        return super().scatter_min(*args, **kwargs)

    def scatter_max(self, *args: Any, **kwargs: Any) -> Any:
        """Takes the larger of rows and ``sparse_delta``."""
        self._refuse_combining("scatter_max")
        return super().scatter_max(*args, **kwargs)

    def scatter_update(self, *args: Any, **kwargs: Any) -> Any:
        """Replaces rows by ``sparse_delta``."""
        self._refuse_combining("scatter_update")
        return super().scatter_update(*args, **kwargs)


@named_in_tensorflow("distribute.ps_values.AggregatingVariable")
class AggregatingVariable(MirroredVariable):
    """Is a variable of which there is one, for all replicas: what they change is combined first."""

    def _here(self) -> Any:
        return self._values[0]

    def _get(self) -> Any:
        return self._values[0]

    def _changed_in_replica(self, update: Callable[..., Any], value: Any) -> Any:
        if self._aggregation == VariableAggregationV2.NONE:
            raise ValueError(
                "You must specify an aggregation method to update a AggregatingVariable in Replica Context, as in "
                "`tf.Variable(..., aggregation=tf.VariableAggregation.SUM)`: the values that the replicas give are "
                "combined before it changes. Or update it in cross-replica context, by "
                "`tf.distribute.get_replica_context().merge_call(merge_fn, ...)`."
            )
        return super()._changed_in_replica(update, value)

    __repr__ = __str__ = BaseResourceVariable.__repr__


@named_in_tensorflow("distribute.values.SyncOnReadVariable")
class SyncOnReadVariable(DistributedVariable):
    """Is a variable of which each replica has its own part, and whose parts are combined where all are read."""

    def _stands_across(self) -> bool:
        return in_cross_replica_context() and not is_updating()

    def _get_cross_replica(self) -> Any:
        if self._aggregation == VariableAggregationV2.ONLY_FIRST_REPLICA:
            return self._values[0]
        reduction = ReduceOp.from_variable_aggregation(self._aggregation)
        return combined(reduction, [part.value() for part in self._values])

    def value(self) -> Any:
        with in_strategy(self._distribute_strategy):
            if self._stands_across():
                return convert_to_tensor(self._get_cross_replica())
            return self._here().value()

    def read_value(self) -> Any:
        return raw.Identity(self.value())

    def _value_to_save(self) -> Any:
        return self.value()

    def _shares(self, value: Any) -> Any:
        """Returns what each part is given, so that a value that is read as a sum is ``value``."""
        if self._aggregation != VariableAggregationV2.SUM:
            return value
        shared = convert_to_tensor(value, self._dtype) / len(self._values)
        return raw.Cast(shared, DstT=self._dtype) if shared.dtype is not self._dtype else shared

    def _changed_across(self, update: Callable[..., Any], value: Any) -> Any:
        self._distribute_strategy.extended.update(self, update, args=(value,))
        return self.read_value()

    def assign(
        self, value: Any, use_locking: bool | None = None, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Gives the parts a new value: across the replicas, one that is read as ``value``."""
        with in_strategy(self._distribute_strategy):
            if self._stands_across():
                value = self._shares(value)
            return super().assign(value, use_locking, name, read_value)

    def _check_adding(self, method: str) -> None:
        with in_strategy(self._distribute_strategy):
            if self._stands_across() and self._aggregation == VariableAggregationV2.SUM:
                raise ValueError(
                    f"SyncOnReadVariable does not support `{method}` in cross-replica context when aggregation is set "
                    "to `tf.VariableAggregation.SUM`."
                )

    def assign_add(
        self, delta: Any, use_locking: bool | None = None, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Adds ``delta`` to the part of the replica; see :meth:`assign`."""
        self._check_adding("assign_add")
        return super().assign_add(delta, use_locking, name, read_value)

    def assign_sub(
        self, delta: Any, use_locking: bool | None = None, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Subtracts ``delta`` from the part of the replica; see :meth:`assign`."""
        self._check_adding("assign_sub")
        return super().assign_sub(delta, use_locking, name, read_value)

    def _scatter(self, kind: str, sparse_delta: Any, use_locking: bool, name: str | None) -> Any:
        raise NotImplementedError(f"Variables with `synchronization=ON_READ` doesn't support `scatter_{kind.lower()}`")

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        value = self._shares(convert_to_tensor(restored_tensors[VARIABLE_VALUE_KEY]))
        return super()._restore_from_tensors({VARIABLE_VALUE_KEY: value})
