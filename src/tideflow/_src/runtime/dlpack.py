"""Exchanges tensors with other libraries without a copy, through DLPack."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.device_tensor import DeviceTensor, wrap_array
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import EagerTensor, wrap
from tideflow._src.runtime import devices
from tideflow._src.runtime.lazy import jnp

_CPU = 1  # DLPack's number for host memory


def to_dlpack(tf_tensor: Any) -> Any:
    """Returns the memory of an eager tensor as a DLPack capsule, which another library takes over.

    Raises:
      InvalidArgumentError: ``tf_tensor`` is no eager tensor, or of a dtype that DLPack does not know.
    """
    if not isinstance(tf_tensor, EagerTensor):
        raise InvalidArgumentError(None, None, f"The argument to `to_dlpack` must be a TF tensor, not {tf_tensor!r}")
    if isinstance(tf_tensor, DeviceTensor):
        return tf_tensor.__dlpack__()
    value = np.asarray(tf_tensor._value)
    if value.dtype.kind not in "biufc" or value.dtype.name == "bfloat16":
        raise InvalidArgumentError(None, None, f"{tf_tensor.dtype.name} is not supported by dlpack")
    # NumPy hands out memory that may be written to only.
    return (value if value.flags.writeable else value.copy()).__dlpack__()


class _Capsule:
    """Is a capsule in the form that libraries take: an object that gives one, and says where its memory is."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **options: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
        pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        try:
            start = pointer_of(self._capsule, b"dltensor")
        except ValueError:  # used before, or no capsule of DLPack: the library that takes it says so
            return (_CPU, 0)
        # A capsule's tensor begins with the address of its data, and the type and number of its device.
        kind, index = (ctypes.c_int32 * 2).from_address(start + ctypes.sizeof(ctypes.c_void_p))
        return (kind, index)


def from_dlpack(dlcapsule: Any) -> Any:
    """Returns a tensor over the memory of a DLPack capsule, or of an array that gives one, on the device that it is on.

    Raises:
      InvalidArgumentError: it is no capsule, was used before, or holds what no tensor can.
    """
    source = dlcapsule if hasattr(dlcapsule, "__dlpack__") else _Capsule(dlcapsule)
    try:
        on_host = source.__dlpack_device__()[0] == _CPU
        value = np.from_dlpack(source) if on_host else jnp.from_dlpack(source)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise InvalidArgumentError(None, None, f"from_dlpack: {error}") from None
    if value.dtype not in dtypes.of_numpy:
        raise InvalidArgumentError(None, None, f"from_dlpack: no tensor holds {value.dtype}.")
    return wrap(value) if on_host else wrap_array(value, devices.name_of(value.device))
