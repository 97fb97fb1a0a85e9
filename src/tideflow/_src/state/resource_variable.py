"""Defines ``ResourceVariable``: a variable held by a handle, eagerly and in graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import EagerTensor, SymbolicTensor, wrap
from tideflow._src.core.tensor_shape import TensorShape, as_shape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.init_scope import init_scope
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.state import scatter as scatter_ops
from tideflow._src.ops.state.slices import (
    resource_gather_nd_op,
    resource_gather_op,
    resource_strided_slice_assign_op,
)
from tideflow._src.ops.state.variables import (
    assign_add_variable_op,
    assign_sub_variable_op,
    assign_variable_op,
    destroy_resource_op,
    read_variable_op,
    resource_count_up_to_op,
    var_handle_op,
    var_is_initialized_op,
)
from tideflow._src.runtime.buffers import Buffer, ResourceHandle
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.lifting import lifted
from tideflow._src.state.replication import VariableAggregationV2, VariableSynchronization
from tideflow._src.state.scattering import Scattering
from tideflow._src.state.uninitialized_guard import guarded
from tideflow._src.state.variable import VariableV1, kinds

_special = context.SPECIAL
_new = object.__new__
_PLAIN = (np.ndarray, np.generic)


class BaseResourceVariable(Scattering, VariableV1):
    """Is what resource variables share: reading and assigning through a handle."""

    _handle: Any
    _buffer: Buffer | None
    _dtype: DType
    _shape: TensorShape
    _handle_name: str
    _cached_value: Any = None
    _graph_element: Any = None
    _initializer_op: Any = None
    _initial_value: Any = None

    # What it is.

    @property
    def handle(self) -> Any:
        """The tensor that refers to the storage."""
        return self._handle

    @property
    def name(self) -> str:
        return f"{self._handle_name}:0"

    @property
    def dtype(self) -> DType:
        return self._dtype

    @property
    def shape(self) -> TensorShape:
        return self._shape

    @property
    def device(self) -> str:
        """The device that holds the storage."""
        if self._buffer is not None:
            return getattr(self._buffer.value, "device_name", wrap(np.zeros(())).device)
        return str(self._handle.device)

    @property
    def op(self) -> Any:
        """The operation that makes the handle."""
        return self._handle.op

    @property
    def graph(self) -> Any:
        """The graph that the variable belongs to."""
        return self._handle.graph

    def set_shape(self, shape: Any) -> None:
        """Adds what ``shape`` knows to the static shape."""
        self._shape = self._shape.merge_with(shape)

    @property
    def create(self) -> Any:
        """The operation that initializes the variable."""
        if not self._in_graph:
            raise RuntimeError("This operation is not supported when eager execution is enabled.")
        return self._initializer_op

    @property
    def initializer(self) -> Any:
        """The operation that initializes the variable; None eagerly."""
        return self._initializer_op

    @property
    def initial_value(self) -> Any:
        """The tensor that the variable starts with, in a graph."""
        if context.executing_eagerly():
            raise RuntimeError("This property is not supported when eager execution is enabled.")
        return self._initial_value

    @property
    def _unique_id(self) -> str:
        return self._handle_name if self._in_graph else f"{self._handle_name}_{id(self._buffer)}"

    def _as_graph_element(self) -> Any:
        return self._graph_element

    def _gradient_source(self) -> Any:
        graph = context.current_graph()
        return graph.capture(self._handle) if graph is not None else self._handle

    # Reading.

    def value(self) -> Any:
        if not _special:
            buffer = self._buffer
            if buffer is not None:
                tensor = _new(EagerTensor)
                value = buffer.value
                tensor._value = buffer.read() if value is None else value
                return tensor
        if self._cached_value is not None:
            return self._cached_value
        graph = context.current_graph()
        if graph is None or not (graph._colocation_stack or graph._device_stack):
            return self._read()
        with graph.colocate_with(None, ignore_existing=True):
            return self._read()

    def _read(self) -> Any:
        """Reads through an operation, which tapes record and graphs hold."""
        state = context.state
        for tape in state.tapes:
            tape.variable_accessed(self)
        graph = context.current_graph()
        if graph is None:
            buffer = self._buffer
            if buffer is None:
                return read_variable_op(self._handle, dtype=self._dtype)
            result = wrap(buffer.read())
            if state.tapes:
                context.record(read_variable_op, (self._handle,), {"dtype": self._dtype}, result)
            return result
        if graph.building_function and hasattr(graph, "watch_variable"):
            graph.watch_variable(self)
        result = read_variable_op(self._handle, dtype=self._dtype)
        result.set_shape(self._shape)
        return result

    def read_value(self) -> Any:
        if context.current_graph() is None:
            return self.value()
        with name_scope("Read"):
            value = self._read()
        return raw.Identity(value)

    def _dense_var_to_tensor(self, dtype: Any = None, name: str | None = None, as_ref: bool = False) -> Any:
        del name
        if dtype is not None and not dtype.is_compatible_with(self._dtype):
            raise ValueError(
                f"Incompatible type conversion requested to type {dtype.name} for variable of type "
                f"{self._dtype.name} (Variable: {self!r})"
            )
        if as_ref:
            return self.read_value().op.inputs[0]
        return self.value()

    def numpy(self) -> Any:
        """Returns the value as a NumPy array of its own, or a scalar."""
        if not context.executing_eagerly():
            raise NotImplementedError("numpy() is only available when eager execution is enabled.")
        return self.value().numpy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = np.asarray(self.numpy())
        return array if dtype is None or array.dtype == dtype else array.astype(dtype)

    def __bool__(self) -> bool:
        return bool(self.read_value())

    __nonzero__ = __bool__

    def __int__(self) -> int:
        return int(self.value())

    def __float__(self) -> float:
        return float(self.value())

    def __complex__(self) -> complex:
        return complex(self.value())

    def __index__(self) -> int:
        return self.value().__index__()

    def eval(self, session: Any = None) -> Any:
        """Returns the value in ``session``, by default the default session."""
        if context.executing_eagerly():
            raise RuntimeError("This operation is not supported when eager execution is enabled.")
        return self._graph_element.eval(session=session)

    def is_initialized(self, name: str | None = None) -> Any:
        """Returns whether the variable has a value, as a boolean tensor."""
        return var_is_initialized_op(self._handle, name=name)

    def initialized_value(self) -> Any:
        """Returns the variable's value, or its initial value where a run finds it uninitialized."""
        if context.executing_eagerly():
            return self.value()
        from tideflow._src.state.initialization import value_or_initial

        return value_or_initial(self)

    def load(self, value: Any, session: Any = None) -> None:
        """Gives the variable ``value`` in ``session`` at once, without adding to the graph; eagerly, assigns.

        Raises:
          ValueError: no session is given and none is the default.
        """
        if self._buffer is not None:
            self.assign(value)
            return
        session = session or (context.state.sessions[-1] if context.state.sessions else None)
        if session is None:
            raise ValueError("Either session argument should be provided or default session should be established")
        session.run(self._initializer_op, {self._initializer_op.inputs[1]: value})

    def sparse_read(self, indices: Any, name: str | None = None) -> Any:
        """Returns the rows that ``indices`` names, without reading the others."""
        self._watch()
        return resource_gather_op(self._handle, indices, dtype=self._dtype, name=name or "Gather")

    def gather_nd(self, indices: Any, name: str | None = None) -> Any:
        """Returns the elements or slices that vectors of ``indices`` name."""
        self._watch()
        value = resource_gather_nd_op(self._handle, indices, dtype=self._dtype, name=name or "GatherNd")
        return raw.Identity(value) if isinstance(value, SymbolicTensor) else value

    def _watch(self) -> None:
        if self._trainable:
            for tape in context.state.tapes:
                tape.variable_accessed(self)
            graph = context.current_graph()
            if graph is not None and graph.building_function and hasattr(graph, "watch_variable"):
                graph.watch_variable(self)

    # Assigning.

    def _updated(self, operation: Any, read_value: bool = True) -> Any:
        """Returns what an assignment returns: the variable with the value that it has after ``operation``."""
        if not read_value:
            return operation
        return _UnreadVariable(self, operation)

    def assign(
        self, value: Any, use_locking: bool | None = None, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Gives the variable a new value.

        Args:
          value: what converts to a tensor of the variable's dtype and shape.
          use_locking: kept for TensorFlow's signature.
          name: the name of the operation, in a graph.
          read_value: whether to return the variable with its new value; else the operation, or None eagerly.

        Raises:
          ValueError: the shape of ``value`` does not fit.
        """
        del use_locking
        tensor = convert_to_tensor(value, self._dtype)
        shape = tensor.shape
        if not self._shape.is_compatible_with(shape):
            label = "" if self._buffer is not None and self._handle_name is None else f" {self.name}"
            raise ValueError(
                f"Cannot assign value to variable '{label}': Shape mismatch.The variable shape "
                f"{self._shape}, and the "
                f"assigned value shape {shape} are incompatible."
            )
        buffer = self._buffer
        if buffer is not None and tensor.__class__ is EagerTensor and context.current_graph() is None:
            buffer.value = tensor._value
            return _UnreadVariable(self, None) if read_value else None
        validate = self._shape.is_fully_defined()
        return self._updated(assign_variable_op(self._handle, tensor, validate_shape=validate, name=name), read_value)

    def assign_add(
        self, delta: Any, use_locking: bool | None = None, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Adds ``delta`` to the variable; see :meth:`assign`."""
        del use_locking
        return self._combine(np.add, assign_add_variable_op, delta, name, read_value)

    def assign_sub(
        self, delta: Any, use_locking: bool | None = None, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Subtracts ``delta`` from the variable; see :meth:`assign`."""
        del use_locking
        return self._combine(np.subtract, assign_sub_variable_op, delta, name, read_value)

    def _combine(
        self, function: Callable[..., Any], operation: Any, delta: Any, name: str | None, read_value: bool
    ) -> Any:
        tensor = convert_to_tensor(delta, self._dtype)
        buffer = self._buffer
        if buffer is not None and tensor.__class__ is EagerTensor and context.current_graph() is None:
            held, other = buffer.value, tensor._value
            if isinstance(held, _PLAIN) and isinstance(other, _PLAIN) and held.shape == other.shape:
                buffer.value = function(held, other)
                return _UnreadVariable(self, None) if read_value else None
        return self._updated(operation(self._handle, tensor, name=name), read_value)

    def _scatter(self, kind: str, sparse_delta: Any, use_locking: bool, name: str | None) -> Any:
        del use_locking
        operation = getattr(scatter_ops, f"resource_scatter_{kind.lower()}_op")
        values = convert_to_tensor(sparse_delta.values, self._dtype)
        return self._updated(operation(self._handle, sparse_delta.indices, values, name=name))

    def _scatter_nd(self, kind: str, indices: Any, updates: Any, name: str | None) -> Any:
        operation = getattr(scatter_ops, f"resource_scatter_nd_{kind.lower()}_op")
        values = convert_to_tensor(updates, self._dtype)
        return self._updated(operation(self._handle, indices, values, name=name))

    def batch_scatter_update(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        return self._updated(super().batch_scatter_update(sparse_delta, use_locking, name))

    def _strided_slice_assign(
        self, begin: Any, end: Any, strides: Any, value: Any, name: str | None, masks: dict[str, int]
    ) -> Any:
        value = convert_to_tensor(value, self._dtype)
        return self._updated(
            resource_strided_slice_assign_op(self._handle, begin, end, strides, value, name=name, **masks)
        )

    def count_up_to(self, limit: int) -> Any:
        """Returns the value before incrementing it; an OutOfRangeError when it has reached ``limit``."""
        return resource_count_up_to_op(self._handle, limit=limit, T=self._dtype)

    def destroy(self) -> Any:
        """Frees the storage."""
        return destroy_resource_op(self._handle)

    # Writing down.

    def to_proto(self, export_scope: str | None = None) -> Any:
        """Returns the variable as a ``VariableDef``; None if it is outside ``export_scope``."""
        from tideflow._src.graph import protos  # loads protobuf

        if context.executing_eagerly():
            raise RuntimeError("This operation is not supported when eager execution is enabled.")
        if export_scope is not None and not self._handle.name.startswith(export_scope):
            return None

        def below(name: str) -> str:
            return name.removeprefix(f"{export_scope.rstrip('/')}/") if export_scope else name

        definition = protos.VariableDef(
            variable_name=below(self._handle.name),
            snapshot_name=below((self._cached_value if self._cached_value is not None else self._graph_element).name),
            is_resource=True,
            trainable=self._trainable,
            synchronization=self._synchronization.value,
            aggregation=self._aggregation.value,
        )
        if self._initial_value is not None:
            definition.initial_value_name = below(self._initial_value.name)
        if self._initializer_op is not None:
            definition.initializer_name = below(self._initializer_op.name)
        if self._save_slice_info is not None:
            definition.save_slice_info_def.MergeFrom(self._save_slice_info.to_proto(export_scope))
        return definition

    def _type_text(self) -> str:
        return f"'{self.name}' shape={self._shape} dtype={self._dtype.name}"

    def __repr__(self) -> str:
        buffer = self._buffer
        if buffer is None or not context.executing_eagerly():
            return f"<tf.Variable {self._type_text()}>"
        if buffer.value is None:
            return f"<tf.Variable {self._type_text()}, numpy=<uninitialized>>"
        return f"<tf.Variable {self._type_text()}, numpy={wrap(buffer.value)._text(True)}>"

    def __copy__(self) -> BaseResourceVariable:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if self._buffer is None:
            raise NotImplementedError("__deepcopy__() is only available when eager execution is enabled.")
        copied = ResourceVariable(
            initial_value=self.value(),
            trainable=self._trainable,
            constraint=self._constraint,
            dtype=self._dtype,
            name=self._handle_name,
            synchronization=self._synchronization,
            aggregation=self._aggregation,
            shape=self._shape,
        )
        memo[id(self)] = copied
        return copied

    def __reduce__(self) -> Any:
        if self._buffer is None:
            raise TypeError("A variable of a graph cannot be pickled: save it with a checkpoint.")
        value = np.asarray(self._buffer.read())
        return _rebuild, (value, self._trainable, self._handle_name, self._dtype.name, self._shape._dims)


def _rebuild(value: Any, trainable: bool, name: str, dtype: str, shape: Any) -> Any:
    return ResourceVariable(
        value, trainable=trainable, name=name, dtype=dtypes.as_dtype(dtype), shape=TensorShape(shape)
    )


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
        buffer = Buffer(self._handle_name, self._dtype, self._shape._dims)
        buffer.value = initial._value
        self._buffer = buffer
        self._handle = wrap(ResourceHandle(buffer, self._handle_name, "Anonymous"))

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
        graph = context.current_graph()
        if not variable_def.is_resource:
            raise ValueError(f"The `variable_def` you passed to `tf.Variable` is not a resource: {variable_def}")

        def element(name: str) -> Any:
            prefixed = f"{import_scope.rstrip('/')}/{name}" if import_scope else name
            return graph.as_graph_element(prefixed)

        self._in_graph = True
        self._handle = element(variable_def.variable_name)
        self._handle_name = self._handle.op.name
        self._shape = TensorShape(self._handle.op.attrs.get("shape"))
        self._dtype = self._handle.op.attrs["dtype"]
        self._initializer_op = element(variable_def.initializer_name)
        self._initial_value = element(variable_def.initial_value_name) if variable_def.initial_value_name else None
        if variable_def.snapshot_name:
            snapshot = element(variable_def.snapshot_name)
            if snapshot.op.type == "ReadVariableOp":
                self._graph_element = snapshot
            else:
                self._cached_value = snapshot
                self._graph_element = snapshot.op.inputs[0]
        else:
            self._graph_element = element(f"{self._handle.op.name}/Read/ReadVariableOp:0")
        if variable_def.HasField("save_slice_info_def"):
            self._save_slice_info = VariableV1.SaveSliceInfo(
                save_slice_info_def=variable_def.save_slice_info_def, import_scope=import_scope
            )
        self._constraint = None
        self._graph_key = graph.number
        self._set_training(
            variable_def.synchronization, variable_def.aggregation, variable_def.trainable, variable_def.variable_name
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


def is_resource_variable(variable: Any) -> bool:
    """Tells whether ``variable`` is a resource variable."""
    return isinstance(variable, BaseResourceVariable) or hasattr(variable, "_should_act_as_resource_variable")
