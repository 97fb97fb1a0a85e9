"""Defines ``WeakTensor``: a tensor whose dtype gives way, as that of the Python number that it was made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tideflow._src.core import dtypes, type_spec
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import EagerTensor, Tensor, TensorProtocol
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.tensor_spec import TensorSpec

_ALLOWED = (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64, dtypes.complex128)


class _Gradient:
    """Says through which tensor of a ``WeakTensor`` gradients flow, and makes the gradient weak as the source is."""

    @staticmethod
    def get_gradient_components(value: Any) -> Any:
        """Returns the tensor."""
        return value.tensor

    @staticmethod
    def replace_gradient_components(value: Any, component_grads: Any) -> Any:
        """Returns the gradient of the tensor as that of the weak tensor."""
        del value
        return None if component_grads is None else WeakTensor.from_tensor(component_grads)


class WeakTensor(TensorProtocol, type_spec.CompositeTensor):
    """Is a tensor with a weak dtype.

    Args:
      tensor: the tensor, of int32, int64, float32, float64 or complex128.

    Raises:
      TypeError: the tensor has another dtype.
    """

    is_weak = True
    is_tensor_like = True
    __array_priority__ = 100
    __composite_gradient__ = _Gradient()

    def __init__(self, tensor: Any) -> None:
        if tensor.dtype not in _ALLOWED:
            raise TypeError(
                f"{tensor.dtype!r} not allowed as a weak type. The allowed types are {tuple(map(repr, _ALLOWED))}."
            )
        self.tensor = tensor

    @classmethod
    def from_tensor(cls, tensor: Any) -> Any:
        """Makes a tensor weak."""
        return tensor if isinstance(tensor, WeakTensor) else cls(tensor)

    def to_tensor(self) -> Any:
        """Returns the tensor, whose dtype is not weak."""
        return self.tensor

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self.tensor.dtype

    @property
    def shape(self) -> TensorShape:
        """The shape, as far as it is known."""
        return self.tensor.shape

    @property
    def _type_spec(self) -> Any:
        return WeakTensorSpec(self.shape, self.dtype)

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        del name
        if dtype is not None and dtypes.as_dtype(dtype).base_dtype is not self.dtype:
            raise ValueError(
                f"Tensor conversion requested dtype {dtypes.as_dtype(dtype).name} for Tensor with dtype "
                f"{self.dtype.name}: {self.tensor!r}"
            )
        return self.tensor

    def __getattr__(self, name: str) -> Any:
        if name == "tensor":
            raise AttributeError(name)
        return getattr(self.tensor, name)

    def numpy(self) -> Any:
        """Returns the value as an array of its own, or a NumPy scalar for rank 0."""
        if not isinstance(self.tensor, EagerTensor):
            raise ValueError("WeakTensor.numpy() is only supported in eager mode.")
        return self.tensor.numpy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.asarray(self.tensor.__array__(dtype, copy))

    def __iter__(self) -> Iterator[Any]:
        return (WeakTensor(item) for item in self.tensor)

    def __len__(self) -> int:
        return len(self.tensor)

    def __bool__(self) -> bool:
        return bool(self.tensor)

    def __int__(self) -> int:
        return int(self.tensor)

    def __float__(self) -> float:
        return float(self.tensor)

    def __complex__(self) -> complex:
        return complex(self.tensor)

    def __index__(self) -> int:
        return self.tensor.__index__()

    def __hash__(self) -> int:
        return hash(self.tensor)

    def __copy__(self) -> WeakTensor:
        return self

    def __deepcopy__(self, memo: Any) -> WeakTensor:
        del memo
        return self

    def __format__(self, specification: str) -> str:
        return f"{format(self.tensor, specification)} weakly typed"

    def _text(self, text: str) -> str:
        return f"{text[:-1]}, weak=True{text[-1]}"

    def __repr__(self) -> str:
        return self._text(repr(self.tensor))

    def __str__(self) -> str:
        return self._text(str(self.tensor))


@type_spec.register("tf.WeakTensorSpec")
class WeakTensorSpec(type_spec.BatchableTypeSpec):
    """Is the description of a ``WeakTensor``.

    Args:
      shape: its shape, as far as it is fixed.
      dtype: its dtype.
    """

    def __init__(self, shape: Any, dtype: Any) -> None:
        self._shape = TensorShape(shape)
        self._dtype = dtypes.as_dtype(dtype)

    @property
    def value_type(self) -> type:
        """``WeakTensor``."""
        return WeakTensor

    @property
    def shape(self) -> TensorShape:
        """The shape, as far as it is fixed."""
        return self._shape

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._dtype

    def _serialize(self) -> Any:
        return (self._shape, self._dtype)

    @property
    def _component_specs(self) -> Any:
        return (TensorSpec(self._shape, self._dtype),)

    def _to_components(self, value: Any) -> Any:
        return (value.tensor,)

    def _from_components(self, components: Any) -> Any:
        (tensor,) = components
        return WeakTensor(tensor) if isinstance(tensor, Tensor) else tensor

    def _batch(self, batch_size: int | None) -> Any:
        return WeakTensorSpec(TensorShape([batch_size]).concatenate(self._shape), self._dtype)

    def _unbatch(self) -> Any:
        return WeakTensorSpec(self._shape[1:], self._dtype)
