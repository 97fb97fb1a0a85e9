"""Tensors' operators with promotion of dtypes: by NumPy's rules, or by those under which Python numbers are weak.

``install`` puts these in the place of the operators that convert nothing. Until then nobody pays for them, and
``uninstall`` brings the others back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tideflow._src.core.tensor import EagerTensor, Tensor, install_operator
from tideflow._src.core.type_spec import CompositeTensor
from tideflow._src.numpy_api import promotion, weak_promotion
from tideflow._src.numpy_api.arrays import as_type
from tideflow._src.numpy_api.indexing import getitem
from tideflow._src.numpy_api.products import matmul
from tideflow._src.numpy_api.weak_promotion import rules
from tideflow._src.numpy_api.weak_tensor import WeakTensor
from tideflow._src.ops.math.elementwise_functions import is_plain_number
from tideflow._src.ops.math.operators import compares_elements
from tideflow._src.runtime.device_copies import convert_to_tensor

_ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "matmul")
_COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")
#: Operators whose results are weak if both operands are.
_KEEP_WEAKNESS = frozenset(("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"))
#: What ``install`` replaced.
_replaced: dict[str, Callable[..., Any]] = {}


def converted(x: Any, dtype: Any) -> Any:
    """Returns an operand as a tensor of a dtype: cast if it is a tensor, else converted."""
    if not isinstance(x, Tensor):
        if isinstance(x, WeakTensor):
            x = x.tensor
        elif hasattr(x, "_dense_var_to_tensor"):
            x = convert_to_tensor(x)
        else:
            return convert_to_tensor(x, dtype)
    return as_type(x, dtype)


def as_weak(result: Any) -> Any:
    """Makes the tensors that an operation returns weak."""
    if isinstance(result, Tensor):
        return WeakTensor.from_tensor(result)
    if isinstance(result, tuple | list):
        return type(result)(map(as_weak, result))
    return result


def _takes_part(x: Any) -> bool:
    """Tells whether an operand is promoted; sparse and ragged tensors are not."""
    return isinstance(x, WeakTensor) or not isinstance(x, CompositeTensor)


def _promoting(name: str, plain: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Returns the operator ``__name__`` that promotes its operands before ``plain`` takes them."""
    reflected = f"__r{name}__"

    def promoted(x: Any, y: Any) -> Any:
        if rules.mode == "legacy":
            if name == "matmul":
                return matmul(x, y)
            dtype = promotion.result_type_binary(x, y)
            return plain(converted(x, dtype), converted(y, dtype))
        kind = weak_promotion.result_type(x, y)
        result = plain(converted(x, kind.dtype), converted(y, kind.dtype))
        return as_weak(result) if kind.weak and name in _KEEP_WEAKNESS else result

    def method(x: Any, y: Any) -> Any:
        if x.__class__ is EagerTensor and y.__class__ is EagerTensor and x._value.dtype is y._value.dtype:
            if name != "matmul" or rules.mode != "legacy":
                return plain(x, y)
        if x.__class__ is EagerTensor and rules.mode == "legacy" and is_plain_number(y, x._value.dtype.kind):
            if not rules.prefer_float32 and name != "matmul":
                return plain(x, y)  # the dtype of the tensor is that of the result
        if rules.mode == "off" or y is None or not _takes_part(y):
            return plain(x.tensor if isinstance(x, WeakTensor) else x, y.tensor if isinstance(y, WeakTensor) else y)
        try:
            return promoted(x, y)
        except NotImplementedError:
            return plain(x.tensor if isinstance(x, WeakTensor) else x, y)
        except (TypeError, ValueError):
            if isinstance(y, Tensor | WeakTensor) or hasattr(y, "dtype") or not hasattr(type(y), reflected):
                raise
            result = getattr(y, reflected)(x)  # a class that knows tensors better than they know it
            if result is NotImplemented:
                raise
            return result

    method.__name__ = f"__{name}__"
    return method


def _reflected(forward: Callable[[Any, Any], Any], plain: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        if rules.mode == "off" and not isinstance(self, WeakTensor):
            return plain(self, other)
        return forward(other, self)

    return method


def _comparing(name: str, plain: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    promoting = _promoting(name, plain)
    if name not in ("eq", "ne"):
        return promoting

    def method(self: Any, other: Any) -> Any:
        if other is None or not compares_elements(self):
            return plain(self, other)
        return promoting(self, other)

    return method


def install() -> None:
    """Makes every tensor's operators promote, and ``[]`` index as NumPy does. It may be called again."""
    if _replaced:
        return
    for name in _ARITHMETIC:
        plain, plain_reflected = (getattr(Tensor, f"__{prefix}{name}__") for prefix in ("", "r"))
        forward = _promoting(name, plain)
        _replace(f"__{name}__", forward)
        _replace(f"__r{name}__", _reflected(_forward_of_any(forward), plain_reflected))
    for name in _COMPARISONS:
        _replace(f"__{name}__", _comparing(name, getattr(Tensor, f"__{name}__")))
    _replace("__getitem__", getitem)
    for name in _replaced:
        setattr(WeakTensor, name, getattr(Tensor, name))
    for name in ("neg", "abs", "invert"):
        setattr(WeakTensor, f"__{name}__", _unary(f"__{name}__"))


def _forward_of_any(forward: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Returns the operator for a left operand that is no tensor, which must not lead back to the operand itself."""

    def method(x: Any, y: Any) -> Any:
        if not isinstance(x, Tensor | WeakTensor):
            kind = promotion.result_type_binary(x, y) if rules.mode == "legacy" else None
            if kind is not None:
                return forward(converted(x, kind), converted(y, kind))
            found = weak_promotion.result_type(x, y)
            left, right = converted(x, found.dtype), converted(y, found.dtype)
            if found.weak:
                return forward(WeakTensor(left), WeakTensor(right))
            return forward(left, right)
        return forward(x, y)

    return method


def _unary(name: str) -> Callable[[Any], Any]:
    def method(self: Any) -> Any:
        return as_weak(getattr(self.tensor, name)())

    return method


def _replace(name: str, method: Callable[..., Any]) -> None:
    _replaced[name] = getattr(Tensor, name)
    install_operator(name, method)


def uninstall() -> None:
    """Gives tensors the operators back that ``install`` replaced."""
    for name, plain in _replaced.items():
        install_operator(name, plain)
    _replaced.clear()
