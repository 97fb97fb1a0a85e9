"""Runs the host kernel of one node on known values: for static values and constant folding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tideflow._src.core import dtypes, float_errors
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import SignatureError, StaticValue
from tideflow._src.graph.signature import group

if TYPE_CHECKING:
    from tideflow._src.graph.op_def import Argument, OpDef
    from tideflow._src.graph.operation import Operation


def host_kernel(op_def: OpDef) -> Callable[..., Any] | None:
    """Returns the definition's kernel for NumPy values, to be called with inputs and attributes, or None."""
    kernel = op_def.host_kernel
    if kernel is None and op_def.tier == "any":
        kernel = partial(op_def.kernel, np)
    elif kernel is None and op_def.tier == "host":
        kernel = op_def.kernel
    return shape_checking(op_def, kernel) if op_def.checks_shapes and kernel is not None else kernel


def is_over_xp(op_def: OpDef) -> bool:
    """Tells whether the host kernel is the definition's own over NumPy, with nothing around it."""
    return op_def.host_kernel is None and op_def.tier == "any" and not op_def.checks_shapes


def shape_checking(op_def: OpDef, kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a kernel that first asks the definition's shape rule whether it takes the shapes of the inputs."""
    if op_def.shape_rule is None:
        return kernel

    def checked(*inputs: Any, **attrs: Any) -> Any:
        try:
            _ruled(op_def, inputs, attrs)
        except ValueError as error:
            raise InvalidArgumentError(None, None, str(error)) from None
        return kernel(*inputs, **attrs)

    return checked


def _ruled(op_def: OpDef, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
    """Returns what the shape rule says of a kernel's call."""
    rule = op_def.shape_rule
    assert rule is not None
    code = rule.__code__
    wanted = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    known = [_known(argument, item) for argument, item in zip(op_def.inputs, inputs, strict=True)]
    given = {name: attrs[name] if name in attrs else _implied(op_def, name, inputs) for name in wanted}
    return rule(*known, **given)


def result_shapes(op_def: OpDef, inputs: Sequence[Any], attrs: dict[str, Any]) -> list[tuple[int, ...]]:
    """Returns the shapes of results that are known before a kernel is called; those that are not are left out."""
    if op_def.shape_rule is None:
        return []
    try:
        found = _ruled(op_def, inputs, attrs)
    except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, SignatureError):
        return []  # the kernel says what is wrong
    shapes = found if isinstance(found, list) else [found]
    return [shape for shape in shapes if isinstance(shape, tuple) and all(isinstance(size, int) for size in shape)]


def _known(argument: Argument, item: Any) -> Any:
    if item.__class__ is list:
        return [_known_one(argument, each) for each in item]
    return _known_one(argument, item)


def _known_one(argument: Argument, value: Any) -> Any:
    shape = getattr(value, "shape", ())
    return StaticValue(np.asarray(value), None, shape) if argument.is_static else shape


def _implied(op_def: OpDef, name: str, inputs: Sequence[Any]) -> Any:
    """Returns an attribute that follows from the inputs: their dtype, dtypes, or number."""
    for argument, item in zip(op_def.inputs, inputs, strict=True):
        if name == argument.number_attr:
            return len(item)
        if name == argument.type_list_attr:
            return [dtypes.of_numpy[each.dtype] for each in item]
        if name == argument.type_attr:
            return dtypes.of_numpy[(item[0] if argument.is_list else item).dtype]
    raise SignatureError(f"The shape rule of {op_def.name} asks for {name!r}, which a kernel's call does not tell.")


def kernel_attributes(op_def: OpDef, attrs: dict[str, Any]) -> dict[str, Any]:
    """Returns the attributes that the kernel takes."""
    return {name: attrs[name] for name in op_def.kernel_attributes}


def host_outputs(op: Operation, values: Sequence[Any], partly_known: bool = False) -> list[Any] | None:
    """Returns the outputs of a node computed on the host, or None if that fails.

    A failure here is no error yet: it will be reported, with the operation's name, when the graph runs.
    """
    op_def = op.op_def
    kernel = op_def.partial_kernel if partly_known and op_def.partial_kernel else host_kernel(op_def)
    if kernel is None or op_def.takes_functions:  # a loop may never end
        return None
    grouped = group(op_def.inputs, op.attrs, values)
    attrs = kernel_attributes(op_def, op.attrs)
    try:
        with float_errors.quiet():
            result = kernel(*grouped, **attrs)
    except Exception:  # the kernel will say the same at run time, where it can be attributed
        return None
    if len(op_def.outputs) == 1 and not isinstance(result, list):
        return [np.asarray(result)]
    flat: list[Any] = []
    for item in result:
        flat.extend(item) if isinstance(item, list) else flat.append(item)
    return [np.asarray(item) for item in flat]
