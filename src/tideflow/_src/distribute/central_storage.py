"""Defines ``CentralStorageStrategy``: replicas on several devices, whose variables are on one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.distribute.distributed_variables import AggregatingVariable, DistributedVariable
from tideflow._src.distribute.mirrored import MirroredExtended, all_devices, existing_devices
from tideflow._src.distribute.strategy import Strategy


class _CentralStorageExtended(MirroredExtended):
    def __init__(self, container_strategy: Any, compute_devices: Sequence[str], parameter_device: str | None) -> None:
        super().__init__(container_strategy, compute_devices)
        if parameter_device is None:
            parameter_device = self._names[0] if len(self._names) == 1 else "CPU:0"
        self._storage = existing_devices([parameter_device])

    @property
    def parameter_devices(self) -> tuple[str, ...]:
        """The device of the variables."""
        return self._storage

    def _part_devices(self) -> tuple[str, ...]:
        return self._storage

    def _kind(self, synchronization: Any) -> type[DistributedVariable]:
        del synchronization
        return AggregatingVariable


class CentralStorageStrategy(Strategy):
    """Keeps each variable on one device, and runs replicas on several.

    Args:
      compute_devices: the names of the replicas' devices; by default all accelerators, or the host.
      parameter_device: the name of the variables' device; by default the host, or the device of the only replica.

    Raises:
      AssertionError: a device is named twice.
      InvalidArgumentError: there is no such device.

    >>> import tideflow as tf
    >>> strategy = tf.distribute.experimental.CentralStorageStrategy(["CPU:0"])
    >>> with strategy.scope():
    ...     v = tf.Variable(1.0, aggregation=tf.VariableAggregation.SUM)
    >>> strategy.run(lambda: v.assign_add(2.0)).numpy().item()
    3.0
    """

    def __init__(self, compute_devices: Sequence[str] | None = None, parameter_device: str | None = None) -> None:
        super().__init__(_CentralStorageExtended(self, compute_devices or all_devices(), parameter_device))
