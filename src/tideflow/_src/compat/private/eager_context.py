"""The object that ``tensorflow.python.eager.context.context()`` returns: what surrounds eager operations."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context as _surroundings
from tideflow._src.core.device import DeviceSpec
from tideflow._src.graph import protos
from tideflow._src.runtime import devices, program_options


class Context:
    """Tells how and where operations run in this thread."""

    def executing_eagerly(self) -> bool:
        """Tells whether operations run at once."""
        return _surroundings.executing_eagerly()

    @property
    def device_name(self) -> str | None:
        """The device that ``tf.device`` asks for, or None."""
        return devices.asked_for()

    @property
    def device_spec(self) -> Any:
        """The same as a ``DeviceSpec``; an empty one where no device is asked for."""
        return DeviceSpec.from_string(self.device_name or "")

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

    @property
    def config(self) -> Any:
        """The options of eager operations as a ``ConfigProto``."""
        options = protos.ConfigProto(allow_soft_placement=self.soft_device_placement)
        options.inter_op_parallelism_threads = program_options.get_inter_op_parallelism_threads()
        options.intra_op_parallelism_threads = program_options.get_intra_op_parallelism_threads()
        for kind in ("CPU", "GPU"):
            options.device_count[kind] = len(devices.list_logical_devices(kind))
        return options


_context = Context()


def context() -> Context:
    """Returns what surrounds eager operations."""
    return _context


def get_config() -> Any:
    """Returns the options of eager operations as a ``ConfigProto``; changes of it change nothing."""
    return _context.config
