"""Defines ``SparseTensor``, the places and values of those elements of a tensor that are given; its spec and value."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core import dtypes, type_spec
from tideflow._src.core.class_names import named_in_tensorflow
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import EagerTensor, Tensor, TensorProtocol
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.static_value import value_and_elements
from tideflow._src.runtime.convert import convert_to_tensor


class SparseTensorValue(NamedTuple):
    """Is the value of a ``SparseTensor`` as NumPy arrays: what a run returns for one, and can be fed for one.

    Attributes:
      indices: int64, of shape ``[n, rank]``.
      values: of shape ``[n]``.
      dense_shape: int64, of shape ``[rank]``.
    """

    indices: Any
    values: Any
    dense_shape: Any


#: Called, and forgotten, before the first sparse tensor is made: what sparse tensors take over loads then.
when_first_made: list[Callable[[], None]] = []


@named_in_tensorflow("framework.sparse_tensor.SparseTensor")
class SparseTensor(TensorProtocol, type_spec.CompositeTensor):
    """Is a tensor of which only some elements are given: element ``indices[i]`` is ``values[i]``.

    Args:
      indices: the places, an int64 tensor of shape ``[n, rank]``, in row-major order for most operations.
      values: the elements, a tensor of any dtype and of shape ``[n]``.
      dense_shape: the shape of the whole, an int64 tensor of shape ``[rank]``.

    Raises:
      ValueError: the shapes of the three do not fit each other.
    """

    def __init__(self, indices: Any, values: Any, dense_shape: Any) -> None:
        while when_first_made:
            when_first_made.pop()()
        self._indices = convert_to_tensor(indices, dtypes.int64, name="indices")
        self._values = convert_to_tensor(values, name="values")
        self._dense_shape = convert_to_tensor(dense_shape, dtypes.int64, name="dense_shape")
        indices_shape = self._indices.shape.with_rank(2)
        values_shape = self._values.shape.with_rank(1)
        dense_shape_shape = self._dense_shape.shape.with_rank(1)
        for first, second in ((indices_shape[0], values_shape[0]), (indices_shape[1], dense_shape_shape[0])):
            if first != second and None not in (first, second):
                raise ValueError(f"Dimensions {first} and {second} are not compatible")
        self._static_shape = static_shape_of(self._dense_shape)

    @classmethod
    def from_value(cls, sparse_tensor_value: Any) -> SparseTensor:
        """Returns a sparse tensor like ``sparse_tensor_value``: a sparse tensor or the value of one.

        Raises:
          TypeError: it is neither.
        """
        if not is_sparse(sparse_tensor_value):
            raise TypeError(
                f"Argument sparse_tensor_value={sparse_tensor_value} is neither a SparseTensor nor SparseTensorValue."
            )
        return SparseTensor(sparse_tensor_value.indices, sparse_tensor_value.values, sparse_tensor_value.dense_shape)

    @property
    def indices(self) -> Tensor:
        """The places of the elements, int64, of shape ``[n, rank]``."""
        return self._indices

    @property
    def values(self) -> Tensor:
        """The elements, of shape ``[n]``."""
        return self._values

    @property
    def dense_shape(self) -> Tensor:
        """The shape of the whole tensor as an int64 vector."""
        return self._dense_shape

    @property
    def shape(self) -> TensorShape:
        """The shape of the whole tensor, as far as it is known statically."""
        return self._static_shape

    def get_shape(self) -> TensorShape:
        """Returns the shape of the whole tensor, as far as it is known statically."""
        return self._static_shape

    def set_shape(self, shape: Any) -> None:
        """Adds what the caller knows of the static shape.

        Raises:
          ValueError: it contradicts what is known.
        """
        self._static_shape = self._static_shape.merge_with(shape)

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._values.dtype

    @property
    def op(self) -> Any:
        """The operation that produces the values."""
        return self._values.op

    @property
    def graph(self) -> Any:
        """The graph that the components belong to."""
        return self._indices.graph

    def with_values(self, new_values: Any) -> SparseTensor:
        """Returns a sparse tensor with the same places and other elements, a tensor of shape ``[n, ...]``."""
        return SparseTensor(self._indices, new_values, self._dense_shape)

    def consumers(self) -> list[Any]:
        """Returns the operations that take a component of this tensor."""
        return self._consumers()

    def eval(self, feed_dict: Any = None, session: Any = None) -> SparseTensorValue:
        """Runs the default session, or ``session``, and returns the value of this tensor."""
        parts = [self._indices, self._values, self._dense_shape]
        if session is None:
            return SparseTensorValue(*(part.eval(feed_dict) for part in parts))
        return SparseTensorValue(*session.run(parts, feed_dict))

    @property
    def _type_spec(self) -> SparseTensorSpec:
        return SparseTensorSpec(self.shape, self.dtype)

    def _shape_invariant_to_type_spec(self, shape: Any) -> SparseTensorSpec:
        # The invariant is the shape of ``dense_shape``: it says the rank.
        shape = TensorShape(shape)
        if shape.rank is None:
            return SparseTensorSpec(None, self.dtype)
        if shape.rank != 1:
            raise ValueError(f"Expected a shape with 1 dimension. Obtained: {shape} which has {shape.rank} dimensions.")
        rank = shape[0]
        return SparseTensorSpec(None if rank is None else [None] * rank, self.dtype)

    def _with_static_shape(self, shape: Any) -> SparseTensor:
        """Returns the same tensor, of which no more is known statically than ``shape``."""
        result = copy.copy(self)
        result._static_shape = TensorShape(shape)
        return result

    def _fetch_components(self) -> tuple[list[Tensor], Any]:
        return [self._indices, self._values, self._dense_shape], lambda values: SparseTensorValue(*values)

    def __str__(self) -> str:
        parts = f"indices={self._indices!s}, values={self._values!s}, dense_shape={self._dense_shape!s}"
        return f"SparseTensor({parts})"

    def __repr__(self) -> str:
        return self.__str__()

    def _is_eager(self) -> bool:
        return all(isinstance(part, EagerTensor) for part in (self._indices, self._values, self._dense_shape))

    def _numpy(self) -> Any:
        """Returns the whole tensor as an array, with zeros where no element is given."""
        if not self._is_eager():
            raise ValueError("SparseTensor.numpy() is only supported in eager mode.")
        result = np.zeros(self._dense_shape.numpy(), self.dtype.as_numpy_dtype)
        result[tuple(self._indices.numpy().T)] = self._values.numpy()
        return result


@type_spec.register("tf.SparseTensorSpec")
class SparseTensorSpec(type_spec.BatchableTypeSpec):
    """Is the description of a sparse tensor.

    Args:
      shape: the shape of the whole tensor, as far as it is fixed; anything that ``TensorShape`` takes.
      dtype: the type of the elements.
    """

    def __init__(self, shape: Any = None, dtype: Any = dtypes.float32) -> None:
        self._shape = TensorShape(shape)
        self._dtype = dtypes.as_dtype(dtype)

    @property
    def value_type(self) -> type:
        """``SparseTensor``; eager values may be ``SparseTensorValue`` too."""
        return SparseTensor

    @property
    def shape(self) -> TensorShape:
        """The shape of the whole tensor, as far as it is fixed."""
        return self._shape

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._dtype

    @property
    def rank(self) -> int | None:
        """The number of dimensions, or None."""
        return self._shape.rank

    def _serialize(self) -> Any:
        return (self._shape, self._dtype)

    @property
    def _component_specs(self) -> Any:
        rank = self._shape.rank
        return [
            TensorSpec([None, rank], dtypes.int64),
            TensorSpec([None], self._dtype),
            TensorSpec([rank], dtypes.int64),
        ]

    def _to_components(self, value: Any) -> Any:
        if isinstance(value, SparseTensorValue):
            value = SparseTensor.from_value(value)
        return [value.indices, value.values, value.dense_shape]

    def _from_components(self, components: Any) -> Any:
        if all(isinstance(part, np.ndarray) for part in components):
            return SparseTensorValue(*components)
        result = SparseTensor(*components)
        result._static_shape = result._static_shape.merge_with(self._shape)
        return result

    # As one vector of variants, which datasets, loops over rows and lists can hold and stack.

    @property
    def _flat_tensor_specs(self) -> list[Any]:
        return [TensorSpec(None, dtypes.variant)]

    def _to_tensor_list(self, value: Any) -> list[Any]:
        return [_serialized("SerializeSparse", SparseTensor.from_value(value))]

    def _to_batched_tensor_list(self, value: Any) -> list[Any]:
        if self._shape.merge_with(value.shape).rank == 0:
            raise ValueError(f"Unbatching a sparse tensor is only supported for rank >= 1. Obtained input: {value}.")
        return [_serialized("SerializeManySparse", value)]

    def _to_batchable_tensor_list(self, value: Any, batched: bool = False) -> list[Any]:
        return self._to_batched_tensor_list(value) if batched else self._to_tensor_list(value)

    def _from_compatible_tensor_list(self, tensor_list: Sequence[Any]) -> Any:
        registry: Any = OpDef.registry
        indices, values, sizes = registry["DeserializeSparse"](tensor_list[0], dtype=self._dtype)
        rank = self._shape.rank
        indices.set_shape([None, rank])
        sizes.set_shape([rank])
        if self._shape.is_fully_defined():
            sizes = convert_to_tensor(self._shape.as_list(), dtypes.int64, name="shape")
        return self._from_components([indices, values, sizes])

    def _batch(self, batch_size: int | None) -> SparseTensorSpec:
        return SparseTensorSpec(TensorShape([batch_size]).concatenate(self._shape), self._dtype)

    def _unbatch(self) -> SparseTensorSpec:
        if self._shape.rank == 0:
            raise ValueError("Unbatching a tensor is only supported for rank >= 1")
        return SparseTensorSpec(self._shape[1:] if self._shape.rank is not None else None, self._dtype)

    def _to_legacy_output_types(self) -> DType:
        return self._dtype

    def _to_legacy_output_shapes(self) -> TensorShape:
        return self._shape

    def _to_legacy_output_classes(self) -> type:
        return SparseTensor

    @classmethod
    def from_value(cls, value: Any) -> SparseTensorSpec:
        """Returns the spec of a sparse tensor or of the value of one.

        Raises:
          TypeError: it is neither.
        """
        if not is_sparse(value):
            raise TypeError(
                f"Expected SparseTensor or SparseTensorValue. Received: {value} of type {type(value).__name__}."
            )
        if isinstance(value, SparseTensor):
            return SparseTensorSpec(value.shape, value.dtype)
        return SparseTensorSpec([int(size) for size in value.dense_shape], np.asarray(value.values).dtype)


def _serialized(operation: str, value: SparseTensor) -> Any:
    registry: Any = OpDef.registry
    return registry[operation](value.indices, value.values, value.dense_shape, out_type=dtypes.variant)


type_spec.register_type_spec_from_value_converter(SparseTensorValue, SparseTensorSpec.from_value)


def is_sparse(value: Any) -> bool:
    """Tells whether ``value`` is a sparse tensor or the value of one."""
    return isinstance(value, SparseTensor | SparseTensorValue)


def convert_to_tensor_or_sparse_tensor(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Returns ``value`` as a sparse tensor if it is one or the value of one, and as a tensor otherwise.

    Raises:
      RuntimeError: its dtype is not ``dtype``.
    """
    wanted = None if dtype is None else dtypes.as_dtype(dtype)
    if isinstance(value, SparseTensorValue):
        value = SparseTensor.from_value(value)
    if isinstance(value, SparseTensor):
        if wanted is not None and not wanted.is_compatible_with(value.dtype):
            raise RuntimeError(f"Sparse dtype mismatch. Requested: {wanted.name},  Actual: {value.dtype.name}")
        return value
    return convert_to_tensor(value, wanted, name=name)


def static_shape_of(dense_shape: Any) -> TensorShape:
    """Returns what the value of a shape tensor says statically."""
    value, elements = value_and_elements(dense_shape)
    if value is not None:
        elements = tuple(value.tolist())
    if elements is not None:
        return TensorShape([None if size is None or size == -1 else size for size in elements])
    rank = dense_shape.shape.with_rank(1).as_list()[0]
    return TensorShape(None if rank is None else [None] * rank)
