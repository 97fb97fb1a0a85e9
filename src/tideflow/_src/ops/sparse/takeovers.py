"""What sparse tensors take over: element-wise functions that keep zeros, counting, and operators.

Loaded when the first sparse tensor is made.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from tideflow._src.ops import dispatch
from tideflow._src.ops.math import counting, special_functions, trigonometric, unary
from tideflow._src.ops.sparse.arithmetic import install_operators
from tideflow._src.ops.sparse.ids import dense_bincount
from tideflow._src.runtime.sparse_tensor import SparseTensor


class _OnValues(dispatch.OpDispatcher):
    """Applies a function of one tensor to the values of a sparse tensor, where the function has refused it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._parameter = next(iter(inspect.signature(function).parameters))
        self.register(function)

    def handle(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Returns the sparse tensor of the function's results, or ``NOT_SUPPORTED``."""
        x = args[0] if args else kwargs.get(self._parameter)
        if not isinstance(x, SparseTensor):
            return self.NOT_SUPPORTED
        rest = {key: value for key, value in kwargs.items() if key != self._parameter}
        return x.with_values(self._function(x.values, *args[1:], **rest))


for _function in (
    unary.abs,
    unary.negative,
    unary.sign,
    unary.square,
    unary.sqrt,
    unary.tanh,
    special_functions.erf,
    special_functions.bessel_i0e,
    special_functions.bessel_i1e,
    trigonometric.sin,
    trigonometric.tan,
    trigonometric.asin,
    trigonometric.atan,
    trigonometric.asinh,
    trigonometric.atanh,
):
    _OnValues(_function)

dispatch.register(counting.bincount, dense_bincount, {"arr": SparseTensor})
install_operators()
