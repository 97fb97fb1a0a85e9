"""Devices and how programs run: ``tf.config``."""

from __future__ import annotations

from tideflow._src.runtime.devices import LogicalDevice as LogicalDevice
from tideflow._src.runtime.devices import LogicalDeviceConfiguration as LogicalDeviceConfiguration
from tideflow._src.runtime.devices import PhysicalDevice as PhysicalDevice
from tideflow._src.runtime.devices import get_logical_device_configuration as get_logical_device_configuration
from tideflow._src.runtime.devices import get_soft_device_placement as get_soft_device_placement
from tideflow._src.runtime.devices import get_visible_devices as get_visible_devices
from tideflow._src.runtime.devices import list_logical_devices as list_logical_devices
from tideflow._src.runtime.devices import list_physical_devices as list_physical_devices
from tideflow._src.runtime.devices import set_logical_device_configuration as set_logical_device_configuration
from tideflow._src.runtime.devices import set_soft_device_placement as set_soft_device_placement
from tideflow._src.runtime.devices import set_visible_devices as set_visible_devices
from tideflow._src.runtime.program_options import functions_run_eagerly as experimental_functions_run_eagerly
from tideflow._src.runtime.program_options import functions_run_eagerly as functions_run_eagerly
from tideflow._src.runtime.program_options import run_functions_eagerly as experimental_run_functions_eagerly
from tideflow._src.runtime.program_options import run_functions_eagerly as run_functions_eagerly
from tideflow.config import experimental as experimental
from tideflow.config import optimizer as optimizer
from tideflow.config import threading as threading
