"""Makes functions of what a SavedModel's library and object graph say of them."""

from __future__ import annotations

import inspect
import itertools
import re
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.autodiff import rules
from tideflow._src.core.logger import get_logger
from tideflow._src.core.tensor import Tensor
from tideflow._src.function.forward_backward import Extended
from tideflow._src.function.func_graph import FuncGraph, share_variable
from tideflow._src.function.python_tracing import FunctionGraph, unique_name
from tideflow._src.graph import attr_value
from tideflow._src.graph.function_library import StoredFunction
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.import_functions import FunctionBuilder, fill_function_graph
from tideflow._src.graph.op_def import OpDef
from tideflow._src.ops.array.raw import raw
from tideflow._src.runtime.buffers import ResourceHandle
from tideflow._src.saved_model.restored_functions import RestoredConcreteFunction, RestoredFunction
from tideflow._src.saved_model.structures import decode

_loads = itertools.count()
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_JIT = {0: None, 1: True, 2: False}


class FunctionLibrary:
    """Holds the functions of a SavedModel.

    Args:
      library: the ``FunctionDefLibrary``; it belongs to this object from now on, and is changed.
      saved: what the object graph says of the concrete functions, by name.
    """

    def __init__(self, library: Any, saved: Any) -> None:
        self._saved = saved
        self._graph = Graph()
        self._suffix = new_suffix()
        gradients = {entry.function_name: entry.gradient_func for entry in library.gradient}
        self._gradient_types = {
            entry.registered_op_type: (f"CustomGradient-loaded{self._suffix.decode()}-{number}", entry.gradient_func)
            for number, entry in enumerate(library.registered_gradients)
            if entry.registered_op_type
        }
        for definition in library.function:
            name = definition.signature.name
            if not name:
                raise ValueError("A function in the library of the SavedModel has no name.")
            if name in self._graph.functions:
                raise ValueError(f"Two functions in the library of the SavedModel are called {name!r}.")
            self._graph.functions[name] = StoredFunction(definition, gradients.get(name, ""))
            for node in definition.node_def:
                self.fix_node(node)
        self._builder = FunctionBuilder(self._graph, self._inner_graph)
        self._functions: dict[str, RestoredConcreteFunction] = {}
        self._captured: Callable[[str], list[Any]] = lambda name: []
        self._lock = threading.RLock()  # the builder builds one function at a time

    @property
    def names(self) -> set[str]:
        """The names of all functions in the library."""
        return set(self._graph.functions)

    def _inner_graph(self, name: str, outer: Graph) -> FuncGraph:
        graph = FuncGraph(_new_name(name), outer)
        graph.kept = self
        return graph

    def fix_node(self, node: Any) -> None:
        """Lets a node share resources with those of this load only, and find the gradients of this load."""
        if share_within_load(node, self._suffix):
            return
        if "_gradient_op_type" in node.attr and node.op not in _CALLS:
            known = self._gradient_types.get(node.attr["_gradient_op_type"].s.decode(errors="replace"))
            if known is not None:
                node.attr["_gradient_op_type"].s = known[0].encode()
            else:
                get_logger().warning(
                    "Importing a function with ops with unsaved custom gradients (%s). Will likely fail if a gradient "
                    "is requested.",
                    node.name,
                )

    def concrete_function(self, name: str) -> RestoredConcreteFunction:
        """Returns a concrete function, the same one for the same name.

        Raises:
          ValueError: there is none of this name.
        """
        known = self._functions.get(name)
        if known is None:
            if name not in self._graph.functions or name not in self._saved:
                raise ValueError(f"The SavedModel refers to a function {name!r}, which it does not have.")
            saved = self._saved[name]
            signature = decode(saved.canonicalized_input_signature)
            outputs = decode(saved.output_signature)
            if signature is None:
                signature = ((), {})
            kinds = [type(part) for part in signature] if isinstance(signature, tuple) else None
            if kinds not in ([tuple, dict], [list, dict]):
                raise ValueError(f"The function {name!r} of the SavedModel has no signature: {signature!r}.")
            known = self._functions.setdefault(
                name,
                RestoredConcreteFunction(
                    name, lambda captured: self._build(name, captured), signature, outputs, self._lock
                ),
            )
        return known

    def _build(self, name: str, captured: Sequence[Any]) -> FunctionGraph:
        """Returns the graph of a concrete function; its last parameters are what it captures."""
        definition = self._graph.functions[name].function_def
        attributes = {key: attr_value.read_undeclared(value) for key, value in definition.attr.items()}
        attributes.pop("_input_shapes", None)
        graph = FunctionGraph(_new_name(name), attributes)
        graph.kept = self
        body = fill_function_graph(graph, definition, self._graph.functions, {}, self._builder.instantiate)
        graph.inputs, graph.outputs, graph.control_outputs = body
        first = len(graph.inputs) - len(captured)
        if first < 0:
            raise ValueError(f"The function {name!r} of the SavedModel takes fewer tensors than it captures.")
        for outer, inner in zip(captured, graph.inputs[first:], strict=True):
            bind_capture(graph, outer, inner)
        graph._arguments = {id(parameter) for parameter in graph.inputs[:first]}
        spread_variables(graph)
        return graph

    def function(self, saved: Any) -> RestoredFunction:
        """Returns the function that a ``SavedFunction`` describes."""
        functions = [self.concrete_function(name) for name in saved.concrete_functions]
        specification = saved.function_spec
        arguments = _argument_spec(specification)
        for function in functions:
            function.name_parameters(arguments.args, None, None)
        return RestoredFunction(
            _signature(arguments), decode(specification.input_signature), functions, _JIT.get(specification.jit_compile)
        )

    def bare_concrete_function(self, saved: Any) -> RestoredConcreteFunction:
        """Returns the function that a ``SavedBareConcreteFunction`` describes."""
        function = self.concrete_function(saved.concrete_function_name)
        names: Sequence[str] = ()
        if saved.HasField("function_spec"):
            names = _argument_spec(saved.function_spec).args
        function.name_parameters(names, saved.argument_keywords, saved.allowed_positional_arguments)
        return function

    def register_gradients(self, tensors: Callable[[str], list[Any]]) -> None:
        """Lets nodes with a gradient of their own find it in the library, for as long as there is the library.

        Args:
          tensors: returns what a concrete function captures: tensors, and `CapturedTensor`s.
        """
        self._captured = tensors
        names = []
        for name, function_name in self._gradient_types.values():
            if function_name in self._graph.functions and function_name in self._saved:
                rules.RegisterGradient(name)(_gradient(weakref.ref(self), function_name))
                names.append(name)
        if names:
            weakref.finalize(self, rules.forget_gradients, names).atexit = False

    def gradient(self, name: str, op: Any, dys: Sequence[Any]) -> list[Any]:
        """Returns the gradients of a node that a concrete function of this name computes."""
        function = self.concrete_function(name)
        captured = self._captured(name)
        inside = [item.in_graph_of(op) if isinstance(item, CapturedTensor) else item for item in captured]
        with self._lock:
            function.bind(inside)
            parameters = function.graph.inputs
        given = [_zeros(parameter) if dy is None else dy for dy, parameter in zip(dys, parameters, strict=False)]
        found = function._pack(function.call([*given, *inside]))
        return list(found) if isinstance(found, list | tuple) else [found]


def _gradient(library: weakref.ref[FunctionLibrary], name: str) -> Callable[..., Any]:
    """Returns the rule for a kind of node, which does not keep the library: graphs with such nodes do."""

    def gradient(op: Any, *dys: Any) -> Any:
        found = library()
        if found is None:
            raise LookupError(f"The SavedModel that has the gradient of '{op.name}' is gone.")
        return found.gradient(name, op, dys)

    return gradient


def _new_name(name: str) -> str:
    """Returns a name for a function that no other function of the process has: it may be saved with others."""
    found = re.fullmatch(r"__inference_(.*?)(_\d+)?", name)
    return unique_name(found.group(1) if found else name)


class CapturedTensor:
    """Is a tensor inside of a function, which the gradient of a node in that function captures.

    Args:
      name: the name of the tensor in the body of the function.
      function: the name of the function.
    """

    def __init__(self, name: str, function: str) -> None:
        self._name = name
        self._function = function

    def in_graph_of(self, op: Any) -> Any:
        """Returns the tensor in the graph of an operation, or in one around it.

        Raises:
          ValueError: there is none.
        """
        graph = op.graph
        while graph is not None:
            while isinstance(graph, Extended):  # has copies of what gradients are known to need, not all
                graph = graph.original
            try:
                return graph.get_tensor_by_name(self._name)
            except (KeyError, ValueError):
                graph = getattr(graph, "outer_graph", None)
        raise ValueError(
            f"The gradient of '{op.name}' needs the tensor '{self._name}' of the function {self._function!r}, which "
            "its graph does not have."
        )


def _zeros(parameter: Any) -> Any:
    dims = parameter._shape
    sizes = [] if dims is None else [1 if size is None else size for size in dims]
    return raw.Fill(sizes, raw.Cast(0, DstT=parameter._dtype.base_dtype))


def new_suffix() -> bytes:
    """Returns what this load adds to the names of resources, which no other load does."""
    return f"_load_{next(_loads)}".encode()


def share_within_load(node: Any, suffix: bytes) -> bool:
    """Lets a node share its resource with nodes of one load only; tells whether it has one that can be shared."""
    definition = OpDef.registry.get(node.op)
    if definition is None or "shared_name" not in definition.attributes:
        return False
    if node.op == "HashTableV2":
        node.attr["use_node_name_sharing"].b = True
    node.attr["shared_name"].s = (node.attr["shared_name"].s or node.name.encode()) + suffix
    return True


def bind_capture(graph: FunctionGraph, outer: Any, inner: Any) -> None:
    """Says that a parameter of a function stands for a tensor outside."""
    key = id(outer) if id(outer) not in graph._captures else id(inner)
    graph._captures[key] = (outer, inner)
    value = getattr(outer, "_value", None)
    if value.__class__ is ResourceHandle:
        inner._bound = value
    if isinstance(outer, Tensor):
        share_variable(outer, inner)


def spread_variables(graph: Any) -> None:
    """Tells the functions that a graph calls of which dtype and shape the variables are that they are given."""
    pending = [graph]
    while pending:
        current = pending.pop()
        for op in current.get_operations():
            names = attr_value.function_attributes(op.op_def)
            for name in names:
                value = op.attrs.get(name)
                for inner in value if isinstance(value, list) else (value,):
                    if not hasattr(inner, "inputs"):
                        continue
                    given = op._inputs[len(op._inputs) - len(inner.inputs) :]
                    if _share(given, inner.inputs):
                        pending.append(inner)


def _share(given: Sequence[Any], parameters: Sequence[Any]) -> bool:
    changed = False
    for tensor, parameter in zip(given, parameters, strict=False):
        known = getattr(tensor, "_variable", None)
        if known is not None and getattr(parameter, "_variable", None) is None:
            parameter._variable = known
            changed = True
    return changed


def _argument_spec(specification: Any) -> inspect.FullArgSpec:
    """Returns the parameters of a function without its object, if it was a method."""
    found = decode(specification.fullargspec)
    if found is None or not all(hasattr(found, name) for name in ("args", "varargs", "varkw", "defaults")):
        raise ValueError(f"A function of the SavedModel has no parameters: {found!r}.")
    args = list(found.args or ())
    if specification.is_method or args[:1] == ["self"]:
        if not args:
            raise NotImplementedError("Cannot deserialize a method function without a named 'self' argument.")
        args = args[1:]
    return inspect.FullArgSpec(
        args,
        found.varargs,
        found.varkw,
        tuple(found.defaults) if found.defaults else None,
        list(getattr(found, "kwonlyargs", None) or ()),
        dict(getattr(found, "kwonlydefaults", None) or {}) or None,
        {},
    )


def _signature(spec: inspect.FullArgSpec) -> inspect.Signature:
    kinds = inspect.Parameter
    defaults = dict(zip(spec.args[len(spec.args) - len(spec.defaults or ()) :], spec.defaults or (), strict=True))
    made = [kinds(name, kinds.POSITIONAL_OR_KEYWORD, default=defaults.get(name, kinds.empty)) for name in spec.args]
    if spec.varargs:
        made.append(kinds(spec.varargs, kinds.VAR_POSITIONAL))
    named = spec.kwonlydefaults or {}
    made += [kinds(name, kinds.KEYWORD_ONLY, default=named.get(name, kinds.empty)) for name in spec.kwonlyargs]
    if spec.varkw:
        made.append(kinds(spec.varkw, kinds.VAR_KEYWORD))
    return inspect.Signature(made)
