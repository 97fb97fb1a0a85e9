"""Freezes concrete functions: their variables become constants, and what they call becomes part of their graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.errors import FailedPreconditionError
from tideflow._src.function.wrapped_function import function_from_graph_def
from tideflow._src.io.freezing import convert_variables_to_constants, with_constants
from tideflow._src.io.graph_util import extract_sub_graph
from tideflow._src.io.inlining import inline_calls
from tideflow._src.runtime.buffers import Buffer, buffer_in

_VARIABLES = ("Variable", "VariableV2")


def convert_variables_to_constants_v2(
    func: Any, lower_control_flow: bool = True, aggressive_inlining: bool = False
) -> Any:
    """Returns a concrete function with the values of the variables of another one as constants.

    Functions that it calls are inlined; branches and loops stay ``If`` and ``While`` nodes, whose functions get values
    where they got variables.

    Args:
      func: the concrete function.
      lower_control_flow: kept for TensorFlow's signature: whether branches and loops become switches and loop frames
        there, which is nothing that a reader of the graph needs.
      aggressive_inlining: kept for TensorFlow's signature: calls are inlined with all that waits for them.

    Returns:
      A function of the same inputs but the captured ones that became constants. It returns a list.

    Raises:
      ValueError: the function does something else with a variable than to read it.
    """
    del lower_control_flow, aggressive_inlining
    return _frozen(func, _eager_value)[0]


def convert_variables_to_constants_v2_as_graph(
    func: Any, lower_control_flow: bool = True, aggressive_inlining: bool = False
) -> tuple[Any, Any]:
    """Does what `convert_variables_to_constants_v2` does.

    Returns:
      The function, and its graph as a ``GraphDef``.

    Raises:
      ValueError: the function does something else with a variable than to read it.
    """
    del lower_control_flow, aggressive_inlining
    return _frozen(func, _eager_value)


def convert_var_to_const_function_in_v1(
    func: Any, lower_control_flow: bool = True, aggressive_inlining: bool = False
) -> Any:
    """Does what `convert_variables_to_constants_v2` does where execution is not eager: in a session.

    Raises:
      RuntimeError: there is no default session.
      FailedPreconditionError: a variable is not initialized.
      ValueError: the function does something else with a variable than to read it.
    """
    del lower_control_flow, aggressive_inlining
    if not context.state.sessions:
        raise RuntimeError("The conversion must be carried out in a Session context.")
    session = context.state.sessions[-1]
    return _frozen(func, session.run)[0]


def convert_variables_to_constants_from_session_graph(
    session: Any,
    graph_def: Any,
    output_node_names: Sequence[str],
    variable_names_allowlist: Sequence[str] | None = None,
    variable_names_denylist: Sequence[str] | None = None,
) -> Any:
    """Returns the part of a session's graph that some nodes need, with the values of its variables as constants.

    Args:
      session: the session.
      graph_def: the ``GraphDef`` of its graph.
      output_node_names: names of the nodes to keep, with what they need.
      variable_names_allowlist: names of the only variables to convert; all if None.
      variable_names_denylist: names of variables not to convert.

    Raises:
      AssertionError: there is no node of such a name.
      ValueError: what is kept does something else with a variable than to read it.
    """
    return convert_variables_to_constants(
        session, graph_def, output_node_names, variable_names_allowlist, variable_names_denylist
    )


def _frozen(func: Any, evaluate: Callable[[Any], Any]) -> tuple[Any, Any]:
    graph = func.graph
    values = {}
    for outer, inner in zip(func.captured_inputs, (inner for _, inner in graph.captures), strict=True):
        value = None if outer.dtype == dtypes.variant else evaluate(outer)
        if outer.dtype == dtypes.resource:
            value = _value_of(value)
        if value is not None:
            values[inner.op.name] = value
    values |= _reference_variables(func)
    inputs = [tensor for tensor in func.inputs if tensor.op.name not in values]
    kept = dict.fromkeys(tensor.op.name for tensor in (*inputs, *func.outputs))
    message = extract_sub_graph(inline_calls(graph.as_graph_def(), kept), kept)
    message = with_constants(message, {name: value for name, value in values.items() if _has(message, name)})
    frozen = function_from_graph_def(message, [each.name for each in inputs], [each.name for each in func.outputs])
    return frozen, message


def _has(message: Any, name: str) -> bool:
    return any(node.name == name for node in message.node)


def _value_of(handle: Any) -> Any:
    """Returns the value of a variable, given its handle; None for other resources.

    Raises:
      FailedPreconditionError: the variable is not initialized.
    """
    buffer = buffer_in(handle)
    if not isinstance(buffer, Buffer):
        return None
    if not buffer.is_initialized:
        raise FailedPreconditionError(
            None, None, f"Attempting to use uninitialized value {getattr(handle, 'name', '')}"
        )
    return np.asarray(buffer.read())


def _eager_value(tensor: Any) -> Any:
    return tensor._value if tensor.dtype == dtypes.resource else tensor.numpy()


def _reference_variables(func: Any) -> dict[str, np.ndarray[Any, Any]]:
    """Returns the values of the variables that the function's own graph holds, which only it can read."""
    names = [op.name for op in func.graph.get_operations() if op.type in _VARIABLES]
    if not names:
        return {}
    found = func.prune([], [f"{name}:0" for name in names])()
    return {name: np.asarray(value) for name, value in zip(names, found, strict=True)}
