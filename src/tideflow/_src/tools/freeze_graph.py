"""Makes one GraphDef of a graph and its checkpoint: ``tensorflow.python.tools.freeze_graph``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tideflow._src.checkpoint.reading import new_checkpoint_reader
from tideflow._src.checkpoint.saver import Saver, import_meta_graph
from tideflow._src.checkpoint.state_file import checkpoint_exists
from tideflow._src.core import context
from tideflow._src.graph.graph import Graph
from tideflow._src.io.freezing import convert_variables_to_constants
from tideflow._src.io.graph_files import import_graph_def
from tideflow._src.ops.files import replacement
from tideflow._src.saved_model import constants
from tideflow._src.saved_model.v1 import loader
from tideflow._src.session.session import Session
from tideflow._src.tools.graph_files import add_flag, names_in, parser_of, read_message
from tideflow._src.tools.saved_model_utils import get_meta_graph_def

_V2 = 2


def freeze_graph_with_def_protos(
    input_graph_def: Any,
    input_saver_def: Any,
    input_checkpoint: str | None,
    output_node_names: str,
    restore_op_name: str | None,
    filename_tensor_name: str | None,
    output_graph: str,
    clear_devices: bool,
    initializer_nodes: str,
    variable_names_whitelist: str = "",
    variable_names_denylist: str = "",
    input_meta_graph_def: Any = None,
    input_saved_model_dir: str | None = None,
    saved_model_tags: Sequence[str] | None = None,
    checkpoint_version: int = _V2,
) -> Any:
    """Returns a graph whose variables are constants, with values from a checkpoint or SavedModel.

    Args:
      input_graph_def: the ``GraphDef``; it is added to the default graph.
      input_saver_def: the ``SaverDef`` of a saver whose nodes the graph has, or None.
      input_checkpoint: the checkpoint: what ``Saver.save`` returned.
      output_node_names: the names of the nodes to keep, with what they need; commas between them.
      restore_op_name, filename_tensor_name: accepted as TensorFlow does, and without effect as there.
      output_graph: the file to write; none if empty.
      clear_devices: whether to leave out the devices that nodes ask for.
      initializer_nodes: names of operations to run first, with commas between them.
      variable_names_whitelist: names of the only variables to convert; all if empty.
      variable_names_denylist: names of variables not to convert.
      input_meta_graph_def: a ``MetaGraphDef`` in place of the ``GraphDef``.
      input_saved_model_dir: a SavedModel in place of a checkpoint.
      saved_model_tags: the tags of its meta graph.
      checkpoint_version: the version of the checkpoint's format, which is found out.

    Returns:
      The ``GraphDef``.

    Raises:
      ValueError: there is no such checkpoint, no output is named, or the graph has nothing to freeze.
      AssertionError: there is no node of such a name.
    """
    del restore_op_name, filename_tensor_name
    if not input_saved_model_dir and not checkpoint_exists(input_checkpoint or ""):
        raise ValueError(f"Input checkpoint '{input_checkpoint}' doesn't exist!")
    if not output_node_names:
        raise ValueError("You need to supply the name of a node to --output_node_names.")
    source = input_graph_def if input_meta_graph_def is None else input_meta_graph_def.graph_def
    for node in source.node if clear_devices and source is not None else ():
        node.device = ""
    # In the default graph, as in TensorFlow, if graphs are built by default; eager programs keep none.
    graph = Graph() if context.executing_eagerly() else context.default_graph()
    with graph.as_default(), Session(graph=graph) as session:
        if input_graph_def is not None and not input_saved_model_dir:
            import_graph_def(input_graph_def, name="")
        if input_saver_def is not None:
            Saver(saver_def=input_saver_def, write_version=checkpoint_version).restore(session, input_checkpoint)
        elif input_meta_graph_def is not None:
            saver = import_meta_graph(input_meta_graph_def, clear_devices=True)
            if saver is not None:
                saver.restore(session, input_checkpoint)
        elif input_saved_model_dir:
            loader.load(session, saved_model_tags or [], input_saved_model_dir)
        else:
            _restore(session, input_checkpoint, checkpoint_version)
        if initializer_nodes and input_saver_def is None and not input_saved_model_dir:
            session.run(names_in(initializer_nodes))
        result = convert_variables_to_constants(
            session,
            source,
            names_in(output_node_names),
            names_in(variable_names_whitelist) if variable_names_whitelist else None,
            names_in(variable_names_denylist) if variable_names_denylist else None,
        )
    if output_graph:
        replacement.replace(output_graph, result.SerializeToString(deterministic=True))
    return result


def _restore(session: Any, checkpoint: str | None, version: int) -> None:
    """Restores the variables of a session's graph by the names of their nodes."""
    graph = session.graph
    variables = {}
    for name in new_checkpoint_reader(checkpoint).get_variable_to_shape_map():
        try:
            tensor = graph.get_tensor_by_name(f"{name}:0")
        except (KeyError, ValueError):
            continue  # a global step, for one, is of no use to inference
        if tensor.op.type == "VarHandleOp":
            reads = (op.outputs[0] for op in tensor.consumers() if op.type == "ReadVariableOp")
            tensor = next(reads, tensor)
        variables[name] = tensor
    try:
        saver = Saver(var_list=variables, write_version=version)
    except (TypeError, ValueError):
        operations = graph.get_operations()
        parts = [op.name for op in operations if re.search(r"/part_\d+/", f"{op.name}/")]
        if any(name in part for name in variables for part in parts):
            raise ValueError(
                "Models containing partition variables cannot be converted from checkpoint files. Please pass in a "
                "SavedModel using the flag --input_saved_model_dir."
            ) from None
        if not any(
            op.type.startswith("Variable") or op.type.endswith(("VariableOp", "VarHandleOp")) for op in operations
        ):
            raise ValueError(
                "No variables were found in this model. It is likely the model was frozen previously. You cannot "
                "freeze a graph twice."
            ) from None
        raise
    saver.restore(session, checkpoint)


def freeze_graph(
    input_graph: str | None,
    input_saver: str,
    input_binary: bool,
    input_checkpoint: str | None,
    output_node_names: str,
    restore_op_name: str | None,
    filename_tensor_name: str | None,
    output_graph: str,
    clear_devices: bool,
    initializer_nodes: str,
    variable_names_whitelist: str = "",
    variable_names_denylist: str = "",
    input_meta_graph: Any = None,
    input_saved_model_dir: str | None = None,
    saved_model_tags: str = constants.SERVING,
    checkpoint_version: int = _V2,
) -> Any:
    """Does what `freeze_graph_with_def_protos` does with messages in files.

    Args:
      input_graph: the file with the ``GraphDef``.
      input_saver: the file with the ``SaverDef``; none if empty.
      input_binary: whether these files, and the ``MetaGraphDef``'s, are binary rather than text.
      input_meta_graph: the file with a ``MetaGraphDef`` in place of the ``GraphDef``.
      saved_model_tags: the tags, with commas between them.

    The other arguments are those of `freeze_graph_with_def_protos`.

    Raises:
      OSError: there is no such file.
      ValueError: a file holds no such message, and what is named there.
    """
    graph_def = meta_graph_def = saver_def = None
    if input_saved_model_dir:
        graph_def = get_meta_graph_def(input_saved_model_dir, saved_model_tags).graph_def
    elif input_graph:
        graph_def = read_message("GraphDef", input_graph, input_binary, "graph")
    if input_meta_graph:
        meta_graph_def = read_message("MetaGraphDef", input_meta_graph, input_binary, "meta graph")
        print("Loaded meta graph file '" + input_meta_graph)
    if input_saver:
        saver_def = read_message("SaverDef", input_saver, input_binary, "saver")
    return freeze_graph_with_def_protos(
        graph_def,
        saver_def,
        input_checkpoint,
        output_node_names,
        restore_op_name,
        filename_tensor_name,
        output_graph,
        clear_devices,
        initializer_nodes,
        variable_names_whitelist,
        variable_names_denylist,
        meta_graph_def,
        input_saved_model_dir,
        [tag for tag in names_in(saved_model_tags) if tag],
        checkpoint_version,
    )


def main(unused_args: Sequence[str], flags: Any) -> None:
    """Freezes what the options say.

    Raises:
      ValueError: there is no such version of the checkpoint format.
    """
    del unused_args
    if flags.checkpoint_version not in (1, _V2):
        raise ValueError(f"Invalid checkpoint version (must be '1' or '2'): {flags.checkpoint_version}")
    freeze_graph(
        flags.input_graph,
        flags.input_saver,
        flags.input_binary,
        flags.input_checkpoint,
        flags.output_node_names,
        flags.restore_op_name,
        flags.filename_tensor_name,
        flags.output_graph,
        flags.clear_devices,
        flags.initializer_nodes,
        flags.variable_names_whitelist,
        flags.variable_names_denylist,
        flags.input_meta_graph,
        flags.input_saved_model_dir,
        flags.saved_model_tags,
        flags.checkpoint_version,
    )


def run_main(arguments: Sequence[str] | None = None) -> None:
    """Freezes what the command line says.

    Args:
      arguments: the command line; this process's if None.
    """
    parser = parser_of("Makes one GraphDef of a graph and the values of its variables.")
    for name, default, text in (
        ("--input_graph", "", "the file with the GraphDef"),
        ("--input_saver", "", "the file with a SaverDef"),
        ("--input_checkpoint", "", "the checkpoint"),
        ("--output_graph", "", "the file to write"),
        ("--output_node_names", "", "the nodes to keep, with commas between them"),
        ("--restore_op_name", "save/restore_all", "without effect"),
        ("--filename_tensor_name", "save/Const:0", "without effect"),
        ("--initializer_nodes", "", "operations to run first, with commas between them"),
        ("--variable_names_whitelist", "", "the only variables to convert, with commas between them"),
        ("--variable_names_denylist", "", "variables not to convert, with commas between them"),
        ("--input_meta_graph", "", "the file with a MetaGraphDef"),
        ("--input_saved_model_dir", "", "the folder of a SavedModel"),
        ("--saved_model_tags", constants.SERVING, "the tags of its meta graph, with commas between them"),
    ):
        parser.add_argument(name, type=str, default=default, help=text)
    parser.add_argument("--checkpoint_version", type=int, default=_V2, help="the version of the checkpoint's format")
    add_flag(parser, "--input_binary", False, "whether the messages in files are binary")
    add_flag(parser, "--clear_devices", True, "whether to leave out the devices that nodes ask for")
    flags, rest = parser.parse_known_args(arguments)
    main(rest, flags)


if __name__ == "__main__":
    run_main()
