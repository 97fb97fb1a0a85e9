"""Reads ``GraphDef`` messages into graphs: ``import_graph_def``.

A GraphDef may come from anywhere and may be wrong in any way. Whatever is wrong with it, the graph is as it was before
the import failed.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tideflow._src.core import context
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph import export, protos
from tideflow._src.graph.function_library import import_library
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.import_functions import FunctionBuilder
from tideflow._src.graph.import_nodes import CONTROL, NodeImport
from tideflow._src.graph.operation import Operation

_VERSION = "2.21.0"
# From this number of nodes on, the garbage collector would look at the growing graph again and again in vain.
_MANY_NODES = 1000


def import_graph_def(
    graph_def: Any,
    input_map: dict[str, Any] | None = None,
    return_elements: Sequence[str] | None = None,
    name: str | None = None,
    op_dict: Any = None,
    producer_op_list: Any = None,
    *,
    convert: Callable[[Any], Any] | None = None,
    make_function: Callable[[str, Graph], Any] | None = None,
) -> list[Any] | None:
    """Adds the nodes of a ``GraphDef`` to the current default graph.

    Args:
      graph_def: the ``GraphDef``.
      input_map: by the name of an input in the GraphDef (``"x"``, ``"x:1"``, or ``"^x"`` for a control input),
        the tensor of the graph that takes its place.
      return_elements: names of operations (``"x"``) and tensors (``"x:0"``) of the GraphDef to return.
      name: prefix of all names; ``"import"`` if None, none if empty.
      op_dict: deprecated, without effect.
      producer_op_list: an ``OpList`` of the producer's definitions; attributes that are unknown here and have
        the producer's default are dropped.
      convert: makes tensors of the values of `input_map` that are none.
      make_function: makes an empty function graph, given its name and the graph that it is used in.

    Returns:
      What `return_elements` names, in that order; None if it is None.

    Raises:
      TypeError: an argument is of the wrong type.
      ValueError: the GraphDef is malformed, does not fit the definitions here, or does not hold what
        `input_map` or `return_elements` name. The graph is then as it was.
      NotFoundError: a node's operation does not exist here. The graph is then as it was.
    """
    del op_dict
    graph_def = as_graph_def_message(graph_def)
    replaced = _parsed_input_map(input_map)
    elements = _parsed_return_elements(return_elements)
    graph: Graph = context.default_graph()
    graph._check_not_finalized()
    _check_versions(graph_def.versions)
    scope_name = "import" if name is None else name
    with graph._lock, _restoring_on_failure(graph) as undo:
        undo.note_scope(graph, scope_name)
        with graph.name_scope(scope_name) as scope:
            if any(not isinstance(value, SymbolicTensor) for value in replaced.values()):
                undo.note_all_names(graph)
                replaced = _converted(graph, replaced, scope, name, convert)
            inputs = {key: graph.capture(value) for key, value in replaced.items()}
            import_library(graph, graph_def.library)
            functions = FunctionBuilder(graph, make_function)
            with _without_garbage_collection(len(graph_def.node)):
                work = NodeImport(graph, graph_def, inputs, scope[:-1], producer_op_list, functions.instantiate)
                undo.fresh_names = work.fresh_names
                work.run()
            work.check_input_map_used()
            return None if elements is None else [work.element(*item) for item in elements]


def as_graph_def_message(graph_def: Any) -> Any:
    """Returns a ``GraphDef`` of this library or of another as one of this library.

    Raises:
      TypeError: it is none.
    """
    cls = protos.get("GraphDef")
    if isinstance(graph_def, cls):
        return graph_def
    descriptor = getattr(graph_def, "DESCRIPTOR", None)
    if getattr(descriptor, "full_name", None) != "tensorflow.GraphDef":
        raise TypeError(f"Argument `graph_def` must be a GraphDef proto, not {type(graph_def).__name__}.")
    return cls.FromString(graph_def.SerializeToString())


# Arguments


def _parsed_input_map(input_map: Any) -> dict[tuple[str, int], Any]:
    if input_map is None:
        return {}
    if not isinstance(input_map, dict):
        raise TypeError(f"Argument `input_map` must be a dictionary. Obtained {type(input_map).__name__}")
    if not all(isinstance(key, str | bytes) for key in input_map):
        raise TypeError(f"All keys for argument `input_map` must be strings. Obtained keys: {list(input_map)}")
    result: dict[tuple[str, int], Any] = {}
    for key, value in input_map.items():
        text = key.decode() if isinstance(key, bytes) else key
        if text.startswith("^"):
            result[text[1:], CONTROL] = value
        else:
            op_name, index = _parse_tensor_name(text)
            result[op_name, index or 0] = value
    return result


def _parsed_return_elements(return_elements: Any) -> list[tuple[str, int | None]] | None:
    if return_elements is None:
        return None
    return_elements = tuple(return_elements)
    if not all(isinstance(item, str | bytes) for item in return_elements):
        raise TypeError(f"Argument `return_elements` must be a list of strings. Obtained {return_elements}.")
    return [_parse_tensor_name(item.decode() if isinstance(item, bytes) else item) for item in return_elements]


def _parse_tensor_name(name: str) -> tuple[str, int | None]:
    parts = name.split(":")
    if len(parts) == 1:
        return name, None
    if len(parts) > 2:
        raise ValueError(
            f"Cannot convert {name!r} to a tensor name. Tensor names should not contain more than 1 `:`. "
            "Obtained "
            f"{len(parts) - 1}"
        )
    if not (parts[1].isascii() and parts[1].isdigit()):
        raise ValueError(
            f"Cannot convert {name!r} to a tensor name. Second component of the name following the `:` "
            "should be an "
            f"int. Got {parts[1]}."
        )
    return parts[0], int(parts[1])


def _converted(
    graph: Graph,
    replaced: dict[tuple[str, int], Any],
    scope: str,
    name: str | None,
    convert: Callable[[Any], Any] | None,
) -> dict[tuple[str, int], Any]:
    """Returns the input map with a tensor for each value that is none."""
    if name == "":
        raise ValueError(
            "tf.import_graph_def() requires a non-empty `name` if `input_map` contains non-Tensor values. "
            "Try "
            "calling tf.convert_to_tensor() on `input_map` values before calling tf.import_graph_def()."
        )
    result = dict(replaced)
    for key, value in replaced.items():
        if isinstance(value, SymbolicTensor):
            continue
        if isinstance(value, Operation):
            raise TypeError(f"can't convert Operation '{value.name}' to Tensor")
        if convert is None:
            raise TypeError(f"The values of `input_map` must be tensors, got {value!r}.")
        with graph.as_default(), graph.name_scope(f"{scope}_inputs/"):
            result[key] = convert(value)
    return result


# Versions


def _check_versions(versions: Any) -> None:
    if versions.producer < export.MINIMUM_PRODUCER:
        raise ValueError(
            f"GraphDef producer version {versions.producer} below min producer {export.MINIMUM_PRODUCER} "
            "supported "
            f"by TensorFlow {_VERSION}.  Please regenerate your graph."
        )
    if versions.min_consumer > export.PRODUCER:
        raise ValueError(
            f"GraphDef min consumer version {versions.min_consumer} above current version "
            f"{export.PRODUCER} for "
            f"TensorFlow {_VERSION}.  Please upgrade TensorFlow."
        )
    if export.PRODUCER in versions.bad_consumers:
        raise ValueError(
            f"GraphDef disallows consumer version {export.PRODUCER}.  Please upgrade TensorFlow: this "
            "version is "
            "likely buggy."
        )


# Taking back


class _Undo:
    """Remembers how a graph was, so that a failed import leaves it so."""

    def __init__(self, graph: Graph) -> None:
        self.count = len(graph._operations)
        self.functions = dict(graph.functions)
        self.names: dict[str, int | None] = {}
        self.all_names: dict[str, int] | None = None
        self.fresh_names: list[str] = []

    def note_scope(self, graph: Graph, name: str) -> None:
        """Keeps what opening the scope ``name`` changes in the table of names."""
        if name and not name.endswith("/"):
            full = f"{graph._name_stack}/{name}" if graph._name_stack else name
            for key in (full.lower(), graph.unique_name(name, mark_as_used=False).lower()):
                self.names.setdefault(key, graph._names_in_use.get(key))

    def note_all_names(self, graph: Graph) -> None:
        """Keeps the whole table of names, before what marks names by itself."""
        self.all_names = {**graph._names_in_use}

    def apply(self, graph: Graph) -> None:
        """Removes what was added since."""
        added = graph._operations[self.count :]
        del graph._operations[self.count :]
        for op in added:
            del graph._by_name[op.name]
            for scope in graph._control_stack:
                scope.seen.discard(op)
        if self.all_names is not None:
            graph._names_in_use.clear()
            graph._names_in_use.update(self.all_names)
        for key in self.fresh_names:
            graph._names_in_use.pop(key, None)
        for key, count in self.names.items():
            if count is None:
                graph._names_in_use.pop(key, None)
            else:
                graph._names_in_use[key] = count
        graph.functions.clear()
        graph.functions.update(self.functions)
        graph._version += 1  # what was looked up meanwhile must not be believed


@contextmanager
def _restoring_on_failure(graph: Graph) -> Iterator[_Undo]:
    """Undoes what the block did to ``graph`` if it fails; scopes that change attributes do not act in it."""
    undo = _Undo(graph)
    scopes = graph._attribute_scope, graph._gradient_overrides, graph._container
    graph._attribute_scope, graph._gradient_overrides, graph._container = {}, {}, ""
    try:
        yield undo
    except BaseException:
        undo.apply(graph)
        raise
    finally:
        graph._attribute_scope, graph._gradient_overrides, graph._container = scopes


@contextmanager
def _without_garbage_collection(nodes: int) -> Iterator[None]:
    if nodes < _MANY_NODES or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
