"""Defines ``RefVariable``, the variable of TensorFlow 1.x graphs: a node whose output refers to the storage."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context
from tideflow._src.core.tensor_shape import TensorShape, as_shape
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.operation import Operation
from tideflow._src.ops.array.identity import identity_op
from tideflow._src.ops.control.init_scope import init_scope
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.state.slices import strided_slice_assign_op
from tideflow._src.ops.state.variables import assign_op, variable_v2
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state import assignment
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.replication import VariableAggregation, VariableSynchronization
from tideflow._src.state.scattering import Scattering
from tideflow._src.state.trackable import VARIABLE_VALUE_KEY
from tideflow._src.state.uninitialized_guard import guarded
from tideflow._src.state.variable import VariableV1, kinds
from tideflow._src.state.variable_definition import elements_of, restore_common, to_variable_def


class RefVariable(Scattering, VariableV1):
    """Is a variable held by reference.

    Four nodes make it: ``w`` refers to the storage, ``w/Assign`` initializes it, ``w/read`` reads it, and the
    initial value. Arguments are those of :class:`~tideflow._src.state.variable.VariableV1`.
    """

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        expected_shape: Any = None,
        import_scope: str | None = None,
        constraint: Any = None,
        synchronization: Any = VariableSynchronization.AUTO,
        aggregation: Any = VariableAggregation.NONE,
        shape: Any = None,
    ) -> None:
        del expected_shape
        if context.executing_eagerly():
            raise RuntimeError(
                "tf.Variable by reference is not supported when eager execution is enabled: use resource variables."
            )
        self._in_graph = True
        if variable_def is not None:
            if initial_value is not None:
                raise ValueError("variable_def and initial_value are mutually exclusive.")
            self._set_from_proto(variable_def, import_scope)
            return
        self._set_training(synchronization, aggregation, trainable, name)
        self._check_arguments(initial_value, collections, constraint)
        self._constraint = constraint
        self._build(initial_value, collections, validate_shape, caching_device, name, dtype, shape)

    @staticmethod
    def _check_arguments(initial_value: Any, collections: Any, constraint: Any) -> None:
        if initial_value is None:
            raise ValueError("initial_value must be specified.")
        if collections is not None and not isinstance(collections, list | tuple | set):
            raise ValueError(
                "collections argument to Variable constructor must be a list, tuple, or set. "
                f"Got {collections} of type {type(collections)}"
            )
        if constraint is not None and not callable(constraint):
            raise ValueError("The `constraint` argument must be a callable.")

    def _build(
        self,
        initial_value: Any,
        collections: Any,
        validate_shape: bool,
        caching_device: Any,
        name: str | None,
        dtype: Any,
        shape: Any,
    ) -> None:
        keys = [GraphKeys.GLOBAL_VARIABLES] if collections is None else list(collections)
        if self._trainable and GraphKeys.TRAINABLE_VARIABLES not in keys:
            keys.append(GraphKeys.TRAINABLE_VARIABLES)
        with init_scope():
            graph = context.current_graph()
            with name_scope(name, "Variable") as scope:
                if callable(initial_value):
                    group = [f"loc:@{scope.removesuffix('/')}"]
                    with graph._attr_scope({"_class": group}):
                        with name_scope("Initializer"), graph.device(None):
                            initial = convert_to_tensor(initial_value(), dtype, name="initial_value")
                        held = initial.shape if validate_shape else TensorShape(None)
                        self._variable = variable_v2(
                            shape=held._dims if shape is None else as_shape(shape)._dims,
                            dtype=initial.dtype.base_dtype,
                            name=scope,
                        )
                else:
                    initial = convert_to_tensor(initial_value, dtype, name="initial_value")
                    held = as_shape(shape) if shape is not None else initial.shape
                    self._variable = variable_v2(
                        shape=held._dims if validate_shape or shape is not None else None,
                        dtype=initial.dtype.base_dtype,
                        name=scope,
                    )
                self._initial_value: Any = initial
                if validate_shape and not initial.shape.is_fully_defined():
                    raise ValueError(f"initial_value must have a shape specified: {initial}")
                self._guarded_value: Any = guarded(scope.removesuffix("/"), initial)
                assigned = assign_op(self._variable, self._guarded_value, validate_shape=validate_shape)
                self._initializer_op: Operation = assigned.op
                place = (
                    graph.device(caching_device) if caching_device is not None else graph.colocate_with(self._variable)
                )
                with place:
                    self._snapshot = identity_op(self._variable, name="read")
            self._caching_device = caching_device
            self._graph_key = graph.number
            for key in dict.fromkeys(keys):
                graph.add_to_collection(key, self)

    def _set_from_proto(self, variable_def: Any, import_scope: str | None) -> None:
        element = elements_of(import_scope)
        self._variable = element(variable_def.variable_name)
        self._snapshot = element(variable_def.snapshot_name)
        self._caching_device = None
        restore_common(self, variable_def, import_scope)
        self._guarded_value = self._initializer_op.inputs[1]

    # What it is.

    @property
    def name(self) -> str:
        return self._variable.name

    @property
    def op(self) -> Operation:
        """The operation that refers to the storage."""
        return self._variable.op

    @property
    def graph(self) -> Graph:
        """The graph that the variable belongs to."""
        return self._variable.graph

    @property
    def device(self) -> str:
        """The device that the storage asks for."""
        return self._variable.device

    @property
    def dtype(self) -> Any:
        return self._variable.dtype

    @property
    def shape(self) -> TensorShape:
        return self._variable.shape

    def set_shape(self, shape: Any) -> None:
        """Adds what ``shape`` knows to the static shape."""
        self._variable.set_shape(shape)
        self._snapshot.set_shape(shape)

    @property
    def initializer(self) -> Operation:
        """The operation that gives the variable its initial value."""
        return self._initializer_op

    @property
    def initial_value(self) -> Any:
        """The tensor that the variable starts with."""
        return self._initial_value

    def _as_graph_element(self) -> Any:
        return self._variable

    def _gradient_source(self) -> Any:
        return self._variable

    def _ref(self) -> Any:
        return self._variable

    # Reading.

    def value(self) -> Any:
        return self._snapshot

    def read_value(self) -> Any:
        return identity_op(self._variable, name="read")

    def _AsTensor(self) -> Any:
        return self._snapshot

    def _dense_var_to_tensor(self, dtype: Any = None, name: str | None = None, as_ref: bool = False) -> Any:
        del name
        if dtype is not None and not dtype.is_compatible_with(self.dtype):
            raise ValueError(
                f"Incompatible type conversion requested to type '{dtype.name}' for variable of type "
                f"'{self.dtype.name}'"
            )
        return self._variable if as_ref else self._snapshot

    def eval(self, session: Any = None) -> Any:
        """Returns the value in ``session``, by default the default session."""
        return self._variable.eval(session=session)

    def initialized_value(self) -> Any:
        """Returns the variable's value, or its initial value where a run finds it uninitialized."""
        from tideflow._src.state.variable_collections import value_or_initial

        return value_or_initial(self)

    def load(self, value: Any, session: Any = None) -> None:
        """Gives the variable ``value`` in ``session`` at once, without adding to the graph.

        Raises:
          ValueError: no session is given and none is the default.
        """
        session = session or (context.state.sessions[-1] if context.state.sessions else None)
        if session is None:
            raise ValueError("Either session argument should be provided or default session should be established")
        session.run(self._initializer_op, {self._initializer_op.inputs[1]: value})

    # Assigning.

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """Returns a reference to the variable with a new value (with ``read_value`` off, the operation)."""
        result = assign_op(self._variable, value, use_locking=use_locking, name=name)
        return result if read_value else result.op

    def assign_add(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Returns a reference to the variable after adding ``delta`` to it."""
        result = assignment.assign_add(self._variable, delta, use_locking=use_locking, name=name)
        return result if read_value else result.op

    def assign_sub(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Returns a reference to the variable after subtracting ``delta`` from it."""
        result = assignment.assign_sub(self._variable, delta, use_locking=use_locking, name=name)
        return result if read_value else result.op

    def _scatter(self, kind: str, sparse_delta: Any, use_locking: bool, name: str | None) -> Any:
        return assignment.scatter(
            kind, self._variable, sparse_delta.indices, sparse_delta.values, use_locking=use_locking, name=name
        )

    def _scatter_nd(self, kind: str, indices: Any, updates: Any, name: str | None) -> Any:
        return assignment.scatter_nd(kind, self._variable, indices, updates, use_locking=True, name=name)

    def _strided_slice_assign(
        self, begin: Any, end: Any, strides: Any, value: Any, name: str | None, masks: dict[str, int]
    ) -> Any:
        return strided_slice_assign_op(self._variable, begin, end, strides, value, name=name, **masks)

    def count_up_to(self, limit: int) -> Any:
        """Returns the value before incrementing it; an OutOfRangeError when it has reached ``limit``."""
        return assignment.count_up_to(self._variable, limit=limit)

    # Checkpoints.

    def _serialize_to_tensors(self) -> dict[str, Any]:
        return {VARIABLE_VALUE_KEY: self._variable}

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        fixed = self._variable.shape.is_fully_defined()
        return assign_op(self._variable, restored_tensors[VARIABLE_VALUE_KEY], validate_shape=fixed).op

    # Writing down.

    def to_proto(self, export_scope: str | None = None) -> Any:
        """Returns the variable as a ``VariableDef``; None if it is outside ``export_scope``."""
        return to_variable_def(self, self._variable, self._snapshot, export_scope)

    def __repr__(self) -> str:
        return f"<tf.Variable '{self.name}' shape={self.shape} dtype={self.dtype.name}>"

    def __copy__(self) -> RefVariable:
        return self

    def __deepcopy__(self, memo: Any) -> RefVariable:
        raise NotImplementedError("__deepcopy__() is only available when eager execution is enabled.")


kinds.reference = RefVariable
