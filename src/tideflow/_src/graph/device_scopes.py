"""Merges nested ``tf.device`` scopes into the device of an operation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.core.device import DeviceSpecV2 as DeviceSpec


def checked(device: Any) -> Any:
    """Returns the argument of a device scope in its kept form: a DeviceSpec, a function or None.

    Raises:
      ValueError: a malformed name, or something that names no device.
    """
    if device is None or callable(device):
        return device
    if isinstance(device, str):
        return DeviceSpec.from_string(device)
    if hasattr(device, "to_string"):
        return device
    raise ValueError(f"A device is a name, a DeviceSpec, a function or None, not {device!r}.")


def merged(scopes: Sequence[Any], op: Any) -> str:
    """Returns the device name that nested scopes, outermost first, give to ``op``."""
    spec = DeviceSpec()
    # What is outside of a scope of None does not count, and functions there are not asked.
    after = next((index + 1 for index in range(len(scopes) - 1, -1, -1) if scopes[index] is None), 0)
    for scope in scopes[after:]:
        if callable(scope):
            scope = scope(op)
            if scope is None:
                continue
            scope = DeviceSpec.from_string(scope) if isinstance(scope, str) else scope
        spec = spec.make_merged_spec(scope)
    return spec.to_string()
