"""The operation of a step of training: what an optimizer changes, and the count of steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.estimator import keras_updates
from tideflow._src.ops.control.grouping import group
from tideflow._src.state.assignment import assign_add
from tideflow._src.state.variable_collections import trainable_variables
from tideflow._src.train.optimizer import Optimizer


def is_optimizer(value: Any) -> bool:
    """Tells whether a value is an optimizer, of Keras or of ``tf.compat.v1.train``."""
    return isinstance(value, Optimizer) or keras_updates.is_optimizer(value)


def minimize(optimizer: Any, loss: Any, variables: Sequence[Any] | None = None, step: Any = None) -> Any:
    """Returns the operation of a step of an optimizer.

    Args:
      optimizer: an optimizer, of Keras or of ``tf.compat.v1.train``.
      loss: a scalar tensor of the graph.
      variables: the variables to train; all that are trainable by default.
      step: the variable that counts steps, or None.
    """
    if isinstance(optimizer, Optimizer):
        return optimizer.minimize(loss, global_step=step, var_list=variables)
    trained = trainable_variables() if variables is None else variables
    update = keras_updates.minimize(keras_updates.of_this_graph(optimizer), loss, trained)
    return update if step is None else then_count([update], step)


def then_count(updates: Sequence[Any], step: Any) -> Any:
    """Returns the operation that runs updates, and then counts one step."""
    with step.graph.control_dependencies([group(*updates)]):
        return assign_add(step, 1).op
