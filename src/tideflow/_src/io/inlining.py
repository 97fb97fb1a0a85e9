"""Puts the bodies of functions in the place of the nodes that call them, in ``GraphDef`` messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tideflow._src.graph import protos
from tideflow._src.graph.import_functions import output_positions, tensor_name

_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
#: What says that a function is to stay one: it is compiled as a whole, or its caller asks for it.
_KEPT = ("_noinline", "_XlaMustCompile")


def inline_calls(graph_def: Any, fetched: Iterable[str] = ()) -> Any:
    """Returns a ``GraphDef`` without calls of functions; branches and loops stay, and what they hold has none either.

    The nodes of a body have the name of the call before theirs. They wait for what the call waited for, and what waited
    for the call waits for what the function says that it does. Functions that call themselves, that are to be
    compiled as a whole, or that ask not to be inlined, are called as before.

    Args:
      graph_def: the ``GraphDef``.
      fetched: the names of nodes that keep their names and outputs.

    Raises:
      ValueError: a function is malformed.
    """
    library = {function.signature.name: function for function in graph_def.library.function}
    result = type(graph_def)(versions=graph_def.versions, library=graph_def.library)
    body = _Body(library, set(fetched))
    body.add(graph_def.node, (), {node.name for node in graph_def.node})
    result.node.extend(body.written())
    for function in result.library.function:
        _inline_in_function(function, library)
    return result


def _inline_in_function(function: Any, library: Mapping[str, Any]) -> None:
    flat = _Flat.of(function, library)
    body = _Body(library, set(function.control_ret.values()))
    arguments = [argument.name for argument in function.signature.input_arg]
    body.add(flat.nodes, (function.signature.name,), {*arguments, *(node.name for node in flat.nodes)})
    nodes = body.written()
    names = _Outputs(nodes, library)
    for node in nodes:
        node.input[:] = [text if text.startswith("^") else names.in_function(text) for text in node.input]
    del function.node_def[:]
    function.node_def.extend(nodes)
    for name, text in flat.returned.items():
        function.ret[name] = names.in_function(body.resolved(text))


class _Flat(NamedTuple):
    """Is the body of a function, whose nodes call tensors as those of a graph do: ``node:index``.

    Attributes:
      nodes: copies of the nodes.
      returned: what the function returns, by the name of the output.
    """

    nodes: list[Any]
    returned: dict[str, str]

    @classmethod
    def of(cls, function: Any, library: Mapping[str, Any]) -> _Flat:
        name = function.signature.name
        arguments = {argument.name for argument in function.signature.input_arg}
        positions = {node.name: output_positions(node, library) for node in function.node_def}
        nodes = []
        for node in function.node_def:
            copy = protos.get("NodeDef")()
            copy.CopyFrom(node)
            copy.input[:] = [
                text if text.startswith("^") else tensor_name(text, arguments, positions, name) for text in node.input
            ]
            nodes.append(copy)
        returned = {key: tensor_name(text, arguments, positions, name) for key, text in function.ret.items()}
        return cls(nodes, returned)


class _Outputs:
    """Knows what the body of a function calls the tensors ``node:index``."""

    def __init__(self, nodes: Iterable[Any], library: Mapping[str, Any]) -> None:
        self._positions = {node.name: output_positions(node, library) for node in nodes}

    def in_function(self, text: str) -> str:
        name, _, index = text.partition(":")
        positions = self._positions.get(name)
        if positions is None:
            return name  # an argument
        place = int(index or 0)
        output, first = max(
            ((output, first) for output, first in positions.items() if first <= place), key=lambda item: item[1]
        )
        return f"{name}:{output}:{place - first}"


class _Body:
    """Is a list of nodes in which calls are replaced.

    Args:
      library: the functions by their names.
      fetched: the names of nodes that keep their names and outputs.
    """

    def __init__(self, library: Mapping[str, Any], fetched: set[str]) -> None:
        self._library = library
        self._fetched = fetched
        self._nodes: list[Any] = []
        self._names: set[str] = set()
        #: What takes the place of the outputs of calls, and of the wait for them.
        self._tensors: dict[str, str] = {}
        self._waits: dict[str, list[str]] = {}

    def add(self, nodes: Iterable[Any], callers: tuple[str, ...], names: set[str]) -> None:
        """Adds nodes, or the bodies of what they call.

        Args:
          nodes: the nodes, with the names that they are to have.
          callers: the functions that the nodes are in.
          names: names that are taken.
        """
        self._names |= names
        for node in nodes:
            function = self._called(node, callers)
            if function is None:
                copy = protos.get("NodeDef")()
                copy.CopyFrom(node)
                self._nodes.append(copy)
            else:
                self._inline(node, function, callers)

    def written(self) -> list[Any]:
        """Returns the nodes, whose inputs are those that are left."""
        for node in self._nodes:
            inputs = [self.resolved(text) for text in node.input if not text.startswith("^")]
            waits = [name for text in node.input if text.startswith("^") for name in self._waiting_for(text[1:])]
            node.input[:] = [*inputs, *(f"^{name}" for name in dict.fromkeys(waits))]
        return self._nodes

    def resolved(self, text: str) -> str:
        """Returns the tensor that has taken the place of another."""
        text = text.removesuffix(":0")
        while text in self._tensors:
            text = self._tensors[text].removesuffix(":0")
        return text

    def _waiting_for(self, name: str) -> list[str]:
        if name not in self._waits:
            return [name]
        return [found for each in self._waits[name] for found in self._waiting_for(each)]

    def _called(self, node: Any, callers: tuple[str, ...]) -> Any:
        name = node.attr["f"].func.name if node.op in _CALLS else node.op
        function = self._library.get(name)
        if function is None or name in callers:
            return None
        if any(attributes[key].b for attributes in (function.attr, node.attr) for key in _KEPT if key in attributes):
            return None
        arguments = (*function.signature.input_arg, *function.signature.output_arg)
        return None if any(each.number_attr or each.type_list_attr for each in arguments) else function

    def _inline(self, call: Any, function: Any, callers: tuple[str, ...]) -> None:
        flat = _Flat.of(function, self._library)
        given = [text for text in call.input if not text.startswith("^")]
        waits = [text for text in call.input if text.startswith("^")]
        arguments = dict(zip((each.name for each in function.signature.input_arg), given, strict=True))
        values = call.attr["f"].func.attr if call.op in _CALLS else call.attr
        names = {node.name: self._unused(f"{call.name}/{node.name}") for node in flat.nodes}

        def renamed(text: str) -> str:
            name, colon, index = text.partition(":")
            return arguments[name] if name in arguments and not index.strip("0") else f"{names[name]}{colon}{index}"

        early = {node.name for node in flat.nodes if node.op == "Const"} | set(arguments)
        for node in flat.nodes:
            first = all(text.removeprefix("^").split(":")[0] in early for text in node.input)
            inputs = [renamed(text) for text in node.input if not text.startswith("^")]
            for text in node.input:
                if text.startswith("^"):
                    inputs.append(f"^{arguments[text[1:]].split(':')[0] if text[1:] in arguments else names[text[1:]]}")
            if first and node.op != "Const":
                inputs += waits
            node.input[:] = inputs
            self._adapt(node, call, values, names, arguments)
        for node in flat.nodes:
            node.name = names[node.name]
        outputs = [renamed(flat.returned[each.name]) for each in function.signature.output_arg]
        done = [names.get(name, name) for name in function.control_ret.values()]
        done = [arguments[name].split(":")[0] if name in arguments else name for name in done]
        self.add(flat.nodes, (*callers, function.signature.name), set())
        self._waits[call.name] = list(
            dict.fromkeys([*done, *(text.split(":")[0] for text in outputs)])
            or [text.removeprefix("^").split(":")[0] for text in call.input]
        )
        if call.name in self._fetched:
            self._keep(call, function, outputs, values)
            return
        for index, text in enumerate(outputs):
            self._tensors[f"{call.name}:{index}".removesuffix(":0")] = text

    def _keep(self, call: Any, function: Any, outputs: list[str], values: Any) -> None:
        """Adds a node with the name and the outputs of a call."""
        kinds = [values[each.type_attr].type if each.type_attr else each.type for each in function.signature.output_arg]
        node = protos.get("NodeDef")(name=call.name, device=call.device)
        waits = [f"^{name}" for name in self._waits.pop(call.name)]
        node.input.extend([*outputs, *waits])
        if not outputs:
            node.op = "NoOp"
        elif len(outputs) == 1:
            node.op = "Identity"
            node.attr["T"].type = kinds[0]
        else:
            node.op = "IdentityN"
            node.attr["T"].list.type.extend(kinds)
        self._nodes.append(node)

    @staticmethod
    def _adapt(node: Any, call: Any, values: Any, names: Mapping[str, str], arguments: Mapping[str, str]) -> None:
        """Gives a node what the call says of attributes and devices."""
        node.device = node.device or call.device
        for attribute in node.attr.values():
            if attribute.WhichOneof("value") == "placeholder":
                if attribute.placeholder not in values:
                    raise ValueError(f"The call '{call.name}' lacks the attribute '{attribute.placeholder}'.")
                attribute.CopyFrom(values[attribute.placeholder])
        if "_class" in node.attr:
            groups = []
            for group in node.attr["_class"].list.s:
                name = group.decode().removeprefix("loc:@")
                name = arguments[name].split(":")[0] if name in arguments else names.get(name, "")
                groups += [f"loc:@{name}".encode()] if name else []
            del node.attr["_class"]
            if groups:
                node.attr["_class"].list.s.extend(groups)

    def _unused(self, base: str) -> str:
        name, count = base, 0
        while name in self._names:
            count += 1
            name = f"{base}_{count}"
        self._names.add(name)
        return name
