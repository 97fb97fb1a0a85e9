"""Devices and how programs run: ``tf.config``."""

from __future__ import annotations

from tideflow._src.runtime.devices import (LogicalDevice as LogicalDevice, LogicalDeviceConfiguration as LogicalDeviceConfiguration, PhysicalDevice as PhysicalDevice, get_logical_device_configuration as get_logical_device_configuration, get_soft_device_placement as get_soft_device_placement, get_visible_devices as get_visible_devices, list_logical_devices as list_logical_devices, list_physical_devices as list_physical_devices, set_logical_device_configuration as set_logical_device_configuration, set_soft_device_placement as set_soft_device_placement, set_visible_devices as set_visible_devices)
from tideflow._src.runtime.options import (functions_run_eagerly as functions_run_eagerly, run_functions_eagerly as run_functions_eagerly)
from tideflow.config import experimental as experimental
from tideflow.config import optimizer as optimizer
from tideflow.config import threading as threading
