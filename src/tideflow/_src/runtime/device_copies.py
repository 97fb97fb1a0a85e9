"""Makes tensors of values on the device that a scope asks for, and copies tensors from device to device."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context
from tideflow._src.core.tensor import EagerTensor, Tensor
from tideflow._src.graph.op_def import OpDef
from tideflow._src.runtime import convert, devices
from tideflow._src.runtime.device_calls import place


def convert_to_tensor(value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None) -> Tensor:
    """Returns ``value`` as a tensor: unchanged if it is one, else converted with TensorFlow's rules.

    Args:
      value: a tensor, variable, array, Python number or string, nested sequence, or an object with a registered
        conversion.
      dtype: the dtype that the tensor must have; by default it follows from the value.
      dtype_hint: a dtype to use where the value allows it.
      name: the name of the node, if one is made in a graph.

    Raises:
      TypeError: the value does not convert to ``dtype``.
      ValueError: the value is a tensor of another dtype, or of a kind that no tensor can be.
    """
    tensor = convert.convert_to_tensor(value, dtype, dtype_hint, name)
    return place(tensor) if context.BUILDING and tensor is not value else tensor


def convert_to_tensor_v1(
    value: Any,
    dtype: Any = None,
    name: str | None = None,
    preferred_dtype: Any = None,
    dtype_hint: Any = None,
) -> Tensor:
    """Returns ``value`` as a tensor: :func:`convert_to_tensor` with the arguments of TensorFlow 1.

    ``preferred_dtype`` is the older name of ``dtype_hint``.
    """
    return convert_to_tensor(value, dtype, dtype_hint if dtype_hint is not None else preferred_dtype, name)


def _copied(tensor: EagerTensor, device: str) -> Any:
    with devices.device(device):
        return OpDef.registry["Identity"](tensor)  # type: ignore[operator]


def _cpu(self: EagerTensor) -> Any:
    """Returns this tensor with its value in host memory."""
    return self if self.__class__ is EagerTensor else _copied(self, "/device:CPU:0")


def _gpu(self: EagerTensor, gpu_index: int = 0) -> Any:
    """Returns this tensor with its value in the memory of a GPU.

    Raises:
      RuntimeError: there is no such GPU.
    """
    name = f"/device:GPU:{gpu_index}"
    if name not in [device.name for device in devices.list_logical_devices("GPU")]:
        raise RuntimeError(f"Error copying tensor to device: GPU:{gpu_index}. GPU:{gpu_index} unknown device.")
    return _copied(self, name)


EagerTensor.cpu = _cpu  # type: ignore[attr-defined]
EagerTensor.gpu = _gpu  # type: ignore[attr-defined]
