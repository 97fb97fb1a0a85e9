"""Differentiates ``py_function``: the call is recorded by a tape, which goes with the values to where the gradient is.

A Python function may draw random numbers, count or print. So its gradient does not call it again: the operation is
extended, once, to return what a tape recorded, as a value of dtype ``variant``. Branches and loops save that as they
save any value, and a loop has one recording for each turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.autodiff.call import Call
from tideflow._src.autodiff.tape import GradientTape
from tideflow._src.core import dtypes
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.core.variant_array import Variant
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.operation import Operation
from tideflow._src.ops.control.python_function import eager_py_func, function_of, function_operation, token_of
from tideflow._src.runtime.convert import convert_to_tensor


class Recording(Variant):
    """Is what a tape recorded of one call of a Python function.

    Attributes:
      tape: the tape.
      sources: the arguments that gradients reach.
      results: what the function returned.
    """

    def __init__(self, tape: GradientTape, sources: Sequence[Any], results: Sequence[Any]) -> None:
        self.tape = tape
        self.sources = list(sources)
        self.results = list(results)


def _gradients(recording: Recording, *arguments: Any) -> list[Any]:
    """Returns the gradients of the sources of a recording.

    Args:
      recording: the recording.
      arguments: the sources once more, which say to whoever differentiates this what it depends on, and then the
        gradients of the results.
    """
    upstream = arguments[len(recording.sources) :]
    found = recording.tape.gradient(recording.results, recording.sources, list(upstream), "zero")
    return [convert_to_tensor(item) for item in found]


def _recorded(function: Callable[..., Any], types: Sequence[Any]) -> Callable[..., list[Any]]:
    """Returns a function that also returns the recording of its call."""

    def call(*arguments: Any) -> list[Any]:
        tape = GradientTape(persistent=True)
        sources = [value for value in arguments if not isinstance(value, Recording) and _is_differentiable(value)]
        if function is _gradients:
            first, *others = arguments
            tape.continue_from(first.tape)
            sources = [*first.sources, *others[len(first.sources) :]]
        with tape:
            tape.watch(sources)
            result = function(*arguments)
            results = [] if result is None else list(result) if isinstance(result, list | tuple) else [result]
            if len(results) == len(types):
                results = [convert_to_tensor(item, dtype) for item, dtype in zip(results, types, strict=True)]
        return [*results, Recording(tape, sources, results)]

    return call


def _is_differentiable(tensor: Any) -> bool:
    return bool(tensor.dtype.base_dtype.is_floating or tensor.dtype.base_dtype.is_complex)


@eager_py_func.gradient
def _eager_py_func_gradient(call: Call, *dys: Any) -> Any:
    node = call.operation
    inputs = call.inputs[0]
    if node is None:
        raise LookupError("The gradient of an EagerPyFunc called eagerly is not defined; use tf.py_function.")
    sources = [item for item in inputs if _is_differentiable(item)]
    found: list[Any] = []
    if sources and any(dy is not None for dy in dys):
        recording = _recording_of(node)
        registry: Any = OpDef.registry
        upstream = [
            registry["ZerosLike"](output) if dy is None else dy
            for output, dy in zip(node.outputs[:-1], dys, strict=False)
        ]
        types = [item.dtype.base_dtype for item in sources]
        found = function_operation(_gradients, [recording, *sources, *upstream], types, True, None, True)
        for gradient, source in zip(found, sources, strict=True):
            gradient.set_shape(source.shape)
    remaining = iter(found)
    return ([next(remaining, None) if _is_differentiable(item) else None for item in inputs],)


eager_py_func.takes_missing_gradients = True


def _recording_of(node: Operation) -> SymbolicTensor:
    """Returns the output of a node that is the recording of its call, which it is given at the first request."""
    found = node.__dict__.get("_recording")
    if found is None:
        node.graph._check_not_finalized()
        types = list(node.attrs["Tout"])
        node.attrs["token"] = token_of(_recorded(function_of(node.attrs["token"]), types), eager=True)
        node.attrs["Tout"] = [*types, dtypes.variant]
        found = SymbolicTensor(node, len(types), dtypes.variant, ())
        node.outputs.append(found)
        node.__dict__["_recording"] = found
        node.graph.changed_in_place()
    return found
