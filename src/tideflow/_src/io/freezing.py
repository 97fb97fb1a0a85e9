"""Puts the values of variables into a graph as constants, in its functions, too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import FailedPreconditionError
from tideflow._src.graph import attr_value, tensor_proto
from tideflow._src.graph.op_def import OpDef
from tideflow._src.io.graph_util import extract_sub_graph
from tideflow._src.runtime.buffers import ResourceHandle, buffer_in

_VARIABLES = ("Variable", "VariableV2", "VarHandleOp")
#: Operations that pass a handle on: the attribute that has its type.
_PASSES_ON = {"Identity": "T", "Enter": "T", "Switch": "T", "RefIdentity": "T", "RefEnter": "T", "RefSwitch": "T"}
#: Operations that read a variable: what does the same with its value, and the attribute for the type of that.
_READS = {
    "ReadVariableOp": ("Identity", "T"),
    "VariableShape": ("Shape", "T"),
    "ResourceGather": ("GatherV2", "Tparams"),
    "ResourceGatherNd": ("GatherNd", "Tparams"),
}
#: Operations that call functions: how many inputs come before the arguments, and their attributes for the functions,
#: the types of the arguments and the types of the results.
_CALLS = {
    "PartitionedCall": (0, ("f",), "Tin", "Tout"),
    "StatefulPartitionedCall": (0, ("f",), "Tin", "Tout"),
    "If": (1, ("then_branch", "else_branch"), "Tin", "Tout"),
    "StatelessIf": (1, ("then_branch", "else_branch"), "Tin", "Tout"),
    "Case": (1, ("branches",), "Tin", "Tout"),
    "StatelessCase": (1, ("branches",), "Tin", "Tout"),
    "While": (0, ("cond", "body"), "T", "T"),
    "StatelessWhile": (0, ("cond", "body"), "T", "T"),
}
#: What calls functions that no longer do anything but compute.
_WITHOUT_EFFECTS = {
    "StatefulPartitionedCall": "PartitionedCall",
    "If": "StatelessIf",
    "Case": "StatelessCase",
    "While": "StatelessWhile",
}
#: Tells TensorFlow to turn branches and loops into switches and frames, of which other readers know less.
_LOWERED = "_lower_using_switch_merge"
_RESOURCE = dtypes.resource.as_datatype_enum
_READ_ONLY = "_read_only_resource_inputs"
_LOOPS = ("While", "StatelessWhile")


def convert_variables_to_constants(
    sess: Any,
    input_graph_def: Any,
    output_node_names: Sequence[str],
    variable_names_whitelist: Sequence[str] | None = None,
    variable_names_blacklist: Sequence[str] | None = None,
) -> Any:
    """Returns the part of a graph that some nodes need, with the values of its variables as constants.

    Functions that get a variable's handle get its value instead.

    Args:
      sess: the session that holds the values.
      input_graph_def: the ``GraphDef`` of the session's graph.
      output_node_names: names of the nodes to keep, with what they need.
      variable_names_whitelist: names of the only variables to convert; all if None.
      variable_names_blacklist: names of variables not to convert.

    Raises:
      AssertionError: there is no node of such a name.
      FailedPreconditionError: a variable is not initialized.
      ValueError: what is kept does something else with a variable than to read it.
    """
    needed = extract_sub_graph(input_graph_def, output_node_names)
    allowed = None if variable_names_whitelist is None else set(variable_names_whitelist)
    refused = set(variable_names_blacklist or ())
    variables = {
        node.name: node
        for node in needed.node
        if node.op in _VARIABLES and (allowed is None or node.name in allowed) and node.name not in refused
    }
    fetches = [_fetch_of(sess, name) if node.op == "VarHandleOp" else f"{name}:0" for name, node in variables.items()]
    found = sess.run(fetches) if variables else []
    values = {name: _value(name, value) for name, value in zip(variables, found, strict=True)}
    return with_constants(needed, values)


def with_constants(graph_def: Any, values: Mapping[str, Any]) -> Any:
    """Returns a ``GraphDef`` in which some nodes are constants, and what took handles of variables takes values.

    Args:
      graph_def: the ``GraphDef``.
      values: the value of each variable, placeholder of a variable's handle, or other placeholder, by its name.

    Raises:
      ValueError: a node does something else with a variable than to read it.
    """
    result = type(graph_def)(versions=graph_def.versions)
    result.node.extend(graph_def.node)
    handles: dict[str, _Value] = {}
    for node in result.node:
        if node.name in values:
            value = np.asarray(values[node.name])
            if node.op == "VarHandleOp" or node.attr["dtype"].type == _RESOURCE:
                node.attr["dtype"].type = attr_value.dtype_of(value).as_datatype_enum
                handles[node.name] = _Value(node.attr["dtype"].type, value.shape)
            _make_constant(node, value)
    functions = _Functions(graph_def.library)
    _Nodes(result.node, handles, functions, in_function=False).convert()
    functions.write(result)
    for nodes in (result.node, *(function.node_def for function in result.library.function)):
        for node in nodes:
            node.attr.pop(_LOWERED, None)
    return result


def _make_constant(node: Any, value: np.ndarray[Any, Any]) -> None:
    dtype = node.attr["dtype"].type
    node.op = "Const"
    node.attr.clear()
    node.attr["dtype"].type = dtype
    attr_value.write(node.attr["value"], "tensor", value)


def _fetch_of(sess: Any, name: str) -> Any:
    """A tensor of the session's graph that has the value of the variable with the handle ``name``, or its handle."""
    handle = sess.graph.get_tensor_by_name(f"{name}:0")
    return next((op.outputs[0] for op in handle.consumers() if op.type == "ReadVariableOp"), handle)


def _value(name: str, found: Any) -> Any:
    """Returns the value of a variable, of which a session gave that or the handle.

    Raises:
      FailedPreconditionError: the variable is not initialized.
    """
    if not isinstance(found, ResourceHandle):
        return found
    buffer = buffer_in(found)
    if not buffer.is_initialized:
        raise FailedPreconditionError(None, None, f"Attempting to use uninitialized value {name}")
    return np.asarray(buffer.read())


class _Value(NamedTuple):
    """Is what takes the place of a handle: the number of its dtype and its shape."""

    dtype: int
    shape: tuple[int, ...]


#: The results of a function that are values in the place of handles, by position, with their names.
_Results = dict[int, tuple[str, _Value]]


class _Functions:
    """Is the functions of a library, and those made of them that get values where they got handles."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self._by_name = {item.signature.name: item for item in library.function}
        self._made: dict[tuple[Any, ...], tuple[str, _Results]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def with_values(self, name: str, values: Mapping[int, _Value]) -> tuple[str, _Results]:
        """Returns the name of the function that gets values as some arguments, and which results are values then.

        Raises:
          ValueError: there is no such function, or it does more with the variables than to read them.
        """
        key = (name, *sorted(values.items()))
        found = self._made.get(key)
        if found is None:
            original = self._by_name.get(name)
            if original is None:
                raise ValueError(f"Function '{name}' is not in the library of the GraphDef.")
            function = type(original)()
            function.CopyFrom(original)
            function.signature.name = self._unused(f"{name}_frozen")
            results: _Results = {}
            # A function may call itself, with the same values: it is there before it is done.
            found = self._made[key] = (function.signature.name, results)
            self._by_name[function.signature.name] = function
            results.update(_convert_function(function, values, self))
            function.signature.is_stateful = any(map(self._is_stateful, function.node_def))
        return found

    def has_effects(self, name: str) -> bool:
        """Tells whether a function does something that another call would notice."""
        return bool(self._by_name[name].signature.is_stateful)

    def _is_stateful(self, node: Any) -> bool:
        if node.op in self._by_name:
            return self.has_effects(node.op)
        definition = OpDef.registry.get(node.op)
        return definition is None or definition.stateful

    def _unused(self, base: str) -> str:
        name, count = base, 0
        while name in self._by_name:
            count += 1
            name = f"{base}_{count}"
        return name

    def write(self, message: Any) -> None:
        """Writes the functions that the nodes of a ``GraphDef`` use; those that only handles were for are gone."""
        pending = [name for node in message.node for name in _functions_named(node)]
        written: set[str] = set()
        while pending:
            name = pending.pop()
            if name in written or name not in self._by_name:
                continue
            written.add(name)
            pending.extend(item for node in self._by_name[name].node_def for item in _functions_named(node))
            pending.extend(item.gradient_func for item in self._library.gradient if item.function_name == name)
        message.library.function.extend(item for name, item in self._by_name.items() if name in written)
        message.library.gradient.extend(item for item in self._library.gradient if item.function_name in written)


def _functions_named(node: Any) -> Iterator[str]:
    yield node.op
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func.name
        for item in value.list.func if value.HasField("list") else ():
            yield item.name


def _convert_function(function: Any, values: Mapping[int, _Value], functions: _Functions) -> _Results:
    """Makes a ``FunctionDef`` take values in the place of handles; returns which of its results are values then."""
    handles: dict[str, _Value] = {}
    for index, value in values.items():
        argument = function.signature.input_arg[index]
        argument.type = value.dtype
        handles[argument.name] = value
        attributes = function.arg_attr[index].attr
        attributes.clear()
        attr_value.write(attributes["_output_shapes"], "list(shape)", [value.shape])
        function.resource_arg_unique_id.pop(index, None)
    nodes = _Nodes(function.node_def, handles, functions, in_function=True)
    nodes.convert()
    results: _Results = {}
    for index, output in enumerate(function.signature.output_arg):
        returned = function.ret[output.name] = nodes.renamed.get(function.ret[output.name], function.ret[output.name])
        stands_in = handles.get(returned.removesuffix(":0"))
        if stands_in is not None:
            output.type = stands_in.dtype
            results[index] = output.name, stands_in
    return results


class _Nodes:
    """Is the nodes of a graph or function, which are to use values in the place of handles.

    Args:
      nodes: the repeated field of nodes.
      handles: what takes the place of handles, by the name that the nodes call them; it grows.
      functions: the functions that nodes may call.
      in_function: whether the nodes call tensors as those of a function do: ``node:output:index``.

    Attributes:
      renamed: the new name of a tensor whose name changed.
    """

    def __init__(self, nodes: Any, handles: dict[str, _Value], functions: _Functions, in_function: bool) -> None:
        self.nodes = nodes
        self.handles = handles
        self.functions = functions
        self.in_function = in_function
        self.renamed: dict[str, str] = {}

    def convert(self) -> None:
        """Changes the nodes that get handles.

        Raises:
          ValueError: a node does something else with a variable than to read it.
        """
        concerned = {node.name: node for node in self.nodes if self._may_take_handles(node)}
        sources = {
            name: {text.split(":")[0] for text in node.input if not text.startswith("^")}.intersection(concerned)
            for name, node in concerned.items()
        }
        done: set[str] = set()
        try:
            # A graph may list a node before those that give it handles.
            for name in TopologicalSorter(sources).static_order():
                node = concerned[name]
                values = self._values(node)
                if values:
                    self._convert(node, values)
                    done.add(name)
        except CycleError as error:
            raise ValueError(f"The nodes around '{error.args[1][0]}' form a cycle.") from None
        for node in self.nodes:
            if node.name not in done and self._values(node):
                raise ValueError(
                    f"'{node.name}' ({node.op}) does more than read the variable that it gets, which is to become a "
                    "constant."
                )
            for index, text in enumerate(node.input):
                if text in self.renamed:
                    node.input[index] = self.renamed[text]

    def _may_take_handles(self, node: Any) -> bool:
        return node.op in _PASSES_ON or node.op in _READS or node.op in _CALLS or node.op in self.functions

    def _values(self, node: Any) -> dict[int, _Value]:
        """Returns the values that take the place of handles among the inputs of a node."""
        found = {index: self.handles.get(text.removesuffix(":0")) for index, text in enumerate(node.input)}
        return {index: value for index, value in found.items() if value is not None}

    def _name(self, node: Any, output: str, index: int) -> str:
        """Returns what the nodes call an output, but for a last zero."""
        name = f"{node.name}:{output}:{index}" if self.in_function else f"{node.name}:{index}"
        return name.removesuffix(":0")

    def _convert(self, node: Any, values: dict[int, _Value]) -> None:
        if node.op in _PASSES_ON:
            node.attr[_PASSES_ON[node.op]].type = values[0].dtype
            outputs = ("output_false", "output_true") if node.op.endswith("Switch") else ("output",)
            for index, output in enumerate(outputs):
                position = 0 if self.in_function else index
                self.handles[self._name(node, output, position)] = values[0]
        elif node.op in _READS:
            self._convert_read(node, values[0])
        elif node.op in _CALLS:
            self._convert_call(node, values)
        else:
            node.op, results = self.functions.with_values(node.op, values)
            for index, (output, value) in results.items():
                self.handles[self._name(node, output, 0 if self.in_function else index)] = value

    def _convert_read(self, node: Any, value: _Value) -> None:
        if node.op == "ReadVariableOp" and self.in_function:
            self.renamed[f"{node.name}:value:0"] = f"{node.name}:output:0"
        elif node.op == "ResourceGather":
            axis = self.nodes.add(name=self._unused(f"{node.name}/axis"))
            axis.attr["dtype"].type = dtypes.int32.as_datatype_enum
            _make_constant(axis, np.array(node.attr["batch_dims"].i, np.int32))
            node.attr["Taxis"].type = dtypes.int32.as_datatype_enum
            node.input.insert(2, f"{axis.name}:output:0" if self.in_function else axis.name)
        node.op, attribute = _READS[node.op]
        for name in ("dtype", "validate_indices"):
            node.attr.pop(name, None)
        node.attr[attribute].type = value.dtype

    def _unused(self, base: str) -> str:
        taken = {node.name for node in self.nodes} | set(self.handles)
        name, count = base, 0
        while name in taken:
            count += 1
            name = f"{base}_{count}"
        return name

    def _convert_call(self, node: Any, values: dict[int, _Value]) -> None:
        before, attributes, arguments, returned = _CALLS[node.op]
        given = {index - before: value for index, value in values.items()}
        if min(given) < 0:
            raise ValueError(f"'{node.name}' ({node.op}) chooses by the handle of a variable.")
        found: list[_Results] = []
        called: list[str] = []
        for name in attributes:
            attribute = node.attr[name]
            for function in attribute.list.func if attribute.HasField("list") else (attribute.func,):
                function.name, made = self.functions.with_values(function.name, given)
                called.append(function.name)
                if name != "cond":
                    found.append(made)
        results = {index: value for index, (_, value) in found[0].items()}
        expected = given if node.op in _LOOPS else results
        if any({index: value for index, (_, value) in made.items()} != expected for made in found):
            raise ValueError(
                f"'{node.name}' ({node.op}) chooses between variables, and some of them are to become constants."
            )
        for index, value in given.items():
            node.attr[arguments].list.type[index] = value.dtype
        for index, value in results.items():
            node.attr[returned].list.type[index] = value.dtype
            if index < len(node.attr["output_shapes"].list.shape):
                node.attr["output_shapes"].list.shape[index].CopyFrom(tensor_proto.shape_to_proto(value.shape))
            self.handles[self._name(node, "output", index)] = value
        if not any(map(self.functions.has_effects, called)):
            node.op = _WITHOUT_EFFECTS.get(node.op, node.op)
        if _READ_ONLY in node.attr:
            left = [index for index in node.attr[_READ_ONLY].list.i if index not in values]
            node.attr[_READ_ONLY].list.i[:] = left
