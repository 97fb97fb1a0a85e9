"""Defines ``Graph``: what a program builds before it runs.

A graph only grows. Names are unique in it and made exactly as TensorFlow makes them, since programs, checkpoints
and visualisations refer to them.
"""

from __future__ import annotations

import itertools
import re
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tideflow._src.core import context
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import EagerTensor, SymbolicTensor
from tideflow._src.graph import device_scopes, shape_inference, signature, source
from tideflow._src.graph.op_def import OpDef, Shape
from tideflow._src.graph.operation import Operation

_VALID_OPERATION_NAME = re.compile(r"^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$")
_VALID_SCOPE_NAME = re.compile(r"^[A-Za-z0-9_.\\/>-]*$")
_graph_numbers = itertools.count()


class Plans(dict[Any, Any]):
    """Is what a session has planned for a graph, by what is fetched and fed."""

    __hash__ = object.__hash__  # type: ignore[assignment]


class Graph:
    """Is a dataflow graph: operations as nodes, tensors as edges.

    A graph is the unit that a session runs. ``with graph.as_default():`` makes it the one that operations join.
    """

    building_function = False

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._operations: list[Operation] = []
        self._by_name: dict[str, Operation] = {}
        self._names_in_use: dict[str, int] = {}
        self._name_stack = ""
        self._control_stack: list[_ControlScope] = []
        self._device_stack: list[Any] = []
        self._colocation_stack: list[Operation] = []
        self._attribute_scope: dict[str, Any] = {}
        self._gradient_overrides: dict[str, str] = {}
        self._container = ""
        self._collections: dict[Any, list[Any]] = {}
        self._finalized = False
        self._version = 0
        self._unfeedable: set[SymbolicTensor] = set()
        self._unfetchable: set[Operation] = set()
        self._consumers: dict[SymbolicTensor, list[Operation]] | None = None
        self._consumers_version = -1
        self._remembered: dict[Any, Any] = {}
        self._remembered_version = -1
        self.functions: dict[str, Any] = {}
        #: What sessions have planned for this graph.
        self.plans: weakref.WeakSet[Plans] = weakref.WeakSet()
        self.seed: int | None = None
        #: Constants made from Python values, shared while the graph is built.
        self.number = next(_graph_numbers)

    # Building.

    def add_operation(
        self,
        op_def: OpDef,
        inputs: Sequence[SymbolicTensor],
        attrs: dict[str, Any],
        name: str,
        *,
        unique: bool = False,
        control_inputs: Sequence[Operation] | None = None,
        output_types: Sequence[DType] | None = None,
        output_shapes: Sequence[Shape] | None = None,
    ) -> Operation:
        """Adds a node whose inputs and attributes are already complete and of this graph.

        Args:
          op_def: its definition.
          inputs: its input tensors, lists flattened.
          attrs: all its attributes.
          name: the name wanted, below the current name scope; the full final name if ``unique``.
          unique: whether ``name`` is already made unique and marked as used.
          control_inputs: control inputs instead of those of the scopes around.
          output_types, output_shapes: known already; otherwise they are inferred.

        Raises:
          ValueError: the shapes do not fit, or the name is not valid.
          RuntimeError: the graph is finalized.
        """
        if self._finalized:
            self._check_not_finalized()
        if not unique:
            name = name[:-1] if name.endswith("/") else self.unique_name(name)
        if not _VALID_OPERATION_NAME.match(name):
            raise ValueError(f"'{name}' is not a valid operation name: letters, digits, '.', '_', '-', '/' only.")
        if control_inputs is None:
            controls = self._current_control_inputs(inputs) if self._control_stack else []
        else:
            controls = list(control_inputs)
        op = Operation(self, name, op_def, inputs, attrs, controls, "", source.capture())
        if self._device_stack:
            op.device = device_scopes.merged(self._device_stack, op)
        if self._attribute_scope:
            for key, value in self._attribute_scope.items():
                attrs.setdefault(key, value)
        if self._colocation_stack:
            self._colocate(op)
        if self._container and "container" in attrs and not attrs["container"]:
            attrs["container"] = self._container
        if self._gradient_overrides and op_def.name in self._gradient_overrides:
            attrs["_gradient_op_type"] = self._gradient_overrides[op_def.name]
        if output_types is None:
            output_types = signature.output_types(op_def, attrs)
        if output_shapes is None:
            output_shapes = shape_inference.output_shapes(op, output_types)
        if len(output_types) != len(output_shapes):
            raise ValueError(
                f"'{name}' ({op_def.name}) declares {len(output_types)} outputs, but what it calls has "
                f"{len(output_shapes)}."
            )
        op.outputs = [
            SymbolicTensor(op, index, dtype, shape)
            for index, (dtype, shape) in enumerate(zip(output_types, output_shapes, strict=True))
        ]
        with self._lock:
            op.number = len(self._operations)
            self._operations.append(op)
            self._by_name[name] = op
            self._version += 1
        if control_inputs is None:
            for scope in self._control_stack:
                scope.seen.add(op)
        self._after_adding(op)
        return op

    def _after_adding(self, op: Operation) -> None:
        """Is called with each new operation; graphs of functions extend it."""

    def _current_control_inputs(self, inputs: Sequence[SymbolicTensor]) -> list[Operation]:
        """The control inputs of the open scopes, less those that the inputs already imply."""
        producers = {tensor.op for tensor in inputs}
        result: list[Operation] = []
        for scope in reversed(self._control_stack):
            if not any(producer in scope.seen for producer in producers):
                result[:0] = [op for op in scope.ops if op not in producers and op not in result]
            if scope.clears:
                break
        return result

    def _colocate(self, op: Operation) -> None:
        groups: list[str] = []
        for other in self._colocation_stack:
            groups.extend(group.decode() for group in other.colocation_groups())
            if other.device:
                op.device = other.device
        op.attrs["_class"] = sorted(set(groups))

    def _check_not_finalized(self) -> None:
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")

    def capture(self, tensor: Any, name: str | None = None) -> SymbolicTensor:
        """Returns the tensor of this graph that stands for ``tensor``; a plain graph has only its own."""
        del name
        if isinstance(tensor, SymbolicTensor):
            if tensor._op.graph is self:
                return tensor
            raise ValueError(
                f"{tensor!r} must be from the same graph as the operation that uses it: it belongs to another "
                "tf.Graph. Build both under one `with graph.as_default():`."
            )
        raise TypeError(f"{tensor!r} is not a node of this graph.")

    def changed_in_place(self) -> None:
        """Says that operations that existed have changed: what sessions planned for this graph holds no more."""
        self._version += 1
        for plans in self.plans:
            plans.clear()

    def remembered(self, key: Any, find: Callable[[], Any]) -> Any:
        """Returns what ``find`` says of the graph, which is asked once as long as the graph stays as it is.

        Who asks about functions in functions so asks each of them once, however many levels there are.
        """
        if self._remembered_version != self._version:
            self._remembered.clear()
            self._remembered_version = self._version
        if key not in self._remembered:
            self._remembered[key] = find()
        return self._remembered[key]

    # Names.

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """Returns ``name`` below the current scope, with ``_1``, ``_2``... behind it if it is taken."""
        if self._name_stack:
            name = f"{self._name_stack}/{name}"
        key = name.lower()
        names = self._names_in_use
        count = names.get(key, 0)
        if mark_as_used:
            names[key] = count + 1
        if count:
            base = key
            while key in names:
                key = f"{base}_{count}"
                count += 1
            if mark_as_used:
                names[key] = 1
            name = f"{name}_{count - 1}"
        return name

    @contextmanager
    def name_scope(self, name: str | None) -> Iterator[str]:
        """Prefixes the names of the operations made inside.

        Args:
          name: the scope's name, made unique below the current scope; with a trailing slash, an existing scope to
            enter again; None or empty for the root.

        Yields:
          The scope's full name with a trailing slash, or an empty string at the root.
        """
        if name:
            if isinstance(name, bytes):
                name = name.decode()
            pattern = _VALID_SCOPE_NAME if self._name_stack else _VALID_OPERATION_NAME
            if not pattern.match(name):
                raise ValueError(
                    f"'{name}' is not a valid scope name. A scope name has to match the following pattern: "
                    f"{pattern.pattern}"
                )
        saved = self._name_stack
        if not name:
            new = ""
        elif name.endswith("/"):
            new = name[:-1]
        else:
            new = self.unique_name(name)
        self._name_stack = new
        try:
            yield f"{new}/" if new else ""
        finally:
            self._name_stack = saved

    def get_name_scope(self) -> str:
        """Returns the name of the current scope."""
        return self._name_stack

    # Scopes.

    def as_default(self) -> Any:
        """Makes this the graph that operations join, while the block runs."""
        return context.entered(context.state.graphs, self)

    def scopes(self) -> tuple[Any, ...]:
        """Returns the scopes that are open, for ``set_scopes``: who builds the graph in turns has scopes of its own."""
        return (
            self._name_stack, list(self._control_stack), list(self._device_stack), list(self._colocation_stack),
            dict(self._attribute_scope), dict(self._gradient_overrides), self._container,
        )  # fmt: skip

    def set_scopes(self, scopes: tuple[Any, ...]) -> None:
        """Makes other scopes the open ones."""
        (
            self._name_stack, self._control_stack, self._device_stack, self._colocation_stack,
            self._attribute_scope, self._gradient_overrides, self._container,
        ) = scopes  # fmt: skip

    @contextmanager
    def control_dependencies(self, control_inputs: Iterable[Any] | None) -> Iterator[None]:
        """Makes every operation created inside wait for ``control_inputs``; None clears the scopes around."""
        if control_inputs is None:
            saved_names, self._control_stack = self._control_stack, [_ControlScope([], clears=True)]
            try:
                yield
            finally:
                self._control_stack = saved_names
            return
        ops: list[Operation] = []
        for entry in control_inputs:
            op = self._as_control_input(entry)
            if op is not None and op not in ops:
                ops.append(op)
        self._control_stack.append(_ControlScope(ops))
        try:
            yield
        finally:
            self._control_stack.pop()

    def _as_control_input(self, entry: Any) -> Operation | None:
        if hasattr(entry, "_handle") and hasattr(entry, "op"):
            entry = entry.op  # waiting for a variable, or for an assignment to it, must not read it
        entry = getattr(entry, "_as_graph_element", lambda: entry)()
        values = getattr(entry, "values", None)
        if not isinstance(entry, SymbolicTensor | Operation) and isinstance(values, SymbolicTensor):
            entry = values  # IndexedSlices, SparseTensor
        if isinstance(entry, SymbolicTensor):
            entry = self.capture(entry).op
        if not isinstance(entry, Operation):
            raise TypeError(f"Control input must be an Operation, a Tensor or a Variable, not {entry!r}.")
        if entry.graph is not self:
            raise ValueError(f"{entry!r} is not an element of this graph.")
        return entry

    @contextmanager
    def device(self, device: Any) -> Iterator[None]:
        """Asks for a device for the operations created inside: a name, a function of the operation, or None."""
        self._device_stack.append(device_scopes.checked(device))
        try:
            yield
        finally:
            self._device_stack.pop()

    @contextmanager
    def colocate_with(self, op: Any, ignore_existing: bool = False) -> Iterator[None]:
        """Asks that the operations created inside be placed where ``op`` is."""
        saved_stack = self._colocation_stack
        saved_devices = self._device_stack
        if op is None:
            self._colocation_stack = []
        else:
            op = getattr(op, "_as_graph_element", lambda: op)()
            op = op.op if isinstance(op, SymbolicTensor) else op
            # A value that no node has made is not anywhere in the graph.
            places = [] if isinstance(op, EagerTensor) else [op]
            self._colocation_stack = ([] if ignore_existing else list(saved_stack)) + places
        self._device_stack = []
        try:
            yield
        finally:
            self._colocation_stack = saved_stack
            self._device_stack = saved_devices

    @contextmanager
    def container(self, name: str) -> Iterator[str]:
        """Puts the resources of the operations created inside into the container ``name``."""
        saved, self._container = self._container, name
        try:
            yield name
        finally:
            self._container = saved

    @contextmanager
    def gradient_override_map(self, op_type_map: dict[str, str]) -> Iterator[None]:
        """Uses gradients registered under other names for the operation types of ``op_type_map``."""
        if not isinstance(op_type_map, dict):
            raise TypeError("op_type_map must be a dictionary mapping strings to strings")
        for key, value in op_type_map.items():
            if not isinstance(key, str) or not isinstance(value, str):
                raise TypeError("op_type_map must be a dictionary mapping strings to strings")
        saved, self._gradient_overrides = self._gradient_overrides, {**self._gradient_overrides, **op_type_map}
        try:
            yield
        finally:
            self._gradient_overrides = saved

    @contextmanager
    def _attr_scope(self, attrs: dict[str, Any]) -> Iterator[None]:
        saved, self._attribute_scope = self._attribute_scope, {**self._attribute_scope, **attrs}
        try:
            yield
        finally:
            self._attribute_scope = saved

    # Collections.

    def add_to_collection(self, name: Any, value: Any) -> None:
        """Appends ``value`` to the collection ``name``."""
        self._check_not_finalized()
        self._collections.setdefault(name, []).append(value)

    def add_to_collections(self, names: Any, value: Any) -> None:
        """Appends ``value`` to several collections, each once."""
        names = (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))
        for name in names:
            self.add_to_collection(name, value)

    def get_collection_ref(self, name: Any) -> list[Any]:
        """Returns the collection itself: changing the list changes the collection."""
        return self._collections.setdefault(name, [])

    def get_collection(self, name: Any, scope: str | None = None) -> list[Any]:
        """Returns a copy of a collection; with ``scope``, the items whose name matches that regular expression."""
        items = self._collections.get(name, [])
        if scope is None:
            return list(items)
        pattern = re.compile(scope)
        return [item for item in items if hasattr(item, "name") and pattern.match(item.name)]

    def get_all_collection_keys(self) -> list[Any]:
        """Returns the names of the collections."""
        return [key for key in self._collections if isinstance(key, str)]

    @property
    def collections(self) -> list[Any]:
        """The names of the collections."""
        return list(self._collections)

    def clear_collection(self, name: Any) -> None:
        """Empties a collection."""
        self._check_not_finalized()
        self._collections.pop(name, None)

    # Looking up.

    def get_operations(self) -> list[Operation]:
        """Returns the operations in the order of their creation."""
        return list(self._operations)

    def get_operation_by_name(self, name: str) -> Operation:
        """Returns the operation named ``name``.

        Raises:
          KeyError: there is none.
        """
        if not isinstance(name, str):
            raise TypeError(f"Operation names are strings (or similar), not {type(name).__name__}.")
        operation: Operation = self.as_graph_element(name, allow_tensor=False, allow_operation=True)
        return operation

    def get_tensor_by_name(self, name: str) -> SymbolicTensor:
        """Returns the tensor named ``name``, in the form ``operation:output``.

        Raises:
          KeyError: there is none.
          ValueError: the name is not of that form.
        """
        if not isinstance(name, str):
            raise TypeError(f"Tensor names are strings (or similar), not {type(name).__name__}.")
        tensor: SymbolicTensor = self.as_graph_element(name, allow_tensor=True, allow_operation=False)
        return tensor

    def as_graph_element(self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True) -> Any:
        """Returns the tensor or operation that ``obj`` (an object or a name) refers to in this graph.

        Raises:
          TypeError: ``obj`` is not of a kind that can refer to an element.
          ValueError: ``obj`` is of another graph, or malformed.
          KeyError: a name that does not exist here.
        """
        if not allow_tensor and not allow_operation:
            raise ValueError("allow_tensor and allow_operation can't both be False.")
        types = " or ".join(
            kind for kind, allowed in (("Tensor", allow_tensor), ("Operation", allow_operation)) if allowed
        )
        convert = getattr(obj, "_as_graph_element", None)
        if convert is not None:
            element = convert()
            obj = obj if element is None else element
        if isinstance(obj, bytes):
            obj = obj.decode()
        if isinstance(obj, str):
            return self._element_named(obj, allow_tensor, allow_operation, types)
        if isinstance(obj, SymbolicTensor) and allow_tensor:
            if obj.graph is not self:
                raise ValueError(f"Tensor {obj} is not an element of this graph.")
            return obj
        if isinstance(obj, Operation) and allow_operation:
            if obj.graph is not self:
                raise ValueError(f"Operation {obj!r} is not an element of this graph.")
            return obj
        raise TypeError(f"Can not convert a {type(obj).__name__} into a {types}.")

    def _element_named(self, name: str, allow_tensor: bool, allow_operation: bool, types: str) -> Any:
        if ":" in name and allow_tensor:
            op_name, _, index = name.partition(":")
            if not index.isdigit():
                raise ValueError(
                    f"The name {name!r} looks a like a Tensor name, but is not a valid one. Tensor names must be "
                    'of the form "<op_name>:<output_index>".'
                )
            op = self._by_name.get(op_name)
            if op is None:
                raise KeyError(
                    f"The name {name!r} refers to a Tensor which does not exist. The operation, {op_name!r}, does "
                    "not exist in the graph."
                )
            if int(index) >= len(op.outputs):
                raise KeyError(
                    f"The name {name!r} refers to a Tensor which does not exist. The operation, {op_name!r}, "
                    f"exists but only has {len(op.outputs)} outputs."
                )
            return op.outputs[int(index)]
        if ":" in name:
            raise ValueError(f"Name {name!r} appears to refer to a Tensor, not a {types}.")
        op = self._by_name.get(name)
        if not allow_operation:
            raise ValueError(
                f"The name {name!r} {'refers to an Operation' if op else 'looks like an (invalid) Operation name'}, "
                f'not a {types}. Tensor names must be of the form "<op_name>:<output_index>".'
            )
        if op is None:
            raise KeyError(f"The name {name!r} refers to an Operation not in the graph.")
        return op

    def _consumers_of(self, tensor: SymbolicTensor) -> list[Operation]:
        if self._consumers is None or self._consumers_version != self._version:
            consumers: dict[SymbolicTensor, list[Operation]] = {}
            for op in self._operations:
                for item in op.inputs:
                    users = consumers.setdefault(item, [])
                    if not users or users[-1] is not op:
                        users.append(op)
            self._consumers, self._consumers_version = consumers, self._version
        return list(self._consumers.get(tensor, ()))

    # State.

    @property
    def version(self) -> int:
        """A number that grows with every change of the graph."""
        return self._version

    @property
    def finalized(self) -> bool:
        """Whether the graph refuses changes."""
        return self._finalized

    def finalize(self) -> None:
        """Makes the graph refuse changes from now on."""
        self._finalized = True

    def _unsafe_unfinalize(self) -> None:
        self._finalized = False

    def prevent_feeding(self, tensor: SymbolicTensor) -> None:
        """Makes ``tensor`` refuse to be fed."""
        self._unfeedable.add(tensor)

    def is_feedable(self, tensor: SymbolicTensor) -> bool:
        """Tells whether ``tensor`` may be fed."""
        return tensor not in self._unfeedable

    def prevent_fetching(self, op: Operation) -> None:
        """Makes the outputs of ``op`` refuse to be fetched."""
        self._unfetchable.add(op)

    def is_fetchable(self, element: SymbolicTensor | Operation) -> bool:
        """Tells whether an element may be fetched."""
        op = element.op if isinstance(element, SymbolicTensor) else element
        return op not in self._unfetchable

    def as_graph_def(self, from_version: int | None = None, add_shapes: bool = False) -> Any:
        """Returns the graph as a ``GraphDef`` message.

        Args:
          from_version: only the operations added since the graph had this version.
          add_shapes: whether each node carries its inferred shapes in ``_output_shapes``.
        """
        from tideflow._src.graph import export  # loads protobuf

        return export.graph_def(self, from_version, add_shapes)

    @property
    def graph_def_versions(self) -> Any:
        """The ``VersionDef`` of the graph's GraphDef."""
        return self.as_graph_def().versions

    def _evaluate(self, element: Any, feeds: Any, session: Any, purpose: str) -> Any:
        if session is None:
            sessions = context.state.sessions
            if not sessions:
                raise ValueError(
                    f"Cannot {purpose}: No default session is registered. Use `with sess.as_default()` or pass an "
                    f"explicit session to `{purpose.split('`')[1].rstrip('()')}(session=sess)`"
                )
            session = sessions[-1]
            if session.graph is not self:
                raise ValueError(
                    f"Cannot use the default session to {purpose}: the tensor's graph is different from the "
                    "session's graph. Pass an explicit session."
                )
        elif session.graph is not self:
            raise ValueError(
                f"Cannot use the given session to {purpose}: the tensor's graph is different from the session's graph."
            )
        return session.run(element, feeds)


class _ControlScope:
    """Is one open ``control_dependencies`` block: what it waits for, and what was created inside."""

    __slots__ = ("clears", "ops", "seen")

    def __init__(self, ops: list[Operation], clears: bool = False) -> None:
        self.ops = ops
        self.seen: set[Operation] = set()
        self.clears = clears


context.mode.make_default_graph = Graph
