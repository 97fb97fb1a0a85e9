"""Gradient descent, plain and with momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.ops.array.raw import raw
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.train.optimizer import Optimizer, cast_like


class GradientDescentOptimizer(Optimizer):
    """Takes a step of ``learning_rate`` down the gradient.

    Args:
      learning_rate: a number, tensor, or function without arguments that returns one.
      use_locking: kept for TensorFlow's signature.
      name: the name of the updates.
    """

    def __init__(self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent") -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._learning_rate_tensor: Any = None

    def _prepare(self) -> None:
        rate = self._call_if_callable(self._learning_rate)
        self._learning_rate_tensor = convert_to_tensor(rate, name="learning_rate")

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        rate = cast_like(self._learning_rate_tensor, var)
        return raw.ApplyGradientDescent(var, rate, grad, use_locking=self._use_locking).op

    def _resource_apply_dense(self, grad: Any, handle: Any) -> Any:
        rate = cast_like(self._learning_rate_tensor, grad)
        return raw.ResourceApplyGradientDescent(handle.handle, rate, grad, use_locking=self._use_locking)

    def _resource_apply_sparse_duplicate_indices(self, grad: Any, handle: Any, indices: Any) -> Any:
        return raw.ResourceScatterAdd(handle.handle, indices, -grad * self._learning_rate_tensor)

    def _apply_sparse_duplicate_indices(self, grad: Any, var: Any) -> Any:
        step = grad.values * cast_like(self._learning_rate_tensor, var)
        return var.scatter_sub(IndexedSlices(step, grad.indices, grad.dense_shape), use_locking=self._use_locking)


class MomentumOptimizer(Optimizer):
    """Steps along a decaying sum of gradients.

    Args:
      learning_rate: a number, tensor, or function without arguments that returns one.
      momentum: how much of the sum remains with each step; of the same kinds.
      use_locking: kept for TensorFlow's signature.
      name: the name of the updates.
      use_nesterov: whether to look ahead along the sum (Sutskever et al. 2013).
    """

    def __init__(
        self,
        learning_rate: Any,
        momentum: Any,
        use_locking: bool = False,
        name: str = "Momentum",
        use_nesterov: bool = False,
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._momentum = momentum
        self._use_nesterov = use_nesterov

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for variable in var_list:
            self._zeros_slot(variable, "momentum", self._name)

    def _prepare(self) -> None:
        rate = self._call_if_callable(self._learning_rate)
        self._learning_rate_tensor: Any = convert_to_tensor(rate, name="learning_rate")
        momentum = self._call_if_callable(self._momentum)
        self._momentum_tensor: Any = convert_to_tensor(momentum, name="momentum")

    def _options(self) -> dict[str, bool]:
        return {"use_locking": self._use_locking, "use_nesterov": self._use_nesterov}

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        rate, momentum = (cast_like(item, var) for item in (self._learning_rate_tensor, self._momentum_tensor))
        return raw.ApplyMomentum(var, self.get_slot(var, "momentum"), rate, grad, momentum, **self._options()).op

    def _resource_apply_dense(self, grad: Any, handle: Any) -> Any:
        rate, momentum = (cast_like(item, grad) for item in (self._learning_rate_tensor, self._momentum_tensor))
        slot = self.get_slot(handle, "momentum").handle
        return raw.ResourceApplyMomentum(handle.handle, slot, rate, grad, momentum, **self._options())

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        rate, momentum = (cast_like(item, var) for item in (self._learning_rate_tensor, self._momentum_tensor))
        slot = self.get_slot(var, "momentum")
        return raw.SparseApplyMomentum(var, slot, rate, grad.values, grad.indices, momentum, **self._options()).op

    def _resource_apply_sparse(self, grad: Any, handle: Any, indices: Any) -> Any:
        rate, momentum = (cast_like(item, grad) for item in (self._learning_rate_tensor, self._momentum_tensor))
        slot = self.get_slot(handle, "momentum").handle
        return raw.ResourceSparseApplyMomentum(handle.handle, slot, rate, grad, indices, momentum, **self._options())
