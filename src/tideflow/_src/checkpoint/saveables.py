"""What of a variable a checkpoint holds, under which name, and how it is put back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from tideflow._src.core import context
from tideflow._src.core.tensor import Tensor
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.state.variables import assign_op, assign_variable_op
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.partitioned_variable import PartitionedVariable
from tideflow._src.state.variable import Variable

_REFERENCES = ("Variable", "VariableV2")


class SaveSpec:
    """Is one tensor of a checkpoint.

    Args:
      tensor: the tensor, or a function that returns it.
      slice_spec: which part of a tensor it is, such as ``4 3 0,2:-``; empty for all of one.
      name: the name in the checkpoint.
      dtype: the dtype; that of the tensor if None.
      device: the device that the tensor is on; that of the tensor if None.
    """

    def __init__(self, tensor: Any, slice_spec: str, name: str, dtype: Any = None, device: str | None = None) -> None:
        self._tensor = tensor
        self.slice_spec = slice_spec
        self.name = name
        self.dtype = (self.tensor.dtype if dtype is None else dtype).base_dtype
        self._device = device

    @property
    def tensor(self) -> Any:
        """The tensor."""
        return self._tensor() if callable(self._tensor) else self._tensor

    @property
    def device(self) -> str:
        """The device that the tensor is on."""
        return self.tensor.device if self._device is None else self._device


class SaveableObject:
    """Is something that is saved and restored; a base for what is no variable.

    Args:
      op: the object that makes it: a tensor, variable or operation.
      specs: the tensors to save.
      name: the name in the checkpoint.
    """

    def __init__(self, op: Any, specs: Sequence[SaveSpec], name: str) -> None:
        self.op = op
        self.specs = specs
        self.name = name

    @property
    def device(self) -> str:
        """The device of the first tensor."""
        return self.specs[0].device

    def restore(self, restored_tensors: Sequence[Any], restored_shapes: Sequence[Any] | None) -> Any:
        """Puts values back; subclasses say how.

        Args:
          restored_tensors: the values of the specs, in their order.
          restored_shapes: the shapes to give them, or None.

        Returns:
          The operation that does it.
        """
        raise ValueError(f"Calling an abstract method of {type(self).__name__}.")


class ReferenceSaveable(SaveableObject):
    """Saves a reference variable, or a part of a partitioned one."""

    def __init__(self, reference: Any, tensor: Any, slice_spec: str, name: str) -> None:
        super().__init__(reference, [SaveSpec(tensor, slice_spec, name, reference.dtype)], name)

    def restore(self, restored_tensors: Sequence[Any], restored_shapes: Sequence[Any] | None) -> Any:
        """Assigns the value; it must have the variable's shape, unless shapes are given."""
        value = restored_tensors[0]
        if restored_shapes is not None:
            value = raw.Reshape(value, restored_shapes[0])
        fixed = restored_shapes is None and self.op.shape.is_fully_defined()
        return assign_op(self.op, value, validate_shape=fixed)


class ResourceSaveable(SaveableObject):
    """Saves a resource variable, or a part of a partitioned one."""

    def __init__(self, handle: Any, tensor: Any, shape: Any, slice_spec: str, name: str, dtype: Any) -> None:
        device = handle.device if not isinstance(handle, Variable) else ""
        super().__init__(tensor if not callable(tensor) else handle, [SaveSpec(tensor, slice_spec, name, dtype)], name)
        self._handle = handle
        self._device_of_handle = device
        self.shape = shape

    def restore(self, restored_tensors: Sequence[Any], restored_shapes: Sequence[Any] | None) -> Any:
        """Assigns the value."""
        value = restored_tensors[0]
        if restored_shapes is not None:
            value = raw.Reshape(value, restored_shapes[0])
        graph = context.current_graph()
        if graph is None:
            return assign_variable_op(self._handle, value)
        with graph.device(self._device_of_handle) if self._device_of_handle else nullcontext():
            value = raw.Identity(value)
            return assign_variable_op(self._handle, value)


def all_saveable_objects(scope: str | None = None) -> list[Any]:
    """Returns what a ``Saver`` saves by default: the global variables and other saveable objects of the graph."""
    graph = context.default_graph()
    return graph.get_collection(GraphKeys.GLOBAL_VARIABLES, scope) + graph.get_collection(
        GraphKeys.SAVEABLE_OBJECTS, scope
    )


def _named(variables: Iterable[Any]) -> dict[str, Any]:
    """Finds the name of each variable of a list; parts of one variable come together as a list."""
    found: dict[str, Any] = {}

    def add(name: str, item: Any) -> None:
        if name in found:
            raise ValueError(f"At least two variables have the same name: {name}")
        found[name] = item

    for variable in variables:
        if isinstance(variable, SaveableObject | PartitionedVariable):
            add(variable.name, variable)
            continue
        part = getattr(variable, "_save_slice_info", None)
        if part is not None:
            parts = found.setdefault(part.full_name, [])
            if not isinstance(parts, list):
                raise ValueError(f"Mixing slices and non-slices with the same name: {part.full_name}")
            parts.append(variable)
        elif isinstance(variable, Variable):
            add(variable._shared_name, variable)
        elif isinstance(variable, Tensor) and not context.executing_eagerly():
            add(_variable_op(variable).name, variable)
        else:
            raise _not_a_variable(variable)
    return found


def _variable_op(tensor: Any) -> Any:
    """Returns the operation of the variable that a tensor of a graph refers to or reads."""
    if tensor.op.type in _REFERENCES:
        return tensor.op
    if tensor.op.type == "ReadVariableOp":
        return tensor.op.inputs[0].op
    raise _not_a_variable(tensor)


def _not_a_variable(value: Any) -> TypeError:
    return TypeError(
        f"names_to_saveables must be a dict mapping string names to Tensors/Variables. Not a variable: {value}"
    )


def saveables_of(variables: Any) -> list[SaveableObject]:
    """Returns what is to be saved, sorted by name.

    Args:
      variables: variables, or a dict from names in the checkpoint to variables. A partitioned variable is one, or a
        list of its parts.

    Raises:
      TypeError: something is no variable.
      ValueError: two have the same name, or one has two names.
    """
    named = dict(variables) if isinstance(variables, Mapping) else _named(variables)
    result: list[SaveableObject] = []
    seen: set[int] = set()
    for name, item in sorted(named.items(), key=_name_of):
        for saveable in saveables_for(item, name):
            identity = id(saveable.op)
            if identity in seen:
                raise ValueError(f"The same saveable will be restored with two names: {name}")
            seen.add(identity)
            result.append(saveable)
    return result


def _name_of(item: tuple[Any, Any]) -> str:
    if not isinstance(item[0], str):
        raise TypeError(
            f"names_to_saveables must be a dict mapping string names to variables. Name is not a string: {item[0]}"
        )
    return item[0]


def saveables_for(item: Any, name: str) -> Iterable[SaveableObject]:
    """Yields what saves one thing under a name: a variable, the parts of one, or what is made of variables."""
    if isinstance(item, SaveableObject):
        yield item
    elif isinstance(item, list | tuple | PartitionedVariable):
        whole: str | None = None
        for part in item:
            if not isinstance(part, Variable):
                raise ValueError(f"Slices must all be Variables: {part}")
            if part._save_slice_info is None:
                raise ValueError(f"Slices must all be slices: {part}")
            whole = whole or part._save_slice_info.full_name
            if whole != part._save_slice_info.full_name:
                raise ValueError(
                    f"Slices must all be from the same tensor: {whole} != {part._save_slice_info.full_name}"
                )
            yield _saveable_of(part, part._save_slice_info.spec, name)
    else:
        yield _saveable_of(item, "", name)


def _saveable_of(variable: Any, spec: str, name: str) -> SaveableObject:
    if isinstance(variable, Variable):
        handle = getattr(variable, "handle", None)
        if handle is not None:
            resource: Any = variable
            # A variable that was made outside of the graph has no element in it.
            in_graph = None if context.executing_eagerly() else resource._graph_element
            read: Callable[[], Any] | Any = resource.read_value if in_graph is None else in_graph
            return ResourceSaveable(handle, read, variable.shape, spec, name, variable.dtype)
        reference: Any = variable._ref()  # type: ignore[attr-defined]
        return ReferenceSaveable(reference, convert_to_tensor(variable) if spec else reference, spec, name)
    if not isinstance(variable, Tensor) or context.executing_eagerly():
        raise _not_a_variable(variable)
    op = _variable_op(variable)
    if op.type in _REFERENCES:
        return ReferenceSaveable(op.outputs[0], op.outputs[0], spec, name)
    return ResourceSaveable(op.outputs[0], variable, variable.shape, spec, name, variable.dtype)
