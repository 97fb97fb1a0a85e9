"""The gradient of a function call: a call of the function's gradient."""

from __future__ import annotations

from typing import Any

from tideflow._src.autodiff.call import Call
from tideflow._src.function.conditional import function_gradient
from tideflow._src.ops.control.functional import partitioned_call, stateful_partitioned_call


@partitioned_call.gradient
def _call_gradient(call: Call, *dys: Any) -> Any:
    function = call.attr("f")
    arguments = list(call.inputs[0])
    gradient, positions = function_gradient(function, f"{function.name}_grad")
    found: list[Any] = [None] * len(arguments)
    if positions:
        operation: Any = stateful_partitioned_call if gradient.is_stateful() else partitioned_call
        results = operation([*arguments, *dys], Tout=[output._dtype for output in gradient.outputs], f=gradient)
        for position, result in zip(positions, results, strict=True):
            found[position] = result
    return (found,)


stateful_partitioned_call.gradient(_call_gradient)
