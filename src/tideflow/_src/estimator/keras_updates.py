"""Optimizers and metrics of Keras 3 in the graphs of estimators.

Keras 3 changes variables by calls and expects them to happen in order, as they do eagerly. In the graph of an
estimator each call adds an operation: here such operations are put in order and gathered to one.
"""

from __future__ import annotations

import collections
import importlib
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tideflow._src.autodiff.graph_gradients import gradients
from tideflow._src.core.context import eager_scope
from tideflow._src.function.automatic_control_dependencies import ordered_effects
from tideflow._src.graph.default_graph import get_default_graph
from tideflow._src.ops.control.grouping import group
from tideflow._src.state.graph_keys import GraphKeys

_NUMBERS = "object_name_uids"


def is_optimizer(value: Any) -> bool:
    """Tells whether a value is an optimizer of Keras 3; loads no Keras."""
    return _is_kerass(value, "optimizers", "Optimizer")


def is_metric(value: Any) -> bool:
    """Tells whether a value is a metric of Keras 3; loads no Keras."""
    return _is_kerass(value, "metrics", "Metric")


@contextmanager
def names_of_a_graph() -> Iterator[None]:
    """Lets Keras number names anew, as Keras 2 did for each graph; afterwards the program's own numbers go on.

    A checkpoint knows variables by name: those of a graph must not depend on what else the program has made.
    """
    if "keras" not in sys.modules:
        yield
        return
    # Keras has no public way to put numbers back.
    state = importlib.import_module("keras.src.backend.common.global_state")
    numbers = state.get_global_attribute(_NUMBERS)
    state.set_global_attribute(_NUMBERS, collections.defaultdict(int))
    try:
        yield
    finally:
        state.set_global_attribute(_NUMBERS, numbers)


def _is_kerass(value: Any, namespace: str, name: str) -> bool:
    keras = sys.modules.get("keras")  # a value of Keras has loaded it
    return keras is not None and isinstance(value, getattr(getattr(keras, namespace), name))


def plain_name(name: str) -> str:
    """Returns the name of an optimizer without the number that counts optimizers of the program."""
    return re.sub(r"_\d+$", "", name)


def of_this_graph(optimizer: Any) -> Any:
    """Returns the optimizer, or one like it if its variables belong elsewhere: each graph needs its own."""
    if getattr(_tensor_variable(optimizer.iterations), "graph", None) is get_default_graph():
        return optimizer
    with eager_scope():
        config = optimizer.get_config()  # reads the learning rate
    config["name"] = plain_name(str(config["name"]))
    return type(optimizer).from_config(config)


def minimize(optimizer: Any, loss: Any, variables: Sequence[Any]) -> Any:
    """Returns the operation of one step of an optimizer of Keras.

    Args:
      optimizer: the optimizer; its variables belong to the graph of the loss.
      loss: a scalar tensor of a graph.
      variables: the variables to train, of that graph.

    Raises:
      ValueError: the loss depends on none of the variables.
    """
    pairs = [
        (gradient, variable)
        for gradient, variable in zip(gradients(loss, list(variables)), variables, strict=True)
        if gradient is not None
    ]
    if not pairs:
        names = [variable.name for variable in variables]
        raise ValueError(f"No gradients provided for any variable, check your graph. The variables are: {names}")
    return updates_of(lambda: optimizer.apply_gradients(pairs))


def updates_of(call: Callable[[], Any]) -> Any:
    """Calls a function that changes variables, and returns one operation that does so, in the order of the calls."""
    graph = get_default_graph()
    before = len(graph.get_operations())
    call()
    return _gathered(graph, graph.get_operations()[before:])


def metric_operations(metric: Any) -> tuple[Any, Any]:
    """Returns the value of a metric of Keras that was updated in this graph, and the operation that updates it.

    Its variables become local ones: each evaluation begins with their initial values.

    Raises:
      ValueError: the metric was not updated in this graph.
    """
    graph = get_default_graph()
    variables = [_tensor_variable(variable) for variable in metric.variables]
    handles = {id(variable.handle) for variable in variables if getattr(variable, "graph", None) is graph}
    users = [op for op in graph.get_operations() if any(id(each) in handles for each in op.inputs)]
    update = _gathered(graph, users)
    if not update.control_inputs:
        raise ValueError(
            f"Please call update_state(...) on the metric {metric.name!r} in the model function, so that its updates "
            "are in the graph."
        )
    everywhere = graph.get_collection_ref(GraphKeys.GLOBAL_VARIABLES)
    everywhere[:] = [each for each in everywhere if id(each.handle) not in handles]
    local = graph.get_collection_ref(GraphKeys.LOCAL_VARIABLES)
    local += [variable for variable in variables if all(variable is not each for each in local)]
    return metric.result(), update


def _gathered(graph: Any, ops: Sequence[Any]) -> Any:
    """Returns one operation for the effects of others, but for initial values."""
    known = [*graph.get_collection(GraphKeys.GLOBAL_VARIABLES), *graph.get_collection(GraphKeys.LOCAL_VARIABLES)]
    initializers = {variable.initializer for variable in known}
    return group(*ordered_effects(graph, [op for op in ops if op not in initializers]))


def _tensor_variable(variable: Any) -> Any:
    """Returns the ``tf.Variable`` that a variable of Keras holds."""
    return variable if callable(variable.value) else variable.value
