"""What a layer was called with in graphs, and what it returned."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import nest
from tideflow._src.core.tensor_shape import TensorShape, as_shape


class CallHistory:
    """Is the part of a layer that remembers its calls."""

    _name: str
    #: The inputs and the outputs of each call.
    _calls: list[tuple[Any, Any]]

    def _only(self, what: str, item: int) -> Any:
        if not self._calls:
            raise AttributeError(f"Layer {self._name} has no inbound nodes: it was never called in a graph.")
        values = {id(nest.flatten(call[item])[0]): call[item] for call in self._calls}
        if len(values) > 1:
            raise AttributeError(
                f'Layer "{self._name}" has multiple inbound nodes, hence the notion of "layer {what}" is ill-defined. '
                f"Use `get_{what}_at(node_index)` instead."
            )
        return next(iter(values.values()))

    def _at(self, what: str, item: int, node_index: int) -> Any:
        if not self._calls:
            raise RuntimeError(f"The layer has never been called and thus has no defined {what}.")
        if not -len(self._calls) <= node_index < len(self._calls):
            raise ValueError(
                f"Asked to get {what} at node {node_index}, but the layer has only {len(self._calls)} nodes."
            )
        return self._calls[node_index][item]

    @property
    def input(self) -> Any:
        """The input of the layer's only call."""
        return self._only("input", 0)

    @property
    def output(self) -> Any:
        """The result of the layer's only call."""
        return self._only("output", 1)

    @property
    def input_shape(self) -> Any:
        """The shape of the input of the layer's only call."""
        return nest.map_structure(_sizes, self._only("input", 0))

    @property
    def output_shape(self) -> Any:
        """The shape of the result of the layer's only call."""
        return nest.map_structure(_sizes, self._only("output", 1))

    def get_input_at(self, node_index: int) -> Any:
        """Returns the input of one of the calls."""
        return self._at("input", 0, node_index)

    def get_output_at(self, node_index: int) -> Any:
        """Returns the result of one of the calls."""
        return self._at("output", 1, node_index)

    def get_input_shape_at(self, node_index: int) -> Any:
        """Returns the shape of the input of one of the calls."""
        return nest.map_structure(_sizes, self._at("input shape", 0, node_index))

    def get_output_shape_at(self, node_index: int) -> Any:
        """Returns the shape of the result of one of the calls."""
        return nest.map_structure(_sizes, self._at("output shape", 1, node_index))


def _sizes(tensor: Any) -> Any:
    shape: TensorShape = as_shape(tensor.shape)
    return shape if shape.rank is None else tuple(shape.as_list())
