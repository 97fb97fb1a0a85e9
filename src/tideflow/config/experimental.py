"""Devices under their older names: ``tf.config.experimental``."""

from __future__ import annotations

from tideflow._src.runtime.devices import LogicalDeviceConfiguration as VirtualDeviceConfiguration
from tideflow._src.runtime.devices import get_logical_device_configuration as get_virtual_device_configuration
from tideflow._src.runtime.devices import get_memory_growth as get_memory_growth
from tideflow._src.runtime.devices import get_visible_devices as get_visible_devices
from tideflow._src.runtime.devices import list_logical_devices as list_logical_devices
from tideflow._src.runtime.devices import list_physical_devices as list_physical_devices
from tideflow._src.runtime.devices import set_logical_device_configuration as set_virtual_device_configuration
from tideflow._src.runtime.devices import set_memory_growth as set_memory_growth
from tideflow._src.runtime.devices import set_visible_devices as set_visible_devices
