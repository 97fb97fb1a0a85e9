"""Shows a gradient rule the call that it differentiates, the same way for a tape and for a graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.graph.op_def import REQUIRED, OpDef
from tideflow._src.graph.operation import Operation
from tideflow._src.graph.signature import group


class Call:
    """Is a call of an operation as its gradient rule sees it.

    Attributes:
      op_def: the operation's definition; None if the user gave a function for the gradient.
      inputs: the tensors it took; a list for a list input.
      outputs: the tensors it gave, lists flattened.
      operation: the node of a graph that makes the call, or None.
      backward: the user's function: output gradients in, input gradients out.
      wanted: which of its inputs, lists flattened, need a gradient; None if that is not known.
    """

    __slots__ = ("op_def", "inputs", "outputs", "_attrs", "operation", "backward", "wanted")

    op_def: Any

    def __init__(
        self,
        op_def: OpDef | None,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        attrs: dict[str, Any],
        operation: Operation | None = None,
        backward: Callable[..., Any] | None = None,
    ) -> None:
        self.op_def = op_def
        self.inputs = inputs
        self.outputs = outputs
        self._attrs = attrs
        self.operation = operation
        self.backward = backward
        self.wanted: Sequence[bool] | None = None

    @classmethod
    def of_operation(cls, operation: Operation) -> Call:
        """Returns the call that a node of a graph makes."""
        op_def = operation.op_def
        inputs = group(op_def.inputs, operation.attrs, operation.inputs)
        return cls(op_def, inputs, operation.outputs, operation.attrs, operation)

    def attr(self, name: str) -> Any:
        """Returns an attribute of the call, or its default."""
        try:
            return self._attrs[name]
        except KeyError:
            pass
        attribute = self.op_def.attributes[name]
        if attribute.default is not REQUIRED:
            return attribute.default
        for argument, item in zip(self.op_def.inputs, self.inputs, strict=True):
            if argument.type_attr == name:
                return (item[0] if isinstance(item, list) else item).dtype.base_dtype
            if argument.number_attr == name:
                return len(item)
        raise KeyError(f"{self.op_def.name} has no attribute {name!r}.")

    def flat_inputs(self) -> list[Any]:
        """Returns the inputs with lists flattened."""
        flat: list[Any] = []
        for item in self.inputs:
            flat.extend(item) if isinstance(item, list) else flat.append(item)
        return flat


class CallAsOperation:
    """Shows a call to a gradient function that the user registered, which expects an ``Operation``."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.inputs = tuple(call.flat_inputs())
        self.outputs = list(call.outputs)
        self.type = call.op_def.name
        self.name = call.operation.name if call.operation is not None else call.op_def.name

    def get_attr(self, name: str) -> Any:
        """Returns an attribute; strings come as ``bytes``."""
        value = self._call.attr(name)
        return value.encode() if isinstance(value, str) else value
