"""Where in the program the nodes of a SavedModel were made, as a ``GraphDebugInfo``."""

from __future__ import annotations

import os
from typing import Any

from tideflow._src.graph import export, protos, source
from tideflow._src.graph.graph import Graph
from tideflow._src.ops.files import file_system, replacement
from tideflow._src.saved_model import constants


def write_debug_info(folder: str, graph_def: Any, graph: Graph) -> None:
    """Writes the file of a SavedModel that says where the nodes of its functions were made.

    Args:
      folder: the folder of the SavedModel.
      graph_def: the graph, with its functions.
      graph: the same.
    """
    message = protos.get("GraphDebugInfo")()
    files: dict[str, int] = {}
    for function in graph_def.library.function:
        body = graph.functions.get(function.signature.name)
        if body is None:
            continue
        body = export.body_of(body)
        arguments = {tensor.op for tensor in body.inputs}
        operations = [op for op in body.get_operations() if op not in arguments]
        for op, node in zip(operations, function.node_def, strict=True):
            trace = message.traces[f"{node.name}@{function.signature.name}"]
            for frame in source.summaries(op._source):
                index = files.setdefault(frame.filename, len(files))
                trace.file_line_cols.add(file_index=index, line=frame.lineno or 0, func=frame.name)
    message.files.extend(files)
    target = os.path.join(folder, constants.DEBUG_DIRECTORY)
    file_system.make_folders(target)
    path = os.path.join(target, constants.DEBUG_INFO_FILENAME_PB)
    replacement.replace(path, message.SerializeToString(deterministic=True))
