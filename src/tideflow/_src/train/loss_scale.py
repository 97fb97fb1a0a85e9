"""Scales of losses: ``tf.compat.v1.mixed_precision.LossScale`` and its kinds.

Gradients of small losses vanish in half precision. A loss that is multiplied by a scale has gradients that do not, and
these are divided by it afterwards (Micikevicius et al. 2018, "Mixed Precision Training").
"""

from __future__ import annotations

import abc
from typing import Any

from tideflow._src.core import context, dtypes, nest
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import Tensor
from tideflow._src.function.conditional import cond
from tideflow._src.ops.array.identity import no_op
from tideflow._src.ops.control.grouping import group
from tideflow._src.ops.math.reduction_functions import reduce_all
from tideflow._src.ops.math.rounding import is_finite
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.trackable import Trackable
from tideflow._src.state.variable import VariableV1


class LossScale(Trackable, metaclass=abc.ABCMeta):
    """Is the base of loss scales: a number of at least 1, and how it changes with the gradients that it leads to."""

    @abc.abstractmethod
    def __call__(self) -> Any:
        """Returns the scale, a float32 scalar."""

    @abc.abstractmethod
    def update(self, grads: Any) -> tuple[Any, Any]:
        """Adapts the scale to the gradients of a step.

        Args:
          grads: a structure of gradients of the scaled loss, divided by the scale or not.

        Returns:
          The operation that adapts it, None eagerly, and whether the gradients are to be applied.
        """

    def weights(self) -> list[Any]:
        """Returns the variables that it consists of."""
        return []

    @abc.abstractmethod
    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make such a scale."""

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LossScale:
        """Makes a scale of what :meth:`get_config` returned."""
        return cls(**config)


class FixedLossScale(LossScale):
    """Is a loss scale that never changes.

    Args:
      loss_scale_value: the scale, a Python number of at least 1.

    Raises:
      ValueError: it is no such number.
    """

    def __init__(self, loss_scale_value: float) -> None:
        if not isinstance(loss_scale_value, int | float):
            raise ValueError("loss_scale_value must be a Python int or float.")
        if loss_scale_value < 1:
            raise ValueError("loss_scale_value must be at least 1.")
        self._value = float(loss_scale_value)

    def __call__(self) -> Any:
        return convert_to_tensor(self._value)

    def update(self, grads: Any) -> tuple[Any, Any]:
        del grads
        return no_op(), True

    def __repr__(self) -> str:
        return f"FixedLossScale({self._value})"

    def get_config(self) -> dict[str, Any]:
        return {"loss_scale_value": self._value}


class DynamicLossScale(LossScale):
    """Is a loss scale as high as the gradients allow.

    It is multiplied after a number of steps with finite gradients, and divided, down to 1, after each step with others,
    whose gradients are not applied.

    Args:
      initial_loss_scale: the scale to begin with.
      increment_period: after how many steps with finite gradients it grows.
      multiplier: by what it grows and shrinks.
    """

    def __init__(
        self, initial_loss_scale: float = 2**15, increment_period: int = 2000, multiplier: float = 2.0
    ) -> None:
        self.initial_loss_scale = float(initial_loss_scale)
        self.increment_period = int(increment_period)
        self.multiplier = float(multiplier)
        self._scale = self._weight("current_loss_scale", self.initial_loss_scale, dtypes.float32)
        self._good_steps = self._weight("good_steps", 0, dtypes.int64)

    def _weight(self, name: str, value: float, dtype: Any) -> Any:
        weight = VariableV1(value, trainable=False, dtype=dtype, use_resource=True, name=name)
        return self._track_trackable(weight, name, overwrite=True)

    def __call__(self) -> Any:
        return convert_to_tensor(self._scale)

    def weights(self) -> list[Any]:
        return [self._scale, self._good_steps]

    def update(self, grads: Any) -> tuple[Any, Any]:
        finite = all_finite(grads)

        def grow() -> Any:
            scale = self._scale * self.multiplier
            grown = cond(is_finite(scale), lambda: _done(self._scale.assign(scale)), no_op)
            return _grouped(grown, self._good_steps.assign(0))

        def keep() -> Any:
            due = self._good_steps + 1 >= self.increment_period
            return cond(due, grow, lambda: _done(self._good_steps.assign_add(1)))

        def shrink() -> Any:
            scale = self._scale / self.multiplier
            lowered = self._scale.assign(cond(scale < 1.0, lambda: convert_to_tensor(1.0), lambda: scale))
            return _grouped(self._good_steps.assign(0), lowered)

        return cond(finite, keep, shrink), finite

    def __repr__(self) -> str:
        now = ""
        if context.executing_eagerly():
            now = f"current_loss_scale={self._scale.numpy()}, num_good_steps={self._good_steps.numpy()}, "
        fixed = ", ".join(f"{name}={value}" for name, value in self.get_config().items())
        return f"DynamicLossScale({now}{fixed})"

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_loss_scale": self.initial_loss_scale,
            "increment_period": self.increment_period,
            "multiplier": self.multiplier,
        }


def _done(value: Any) -> Any:
    """Returns what a branch gives for an update: its operation in a graph, nothing eagerly."""
    return None if context.executing_eagerly() else getattr(value, "op", value)


def _grouped(*updates: Any) -> Any:
    return None if context.executing_eagerly() else group(*updates)


def all_finite(grads: Any) -> Any:
    """Tells whether all elements of a structure of gradients are finite; what has no gradient is."""
    values = [grad.values if isinstance(grad, IndexedSlices) else grad for grad in nest.flatten(grads)]
    return reduce_all(
        convert_to_tensor([True, *[reduce_all(is_finite(value)) for value in values if value is not None]])
    )


def loss_scale_of(identifier: Any) -> LossScale | None:
    """Returns the loss scale that a number, ``"dynamic"``, a scale or None stands for.

    Raises:
      ValueError: it is none of these.
    """
    if isinstance(identifier, int | float):
        return FixedLossScale(identifier)
    if isinstance(identifier, str) and identifier == "dynamic":
        return DynamicLossScale()
    if identifier is None or isinstance(identifier, LossScale):
        return identifier
    raise ValueError(f"Could not interpret loss scale identifier: {identifier}")


def scaled(gradient: Any, factor: Any) -> Any:
    """Returns a gradient, dense, of rows, or None, times a float32 scalar."""
    if isinstance(gradient, IndexedSlices):
        return IndexedSlices(scaled(gradient.values, factor), gradient.indices, gradient.dense_shape)
    if gradient is None:
        return None
    assert isinstance(gradient, Tensor)
    return gradient * factor
