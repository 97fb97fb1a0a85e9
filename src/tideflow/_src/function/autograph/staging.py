"""Tells the values that a graph decides from those of Python, and makes the ones of the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes, nest
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import SymbolicTensor, Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.function import structures
from tideflow._src.function.autograph.jumps import MAYBE_VALUE, VALUE
from tideflow._src.graph.op_def import OpDef
from tideflow._src.ops.control.tensor_array import TensorArray
from tideflow._src.runtime.convert import convert_to_tensor

_registry: Any = OpDef.registry


def symbolic(value: Any) -> Any:
    """Returns a value as a tensor of the graph that is being built, if it is one; else None."""
    if isinstance(value, SymbolicTensor):
        return value
    if isinstance(value, Tensor) or not hasattr(type(value), "_dense_var_to_tensor") or context.executing_eagerly():
        return None
    tensor: Any = convert_to_tensor(value)  # a variable
    return tensor if isinstance(tensor, SymbolicTensor) else None


def as_condition(tensor: Any, statement: str) -> Any:
    """Returns a condition, checked.

    Raises:
      ValueError: it is no boolean scalar.
    """
    shape = tensor.shape
    if tensor.dtype.base_dtype is not dtypes.bool or not TensorShape([]).is_compatible_with(shape):
        cast = "" if tensor.dtype.base_dtype is dtypes.bool else "to use as boolean Tensor, use `tf.cast`; "
        raise ValueError(
            f"condition of {statement} expected to be `tf.bool` scalar, got {tensor}; {cast}to check for None, use "
            "`is not None`"
        )
    return tensor


def is_staged(leaf: Any) -> bool:
    """Tells whether a value can become that of a tensor."""
    if isinstance(
        leaf, Tensor | TensorArray | IndexedSlices | np.ndarray | np.generic | int | float | complex | str | bytes
    ):
        return True
    return structures.is_composite(leaf) or hasattr(type(leaf), "_dense_var_to_tensor")


class Values:
    """Is the values of variables, taken apart into what tensors hold and what stays in Python.

    Attributes:
      leaves: of each variable, the leaves of its structure.
      staged: the leaves that become tensors, in order.
    """

    def __init__(self, values: Sequence[Any]) -> None:
        self.values = list(values)
        self.leaves = [nest.flatten(value) for value in values]
        self.staged = [leaf for leaves in self.leaves for leaf in leaves if is_staged(leaf)]

    def rebuilt(self, tensors: Sequence[Any]) -> list[Any]:
        """Returns the values with other tensors in the place of what is staged."""
        remaining = iter(tensors)
        return [
            nest.pack_sequence_as(value, [next(remaining) if is_staged(leaf) else leaf for leaf in leaves])
            for value, leaves in zip(self.values, self.leaves, strict=True)
        ]


def zeros_like(leaf: Any) -> Any:
    """Returns what stands for a value that is not known yet.

    Raises:
      NotImplementedError: it is nothing that has zeros.
    """
    if not isinstance(leaf, Tensor | np.ndarray | np.generic | int | float | complex | str | bytes):
        raise NotImplementedError(
            f"A return statement under a condition that is a tensor cannot return {leaf!r}: return it at the end of "
            "the function."
        )
    shape = TensorShape(np.shape(leaf) if not isinstance(leaf, Tensor) else leaf.shape)
    dtype = leaf.dtype if isinstance(leaf, Tensor) else convert_to_tensor(leaf).dtype
    return _zeros(dtype, shape)


def _zeros(dtype: Any, shape: TensorShape) -> Any:
    """Returns zeros of a shape; sizes that are not known are zero."""
    sizes = [size or 0 for size in shape._dims or ()]
    if dtype.base_dtype is dtypes.string:
        return convert_to_tensor(np.full(sizes, b"", object), dtypes.string)
    return _registry["Fill"](np.array(sizes, np.int32), convert_to_tensor(0, dtype.base_dtype))


def label(name: str) -> str:
    """Returns what messages call a variable."""
    return "'retval_'" if name in (VALUE, MAYBE_VALUE) else f"'{name}'"


def are_equal(one: Any, two: Any) -> bool:
    """Tells whether two values of Python are equal, as far as they say."""
    try:
        return bool(one == two)
    except Exception:  # objects that cannot be compared are different ones
        return False
