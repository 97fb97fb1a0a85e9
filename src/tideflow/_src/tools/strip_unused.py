"""Cuts a GraphDef in a file down to what some outputs need: ``tensorflow.python.tools.strip_unused``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tideflow._src.core import dtypes
from tideflow._src.graph.protos.text import to_text
from tideflow._src.ops.files import file_system, replacement
from tideflow._src.tools.graph_files import add_flag, parser_of, read_message
from tideflow._src.tools.inference_graphs import strip_unused


def strip_unused_from_files(
    input_graph: str,
    input_binary: bool,
    output_graph: str,
    output_binary: bool,
    input_node_names: str,
    output_node_names: str,
    placeholder_type_enum: int,
) -> int | None:
    """Writes the part of a graph between some nodes and others to a file.

    Args:
      input_graph: the file with the ``GraphDef``.
      input_binary: whether it is binary rather than text.
      output_graph: the file to write.
      output_binary: whether that is to be binary.
      input_node_names: the nodes that become placeholders, with commas between them.
      output_node_names: the nodes to keep, with what they need.
      placeholder_type_enum: the number of the placeholders' dtype.

    Returns:
      -1 if there is no such file or no output is named, which is printed; else None.

    Raises:
      ValueError: the file holds no ``GraphDef``.
      KeyError: there is no node of such a name.
    """
    if not file_system.exists(input_graph):
        print(f"Input graph file '{input_graph}' does not exist!")
        return -1
    if not output_node_names:
        print("You need to supply the name of a node to --output_node_names.")
        return -1
    graph_def = read_message("GraphDef", input_graph, input_binary, "graph")
    result = strip_unused(graph_def, input_node_names.split(","), output_node_names.split(","), placeholder_type_enum)
    replacement.replace(output_graph, result.SerializeToString() if output_binary else to_text(result).encode())
    print(f"{len(result.node)} ops in the final graph.")
    return None


def main(arguments: Sequence[str] | None = None) -> int | None:
    """Does what the command line says."""
    parser = parser_of("Cuts a GraphDef down to what some outputs need.")
    parser.add_argument("--input_graph", default="", help="the file with the GraphDef")
    parser.add_argument("--output_graph", default="", help="the file to write")
    parser.add_argument("--input_node_names", default="", help="the nodes that are fed, with commas between them")
    parser.add_argument("--output_node_names", default="", help="the nodes to keep, with commas between them")
    parser.add_argument(
        "--placeholder_type_enum",
        type=int,
        default=dtypes.float32.as_datatype_enum,
        help="the number of the placeholders' dtype",
    )
    add_flag(parser, "--input_binary", False, "whether the file is binary")
    add_flag(parser, "--output_binary", True, "whether to write a binary file")
    flags, _ = parser.parse_known_args(arguments)
    return strip_unused_from_files(
        flags.input_graph,
        flags.input_binary,
        flags.output_graph,
        flags.output_binary,
        flags.input_node_names,
        flags.output_node_names,
        flags.placeholder_type_enum,
    )


if __name__ == "__main__":
    sys.exit(main())
