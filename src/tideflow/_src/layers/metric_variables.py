"""What every metric of TensorFlow 1.x has: local variables that accumulate, a value of them, and an update."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tideflow._src.core import context
from tideflow._src.ops.array.constants import zeros
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.replication import VariableAggregation, VariableSynchronization
from tideflow._src.state.variable import VariableV1

Pair = tuple[Any, Any]


def require_graph(name: str) -> None:
    """Checks that a graph is being built, as metrics need.

    Raises:
      RuntimeError: operations run eagerly.
    """
    if context.executing_eagerly():
        raise RuntimeError(f"tf.metrics.{name} is not supported when eager execution is enabled.")


def metric_variable(shape: Any, dtype: Any, name: str, validate_shape: bool = True) -> Any:
    """Returns a local variable of zeros in which a metric accumulates."""
    make: Any = VariableV1
    return make(
        initial_value=lambda: zeros(shape, dtype),
        trainable=False,
        collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES],
        validate_shape=validate_shape,
        synchronization=VariableSynchronization.ON_READ,
        aggregation=VariableAggregation.SUM,
        name=name,
    )


def collected(
    value: Any, update: Any, metrics_collections: Iterable[str] | None, updates_collections: Iterable[str] | None
) -> Pair:
    """Adds a metric's value and update to collections, and returns them."""
    graph = context.default_graph()
    if metrics_collections:
        graph.add_to_collections(metrics_collections, value)
    if updates_collections:
        graph.add_to_collections(updates_collections, update)
    return value, update
