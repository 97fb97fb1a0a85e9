"""FTRL, follow the regularized leader (McMahan et al. 2013), and proximal gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.ops.array.constants import ones
from tideflow._src.ops.array.raw import raw
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.train import slot_creator
from tideflow._src.train.optimizer import Optimizer, cast_like


class FtrlOptimizer(Optimizer):
    """Follows the regularized leader, with a learning rate for each coordinate.

    Args:
      learning_rate: a number, tensor, or function without arguments that returns one.
      learning_rate_power: how the rate falls with the squared gradients; at most 0.
      initial_accumulator_value: what the sums of squared gradients start with; at least 0.
      l1_regularization_strength, l2_regularization_strength: penalties, at least 0.
      use_locking: kept for TensorFlow's signature.
      name: the name of the updates.
      accum_name, linear_name: the names of the slots; the optimizer's by default.
      l2_shrinkage_regularization_strength: a penalty on magnitude that adds to the gradient; at least 0.
      beta: a term of the paper that adds to the L2 penalty.

    Raises:
      ValueError: a number is out of its range.
    """

    def __init__(
        self,
        learning_rate: Any,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "Ftrl",
        accum_name: str | None = None,
        linear_name: str | None = None,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float | None = None,
    ) -> None:
        super().__init__(use_locking, name)
        for label, value, wrong, need in (
            ("initial_accumulator_value", initial_accumulator_value, initial_accumulator_value < 0.0, "positive"),
            ("learning_rate_power", learning_rate_power, learning_rate_power > 0.0, "negative"),
            ("l1_regularization_strength", l1_regularization_strength, l1_regularization_strength < 0.0, "positive"),
            ("l2_regularization_strength", l2_regularization_strength, l2_regularization_strength < 0.0, "positive"),
            (
                "l2_shrinkage_regularization_strength",
                l2_shrinkage_regularization_strength,
                l2_shrinkage_regularization_strength < 0.0,
                "positive",
            ),
        ):
            if wrong:
                raise ValueError(f"{label} {value:f} needs to be {need} or zero")
        self._learning_rate = learning_rate
        self._learning_rate_power = learning_rate_power
        self._initial_accumulator_value = initial_accumulator_value
        self._l1_regularization_strength = l1_regularization_strength
        self._l2_regularization_strength = l2_regularization_strength
        self._beta = 0.0 if beta is None else beta
        self._l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self._accum_name = accum_name
        self._linear_name = linear_name

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        value = self._initial_accumulator_value

        def accumulator(shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
            del partition_info
            return ones(shape, dtype) * value

        for variable in var_list:
            with slot_creator.beside(variable):
                self._get_or_make_slot_with_initializer(
                    variable,
                    accumulator,
                    variable.shape,
                    variable.dtype.base_dtype,
                    "accum",
                    self._accum_name or self._name,
                )
                self._zeros_slot(variable, "linear", self._linear_name or self._name)

    def _prepare(self) -> None:
        rate = self._call_if_callable(self._learning_rate)
        self._learning_rate_tensor: Any = convert_to_tensor(rate, name="learning_rate")
        self._l1_tensor: Any = convert_to_tensor(self._l1_regularization_strength, name="l1_regularization_strength")
        # The paper's L2 penalty holds beta, which TensorFlow's operation does not know.
        if isinstance(rate, int | float):
            least = raw.Maximum(float(rate), 1e-36)
        else:
            least = raw.Maximum(rate, 1e-36)
        self._l2_tensor: Any = self._l2_regularization_strength + self._beta / (2.0 * least)
        self._beta_tensor: Any = convert_to_tensor(self._beta, name="beta")
        self._l2_shrinkage_tensor: Any = convert_to_tensor(
            self._l2_shrinkage_regularization_strength, name="l2_shrinkage_regularization_strength"
        )
        self._learning_rate_power_tensor: Any = convert_to_tensor(self._learning_rate_power, name="learning_rate_power")

    def _shrinks(self) -> bool:
        return self._l2_shrinkage_regularization_strength > 0.0

    def _operation(self, prefix: str) -> Any:
        return getattr(raw, f"{prefix}{'FtrlV2' if self._shrinks() else 'Ftrl'}")

    def _hyperparameters(self, like: Any) -> list[Any]:
        shrinkage = (self._l2_shrinkage_tensor,) if self._shrinks() else ()
        items = (
            self._learning_rate_tensor,
            self._l1_tensor,
            self._l2_tensor,
            *shrinkage,
            self._learning_rate_power_tensor,
        )
        return [cast_like(item, like) for item in items]

    def _state(self, var: Any) -> tuple[Any, Any]:
        return self.get_slot(var, "accum"), self.get_slot(var, "linear")

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        return self._operation("Apply")(
            var, *self._state(var), grad, *self._hyperparameters(var), use_locking=self._use_locking
        ).op

    def _resource_apply_dense(self, grad: Any, handle: Any) -> Any:
        state = [slot.handle for slot in self._state(handle)]
        return self._operation("ResourceApply")(
            handle.handle, *state, grad, *self._hyperparameters(handle), use_locking=self._use_locking
        )

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        return self._operation("SparseApply")(
            var,
            *self._state(var),
            grad.values,
            grad.indices,
            *self._hyperparameters(var),
            use_locking=self._use_locking,
        ).op

    def _resource_apply_sparse(self, grad: Any, handle: Any, indices: Any) -> Any:
        state = [slot.handle for slot in self._state(handle)]
        return self._operation("ResourceSparseApply")(
            handle.handle, *state, grad, indices, *self._hyperparameters(handle), use_locking=self._use_locking
        )


class ProximalGradientDescentOptimizer(Optimizer):
    """Takes gradient steps, each followed by the proximal maps of L1 and L2 penalties (Duchi and Singer 2009).

    Args:
      learning_rate: a number or tensor.
      l1_regularization_strength, l2_regularization_strength: the penalties, at least 0.
      use_locking: kept for TensorFlow's signature.
      name: the name of the updates.
    """

    def __init__(
        self,
        learning_rate: Any,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "ProximalGradientDescent",
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._l1_regularization_strength = l1_regularization_strength
        self._l2_regularization_strength = l2_regularization_strength

    def _prepare(self) -> None:
        self._learning_rate_tensor: Any = convert_to_tensor(self._learning_rate, name="learning_rate")
        self._l1_tensor: Any = convert_to_tensor(self._l1_regularization_strength, name="l1_regularization_strength")
        self._l2_tensor: Any = convert_to_tensor(self._l2_regularization_strength, name="l2_regularization_strength")

    def _hyperparameters(self, like: Any) -> list[Any]:
        return [cast_like(item, like) for item in (self._learning_rate_tensor, self._l1_tensor, self._l2_tensor)]

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        return raw.ApplyProximalGradientDescent(
            var, *self._hyperparameters(var), grad, use_locking=self._use_locking
        ).op

    def _resource_apply_dense(self, grad: Any, handle: Any) -> Any:
        return raw.ResourceApplyProximalGradientDescent(
            handle.handle, *self._hyperparameters(grad), grad, use_locking=self._use_locking
        )

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        return raw.SparseApplyProximalGradientDescent(
            var, *self._hyperparameters(var), grad.values, grad.indices, use_locking=self._use_locking
        ).op

    def _resource_apply_sparse(self, grad: Any, handle: Any, indices: Any) -> Any:
        return raw.ResourceSparseApplyProximalGradientDescent(
            handle.handle, *self._hyperparameters(grad), grad, indices, use_locking=self._use_locking
        )
