"""``and``, ``or``, ``not`` and chains of comparisons, of values of Python and of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tideflow._src.function.autograph.staging import as_condition, symbolic
from tideflow._src.function.conditional import cond
from tideflow._src.graph.op_def import OpDef
from tideflow._src.runtime.convert import convert_to_tensor

_registry: Any = OpDef.registry


def and_(value: Any, *others: Callable[[], Any]) -> Any:
    """Returns ``value and others[0]() and ...``."""
    if not others:
        return value
    other, *rest = others
    tensor = symbolic(value)
    if tensor is not None:
        condition = as_condition(tensor, "`and`")
        return cond(condition, lambda: convert_to_tensor(and_(other(), *rest)), lambda: condition)
    return and_(other(), *rest) if value else value


def or_(value: Any, *others: Callable[[], Any]) -> Any:
    """Returns ``value or others[0]() or ...``."""
    if not others:
        return value
    other, *rest = others
    tensor = symbolic(value)
    if tensor is not None:
        condition = as_condition(tensor, "`or`")
        return cond(condition, lambda: condition, lambda: convert_to_tensor(or_(other(), *rest)))
    return value if value else or_(other(), *rest)


def not_(value: Any) -> Any:
    """Returns ``not value``."""
    tensor = symbolic(value)
    return not value if tensor is None else _registry["LogicalNot"](tensor)


def chained(left: Any, *steps: Any) -> Any:
    """Returns ``left < a < b ...``; the steps are a comparison and what gives its second operand, in turn."""
    compare, following = steps[0], steps[1]
    right = following()
    result = compare(left, right)
    return result if len(steps) == 2 else and_(result, lambda: chained(right, *steps[2:]))
