"""Values that have one for each replica: those that may differ, and those that are the same everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tideflow._src.core import nest
from tideflow._src.core.class_names import named_in_tensorflow
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.type_spec import CompositeTensor, TypeSpec, type_spec_from_value
from tideflow._src.distribute.contexts import current_replica, has_strategy, in_cross_replica_context
from tideflow._src.function import interfaces
from tideflow._src.runtime.convert import convert_to_tensor, register_tensor_conversion_function
from tideflow._src.state.variable import kinds


class DistributedValues(interfaces.DistributedValues):
    """Is the base class of values that have one for each replica.

    Args:
      values: the values, in the order of the replicas.
    """

    def __init__(self, values: Sequence[Any]) -> None:
        self._values = tuple(values)

    @property
    def values(self) -> tuple[Any, ...]:
        """The values, in the order of the replicas."""
        return self._values

    @property
    def _primary(self) -> Any:
        return self._values[0]

    @property
    def _devices(self) -> tuple[str, ...]:
        return tuple(value.device for value in self._values)

    def _get(self) -> Any:
        """Returns the value of the replica that this thread is, or what stands for all of them."""
        replica = current_replica()
        return self._get_cross_replica() if replica is None else self._values[replica]

    def _get_cross_replica(self) -> Any:
        raise NotImplementedError(f"A {type(self).__name__} has no value that stands for those of all replicas.")

    def _listed(self, text: Callable[[Any], str]) -> str:
        lines = ",\n".join(f"  {number}: {text(value)}" for number, value in enumerate(self._values))
        return f"{type(self).__name__}:{{\n{lines}\n}}"

    def __str__(self) -> str:
        return self._listed(str)

    def __repr__(self) -> str:
        return self._listed(repr)


@named_in_tensorflow("distribute.values.PerReplica")
class PerReplica(DistributedValues, CompositeTensor, interfaces.PerReplica):
    """Is a value that may differ from replica to replica: ``Strategy.run`` gives each its own.

    >>> import tideflow as tf
    >>> strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    >>> strategy.experimental_distribute_values_from_function(lambda context: context.replica_id_in_sync_group)
    PerReplica:{
      0: 0
    }
    """

    @property
    def _type_spec(self) -> PerReplicaSpec:
        return PerReplicaSpec(*map(type_spec_from_value, self._values))


@named_in_tensorflow("distribute.values.PerReplicaSpec")
class PerReplicaSpec(TypeSpec):
    """Is the description of a ``PerReplica``.

    Args:
      value_specs: those of the values.
    """

    def __init__(self, *value_specs: Any) -> None:
        self._value_specs = tuple(value_specs)

    @property
    def value_type(self) -> Any:
        return PerReplica

    def _serialize(self) -> Any:
        return self._value_specs

    @property
    def _component_specs(self) -> Any:
        return self._value_specs

    def _to_components(self, value: Any) -> Any:
        # What an assignment returns is a tensor once it leaves a function.
        return tuple(each.value() if isinstance(each, kinds.unread) else each for each in value._values)

    def _from_components(self, components: Any) -> Any:
        return PerReplica(components)


@named_in_tensorflow("distribute.values.Mirrored")
class Mirrored(DistributedValues, interfaces.Mirrored):
    """Is a value that is the same on all replicas; it can be used as it is."""

    def _get_cross_replica(self) -> Any:
        return self._values[0]

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("_self_", "__")) or name in ("_values", "_distributed_container", "_attribute_sentinel"):
            raise AttributeError(name)
        return getattr(self._get(), name)

    def _as_graph_element(self) -> Any:
        value = self._get()
        return getattr(value, "_as_graph_element", lambda: value)()

    def __bool__(self) -> bool:
        return bool(self._get())

    def __int__(self) -> int:
        return int(self._get())

    def __float__(self) -> float:
        return float(self._get())

    def __iter__(self) -> Any:
        return iter(self._get())

    def __len__(self) -> int:
        return len(self._get())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        array = self._get().__array__()
        return array if dtype is None or array.dtype == dtype else array.astype(dtype)


def _overload(name: str) -> None:
    def method(self: Any, *operands: Any) -> Any:
        return getattr(convert_to_tensor(self._get()), name)(*operands)

    method.__name__ = name
    method.__qualname__ = f"Mirrored.{name}"
    setattr(Mirrored, name, method)


for _name in sorted(Tensor.OVERLOADABLE_OPERATORS - {"__eq__", "__ne__"}):
    _overload(_name)


def _per_replica_to_tensor(
    value: Any, dtype: DType | None = None, name: str | None = None, as_ref: bool = False
) -> Any:
    del as_ref
    if in_cross_replica_context() or not has_strategy():
        raise ValueError(
            "A PerReplica has one value for each replica, and is used here outside of them. Use it in a function that "
            "`strategy.run` runs, or combine its values with `strategy.reduce` or `strategy.gather`."
        )
    return convert_to_tensor(value._get(), dtype, name=name)


def _mirrored_to_tensor(value: Any, dtype: DType | None = None, name: str | None = None, as_ref: bool = False) -> Any:
    del as_ref
    return convert_to_tensor(value._get(), dtype, name=name)


register_tensor_conversion_function(PerReplica, _per_replica_to_tensor)
register_tensor_conversion_function(Mirrored, _mirrored_to_tensor)


def container_of(value: Any) -> Any:
    """Returns the distributed variable that a variable is a part of, or else the value itself."""
    find = getattr(value, "_distributed_container", None)
    found = None if find is None else find()
    return value if found is None else found


def regroup(values: Sequence[Any], wrap: Callable[[Sequence[Any]], Any] = PerReplica, always: bool = False) -> Any:
    """Makes one structure with distributed values of the like structures that replicas give.

    Args:
      values: the structures, in the order of the replicas.
      wrap: makes a distributed value of the values at one place.
      always: whether what is the same object everywhere is wrapped, too.

    Raises:
      ValueError: the structures differ.
    """
    first = values[0]
    if isinstance(first, list | tuple):
        if any(not isinstance(each, type(first)) or len(each) != len(first) for each in values):
            raise ValueError(f"The replicas have given structures that differ: {', '.join(map(repr, values))}.")
        items = [regroup([each[place] for each in values], wrap, always) for place in range(len(first))]
        if hasattr(first, "_fields"):
            return type(first)(*items)
        return items if isinstance(first, list) else tuple(items)
    if isinstance(first, Mapping):
        if any(not isinstance(each, Mapping) or set(each) != set(first) for each in values):
            raise ValueError(f"The replicas have given structures that differ: {', '.join(map(repr, values))}.")
        pairs = {key: regroup([each[key] for each in values], wrap, always) for key in first}
        return type(first)(pairs)  # type: ignore[call-arg]
    is_same = all(each is first for each in values)
    container = container_of(first)
    if is_same and getattr(first, "is_distributed_variable", False):
        return first
    if is_same and not always and container is first:
        return first
    if container is not first and all(container_of(each) is container for each in values):
        return container
    return wrap(values)


def of_replica(replica: int, structure: Any) -> Any:
    """Returns a structure with the values of one replica; variables stay, for they know in which replica they are."""

    def chosen(value: Any) -> Any:
        if isinstance(value, DistributedValues) and not getattr(value, "is_distributed_variable", False):
            return value._values[replica]
        return value

    return nest.map_structure(chosen, structure)


def is_mirrored(value: Any) -> bool:
    """Tells whether a value is the same on all replicas."""
    return isinstance(value, interfaces.Mirrored)
