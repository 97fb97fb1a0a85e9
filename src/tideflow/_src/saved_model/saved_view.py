"""The objects that a SavedModel holds: those that a root depends on, with their functions and what these capture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tideflow._src.core import dtypes, nest
from tideflow._src.core.logger import get_logger
from tideflow._src.core.tensor import EagerTensor, Tensor
from tideflow._src.function.concrete_function import ConcreteFunction
from tideflow._src.function.python_tracing import FunctionGraph
from tideflow._src.function.traced_function import TracedFunction
from tideflow._src.io.captured_resource import Asset
from tideflow._src.saved_model.signature_map import _SignatureMap
from tideflow._src.saved_model.structures import can_encode
from tideflow._src.state.object_graph import ObjectGraphView, as_trackable
from tideflow._src.state.trackable import Trackable

SIGNATURES = "signatures"


class FunctionNode(Trackable):
    """Is a ``tf.function`` in the object graph.

    Args:
      function: the function.
    """

    def __init__(self, function: TracedFunction) -> None:
        self.function = function

    def concrete_functions(self) -> list[ConcreteFunction]:
        """Returns what was traced, each signature once; a function with an input signature is traced for it now."""
        known = getattr(self.function, "concrete_functions", None)
        if known is not None:
            return list(known)
        if self.function.input_signature is not None:
            return [self.function.get_concrete_function()]
        found: list[ConcreteFunction] = []
        for concrete in self.function._list_all_concrete_functions():
            signature = concrete.structured_input_signature
            if not can_encode(signature):
                get_logger().info("Unsupported signature for serialization: %s.", signature)
            elif not any(_same(signature, other.structured_input_signature) for other in found):
                found.append(concrete)
        return found


def _same(first: Any, second: Any) -> bool:
    try:
        nest.assert_same_structure(first, second)
        return bool(nest.flatten(first) == nest.flatten(second))
    except (TypeError, ValueError):
        return False


class ConcreteFunctionNode(Trackable):
    """Is a concrete function in the object graph.

    Args:
      function: the function.
    """

    def __init__(self, function: ConcreteFunction) -> None:
        self.function = function


class ConstantNode(Trackable):
    """Is a tensor that a function captures, in the object graph.

    Args:
      tensor: the tensor.
      function: the function.
    """

    def __init__(self, tensor: Any, function: Any) -> None:
        self.tensor = tensor
        self.function = function


class SavedModelView(ObjectGraphView):
    """Shows the objects of a SavedModel. What their children are is asked once.

    Args:
      root: the object to save.
    """

    def __init__(self, root: Any) -> None:
        super().__init__(root)
        self._root = root
        self._children: dict[int, tuple[Any, dict[str, Any]]] = {}
        self._functions: dict[int, Any] = {}
        self._constants: dict[int, Any] = {}
        self._cache: dict[Any, Any] = {}
        self._kept: list[Any] = []
        self.untraced: list[str] = []

    def set_signatures(self, signatures: _SignatureMap) -> None:
        """Gives the root the signatures, in the place of those that it has."""
        self.children(self._root)[SIGNATURES] = signatures

    def children(  # type: ignore[override]  # the same for all types of saving
        self, obj: Any, save_type: str = "savedmodel", **kwargs: Any
    ) -> dict[str, Any]:
        """Returns what an object depends on directly, by name; its functions among it."""
        del save_type, kwargs
        known = self._children.get(id(obj))
        if known is None:
            known = self._children[id(obj)] = obj, self._found(obj)
        return known[1]

    def _found(self, obj: Any) -> dict[str, Any]:
        if isinstance(obj, FunctionNode):
            traced = {f"trace_{number}": self.node_of(each) for number, each in enumerate(obj.concrete_functions())}
            if not traced:
                self.untraced.append(obj.function.name)
            return traced
        if isinstance(obj, ConcreteFunctionNode):
            return {
                f"capture_{number}": self.constant_of(tensor, obj.function)
                for number, tensor in enumerate(captures_of(obj.function))
                if tensor.dtype not in (dtypes.resource, dtypes.variant)
            }
        if isinstance(obj, ConstantNode):
            return {}
        if hasattr(obj, "_maybe_create_save_counter"):
            obj._maybe_create_save_counter()
        obj._maybe_initialize_trackable()
        children = obj._trackable_children("savedmodel", cache=self._cache)
        return {name: self.node_of(child) for name, child in children.items()}

    def node_of(self, value: Any) -> Any:
        """Returns the object that stands for a child in the object graph: the same one for the same child."""
        if isinstance(value, TracedFunction):
            return self._once(self._functions, id(value.__dict__), value, lambda: FunctionNode(value))
        if isinstance(value, ConcreteFunction):
            return self._once(self._functions, id(value), value, lambda: ConcreteFunctionNode(value))
        if isinstance(value, Tensor) and not isinstance(value, Trackable):
            return self.constant_of(value, None)
        if isinstance(value, Trackable):
            return value
        return as_trackable(value)

    def constant_of(self, tensor: Any, function: Any) -> Any:
        """Returns the object that stands for a tensor: an asset if it is the path of one."""
        return self._once(self._constants, id(tensor), tensor, lambda: ConstantNode(tensor, function))

    def _once(self, table: dict[int, Any], key: int, value: Any, make: Callable[[], Any]) -> Any:
        known = table.get(key)
        if known is None:
            known = table[key] = make()
            self._kept.append(value)  # lest another object get its id
        return known

    def merge_assets(self) -> None:
        """Lets functions that capture the path of an asset depend on the asset."""
        found = [each.value for each in self.walk()]
        assets = {id(value.asset_path): value for value in found if isinstance(value, Asset)}
        for _, children in self._children.values():
            for name, child in children.items():
                if isinstance(child, ConstantNode) and id(child.tensor) in assets:
                    children[name] = assets[id(child.tensor)]

    def dependencies(self, obj: Any) -> dict[str, Any]:
        """Returns the children of an object that must be loaded before it.

        Raises:
          TypeError: one of them is no ``Trackable``.
        """
        children = self.children(obj) if id(obj) in self._children else {}
        if isinstance(obj, FunctionNode | ConcreteFunctionNode):
            return children
        if isinstance(obj, ConstantNode):
            return {}
        found = {name: self.node_of(value) for name, value in obj._deserialization_dependencies(children).items()}
        for value in found.values():
            if not isinstance(value, Trackable):
                raise TypeError(
                    f"The dependency of type {type(value)} is not an instance `Trackable`, and can't be saved to "
                    "SavedModel. Please check the implementation of `_deserialization_dependencies` in the parent "
                    f"object {obj}."
                )
        return found


def captures_of(function: ConcreteFunction) -> list[Any]:
    """Returns the tensors that a concrete function captures, in the order of its parameters."""
    return list(function.captured_inputs)


def is_symbolic(tensor: Any) -> bool:
    """Tells whether a tensor has no value of its own."""
    return isinstance(tensor, Tensor) and not isinstance(tensor, EagerTensor)


def graph_of(function: ConcreteFunction) -> FunctionGraph:
    """Returns the graph of a concrete function."""
    return function.graph
