"""``tf.summary.graph``: a graph for TensorBoard's page of graphs."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context
from tideflow._src.ops.array.constants import constant
from tideflow._src.ops.array.raw import raw
from tideflow._src.runtime.devices import device
from tideflow._src.summary.recording import recording_eagerly, state
from tideflow._src.summary.writers import serialized_graph


def graph(graph_data: Any) -> Any:
    """Writes a graph to the default writer, with the shapes and devices of its operations and its functions.

    Args:
      graph_data: a ``tf.Graph``, for instance that of ``f.get_concrete_function(...)``, or a ``GraphDef``.

    Returns:
      A scalar bool tensor: whether it was written.

    Raises:
      ValueError: a graph is being built, or the argument is no graph.
    """
    if not context.executing_eagerly():
        raise ValueError("graph() cannot be invoked inside a graph context.")
    if not recording_eagerly():
        return constant(False)
    if not (hasattr(graph_data, "as_graph_def") or getattr(graph_data, "DESCRIPTOR", None) is not None):
        raise ValueError(
            "Argument 'graph_data' is not tf.Graph or tf.compat.v1.GraphDef. "
            f"Received graph_data={graph_data} of type {type(graph_data).__name__}."
        )
    with device("cpu:0"):
        raw.WriteGraphSummary(writer=state.writer._resource, step=0, tensor=serialized_graph(graph_data))
    return constant(True)
