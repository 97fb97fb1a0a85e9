"""Defines ``OneDeviceStrategy``: one replica, with variables as they are without a strategy."""

from __future__ import annotations

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
