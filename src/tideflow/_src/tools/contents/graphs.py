"""What GraphDefs, MetaGraphDefs and SavedModels hold."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.ops.files import file_system
from tideflow._src.saved_model import constants
from tideflow._src.saved_model.files import parse_saved_model
from tideflow._src.tools.contents.checkpoints import checkpoint_tables
from tideflow._src.tools.contents.table import Table, facts, shape_text

#: Operations that reach beyond the graph, and how.
_REACH_OUT = {
    "PyFunc": "calls Python",
    "PyFuncStateless": "calls Python",
    "EagerPyFunc": "calls Python",
    "ReadFile": "reads files",
    "WholeFileReaderV2": "reads files",
    "MatchingFiles": "reads files",
    "WriteFile": "writes files",
    "SaveV2": "writes files",
    "RestoreV2": "reads files",
    "PrintV2": "prints",
    "Print": "prints",
}


def _dtype(number: int) -> str:
    try:
        return dtypes.as_dtype(number).name
    except TypeError:
        return f"dtype {number}" if number else ""


def _shape(message: Any) -> str:
    return "(unknown rank)" if message.unknown_rank else shape_text(each.size for each in message.dim)


def graph_tables(message: Any, title: str = "GraphDef") -> list[Table]:
    """Returns what a ``GraphDef`` holds: its inputs, likely outputs and operations."""
    nodes = list(message.node)
    functions = list(message.library.function)
    used = {text.removeprefix("^").split(":")[0] for node in nodes for text in node.input}
    inputs = [
        (node.name, _dtype(node.attr["dtype"].type), _shape(node.attr["shape"].shape))
        for node in nodes
        if node.op in ("Placeholder", "PlaceholderWithDefault", "PlaceholderV2")
    ]
    last = [(node.name, node.op) for node in nodes if node.name not in used and node.op not in ("NoOp", "Placeholder")]
    counts = Counter(node.op for node in nodes)
    inside = Counter(node.op for function in functions for node in function.node_def)
    producer = message.versions.producer or message.version
    tables = [
        facts(title, [("nodes", len(nodes)), ("functions", len(functions)), ("producer", producer or None)]),
        Table("Inputs", ("name", "dtype", "shape"), inputs),
        Table("Nodes that no node uses", ("name", "operation"), last),
        Table(
            "Operations",
            ("operation", "in the graph", "in functions", ""),
            [(op, counts[op], inside[op], _REACH_OUT.get(op, "")) for op in sorted({*counts, *inside})],
        ),
    ]
    if functions:
        rows = [
            (each.signature.name, len(each.signature.input_arg), len(each.signature.output_arg), len(each.node_def))
            for each in functions
        ]
        tables.append(Table("Functions", ("name", "arguments", "results", "nodes"), rows))
    return tables


def meta_graph_tables(message: Any, title: str = "MetaGraphDef") -> list[Table]:
    """Returns what a ``MetaGraphDef`` holds: signatures, collections, files, and its graph."""
    info = message.meta_info_def
    saver = message.saver_def
    tables = [
        facts(
            title,
            [
                ("tags", ", ".join(info.tags)),
                ("written by TensorFlow", info.tensorflow_version),
                ("saver restores with", saver.restore_op_name if message.HasField("saver_def") else None),
                ("objects", len(message.object_graph_def.nodes) or None),
                ("files", ", ".join(each.filename for each in message.asset_file_def)),
            ],
        )
    ]
    rows = []
    for key in sorted(message.signature_def):
        signature = message.signature_def[key]
        for kind, infos in (("input", signature.inputs), ("output", signature.outputs)):
            for name, each in sorted(infos.items()):
                rows.append((key, kind, name, _dtype(each.dtype), _shape(each.tensor_shape), _tensor(each)))
    tables.append(Table("Signatures", ("signature", "", "name", "dtype", "shape", "tensor"), rows))
    if message.collection_def:
        collections = []
        for key in sorted(message.collection_def):
            kind = message.collection_def[key].WhichOneof("kind")
            count = len(getattr(message.collection_def[key], kind).value) if kind else 0
            collections.append((key, (kind or "empty").removesuffix("_list"), count))
        tables.append(Table("Collections", ("name", "kind", "items"), collections))
    return tables + graph_tables(message.graph_def, "Graph")


def _tensor(info: Any) -> str:
    return info.name or (info.coo_sparse.values_tensor_name and "sparse") or "composite"


def saved_model_tables(message: Any, title: str = "SavedModel") -> list[Table]:
    """Returns what a ``SavedModel`` message holds."""
    tables = [facts(title, [("version", message.saved_model_schema_version), ("graphs", len(message.meta_graphs))])]
    count = len(message.meta_graphs)
    for number, meta_graph in enumerate(message.meta_graphs, 1):
        tables += meta_graph_tables(meta_graph, f"MetaGraphDef {number} of {count}")
    return tables


def saved_model_folder_tables(folder: str) -> list[Table]:
    """Returns what the folder of a SavedModel holds, with its variables and files."""
    tables = saved_model_tables(parse_saved_model(folder), f"SavedModel in {folder}")
    prefix = os.path.join(folder, constants.VARIABLES_DIRECTORY, constants.VARIABLES_FILENAME)
    if file_system.exists(f"{prefix}.index"):
        tables += checkpoint_tables(prefix, "Variables")
    assets = os.path.join(folder, constants.ASSETS_DIRECTORY)
    if file_system.is_folder(assets):
        rows = [(name, os.path.getsize(os.path.join(assets, name))) for name in sorted(file_system.entries(assets))]
        tables.append(Table("Files", ("name", "bytes"), rows))
    return tables
