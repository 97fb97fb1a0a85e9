"""Defines ``Operation``: a node of a graph."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph import source
from tideflow._src.graph.op_def import OpDef

if TYPE_CHECKING:
    from tideflow._src.graph.graph import Graph


class Operation:
    """Is a node of a graph: an operation applied to tensors, with its attributes.

    Attributes:
      name: the unique name in the graph.
      outputs: the tensors it produces.
      control_inputs: operations that must run before it.
      device: the device it asks for, or an empty string.
    """

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_control_inputs",
        "_inputs",
        "_source",
        "attrs",
        "device",
        "graph",
        "name",
        "number",
        "op_def",
        "outputs",
    )

    graph: Graph
    name: str
    op_def: OpDef
    attrs: dict[str, Any]
    device: str
    outputs: list[SymbolicTensor]
    number: int

    #: The operation that this one was made from as its gradient or copy: none is noted, as mostly in TensorFlow.
    _original_op: Any = None

    def __init__(
        self,
        graph: Graph,
        name: str,
        op_def: OpDef,
        inputs: Sequence[SymbolicTensor],
        attrs: dict[str, Any],
        control_inputs: Sequence[Operation],
        device: str,
        source_location: Any,
    ) -> None:
        self.graph = graph
        self.name = name
        self.op_def = op_def
        self._inputs = tuple(inputs)
        self.attrs = attrs
        # A tuple: most are empty, and the empty tuple costs nothing to keep or to collect.
        self._control_inputs = tuple(control_inputs)
        self.device = device
        self._source = source_location
        self.outputs = []

    @property
    def type(self) -> str:
        """The name of the operation's definition, such as ``MatMul``."""
        return self.op_def.name

    @property
    def inputs(self) -> tuple[SymbolicTensor, ...]:
        """The tensors it takes, lists flattened."""
        return self._inputs

    @property
    def control_inputs(self) -> list[Operation]:
        """The operations that must run before this one, besides the producers of its inputs."""
        return list(self._control_inputs)

    @property
    def control_outputs(self) -> list[Operation]:
        """The operations that wait for this one through a control dependency."""
        return [op for op in self.graph.get_operations() if self in op._control_inputs]

    @property
    def traceback(self) -> list[Any]:
        """Where the program created the operation, as ``traceback`` frame summaries, innermost last."""
        return source.summaries(self._source)

    @property
    def source_line(self) -> str:
        """The innermost line of the user's program that created the operation, or an empty string."""
        return source.describe(self._source)

    def get_attr(self, name: str) -> Any:
        """Returns the value of an attribute; strings come as ``bytes``.

        Raises:
          ValueError: the operation has no attribute of that name.
        """
        try:
            value = self.attrs[name]
        except KeyError:
            raise ValueError(f"Operation '{self.name}' has no attr named '{name}'.") from None
        if isinstance(value, str):
            return value.encode()
        if isinstance(value, list) and value and isinstance(value[0], str):
            return [item.encode() for item in value]
        return value

    def _set_attr(self, name: str, value: Any) -> None:
        self.attrs[name] = value

    def values(self) -> tuple[SymbolicTensor, ...]:
        """Returns the outputs."""
        return tuple(self.outputs)

    def colocation_groups(self) -> list[bytes]:
        """Returns the names of the groups of operations that must share this one's device."""
        groups = self.attrs.get("_class", ())
        return [item.encode() for item in groups] or [b"loc:@" + self.name.encode()]

    def run(self, feed_dict: Any = None, session: Any = None) -> None:
        """Runs the operation in ``session``, by default the default session."""
        self.graph._evaluate(self, feed_dict, session, "execute operation using `run()`")

    @property
    def node_def(self) -> Any:
        """The operation as a ``NodeDef`` message."""
        from tideflow._src.graph import export  # loads protobuf

        return export.node_def(self)

    def _add_control_inputs(self, ops: Iterable[Operation]) -> None:
        self.graph._check_not_finalized()
        new = (op for op in dict.fromkeys(ops) if op not in self._control_inputs)
        self._control_inputs = (*self._control_inputs, *new)
        self.graph.changed_in_place()

    def _update_input(self, index: int, tensor: SymbolicTensor) -> None:
        self.graph._check_not_finalized()
        inputs = list(self._inputs)
        inputs[index] = tensor
        self._inputs = tuple(inputs)
        self.graph.changed_in_place()

    def __repr__(self) -> str:
        return f"<tf.Operation '{self.name}' type={self.type}>"

    def __str__(self) -> str:
        return str(self.node_def)
