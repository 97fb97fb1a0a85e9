"""Exchanges tensors with other libraries without a copy, through DLPack."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import EagerTensor, wrap


def to_dlpack(tf_tensor: Any) -> Any:
    """Returns the memory of an eager tensor as a DLPack capsule, which another library takes over.

    Raises:
      InvalidArgumentError: ``tf_tensor`` is no eager tensor, or of a dtype that DLPack does not know.
    """
    if not isinstance(tf_tensor, EagerTensor):
        raise InvalidArgumentError(None, None, f"The argument to `to_dlpack` must be a TF tensor, not {tf_tensor!r}")
    value = np.asarray(tf_tensor._value)
    if value.dtype.kind not in "biufc" or value.dtype.name == "bfloat16":
        raise InvalidArgumentError(None, None, f"{tf_tensor.dtype.name} is not supported by dlpack")
    # NumPy hands out memory that may be written to only.
    return (value if value.flags.writeable else value.copy()).__dlpack__()


class _Capsule:
    """Is a capsule in the form that NumPy takes: an object that gives one."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **options: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)


def from_dlpack(dlcapsule: Any) -> Any:
    """Returns a tensor over the memory of a DLPack capsule, or of an array that gives one.

    Raises:
      InvalidArgumentError: it is no capsule, was used before, or holds what no tensor can.
    """
    source = dlcapsule if hasattr(dlcapsule, "__dlpack__") else _Capsule(dlcapsule)
    try:
        value = np.from_dlpack(source)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise InvalidArgumentError(None, None, f"from_dlpack: {error}") from None
    if value.dtype not in dtypes.of_numpy:
        raise InvalidArgumentError(None, None, f"from_dlpack: no tensor holds {value.dtype}.")
    return wrap(value)
