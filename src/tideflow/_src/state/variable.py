"""Defines ``Variable``: a tensor that keeps its value between calls and runs, and can be assigned.

Two kinds of storage stand behind the name. TensorFlow 1.x graphs hold *reference* variables (:mod:`.ref_variable`),
everything else holds *resource* variables (:mod:`.resource_variable`). ``Variable(...)`` makes the one that fits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tideflow._src.core import context
from tideflow._src.core.inheritance import inherited
from tideflow._src.core.reference import Reference
from tideflow._src.core.tensor import Tensor, TensorProtocol
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.state.replication import (
    VariableAggregation,
    VariableAggregationV2,
    VariableSynchronization,
    validated,
)
from tideflow._src.state.trackable import VARIABLE_VALUE_KEY, Trackable

Creator = Callable[..., Any]


class _Kinds:
    """Is what the two kinds of variable tell this module about themselves, and the choice between them."""

    reference: Any = None
    resource: Any = None
    #: What an assignment to a resource variable returns.
    unread: Any = None
    #: Whether variables are resource variables where neither the call nor the variable scope says it.
    resource_by_default = True
    #: The ``use_resource`` of the current variable scope; the module of variable scopes sets it.
    scope_choice: Callable[[], bool | None] = staticmethod(lambda: None)


kinds = _Kinds()


class _Creators(threading.local):
    def __init__(self) -> None:
        self.stack: list[Creator] = []
        #: What makes variables in functions that are being traced: after all that users say.
        self.of_functions: list[Creator] = []


_creators = inherited(_Creators())


def enable_resource_variables() -> None:
    """Makes resource variables the default."""
    kinds.resource_by_default = True


def disable_resource_variables() -> None:
    """Makes reference variables the default in TensorFlow 1.x graphs."""
    kinds.resource_by_default = False


def resource_variables_enabled() -> bool:
    """Tells whether resource variables are the default."""
    return kinds.resource_by_default


@contextmanager
def variable_creator_scope(variable_creator: Callable[..., Any]) -> Iterator[None]:
    """Lets ``variable_creator(next_creator, **arguments)`` make every variable created inside.

    Args:
      variable_creator: a function that returns a variable: usually what ``next_creator(**arguments)`` returns,
        with some arguments changed.
    """
    _creators.stack.append(variable_creator)
    try:
        yield
    finally:
        _creators.stack.pop()


variable_creator_scope_v1 = variable_creator_scope


@contextmanager
def function_creator_scope(variable_creator: Callable[..., Any]) -> Iterator[None]:
    """Is ``variable_creator_scope`` for functions that are being traced: what users say comes before."""
    _creators.of_functions.append(variable_creator)
    try:
        yield
    finally:
        _creators.of_functions.pop()


def _default_creator(next_creator: Creator | None = None, **arguments: Any) -> Any:
    del next_creator
    use_resource = arguments.pop("use_resource", None)
    if use_resource is None:
        use_resource = kinds.scope_choice()
    if use_resource is None:
        use_resource = kinds.resource_by_default
    graph = context.current_graph()
    if use_resource or graph is None or graph.building_function:
        return kinds.resource(**arguments)
    arguments.pop("experimental_enable_variable_lifting", None)
    return kinds.reference(**arguments)


def _default_creator_v2(next_creator: Creator | None = None, **arguments: Any) -> Any:
    del next_creator
    arguments.pop("use_resource", None)
    return kinds.resource(**arguments)


def _linked(creator: Creator, next_creator: Creator) -> Creator:
    def create(**arguments: Any) -> Any:
        return creator(next_creator, **arguments)

    return create


def _create(creator: Creator, arguments: dict[str, Any]) -> Any:
    for outer in (*_creators.of_functions, *_creators.stack):
        creator = _linked(outer, creator)
    return creator(**arguments)


class _VariableType(type):
    """Makes ``Variable(...)`` choose the kind of variable, through the creator scopes."""

    def __call__(cls, *positional: Any, **named: Any) -> Any:
        if cls is Variable:
            return _create(_default_creator_v2, _arguments_v2(*positional, **named))
        if cls is VariableV1:
            return _create(_default_creator, _arguments_v1(*positional, **named))
        return super().__call__(*positional, **named)

    def __getattr__(cls, name: str) -> Any:
        # Programs ask tf.Variable for what variables have: its methods are those of the kind that it makes.
        if cls in (Variable, VariableV1) and not name.startswith("_") and hasattr(kinds.resource, name):
            return getattr(kinds.resource, name)
        raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")

    def __dir__(cls) -> list[str]:
        found = set(super().__dir__())
        return sorted(found | set(dir(kinds.resource)) if cls in (Variable, VariableV1) else found)


def _arguments_v2(
    initial_value: Any = None,
    trainable: bool | None = None,
    validate_shape: bool = True,
    caching_device: Any = None,
    name: str | None = None,
    variable_def: Any = None,
    dtype: Any = None,
    import_scope: str | None = None,
    constraint: Any = None,
    synchronization: Any = VariableSynchronization.AUTO,
    aggregation: Any = VariableAggregationV2.NONE,
    shape: Any = None,
    experimental_enable_variable_lifting: bool = True,
) -> dict[str, Any]:
    return dict(locals())


def _arguments_v1(
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
    use_resource: bool | None = None,
    synchronization: Any = VariableSynchronization.AUTO,
    aggregation: Any = VariableAggregation.NONE,
    shape: Any = None,
    experimental_enable_variable_lifting: bool | None = None,
) -> dict[str, Any]:
    arguments = dict(locals())
    del arguments["expected_shape"]
    if experimental_enable_variable_lifting is None:
        del arguments["experimental_enable_variable_lifting"]
    return arguments


class Variable(TensorProtocol, Trackable, metaclass=_VariableType):
    """Is a tensor whose value can be changed by assignment.

    A variable is used like a tensor: it converts to its value, and has the operators of tensors. Tapes and
    optimizers find those that are trainable.

    Args:
      initial_value: what the variable starts with: a tensor or what converts to one, or a function without arguments
        that returns it.
      trainable: whether tapes watch the variable and optimizers train it; by default True, unless
        ``synchronization`` is ``ON_READ``.
      validate_shape: whether the shape is fixed to that of ``initial_value``.
      caching_device: a device that keeps a copy for reading.
      name: the name; ``Variable`` by default. In a graph it is made unique.
      variable_def: a ``VariableDef`` to make the variable from, whose nodes the graph already has.
      dtype: the dtype, if not that of ``initial_value``.
      import_scope: the name scope under which ``variable_def`` was imported.
      constraint: a function that optimizers apply to the value after each update.
      synchronization: when replicas bring their copies together.
      aggregation: how the updates of replicas are combined.
      shape: the shape, where it is less specific than that of ``initial_value``.
      experimental_enable_variable_lifting: kept for TensorFlow's signature.

    Raises:
      ValueError: no initial value is given, or it does not fit ``shape`` or ``dtype``.

    >>> import tideflow as tf
    >>> weights = tf.Variable([1.0, 2.0])
    >>> weights.assign_add([1.0, 1.0]).numpy().tolist()
    [2.0, 3.0]
    """

    if TYPE_CHECKING:  # the metaclass makes a variable of the kind that the arguments ask for

        def __init__(self, *positional: Any, **named: Any) -> None: ...

    # NumPy must leave `array + variable` to Variable.__radd__.
    __array_priority__ = 100

    _trainable: bool
    _synchronization: Any
    _aggregation: Any
    _constraint: Any
    _save_slice_info: Any = None
    _in_graph: bool = True

    def _set_training(self, synchronization: Any, aggregation: Any, trainable: Any, name: Any) -> None:
        self._synchronization, self._aggregation, self._trainable = validated(
            synchronization, aggregation, trainable, name
        )

    # What both kinds provide.

    def value(self) -> Any:
        """Returns the current value as a tensor."""
        raise TypeError(f"{type(self).__name__} is abstract.")

    def read_value(self) -> Any:
        """Returns a tensor with the value at the time it is computed, after the control dependencies around."""
        raise TypeError(f"{type(self).__name__} is abstract.")

    @property
    def name(self) -> str:
        """The name, with ``:0`` at its end."""
        raise TypeError(f"{type(self).__name__} is abstract.")

    @property
    def dtype(self) -> Any:
        """The type of the elements."""
        raise TypeError(f"{type(self).__name__} is abstract.")

    @property
    def shape(self) -> TensorShape:
        """The shape, as far as it is fixed."""
        raise TypeError(f"{type(self).__name__} is abstract.")

    # What follows from that.

    @property
    def op(self) -> Any:
        """The operation that refers to the storage."""
        raise TypeError(f"{type(self).__name__} is abstract.")

    @property
    def trainable(self) -> bool:
        """Whether tapes watch the variable and optimizers train it."""
        return self._trainable

    @property
    def synchronization(self) -> Any:
        """When replicas bring their copies together."""
        return self._synchronization

    @property
    def aggregation(self) -> Any:
        """How the updates of replicas are combined."""
        return self._aggregation

    @property
    def constraint(self) -> Any:
        """The function that optimizers apply after each update, or None."""
        return self._constraint

    @property
    def _shared_name(self) -> str:
        """The name without the ``:0``."""
        return self.name.removesuffix(":0")

    def get_shape(self) -> TensorShape:
        """Returns the shape, as far as it is fixed."""
        return self.shape

    def _shape_tuple(self) -> Any:
        return self.shape._dims

    def ref(self) -> Reference:
        """Returns a hashable reference to the variable, for use as a key in sets and dictionaries."""
        return Reference(self)

    experimental_ref = ref

    def __iter__(self) -> Iterator[Any]:
        return iter(self.read_value())

    def __getitem__(self, key: Any) -> Any:
        """Returns a slice; ``variable[key].assign(value)`` assigns to it."""
        from tideflow._src.state.slice_assignment import sliced  # it needs this module

        return sliced(self, key)

    def __eq__(self, other: object) -> Any:
        if context.mode.tensor_equality and not self._in_graph:
            if other is None:
                return False
            return self.value().__eq__(other)
        return self is other

    def __ne__(self, other: object) -> Any:
        if context.mode.tensor_equality and not self._in_graph:
            if other is None:
                return True
            return self.value().__ne__(other)
        return self is not other

    def __hash__(self) -> int:
        if context.mode.tensor_equality and not self._in_graph:
            raise TypeError(f"Variable is unhashable. Instead, use variable.ref() as the key. (Variable: {self})")
        return id(self)

    def _gather_saveables_for_checkpoint(self) -> dict[str, Any]:
        return {VARIABLE_VALUE_KEY: self}

    def _set_save_slice_info(self, save_slice_info: Any) -> None:
        self._save_slice_info = save_slice_info

    def _get_save_slice_info(self) -> Any:
        return self._save_slice_info

    @staticmethod
    def from_proto(variable_def: Any, import_scope: str | None = None) -> Any:
        """Returns the variable that a ``VariableDef`` describes, whose nodes the current graph has."""
        kind = kinds.resource if variable_def.is_resource else kinds.reference
        return kind(variable_def=variable_def, import_scope=import_scope)

    class SaveSliceInfo:
        """Says which part of a partitioned variable a variable is.

        Attributes:
          full_name: the name of the whole.
          full_shape: its shape.
          var_offset: where this part begins, for each dimension.
          var_shape: the shape of this part.
        """

        def __init__(
            self,
            full_name: str | None = None,
            full_shape: Any = None,
            var_offset: Any = None,
            var_shape: Any = None,
            save_slice_info_def: Any = None,
            import_scope: str | None = None,
        ) -> None:
            if save_slice_info_def is not None:
                full_name = save_slice_info_def.full_name
                if import_scope:
                    full_name = f"{import_scope}/{full_name}"
                full_shape = list(save_slice_info_def.full_shape)
                var_offset = list(save_slice_info_def.var_offset)
                var_shape = list(save_slice_info_def.var_shape)
            self.full_name = full_name
            self.full_shape = full_shape
            self.var_offset = var_offset
            self.var_shape = var_shape

        @property
        def spec(self) -> str:
            """The part as checkpoints write it: ``4 3 0,2:0,3``."""
            sizes = " ".join(str(size) for size in self.full_shape)
            parts = ":".join(f"{offset},{size}" for offset, size in zip(self.var_offset, self.var_shape, strict=True))
            return f"{sizes} {parts}"

        def to_proto(self, export_scope: str | None = None) -> Any:
            """Returns this as a ``SaveSliceInfoDef``."""
            from tideflow._src.graph import protos  # loads protobuf

            name = self.full_name or ""
            if export_scope:
                if not name.startswith(export_scope):
                    return None
                name = name.removeprefix(f"{export_scope}/")
            return protos.SaveSliceInfoDef(
                full_name=name, full_shape=self.full_shape, var_offset=self.var_offset, var_shape=self.var_shape
            )


class VariableV1(Variable):
    """Is ``Variable`` with the arguments of TensorFlow 1.x.

    Args:
      initial_value, trainable, validate_shape, caching_device, name, variable_def, dtype: as of ``Variable``.
      collections: the collections of the graph that the variable joins; the global variables by default.
      expected_shape: no longer of effect.
      import_scope, constraint: as of ``Variable``.
      use_resource: whether to make a resource variable; by default as the variable scope says, or else
        :func:`enable_resource_variables`.
      synchronization, aggregation, shape: as of ``Variable``.
    """


def _overload(name: str) -> None:
    def method(self: Any, *operands: Any) -> Any:
        if not context.SPECIAL and operands and isinstance(operands[0], Variable):
            operands = (operands[0].value(),)  # the short way: no conversion
        return getattr(self.value(), name)(*operands)

    method.__name__ = name
    method.__qualname__ = f"Variable.{name}"
    setattr(Variable, name, method)


for _name in sorted(Tensor.OVERLOADABLE_OPERATORS - {"__getitem__", "__eq__", "__ne__"}):
    _overload(_name)
