"""The operation that holds a function and computes its gradient."""

from __future__ import annotations

from typing import Any

from tideflow._src.graph.op_def import Function, OpDef, at_least
from tideflow._src.ops.control.branching import function_gradient
from tideflow._src.runtime.op import op


@op(
    "SymbolicGradient",
    "input: list(Tin) -> output: list(Tout)",
    tier="host",
    differentiable="missing",
    Tin=at_least(1),
    Tout=at_least(1),
)
def symbolic_gradient_op(input, *, f: Function):
    """Computes the gradients of a function at some arguments.

    The inputs are the arguments, then the gradient of each result. There is an output for each argument: zeros for one
    that no gradient reaches.
    """
    return function_gradient(f, list(input))


@symbolic_gradient_op.shape
def _symbolic_gradient_shape(input, *, f):
    return [parameter._shape for parameter in f.inputs]


@symbolic_gradient_op.samples
def _symbolic_gradient_samples(s):
    double = ("float64", (3,))
    scaled = s.body("scaled", lambda x, y: [_call("Mul", x, _call("Exp", y)), _call("Sin", y)], double, double)
    values = [s.normal(3, dtype="float64") for _ in range(4)]
    yield s(values, f=scaled, Tout=["float64", "float64"], gradient=False)
    first = s.body("first", lambda x, y: [_call("Square", x)], double, double)
    yield s(values[:3], f=first, Tout=["float64", "float64"], gradient=False)


def _call(name: str, *inputs: Any) -> Any:
    operation: Any = OpDef.registry[name]
    return operation(*inputs)
