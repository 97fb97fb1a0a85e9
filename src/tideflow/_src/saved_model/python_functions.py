"""Refuses graphs of files that call Python functions of the process that loads them."""

from __future__ import annotations

from typing import Any

from tideflow._src.core.errors import PermissionDeniedError

_CALLS = frozenset(("PyFunc", "PyFuncStateless", "EagerPyFunc"))


def refuse(graph_def: Any) -> None:
    """Checks that no node of a graph or of its functions calls a Python function.

    Such a node names a function of the process that wrote it. In another process that name means nothing, or another
    function.

    Args:
      graph_def: the ``GraphDef``.

    Raises:
      PermissionDeniedError: a node does.
    """
    places = [("", graph_def.node)]
    places += [(f" of the function '{each.signature.name}'", each.node_def) for each in graph_def.library.function]
    for place, nodes in places:
        for node in nodes:
            if node.op in _CALLS:
                raise PermissionDeniedError(
                    None,
                    None,
                    f"'{node.name}'{place} ({node.op}) calls a Python function of the process that wrote the "
                    "SavedModel, by a name that may mean another function here. Load it with "
                    "allow_python_functions=True if this process has made that function.",
                )
