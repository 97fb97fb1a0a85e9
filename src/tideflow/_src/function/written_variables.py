"""Lets branches and loops that write a reference variable read it when they use it, not when they are called."""

from __future__ import annotations

from collections.abc import Sequence

from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.function.func_graph import FuncGraph
from tideflow._src.graph.op_def import OpDef
from tideflow._src.runtime.reference_reads import read_by, variable_of


def read_when_used(graphs: Sequence[FuncGraph]) -> None:
    """Replaces captured values of the variables that one of the functions of an operation takes by reference.

    A function captures ``v/read`` as it captures any value. Where the branches or the loop that it belongs to also
    hold the variable itself, to write it, that value would be out of date; the function then captures the variable
    and reads it.
    """
    held = [outer for graph in graphs for outer in graph.external_captures if outer.dtype._is_ref_dtype]
    variables = {variable_of(outer) for outer in held}
    if not variables:
        return
    for graph in graphs:
        for outer, parameter in graph.captures:
            variable = read_by(outer) if isinstance(outer, SymbolicTensor) else None
            if variable in variables and variable is not None:
                _become_read(graph, outer, parameter, graph.capture(variable))


def _become_read(graph: FuncGraph, outer: SymbolicTensor, parameter: SymbolicTensor, variable: SymbolicTensor) -> None:
    """Turns the parameter that stood for a captured value into a read of a captured variable."""
    del graph._captures[id(outer)]
    graph.inputs = [tensor for tensor in graph.inputs if tensor is not parameter]
    op = parameter._op
    op.op_def = OpDef.registry["Identity"]
    op.attrs = {"T": parameter._dtype.base_dtype}
    op._inputs = (variable,)
    graph.changed_in_place()
