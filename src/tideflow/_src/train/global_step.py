"""The global step: the variable that counts training steps."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.initializers import Zeros
from tideflow._src.state.replication import VariableAggregation
from tideflow._src.state.variable import Variable
from tideflow._src.state.variable_collections import value_or_initial
from tideflow._src.state.variable_scope import get_variable

_READ = "global_step_read_op_cache"


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """Returns the value of the global step in a session, as an int.

    Args:
      sess: the session.
      global_step_tensor: the variable or tensor that holds the step.
    """
    if context.executing_eagerly():
        return int(global_step_tensor.numpy())
    return int(sess.run(global_step_tensor))


def get_global_step(graph: Any = None) -> Any:
    """Returns the global step of a graph, by default the default graph, or None if it has none."""
    graph = graph or context.default_graph()
    found = graph.get_collection(GraphKeys.GLOBAL_STEP)
    if len(found) > 1:
        return None
    if found:
        step = found[0]
    else:
        try:
            step = graph.get_tensor_by_name("global_step:0")
        except KeyError:
            return None
    assert_global_step(step)
    return step


def create_global_step(graph: Any = None) -> Any:
    """Makes the global step of a graph, by default the default graph.

    Raises:
      ValueError: the graph has one already.
    """
    graph = graph or context.default_graph()
    if get_global_step(graph) is not None:
        raise ValueError('"global_step" already exists.')
    if context.executing_eagerly():
        return _made()
    with graph.as_default(), graph.name_scope(None):
        return _made()


def _made() -> Any:
    return get_variable(
        GraphKeys.GLOBAL_STEP,
        shape=[],
        dtype=dtypes.int64,
        initializer=Zeros(),
        trainable=False,
        aggregation=VariableAggregation.ONLY_FIRST_REPLICA,
        collections=[GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP],
    )


def get_or_create_global_step(graph: Any = None) -> Any:
    """Returns the global step of a graph, by default the default graph; makes it if there is none."""
    graph = graph or context.default_graph()
    step = get_global_step(graph)
    return create_global_step(graph) if step is None else step


def get_or_create_global_step_read(graph: Any = None) -> Any:
    """Returns a tensor that reads the global step of a graph; makes it at the first call. None without a step."""
    graph = graph or context.default_graph()
    found = graph.get_collection(_READ)
    if len(found) > 1:
        raise RuntimeError(f"There are multiple items in collection {_READ}. There should be only one.")
    if found:
        return found[0]
    step = get_global_step(graph)
    if step is None:
        return None
    with graph.as_default(), graph.name_scope(None), graph.name_scope(f"{step.op.name}/"):
        # A sum is a value of its own, where a reference would change under the reader.
        value = value_or_initial(step) if isinstance(step, Variable) else step
        read = value + 0
        graph.add_to_collection(_READ, read)
    return read


def assert_global_step(global_step_tensor: Any) -> None:
    """Checks that something can be a global step: an integer scalar variable or tensor.

    Raises:
      TypeError: it is not.
    """
    if not isinstance(global_step_tensor, Variable | Tensor):
        raise TypeError(f'Existing "global_step" must be a Variable or Tensor: {global_step_tensor}.')
    if not global_step_tensor.dtype.base_dtype.is_integer:
        raise TypeError(f'Existing "global_step" does not have integer type: {global_step_tensor.dtype}')
    shape = global_step_tensor.get_shape()
    if shape.rank != 0 and shape.is_fully_defined():
        raise TypeError(f'Existing "global_step" is not scalar: {shape}')
