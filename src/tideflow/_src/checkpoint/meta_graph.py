"""Graphs with all that belongs to them (collections, and what saves them) as ``MetaGraphDef`` messages."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src import version
from tideflow._src.core import context
from tideflow._src.core.logger import get_logger
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.function.func_graph import FuncGraph
from tideflow._src.graph import import_graph, protos
from tideflow._src.graph.op_def_proto import stripped_op_list
from tideflow._src.graph.operation import Operation
from tideflow._src.ops.files import file_system, replacement
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.collection_protos import proto_function
from tideflow._src.state.graph_keys import GraphKeys

_UNBOUND = "$unbound_inputs_"
#: Collections about the control flow of TensorFlow's own Python code; its graphs work without them.
_IGNORED = (GraphKeys.COND_CONTEXT, GraphKeys.WHILE_CONTEXT)
_INPUTS_COLLECTION = "unbound_inputs"


def export_meta_graph(
    filename: str | None = None,
    meta_info_def: Any = None,
    graph_def: Any = None,
    saver_def: Any = None,
    collection_list: Sequence[str] | None = None,
    as_text: bool = False,
    graph: Any = None,
    export_scope: str | None = None,
    clear_devices: bool = False,
    clear_extraneous_savers: bool = False,
    strip_default_attrs: bool = False,
    save_debug_info: bool = False,
    **kwargs: Any,
) -> Any:
    """Returns a graph as a ``MetaGraphDef``, and writes it to a file if one is named.

    Args:
      filename: the file.
      meta_info_def: a ``MetaInfoDef`` to take over.
      graph_def: the ``GraphDef``; that of the graph if None.
      saver_def: the ``SaverDef`` of the saver of the graph.
      collection_list: the collections to take; all if None.
      as_text: whether the file has protobuf's text format.
      graph: the graph; the default graph if None.
      export_scope: the name scope to take; its name is left out of all names.
      clear_devices: whether to leave out the devices that nodes ask for.
      clear_extraneous_savers: whether to leave out other savers and their nodes.
      strip_default_attrs: whether to leave out attributes that have their default.
      save_debug_info: accepted as TensorFlow does; there is no such information to write.
      **kwargs: ``unbound_inputs_col_name``, the collection that gets the names of inputs from outside the scope.

    Raises:
      RuntimeError: execution is eager.
      ValueError: there is nothing to export, or both a message and a scope are given.
    """
    del save_debug_info
    if context.executing_eagerly():
        raise RuntimeError(
            "Exporting/importing meta graphs is not supported when eager execution is enabled. No graph exists when "
            "eager execution is enabled."
        )
    graph = graph or context.default_graph()
    if graph_def is not None and export_scope:
        raise ValueError("graph_def and export_scope are mutually exclusive: the scope is that of a graph.")
    graph_def = graph.as_graph_def(add_shapes=True) if graph_def is None else graph_def
    message = protos.get("MetaGraphDef")()
    excluded = _savers_scopes(graph, saver_def) if clear_extraneous_savers else set()
    unbound = _add_nodes(message.graph_def, graph_def, export_scope, clear_devices, excluded)
    if meta_info_def is not None:
        message.meta_info_def.MergeFrom(meta_info_def)
    info = message.meta_info_def
    info.tensorflow_version, info.tensorflow_git_version = version.VERSION, version.GIT_VERSION
    if not info.HasField("stripped_op_list"):
        info.stripped_op_list.MergeFrom(stripped_op_list(message.graph_def))
    if strip_default_attrs:
        strip_default_attributes(message.graph_def)
        info.stripped_default_attrs = True
    keys = graph.get_all_collection_keys() if collection_list is None else collection_list
    for key in keys:
        if clear_extraneous_savers and key == GraphKeys.SAVERS:
            continue
        _add_collection(message, key, graph.get_collection(key), export_scope)
    if unbound:
        name = kwargs.get("unbound_inputs_col_name", _INPUTS_COLLECTION) or _INPUTS_COLLECTION
        message.collection_def[name].bytes_list.value.extend(item.encode() for item in sorted(unbound))
    if saver_def is not None:
        message.saver_def.MergeFrom(_saver_below(saver_def, export_scope))
    if filename:
        _write(filename, message, as_text)
    return message


def _write(filename: str, message: Any, as_text: bool) -> None:
    folder = os.path.dirname(file_system.local(filename))
    if folder:
        file_system.make_folders(folder)
    if as_text:
        from tideflow._src.graph.protos.text import to_text

        replacement.replace(filename, to_text(message).encode())
    else:
        replacement.replace(filename, message.SerializeToString())


def _saver_below(saver_def: Any, export_scope: str | None) -> Any:
    result = protos.get("SaverDef")()
    result.CopyFrom(saver_def)
    if export_scope:
        for field in ("filename_tensor_name", "save_tensor_name", "restore_op_name"):
            setattr(result, field, _below(getattr(result, field), export_scope))
    return result


def _savers_scopes(graph: Any, saver_def: Any) -> set[str]:
    """Returns the name scopes of the graph's savers other than the one given."""
    definitions = [saver.to_proto() for saver in graph.get_collection(GraphKeys.SAVERS) if hasattr(saver, "to_proto")]
    scopes = {definition.filename_tensor_name.rpartition("/")[0] for definition in definitions if definition}
    if saver_def is not None:
        scopes.discard(saver_def.filename_tensor_name.rpartition("/")[0])
    return scopes - {""}


def _below(name: str, scope: str | None) -> str:
    """Returns a name as it is inside a name scope."""
    return name.removeprefix(f"{scope.rstrip('/')}/") if scope else name


def _is_below(name: str, scope: str | None) -> bool:
    return not scope or name.startswith(f"{scope.rstrip('/')}/")


def _add_nodes(target: Any, source: Any, scope: str | None, clear_devices: bool, excluded: set[str]) -> set[str]:
    """Copies nodes; returns the names of inputs from outside the scope."""
    target.versions.CopyFrom(source.versions)
    target.library.CopyFrom(source.library)
    unbound: set[str] = set()
    for node in source.node:
        if not _is_below(node.name, scope) or any(_is_below(node.name, other) for other in excluded):
            continue
        copy = target.node.add()
        copy.CopyFrom(node)
        if clear_devices:
            copy.device = ""
        if not scope:
            continue
        copy.name = _below(node.name, scope)
        for index, text in enumerate(node.input):
            mark, name = ("^", text[1:]) if text.startswith("^") else ("", text)
            if _is_below(name, scope):
                copy.input[index] = mark + _below(name, scope)
            else:
                copy.input[index] = f"{mark}{_UNBOUND}{name}"
                unbound.add(mark + name)
        if "_class" in copy.attr:
            places = copy.attr["_class"].list.s
            kept = [
                b"loc:@" + _below(p.decode()[5:], scope).encode() for p in places if _is_below(p.decode()[5:], scope)
            ]
            del copy.attr["_class"].list.s[:]
            if kept:
                copy.attr["_class"].list.s.extend(kept)
            else:
                del copy.attr["_class"]
    return unbound


def strip_default_attributes(graph_def: Any) -> None:
    """Removes the attributes of nodes, those of functions too, that have the default of their definition."""
    definitions = {op.name: op for op in stripped_op_list(graph_def).op}
    nodes = [*graph_def.node, *(node for function in graph_def.library.function for node in function.node_def)]
    for node in nodes:
        definition = definitions.get(node.op)
        for attribute in definition.attr if definition is not None else ():
            if attribute.HasField("default_value") and attribute.name in node.attr:
                if node.attr[attribute.name] == attribute.default_value:
                    del node.attr[attribute.name]


def _add_collection(message: Any, key: Any, items: Sequence[Any], export_scope: str | None) -> None:
    """Writes a collection; one whose items no message can hold is left out, with a warning."""
    if not isinstance(key, str) or not items:
        return
    definition = protos.get("CollectionDef")()
    try:
        if proto_function(key) is not None or all(hasattr(item, "to_proto") for item in items):
            for item in items:
                proto = item.to_proto(export_scope=export_scope)
                if proto is not None:
                    definition.bytes_list.value.append(proto.SerializeToString())
        else:
            kind = _kind_of(items[0])
            if kind == "node_list":
                names = [_element(item).name for item in items]
                definition.node_list.value.extend(
                    _below(name, export_scope) for name in names if _is_below(name, export_scope)
                )
            elif kind == "bytes_list":
                definition.bytes_list.value.extend(item.encode() if isinstance(item, str) else item for item in items)
            else:
                getattr(definition, kind).value.extend(items)
    except (AttributeError, TypeError, ValueError) as error:
        get_logger().warning(
            "Issue encountered when serializing %s. Type is unsupported, or the types of the items don't match field "
            "type in CollectionDef. Note this is a warning and probably safe to ignore. %s",
            key,
            error,
        )
        return
    message.collection_def[key].CopyFrom(definition)


def _element(item: Any) -> Any:
    """Returns the tensor or operation that an item of a collection stands for."""
    convert = getattr(item, "_as_graph_element", None)
    item = item if convert is None else convert()
    if not isinstance(item, SymbolicTensor | Operation):
        raise TypeError(f"{item!r} is neither a tensor nor an operation.")
    return item


def _kind_of(item: Any) -> str:
    if isinstance(item, bool | int):
        return "int64_list"
    if isinstance(item, float):
        return "float_list"
    if getattr(getattr(item, "DESCRIPTOR", None), "full_name", None) == "google.protobuf.Any":
        return "any_list"
    return "bytes_list" if isinstance(item, bytes | str) else "node_list"


# Reading.


def as_meta_graph_def(meta_graph_or_file: Any) -> Any:
    """Returns a ``MetaGraphDef``, read from a file (binary or text) if it is not one.

    Raises:
      OSError: there is no such file, or it holds none.
    """
    if isinstance(meta_graph_or_file, protos.get("MetaGraphDef")):
        return meta_graph_or_file
    from tideflow._src.graph.protos.text import from_bytes, from_text

    name = file_system.text_of(meta_graph_or_file)
    if not file_system.exists(name):
        raise OSError(f"File does not exist. Received: {name}.")
    content = file_system.read(name)
    try:
        return from_bytes(content, protos.get("MetaGraphDef")())
    except ValueError:
        pass
    try:
        return from_text(content, protos.get("MetaGraphDef")())
    except ValueError as error:
        raise OSError(f"Cannot parse file {name}: {error}.") from None


def add_to_graph(
    message: Any,
    clear_devices: bool = False,
    import_scope: str | None = None,
    return_elements: Sequence[str] | None = None,
    input_map: dict[str, Any] | None = None,
    unbound_inputs_col_name: str = _INPUTS_COLLECTION,
    restore_collections_predicate: Callable[[str], bool] = lambda key: True,
) -> tuple[dict[str, Any], list[Any] | None]:
    """Adds the graph of a ``MetaGraphDef`` and its collections to the default graph.

    Args:
      message: the ``MetaGraphDef``.
      clear_devices, import_scope: as of ``import_meta_graph``.
      return_elements: names of tensors and operations to return.
      input_map: what takes the place of inputs, by name.
      unbound_inputs_col_name: the collection with the names of the inputs that must be in ``input_map``.
      restore_collections_predicate: tells of a collection's name whether to take it.

    Returns:
      The variables by name in the message, and what ``return_elements`` names.

    Raises:
      ValueError: the graph needs inputs that ``input_map`` does not have.
    """
    graph = context.default_graph()
    if unbound_inputs_col_name and unbound_inputs_col_name in message.collection_def:
        needed = [name.decode() for name in message.collection_def[unbound_inputs_col_name].bytes_list.value]
        missing = [
            name for name in needed if name not in (input_map or {}) and f"{_UNBOUND}{name}" not in (input_map or {})
        ]
        if missing:
            raise ValueError(
                f"Graph contains unbound inputs: {', '.join(missing)}. Must provide these inputs through input_map."
            )
        input_map = {
            name if name.startswith(_UNBOUND) or name not in needed else _UNBOUND + name: value
            for name, value in (input_map or {}).items()
        }
    graph_def = message.graph_def
    if clear_devices:
        graph_def = protos.get("GraphDef")()
        graph_def.CopyFrom(message.graph_def)
        for node in graph_def.node:
            node.device = ""
    # A scope of the name scopes around is entered; it is part of the names of what the collections refer to.
    with graph.name_scope(import_scope) if import_scope else _here(graph) as scope:
        scope = scope.rstrip("/")
    producer = message.meta_info_def.stripped_op_list if message.meta_info_def.HasField("stripped_op_list") else None
    elements = import_graph.import_graph_def(
        graph_def,
        input_map,
        return_elements,
        f"{scope}/" if scope else "",
        None,
        producer,
        convert=convert_to_tensor,
        make_function=FuncGraph,
    )
    variables: dict[str, Any] = {}
    by_bytes: dict[bytes, Any] = {}
    for key in sorted(message.collection_def):
        if key in _IGNORED or key == unbound_inputs_col_name or not restore_collections_predicate(key):
            continue
        _restore_collection(graph, key, message.collection_def[key], scope, by_bytes)
    for variable in graph.get_collection(GraphKeys.GLOBAL_VARIABLES, scope or None):
        if not isinstance(getattr(variable, "name", None), str):
            raise ValueError(f"The collection '{GraphKeys.GLOBAL_VARIABLES}' holds what is no variable: {variable!r}.")
        variables[_below(variable.name.removesuffix(":0"), scope)] = variable
    return variables, elements


class _here:
    """Stands for the name scope that is open already."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph

    def __enter__(self) -> str:
        return str(self._graph.get_name_scope())

    def __exit__(self, *_: Any) -> None:
        return None


def _restore_collection(graph: Any, key: str, definition: Any, scope: str, made: dict[bytes, Any]) -> None:
    kind = definition.WhichOneof("kind")
    if kind is None:
        get_logger().error("Cannot identify data type for collection %s. Skipping.", key)
        return
    values = getattr(definition, kind).value
    function = proto_function(key)
    if function is not None and kind == "bytes_list":
        from tideflow._src.graph.protos.text import from_bytes

        name, from_proto = function
        for content in values:
            # A variable that is in several collections is one object.
            item = made.get(content) if name == "VariableDef" else None
            if item is None:
                item = from_proto(from_bytes(content, protos.get(name)()), import_scope=scope or None)
                made[content] = item
            graph.add_to_collection(key, item)
    elif kind == "node_list":
        for name in values:
            graph.add_to_collection(key, graph.as_graph_element(f"{scope}/{name}" if scope else name))
    else:
        for value in values:
            graph.add_to_collection(key, int(value) if kind == "int64_list" else value)
