"""Differentiates ``py_function``: its gradient is a Python function too, which runs the first one under a tape."""

from __future__ import annotations

from typing import Any

from tideflow._src.autodiff.call import Call
from tideflow._src.autodiff.tape import GradientTape
from tideflow._src.ops.control.python_function import eager_py_func, function_of, function_operation
from tideflow._src.runtime.convert import convert_to_tensor


@eager_py_func.gradient
def _eager_py_func_gradient(call: Call, *dys: Any) -> Any:
    token = call.attr("token")
    inputs = call.inputs[0]
    count = len(inputs)

    def backward(*arguments: Any) -> Any:
        values, upstream = arguments[:count], arguments[count:]
        with GradientTape() as tape:
            for value in values:
                if value.dtype.is_floating or value.dtype.is_complex:
                    tape.watch(value)
            result = function_of(token)(*values)
        results = list(result) if isinstance(result, list | tuple) else [result]
        found = tape.gradient(results, list(values), list(upstream), "zero")
        return [convert_to_tensor(item) for item in found]

    types = [item.dtype.base_dtype for item in inputs]
    results = function_operation(backward, [*inputs, *dys], types, True, None, True)
    return ([item if item.dtype.is_floating or item.dtype.is_complex else None for item in results],)
