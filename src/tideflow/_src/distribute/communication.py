"""How the values of devices are brought together: the choices that TensorFlow has, all of which compute the same.

The devices of one process share its memory, so that values are added where the result is wanted, in the order of the
replicas, whatever was chosen. A class of a user's own that derives from `CrossDeviceOps` is asked instead.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.core import nest
from tideflow._src.core.tensor import Tensor
from tideflow._src.distribute.reduction import ReduceOp, combined
from tideflow._src.distribute.values import DistributedValues, Mirrored
from tideflow._src.ops.array.raw import raw
from tideflow._src.runtime.convert import convert_to_tensor


class CommunicationImplementation(enum.Enum):
    """Names a way in which devices communicate."""

    AUTO = "AUTO"
    RING = "RING"
    NCCL = "NCCL"


class CommunicationOptions:
    """Says how devices communicate.

    Args:
      bytes_per_pack: how much is sent at once; 0 leaves it open.
      timeout_seconds: how long to wait for others, or None.
      implementation: the way.

    Raises:
      ValueError: ``bytes_per_pack`` is negative, or ``implementation`` no known way.
    """

    def __init__(
        self,
        bytes_per_pack: int = 0,
        timeout_seconds: float | None = None,
        implementation: CommunicationImplementation = CommunicationImplementation.AUTO,
    ) -> None:
        if bytes_per_pack < 0:
            raise ValueError(f"Argument `bytes_per_pack` must be >=0, Received {bytes_per_pack}.")
        if isinstance(implementation, str):
            implementation = CommunicationImplementation(implementation.upper())
        if not isinstance(implementation, CommunicationImplementation):
            raise ValueError(
                "Argument `implementation` must be instance of "
                "`tf.distribute.experimental.CommunicationImplementation`."
            )
        self.bytes_per_pack = bytes_per_pack
        self.timeout_seconds = timeout_seconds
        self.implementation = implementation


class CollectiveHints(CommunicationOptions):
    """Is `CommunicationOptions` under its earlier name.

    Args:
      bytes_per_pack, timeout_seconds: as there.
    """

    def __init__(self, bytes_per_pack: int = 0, timeout_seconds: float | None = None) -> None:
        super().__init__(bytes_per_pack, timeout_seconds)


def number_of(destinations: Any) -> int:
    """Returns for how many devices destinations stand: a value, a name or a list of names."""
    if isinstance(destinations, DistributedValues):
        return len(destinations._values)
    if isinstance(destinations, list | tuple):
        return len(destinations)
    return 1


class CrossDeviceOps:
    """Is the base class of ways to bring values of devices together."""

    def reduce(self, reduce_op: Any, per_replica_value: Any, destinations: Any, options: Any = None) -> Any:
        """Combines the values of the replicas.

        Args:
          reduce_op: ``ReduceOp.SUM`` or ``ReduceOp.MEAN``, or its name.
          per_replica_value: a value for each replica.
          destinations: the devices that get the result: a value on them, a name or a list of names.
          options: kept for TensorFlow's signature.

        Returns:
          A ``Mirrored`` with the result for each of them.

        Raises:
          ValueError: ``per_replica_value`` is no distributed value.
        """
        if not isinstance(per_replica_value, DistributedValues):
            raise ValueError(f"`per_replica_value` must be a distributed value, not {per_replica_value!r}.")
        return self.reduce_implementation(ReduceOp.named(reduce_op), per_replica_value, destinations, options)

    def batch_reduce(self, reduce_op: Any, value_destination_pairs: Any, options: Any = None) -> list[Any]:
        """Is ``reduce`` of several pairs of a value and destinations."""
        return self.batch_reduce_implementation(ReduceOp.named(reduce_op), list(value_destination_pairs), options)

    def broadcast(self, tensor: Any, destinations: Any) -> Any:
        """Gives each of several devices the same tensor; returns a ``Mirrored``."""
        return self.broadcast_implementation(tensor, destinations)

    def reduce_implementation(
        self, reduce_op: ReduceOp, per_replica_value: Any, destinations: Any, options: Any
    ) -> Any:
        """Is what a class derived from this one computes; arguments are those of ``reduce``."""
        del options
        return self.broadcast(combined(reduce_op, read(per_replica_value)), destinations)

    def batch_reduce_implementation(
        self, reduce_op: ReduceOp, value_destination_pairs: Sequence[Any], options: Any
    ) -> list[Any]:
        """Is what a class derived from this one computes; arguments are those of ``batch_reduce``."""
        return [self.reduce_implementation(reduce_op, value, to, options) for value, to in value_destination_pairs]

    def broadcast_implementation(self, tensor: Any, destinations: Any) -> Any:
        """Is what a class derived from this one computes; arguments are those of ``broadcast``."""
        return copied(tensor, number_of(destinations))


def read(value: Any) -> list[Any]:
    """Returns the values of the replicas, those of the parts of a variable read."""
    return [each.value() if hasattr(each, "_handle") else each for each in value._values]


class ReductionToOneDevice(CrossDeviceOps):
    """Copies the values to one device, combines them there, and copies the result to the others.

    Args:
      reduce_to_device: the device, or None.
      accumulation_fn: adds a list of tensors; ``tf.add_n`` by default.
    """

    def __init__(self, reduce_to_device: Any = None, accumulation_fn: Callable[[Any], Any] | None = None) -> None:
        self.reduce_to_device = reduce_to_device
        self.accumulation_fn = accumulation_fn

    def reduce_implementation(
        self, reduce_op: ReduceOp, per_replica_value: Any, destinations: Any, options: Any
    ) -> Any:
        """Combines the values with the function that was given, if there was one."""
        if self.accumulation_fn is None:
            return super().reduce_implementation(reduce_op, per_replica_value, destinations, options)
        values = read(per_replica_value)
        total = self.accumulation_fn(values)
        return self.broadcast(total if reduce_op is ReduceOp.SUM else total / len(values), destinations)


class _AllReduce(CrossDeviceOps):
    """Has each device combine the values.

    Args:
      num_packs: into how many parts the values of several variables are put.

    Raises:
      ValueError: it is negative.
    """

    def __init__(self, num_packs: int = 1) -> None:
        if num_packs < 0:
            raise ValueError(f"{type(self).__name__} requires num_packs >= 0, but {num_packs} is specified")
        self._num_packs = num_packs


class NcclAllReduce(_AllReduce):
    """Is the way that NVIDIA's library has for its devices."""


class HierarchicalCopyAllReduce(_AllReduce):
    """Is the way along a tree of devices."""


def copied(value: Any, count: int) -> Mirrored:
    """Returns a value for each of several replicas: tensors of their own, which a function may return side by side."""
    return Mirrored([value, *(_copy(value) for _ in range(count - 1))])


def _copy(value: Any) -> Any:
    def identity(part: Any) -> Any:
        return raw.Identity(part) if isinstance(part, Tensor) or hasattr(part, "_handle") else part

    return nest.map_structure(identity, value, expand_composites=True)


def gathered(values: Sequence[Any], axis: int) -> Any:
    """Joins the values of the replicas along an axis."""
    tensors = [convert_to_tensor(value) for value in values]
    return raw.ConcatV2(tensors, convert_to_tensor(axis)) if len(tensors) > 1 else tensors[0]
