"""Defines ``SyncReplicasOptimizer``: applies the mean of the gradients of replicas, which wait for it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from tideflow._src.core import logger as logging
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.ops.array.constants import constant
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.grouping import control_dependencies, group
from tideflow._src.ops.queues.accumulator_classes import ConditionalAccumulator, SparseConditionalAccumulator
from tideflow._src.ops.queues.queue_classes import FIFOQueue
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state import assignment, variable_collections
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.variable import VariableV1
from tideflow._src.train.global_step import get_global_step
from tideflow._src.train.optimizer import Optimizer
from tideflow._src.train.queue_runner import QueueRunner
from tideflow._src.train.session_run_hook import SessionRunHook


class SyncReplicasOptimizer(Optimizer):
    """Gathers gradients of replicas, applies their mean once there are enough, and lets the replicas go on.

    Each replica adds its gradients to accumulators and takes a token; a thread of the chief takes the mean of the
    accumulated gradients, applies it, and puts new tokens into the queue (Chen et al. 2016, "Revisiting Distributed
    Synchronous SGD"). Gradients of an earlier step are dropped.

    Args:
      opt: the optimizer that applies the mean.
      replicas_to_aggregate: how many gradients make a step.
      total_num_replicas: how many replicas there are; ``replicas_to_aggregate`` if None.
      variable_averages: an ``ExponentialMovingAverage`` to update after each step.
      variables_to_average: the variables that it averages.
      use_locking: passed to the base class.
      name: the name of the operations.

    Raises:
      ValueError: only one of ``variable_averages`` and ``variables_to_average`` is given.
    """

    def __init__(
        self,
        opt: Optimizer,
        replicas_to_aggregate: int,
        total_num_replicas: int | None = None,
        variable_averages: Any = None,
        variables_to_average: Any = None,
        use_locking: bool = False,
        name: str = "sync_replicas",
    ) -> None:
        if total_num_replicas is None:
            total_num_replicas = replicas_to_aggregate
        super().__init__(use_locking, name)
        logging.info(
            "SyncReplicasV2: replicas_to_aggregate=%s; total_num_replicas=%s",
            replicas_to_aggregate,
            total_num_replicas,
        )
        if (variable_averages is None) != (variables_to_average is None):
            raise ValueError("Pass both variable_averages and variables_to_average, or neither.")
        self._opt = opt
        self._replicas_to_aggregate = replicas_to_aggregate
        self._total_num_replicas = total_num_replicas
        self._tokens_per_step = max(total_num_replicas, replicas_to_aggregate)
        self._variable_averages = variable_averages
        self._variables_to_average = variables_to_average
        self._gradients_applied = False
        self._global_step: Any = None
        self._sync_token_queue: Any = None
        self._chief_queue_runner: Any = None
        self.chief_init_op: Any = None
        self.local_step_init_op: Any = None
        self.ready_for_local_init_op: Any = None

    def compute_gradients(self, *args: Any, **kwargs: Any) -> list[tuple[Any, Any]]:
        """Returns pairs of a gradient and its variable, as the optimizer inside computes them."""
        return self._opt.compute_gradients(*args, **kwargs)

    def apply_gradients(self, grads_and_vars: Iterable[Any], global_step: Any = None, name: str | None = None) -> Any:
        """Returns the operation of a replica: it adds its gradients and waits for the step.

        Args:
          grads_and_vars: pairs of a gradient and a variable.
          global_step: counts the steps; that of the graph if None.
          name: the name of the operation.

        Raises:
          ValueError: there are no pairs, or no global step.
        """
        pairs = list(grads_and_vars)
        if not pairs:
            raise ValueError("Must supply at least one variable")
        step = get_global_step() if global_step is None else global_step
        if step is None:
            raise ValueError("Global step is required to check staleness")
        self._global_step = step
        make_variable: Any = VariableV1
        local_step = make_variable(
            initial_value=0,
            trainable=False,
            collections=[GraphKeys.LOCAL_VARIABLES],
            dtype=step.dtype.base_dtype,
            name="sync_rep_local_step",
        )
        self.local_step_init_op = assignment.assign(local_step, convert_to_tensor(step))
        chief_ops = [self.local_step_init_op]
        self.ready_for_local_init_op = variable_collections.report_uninitialized_variables(
            variable_collections.global_variables()
        )
        added: list[Any] = []
        means: list[tuple[Any, Any]] = []
        accumulators: list[Any] = []
        with name_scope(None, self._name):
            for gradient, variable in pairs:
                if gradient is None:
                    means.append((None, variable))
                    continue
                accumulator: Any
                shared = f"{variable.name}/grad_accum"
                local = convert_to_tensor(local_step)
                if isinstance(gradient, IndexedSlices):
                    accumulator = SparseConditionalAccumulator(gradient.dtype, shared_name=shared)
                    added.append(accumulator.apply_indexed_slices_grad(gradient, local_step=local))
                    means.append((accumulator.take_indexed_slices_grad(self._replicas_to_aggregate), variable))
                else:
                    accumulator = ConditionalAccumulator(gradient.dtype, shape=variable.get_shape(), shared_name=shared)
                    added.append(accumulator.apply_grad(gradient, local_step=local))
                    means.append((accumulator.take_grad(self._replicas_to_aggregate), variable))
                accumulators.append(accumulator)
            update = self._opt.apply_gradients(means, global_step)
            step_dtype = step.dtype.base_dtype
            self._sync_token_queue = FIFOQueue(
                -1, step_dtype, shapes=(), name="sync_token_q", shared_name="sync_token_q"
            )
            update, sync = self._with_tokens(update, added, local_step, step, name)
            self._chief_queue_runner = QueueRunner(self._sync_token_queue, [update])
            for accumulator in accumulators:
                chief_ops.append(accumulator.set_global_step(step, name="SetGlobalStep"))
            self.chief_init_op = group(*chief_ops)
            self._gradients_applied = True
        return sync

    def _with_tokens(self, update: Any, added: list[Any], local_step: Any, step: Any, name: str | None) -> Any:
        """Returns the operation of the chief, which gives tokens after the update, and that of a replica."""
        with control_dependencies(added):
            token = self._sync_token_queue.dequeue()
        with control_dependencies([token]):
            replica = assignment.assign(local_step, token, name=name)
        with control_dependencies([update]):
            # The step after the update tells replicas which gradients are of the present.
            now = raw.Identity(convert_to_tensor(step))
            tokens = raw.Fill([self._tokens_per_step], now)
            give = self._sync_token_queue.enqueue_many((tokens,))
        if self._variable_averages is not None:
            with control_dependencies([give]):
                give = self._variable_averages.apply(self._variables_to_average)
        return give, (replica.op if hasattr(replica, "op") else replica)

    def get_chief_queue_runner(self) -> Any:
        """Returns the queue runner whose thread applies the gradients.

        Raises:
          ValueError: :meth:`apply_gradients` has not been called.
        """
        if not self._gradients_applied:
            raise ValueError("Should be called after apply_gradients().")
        return self._chief_queue_runner

    def get_slot(self, *args: Any, **kwargs: Any) -> Any:
        """Returns a slot of the optimizer inside."""
        return self._opt.get_slot(*args, **kwargs)

    def variables(self) -> list[Any]:
        """Returns the variables of the optimizer inside."""
        return self._opt.variables()

    def get_slot_names(self, *args: Any, **kwargs: Any) -> list[str]:
        """Returns the names of the slots of the optimizer inside."""
        return self._opt.get_slot_names(*args, **kwargs)

    def get_init_tokens_op(self, num_tokens: int = -1) -> Any:
        """Returns the operation that puts the first tokens into the queue, before any step.

        Args:
          num_tokens: how many; as many as are missing to ``replicas_to_aggregate`` if -1.

        Raises:
          ValueError: :meth:`apply_gradients` has not been called, or there are too few tokens.
        """
        if not self._gradients_applied:
            raise ValueError("get_init_tokens_op() should be called after apply_gradients().")
        needed = self._replicas_to_aggregate - self._total_num_replicas
        if num_tokens == -1:
            num_tokens = self._replicas_to_aggregate
        elif num_tokens < needed:
            raise ValueError(f"Too few tokens to finish the first step: {num_tokens} (given) vs {needed} (needed)")
        if num_tokens <= 0:
            return group(name="no_init_tokens")
        step_dtype = self._global_step.dtype.base_dtype
        tokens = raw.Fill([num_tokens], constant(0, step_dtype))
        return self._sync_token_queue.enqueue_many((tokens,))

    def make_session_run_hook(self, is_chief: bool, num_tokens: int = -1) -> Any:
        """Returns the hook that a monitored session needs.

        Args:
          is_chief: whether this task applies the gradients.
          num_tokens: as of :meth:`get_init_tokens_op`.
        """
        return _SyncReplicasOptimizerHook(self, is_chief, num_tokens)


class _SyncReplicasOptimizerHook(SessionRunHook):
    """Initializes tokens and steps, and runs the chief's queue runner."""

    def __init__(self, sync_optimizer: SyncReplicasOptimizer, is_chief: bool, num_tokens: int) -> None:
        self._sync_optimizer = sync_optimizer
        self._is_chief = is_chief
        self._num_tokens = num_tokens

    def begin(self) -> None:
        """Makes the operations that the first session runs."""
        optimizer = self._sync_optimizer
        if not optimizer._gradients_applied:
            raise ValueError("SyncReplicasOptimizer.apply_gradient should be called before using the hook.")
        if self._is_chief:
            self._local_init_op = optimizer.chief_init_op
            self._ready_for_local_init_op = optimizer.ready_for_local_init_op
            self._q_runner = optimizer.get_chief_queue_runner()
            self._init_tokens_op = optimizer.get_init_tokens_op(self._num_tokens)
        else:
            self._local_init_op = optimizer.local_step_init_op
            self._ready_for_local_init_op = optimizer.ready_for_local_init_op
            self._q_runner = None
            self._init_tokens_op = None

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Initializes the local step and the tokens, and starts the chief's thread.

        Raises:
          RuntimeError: the model is not initialized.
        """
        missing = session.run(self._ready_for_local_init_op)
        if missing.size:
            names = ", ".join(name.decode() for name in missing)
            raise RuntimeError(
                f"Init operations did not make model ready for local_init. Variables not initialized: {names}"
            )
        session.run(self._local_init_op)
        if self._init_tokens_op is not None:
            session.run(self._init_tokens_op)
        if self._q_runner is not None:
            self._q_runner.create_threads(session, coord=coord, daemon=True, start=True)
            # The chief's thread waits for gradients that will not come once the work is over.
            threading.Thread(target=_cancel_on_stop, args=(session, coord), daemon=True).start()


def _cancel_on_stop(session: Any, coord: Any) -> None:
    coord.wait_for_stop()
    session.cancel_waits()
