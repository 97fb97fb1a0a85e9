"""Leaves out of graphs what only helps to find faults: assertions, prints, checks of numbers."""

from __future__ import annotations

from typing import Any

_NOTHING = ("Assert", "PrintV2")
_PASSED_ON = ("CheckNumerics", "Print")


def strip_debug_nodes(graph_def: Any) -> None:
    """Turns such nodes of a graph and its functions into nodes that do nothing, or pass their first input on."""
    for nodes in (graph_def.node, *(function.node_def for function in graph_def.library.function)):
        for node in nodes:
            if node.op in _NOTHING:
                node.op = "NoOp"
                for key in [key for key in node.attr if not key.startswith("_")]:
                    del node.attr[key]
                _wait_for(node, 0)
            elif node.op in _PASSED_ON:
                node.op = "Identity"
                for key in [key for key in node.attr if key != "T"]:
                    del node.attr[key]
                _wait_for(node, 1)


def _wait_for(node: Any, first: int) -> None:
    """Makes the inputs of a node, from one on, control inputs, each once."""
    kept = list(node.input[:first])
    controls = [text if text.startswith("^") else f"^{text.split(':')[0]}" for text in node.input[first:]]
    del node.input[:]
    node.input.extend([*kept, *dict.fromkeys(controls)])
