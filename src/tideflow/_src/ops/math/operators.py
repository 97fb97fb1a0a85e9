"""Gives tensors Python's arithmetic, comparison and logic operators.

Nodes that operators make are named as TensorFlow names them: ``add``, ``truediv``, ``and``; constants made of the
other operand ``add/x`` or ``add/y``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.float_errors import run_quietly
from tideflow._src.core.tensor import EagerTensor, SymbolicTensor, Tensor, install_operator, wrap
from tideflow._src.ops import dispatch
from tideflow._src.ops.math import arithmetic, comparison, division, logical, unary
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.math.elementwise_functions import binary, is_plain_number
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.fast_path import fast_path
from tideflow._src.runtime.op import Op

#: Operands of these classes have no say in what an operator does with them.
_PLAIN = (int, float, complex, str, bytes, list, tuple, np.ndarray, np.generic, Tensor)


def _reflected(operation: Op, ufunc: Any, general: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Returns the operator for a number on the left side of a tensor: ``method(tensor, number)``."""

    @fast_path(
        operation,
        tensors=("self",),
        when="(_dtype := v_self.dtype) in CHECKED and PLAIN(other, _dtype.kind)",
        value="RUN(UFUNC, other, v_self)",
        inputs="(WRAP(_dtype.type(other)), self)",
        CHECKED=operation.checked,
        UFUNC=ufunc,
        PLAIN=is_plain_number,
    )
    def method(self: Any, other: Any) -> Any:
        return general(other, self)

    return method


def _converted_left(x: Any, y: Any) -> Any:
    """Converts the left operand to the type of the tensor on the right; in a graph, the operation does that."""
    return convert_to_tensor(x, dtype=y.dtype.base_dtype) if y.__class__ is EagerTensor else x


def _install(
    name: str,
    operation: Op,
    ufunc: Any,
    node_name: str,
    function: Callable[..., Any],
    perform: Callable[[Any, Any, str | None], Any] | None = None,
    outer: Callable[..., Any] | None = None,
) -> None:
    """Makes ``__name__`` and ``__rname__`` methods of tensors.

    Args:
      name: the operator's name in Python, such as ``add``.
      operation: the operation that serves most dtypes.
      ufunc: its NumPy ufunc, or None.
      node_name: the name of nodes.
      function: the public function of the same meaning: who takes that over, takes over the operator.
      perform: ``perform(x, y, name)``, if it does more than call the operation.
      outer: what fallbacks are registered for, if that is not ``function``.
    """
    right_name = f"__r{name}__"

    def default_perform(x: Any, y: Any, chosen: str | None) -> Any:
        return operation.call(x, y, name=chosen)

    apply = perform or default_perform
    outermost = outer or function

    def slow(x: Any, y: Any, _: str | None = None) -> Any:
        if not isinstance(x, Tensor):  # a class that has taken the operators of tensors over
            return outermost(x, y)
        if isinstance(y, _PLAIN):
            return apply(x, y, node_name)
        result = dispatch.handled(function, x, y)
        if result is not dispatch.NOT_SUPPORTED:
            return result
        try:
            return apply(x, y, node_name)
        except (TypeError, ValueError):
            result = dispatch.rescued(outermost, x, y)
            if result is dispatch.NOT_SUPPORTED:
                if not hasattr(type(y), right_name):
                    raise
                result = getattr(y, right_name)(x)  # a class that knows tensors better than they know it
            if result is NotImplemented:
                raise
            return result

    def reflected_slow(x: Any, y: Any) -> Any:
        if not isinstance(y, Tensor):
            return outermost(x, y)
        result = dispatch.NOT_SUPPORTED if isinstance(x, _PLAIN) else dispatch.handled(function, x, y)
        if result is not dispatch.NOT_SUPPORTED:
            return result
        if y.__class__ is EagerTensor and y._value.dtype == np.bool_:
            return apply(x, y, node_name)
        return apply(_converted_left(x, y), y, node_name)

    method = binary(operation, node_name, ufunc, function_name=f"__{name}__", slow=slow)
    install_operator(f"__{name}__", method)
    install_operator(right_name, _reflected(operation, ufunc, reflected_slow) if ufunc else _swapped(reflected_slow))


def _swapped(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        return function(other, self)

    return method


def _add(x: Any, y: Any, name: str | None) -> Any:
    tensor = x if isinstance(x, Tensor) else y
    operation = arithmetic.add_op if tensor.dtype.base_dtype is dtypes.string else arithmetic.add_v2
    return operation.call(x, y, name=name)


def add(x: Any, y: Any, name: str | None = None) -> Any:
    """Is ``x + y``, of two tensors: ``tf.__operators__.add``."""
    if isinstance(x, Tensor) or isinstance(y, Tensor):
        return _add(x, y, name or "add")
    return arithmetic.add(x, y, name)


def _multiply(x: Any, y: Any, name: str | None) -> Any:
    if any(isinstance(operand, Tensor) and operand.dtype.base_dtype is dtypes.bool for operand in (x, y)):
        x, y = (cast(operand, dtypes.int32) for operand in (x, y))
        return cast(arithmetic.mul.call(x, y, name=name), dtypes.bool)
    return arithmetic.mul.call(x, y, name=name)


#: Integers that NumPy, too, divides as float64.
_DIVIDED_AS_DOUBLE = (np.dtype(np.int32), np.dtype(np.int64))


def _true_divide(x: Any, y: Any, name: str | None) -> Any:
    if x.__class__ is EagerTensor and not context.BUILDING and x._value.dtype in _DIVIDED_AS_DOUBLE:
        divisor = y._value if y.__class__ is EagerTensor else y
        if divisor.__class__ is int or getattr(divisor, "dtype", None) is x._value.dtype:
            return wrap(run_quietly(np.true_divide, x._value, divisor))
    tensor = x if isinstance(x, Tensor) else y
    if tensor.dtype.is_integer or tensor.dtype.is_bool:
        with name_scope(None, name, [x, y]) as scope:
            if not isinstance(x, Tensor):
                x = convert_to_tensor(x, dtype=y.dtype.base_dtype, name="x")
            else:
                y = convert_to_tensor(y, dtype_hint=x.dtype.base_dtype, name="y")
                if y.dtype.base_dtype is not x.dtype.base_dtype:
                    raise TypeError(
                        f"`x` and `y` must have the same dtype, got {x.dtype.base_dtype!r} != {y.dtype.base_dtype!r}."
                    )
            return division.real_div.call(*division.cast_for_true_division(x, y), name=scope)
    return division.real_div.call(x, y, name=name)


def _logical_operator(name: str, function: Callable[[Any, Any], Any]) -> None:
    def operator(self: Any, other: Any) -> Any:
        if other.__class__ is not EagerTensor and not isinstance(other, _PLAIN):
            result = dispatch.handled(_LOGICAL[name], self, other)
            if result is not dispatch.NOT_SUPPORTED:
                return result
        return function(self, other)

    def reflected(self: Any, other: Any) -> Any:
        if context.current_graph() is None:
            return function(convert_to_tensor(other, dtype=self.dtype.base_dtype), self)
        with name_scope(None, name, [other, self]) as scope:
            left = convert_to_tensor(other, dtype=self.dtype.base_dtype, name="x")
            return _LOGICAL[name](left, self, scope) if self.dtype.is_bool else _BITWISE[name](left, self)

    install_operator(f"__{name}__", operator)
    install_operator(f"__r{name}__", reflected)


_BITWISE = {"and": logical.bitwise_and, "or": logical.bitwise_or, "xor": logical.bitwise_xor}
_LOGICAL = {"and": logical.logical_and, "or": logical.logical_or, "xor": logical.logical_xor}


def compares_elements(tensor: Any) -> bool:
    """Tells whether ``==`` compares values (TF 2) or identity (TF 1.x, and graphs that are not functions)."""
    if not context.mode.tensor_equality:
        return False
    if tensor.__class__ is SymbolicTensor:
        return bool(tensor._op.graph.building_function)
    graph = context.current_graph()
    return graph is None or bool(graph.building_function)


def _handled(compare: Callable[[Any, Any], Any], self: Any, other: Any, otherwise: bool) -> Any:
    """Returns what a class makes of a comparison, ``otherwise`` where shapes do not fit."""
    try:
        return dispatch.handled(compare, self, other)
    except (InvalidArgumentError, ValueError):
        return otherwise


def tensor_equals(self: Any, other: Any) -> Any:
    """Is ``self == other``: element by element, False if the shapes do not fit; or identity, see above."""
    if other is None:
        return False
    if compares_elements(self):
        if (other.__class__ is not EagerTensor and not isinstance(other, _PLAIN)) or not isinstance(self, Tensor):
            result = _handled(comparison.equal, self, other, False)
            if result is not dispatch.NOT_SUPPORTED:
                return result
        return comparison.equal_op.call(self, other, incompatible_shape_error=False)
    return self is other


def tensor_not_equals(self: Any, other: Any) -> Any:
    """Is ``self != other``: element by element, True if the shapes do not fit; or identity, see above."""
    if other is None:
        return True
    if compares_elements(self):
        if (other.__class__ is not EagerTensor and not isinstance(other, _PLAIN)) or not isinstance(self, Tensor):
            result = _handled(comparison.not_equal, self, other, True)
            if result is not dispatch.NOT_SUPPORTED:
                return result
        return comparison.not_equal_op.call(self, other, incompatible_shape_error=False)
    return self is not other


def _install_all() -> None:
    _install("add", arithmetic.add_v2, np.add, "add", arithmetic.add, _add, add)
    _install("sub", arithmetic.sub, np.subtract, "sub", arithmetic.subtract)
    _install("mul", arithmetic.mul, np.multiply, "mul", arithmetic.multiply, _multiply)
    _install("truediv", division.real_div, np.true_divide, "truediv", division.truediv, _true_divide)
    _install("floordiv", division.floor_div_op, None, "floordiv", division.floordiv)
    _install("mod", division.floor_mod, None, "mod", division.floormod)
    _install("pow", arithmetic.pow_op, np.power, "pow", arithmetic.pow)
    for name, function in (("and", logical.and_), ("or", logical.or_), ("xor", logical.xor)):
        _logical_operator(name, function)
    for name, method in (
        ("lt", comparison.less),
        ("le", comparison.less_equal),
        ("gt", comparison.greater),
        ("ge", comparison.greater_equal),
        ("eq", tensor_equals),
        ("ne", tensor_not_equals),
        ("neg", unary.negative),
        ("abs", unary.abs),
        ("invert", logical.inverse),
    ):
        install_operator(f"__{name}__", method)


_install_all()
