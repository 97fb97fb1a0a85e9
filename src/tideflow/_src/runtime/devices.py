"""Knows the devices: the CPU, virtual CPUs made for tests, and accelerators if there are any.

Looking for accelerators loads JAX, so it is done only where the machine shows signs of having one. There the first of
them is the device of every eager operation, as in TensorFlow, and the fast paths of the host are off.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from tideflow._src.core import context
from tideflow._src.core.device import DeviceSpecV2
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import HOST_CPU
from tideflow._src.graph import device_scopes
from tideflow._src.runtime import engine

_PREFIX = "/job:localhost/replica:0/task:0"
HOST = HOST_CPU

#: Non-empty where there may be accelerators. Its entry is among ``context.BUILDING`` too: no fast path is taken.
ACCELERATED: list[Any] = []
_KINDS = {"gpu": "GPU", "cuda": "GPU", "rocm": "GPU", "tpu": "TPU"}


class PhysicalDevice(NamedTuple):
    """Is a device of this machine."""

    name: str
    device_type: str


class LogicalDevice(NamedTuple):
    """Is a device that operations can be placed on."""

    name: str
    device_type: str


class LogicalDeviceConfiguration(NamedTuple):
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
        #: What happens to inputs that are on another device than an operation.
        self.policy = "silent"
        self._physical: dict[PhysicalDevice, Any] | None = None
        self._engine_devices: dict[str, Any] = {}
        self._default: str | None = None
        #: Full names of the devices that partial names stand for, as far as they have been asked for.
        self.resolved: dict[str, str] = {}

    def changed(self) -> None:
        """Forgets what followed from the configuration before it changed."""
        self._default = None
        self.resolved = {}

    def physical(self) -> list[PhysicalDevice]:
        return list(self._found())

    def _found(self) -> dict[PhysicalDevice, Any]:
        """The devices of this machine, each with the engine's device that it is; None for the host."""
        with self.lock:
            if self._physical is None:
                found: dict[PhysicalDevice, Any] = {PhysicalDevice("/physical_device:CPU:0", "CPU"): None}
                counts: dict[str, int] = {}
                for kind, device in _accelerators():
                    index = counts[kind] = counts.get(kind, -1) + 1
                    found[PhysicalDevice(f"/physical_device:{kind}:{index}", kind)] = device
                self._physical = found
            return self._physical

    def logical(self) -> list[LogicalDevice]:
        with self.lock:
            self.initialized = True
            counts: dict[str, int] = {}
            result = []
            found = self._found()
            for device in self.visible if self.visible is not None else self.physical():
                for _ in range(max(1, len(self.configurations.get(device, ())))):
                    index = counts.get(device.device_type, 0)
                    counts[device.device_type] = index + 1
                    name = f"/device:{device.device_type}:{index}"
                    result.append(LogicalDevice(name, device.device_type))
                    if found[device] is not None:
                        self._engine_devices[_PREFIX + name] = found[device]
            return result

    def default(self) -> str:
        """The name of the device of operations that do not ask for one: the first accelerator, or the host."""
        if self._default is None:
            names = [device.name for device in self.logical() if device.device_type != "CPU"]
            self._default = _PREFIX + names[0] if names else HOST
        return self._default

    def engine_device_of(self, device: PhysicalDevice) -> Any:
        """Returns the engine's device that a physical device is; None for the host."""
        return self._found()[device]

    def engine_device(self, name: str) -> Any:
        """Returns the engine's device of a full name; None if values of that device are in host memory."""
        if not self.initialized:
            self.logical()
        return self._engine_devices.get(name)


def _may_have_accelerators() -> bool:
    """Tells whether this machine shows signs of an accelerator that the engine can use."""
    if engine.virtual_accelerators():
        return True
    if os.environ.get("JAX_PLATFORMS", "").lower() == "cpu":
        return False
    nodes = os.listdir("/dev") if os.path.isdir("/dev") else []
    nvidia = any(node.startswith("nvidia") and node[6:7] in tuple("0123456789") for node in nodes)
    if nvidia and os.environ.get("CUDA_VISIBLE_DEVICES", "0") in ("", "-1"):
        nvidia = False
    if not nvidia and "kfd" not in nodes and not any(node.startswith("accel") for node in nodes):
        return False
    import importlib.util  # loaded only where there may be an accelerator

    return any(importlib.util.find_spec(name) is not None for name in ("jax_plugins", "libtpu"))


def _accelerators() -> list[tuple[str, Any]]:
    """Returns the type and the engine's device of each accelerator of this machine."""
    if not ACCELERATED:
        return []
    found = engine.load().local_devices()
    virtual = engine.virtual_accelerators()
    if virtual:
        return [("GPU", device) for device in found[1 : virtual + 1]]
    return [(_KINDS[device.platform], device) for device in found if device.platform in _KINDS]


if _may_have_accelerators():
    ACCELERATED.append(object())
    context.SPECIAL[ACCELERATED[0]] = context.BUILDING[ACCELERATED[0]] = None

configuration = _Devices()


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """Returns the devices of this machine, of one type (``"CPU"``, ``"GPU"``, ``"TPU"``) or all."""
    return [device for device in configuration.physical() if device_type in (None, device.device_type)]


def list_logical_devices(device_type: str | None = None) -> list[LogicalDevice]:
    """Returns the devices that operations can be placed on; from then on their configuration is fixed."""
    return [device for device in configuration.logical() if device_type in (None, device.device_type)]


def full_name(device: LogicalDevice) -> str:
    """Returns the name that a device of this process has among those of all."""
    return _PREFIX + device.name


def name_of(engine_device: Any) -> str:
    """Returns the full name of the first device that an engine's device is.

    Raises:
      InvalidArgumentError: it is not among the visible devices.
    """
    configuration.logical()
    for name, device in configuration._engine_devices.items():
        if device == engine_device:
            return name
    raise InvalidArgumentError(None, None, f"{engine_device} is none of the devices that tensors can be on.")


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
    chosen = (
        list(devices)
        if isinstance(devices, list | tuple) and not isinstance(devices, PhysicalDevice)
        else [devices]
        if devices is not None
        else []
    )
    for device in chosen:
        if device not in configuration.physical():
            raise ValueError(f"Unrecognized device: {device!r} is none of this machine's.")
        if device_type is not None and device.device_type != device_type:
            raise ValueError(f"Unrecognized device: {device!r} is not of type {device_type}")
    others = [] if device_type is None else [item for item in get_visible_devices() if item.device_type != device_type]
    if configuration.initialized and set(others + chosen) != set(get_visible_devices()):
        raise RuntimeError("Visible devices cannot be modified after being initialized")
    configuration.visible = [*others, *chosen]
    configuration.changed()


def set_logical_device_configuration(device: PhysicalDevice, logical_devices: Any) -> None:
    """Splits a physical device into several logical ones, as tests of many devices on one CPU do.

    Raises:
      ValueError: the device does not exist, a CPU's part is given more than that it is one, or a GPU's part no memory
        limit.
      RuntimeError: devices are in use already.
    """
    if device not in configuration.physical():
        raise ValueError(f"Unrecognized device: {device}")
    split = list(logical_devices)
    if device.device_type == "CPU":
        for item in split:
            for name in ("memory_limit", "experimental_priority", "experimental_device_ordinal"):
                if getattr(item, name) is not None:
                    option = name.replace("memory_limit", "memory limit")
                    raise ValueError(f"Setting {option} on CPU virtual devices is currently not supported")
    elif device.device_type == "GPU":
        if any(item.memory_limit is None for item in split):
            raise ValueError("Setting memory limit is required for GPU virtual devices")
    else:
        raise ValueError(f"Virtual devices are not supported for {device.device_type}")
    if configuration.initialized and configuration.configurations.get(device) != split:
        raise RuntimeError("Virtual devices cannot be modified after being initialized")
    configuration.configurations[device] = split
    configuration.changed()


def get_logical_device_configuration(device: PhysicalDevice) -> list[LogicalDeviceConfiguration] | None:
    """Returns how a physical device is split, or None."""
    if device not in configuration.physical():
        raise ValueError(f"Unrecognized device: {device}")
    return configuration.configurations.get(device)


def set_soft_device_placement(enabled: bool) -> None:
    """Chooses whether an operation placed on a device that does not exist runs elsewhere or fails."""
    configuration.soft_placement = bool(enabled)
    configuration.changed()


def get_soft_device_placement() -> bool:
    """Tells whether an operation placed on a device that does not exist runs elsewhere."""
    return configuration.soft_placement


def set_memory_growth(device: PhysicalDevice, enable: bool) -> None:
    """Chooses whether an accelerator's memory is taken as needed; here it always is.

    Raises:
      ValueError: the device is no accelerator of this machine, or is split into several.
      RuntimeError: devices are in use already.
    """
    if device not in configuration.physical():
        raise ValueError(f"Unrecognized device: {device}")
    if device in configuration.configurations:
        raise ValueError("Cannot set memory growth on device when virtual devices configured")
    if device.device_type == "CPU":
        raise ValueError("Cannot set memory growth on non-GPU and non-Pluggable devices")
    if get_memory_growth(device) == bool(enable):
        return
    if configuration.initialized:
        raise RuntimeError("Physical devices cannot be modified after being initialized")
    configuration.memory_growth[device] = enable


def get_memory_growth(device: PhysicalDevice) -> bool:
    """Tells whether an accelerator's memory is taken as needed."""
    if device not in configuration.physical():
        raise ValueError(f"Unrecognized device: {device}")
    return configuration.memory_growth.get(device, False)


def existing(device: str) -> str | None:
    """Returns the full name of the device that a partial name stands for; None if there is no such device."""
    spec = DeviceSpecV2.from_string(device)
    if spec.device_type is None:
        return configuration.default() if ACCELERATED else HOST
    if spec.job not in (None, "localhost") or spec.task not in (None, 0) or spec.replica not in (None, 0):
        return None
    name = f"/device:{spec.device_type}:{spec.device_index or 0}"
    return f"{_PREFIX}{name}" if name in [item.name for item in configuration.logical()] else None


def resolve(device: str) -> str:
    """Returns the full name of the device that a partial name stands for.

    Raises:
      InvalidArgumentError: it does not exist, and soft placement is off.
    """
    found = existing(device)
    if found is not None:
        return found
    if configuration.soft_placement:
        return configuration.default() if ACCELERATED else HOST
    full = DeviceSpecV2.from_string(_PREFIX).make_merged_spec(DeviceSpecV2.from_string(device)).to_string()
    available = [item.name for item in configuration.logical()]
    kinds = sorted({item.device_type for item in configuration.logical()})
    raise InvalidArgumentError(
        None,
        None,
        f"Could not satisfy device specification '{full}'. enable_soft_placement=0. Supported device types "
        f"[{', '.join(kinds)}]. All available devices [{', '.join(_PREFIX + item for item in available)}].",
    )


def asked_for() -> str | None:
    """Returns the full name of the device that the scopes of this thread ask for; None if they do not."""
    scopes = context.state.devices
    if not scopes:
        return None
    name = device_scopes.merged(scopes, None)
    if not name:
        return None
    known = configuration.resolved.get(name)
    if known is None:
        known = configuration.resolved[name] = resolve(name)
    return known


def current() -> str:
    """Returns the device of eager operations of this thread whose inputs do not say otherwise."""
    return asked_for() or (configuration.default() if ACCELERATED else HOST)


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


def device_of_program(ops: Any, buffers: Any = ()) -> tuple[str, bool]:
    """Returns the full name of the device that runs a graph, and whether something in the graph asks for it.

    It is the first accelerator that an operation asks for, else the one that holds a variable, else the device of
    operations that do not ask: the host, too, if no operation leaves it open.

    Args:
      ops: the operations of the graph.
      buffers: the variables that they use and that have a placement.
    """
    if not ACCELERATED:
        return HOST, False
    names = list(dict.fromkeys(op.device for op in ops))
    kinds = {name: DeviceSpecV2.from_string(name).device_type for name in names}
    for name in names:
        if kinds[name] not in (None, "CPU"):
            found = existing(name) or configuration.default()
            if configuration.engine_device(found) is not None:
                return found, True
    for buffer in buffers:
        if configuration.engine_device(buffer.placement) is not None:
            return buffer.placement, True
    if names and all(kinds[name] == "CPU" for name in names):
        return HOST, False
    return configuration.default(), False


def engine_device_of_program(name: str) -> Any:
    """Returns the engine's device for a program; None leaves it to the engine, which then has the host alone."""
    if not ACCELERATED:
        return None
    found = configuration.engine_device(name)
    return engine.host_device() if found is None else found


def is_on_engine(value: Any) -> bool:
    """Tells whether a value is in the memory of the engine."""
    return engine.is_loaded() and isinstance(value, engine.load().Array)


def in_memory_of(name: str, values: Any) -> list[Any]:
    """Returns values of which none is in the memory of another accelerator than the one of a name."""
    device = engine_device_of_program(name)
    put = engine.load().device_put
    return [put(value, device) if is_on_engine(value) and value.device != device else value for value in values]


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
