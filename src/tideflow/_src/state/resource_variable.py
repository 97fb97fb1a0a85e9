"""Defines ``ResourceVariable``: a variable held by a handle, eagerly and in graphs."""

from __future__ import annotations

import weakref
from typing import Any

from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor import EagerTensor, wrap
from tideflow._src.core.tensor_shape import TensorShape, as_shape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.init_scope import init_scope
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.state.variables import (
    assign_variable_op,
    read_variable_op,
    var_handle_op,
    var_is_initialized_op,
)
from tideflow._src.runtime import device_calls
from tideflow._src.runtime.buffers import Buffer, ResourceHandle
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.base_resource_variable import BaseResourceVariable
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.lifting import lifted
from tideflow._src.state.replication import VariableAggregationV2, VariableSynchronization
from tideflow._src.state.uninitialized_guard import guarded
from tideflow._src.state.variable import kinds
from tideflow._src.state.variable_definition import elements_of, restore_common


class ResourceVariable(BaseResourceVariable):
    """Is a variable held by a handle.

    Eagerly it is there at once. In a graph five nodes make it: ``w`` gives the handle, ``w/Assign`` initializes it,
    ``w/IsInitialized`` and ``w/Read`` look at it, and the initial value; each use reads it anew. Arguments are those
    of :class:`~tideflow._src.state.variable.VariableV1`.
    """

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        dtype: Any = None,
        variable_def: Any = None,
        import_scope: str | None = None,
        constraint: Any = None,
        distribute_strategy: Any = None,
        synchronization: Any = VariableSynchronization.AUTO,
        aggregation: Any = VariableAggregationV2.NONE,
        shape: Any = None,
        handle: Any = None,
        experimental_enable_variable_lifting: bool = True,
    ) -> None:
        del distribute_strategy, experimental_enable_variable_lifting
        self._buffer = None
        if variable_def is not None:
            if initial_value is not None:
                raise ValueError(
                    "The variable_def and initial_value args to `tf.Variable` are mutually exclusive, but "
                    "got both: "
                    f"variable_def={variable_def},\ninitial_value={initial_value}"
                )
            if context.executing_eagerly():
                raise ValueError("Creating a `tf.Variable` with a `variable_def` arg is not supported eagerly.")
            self._set_from_proto(variable_def, import_scope)
            return
        self._set_training(synchronization, aggregation, trainable, name)
        self._constraint = constraint
        if constraint is not None and not callable(constraint):
            raise ValueError(f"Argument `constraint` must be None or a callable. a callable. Got a {type(constraint)}")
        if handle is not None:
            self._set_from_handle(handle, dtype, shape, name)
            return
        if initial_value is None:
            raise ValueError(
                "The `initial_value` arg to `tf.Variable` must be specified except when you are not "
                "providing a "
                "`variable_def`. You provided neither."
            )
        if collections is not None and not isinstance(collections, list | tuple | set):
            raise ValueError(
                "collections argument to Variable constructor must be a list, tuple, or set. Got "
                f"{collections} of "
                f"type {type(collections)}"
            )
        if name is not None and not isinstance(name, str):
            raise ValueError(f"name for name_scope must be a string. Got {name!r}.")
        initial_value = lifted(initial_value)
        with init_scope():
            graph = context.current_graph()
            with name_scope(name, "Variable") as scope:
                self._handle_name = scope.removesuffix("/")
                if graph is None:
                    self._build_eagerly(initial_value, dtype, shape, validate_shape)
                    if collections and GraphKeys.GLOBAL_STEP in collections:
                        context.default_graph().add_to_collection(GraphKeys.GLOBAL_STEP, self)
                else:
                    self._build_in_graph(graph, scope, initial_value, dtype, shape, validate_shape, caching_device)
                    self._join_collections(graph, collections)

    def _initial(self, initial_value: Any, dtype: Any) -> Any:
        if callable(initial_value):
            initial_value = initial_value()
        try:
            return convert_to_tensor(initial_value, dtype, name="initial_value")
        except ValueError as error:
            raise ValueError(f"initial_value: {error}") from None

    def _set_shape_and_dtype(self, initial: Any, shape: Any, validate_shape: bool) -> None:
        found = initial.shape
        if shape is not None:
            wanted = as_shape(shape)
            if not found.is_compatible_with(wanted):
                raise ValueError(
                    f"In this `tf.Variable` creation, the initial value's shape ({found}) is not compatible "
                    "with the "
                    f"explicitly supplied `shape` argument ({shape})."
                )
            found = wanted
        elif not validate_shape:
            found = TensorShape(None)
        self._shape = found
        self._dtype = initial.dtype.base_dtype

    def _build_eagerly(self, initial_value: Any, dtype: Any, shape: Any, validate_shape: bool) -> None:
        self._in_graph = False
        initial = self._initial(initial_value, dtype)
        self._set_shape_and_dtype(initial, shape, validate_shape)
        self._set_buffer(device_calls.new_buffer(self._handle_name, self._dtype, self._shape._dims, initial))

    def _set_buffer(self, buffer: Buffer) -> None:
        self._buffer = buffer
        self._handle = wrap(ResourceHandle(buffer, self._handle_name, "Anonymous"))
        # Functions that capture the handle list the variable among theirs.
        self._handle._variable_of = weakref.ref(self)

    def _build_in_graph(
        self,
        graph: Any,
        scope: str,
        initial_value: Any,
        dtype: Any,
        shape: Any,
        validate_shape: bool,
        caching_device: Any,
    ) -> None:
        self._in_graph = True
        name = self._handle_name
        with graph._attr_scope({"_class": [f"loc:@{name}"]}):
            with name_scope("Initializer"), graph.device(None):
                initial = self._initial(initial_value, dtype)
            self._set_shape_and_dtype(initial, shape, validate_shape)
            self._handle = var_handle_op(
                dtype=self._dtype, shape=self._shape._dims, shared_name=name, debug_name=name, name=scope
            )
        self._initial_value = initial
        with name_scope("IsInitialized"):
            self._is_initialized_op = var_is_initialized_op(self._handle)
        with name_scope("Assign") as assign_scope, graph.colocate_with(None, ignore_existing=True):
            self._initializer_op = assign_variable_op(self._handle, guarded(name, initial), name=assign_scope)
        with name_scope("Read"):
            value = read_variable_op(self._handle, dtype=self._dtype)
            value.set_shape(self._shape)
            self._graph_element = value
            if caching_device is not None:
                with graph.colocate_with(None, ignore_existing=True), graph.device(caching_device):
                    self._cached_value = raw.Identity(value)

    def _join_collections(self, graph: Any, collections: Any) -> None:
        keys = [GraphKeys.GLOBAL_VARIABLES] if collections is None else list(collections)
        if self._trainable and GraphKeys.TRAINABLE_VARIABLES not in keys:
            keys.append(GraphKeys.TRAINABLE_VARIABLES)
        self._graph_key = graph.number
        for key in dict.fromkeys(keys):
            graph.add_to_collection(key, self)

    def _set_from_handle(self, handle: Any, dtype: Any, shape: Any, name: str | None) -> None:
        """Makes a variable of storage that exists: ``handle`` refers to it."""
        self._handle = handle
        self._in_graph = not isinstance(handle, EagerTensor)
        self._handle_name = (name or "Variable").removesuffix(":0")
        if not self._in_graph:
            self._buffer = handle._value.resource
        buffer = self._buffer
        self._dtype = dtypes.as_dtype(dtype if dtype is not None else buffer.dtype)  # type: ignore[union-attr]
        self._shape = as_shape(shape if shape is not None or buffer is None else buffer.shape)
        if self._in_graph:
            with name_scope("Read"):
                self._graph_element = read_variable_op(handle, dtype=self._dtype)
                self._graph_element.set_shape(self._shape)

    def _set_from_proto(self, variable_def: Any, import_scope: str | None) -> None:
        if not variable_def.is_resource:
            raise ValueError(f"The `variable_def` you passed to `tf.Variable` is not a resource: {variable_def}")
        element = elements_of(import_scope)
        self._in_graph = True
        self._handle = element(variable_def.variable_name)
        self._handle_name = self._handle.op.name
        self._shape = TensorShape(self._handle.op.attrs.get("shape"))
        self._dtype = self._handle.op.attrs["dtype"]
        if variable_def.snapshot_name:
            snapshot = element(variable_def.snapshot_name)
            if snapshot.op.type == "ReadVariableOp":
                self._graph_element = snapshot
            else:
                self._cached_value = snapshot
                self._graph_element = snapshot.op.inputs[0]
        else:
            self._graph_element = element(f"{self._handle.op.name}/Read/ReadVariableOp:0")
        restore_common(self, variable_def, import_scope)


class UninitializedVariable(ResourceVariable):
    """Is a variable without a value, of the dtype and shape of a tensor that has none yet.

    Args:
      like: the tensor.
      arguments: those of :class:`ResourceVariable` that say how the variable is trained and named.
    """

    def __init__(
        self,
        like: Any,
        trainable: bool | None = None,
        name: str | None = None,
        constraint: Any = None,
        synchronization: Any = VariableSynchronization.AUTO,
        aggregation: Any = VariableAggregationV2.NONE,
        shape: Any = None,
        validate_shape: bool = True,
        **arguments: Any,
    ) -> None:
        del arguments
        self._set_training(synchronization, aggregation, trainable, name)
        self._constraint = constraint
        self._set_shape_and_dtype(like, shape, validate_shape)
        graph = context.current_graph()
        with name_scope(name, "Variable") as scope:
            self._handle_name = scope.removesuffix("/")
            self._in_graph = graph is not None
            if graph is None:
                self._set_buffer(Buffer(self._handle_name, self._dtype, self._shape._dims))
            else:
                self._buffer = None
                self._initializer_op = self._initial_value = None
                self._handle = var_handle_op(
                    dtype=self._dtype, shape=self._shape._dims, shared_name=self._handle_name, name=scope
                )


class _UnreadVariable(BaseResourceVariable):
    """Is what an assignment returns: the variable, read only after the assignment if it is read at all."""

    def __init__(self, variable: Any, operation: Any) -> None:
        self._handle = variable._handle
        self._buffer = variable._buffer
        self._dtype = variable._dtype
        self._shape = variable._shape
        self._handle_name = variable._handle_name
        self._trainable = variable._trainable
        self._synchronization = variable._synchronization
        self._aggregation = variable._aggregation
        self._constraint = variable._constraint
        self._in_graph = variable._in_graph
        self._parent_op = operation
        if operation is None:
            return
        self._initializer_op = variable._initializer_op
        self._initial_value = variable._initial_value
        graph = context.current_graph()
        if graph is not None and not graph.building_function:
            with graph.control_dependencies([operation]):
                self._graph_element = read_variable_op(self._handle, dtype=self._dtype)
                self._graph_element.set_shape(self._shape)

    @property
    def name(self) -> str:
        return str(self._parent_op.name) if self._in_graph else "UnreadVariable"

    @property
    def op(self) -> Any:
        """The assignment."""
        return self._parent_op

    def _read(self) -> Any:
        graph = context.current_graph()
        if graph is None or self._parent_op is None:
            return super()._read()
        with graph.control_dependencies([self._parent_op]):
            return super()._read()


kinds.resource = ResourceVariable
kinds.unread = _UnreadVariable


def is_resource_variable(variable: Any) -> bool:
    """Tells whether ``variable`` is a resource variable."""
    return isinstance(variable, BaseResourceVariable) or hasattr(variable, "_should_act_as_resource_variable")
