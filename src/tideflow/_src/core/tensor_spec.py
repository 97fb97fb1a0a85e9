"""Defines ``TensorSpec``, the static description of a dense tensor, and ``BoundedTensorSpec``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType, as_dtype
from tideflow._src.core.tensor import EagerTensor, SymbolicTensor, Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.type_spec import BatchableTypeSpec, register, register_type_spec_from_value_converter


class DenseSpec(BatchableTypeSpec):
    """Is the description of a dense array: its shape and dtype, and perhaps a name."""

    #: A tensor spec is one tensor; nothing is inside.
    _is_nest_leaf = True

    def __init__(self, shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> None:
        self._shape = TensorShape(shape)
        self._dtype = as_dtype(dtype)
        self._name = name

    @property
    def shape(self) -> TensorShape:
        """What is known about the shape."""
        return self._shape

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._dtype

    @property
    def name(self) -> str | None:
        """The name, if there is one."""
        return self._name

    @classmethod
    def from_spec(cls, spec: Any, name: str | None = None) -> Any:
        """Returns a spec with the shape and dtype of another, and ``name`` or else the other's name."""
        return cls(spec.shape, spec.dtype, name or spec.name)

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Tells whether some tensor fits both this spec and the given spec (or is the given tensor)."""
        return (
            isinstance(spec_or_value, DenseSpec | Tensor)
            and self._dtype.is_compatible_with(spec_or_value.dtype)
            and self._shape.is_compatible_with(spec_or_value.shape)
        )

    def is_subtype_of(self, other: Any) -> bool:
        """Tells whether every tensor that fits this spec fits ``other``; a name must be the same there."""
        return (
            isinstance(other, type(self))
            and (not self._name or self._name == other._name)
            and self._dtype is other._dtype
            and self._shape.is_subtype_of(other._shape)
        )

    def most_specific_common_supertype(self, others: Sequence[Any]) -> Any:
        """Returns the spec with the sizes that this one and all ``others`` agree on.

        ``None`` if dtypes, names or kinds of spec differ.
        """
        shape = self._shape
        for other in others:
            if type(other) is not type(self) or other._dtype is not self._dtype or other._name != self._name:
                return None
            shape = shape.most_specific_compatible_shape(other._shape)
        return self._with_shape(shape)

    def _with_shape(self, shape: TensorShape) -> Any:
        return type(self)(shape, self._dtype, self._name)

    def _with_tensor_ranks_only(self) -> Any:
        dims = self._shape._dims
        return self._with_shape(TensorShape._from_tuple(None if dims is None else (None,) * len(dims)))

    def _without_tensor_names(self) -> Any:
        return self if self._name is None else type(self)(self._shape, self._dtype)

    def _batch(self, batch_size: int | None) -> Any:
        return self._with_shape(TensorShape([batch_size]).concatenate(self._shape))

    def _unbatch(self) -> Any:
        if self._shape.rank == 0:
            raise ValueError("Unbatching a tensor is only supported for rank >= 1")
        return self._with_shape(self._shape[1:])

    def _serialize(self) -> Any:
        return self._shape, self._dtype, self._name

    @property
    def _component_specs(self) -> Any:
        return self

    @property
    def _flat_tensor_specs(self) -> list[Any]:
        return [self]

    def _to_components(self, value: Any) -> Any:
        return value

    def _from_components(self, components: Any) -> Any:
        return components

    def _to_tensor_list(self, value: Any) -> list[Any]:
        return [value]

    def flatten(self) -> list[Any]:
        """Returns this spec in a list."""
        return [self]

    def placeholder_value(self, placeholder_context: Any) -> Any:
        """Returns the placeholder of a tensor while a function is traced."""
        return placeholder_context.tensor(self, self._name or "placeholder")

    def to_tensors(self, value: Any) -> list[Any]:
        """Returns the tensor in a list; a ``TypeError`` if it does not fit this spec."""
        return [self.cast(value)]

    def from_tensors(self, tensors: Iterator[Any]) -> Any:
        """Returns the next tensor of an iterator."""
        return next(tensors)

    def _from_compatible_tensor_list(self, tensor_list: Sequence[Any]) -> Any:
        return tensor_list[0]

    def _to_legacy_output_types(self) -> DType:
        return self._dtype

    def _to_legacy_output_shapes(self) -> TensorShape:
        return self._shape

    def __eq__(self, other: object) -> bool:
        return self is other or (
            type(other) is type(self)
            and self._dtype is other._dtype
            and self._shape._dims == other._shape._dims
            and self._name == other._name
        )

    def __hash__(self) -> int:
        return hash((self._shape._dims, self._dtype))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shape={self._shape}, dtype={self._dtype!r}, name={self._name!r})"


@register("tf.TensorSpec")
class TensorSpec(DenseSpec):
    """Is the description of a tensor: its shape and dtype, and perhaps a name.

    >>> TensorSpec([None, 3], "int32", name="x")
    TensorSpec(shape=(None, 3), dtype=tf.int32, name='x')

    Args:
      shape: anything that ``TensorShape`` takes.
      dtype: anything that ``as_dtype`` takes.
      name: a name for the tensor, such as that of a function's argument.
    """

    @property
    def value_type(self) -> type:
        """The class ``Tensor``."""
        return Tensor

    @classmethod
    def from_tensor(cls, tensor: Any, name: str | None = None) -> TensorSpec:
        """Returns the spec of a tensor; in a graph, named after its operation unless a name is given.

        Raises:
          ValueError: ``tensor`` is not a tensor.
        """
        if isinstance(tensor, EagerTensor):
            return TensorSpec(tensor.shape, tensor.dtype, name)
        if isinstance(tensor, SymbolicTensor):
            return TensorSpec(tensor.shape, tensor.dtype, name or tensor.op.name)
        raise ValueError(f"`tensor` should be a tf.Tensor, but got type {type(tensor)}.")


@register("tf.BoundedTensorSpec")
class BoundedTensorSpec(TensorSpec):
    """Is a ``TensorSpec`` that also says between which values the elements lie, both included.

    Args:
      shape: anything that ``TensorShape`` takes.
      dtype: anything that ``as_dtype`` takes.
      minimum: the smallest value of each element, or of all; it must broadcast to ``shape``.
      maximum: the same for the largest value.
      name: a name for the tensor.

    Raises:
      ValueError: a bound is missing or does not broadcast to ``shape``.
    """

    def __init__(self, shape: Any, dtype: Any, minimum: Any, maximum: Any, name: str | None = None) -> None:
        super().__init__(shape, dtype, name)
        self._minimum = self._bound("minimum", minimum)
        self._maximum = self._bound("maximum", maximum)

    def _bound(self, which: str, value: Any) -> np.ndarray[Any, Any]:
        if value is None:
            raise ValueError(f"`{which}` can not be None.")
        bound = np.array(value, dtype=self._dtype.as_numpy_dtype)
        if not _broadcasts_to(bound.shape, self._shape):
            raise ValueError(f"`{which}` {value} is not compatible with shape {self._shape}.")
        bound.setflags(write=False)
        return bound

    @property
    def minimum(self) -> np.ndarray[Any, Any]:
        """The smallest values, as an array that cannot be written to."""
        return self._minimum

    @property
    def maximum(self) -> np.ndarray[Any, Any]:
        """The largest values, as an array that cannot be written to."""
        return self._maximum

    @classmethod
    def from_spec(cls, spec: Any) -> BoundedTensorSpec:  # type: ignore[override]
        """Returns a spec with the bounds of another, or those of its dtype if it has none."""
        return cls(
            spec.shape,
            spec.dtype,
            getattr(spec, "minimum", spec.dtype.min),
            getattr(spec, "maximum", spec.dtype.max),
            spec.name,
        )

    def _with_shape(self, shape: TensorShape) -> Any:
        return BoundedTensorSpec(shape, self._dtype, self._minimum, self._maximum, self._name)

    def _without_tensor_names(self) -> Any:
        return BoundedTensorSpec(self._shape, self._dtype, self._minimum, self._maximum)

    def _serialize(self) -> Any:
        return self._shape, self._dtype, self._minimum, self._maximum, self._name

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, BoundedTensorSpec)
            and super().__eq__(other)
            and np.array_equal(self._minimum, other._minimum)
            and np.array_equal(self._maximum, other._maximum)
        )

    def __hash__(self) -> int:
        return super().__hash__()

    def __repr__(self) -> str:
        return (
            f"BoundedTensorSpec(shape={self._shape}, dtype={self._dtype!r}, name={self._name!r}, "
            f"minimum={self._minimum!r}, maximum={self._maximum!r})"
        )


def _broadcasts_to(shape: tuple[int, ...], target: TensorShape) -> bool:
    dims = target._dims
    if dims is None:
        return True
    if len(shape) > len(dims):
        return False
    tail = dims[len(dims) - len(shape) :]
    return all(size == 1 or wanted is None or size == wanted for size, wanted in zip(shape, tail, strict=True))


def _spec_of_array(array: Any) -> TensorSpec:
    return TensorSpec(array.shape, dtypes.numpy_dtype_to_dtype(array.dtype))


def _spec_of_number(number: Any) -> TensorSpec | None:
    if isinstance(number, int) and not isinstance(number, bool):
        if -(2**31) <= number < 2**31:
            return TensorSpec([], dtypes.int32)
        return TensorSpec([], dtypes.int64) if -(2**63) <= number < 2**63 else None
    return TensorSpec([], _DTYPE_OF_PYTHON_TYPE[type(number)])


_DTYPE_OF_PYTHON_TYPE = {
    bool: dtypes.bool,
    float: dtypes.float32,
    complex: dtypes.complex128,
    str: dtypes.string,
    bytes: dtypes.string,
}

register_type_spec_from_value_converter((np.ndarray, np.generic), _spec_of_array, allow_subclass=True)
register_type_spec_from_value_converter((bool, int, float, complex, str, bytes), _spec_of_number)
register_type_spec_from_value_converter(
    Tensor, lambda tensor: TensorSpec(tensor.shape, tensor.dtype), allow_subclass=True
)
