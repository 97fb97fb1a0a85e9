"""Options of ``tf.config.experimental`` about devices: precision, determinism, memory, policies."""

from __future__ import annotations

import os
import platform
import sys
from typing import Any

from tideflow._src.core import context
from tideflow._src.core.device import canonical_name
from tideflow._src.core.tensor import EagerTensor
from tideflow._src.runtime import devices, engine, seed_rules

_POLICIES = (None, "explicit", "warn", "silent", "silent_for_int32")
_options: dict[str, Any] = {"tensor_float_32": True, "synchronous": True, "log_placement": False}


def enable_tensor_float_32_execution(enabled: bool) -> None:
    """Chooses whether GPUs may multiply float32 matrices with the shorter mantissa of TensorFloat-32.

    On CPUs False keeps convolutions from Winograd's algorithm, whose errors are three to ten times a plain sum's.
    """
    _options["tensor_float_32"] = bool(enabled)
    precision = "default" if enabled else "float32"
    os.environ["JAX_DEFAULT_MATMUL_PRECISION"] = precision  # for an engine that is loaded later
    if engine.is_loaded():
        engine.load().config.update("jax_default_matmul_precision", precision)


def tensor_float_32_execution_enabled() -> bool:
    """Tells whether GPUs may use TensorFloat-32."""
    return bool(_options["tensor_float_32"])


def enable_op_determinism() -> None:
    """Makes every operation give the same result at each run.

    On the CPU that is so in any case; convolutions do without Winograd's algorithm. On GPUs the compiler is told, which
    must happen before its first program. Random operations without any seed become errors.
    """
    seed_rules.determinism.enabled = True
    flags = os.environ.get("XLA_FLAGS", "")
    if "--xla_gpu_deterministic_ops" not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --xla_gpu_deterministic_ops=true".strip()


def get_synchronous_execution() -> bool:
    """Tells whether a call of an operation returns only when it has run."""
    return bool(_options["synchronous"])


def set_synchronous_execution(enable: bool) -> None:
    """Asks for calls that return at once, or only when the operation has run.

    Calls on the host always do the latter; on an accelerator they return at once, and asking for a value waits.
    """
    _options["synchronous"] = bool(enable)


def get_device_policy() -> str:
    """Returns what happens to tensors that are on another device than an operation; see :func:`set_device_policy`."""
    return devices.configuration.policy


def set_device_policy(device_policy: str | None) -> None:
    """Chooses what happens to tensors that are on another device than an operation that takes them.

    Args:
      device_policy: ``"silent"`` (also None): they are copied; ``"warn"``: copied, with a warning; ``"explicit"``: that
        is an error; ``"silent_for_int32"``: an error for all but 32-bit integers.

    Raises:
      ValueError: it is none of these.
    """
    if device_policy not in _POLICIES:
        raise ValueError(
            f"Invalid argument `device_policy`: {device_policy!r}. Please refer to "
            "https://www.tensorflow.org/api_docs/python/tf/config/experimental/set_device_policy for valid "
            "`device_policy` arguments."
        )
    devices.configuration.policy = device_policy or "silent"


class _PlacementLog:
    """Is told of every operation, as tapes are, and writes where it ran."""

    is_forward = True

    def record(self, op_def: Any, inputs: Any, attrs: Any, outputs: Any) -> None:
        """Writes the device of an eager operation."""
        first = outputs
        while isinstance(first, list | tuple) and first:
            first = first[0]
        device = first.device if isinstance(first, EagerTensor) else devices.current()
        print(f"Executing op {op_def.name} in device {device}", file=sys.stderr)

    def record_node(self, node: Any) -> None:
        """Writes the device that a node asks for."""
        print(f"{node.name}: ({node.type}): {node.device}", file=sys.stderr)

    def record_custom(self, inputs: Any, outputs: Any, backward: Any) -> None:
        """Ignores functions of the user: their operations have been written."""

    def variable_accessed(self, variable: Any) -> None:
        """Ignores that a variable is read."""


_placement_log = _PlacementLog()


def get_log_device_placement() -> bool:
    """Tells whether the devices of operations are logged."""
    return bool(_options["log_placement"])


def set_log_device_placement(enabled: bool) -> None:
    """Chooses whether this thread writes, for each operation that it runs, the device that runs it."""
    if bool(enabled) == get_log_device_placement():
        return
    _options["log_placement"] = bool(enabled)
    (context.enter_tape if enabled else context.leave_tape)(_placement_log)


def get_device_details(device: Any) -> dict[str, Any]:
    """Returns what is known of a physical device: for a GPU its name and compute capability.

    Raises:
      ValueError: ``device`` is no physical device of this machine.
    """
    if not isinstance(device, devices.PhysicalDevice):
        raise ValueError(f"device must be a tf.config.PhysicalDevice, but got: {device}")
    if device not in devices.list_physical_devices():
        raise ValueError(f"{device} is none of the devices that `tf.config.list_physical_devices` gives.")
    if device.device_type != "GPU":
        return {}
    details: dict[str, Any] = {}
    found = devices.configuration.engine_device_of(device)
    details["device_name"] = str(getattr(found, "device_kind", ""))
    capability = getattr(found, "compute_capability", None)
    if capability is not None:
        details["compute_capability"] = tuple(int(part) for part in str(capability).split("."))
    return details


def get_memory_info(device: str) -> dict[str, int]:
    """Returns how many bytes a device holds now (``"current"``) and held at most (``"peak"``).

    Raises:
      ValueError: the device's name is malformed, or there is no such device.
    """
    found = _memory_device(device)
    if found.device_type == "CPU":
        return {"current": _resident(), "peak": _peak()}
    return _memory_of(found)


def _memory_of(device: devices.PhysicalDevice) -> dict[str, int]:
    """Returns the bytes in use of an accelerator, and the most since they were last reset."""
    engine_device = devices.configuration.engine_device_of(device)
    statistics = engine_device.memory_stats()
    if statistics is None:  # an engine's device that counts nothing: what its arrays take
        arrays = [array for array in engine.load().live_arrays() if array.devices() == {engine_device}]
        current = peak = sum(array.nbytes for array in arrays)
    else:
        current = int(statistics.get("bytes_in_use", 0))
        peak = int(statistics.get("peak_bytes_in_use", 0))
    # The engine's peak is that of the whole process: what it was at a reset tells nothing of the time since.
    known, engine_peak = _peaks.get(device, (0, 0))
    peak = max(current, known, peak if peak > engine_peak else 0)
    _peaks[device] = (peak, engine_peak)
    return {"current": current, "peak": peak}


def get_memory_usage(device: str) -> int:
    """Returns how many bytes a device holds now."""
    return get_memory_info(device)["current"]


def reset_memory_stats(device: str) -> None:
    """Forgets how many bytes a device held at most.

    Raises:
      ValueError: the device's name is malformed, or there is no such device.
    """
    found = _memory_device(device)
    if found.device_type == "CPU":
        _options["cpu_peak"] = _resident()
        return
    statistics = devices.configuration.engine_device_of(found).memory_stats() or {}
    _peaks[found] = (0, int(statistics.get("peak_bytes_in_use", 0)))


#: Of each accelerator, the most bytes that were seen in use since the last reset, and the engine's peak then.
_peaks: dict[devices.PhysicalDevice, tuple[int, int]] = {}


def _memory_device(device: str) -> devices.PhysicalDevice:
    try:
        name = canonical_name(device).rpartition("device:")[2]
    except ValueError:
        raise ValueError(f"Failed parsing device name: {device!r}. Expected a name such as 'GPU:0'.") from None
    kind, _, index = name.partition(":")
    if not kind or index in ("", "*"):
        raise ValueError(f"{device!r} does not say which device: expected a name such as 'GPU:0'.")
    found = devices.list_physical_devices(kind)
    if int(index) >= len(found):
        raise ValueError(f"No matching devices found for {device!r}")
    return found[int(index)]


def _resident() -> int:
    """Returns the bytes of this process that are in memory."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # another system than Linux
        return _largest()


def _largest() -> int:
    import resource  # not there on every system

    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _peak() -> int:
    known = _options.get("cpu_peak")
    current = _resident()
    if known is None:
        return max(_largest(), current)
    _options["cpu_peak"] = max(known, current)
    return int(_options["cpu_peak"])


def enable_mlir_bridge() -> None:
    """Does nothing: TensorFlow's other way to XLA has no counterpart here."""


def disable_mlir_bridge() -> None:
    """Does nothing: TensorFlow's other way to XLA has no counterpart here."""
