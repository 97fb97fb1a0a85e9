"""RMSProp (Tieleman and Hinton 2012), plain and centered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.ops.array.raw import raw
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.initializers import Ones
from tideflow._src.train.optimizer import Optimizer, cast_like


class RMSPropOptimizer(Optimizer):
    """Divides the gradient by the root of its running square.

    Args:
      learning_rate: a number, tensor, or function without arguments that returns one.
      decay: how much of the running square remains with each step; of the same kinds.
      momentum: how much of the step remains; of the same kinds.
      epsilon: keeps the division from zero; of the same kinds.
      use_locking: kept for TensorFlow's signature.
      centered: whether to divide by the running standard deviation instead.
      name: the name of the updates.
    """

    def __init__(
        self,
        learning_rate: Any,
        decay: Any = 0.9,
        momentum: Any = 0.0,
        epsilon: Any = 1e-10,
        use_locking: bool = False,
        centered: bool = False,
        name: str = "RMSProp",
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._decay = decay
        self._momentum = momentum
        self._epsilon = epsilon
        self._centered = centered

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for variable in var_list:
            dtype = variable.dtype.base_dtype
            shape = variable.get_shape()
            initializer: Any = Ones(dtype)
            if not shape.is_fully_defined():
                initializer = _ones_like(variable)
            self._get_or_make_slot_with_initializer(variable, initializer, shape, dtype, "rms", self._name)
            if self._centered:
                self._zeros_slot(variable, "mg", self._name)
            self._zeros_slot(variable, "momentum", self._name)

    def _prepare(self) -> None:
        self._learning_rate_tensor: Any = convert_to_tensor(
            self._call_if_callable(self._learning_rate), name="learning_rate"
        )
        self._decay_tensor: Any = convert_to_tensor(self._call_if_callable(self._decay), name="decay")
        self._momentum_tensor: Any = convert_to_tensor(self._call_if_callable(self._momentum), name="momentum")
        self._epsilon_tensor: Any = convert_to_tensor(self._call_if_callable(self._epsilon), name="epsilon")

    def _hyperparameters(self, like: Any) -> list[Any]:
        return [
            cast_like(item, like)
            for item in (
                self._learning_rate_tensor,
                self._decay_tensor,
                self._momentum_tensor,
                self._epsilon_tensor,
            )
        ]

    def _state(self, var: Any) -> list[Any]:
        names = ("mg", "rms", "momentum") if self._centered else ("rms", "momentum")
        return [self.get_slot(var, name) for name in names]

    def _operation(self, prefix: str) -> Any:
        return getattr(raw, f"{prefix}{'CenteredRMSProp' if self._centered else 'RMSProp'}")

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        return self._operation("Apply")(
            var, *self._state(var), *self._hyperparameters(var), grad, use_locking=self._use_locking
        ).op

    def _resource_apply_dense(self, grad: Any, handle: Any) -> Any:
        state = [slot.handle for slot in self._state(handle)]
        return self._operation("ResourceApply")(
            handle.handle, *state, *self._hyperparameters(grad), grad, use_locking=self._use_locking
        )

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        return self._operation("SparseApply")(
            var,
            *self._state(var),
            *self._hyperparameters(var),
            grad.values,
            grad.indices,
            use_locking=self._use_locking,
        ).op

    def _resource_apply_sparse(self, grad: Any, handle: Any, indices: Any) -> Any:
        state = [slot.handle for slot in self._state(handle)]
        return self._operation("ResourceSparseApply")(
            handle.handle, *state, *self._hyperparameters(grad), grad, indices, use_locking=self._use_locking
        )


def _ones_like(variable: Any) -> Any:
    def initialize() -> Any:
        return raw.OnesLike(variable)

    return initialize
