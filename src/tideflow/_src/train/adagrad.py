"""Adagrad and its relatives: Adagrad with dual averaging, with proximal steps, and Adadelta."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.ops.array.constants import constant
from tideflow._src.ops.array.identity import identity
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.casting import cast
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.initializers import Constant
from tideflow._src.train import slot_creator
from tideflow._src.train.optimizer import Optimizer, cast_like


def _filled_like(variable: Any, value: float, dtype: Any) -> Callable[[], Any]:
    """Returns an initializer for a variable whose shape is not fully known."""

    def initialize() -> Any:
        return cast(raw.Fill(raw.Shape(variable), value), dtype)

    return initialize


class AdagradOptimizer(Optimizer):
    """Divides each step by the root of the sum of squared gradients (Duchi et al. 2011).

    Args:
      learning_rate: a number, tensor, or function without arguments that returns one.
      initial_accumulator_value: what the sums start with; positive.
      use_locking: kept for TensorFlow's signature.
      name: the name of the updates.

    Raises:
      ValueError: the initial value is not positive.
    """

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        use_locking: bool = False,
        name: str = "Adagrad",
    ) -> None:
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial_accumulator_value = initial_accumulator_value
        self._learning_rate_tensor: Any = None

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for variable in var_list:
            dtype = variable.dtype.base_dtype
            shape = variable.get_shape()
            value = self._initial_accumulator_value
            initializer: Any
            if shape.is_fully_defined():
                initializer = Constant(value, dtype)
            else:
                initializer = _filled_like(variable, value, dtype)
            self._get_or_make_slot_with_initializer(variable, initializer, shape, dtype, "accumulator", self._name)

    def _prepare(self) -> None:
        rate = self._call_if_callable(self._learning_rate)
        self._learning_rate_tensor = convert_to_tensor(rate, name="learning_rate")

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        rate = cast_like(self._learning_rate_tensor, var)
        slot = self.get_slot(var, "accumulator")
        return raw.ApplyAdagrad(var, slot, rate, grad, use_locking=self._use_locking).op

    def _resource_apply_dense(self, grad: Any, handle: Any) -> Any:
        rate = cast_like(self._learning_rate_tensor, grad)
        slot = self.get_slot(handle, "accumulator").handle
        return raw.ResourceApplyAdagrad(handle.handle, slot, rate, grad, use_locking=self._use_locking)

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        rate = cast_like(self._learning_rate_tensor, var)
        slot = self.get_slot(var, "accumulator")
        return raw.SparseApplyAdagrad(var, slot, rate, grad.values, grad.indices, use_locking=self._use_locking).op

    def _resource_apply_sparse(self, grad: Any, handle: Any, indices: Any) -> Any:
        rate = cast_like(self._learning_rate_tensor, grad)
        slot = self.get_slot(handle, "accumulator").handle
        return raw.ResourceSparseApplyAdagrad(handle.handle, slot, rate, grad, indices, use_locking=self._use_locking)


class ProximalAdagradOptimizer(Optimizer):
    """Is Adagrad with L1 and L2 penalties applied by their proximal maps.

    Args:
      learning_rate: a number or tensor.
      initial_accumulator_value: what the sums of squared gradients start with; positive.
      l1_regularization_strength, l2_regularization_strength: the penalties, at least 0.
      use_locking: kept for TensorFlow's signature.
      name: the name of the updates.

    Raises:
      ValueError: the initial value is not positive.
    """

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "ProximalAdagrad",
    ) -> None:
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial_accumulator_value = initial_accumulator_value
        self._l1_regularization_strength = l1_regularization_strength
        self._l2_regularization_strength = l2_regularization_strength

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for variable in var_list:
            with slot_creator.beside(variable):
                value = constant(self._initial_accumulator_value, variable.dtype.base_dtype, shape=variable.get_shape())
            self._get_or_make_slot(variable, value, "accumulator", self._name)

    def _prepare(self) -> None:
        self._learning_rate_tensor: Any = convert_to_tensor(self._learning_rate, name="learning_rate")
        self._l1_tensor: Any = convert_to_tensor(self._l1_regularization_strength, name="l1_regularization_strength")
        self._l2_tensor: Any = convert_to_tensor(self._l2_regularization_strength, name="l2_regularization_strength")

    def _hyperparameters(self, like: Any) -> list[Any]:
        return [cast_like(item, like) for item in (self._learning_rate_tensor, self._l1_tensor, self._l2_tensor)]

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        slot = self.get_slot(var, "accumulator")
        return raw.ApplyProximalAdagrad(var, slot, *self._hyperparameters(var), grad, use_locking=self._use_locking).op

    def _resource_apply_dense(self, grad: Any, handle: Any) -> Any:
        slot = self.get_slot(handle, "accumulator").handle
        return raw.ResourceApplyProximalAdagrad(
            handle.handle, slot, *self._hyperparameters(grad), grad, use_locking=self._use_locking
        )

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        slot = self.get_slot(var, "accumulator")
        return raw.SparseApplyProximalAdagrad(
            var, slot, *self._hyperparameters(var), grad.values, grad.indices, use_locking=self._use_locking
        ).op

    def _resource_apply_sparse(self, grad: Any, handle: Any, indices: Any) -> Any:
        slot = self.get_slot(handle, "accumulator").handle
        return raw.ResourceSparseApplyProximalAdagrad(
            handle.handle, slot, *self._hyperparameters(grad), grad, indices, use_locking=self._use_locking
        )


class AdagradDAOptimizer(Optimizer):
    """Is Adagrad by dual averaging, which makes linear models truly sparse.

    Args:
      learning_rate: a number or tensor.
      global_step: the variable that counts the steps.
      initial_gradient_squared_accumulator_value: what the sums of squared gradients start with; positive.
      l1_regularization_strength, l2_regularization_strength: the penalties, at least 0.
      use_locking: kept for TensorFlow's signature.
      name: the name of the updates.

    Raises:
      ValueError: the initial value is not positive.
    """

    def __init__(
        self,
        learning_rate: Any,
        global_step: Any,
        initial_gradient_squared_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "AdagradDA",
    ) -> None:
        if initial_gradient_squared_accumulator_value <= 0.0:
            raise ValueError(
                "initial_gradient_squared_accumulator_value must be positive: "
                f"{initial_gradient_squared_accumulator_value}"
            )
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial_value = initial_gradient_squared_accumulator_value
        self._l1_regularization_strength = l1_regularization_strength
        self._l2_regularization_strength = l2_regularization_strength
        self._global_step = global_step
        self._global_step_on_worker: Any = None
        self._learning_rate_tensor: Any = None

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for variable in var_list:
            with slot_creator.beside(variable):
                total = constant(0.0, variable.dtype.base_dtype, shape=variable.get_shape())
                squares = constant(self._initial_value, variable.dtype.base_dtype, shape=variable.get_shape())
            self._get_or_make_slot(variable, total, "gradient_accumulator", self._name)
            self._get_or_make_slot(variable, squares, "gradient_squared_accumulator", self._name)

    def _prepare(self) -> None:
        self._learning_rate_tensor = convert_to_tensor(self._learning_rate, name="learning_rate")
        # The first step counts as one.
        with slot_creator.beside(self._learning_rate_tensor):
            self._global_step_on_worker = identity(self._global_step) + 1

    def _arguments(self, like: Any) -> list[Any]:
        with slot_creator.beside(like):
            step = identity(self._global_step_on_worker)
        dtype = like.dtype.base_dtype
        return [
            cast_like(self._learning_rate_tensor, like),
            cast(self._l1_regularization_strength, dtype),
            cast(self._l2_regularization_strength, dtype),
            step,
        ]

    def _sums(self, var: Any) -> tuple[Any, Any]:
        return self.get_slot(var, "gradient_accumulator"), self.get_slot(var, "gradient_squared_accumulator")

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        return raw.ApplyAdagradDA(var, *self._sums(var), grad, *self._arguments(var), use_locking=self._use_locking).op

    def _resource_apply_dense(self, grad: Any, handle: Any) -> Any:
        sums = [slot.handle for slot in self._sums(handle)]
        return raw.ResourceApplyAdagradDA(
            handle.handle, *sums, grad, *self._arguments(handle), use_locking=self._use_locking
        )

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        return raw.SparseApplyAdagradDA(
            var,
            *self._sums(var),
            grad.values,
            grad.indices,
            *self._arguments(var),
            use_locking=self._use_locking,
        ).op

    def _resource_apply_sparse(self, grad: Any, handle: Any, indices: Any) -> Any:
        sums = [slot.handle for slot in self._sums(handle)]
        return raw.ResourceSparseApplyAdagradDA(
            handle.handle, *sums, grad, indices, *self._arguments(handle), use_locking=self._use_locking
        )


class AdadeltaOptimizer(Optimizer):
    """Scales steps by the ratio of running roots of squared updates and gradients (Zeiler 2012).

    Args:
      learning_rate: a number, tensor, or function without arguments that returns one.
      rho: how much of the running squares remains with each step; of the same kinds.
      epsilon: conditions the roots; of the same kinds.
      use_locking: kept for TensorFlow's signature.
      name: the name of the updates.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.95,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adadelta",
    ) -> None:
        super().__init__(use_locking, name)
        self._lr = learning_rate
        self._rho = rho
        self._epsilon = epsilon

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for variable in var_list:
            self._zeros_slot(variable, "accum", self._name)
            self._zeros_slot(variable, "accum_update", self._name)

    def _prepare(self) -> None:
        self._lr_t: Any = convert_to_tensor(self._call_if_callable(self._lr), name="lr")
        self._rho_t: Any = convert_to_tensor(self._call_if_callable(self._rho), name="rho")
        self._epsilon_t: Any = convert_to_tensor(self._call_if_callable(self._epsilon), name="epsilon")

    def _hyperparameters(self, like: Any) -> list[Any]:
        return [cast_like(item, like) for item in (self._lr_t, self._rho_t, self._epsilon_t)]

    def _sums(self, var: Any) -> tuple[Any, Any]:
        return self.get_slot(var, "accum"), self.get_slot(var, "accum_update")

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        return raw.ApplyAdadelta(
            var, *self._sums(var), *self._hyperparameters(var), grad, use_locking=self._use_locking
        ).op

    def _resource_apply_dense(self, grad: Any, handle: Any) -> Any:
        sums = [slot.handle for slot in self._sums(handle)]
        return raw.ResourceApplyAdadelta(
            handle.handle, *sums, *self._hyperparameters(grad), grad, use_locking=self._use_locking
        )

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        return raw.SparseApplyAdadelta(
            var,
            *self._sums(var),
            *self._hyperparameters(var),
            grad.values,
            grad.indices,
            use_locking=self._use_locking,
        ).op

    def _resource_apply_sparse(self, grad: Any, handle: Any, indices: Any) -> Any:
        sums = [slot.handle for slot in self._sums(handle)]
        return raw.ResourceSparseApplyAdadelta(
            handle.handle, *sums, *self._hyperparameters(grad), grad, indices, use_locking=self._use_locking
        )
