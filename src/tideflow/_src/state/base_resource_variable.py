"""Defines what every variable that is held by a handle can do: it is read, assigned and written down."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import HOST_CPU, EagerTensor, SymbolicTensor, wrap
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.raw import raw
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
    read_variable_op,
    resource_count_up_to_op,
    var_is_initialized_op,
)
from tideflow._src.runtime import device_calls
from tideflow._src.runtime.buffers import Buffer
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.scattering import Scattering
from tideflow._src.state.trackable import VARIABLE_VALUE_KEY, TensorCallable
from tideflow._src.state.variable import VariableV1, kinds
from tideflow._src.state.variable_definition import to_variable_def

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
            return self._buffer.placement or HOST_CPU
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
                lease = buffer.lease
                tensor._value = buffer.read() if lease is None else lease
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
            result = wrap(buffer.read()) if buffer.placement is None else device_calls.read(buffer)
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
        from tideflow._src.state.variable_collections import value_or_initial

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
        return kinds.unread(self, operation)

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
        plain = tensor.__class__ is EagerTensor and context.current_graph() is None
        if buffer is not None and plain and buffer.placement is None:
            buffer.share(tensor._value)
            return kinds.unread(self, None) if read_value else None
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
            with buffer.lock:
                held, other = buffer.value, tensor._value
                if isinstance(held, _PLAIN) and isinstance(other, _PLAIN) and held.shape == other.shape:
                    buffer.store(function(held, other))
                    return kinds.unread(self, None) if read_value else None
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

    def _refuse_in_place(self, value: Any) -> Any:
        raise RuntimeError(
            "`variable += value` with `tf.Variable`s is not supported. Use `variable.assign_add(value)` to modify the "
            "variable, or `out = variable + value` if you need to get a new output Tensor."
        )

    __iadd__ = __isub__ = __imul__ = __itruediv__ = __ifloordiv__ = __ipow__ = _refuse_in_place

    # Checkpoints.

    def _value_to_save(self) -> Any:
        """Returns the value; None eagerly if there is none yet."""
        if context.current_graph() is None and not bool(self.is_initialized()):
            return None
        return self.read_value()

    def _serialize_to_tensors(self) -> dict[str, Any]:
        return {VARIABLE_VALUE_KEY: TensorCallable(self._value_to_save, self._dtype, self.device)}

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        value = convert_to_tensor(restored_tensors[VARIABLE_VALUE_KEY])
        if not self._shape.is_compatible_with(value.shape):
            raise ValueError(
                f"Received incompatible tensor with shape {value.shape} when attempting to restore variable with shape "
                f"{self._shape} and name {self.name}."
            )
        buffer = self._buffer
        if buffer is not None and value.__class__ is EagerTensor and not context.BUILDING and buffer.placement is None:
            buffer.share(value._value)
            return None
        graph = context.current_graph()
        with graph.device(self.device) if graph is not None and self.device else nullcontext():
            return assign_variable_op(self._handle, value, validate_shape=self._shape.is_fully_defined())

    def _copy_trackable_to_cpu(self, object_map: Any) -> None:
        copied = object_map.get(self)
        if copied is None:
            object_map[self] = copied = kinds.resource(
                self.read_value(), trainable=self._trainable, dtype=self._dtype, name=self._handle_name,
                shape=self._shape,
            )  # fmt: skip
            part = self._save_slice_info
            if part is not None:
                copied._set_save_slice_info(part)
            return
        copied.assign(self.read_value())

    # Writing down.

    def to_proto(self, export_scope: str | None = None) -> Any:
        """Returns the variable as a ``VariableDef``; None if it is outside ``export_scope``."""
        if context.executing_eagerly():
            raise RuntimeError("This operation is not supported when eager execution is enabled.")
        snapshot = self._cached_value if self._cached_value is not None else self._graph_element
        return to_variable_def(self, self._handle, snapshot, export_scope, is_resource=True)

    def _type_text(self) -> str:
        return f"'{self.name}' shape={self._shape} dtype={self._dtype.name}"

    def __repr__(self) -> str:
        buffer = self._buffer
        if buffer is None or not context.executing_eagerly():
            return f"<tf.Variable {self._type_text()}>"
        if not buffer.is_initialized:
            return f"<tf.Variable {self._type_text()}, numpy=<uninitialized>>"
        return f"<tf.Variable {self._type_text()}, numpy={wrap(buffer.read())._text(True)}>"

    def __copy__(self) -> BaseResourceVariable:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if self._buffer is None:
            raise NotImplementedError("__deepcopy__() is only available when eager execution is enabled.")
        copied = kinds.resource(
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
    return kinds.resource(value, trainable=trainable, name=name, dtype=dtypes.as_dtype(dtype), shape=TensorShape(shape))
