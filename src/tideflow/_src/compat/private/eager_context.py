"""The object that ``tensorflow.python.eager.context.context()`` returns: what surrounds eager operations."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context as _surroundings
from tideflow._src.runtime import devices


class Context:
    """Tells how and where operations run in this thread."""

    def executing_eagerly(self) -> bool:
        """Tells whether operations run at once."""
        return _surroundings.executing_eagerly()

    @property
    def device_name(self) -> str | None:
        """The device that ``tf.device`` asks for, or None."""
        return devices.asked_for()

    def num_gpus(self) -> int:
        """Returns the number of accelerators."""
        return len(devices.list_logical_devices("GPU"))

    def list_logical_devices(self, device_type: str | None = None) -> list[Any]:
        """Returns the devices of a kind."""
        return devices.list_logical_devices(device_type)

    def list_physical_devices(self, device_type: str | None = None) -> list[Any]:
        """Returns the devices of the machine, of a kind."""
        return devices.list_physical_devices(device_type)

    def devices(self) -> list[str]:
        """Returns the names of all devices."""
        return [devices.full_name(each) for each in devices.list_logical_devices()]

    @property
    def soft_device_placement(self) -> bool:
        """Whether an operation may run on another device where its own cannot run it."""
        return devices.get_soft_device_placement()

    def ensure_initialized(self) -> None:
        """Makes the engine ready, which it is when it is first used."""

    def clear_kernel_cache(self) -> None:
        """Does nothing: kernels here belong to operations, and programs to their functions."""


_context = Context()


def context() -> Context:
    """Returns what surrounds eager operations."""
    return _context
