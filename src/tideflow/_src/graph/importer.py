"""Reads ``GraphDef`` messages into graphs.

A GraphDef may come from anywhere: its nodes are in any order, refer to each other by name, and may be wrong in any
way. An import checks the names first, then adds the nodes in an order in which inputs come before their users (the
back edges of loops, from ``NextIteration`` to ``Merge``, are closed at the end), and takes all back if something
fails.
"""

from __future__ import annotations

import heapq
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from tideflow._src.core import context, device, errors
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.graph import attr_value, export, protos, signature
from tideflow._src.graph.function_library import StoredFunction, call_attributes, import_library
from tideflow._src.graph.graph import _VALID_OPERATION_NAME, Graph, Operation
from tideflow._src.graph.op_def import REQUIRED, OpDef, Shape

_CONTROL = -1
_VERSION = "2.21.0"
# Producers before this one wrote `_output_shapes` that need not agree with inference.
_RELIABLE_SHAPES = 21
# A number attribute of a few bytes may ask for any number of outputs; this is the most that is believed in an import.
_MOST_LISTED_OUTPUTS = 1 << 21


def import_graph_def(
    graph_def: Any,
    input_map: dict[str, Any] | None = None,
    return_elements: Sequence[str] | None = None,
    name: str | None = None,
    op_dict: Any = None,
    producer_op_list: Any = None,
    *,
    convert: Callable[[Any], Any] | None = None,
) -> list[Any] | None:
    """Adds the nodes of a ``GraphDef`` to the current default graph.

    Args:
      graph_def: the ``GraphDef``.
      input_map: tensors of the graph by the name of the input in the GraphDef (``"x"``, ``"x:1"``) that each takes
        the place of; ``"^x"`` for a control input.
      return_elements: names of operations (``"x"``) and tensors (``"x:0"``) of the GraphDef to return.
      name: prefix of all names; ``"import"`` if None, none if empty.
      op_dict: deprecated, without effect.
      producer_op_list: an ``OpList`` of the producer's definitions; attributes that are unknown here and have the
        producer's default are dropped.
      convert: makes tensors of the values of `input_map` that are none.

    Returns:
      What `return_elements` names, in that order; None if it is None.

    Raises:
      TypeError: an argument is of the wrong type.
      ValueError: the GraphDef is malformed, does not fit the definitions here, or does not hold what `input_map` or
        `return_elements` name. The graph is then as it was.
      NotFoundError: a node's operation does not exist here.
    """
    del op_dict
    graph_def = as_graph_def_message(graph_def)
    replaced = _parsed_input_map(input_map)
    elements = _parsed_return_elements(return_elements)
    graph: Graph = context.default_graph()
    graph._check_not_finalized()
    with graph._lock, _restoring_on_failure(graph) as undo:
        undo.note_name(graph, "import" if name is None else name)
        with graph.name_scope("import" if name is None else name) as scope:
            inputs = _converted(graph, replaced, scope, name, convert)
            work = _Import(graph, graph_def, inputs, scope[:-1], producer_op_list, undo)
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
            result[text[1:], _CONTROL] = value
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
    return [
        _parse_tensor_name(item.decode() if isinstance(item, bytes) else item) for item in return_elements
    ]


def _parse_tensor_name(name: str) -> tuple[str, int | None]:
    parts = name.split(":")
    if len(parts) == 1:
        return name, None
    if len(parts) > 2:
        raise ValueError(
            f"Cannot convert {name!r} to a tensor name. Tensor names should not contain more than 1 `:`. Obtained "
            f"{len(parts) - 1}"
        )
    if not (parts[1].isascii() and parts[1].isdigit()):
        raise ValueError(
            f"Cannot convert {name!r} to a tensor name. Second component of the name following the `:` should be an "
            f"int. Got {parts[1]}."
        )
    return parts[0], int(parts[1])


def _converted(
    graph: Graph,
    replaced: dict[tuple[str, int], Any],
    scope: str,
    name: str | None,
    convert: Callable[[Any], Any] | None,
) -> dict[tuple[str, int], SymbolicTensor]:
    """Returns the input map with tensors of the graph as its values."""
    others = {key: value for key, value in replaced.items() if not isinstance(value, SymbolicTensor)}
    if others and name == "":
        raise ValueError(
            "tf.import_graph_def() requires a non-empty `name` if `input_map` contains non-Tensor values. Try calling "
            "tf.convert_to_tensor() on `input_map` values before calling tf.import_graph_def()."
        )
    result = dict(replaced)
    for key, value in others.items():
        if isinstance(value, Operation):
            raise TypeError(f"can't convert Operation '{value.name}' to Tensor")
        if convert is None:
            raise TypeError(f"The values of `input_map` must be tensors, got {value!r}.")
        with graph.as_default(), graph.name_scope(f"{scope}_inputs/"):
            result[key] = convert(value)
    return {key: graph.capture(value) for key, value in result.items()}


# Taking back


class _Undo:
    """Remembers how a graph was, so that a failed import leaves it so."""

    def __init__(self, graph: Graph) -> None:
        self.count = len(graph._operations)
        self.functions = dict(graph.functions)
        self.names: dict[str, int | None] = {}

    def note_name(self, graph: Graph, name: str) -> None:
        """Keeps the counter that making the scope ``name`` unique may change."""
        if name and not name.endswith("/"):
            full = f"{graph._name_stack}/{name}" if graph._name_stack else name
            self.note(graph, full.lower())
            if graph._names_in_use.get(full.lower()):
                self.note(graph, graph.unique_name(name, mark_as_used=False).lower())

    def note(self, graph: Graph, key: str) -> None:
        """Keeps what the table of names says of ``key``."""
        self.names.setdefault(key, graph._names_in_use.get(key))

    def apply(self, graph: Graph) -> None:
        """Removes what was added since."""
        added = graph._operations[self.count :]
        del graph._operations[self.count :]
        for op in added:
            del graph._by_name[op.name]
            for scope in graph._control_stack:
                scope.seen.discard(op)
            if op.name.lower() not in self.names:
                graph._names_in_use.pop(op.name.lower(), None)
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


# Names


_prefixes: weakref.WeakKeyDictionary[Graph, tuple[int, set[str]]] = weakref.WeakKeyDictionary()


def _add_prefixes(name: str, prefixes: set[str]) -> None:
    end = name.rfind("/")
    while end > 0 and name[:end] not in prefixes:
        prefixes.add(name[:end])
        end = name.rfind("/", 0, end)


def _prefixes_of(graph: Graph) -> set[str]:
    """Returns the scopes of all names of a graph; each name is looked at once for all imports."""
    count, prefixes = _prefixes.get(graph, (0, set()))
    if count > len(graph._operations):
        count, prefixes = 0, set()
    for op in graph._operations[count:]:
        _add_prefixes(op.name, prefixes)
    _prefixes[graph] = (len(graph._operations), prefixes)
    return prefixes


class _Import:
    """Is one import under way."""

    def __init__(
        self,
        graph: Graph,
        graph_def: Any,
        input_map: dict[tuple[str, int], SymbolicTensor],
        prefix: str,
        producer_op_list: Any,
        undo: _Undo,
    ) -> None:
        self.graph = graph
        self.graph_def = graph_def
        self.nodes = list(graph_def.node)
        self.input_map = input_map
        self.prefix = f"{prefix}/" if prefix else ""
        self.undo = undo
        self.first_new = len(graph._operations)
        self.used: set[tuple[str, int]] = set()
        self.index: dict[str, int] = {}
        self.inputs: list[list[tuple[str, int]]] = []
        self.ops: list[Operation | None] = [None] * len(self.nodes)
        self.back_edges: list[tuple[int, int, int, int]] = []
        self.listed_outputs = 0
        self.occupied_prefixes: set[str] | None = None
        self.own_prefixes: set[str] | None = None
        self.producer = {item.name: item for item in producer_op_list.op} if producer_op_list is not None else {}
        self.devices: dict[tuple[str, str], str] = {}

    def run(self) -> None:
        """Does the work."""
        self._check_versions()
        import_library(self.graph, self.graph_def.library)
        self._read_edges()
        order = self._order()
        for number in order:
            try:
                self._add(number)
            except (ArithmeticError, LookupError, TypeError, AttributeError) as error:
                # A shape rule met attributes or shapes that no call could have brought it.
                node = self.nodes[number]
                raise ValueError(
                    f"Node '{node.name}' ({node.op}) has attributes or inputs that do not make sense: {error}"
                ) from error
        self._close_loops()
        self._place()

    def _check_versions(self) -> None:
        versions = self.graph_def.versions
        if versions.producer < export.MINIMUM_PRODUCER:
            raise ValueError(
                f"GraphDef producer version {versions.producer} below min producer {export.MINIMUM_PRODUCER} supported "
                f"by TensorFlow {_VERSION}.  Please regenerate your graph."
            )
        if versions.min_consumer > export.PRODUCER:
            raise ValueError(
                f"GraphDef min consumer version {versions.min_consumer} above current version {export.PRODUCER} for "
                f"TensorFlow {_VERSION}.  Please upgrade TensorFlow."
            )
        if export.PRODUCER in versions.bad_consumers:
            raise ValueError(
                f"GraphDef disallows consumer version {export.PRODUCER}.  Please upgrade TensorFlow: this version is "
                "likely buggy."
            )

    # Edges.

    def _read_edges(self) -> None:
        """Reads the names of all nodes and inputs."""
        index = self.index
        for number, node in enumerate(self.nodes):
            name = node.name
            if not _VALID_OPERATION_NAME.fullmatch(name):
                raise ValueError(f"Node '{name}': Node name contains invalid characters")
            if index.setdefault(name, number) != number:
                raise ValueError(f"Node '{name}' is not unique")
        for node in self.nodes:
            if not node.op:
                raise ValueError(f"Node '{node.name}' does not specify an operation")
            self.inputs.append(self._read_inputs(node))

    def _read_inputs(self, node: Any) -> list[tuple[str, int]]:
        inputs: list[tuple[str, int]] = []
        index, input_map = self.index, self.input_map
        controls = False
        for text in node.input:
            if text in index and (not input_map or (text, 0) not in input_map):
                edge = (text, 0)
            elif text.startswith("^"):
                edge = (text[1:], _CONTROL)
            else:
                name, colon, position = text.rpartition(":")
                is_number = colon and len(position) < 10 and position.isascii() and position.isdigit()
                edge = (name, int(position)) if is_number else (text, 0)
            if edge[1] == _CONTROL:
                controls = True
            elif controls:
                raise ValueError(f"Node '{node.name}': Control dependencies must come after regular dependencies")
            if edge in input_map:
                self.used.add(edge)
            elif edge[0] not in index:
                raise ValueError(f"Node '{node.name}': Unknown input node '{text}'")
            inputs.append(edge)
        return inputs

    def _order(self) -> list[int]:
        """Returns the nodes so that inputs come first, otherwise in the order of the GraphDef.

        Raises:
          ValueError: there is a cycle that is no loop.
        """
        index, input_map = self.index, self.input_map
        waiting = [0] * len(self.nodes)
        users: list[list[int]] = [[] for _ in self.nodes]
        for number, edges in enumerate(self.inputs):
            is_loop = False
            controls = 0
            for edge in edges:
                if edge in input_map:
                    continue
                producer = index[edge[0]]
                users[producer].append(number)
                waiting[number] += 1
                if edge[1] == _CONTROL:
                    controls += 1
                elif not is_loop and _is_next_iteration(self.nodes[producer]):
                    is_loop = True
            if is_loop and self.nodes[number].op in ("Merge", "RefMerge"):
                waiting[number] = controls + 1
        ready = [number for number, count in enumerate(waiting) if count == 0]
        order: list[int] = []
        while ready:
            number = heapq.heappop(ready)
            order.append(number)
            for user in users[number]:
                waiting[user] -= 1
                if waiting[user] == 0:
                    heapq.heappush(ready, user)
        if len(order) < len(self.nodes):
            done = set(order)
            left = [node.name for number, node in enumerate(self.nodes) if number not in done]
            shown = ", ".join(repr(name) for name in left[:5]) + (", ..." if len(left) > 5 else "")
            raise ValueError(f"{len(left)} nodes in a cycle: {shown}")
        return order

    # Nodes.

    def _add(self, number: int) -> None:
        node = self.nodes[number]
        op_def, attrs = self._definition(node)
        name = self._unique_name(node.name)
        tensors, controls = self._tensors(number, node, name, op_def, attrs)
        types = signature.output_types(op_def, attrs)
        shapes = attrs.pop("_output_shapes", None)
        if "_class" in attrs:
            attrs["_class"] = self._colocation(node, attrs["_class"])
        graph = self.graph
        if graph._control_stack:
            controls = self._with_scopes(tensors, controls)
        try:
            op = graph.add_operation(
                op_def, tensors, attrs, name, unique=True, control_inputs=controls, output_types=types
            )
        except errors.OpError as error:  # from a rule that evaluates constants
            raise ValueError(f"Node '{node.name}': {error.message}") from None
        graph._names_in_use.setdefault(name.lower(), 1)
        self.ops[number] = op
        if shapes is not None:
            self._merge_shapes(node, op, shapes)

    def _definition(self, node: Any) -> tuple[OpDef, dict[str, Any]]:
        """Returns the definition of a node's operation, and its attributes with the defaults filled in."""
        name = node.op
        op_def = OpDef.registry.get(name)
        if op_def is None:
            function = self.graph.functions.get(name)
            if isinstance(function, StoredFunction):
                return call_attributes(function, node)
            raise errors.NotFoundError(
                None,
                None,
                f"Op type not registered '{name}', which node '{node.name}' needs: Tideflow has no such operation, and "
                "the library of the GraphDef no such function.",
            )
        return op_def, self._attributes(node, op_def)

    def _attributes(self, node: Any, op_def: OpDef) -> dict[str, Any]:
        declared = op_def.attributes
        given = node.attr
        attrs: dict[str, Any] = {}
        try:
            for key, attribute in declared.items():
                if key in given:
                    attrs[key] = attr_value.read(given[key], attribute)
                elif attribute.default is REQUIRED:
                    raise ValueError(f"NodeDef missing attr '{key}' from Op<{_describe(op_def)}>")
                else:
                    default = attribute.default
                    attrs[key] = list(default) if isinstance(default, list | tuple) else default
            if len(given) > sum(1 for key in declared if key in given):
                self._read_undeclared(node, declared, attrs)
        except ValueError as error:
            raise ValueError(f"Node '{node.name}' ({node.op}): {error}") from None
        for argument in op_def.outputs:
            if argument.number_attr:
                self.listed_outputs += attrs[argument.number_attr]
                if not 0 <= attrs[argument.number_attr] <= _MOST_LISTED_OUTPUTS >= self.listed_outputs:
                    raise ValueError(
                        f"Node '{node.name}' ({node.op}): attr '{argument.number_attr}' of "
                        f"{attrs[argument.number_attr]} asks for too many outputs; the nodes of a GraphDef have at most "
                        f"{_MOST_LISTED_OUTPUTS} in such lists"
                    )
        return attrs

    def _read_undeclared(self, node: Any, declared: dict[str, Any], attrs: dict[str, Any]) -> None:
        producer = self.producer.get(node.op)
        defaults = {item.name: item.default_value for item in producer.attr} if producer is not None else {}
        for key, value in node.attr.items():
            if key in declared:
                continue
            if key == "_output_shapes":
                if value.WhichOneof("value") == "list":
                    attrs[key] = [attr_value.read_shape(item) for item in value.list.shape]
            elif key == "_class":
                # TensorFlow takes anything but a list of strings for an empty list.
                attrs[key] = [attr_value.as_text(item) for item in value.list.s]
            elif key not in defaults or defaults[key] != value:
                attrs[key] = attr_value.read_undeclared(value)

    def _unique_name(self, name: str) -> str:
        """Returns the name of a node in the graph, other than any there and any that is yet to come."""
        full = self.prefix + name
        candidate = full
        count = 0
        if self.occupied_prefixes is None:
            self.occupied_prefixes = set(_prefixes_of(self.graph)) if self.first_new else set()
        by_name = self.graph._by_name
        while (
            candidate in by_name
            or candidate in self.occupied_prefixes
            or (count and self._is_own_name(candidate[len(self.prefix) :]))
        ):
            count += 1
            candidate = f"{full}_{count}"
        return candidate

    def _is_own_name(self, name: str) -> bool:
        if self.own_prefixes is None:
            self.own_prefixes = set()
            for node in self.nodes:
                _add_prefixes(node.name, self.own_prefixes)
        return name in self.index or name in self.own_prefixes

    def _tensors(
        self, number: int, node: Any, name: str, op_def: OpDef, attrs: dict[str, Any]
    ) -> tuple[list[SymbolicTensor], list[Operation]]:
        """Returns the inputs and control inputs of a node; a stand-in for a back edge not there yet."""
        edges = self.inputs[number]
        count = len(edges)
        while count and edges[count - 1][1] == _CONTROL:
            count -= 1
        controls: list[Operation] = []
        for edge in edges[count:]:
            mapped = self.input_map.get(edge) if self.input_map else None
            control = mapped._op if mapped is not None else self._op(self.index[edge[0]])
            if control not in controls:
                controls.append(control)
        expected = sum(signature.length(argument, attrs) for argument in op_def.inputs)
        if expected != count:
            raise ValueError(
                f"NodeDef expected {expected} inputs do not match {count} inputs specified; Op<{_describe(op_def)}>; "
                f"NodeDef: {{{{node {name}}}}}"
            )
        tensors: list[SymbolicTensor] = []
        missing: list[tuple[int, DType]] = []
        for position, wanted in enumerate(_input_types(op_def, attrs)):
            edge = edges[position]
            tensor = self._input(number, position, node, edge)
            if tensor is None:
                missing.append((position, wanted))
                tensors.append(None)  # type: ignore[arg-type]
                continue
            have = tensor._dtype
            if have is not wanted and (have.base_dtype is not wanted.base_dtype or wanted._is_ref_dtype):
                _mismatch(position, name, tensor, wanted)
            tensors.append(tensor)
        if missing:
            known = next(tensor for tensor in [*tensors, *(op.outputs[0] for op in controls)] if tensor is not None)
            for position, wanted in missing:
                tensors[position] = SymbolicTensor(known._op, 0, wanted, None)
        return tensors, controls

    def _input(self, number: int, position: int, node: Any, edge: tuple[str, int]) -> SymbolicTensor | None:
        if self.input_map:
            mapped = self.input_map.get(edge)
            if mapped is not None:
                return mapped
        producer = self.index[edge[0]]
        op = self.ops[producer]
        if op is None:
            self.back_edges.append((number, position, producer, edge[1]))
            return None
        if edge[1] >= len(op.outputs):
            self._no_such_output(node.name, edge, op)
        return op.outputs[edge[1]]

    def _no_such_output(self, name: str, edge: tuple[str, int], op: Operation) -> NoReturn:
        raise ValueError(
            f"Node '{name}': Connecting to invalid output {edge[1]} of source node {edge[0]} which has "
            f"{len(op.outputs)} outputs."
        )

    def _op(self, number: int) -> Operation:
        op = self.ops[number]
        assert op is not None, "control inputs come first in the order"
        return op

    def _with_scopes(self, tensors: list[SymbolicTensor], controls: list[Operation]) -> list[Operation]:
        """Adds the control inputs of the scopes around the import, as for any operation created there."""
        producers = {tensor._op for tensor in tensors}
        before = {producer for producer in producers if producer.number < self.first_new}
        result = list(controls)
        for scope in reversed(self.graph._control_stack):
            if before.isdisjoint(scope.seen):
                result.extend(op for op in scope.ops if op not in producers and op not in result)
            if scope.clears:
                break
        return result

    def _colocation(self, node: Any, groups: list[str]) -> list[str]:
        renamed = []
        for group in groups:
            if group.startswith("loc:@"):
                name = group[5:]
                if name not in self.index:
                    raise ValueError(f"Node '{node.name}' expects to be colocated with unknown node '{name}'")
                group = f"loc:@{self._unique_name(name) if name != node.name else self._name_of(name)}"
            renamed.append(group)
        return renamed

    def _merge_shapes(self, node: Any, op: Operation, shapes: list[Shape]) -> None:
        reliable = self.graph_def.versions.producer >= _RELIABLE_SHAPES
        if len(shapes) != len(op.outputs):
            if not reliable:
                return
            raise ValueError(
                f"Node '{node.name}' has {len(op.outputs)} outputs but the _output_shapes attribute specifies shapes "
                f"for {len(shapes)} outputs"
            )
        for position, (output, shape) in enumerate(zip(op.outputs, shapes, strict=True)):
            if shape is None or output._shape == shape:
                continue
            try:
                output.set_shape(TensorShape(shape))
            except ValueError:
                if reliable:
                    raise ValueError(
                        f"Node '{node.name}' has an _output_shapes attribute inconsistent with the GraphDef for output "
                        f"#{position}: {shape} against inferred {output._shape}"
                    ) from None

    # After all nodes are there.

    def _close_loops(self) -> None:
        for number, position, producer, index in self.back_edges:
            op, source = self._op(number), self._op(producer)
            if index >= len(source.outputs):
                self._no_such_output(op.name, (source.name, index), source)
            tensor = source.outputs[index]
            wanted = op.inputs[position]._dtype
            if tensor._dtype.base_dtype is not wanted.base_dtype:
                _mismatch(position, op.name, tensor, wanted)
            op._update_input(position, tensor)

    def _place(self) -> None:
        """Gives each new operation its device: the node's own within the scopes around, or its group's."""
        grouped: list[Operation] = []
        for number, node in enumerate(self.nodes):
            op = self._op(number)
            own = node.device
            if op.attrs.get("_class"):
                grouped.append(op)
            elif own:
                key = (op.device, own)
                merged = self.devices.get(key)
                if merged is None:
                    merged = self.devices[key] = device.merge(*key)
                op.device = merged
        by_name = self.graph._by_name
        for op in grouped:
            op.device = ""
            for group in op.attrs["_class"]:
                other = by_name.get(group[5:]) if group.startswith("loc:@") else None
                if other is not None and other.device:
                    op.device = other.device
                    break

    # Results.

    def check_input_map_used(self) -> None:
        """Raises ValueError if a key of the input map names nothing in the GraphDef."""
        unused = []
        for name, position in self.input_map:
            if (name, position) in self.used:
                continue
            number = self.index.get(name)
            if number is None or position >= len(self._op(number).outputs):
                unused.append(f"^{name}" if position == _CONTROL else f"{name}:{position}")
        if unused:
            raise ValueError(
                f"Attempted to map inputs that were not found in graph_def: [{', '.join(unused)}]"
            )

    def element(self, name: str, position: int | None) -> Any:
        """Returns an operation, or a tensor if ``position`` is given, by its name in the GraphDef."""
        if position is not None and (name, position) in self.input_map:
            return self.input_map[name, position]
        number = self.index.get(name)
        if number is None:
            kind, text = ("node", name) if position is None else ("tensor", f"{name}:{position}")
            raise ValueError(f"Requested return {kind} '{text}' not found in graph def")
        op = self._op(number)
        if position is None:
            return op
        if position >= len(op.outputs):
            raise ValueError(
                f"Invalid return output {position} of node '{name}', which has {len(op.outputs)} output(s)"
            )
        return op.outputs[position]


def _is_next_iteration(node: Any) -> bool:
    return node.op in ("NextIteration", "RefNextIteration")


def _input_types(op_def: OpDef, attrs: dict[str, Any]) -> Iterator[DType]:
    for argument in op_def.inputs:
        if argument.type_list_attr:
            yield from attrs[argument.type_list_attr]
            continue
        dtype: DType = argument.dtype if argument.dtype is not None else attrs[argument.type_attr]
        if argument.is_ref:
            dtype = dtype._as_ref
        for _ in range(attrs[argument.number_attr] if argument.number_attr else 1):
            yield dtype


def _mismatch(position: int, name: str, tensor: SymbolicTensor, wanted: DType) -> NoReturn:
    raise ValueError(
        f"Input {position} of node {name} was passed {_wire_name(tensor._dtype)} from {tensor.name} incompatible with "
        f"expected {_wire_name(wanted)}."
    )


def _wire_name(dtype: DType) -> str:
    names = {"float32": "float", "float64": "double", "float16": "half"}
    base = dtype.base_dtype.name
    return names.get(base, base) + ("_ref" if dtype._is_ref_dtype else "")


def _describe(op_def: OpDef) -> str:
    return f"name={op_def.name}; signature={op_def.signature}"
