"""Applies gradient rules: finds the rule of a call, calls it, and brings what it returns to the inputs' shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.autodiff.call import Call, CallAsOperation
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import EagerTensor
from tideflow._src.graph.op_def import OpDef
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import reshape_op
from tideflow._src.ops.math.reduction import sum_

#: Gradient functions that the user registered, by operation type; None where there is no gradient.
user_rules: dict[str, Callable[..., Any] | None] = {}


class RegisterGradient:
    """Is a decorator that registers a gradient function for an operation type.

    The function takes the ``Operation`` and one gradient for each output, and returns one for each input.

    Args:
      op_type: the operation's type, or a new name for use with ``Graph.gradient_override_map``.

    Raises:
      TypeError: ``op_type`` is not a string.
      KeyError: that type has a gradient already.
    """

    def __init__(self, op_type: str) -> None:
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")
        self._op_type = op_type

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Registers ``function``."""
        _register(self._op_type, function)
        return function


def not_differentiable(op_type: str) -> None:
    """Declares that operations of a type have no gradient."""
    if not isinstance(op_type, str):
        raise TypeError("op_type must be a string")
    _register(op_type, None)


def _register(op_type: str, function: Callable[..., Any] | None) -> None:
    builtin = OpDef.registry.get(op_type)
    if op_type in user_rules or (builtin is not None and builtin.gradient_rule is not None):
        raise KeyError(f"Registering two gradient with name '{op_type}'!")
    user_rules[op_type] = function


def forget_gradients(op_types: Sequence[str]) -> None:
    """Takes registered gradient functions back: those of a graph that is gone."""
    for op_type in op_types:
        user_rules.pop(op_type, None)


def is_differentiable(op_def: OpDef, attrs: dict[str, Any]) -> bool:
    """Tells whether gradients pass through a call."""
    override = attrs.get("_gradient_op_type")
    if override is not None:
        return user_rules.get(override, True) is not None
    if op_def.name in user_rules:
        return user_rules[op_def.name] is not None
    return op_def.differentiable is not False


def input_gradients(call: Call, output_gradients: Sequence[Any]) -> list[Any]:
    """Returns the gradient of each input of a call, lists flattened, in the input's shape; None where there is none.

    Args:
      call: the call to differentiate.
      output_gradients: the gradient of each output.

    Raises:
      LookupError: the operation has no gradient rule.
      ValueError: the rule returned a wrong number of gradients.
    """
    gradients, broadcast = rule_gradients(call, output_gradients)
    if not broadcast:
        return list(gradients)
    return [
        None if gradient is None else unbroadcast(gradient, tensor)
        for gradient, tensor in zip(gradients, call.inputs, strict=True)
    ]


def rule_gradients(call: Call, output_gradients: Sequence[Any], overridden: bool = True) -> tuple[Sequence[Any], bool]:
    """Returns what the gradient rule of a call gives for each input, lists flattened; None where there is none.

    Args:
      call: the call to differentiate.
      output_gradients: the gradient of each output.
      overridden: whether what ``Graph.gradient_override_map`` said of the operation counts; to tapes it does not.

    Returns:
      The gradients, and whether they may still have the broadcast shape, for :func:`unbroadcast`.

    Raises:
      LookupError: the operation has no gradient rule.
      ValueError: the rule returned a wrong number of gradients.
    """
    op_def = call.op_def
    if user_rules or (overridden and call.operation is not None):
        override = call._attrs.get("_gradient_op_type") if overridden and call.operation is not None else None
        name = override or op_def.name
        if name in user_rules:
            function = user_rules[name]
            assert function is not None
            return _as_list(function(call.operation or CallAsOperation(call), *output_gradients), call), False
        if override is not None:
            op_def = OpDef.registry.get(override)
            if op_def is None or op_def.gradient_rule is None:
                raise LookupError(f"gradient registry has no entry for: {override}")
    rule = op_def.gradient_rule
    if rule is None:
        raise LookupError(
            f"gradient registry has no entry for: {op_def.name}. No gradient is defined for the operation "
            f"{call.operation.name if call.operation is not None else op_def.name!r}."
        )
    gradients = rule(call, *output_gradients)
    inputs = call.inputs
    if gradients.__class__ is not tuple or len(gradients) != len(inputs) or op_def.is_variadic:
        gradients = _as_list(gradients, call)
    return gradients, op_def.broadcasts


def _as_list(result: Any, call: Call) -> list[Any]:
    """Returns what a rule returned as a list with one gradient for each input tensor."""
    expected = call.inputs
    kind = result.__class__
    if kind is tuple and len(result) == len(expected):
        for item in expected:
            if item.__class__ is list:
                break
        else:
            return list(result)
    elif len(expected) == 1 and kind is not tuple and expected[0].__class__ is not list and kind is not list:
        return [result]
    return _flattened(result, call)


def _flattened(result: Any, call: Call) -> list[Any]:
    expected = call.inputs
    count = len(call.flat_inputs())
    if result is None:
        return [None] * count
    if (isinstance(result, list) and len(expected) == 1 and isinstance(expected[0], list)) or not isinstance(
        result, tuple | list
    ):
        result = (result,)
    flat: list[Any] = []
    if len(result) == len(expected):
        for item, gradient in zip(expected, result, strict=True):
            if not isinstance(item, list):
                flat.append(gradient)
            elif gradient is None:
                flat.extend([None] * len(item))
            else:
                flat.extend(gradient)
    else:
        flat = list(result)
    if len(flat) != count:
        raise ValueError(
            f"Num gradients {len(flat)} generated for op {call.op_def.name} do not match num inputs {count}"
        )
    return flat


def unbroadcast(gradient: Any, tensor: Any) -> Any:
    """Sums a gradient over the dimensions along which its input was broadcast."""
    if gradient.__class__ is EagerTensor and tensor.__class__ is EagerTensor:
        have: Any = gradient._value.shape
        want: Any = tensor._value.shape
        if have == want:
            return gradient
    elif isinstance(gradient, IndexedSlices):
        return gradient
    else:
        have, want = gradient.shape._dims, tensor.shape._dims
    if have is not None and want is not None and None not in have and None not in want:
        return gradient if have == want else _sum_to(gradient, have, want, np.array(want, np.int32))
    return _sum_to_unknown(gradient, tensor)


def _sum_to(gradient: Any, have: tuple[int, ...], want: tuple[int, ...], target: Any) -> Any:
    extra = len(have) - len(want)
    axes = [*range(extra), *(extra + i for i, size in enumerate(want) if size == 1 and have[extra + i] != 1)]
    return reshape_op(sum_(gradient, axes, keep_dims=False) if axes else gradient, target)


def _sum_to_unknown(gradient: Any, tensor: Any) -> Any:
    want = raw.Shape(tensor)
    axes, _ = raw.BroadcastGradientArgs(want, raw.Shape(gradient))
    return reshape_op(sum_(gradient, axes, keep_dims=False), want)
