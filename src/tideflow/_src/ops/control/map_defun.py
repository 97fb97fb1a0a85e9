"""Defines ``MapDefun``: a function that is applied to every row of its arguments, all at once where XLA can."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import Function, OpDef, Shape, at_least
from tideflow._src.runtime.effects import changes_state
from tideflow._src.runtime.op import op


@op(
    "MapDefun",
    "arguments: list(Targuments), captured_inputs: list(Tcaptured) -> output: list(output_types)",
    tier="host",
    Targuments=at_least(1),
    Tcaptured=at_least(0, default=()),
    output_types=at_least(1),
    output_shapes=at_least(1),
)
def map_defun(
    arguments, captured_inputs, *, output_shapes: list[Shape], f: Function, max_intra_op_parallelism: int = 1
):
    """Calls ``f`` on each row of the arguments, with the captured inputs as they are, and stacks what it returns."""
    from tideflow._src.runtime import row_programs  # loads the XLA tier

    f.check_types([*arguments, *captured_inputs])
    results = row_programs.run(f, arguments, captured_inputs)
    for result, shape in zip(results, output_shapes, strict=True):
        found = np.shape(result)[1:]
        if shape is not None and not (
            len(shape) == len(found) and all(size in (None, real) for size, real in zip(shape, found, strict=True))
        ):
            problem = f"Mismatch in function retval shape, {list(found)}, and expected output shape, {list(shape)}."
            raise InvalidArgumentError(None, None, problem)
    return results


@map_defun.xla
def _map_defun_xla(arguments, captured_inputs, *, output_shapes, f, max_intra_op_parallelism):
    from tideflow._src.runtime import row_programs  # loads the XLA tier

    return row_programs.trace(f, arguments, captured_inputs)


@map_defun.shape
def _map_defun_shape(arguments, captured_inputs, *, output_shapes):
    count = None
    for shape in arguments:
        if shape is None:
            continue
        if not shape:
            raise ValueError("Shape must be at least rank 1 but is rank 0")
        if shape[0] is not None:
            if count is not None and shape[0] != count:
                raise ValueError(f"Dimension 0 in both shapes must be equal, but are {count} and {shape[0]}.")
            count = shape[0]
    return [None if shape is None else (count, *shape) for shape in output_shapes]


def _compiles(operation: Any) -> bool:
    function = operation.attrs["f"]
    return (
        bool(function.compilable())
        and not changes_state(function)
        and not any(tensor._dtype.name == "variant" for tensor in (*function.inputs, *function.outputs))
    )


map_defun.compiles = _compiles


@map_defun.samples
def _map_defun_samples(s):
    double = ("double", (2,))
    scaled = s.body("scaled", lambda x, y: [_call("Mul", x, _call("Exp", y)), _call("Sum", x, 0)], double, double)
    x, y = s.normal(3, 2, dtype="float64"), s.normal(2, dtype="float64")
    types = {"output_types": ["double", "double"], "output_shapes": [(2,), ()]}
    yield s([x], [y], f=scaled, **types)
    yield s([x, x], [], f=scaled, **types)
    yield s([np.zeros((0, 2))], [y], f=scaled, **types)
    yield s([x, np.zeros((4, 2))], [], f=scaled, error="InvalidArgumentError", **types)
    yield s([np.zeros(())], [y], f=scaled, error="InvalidArgumentError", **types)
    text = s.body("text", lambda x: [_call("Identity", x)], ("string", ()))
    yield s([s.strings((3,))], [], f=text, output_types=["string"], output_shapes=[()])


def _call(name: str, *inputs: Any) -> Any:
    operation: Any = OpDef.registry[name]
    return operation(*inputs)
