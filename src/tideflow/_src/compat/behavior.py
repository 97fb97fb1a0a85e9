"""Switches between the behaviour of TensorFlow 1.x and 2.x."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context, tensor_shape
from tideflow._src.core.tensor import Tensor
from tideflow._src.state.variable import disable_resource_variables, enable_resource_variables

_COMPARISONS = frozenset(("__eq__", "__ne__"))


def disable_eager_execution() -> None:
    """Makes operations join graphs by default, as in TensorFlow 1.x."""
    context.set_eager_by_default(False)


def enable_eager_execution(config: Any = None, device_policy: Any = None, execution_mode: Any = None) -> None:
    """Makes operations run at once by default.

    Raises:
      ValueError: the default graph holds operations already.
    """
    del config, device_policy, execution_mode
    graph = context.mode.default_graph
    if not context.mode.eager_by_default and graph is not None and graph.get_operations():
        raise ValueError("tf.enable_eager_execution must be called at program startup.")
    context.set_eager_by_default(True)


def enable_tensor_equality() -> None:
    """Makes ``==`` compare tensors element by element, as in TensorFlow 2.x."""
    context.mode.tensor_equality = True
    context.mode.choices += 1
    Tensor.OVERLOADABLE_OPERATORS |= _COMPARISONS


def disable_tensor_equality() -> None:
    """Makes ``==`` compare tensors by identity, as in TensorFlow 1.x."""
    context.mode.tensor_equality = False
    context.mode.choices += 1
    # Libraries give their own classes these operators of tensors: they need no comparison that is none of theirs.
    Tensor.OVERLOADABLE_OPERATORS -= _COMPARISONS


def enable_v2_tensorshape() -> None:
    """Makes the elements of a ``TensorShape`` integers or None, as in TensorFlow 2.x."""
    tensor_shape.set_v2_behavior(True)
    context.mode.choices += 1


def disable_v2_tensorshape() -> None:
    """Makes the elements of a ``TensorShape`` ``Dimension`` objects, as in TensorFlow 1.x."""
    tensor_shape.set_v2_behavior(False)
    context.mode.choices += 1


def disable_v2_behavior() -> None:
    """Behaves as TensorFlow 1.x: graphs, reference variables, ``Dimension`` objects, tensors compared by identity."""
    disable_eager_execution()
    disable_v2_tensorshape()
    disable_tensor_equality()
    disable_resource_variables()


def enable_v2_behavior() -> None:
    """Behaves as TensorFlow 2.x: eager execution, resource variables."""
    enable_eager_execution()
    enable_v2_tensorshape()
    enable_tensor_equality()
    enable_resource_variables()


def control_flow_v2_enabled() -> bool:
    """Tells whether conditionals and loops are operations that hold functions: always, here."""
    return True


def enable_control_flow_v2() -> None:
    """Does nothing: conditionals and loops are operations that hold functions."""


def disable_control_flow_v2() -> None:
    """Does nothing: conditionals and loops are operations that hold functions."""
