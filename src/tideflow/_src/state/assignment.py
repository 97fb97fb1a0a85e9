"""Assignment as functions: ``tf.assign``, ``tf.scatter_add`` and the others, for both kinds of variables."""

from __future__ import annotations

from typing import Any

from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import Tensor
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.slicing import entry
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.state import scatter as scatter_ops
from tideflow._src.ops.state import variables as variable_ops
from tideflow._src.runtime.convert import convert_to_tensor

_ROWS = {
    "Update": scatter_ops.scatter_update_op,
    "Add": scatter_ops.scatter_add_op,
    "Sub": scatter_ops.scatter_sub_op,
    "Mul": scatter_ops.scatter_mul_op,
    "Div": scatter_ops.scatter_div_op,
    "Min": scatter_ops.scatter_min_op,
    "Max": scatter_ops.scatter_max_op,
}
_ELEMENTS = {
    "Update": scatter_ops.scatter_nd_update_op,
    "Add": scatter_ops.scatter_nd_add_op,
    "Sub": scatter_ops.scatter_nd_sub_op,
    "Min": scatter_ops.scatter_nd_min_op,
    "Max": scatter_ops.scatter_nd_max_op,
}


def _is_reference(variable: Any) -> bool:
    """Tells whether a variable, or a reference that an assignment returned, is of TensorFlow 1.x's kind."""
    return bool(variable.dtype._is_ref_dtype)


def check_slices(delta: Any) -> None:
    """Rejects what is not ``IndexedSlices``."""
    if not isinstance(delta, IndexedSlices):
        raise TypeError(f"sparse_delta is not IndexedSlices: {delta}")


def assign(
    ref: Any, value: Any, validate_shape: bool | None = None, use_locking: bool | None = None, name: str | None = None
) -> Any:
    """Gives a variable a new value.

    Args:
      ref: the variable.
      value: the value, of the variable's dtype and, unless ``validate_shape`` is False, shape.
      validate_shape: whether the shape must stay the same.
      use_locking: kept for TensorFlow's signature.
      name: the name of the operation.

    Returns:
      A reference to the variable with its new value.
    """
    if _is_reference(ref):
        validate = True if validate_shape is None else validate_shape
        locking = True if use_locking is None else use_locking
        return variable_ops.assign_op(ref, value, validate_shape=validate, use_locking=locking, name=name)
    return ref.assign(value, name=name)


def assign_add(ref: Any, value: Any, use_locking: bool | None = None, name: str | None = None) -> Any:
    """Adds ``value`` to a variable and returns a reference to it."""
    if _is_reference(ref):
        return variable_ops.assign_add_op(ref, value, use_locking=bool(use_locking), name=name)
    return ref.assign_add(value)


def assign_sub(ref: Any, value: Any, use_locking: bool | None = None, name: str | None = None) -> Any:
    """Subtracts ``value`` from a variable and returns a reference to it."""
    if _is_reference(ref):
        return variable_ops.assign_sub_op(ref, value, use_locking=bool(use_locking), name=name)
    return ref.assign_sub(value)


def count_up_to(ref: Any, limit: int, name: str | None = None) -> Any:
    """Increments an integer variable until it reaches ``limit`` and returns its value before.

    Raises:
      OutOfRangeError: when it runs, the limit is reached.
    """
    if _is_reference(ref):
        return variable_ops.count_up_to_op(ref, limit=limit, name=name)
    return variable_ops.resource_count_up_to_op(ref.handle, limit=limit, T=ref.dtype, name=name)


def scatter(kind: str, ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Combines rows of a variable with updates: ``kind`` is Update, Add, Sub, Mul, Div, Min or Max."""
    if _is_reference(ref):
        return _ROWS[kind](ref, indices, updates, use_locking=use_locking, name=name)
    operation = getattr(scatter_ops, f"resource_scatter_{kind.lower()}_op")
    values = convert_to_tensor(updates, ref.dtype.base_dtype)
    return ref._updated(operation(ref.handle, indices, values, name=name))


def scatter_update(ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None) -> Any:
    """Replaces the rows of a variable that ``indices`` names by those of ``updates``; returns the variable."""
    return scatter("Update", ref, indices, updates, use_locking, name)


def scatter_add(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Adds ``updates`` to the rows of a variable that ``indices`` names; returns the variable."""
    return scatter("Add", ref, indices, updates, use_locking, name)


def scatter_sub(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Subtracts ``updates`` from the rows of a variable that ``indices`` names; returns the variable."""
    return scatter("Sub", ref, indices, updates, use_locking, name)


def scatter_mul(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Multiplies the rows of a variable that ``indices`` names by ``updates``; returns the variable."""
    return scatter("Mul", ref, indices, updates, use_locking, name)


def scatter_div(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Divides the rows of a variable that ``indices`` names by ``updates``; returns the variable."""
    return scatter("Div", ref, indices, updates, use_locking, name)


def scatter_min(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Takes the smaller of the rows of a variable that ``indices`` names and ``updates``; returns the variable."""
    return scatter("Min", ref, indices, updates, use_locking, name)


def scatter_max(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Takes the larger of the rows of a variable that ``indices`` names and ``updates``; returns the variable."""
    return scatter("Max", ref, indices, updates, use_locking, name)


def scatter_nd(
    kind: str, ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None
) -> Any:
    """Combines elements or slices of a variable with updates: ``kind`` is Update, Add, Sub, Min or Max."""
    if _is_reference(ref):
        return _ELEMENTS[kind](ref, indices, updates, use_locking=use_locking, name=name)
    operation = getattr(scatter_ops, f"resource_scatter_nd_{kind.lower()}_op")
    values = convert_to_tensor(updates, ref.dtype.base_dtype)
    return ref._updated(operation(ref.handle, indices, values, use_locking=use_locking, name=name))


def scatter_nd_update(ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None) -> Any:
    """Replaces the elements or slices of a variable that ``indices`` names; returns the variable."""
    return scatter_nd("Update", ref, indices, updates, use_locking, name)


def scatter_nd_add(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Adds to the elements or slices of a variable that ``indices`` names; returns the variable."""
    return scatter_nd("Add", ref, indices, updates, use_locking, name)


def scatter_nd_sub(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Subtracts from the elements or slices of a variable that ``indices`` names; returns the variable."""
    return scatter_nd("Sub", ref, indices, updates, use_locking, name)


def batch_scatter_update(
    ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None
) -> Any:
    """Replaces rows in each batch of a variable.

    Args:
      ref: the variable, of shape ``[b1, ..., bn, rows, ...]``.
      indices: the rows, of shape ``[b1, ..., bn, k]``.
      updates: what replaces them, of shape ``[b1, ..., bn, k, ...]``.
      use_locking: kept for TensorFlow's signature.
      name: the name scope.
    """
    with name_scope(name, "batch_scatter_update", [ref, indices, updates]):
        indices = convert_to_tensor(indices, name="indices")
        batch_dims = indices.shape.rank - 1
        dtype = indices.dtype
        shape = raw.Shape(indices, out_type=dtype)
        zero, one = (convert_to_tensor(value, dtype) for value in (0, 1))
        columns = []
        for axis in range(batch_dims):
            count = entry(shape, axis)
            span = raw.Range(zero, count, one)
            target = [1] * (batch_dims + 1)
            target[axis] = -1
            span = raw.Reshape(span, convert_to_tensor(target))
            columns.append(raw.BroadcastTo(span, shape))
        nd_indices = raw.Pack([*columns, indices], axis=batch_dims + 1)
        return scatter_nd_update(ref, nd_indices, updates, use_locking)


def is_variable_initialized(variable: Any, name: str | None = None) -> Any:
    """Returns whether a variable has a value, as a boolean tensor."""
    if variable.dtype._is_ref_dtype:
        reference = variable if isinstance(variable, Tensor) else variable._ref()
        return variable_ops.is_variable_initialized_op(reference, name=name)
    return variable.is_initialized(name=name)
