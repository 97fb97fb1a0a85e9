"""Prints what a SavedModel holds, as TensorFlow's ``saved_model_cli show`` and ``scan`` print it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.graph import protos
from tideflow._src.saved_model import structures
from tideflow._src.tools.saved_model_utils import get_meta_graph_def, get_saved_model_tag_sets, read_saved_model


def show_tag_sets(saved_model_dir: str) -> None:
    """Prints the tags of each meta graph."""
    found = get_saved_model_tag_sets(saved_model_dir)
    print("The given SavedModel contains the following tag-sets:")
    for tags in sorted(found):
        print(repr(", ".join(sorted(tags))))


def show_signature_keys(saved_model_dir: str, tag_set: str) -> None:
    """Prints the keys of the signatures of a meta graph."""
    signatures = get_meta_graph_def(saved_model_dir, tag_set).signature_def
    print("The given SavedModel MetaGraphDef contains SignatureDefs with the following keys:")
    for key in sorted(signatures):
        print(f'SignatureDef key: "{key}"')


def show_operations(meta_graph_def: Any) -> None:
    """Prints the operations that a meta graph calls."""
    print(
        f"The MetaGraph with tag set {meta_graph_def.meta_info_def.tags} contains the following ops:",
        as_set(operations_called(meta_graph_def.graph_def)),
    )


def as_set(names: Collection[str]) -> str:
    """Returns names as Python writes a set, but in order."""
    return f"{{{', '.join(map(repr, sorted(names)))}}}" if names else "set()"


def operations_called(graph_def: Any) -> set[str]:
    """Returns the operations of a graph and of the functions that its nodes call, but not those of branches and loops.

    TensorFlow's program does not look there, either; `operations_held` does.
    """
    library = {function.signature.name: function for function in graph_def.library.function}
    pending: list[Iterable[Any]] = [graph_def.node]
    used: set[str] = set()
    while pending:
        for node in pending.pop():
            calls = [node.op]
            if node.op in ("PartitionedCall", "StatefulPartitionedCall"):
                calls.append(node.attr["f"].func.name)
            for name in calls:
                if name not in used and name in library:
                    pending.append(library[name].node_def)
                used.add(name)
    return used.difference(library)


def operations_held(graph_def: Any) -> set[str]:
    """Returns all operations in a graph and in its functions."""
    functions = {function.signature.name for function in graph_def.library.function}
    nodes = [*graph_def.node, *(node for function in graph_def.library.function for node in function.node_def)]
    return {node.op for node in nodes}.difference(functions)


def show_signature(meta_graph_def: Any, key: str, indent: int = 0) -> None:
    """Prints the inputs and outputs of a signature.

    Raises:
      ValueError: there is no such signature.
    """
    signature = signature_of(meta_graph_def, key)
    margin = "  " * indent
    for kind, infos in (("input", signature.inputs), ("output", signature.outputs)):
        print(f"{margin}The given SavedModel SignatureDef contains the following {kind}(s):")
        for name, info in sorted(infos.items()):
            print(f"{margin}  {kind}s['{name}'] tensor_info:")
            _show_tensor_info(info, margin + "  ")
    print(f"{margin}Method name is: {signature.method_name}")


def signature_of(meta_graph_def: Any, key: str) -> Any:
    """Returns a signature of a meta graph.

    Raises:
      ValueError: there is none of that key.
    """
    if key not in meta_graph_def.signature_def:
        known = ", ".join(sorted(meta_graph_def.signature_def))
        raise ValueError(f'Could not find signature "{key}". Please choose from: {known}')
    return meta_graph_def.signature_def[key]


def _show_tensor_info(info: Any, margin: str) -> None:
    print(f"{margin}    dtype: {protos.get('DataType').Name(info.dtype)}")
    sizes = ", ".join(str(each.size) for each in info.tensor_shape.dim)
    print(f"{margin}    shape: {'unknown_rank' if info.tensor_shape.unknown_rank else f'({sizes})'}")
    print(f"{margin}    name: {info.name}")


def show_all(saved_model_dir: str) -> None:
    """Prints everything: signatures and operations of each meta graph, and the functions of the model."""
    saved_model = read_saved_model(saved_model_dir)
    for message in sorted(saved_model.meta_graphs, key=lambda each: list(each.meta_info_def.tags)):
        tags = ", ".join(message.meta_info_def.tags)
        print(f"\nMetaGraphDef with tag-set: '{tags}' contains the following SignatureDefs:")
        for key in sorted(message.signature_def):
            print(f"\nsignature_def['{key}']:")
            show_signature(message, key, indent=1)
        show_operations(message)
    for message in saved_model.meta_graphs:
        if message.HasField("object_graph_def"):
            _show_functions(message.object_graph_def)


def _show_functions(objects: Any) -> None:
    """Prints the functions that the root of an object graph has, with the arguments of each of their traces."""
    print("\nConcrete Functions:", end="")
    for name, names in sorted(_functions_of(objects).items()):
        print(f"\n  Function Name: '{name}'")
        for number, each in enumerate(sorted(names), 1):
            signature = structures.decode(objects.concrete_functions[each].canonicalized_input_signature)
            arguments, named = signature if signature is not None else ((), {})
            if arguments:
                print(f"    Option #{number}")
                print("      Callable with:")
                _show_arguments(arguments, "Argument")
            if named:
                _show_arguments(named, "Named Argument")


def _functions_of(objects: Any) -> dict[str, list[str]]:
    found = {}
    for child in objects.nodes[0].children if objects.nodes else ():
        if not 0 <= child.node_id < len(objects.nodes):
            continue
        node = objects.nodes[child.node_id]
        kind = node.WhichOneof("kind")
        if kind == "function":
            names = list(node.function.concrete_functions)
        elif kind == "bare_concrete_function":
            names = [node.bare_concrete_function.concrete_function_name]
        else:
            continue
        found[child.local_name] = [name for name in names if name in objects.concrete_functions]
    return found


def _show_arguments(arguments: Iterable[Any], kind: str) -> None:
    margin = " " * 8
    for number, value in enumerate(arguments, 1):
        print(f"{margin}{kind} #{number}")
        if isinstance(value, str):
            print(f"{margin}  {value}")
        elif isinstance(value, TensorSpec):
            print(f"{margin}  {value.name}: {value!r}")
        elif isinstance(value, dict):
            entries = "".join(f"'{key}': {_quoted(each)}, " for key, each in value.items())
            print(f"{margin}  DType: {type(value).__name__}\n{margin}  Value: {{{entries}\b\b}}")
        elif isinstance(value, Iterable):
            entries = "".join(f"{_quoted(each)}, " for each in value)
            print(f"{margin}  DType: {type(value).__name__}\n{margin}  Value: [{entries}\b\b]")
        else:
            print(f"{margin}  DType: {type(value).__name__}\n{margin}  Value: {value}")


def _quoted(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)


def scan(meta_graph_def: Any, denied: Collection[str]) -> None:
    """Prints which of some operations a meta graph holds, in its functions, too.

    Args:
      meta_graph_def: the ``MetaGraphDef``.
      denied: the names of the operations.
    """
    found = operations_held(meta_graph_def.graph_def).intersection(denied)
    tags = meta_graph_def.meta_info_def.tags
    if found:
        print(f"MetaGraph with tag set {tags} contains the following denylisted ops:", as_set(found))
    else:
        print(f"MetaGraph with tag set {tags} does not contain the default denylisted ops:", as_set(denied))
