"""``create_partitioned_variables``: the parts of a variable as a list, as TensorFlow 0.x made them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.state import variable_scope
from tideflow._src.state.partitioned_variable import PartitionedVariable


def create_partitioned_variables(
    shape: Sequence[int],
    slicing: Sequence[int],
    initializer: Any,
    dtype: Any = dtypes.float32,
    trainable: bool = True,
    collections: Any = None,
    name: str | None = None,
    reuse: bool | None = None,
) -> list[Any]:
    """Returns the parts of a variable that is cut along one dimension.

    Args:
      shape: the shape of the whole.
      slicing: how many parts each dimension is cut into; all but one of them are 1.
      initializer: a function that makes the value of a part, or a tensor with that of the whole.
      dtype: the type of the elements.
      trainable: whether optimizers change the parts.
      collections: the collections that the parts join.
      name: the name of the scope; ``"PartitionedVariable"`` by default.
      reuse: whether the parts exist.

    Raises:
      ValueError: ``slicing`` does not fit ``shape``, or cuts more than one dimension.
    """
    if len(shape) != len(slicing):
        raise ValueError(f"The `shape` and `slicing` must have the same length. shape: {shape}, slicing: {slicing}")
    if min(shape, default=1) < 1:
        raise ValueError(f"All `shape` dimensions must be >= 1. shape: {shape}")
    if sum(count > 1 for count in slicing) > 1:
        raise ValueError(f"Can only slice a variable along one dimension: shape: {shape}, slicing: {slicing}")
    if any(count < 1 or count > size for count, size in zip(slicing, shape, strict=True)):
        raise ValueError(f"A dimension is cut into at least 1 and at most its size parts: {shape}, slicing: {slicing}")
    if isinstance(initializer, Tensor):
        dtype = initializer.dtype.base_dtype
    with variable_scope.variable_scope(name, "PartitionedVariable", reuse=reuse) as scope:
        pass
    # The parts are named after the scope itself: the variable has no name of its own below it.
    prefix, _, last = scope.name.rpartition("/")
    with variable_scope.variable_scope(variable_scope.get_variable_scope(), reuse=reuse) as outer:
        inner = last if prefix == outer.name else scope.name
        variable = variable_scope.get_variable(
            inner, None if isinstance(initializer, Tensor) else shape, dtype, initializer, trainable=trainable,
            collections=collections, partitioner=lambda **unused: list(slicing),
        )  # fmt: skip
    return list(variable) if isinstance(variable, PartitionedVariable) else [variable]
