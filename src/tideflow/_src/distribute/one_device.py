"""Strategies of one replica: ``OneDeviceStrategy``, and ``MirroredStrategy`` where there is one device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.distribute.strategy import Strategy, StrategyExtended
from tideflow._src.runtime import devices


class _OnOneDevice(StrategyExtended):
    def __init__(self, container_strategy: Any, device: str) -> None:
        super().__init__(container_strategy)
        self._device = devices.resolve(device)

    def _devices(self) -> tuple[str, ...]:
        return (self._device,)


class OneDeviceStrategy(Strategy):
    """Puts variables and computation on one device.

    Args:
      device: the device's name.

    Raises:
      InvalidArgumentError: there is no such device.

    >>> import tideflow as tf
    >>> tf.distribute.OneDeviceStrategy("/cpu:0").extended.worker_devices
    ('/job:localhost/replica:0/task:0/device:CPU:0',)
    """

    def __init__(self, device: str) -> None:
        super().__init__(_OnOneDevice(self, device))


class MirroredStrategy(Strategy):
    """Keeps a copy of each variable on each device, of which there can be one so far.

    Args:
      devices: the names of the devices; by default all accelerators, or the host.
      cross_device_ops: how devices communicate: nothing, where there is one.

    Raises:
      ValueError: there is more than one device.
    """

    def __init__(self, devices: Sequence[str] | None = None, cross_device_ops: Any = None) -> None:
        del cross_device_ops
        names = list(devices) if devices is not None else _all_devices()
        if len(names) != 1:
            raise ValueError(
                f"MirroredStrategy was given {len(names)} devices ({', '.join(map(str, names)) or 'none'}): Tideflow "
                "mirrors on one device so far. Name one, as in MirroredStrategy(['/gpu:0']), or use "
                "tf.distribute.OneDeviceStrategy."
            )
        super().__init__(_OnOneDevice(self, names[0]))


def _all_devices() -> list[str]:
    found = devices.list_logical_devices("GPU") or devices.list_logical_devices("CPU")[:1]
    return [devices.full_name(each) for each in found]
