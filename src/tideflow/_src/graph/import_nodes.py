"""Adds the nodes of a ``GraphDef`` to a graph, whose names and shapes they must fit.

The names are checked first; then the nodes are added in an order in which inputs come before their users. The back
edges of loops, from ``NextIteration`` to ``Merge``, are closed at the end.
"""

from __future__ import annotations

import heapq
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from tideflow._src.core import device, errors
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.graph import attr_value, signature
from tideflow._src.graph.attr_value import NamedFunction
from tideflow._src.graph.function_library import StoredFunction, call_attributes, unknown_operation
from tideflow._src.graph.graph import _VALID_OPERATION_NAME, Graph
from tideflow._src.graph.op_def import REQUIRED, OpDef, Shape
from tideflow._src.graph.operation import Operation

#: The position that stands for a control input where others have the position of an output.
CONTROL = -1
_MERGES = ("Merge", "RefMerge")
_NEXT_ITERATIONS = ("NextIteration", "RefNextIteration")
# A number attribute of a few bytes may ask for any number of outputs; this many are believed in an import.

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


class NodeImport:
    """Is the import of one ``GraphDef`` into a graph.

    Args:
      graph: the graph.
      graph_def: the message.
      input_map: tensors to use instead of those named in the GraphDef, by name and position.
      prefix: the scope of all names, without a trailing slash; empty for none.
      producer_op_list: the producer's ``OpList``, or None.
      instantiate: returns the function that an attribute names, in the form that kernels get.

    Attributes:
      fresh_names: the keys added to the graph's table of names.
      references: names of the placeholders that stand for variables which a function takes by reference.
    """

    def __init__(
        self,
        graph: Graph,
        graph_def: Any,
        input_map: dict[tuple[str, int], SymbolicTensor],
        prefix: str,
        producer_op_list: Any,
        instantiate: Callable[[NamedFunction], Any],
    ) -> None:
        self.graph = graph
        self.graph_def = graph_def
        self.nodes = list(graph_def.node)
        self.input_map = input_map
        self.prefix = f"{prefix}/" if prefix else ""
        self.instantiate = instantiate
        self.fresh_names: list[str] = []
        self.references: set[str] = set()
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
        self.names: dict[str, str] = {}

    def run(self) -> None:
        """Adds the nodes.

        Raises:
          ValueError: they are malformed, or do not fit each other or the definitions here.
          NotFoundError: an operation does not exist here.
        """
        self._read_edges()
        order = self._order()
        for number in order:
            try:
                self._add(number)
            except (ArithmeticError, LookupError, TypeError, AttributeError, MemoryError) as error:
                # A shape rule met attributes or shapes that no call could have brought it.
                node = self.nodes[number]
                raise ValueError(
                    f"Node '{node.name}' ({node.op}) has attributes or inputs that do not make sense: {error}"
                ) from error
        self._close_loops()
        self._place()

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
                edge = (text[1:], CONTROL)
            else:
                name, colon, position = text.rpartition(":")
                is_number = colon and len(position) < 10 and position.isascii() and position.isdigit()
                edge = (name, int(position)) if is_number else (text, 0)
            if edge[1] == CONTROL:
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
        # The users of a node; ~user where any one of several inputs of the user is enough.
        users: list[list[int]] = [[] for _ in self.nodes]
        for number, edges in enumerate(self.inputs):
            controls = [index[name] for name, at in edges if at == CONTROL and (name, at) not in input_map]
            data = [index[name] for name, at in edges if at != CONTROL and (name, at) not in input_map]
            node = self.nodes[number]
            if node.op in _MERGES and any(self.nodes[producer].op in _NEXT_ITERATIONS for producer in data):
                any_mapped = len(controls) + len(data) < len(edges)
                waiting[number] = len(controls) + (0 if any_mapped else 1)
                for producer in [] if any_mapped else data:
                    users[producer].append(~number)
            else:
                waiting[number] = len(controls) + len(data)
                for producer in data:
                    users[producer].append(number)
            for producer in controls:
                users[producer].append(number)
        ready = [number for number, count in enumerate(waiting) if count == 0]
        order: list[int] = []
        entered: set[int] = set()
        while ready:
            number = heapq.heappop(ready)
            order.append(number)
            for user in users[number]:
                if user < 0:
                    user = ~user
                    if user in entered:
                        continue
                    entered.add(user)
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
        if op_def.name == "Const" and attr_value.dtype_of(attrs["value"]) is not attrs["dtype"]:
            raise ValueError(
                f"Node '{node.name}' (Const): its value is of type "
                f"{attr_value.dtype_of(attrs['value']).name}, "
                f"but its dtype is {attrs['dtype'].name}"
            )
        tensors, controls = self._tensors(number, node, name, op_def, attrs)
        if node.name in self.references and op_def.name == "Placeholder":
            attrs["dtype"] = attrs["dtype"]._as_ref
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
        key = name.lower()
        if key not in graph._names_in_use:
            graph._names_in_use[key] = 1
            self.fresh_names.append(key)
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
                op_def, attrs = call_attributes(function, node)
                attrs["f"] = self.instantiate(attrs["f"])
                return op_def, attrs
            raise unknown_operation(name, node.name)
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
            for key in attr_value.function_attributes(op_def):
                value = attrs[key]
                if isinstance(value, list):
                    attrs[key] = [self.instantiate(item) for item in value]
                elif isinstance(value, NamedFunction):
                    attrs[key] = self.instantiate(value)
            if len(given) > sum(1 for key in declared if key in given):
                self._read_undeclared(node, declared, attrs)
        except ValueError as error:
            inner = str(error).startswith("Node '")  # of a function that the node calls
            raise ValueError(str(error) if inner else f"Node '{node.name}' ({node.op}): {error}") from None
        for argument in op_def.outputs:
            if argument.number_attr:
                self.listed_outputs += attrs[argument.number_attr]
                if not 0 <= attrs[argument.number_attr] <= signature.MOST_LISTED_OUTPUTS >= self.listed_outputs:
                    raise ValueError(
                        f"Node '{node.name}' ({node.op}): attr '{argument.number_attr}' of "
                        f"{attrs[argument.number_attr]} asks for too many outputs; the nodes of a GraphDef "
                        "have at most "
                        f"{signature.MOST_LISTED_OUTPUTS} in such lists"
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
        """Returns the name that a node gets in the graph, other than any there and any that is yet to come."""
        known = self.names.get(name)
        if known is not None:
            return known
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
        self.names[name] = candidate
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
        while count and edges[count - 1][1] == CONTROL:
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
                f"NodeDef expected {expected} inputs do not match {count} inputs specified; "
                f"Op<{_describe(op_def)}>; "
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
                group = f"loc:@{self._unique_name(name)}"
            renamed.append(group)
        return renamed

    def _merge_shapes(self, node: Any, op: Operation, shapes: list[Shape]) -> None:
        if len(shapes) != len(op.outputs):
            return  # TensorFlow ignores it, too
        for position, (output, shape) in enumerate(zip(op.outputs, shapes, strict=True)):
            if shape is None or output._shape == shape:
                continue
            try:
                output.set_shape(TensorShape(shape))
            except ValueError:
                raise ValueError(
                    f"Node '{node.name}' has an _output_shapes attribute inconsistent with the GraphDef for "
                    f"output #{position}: {shape} against inferred {output._shape}"
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
                unused.append(f"^{name}" if position == CONTROL else f"{name}:{position}")
        if unused:
            raise ValueError(f"Attempted to map inputs that were not found in graph_def: [{', '.join(unused)}]")

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
        f"Input {position} of node {name} was passed {_wire_name(tensor._dtype)} from {tensor.name} "
        "incompatible with "
        f"expected {_wire_name(wanted)}."
    )


def _wire_name(dtype: DType) -> str:
    names = {"float32": "float", "float64": "double", "float16": "half"}
    base = dtype.base_dtype.name
    return names.get(base, base) + ("_ref" if dtype._is_ref_dtype else "")


def _describe(op_def: OpDef) -> str:
    return f"name={op_def.name}; signature={op_def.signature}"
