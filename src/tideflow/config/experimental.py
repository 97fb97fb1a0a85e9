"""Devices under their older names: ``tf.config.experimental``."""

from __future__ import annotations

from tideflow._src.runtime.device_options import disable_mlir_bridge as disable_mlir_bridge
from tideflow._src.runtime.device_options import enable_mlir_bridge as enable_mlir_bridge
from tideflow._src.runtime.device_options import enable_op_determinism as enable_op_determinism
from tideflow._src.runtime.device_options import enable_tensor_float_32_execution as enable_tensor_float_32_execution
from tideflow._src.runtime.device_options import get_device_details as get_device_details
from tideflow._src.runtime.device_options import get_device_policy as get_device_policy
from tideflow._src.runtime.device_options import get_memory_info as get_memory_info
from tideflow._src.runtime.device_options import get_memory_usage as get_memory_usage
from tideflow._src.runtime.device_options import get_synchronous_execution as get_synchronous_execution
from tideflow._src.runtime.device_options import reset_memory_stats as reset_memory_stats
from tideflow._src.runtime.device_options import set_device_policy as set_device_policy
from tideflow._src.runtime.device_options import set_synchronous_execution as set_synchronous_execution
from tideflow._src.runtime.device_options import tensor_float_32_execution_enabled as tensor_float_32_execution_enabled
from tideflow._src.runtime.devices import LogicalDeviceConfiguration as VirtualDeviceConfiguration
from tideflow._src.runtime.devices import get_logical_device_configuration as get_virtual_device_configuration
from tideflow._src.runtime.devices import get_memory_growth as get_memory_growth
from tideflow._src.runtime.devices import get_visible_devices as get_visible_devices
from tideflow._src.runtime.devices import list_logical_devices as list_logical_devices
from tideflow._src.runtime.devices import list_physical_devices as list_physical_devices
from tideflow._src.runtime.devices import set_logical_device_configuration as set_virtual_device_configuration
from tideflow._src.runtime.devices import set_memory_growth as set_memory_growth
from tideflow._src.runtime.devices import set_visible_devices as set_visible_devices
