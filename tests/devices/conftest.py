"""Runs the tests of this folder only where there is an accelerator; ``tests/test_accelerator.py`` sees to that.

``TIDEFLOW_VIRTUAL_ACCELERATORS=2 pytest tests/devices`` makes two CPU devices of the engine play GPUs. On a machine
with a GPU, ``pytest tests/devices`` runs on it.
"""

from __future__ import annotations

import pytest

from tideflow._src.runtime import device_options, devices

collect_ignore_glob = [] if devices.ACCELERATED else ["test_*.py"]


def pytest_configure(config: pytest.Config) -> None:
    """Splits the only GPU, where there is one, so that there are two."""
    if not devices.ACCELERATED:
        return
    device_options.enable_tensor_float_32_execution(False)  # the tests compare every digit with the host
    found = devices.list_physical_devices("GPU")
    assert found, "No GPU was found."
    if len(found) == 1:
        devices.set_logical_device_configuration(found[0], [devices.LogicalDeviceConfiguration(1024)] * 2)
