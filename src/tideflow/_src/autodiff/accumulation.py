"""Adds up the gradients that reach a tensor along several paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import EagerTensor
from tideflow._src.graph.op_def import OpDef
from tideflow._src.ops.array.slicing import entry
from tideflow._src.ops.math.arithmetic import add_n_op, add_v2
from tideflow._src.runtime.convert import convert_to_tensor, register_tensor_conversion_function


def total(gradients: Sequence[Any], name: str | None = None) -> Any:
    """Returns the sum of gradients: dense with ``AddN``, sparse by concatenating the slices."""
    if len(gradients) == 1:
        return gradients[0]
    for gradient in gradients:
        if gradient.__class__ is not EagerTensor:
            break
    else:
        if len(gradients) == 2 and gradients[0].dtype is not dtypes.variant:
            return add_v2.call(*gradients)
        return add_n_op.call(list(gradients))
    if all(isinstance(gradient, IndexedSlices) for gradient in gradients):
        return _joined(gradients)
    dense = [to_dense(gradient) for gradient in gradients]
    if len(dense) == 2 and name is None and dense[0].dtype is not dtypes.variant:
        return add_v2.call(*dense)
    return add_n_op.call(dense, name=name)


def _joined(slices: Sequence[IndexedSlices]) -> IndexedSlices:
    registry: Any = OpDef.registry
    indices = [item.indices for item in slices]
    if len({index.dtype for index in indices}) > 1:
        indices = [registry["Cast"](index, DstT="int64") for index in indices]
    return IndexedSlices(
        registry["ConcatV2"]([item.values for item in slices], 0),
        registry["ConcatV2"](indices, 0),
        slices[0].dense_shape,
    )


def to_dense(gradient: Any) -> Any:
    """Returns a gradient as a dense tensor.

    Raises:
      ValueError: sparse slices do not know the shape of the whole.
    """
    if not isinstance(gradient, IndexedSlices):
        return gradient
    if gradient.dense_shape is None:
        raise ValueError(
            f"Tensor conversion requested for IndexedSlices for argument `value` without dense_shape: {gradient}"
        )
    registry: Any = OpDef.registry
    shape = gradient.dense_shape
    first = entry(shape, 0)
    summed = registry["UnsortedSegmentSum"](gradient.values, gradient.indices, first)
    return registry["Reshape"](summed, shape)


def _slices_to_tensor(value: IndexedSlices, dtype: Any = None, name: str | None = None, as_ref: bool = False) -> Any:
    del name, as_ref
    return convert_to_tensor(to_dense(value), dtype)


register_tensor_conversion_function(IndexedSlices, _slices_to_tensor)
