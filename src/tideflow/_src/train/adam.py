"""Adam (Kingma and Ba 2014)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.core import context
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.grouping import control_dependencies, group
from tideflow._src.ops.control.init_scope import init_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state import assignment
from tideflow._src.train import slot_creator
from tideflow._src.train.optimizer import Optimizer, cast_like


class AdamOptimizer(Optimizer):
    """Steps by the running mean of the gradient over the root of its running square.

    Args:
      learning_rate: a number, tensor, or function without arguments that returns one.
      beta1: how much of the running mean remains with each step; of the same kinds.
      beta2: how much of the running square remains; of the same kinds.
      epsilon: keeps the division from zero; of the same kinds.
      use_locking: kept for TensorFlow's signature.
      name: the name of the updates.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adam",
        use_own_namescope_for_non_slot_vars: bool = False,
    ) -> None:
        super().__init__(use_locking, name, use_own_namescope_for_non_slot_vars)
        self._lr = learning_rate
        self._beta1 = beta1
        self._beta2 = beta2
        self._epsilon = epsilon
        self._lr_t: Any = None
        self._beta1_t: Any = None
        self._beta2_t: Any = None
        self._epsilon_t: Any = None

    def _get_beta_accumulators(self) -> tuple[Any, Any]:
        with init_scope():  # a branch uses those of the graph around, where slots are made
            graph = context.current_graph()
        return self._get_non_slot_variable("beta1_power", graph), self._get_non_slot_variable("beta2_power", graph)

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        # The accumulators are placed with the first variable by name, so that all processes agree on it.
        first = min(var_list, key=lambda variable: variable.name)
        self._create_non_slot_variable(self._call_if_callable(self._beta1), "beta1_power", first)
        self._create_non_slot_variable(self._call_if_callable(self._beta2), "beta2_power", first)
        for variable in var_list:
            self._zeros_slot(variable, "m", self._name)
            self._zeros_slot(variable, "v", self._name)

    def _prepare(self) -> None:
        self._lr_t = convert_to_tensor(self._call_if_callable(self._lr), name="learning_rate")
        self._beta1_t = convert_to_tensor(self._call_if_callable(self._beta1), name="beta1")
        self._beta2_t = convert_to_tensor(self._call_if_callable(self._beta2), name="beta2")
        self._epsilon_t = convert_to_tensor(self._call_if_callable(self._epsilon), name="epsilon")

    def _hyperparameters(self, like: Any) -> list[Any]:
        powers = self._get_beta_accumulators()
        return [cast_like(item, like) for item in (*powers, self._lr_t, self._beta1_t, self._beta2_t, self._epsilon_t)]

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        slots = self.get_slot(var, "m"), self.get_slot(var, "v")
        return raw.ApplyAdam(var, *slots, *self._hyperparameters(var), grad, use_locking=self._use_locking).op

    def _resource_apply_dense(self, grad: Any, handle: Any) -> Any:
        slots = self.get_slot(handle, "m").handle, self.get_slot(handle, "v").handle
        return raw.ResourceApplyAdam(
            handle.handle, *slots, *self._hyperparameters(grad), grad, use_locking=self._use_locking
        )

    def _apply_sparse_shared(self, grad: Any, var: Any, indices: Any, scatter_add: Callable[..., Any]) -> Any:
        beta1_power, beta2_power, rate, beta1, beta2, epsilon = self._hyperparameters(var)
        rate = rate * raw.Sqrt(1 - beta2_power) / (1 - beta1_power)
        m = self.get_slot(var, "m")
        m_part = grad * (1 - beta1)
        m_t = assignment.assign(m, m * beta1, use_locking=self._use_locking)
        with control_dependencies([m_t]):
            m_t = scatter_add(m, indices, m_part)
        v = self.get_slot(var, "v")
        v_part = (grad * grad) * (1 - beta2)
        v_t = assignment.assign(v, v * beta2, use_locking=self._use_locking)
        with control_dependencies([v_t]):
            v_t = scatter_add(v, indices, v_part)
        root = raw.Sqrt(v_t)
        update = assignment.assign_sub(var, rate * m_t / (root + epsilon), use_locking=self._use_locking)
        return group(update, m_t, v_t)

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        def scatter_add(slot: Any, indices: Any, values: Any) -> Any:
            return assignment.scatter_add(slot, indices, values, use_locking=self._use_locking)

        return self._apply_sparse_shared(grad.values, var, grad.indices, scatter_add)

    def _resource_apply_sparse(self, grad: Any, handle: Any, indices: Any) -> Any:
        def scatter_add(slot: Any, indices: Any, values: Any) -> Any:
            done = raw.ResourceScatterAdd(slot.handle, indices, values)
            with control_dependencies([] if done is None else [done]):
                return slot.value()

        return self._apply_sparse_shared(grad, handle, indices, scatter_add)

    def _finish(self, update_ops: Sequence[Any], name_scope: str) -> Any:
        updates = [update for update in update_ops if update is not None]
        with control_dependencies(updates):
            beta1_power, beta2_power = self._get_beta_accumulators()
            with slot_creator.beside(beta1_power):
                updated1 = beta1_power.assign(beta1_power * self._beta1_t, use_locking=self._use_locking)
                updated2 = beta2_power.assign(beta2_power * self._beta2_t, use_locking=self._use_locking)
        return group(*updates, updated1, updated2, name=name_scope)
