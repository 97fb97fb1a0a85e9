"""Takes over the public functions of shapes for ragged tensors and ragged shapes."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.ops.array import broadcasting as dense_broadcasting
from tideflow._src.ops.array import constants
from tideflow._src.ops.array import shape as dense_shape
from tideflow._src.ops.dispatch import register, register_dispatchable_type
from tideflow._src.ops.ragged import broadcasting
from tideflow._src.ops.ragged.dynamic_ragged_shape import DynamicRaggedShape
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor
from tideflow._src.ops.ragged.ragged_value import RaggedTensorValue
from tideflow._src.ops.scopes import name_scope


def ragged_shape(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> DynamicRaggedShape:
    """Returns the shape of a ragged tensor with the lengths of its rows."""
    with name_scope(name, "RaggedShape"):
        return DynamicRaggedShape.from_tensor(input, dtypes.int32 if out_type is None else out_type)


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Any:
    """Returns the elements of a tensor or ragged tensor in another shape, ragged or not."""
    with name_scope(name, "RaggedReshape"):
        flat = tensor.flat_values if isinstance(tensor, RaggedTensor | RaggedTensorValue) else tensor
        if not isinstance(shape, DynamicRaggedShape):
            return dense_shape.reshape(flat, shape)
        return shape._add_row_partitions(dense_shape.reshape(flat, shape.inner_shape))


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Any:
    """Returns a tensor or ragged tensor stretched to a ragged shape."""
    del name
    return broadcasting.broadcast_to(input, shape)


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> DynamicRaggedShape:
    """Returns the shape that two shapes, of which one is ragged, broadcast to."""
    return broadcasting.broadcast_dynamic_shape(
        *(each if isinstance(each, DynamicRaggedShape) else DynamicRaggedShape([], each) for each in (shape_x, shape_y))
    )


def ones(shape: Any, dtype: Any = dtypes.float32, name: str | None = None, layout: Any = None) -> Any:
    """Returns ones in a ragged shape."""
    del layout
    return shape._add_row_partitions(constants.ones(shape.inner_shape, dtype=dtype, name=name))


def zeros(shape: Any, dtype: Any = dtypes.float32, name: str | None = None, layout: Any = None) -> Any:
    """Returns zeros in a ragged shape."""
    del layout
    return shape._add_row_partitions(constants.zeros(shape.inner_shape, dtype=dtype, name=name))


def fill(dims: Any, value: Any, name: str | None = None, layout: Any = None) -> Any:
    """Returns a value, repeated in a ragged shape."""
    del layout
    return dims._add_row_partitions(constants.fill(dims.inner_shape, value, name=name))


register_dispatchable_type(RaggedTensorValue)
_RAGGED = RaggedTensor | RaggedTensorValue
register(dense_shape.shape, ragged_shape, {"input": _RAGGED})
register(dense_shape.reshape, reshape, {"tensor": _RAGGED}, {"shape": DynamicRaggedShape})
register(dense_broadcasting.broadcast_to, broadcast_to, {"shape": DynamicRaggedShape})
register(
    dense_broadcasting.broadcast_dynamic_shape,
    broadcast_dynamic_shape,
    {"shape_x": DynamicRaggedShape},
    {"shape_y": DynamicRaggedShape},
)
register(constants.ones, ones, {"shape": DynamicRaggedShape})
register(constants.zeros, zeros, {"shape": DynamicRaggedShape})
register(constants.fill, fill, {"dims": DynamicRaggedShape})
