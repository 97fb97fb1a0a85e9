"""Knows the devices: the CPU, virtual CPUs made for tests, and accelerators if there are any.

Looking for accelerators loads JAX, so it is done only where the machine shows signs of having one.
"""

from __future__ import annotations

import contextlib
import glob
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tideflow._src.core import context
from tideflow._src.core.device import DeviceSpecV2
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph import device_scopes

_PREFIX = "/job:localhost/replica:0/task:0"
HOST = f"{_PREFIX}/device:CPU:0"


@dataclass(frozen=True)
class PhysicalDevice:
    """Is a device of this machine."""

    name: str
    device_type: str

    def __repr__(self) -> str:
        return f"PhysicalDevice(name='{self.name}', device_type='{self.device_type}')"


@dataclass(frozen=True)
class LogicalDevice:
    """Is a device that operations can be placed on."""

    name: str
    device_type: str

    def __repr__(self) -> str:
        return f"LogicalDevice(name='{self.name}', device_type='{self.device_type}')"


@dataclass(frozen=True)
class LogicalDeviceConfiguration:
    """Is what a logical device is made with.

    Attributes:
      memory_limit: megabytes that it may use, for an accelerator.
      experimental_priority, experimental_device_ordinal: kept for TensorFlow's signature.
    """

    memory_limit: int | None = None
    experimental_priority: int | None = None
    experimental_device_ordinal: int | None = None


class _Devices:
    """Is the configuration of devices of this process, fixed when devices are first used."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.initialized = False
        self.configurations: dict[PhysicalDevice, list[LogicalDeviceConfiguration]] = {}
        self.visible: list[PhysicalDevice] | None = None
        self.soft_placement = True
        self.memory_growth: dict[PhysicalDevice, bool] = {}
        self._physical: list[PhysicalDevice] | None = None

    def physical(self) -> list[PhysicalDevice]:
        if self._physical is None:
            found = [PhysicalDevice("/physical_device:CPU:0", "CPU")]
            found += [
                PhysicalDevice(f"/physical_device:{kind}:{index}", kind)
                for kind, count in _accelerators().items()
                for index in range(count)
            ]
            self._physical = found
        return self._physical

    def logical(self) -> list[LogicalDevice]:
        self.initialized = True
        counts: dict[str, int] = {}
        result = []
        for device in self.visible if self.visible is not None else self.physical():
            for _ in range(max(1, len(self.configurations.get(device, ())))):
                index = counts.get(device.device_type, 0)
                counts[device.device_type] = index + 1
                result.append(LogicalDevice(f"/device:{device.device_type}:{index}", device.device_type))
        return result


def _accelerators() -> dict[str, int]:
    if not (glob.glob("/dev/nvidia[0-9]*") or glob.glob("/dev/accel*")):
        return {}
    from tideflow._src.runtime import engine

    jax = engine.load()
    counts: dict[str, int] = {}
    for device in jax.devices():
        kind = {"gpu": "GPU", "cuda": "GPU", "tpu": "TPU"}.get(device.platform)
        if kind:
            counts[kind] = counts.get(kind, 0) + 1
    return counts


configuration = _Devices()


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """Returns the devices of this machine, of one type (``"CPU"``, ``"GPU"``, ``"TPU"``) or all."""
    return [device for device in configuration.physical() if device_type in (None, device.device_type)]


def list_logical_devices(device_type: str | None = None) -> list[LogicalDevice]:
    """Returns the devices that operations can be placed on; from then on their configuration is fixed."""
    return [device for device in configuration.logical() if device_type in (None, device.device_type)]


def get_visible_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """Returns the physical devices that are used."""
    visible = configuration.visible if configuration.visible is not None else configuration.physical()
    return [device for device in visible if device_type in (None, device.device_type)]


def set_visible_devices(devices: Any, device_type: str | None = None) -> None:
    """Chooses the physical devices to use.

    Raises:
      ValueError: a device does not exist, or is not of ``device_type``.
      RuntimeError: devices are in use already.
    """
    chosen = list(devices) if isinstance(devices, list | tuple) else [devices] if devices is not None else []
    for device in chosen:
        if device not in configuration.physical():
            raise ValueError(f"The following device is not available: {device}")
        if device_type is not None and device.device_type != device_type:
            raise ValueError(f"Unrecognized device: {device} is not of type {device_type}")
    others = [] if device_type is None else [item for item in get_visible_devices() if item.device_type != device_type]
    if configuration.initialized and set(others + chosen) != set(get_visible_devices()):
        raise RuntimeError("Visible devices cannot be modified after being initialized")
    configuration.visible = [*others, *chosen]


def set_logical_device_configuration(device: PhysicalDevice, logical_devices: Any) -> None:
    """Splits a physical device into several logical ones, as tests of many devices on one CPU do.

    Raises:
      ValueError: the device does not exist, or a CPU is given a memory limit.
      RuntimeError: devices are in use already.
    """
    if device not in configuration.physical():
        raise ValueError(f"Unrecognized device: {device}")
    split = list(logical_devices)
    if device.device_type == "CPU" and any(item.memory_limit is not None for item in split):
        raise ValueError("Setting memory limit on CPU virtual devices is currently not supported")
    if configuration.initialized and configuration.configurations.get(device) != split:
        raise RuntimeError("Virtual devices cannot be modified after being initialized")
    configuration.configurations[device] = split


def get_logical_device_configuration(device: PhysicalDevice) -> list[LogicalDeviceConfiguration] | None:
    """Returns how a physical device is split, or None."""
    if device not in configuration.physical():
        raise ValueError(f"Unrecognized device: {device}")
    return configuration.configurations.get(device)


def set_soft_device_placement(enabled: bool) -> None:
    """Chooses whether an operation placed on a device that does not exist runs elsewhere or fails."""
    configuration.soft_placement = bool(enabled)


def get_soft_device_placement() -> bool:
    """Tells whether an operation placed on a device that does not exist runs elsewhere."""
    return configuration.soft_placement


def set_memory_growth(device: PhysicalDevice, enable: bool) -> None:
    """Chooses whether an accelerator's memory is taken as needed.

    Raises:
      ValueError: the device is no accelerator of this machine.
    """
    if device not in configuration.physical():
        raise ValueError(f"Unrecognized device: {device}")
    if device.device_type == "CPU":
        raise ValueError("Cannot set memory growth on device when virtual devices configured, or on a CPU")
    configuration.memory_growth[device] = enable


def get_memory_growth(device: PhysicalDevice) -> bool:
    """Tells whether an accelerator's memory is taken as needed."""
    if device not in configuration.physical():
        raise ValueError(f"Unrecognized device: {device}")
    return configuration.memory_growth.get(device, False)


def resolve(device: str) -> str:
    """Returns the full name of the device that a partial name stands for.

    Raises:
      InvalidArgumentError: it does not exist, and soft placement is off.
    """
    if not device:
        return HOST
    spec = DeviceSpecV2.from_string(device)
    kind = spec.device_type or "CPU"
    index = spec.device_index or 0
    name = f"/device:{kind}:{index}"
    available = [item.name for item in configuration.logical()]
    local = spec.job in (None, "localhost") and spec.task in (None, 0) and spec.replica in (None, 0)
    if name in available and local:
        return f"{_PREFIX}{name}"
    if configuration.soft_placement:
        return HOST
    full = f"{_PREFIX}{name}" if local else device
    kinds = sorted({item.device_type for item in configuration.logical()})
    raise InvalidArgumentError(
        None,
        None,
        f"Could not satisfy device specification '{full}'. enable_soft_placement=0. Supported device types "
        f"[{', '.join(kinds)}]. All available devices [{', '.join(_PREFIX + item for item in available)}].",
    )


def current() -> str:
    """Returns the device that eager operations of this thread run on."""
    scopes = context.state.devices
    return resolve(device_scopes.merged(scopes, None)) if scopes else HOST


@contextmanager
def device(device_name: Any) -> Iterator[None]:
    """Places the operations inside on a device.

    Args:
      device_name: the name of a device, complete or in part; in a graph also a function from operations to names; None
        for no wish.

    Raises:
      ValueError: the name is malformed.
      RuntimeError: a function is given while operations run eagerly.
    """
    graph = context.current_graph()
    if graph is not None:
        with graph.device(device_name):
            yield
        return
    if callable(device_name) and not hasattr(device_name, "to_string"):
        raise RuntimeError("tf.device does not support functions when eager execution is enabled.")
    name = device_name.name if isinstance(device_name, LogicalDevice) else device_name
    with context.entered(context.state.devices, device_scopes.checked(name)):
        yield


def device_v1(device_name_or_function: Any) -> contextlib.AbstractContextManager[None]:
    """Places the operations inside on a device: :func:`device` with the argument's name of TensorFlow 1."""
    return device(device_name_or_function)


def check_placement(ops: Any, config: Any) -> None:
    """Checks that the devices that operations of a graph ask for exist.

    Raises:
      InvalidArgumentError: one does not, and the session's ``ConfigProto`` does not allow soft placement.
    """
    if config is not None and config.allow_soft_placement:
        return
    checked: set[str] = set()
    for op in ops:
        if not op.device or op.device in checked:
            continue
        checked.add(op.device)
        available = {f"/device:{item.device_type}:{item.name.rpartition(':')[2]}" for item in configuration.logical()}
        if config is not None and "CPU" in config.device_count:
            available |= {f"/device:CPU:{index}" for index in range(config.device_count["CPU"])}
        spec = DeviceSpecV2.from_string(op.device)
        if spec.device_type is None:
            continue
        if f"/device:{spec.device_type}:{spec.device_index or 0}" not in available:
            raise InvalidArgumentError(
                None,
                op,
                f"Cannot assign a device for operation {op.name}: node {op.name} was explicitly assigned to "
                f"{op.device} but available devices are [ {', '.join(_PREFIX + item for item in sorted(available))} ]. "
                "Make sure the device specification refers to a valid device, or set allow_soft_placement=True in "
                f"the session's ConfigProto.\n  created at {op.source_line}",
            )


class SessionDevice:
    """Is a device as ``Session.list_devices`` shows it."""

    def __init__(self, name: str, device_type: str) -> None:
        self.name = name
        self.device_type = device_type
        self.memory_limit_bytes = 268435456
        self.incarnation = 0

    def __repr__(self) -> str:
        return f"_DeviceAttributes({self.name}, {self.device_type}, {self.memory_limit_bytes}, {self.incarnation})"


def session_devices() -> list[SessionDevice]:
    """Returns the devices of this process, for sessions."""
    return [SessionDevice(_PREFIX + item.name, item.device_type) for item in configuration.logical()]
