"""Makes slots: variables beside a variable, such as its momentum, named below it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from tideflow._src.core import context
from tideflow._src.ops.array.raw import raw
from tideflow._src.state.initializers import Zeros
from tideflow._src.state.ref_variable import RefVariable
from tideflow._src.state.resource_variable import is_resource_variable
from tideflow._src.state.variable import Variable, VariableV1
from tideflow._src.state.variable_collections import value_or_initial
from tideflow._src.state.variable_scope import get_variable, get_variable_scope, variable_scope


def beside(primary: Any) -> Any:
    """Returns a scope whose operations are placed where ``primary`` is."""
    graph = context.current_graph()
    if graph is None or getattr(primary, "_in_graph", True) is False:
        return nullcontext()
    return graph.colocate_with(primary.op if isinstance(primary, Variable) else primary)


def create_slot(primary: Any, val: Any, name: str, colocate_with_primary: bool = True) -> Any:
    """Makes a slot that starts with the value ``val``.

    Args:
      primary: the variable or tensor to which the slot belongs.
      val: the initial value, a tensor.
      name: the name below that of ``primary``.
      colocate_with_primary: whether to place the slot where ``primary`` is.
    """
    validate_shape = val.get_shape().is_fully_defined()
    place = beside(primary) if colocate_with_primary else nullcontext()
    with variable_scope(None, f"{_prefix(primary)}/{name}"), place:
        return _slot_variable(primary, val, validate_shape, None, None)


def create_slot_with_initializer(
    primary: Any,
    initializer: Callable[..., Any],
    shape: Any,
    dtype: Any,
    name: str,
    colocate_with_primary: bool = True,
) -> Any:
    """Makes a slot of the given shape and dtype that starts with what ``initializer`` gives."""
    validate_shape = shape.is_fully_defined()
    place = beside(primary) if colocate_with_primary else nullcontext()
    with variable_scope(None, f"{_prefix(primary)}/{name}"), place:
        return _slot_variable(primary, initializer, validate_shape, shape, dtype)


def create_zeros_slot(primary: Any, name: str, dtype: Any = None, colocate_with_primary: bool = True) -> Any:
    """Makes a slot of the shape of ``primary`` that starts with zeros."""
    dtype = primary.dtype.base_dtype if dtype is None else dtype
    shape = primary.get_shape()
    if shape.is_fully_defined():
        return create_slot_with_initializer(primary, Zeros(), shape, dtype, name, colocate_with_primary)
    value = value_or_initial(primary) if isinstance(primary, Variable) and primary._in_graph else primary
    zeros = raw.Fill(raw.Shape(value), _zero(dtype))
    return create_slot(primary, zeros, name, colocate_with_primary)


def _zero(dtype: Any) -> Any:
    return dtype.as_numpy_dtype(0)


def _prefix(primary: Any) -> str:
    return primary._shared_name if isinstance(primary, Variable) else primary.op.name


def _slot_variable(primary: Any, val: Any, validate_shape: bool, shape: Any, dtype: Any) -> Any:
    scope = get_variable_scope()
    partitioner = scope.partitioner
    scope.set_partitioner(None)
    if is_resource_variable(primary):
        use_resource: bool | None = True
    elif isinstance(primary, RefVariable):
        use_resource = False
    else:
        use_resource = None
    slot = get_variable(
        "",
        initializer=val,
        trainable=False,
        use_resource=use_resource,
        shape=shape if callable(val) else None,
        dtype=dtype,
        validate_shape=validate_shape,
    )
    scope.set_partitioner(partitioner)
    info = primary._get_save_slice_info() if isinstance(primary, Variable) else None
    if info is not None:
        name = slot.name[len(f"{primary.op.name}/") : -2]
        slot._set_save_slice_info(
            VariableV1.SaveSliceInfo(f"{info.full_name}/{name}", info.full_shape, info.var_offset, info.var_shape)
        )
    return slot
