"""Defines the eager tensors of other devices than the first CPU.

The fast path of an operation tests for ``EagerTensor`` alone, so that these classes cost it nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import HOST_CPU, EagerTensor, Tensor, wrap
from tideflow._src.core.tensor_shape import TensorShape

_OF_NUMPY = dtypes.of_numpy
_new_object = object.__new__


class Transfers:
    """Counts the values that were copied from an accelerator's memory to the host."""

    to_host = 0


class PlacedTensor(EagerTensor):
    """Is a value in host memory that belongs to another device than the first CPU.

    So are the values of virtual CPUs, and the 32-bit integers of an accelerator: these are shapes, axes and counters,
    which the host needs.
    """

    __slots__ = ("_device",)

    _device: str

    @property
    def device(self) -> str:
        return self._device

    @property
    def backing_device(self) -> str:
        return self._device if "/device:CPU:" in self._device else HOST_CPU


class DeviceTensor(EagerTensor):
    """Is a value in the memory of an accelerator: a ``jax.Array`` that may still be on its way.

    Whoever asks for ``_value`` waits for the value and gets a copy in host memory.

    Attributes:
      _array: the value.
      _checks: what says whether the operations that led here accepted their values; called before the value is given.
    """

    __slots__ = ("_array", "_checks", "_device")

    _array: Any
    _checks: tuple[Callable[[], None], ...]
    _device: str

    @property
    def _value(self) -> Any:
        self.check()
        Transfers.to_host += 1
        return np.asarray(self._array)

    def array(self) -> Any:
        """Returns the value as the engine holds it, once it is known that nothing that led here was rejected.

        Raises:
          InvalidArgumentError: one of them was given a value that it rejects.
        """
        self.check()
        return self._array

    def check(self) -> None:
        """Waits for the operations that led here.

        Raises:
          InvalidArgumentError: one of them was given a value that it rejects.
        """
        for check in self._checks:
            check()
        self._checks = ()

    @property
    def dtype(self) -> dtypes.DType:
        return _OF_NUMPY[self._array.dtype]

    @property
    def shape(self) -> TensorShape:
        return TensorShape._from_tuple(self._array.shape)

    @property
    def ndim(self) -> int:
        return len(self._array.shape)

    @property
    def device(self) -> str:
        return self._device

    def __len__(self) -> int:
        shape = self._array.shape
        if not shape:
            raise TypeError("Scalar tensor has no `len()`")
        return int(shape[0])

    def __iter__(self) -> Iterator[Any]:
        shape = self._array.shape
        if not shape:
            raise TypeError("Cannot iterate over a scalar tensor.")
        return (self[index] for index in range(shape[0]))

    def __dlpack__(self, **options: Any) -> Any:
        self.check()
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._array.__dlpack_device__()


def wrap_array(array: Any, device: str, checks: tuple[Callable[[], None], ...] = ()) -> DeviceTensor:
    """Makes an eager tensor of an array in the memory of an accelerator."""
    tensor = _new_object(DeviceTensor)
    tensor._array = array
    tensor._checks = checks
    tensor._device = device
    return tensor


def wrap_on(value: Any, device: str) -> EagerTensor:
    """Makes an eager tensor of a value in host memory that belongs to a device."""
    if device == HOST_CPU:
        return wrap(value)
    tensor = _new_object(PlacedTensor)
    tensor._value = value
    tensor._device = device
    return tensor


def shape_of(tensor: Tensor) -> Any:
    """Returns the shape of an eager tensor as a tuple, without waiting for its value."""
    return tensor._array.shape if tensor.__class__ is DeviceTensor else tensor._value.shape
