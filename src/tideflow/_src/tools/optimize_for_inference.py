"""Prepares a GraphDef in a file for inference: ``tensorflow.python.tools.optimize_for_inference``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tideflow._src.core import dtypes
from tideflow._src.graph.protos.text import to_text
from tideflow._src.ops.files import file_system, replacement
from tideflow._src.tools.graph_files import add_flag, parser_of, read_message
from tideflow._src.tools.inference_graphs import optimize_for_inference


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the command line says; returns the status of the process.

    Raises:
      ValueError: the file holds no ``GraphDef``.
      KeyError: there is no node of such a name.
    """
    parser = parser_of("Prepares a frozen GraphDef for inference.")
    parser.add_argument("--input", default="", help="the file with the GraphDef")
    parser.add_argument("--output", default="", help="the file to write")
    parser.add_argument("--input_names", default="", help="the nodes that are fed, with commas between them")
    parser.add_argument("--output_names", default="", help="the nodes to keep, with commas between them")
    parser.add_argument(
        "--placeholder_type_enum",
        default=str(dtypes.float32.as_datatype_enum),
        help="the number of the placeholders' dtype, or one for each",
    )
    parser.add_argument("--placeholder_to_const_names", default="", help="placeholders that become their defaults")
    add_flag(parser, "--frozen_graph", True, "whether the files are binary rather than text")
    add_flag(parser, "--toco_compatible", False, "without effect")
    flags, _ = parser.parse_known_args(arguments)
    if not file_system.exists(flags.input):
        print(f"Input graph file '{flags.input}' does not exist!")
        return -1
    kinds = [int(value) for value in flags.placeholder_type_enum.split(",")]
    result = optimize_for_inference(
        read_message("GraphDef", flags.input, flags.frozen_graph, "graph"),
        flags.input_names.split(","),
        flags.output_names.split(","),
        kinds if len(kinds) > 1 else kinds[0],
        flags.toco_compatible,
        [name for name in flags.placeholder_to_const_names.split(",") if name],
    )
    content = result.SerializeToString() if flags.frozen_graph else to_text(result).encode()
    replacement.replace(flags.output, content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
