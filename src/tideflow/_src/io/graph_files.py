"""Writes graphs to files, and adds the graphs of messages to the program's own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from tideflow._src.function.func_graph import FuncGraph
from tideflow._src.graph import import_graph
from tideflow._src.ops.files import file_system, replacement
from tideflow._src.runtime.convert import convert_to_tensor


def import_graph_def(
    graph_def: Any,
    input_map: dict[str, Any] | None = None,
    return_elements: Sequence[str] | None = None,
    name: str | None = None,
    op_dict: Any = None,
    producer_op_list: Any = None,
) -> list[Any] | None:
    """Adds the nodes of a ``GraphDef`` to the current default graph.

    Args:
      graph_def: the ``GraphDef``.
      input_map: by the name of an input in the GraphDef (``"x"``, ``"x:1"``, or ``"^x"`` for a control input), what
        takes its place: a tensor, or a value to make one of.
      return_elements: names of operations (``"x"``) and tensors (``"x:0"``) of the GraphDef to return.
      name: prefix of all names; ``"import"`` if None, none if empty.
      op_dict: deprecated, without effect.
      producer_op_list: an ``OpList`` of the producer's definitions; attributes that are unknown here and have the
        producer's default are dropped.

    Returns:
      What `return_elements` names, in that order; None if it is None.

    Raises:
      TypeError: an argument is of the wrong type.
      ValueError: the GraphDef is malformed, does not fit the definitions here, or does not hold what `input_map` or
        `return_elements` name. The graph is then as it was.
      NotFoundError: a node's operation does not exist here.
    """
    return import_graph.import_graph_def(
        graph_def,
        input_map,
        return_elements,
        name,
        op_dict,
        producer_op_list,
        convert=convert_to_tensor,
        make_function=FuncGraph,
    )


def write_graph(graph_or_graph_def: Any, logdir: str | os.PathLike[str], name: str, as_text: bool = True) -> str:
    """Writes a graph to the file ``name`` in ``logdir``, which is made if it does not exist.

    The file is replaced as a whole or not at all.

    Args:
      graph_or_graph_def: a ``Graph`` or a ``GraphDef``.
      logdir: the folder.
      name: the file's name.
      as_text: whether to write protobuf's text format rather than its binary one.

    Returns:
      The path of the file.
    """
    from tideflow._src.graph.protos.text import to_text  # protobuf is heavy, and few programs write graphs

    convert = getattr(graph_or_graph_def, "as_graph_def", None)
    graph_def = convert() if convert is not None else import_graph.as_graph_def_message(graph_or_graph_def)
    path = os.path.join(os.fspath(logdir), name)
    file_system.make_folders(os.path.dirname(path))
    content = to_text(graph_def).encode() if as_text else graph_def.SerializeToString()
    replacement.replace(path, content)
    return path
