"""The attributes that TensorFlow's readers look for on calls, branches and loops, beyond those that are declared.

``_lower_using_switch_merge`` lets TensorFlow run branches and loops as parts of the graph that they stand in,
``_num_original_outputs`` is what its gradient of a loop counts from, and ``_read_only_resource_inputs`` says which
variables a function leaves as they are, so that others may read them at the same time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tideflow._src.core import dtypes
from tideflow._src.graph import attr_value

if TYPE_CHECKING:
    from tideflow._src.graph.operation import Operation

_BRANCHES = frozenset(("If", "StatelessIf", "Case", "StatelessCase"))
_LOOPS = frozenset(("While", "StatelessWhile"))
_CALLS = frozenset(("PartitionedCall", "StatefulPartitionedCall"))
_ASKS_WITHOUT_READING = "VarIsInitializedOp"


def of(op: Operation) -> dict[str, Any]:
    """Returns the attributes to write for an operation beyond those that it has."""
    kind = op.op_def.name
    if kind not in _BRANCHES and kind not in _LOOPS and kind not in _CALLS:
        return {}
    found: dict[str, Any] = {"_read_only_resource_inputs": read_only_inputs(op)}
    if kind in _LOOPS or (kind in _BRANCHES and not _tests_a_number(op)):
        found["_lower_using_switch_merge"] = True
    if kind in _LOOPS:
        found["_num_original_outputs"] = len(op.outputs)
    return {name: value for name, value in found.items() if name not in op.attrs}


def _tests_a_number(op: Operation) -> bool:
    """Tells whether a conditional's predicate is no boolean: a switch would not take it."""
    return op.op_def.name in ("If", "StatelessIf") and op._inputs[0]._dtype.base_dtype is not dtypes.bool


def read_only_inputs(op: Operation) -> list[int]:
    """Returns the positions of the inputs of a call, branch or loop that are handles and that no function changes."""
    return _read_only_inputs(op, set())


def _read_only_inputs(op: Operation, under_way: set[tuple[Any, int]]) -> list[int]:
    before = 1 if op.op_def.name in _BRANCHES else 0
    functions = list(_functions(op))
    return [
        before + position
        for position, tensor in enumerate(op._inputs[before:])
        if tensor._dtype.name == "resource"
        and functions
        and all(_only_reads(function, position, under_way) for function in functions)
    ]


def _functions(op: Operation) -> Iterator[Any]:
    """Yields the functions of an operation that are graphs; of what a library keeps, nothing is known."""
    for name in attr_value.function_attributes(op.op_def):
        value = op.attrs.get(name)
        for item in value if isinstance(value, list) else (value,):
            graph = item if hasattr(item, "building_function") else getattr(item, "graph", None)
            if graph is not None and hasattr(graph, "inputs"):
                yield graph


def _only_reads(function: Any, position: int, under_way: set[tuple[Any, int]]) -> bool:
    if (function, position) in under_way:  # A function that calls itself changes what the rest of it changes.
        return True
    if position >= len(function.inputs):
        return False
    under_way.add((function, position))
    try:
        parameter = function.inputs[position]
        return all(_leaves_alone(op, parameter, under_way) for op in parameter.consumers())
    finally:
        under_way.discard((function, position))


def _leaves_alone(op: Operation, handle: Any, under_way: set[tuple[Any, int]]) -> bool:
    kind = op.op_def.name
    if kind in _BRANCHES or kind in _LOOPS or kind in _CALLS:
        read_only = op.attrs.get("_read_only_resource_inputs")
        known = _read_only_inputs(op, under_way) if read_only is None else read_only
        return all(index in known for index, tensor in enumerate(op._inputs) if tensor is handle)
    return kind == _ASKS_WITHOUT_READING or bool(op.op_def.reads and not op.op_def.updates)
