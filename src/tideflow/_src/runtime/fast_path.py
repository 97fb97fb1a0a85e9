"""Writes the shortest way through a call on eager tensors: the source of every fast path comes from here.

A fast path tests for the commonest call, computes the value, wraps it, and records the call if some tape listens. What
it does not take goes to the general way. Functions of one form share one compiled code, and differ in the names that it
looks up, so that there can be many of them at no cost for importing.
"""

from __future__ import annotations

import os
import types
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from tideflow._src.core import context
from tideflow._src.core.float_errors import run_quietly
from tideflow._src.core.tensor import EagerTensor, wrap
from tideflow._src.graph import source
from tideflow._src.graph.op_def import OpDef

#: What the source of every fast path may name.
NAMES: dict[str, Any] = {
    "EagerTensor": EagerTensor,
    "BUILDING": context.BUILDING,
    "SPECIAL": context.SPECIAL,
    "TAPES": context.TAPES,
    "RECORD": context.record,
    "NEW": object.__new__,
    "WRAP": wrap,
    "RUN": run_quietly,
    "np": np,
    "ndarray": np.ndarray,
}

#: What a NumPy function raises for values that the general way explains, or where another call has taken the context
#: in which warnings are off.
FAILURES = (ValueError, TypeError, IndexError, RuntimeError, MemoryError, ZeroDivisionError)


def wrapped(inputs: str | None, attrs: str) -> list[str]:
    """Returns the lines that wrap ``_value``, record the call if ``inputs`` are given, and return."""
    lines = ["_result = NEW(EagerTensor)", "_result._value = _value"]
    if inputs is not None:
        lines += ["if TAPES:", f"    RECORD(OP, {inputs}, {attrs}, _result)"]
    return [*lines, "return _result"]


def fast_path(
    operation: OpDef,
    *,
    tensors: Sequence[str] = (),
    when: str,
    value: str,
    inputs: str | None = None,
    attrs: str = "{}",
    **names: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Returns a decorator: the function takes the shortest way where it can, and does what it says elsewhere.

    Args:
      operation: what the function computes.
      tensors: the parameters that must be eager tensors; ``v_x`` is the array of the parameter ``x``.
      when: the expression that tells whether the short way applies.
      value: the expression of the result; one that raises leaves the call to the function itself.
      inputs: the tuple of the operation's inputs, for tapes; without it, the short way is closed while a tape listens.
      attrs: the operation's attributes, for tapes.
      names: what the expressions name besides parameters and :data:`NAMES`.
    """

    def decorate(general: Callable[..., Any]) -> Callable[..., Any]:
        code = general.__code__
        parameters = code.co_varnames[: code.co_argcount]
        scope = {**NAMES, "OP": operation, "GENERAL": general, "FAILURES": FAILURES, **names}
        compiled = _compiled(parameters, tuple(tensors), when, value, inputs, attrs)
        function: Any = types.FunctionType(compiled, scope, general.__name__, general.__defaults__)
        function.__doc__ = general.__doc__
        function.__module__ = general.__module__
        function.__qualname__ = general.__qualname__
        function.__annotations__ = general.__annotations__
        return function  # type: ignore[no-any-return]

    return decorate


def general_way(function: Any) -> Callable[..., Any] | None:
    """Returns what a function with a fast path calls for everything else, or None if the function has none."""
    scope = function.__globals__
    return scope["GENERAL"] if scope.get("FAILURES") is FAILURES else None


def set_general_way(function: Any, general: Callable[..., Any]) -> None:
    """Exchanges what a function with a fast path calls for everything else."""
    function.__globals__["GENERAL"] = general


@cache
def _compiled(
    parameters: tuple[str, ...], tensors: tuple[str, ...], when: str, value: str, inputs: str | None, attrs: str
) -> types.CodeType:
    conditions = [f"{name}.__class__ is EagerTensor" for name in tensors]
    conditions.append("not SPECIAL" if inputs is None else "not BUILDING")
    lines = [
        f"def function({', '.join(parameters)}):",
        f"    if {' and '.join(conditions)}:",
        *[f"        v_{name} = {name}._value" for name in tensors],
        f"        if {when}:",
        "            try:",
        f"                _value = {value}",
        "            except FAILURES:",
        "                pass",
        "            else:",
        *["                " + line for line in wrapped(inputs, attrs)],
        f"    return GENERAL({', '.join(parameters)})",
    ]
    scope: dict[str, Any] = {}
    exec(compile("\n".join(lines), os.path.join(source.PACKAGE, "<fast path>"), "exec"), scope)
    return scope["function"].__code__  # type: ignore[no-any-return]
