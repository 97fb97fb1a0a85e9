"""Defines ``Optimizer``, the base of the optimizers of TensorFlow 1.x: gradients in, updates of variables out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tideflow._src.autodiff.graph_gradients import gradients
from tideflow._src.autodiff.tape import GradientTape
from tideflow._src.core import context, dtypes, nest
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import Tensor
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.grouping import control_dependencies, group, tuple_v1
from tideflow._src.ops.control.init_scope import init_scope
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.state import sparse_updates as _register_operations
from tideflow._src.ops.state.variables import assign_add_variable_op
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state import assignment
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.resource_variable import is_resource_variable
from tideflow._src.state.trackable import CheckpointInitialValueCallable, Trackable
from tideflow._src.state.variable import Variable, VariableV1
from tideflow._src.state.variable_collections import trainable_variables
from tideflow._src.state.variable_scope import get_variable, variable_scope
from tideflow._src.train import slot_creator

del _register_operations


class Optimizer(Trackable):
    """Computes gradients of a loss and applies them to variables.

    A subclass says what an update is, in :meth:`_apply_dense` and its sisters, and keeps what it remembers of a
    variable in *slots*, variables beside it.

    Args:
      use_locking: kept for TensorFlow's signature: updates never interleave here.
      name: the name scope of the updates, and the name of slots.
      use_own_namescope_for_non_slot_vars: whether variables that belong to the optimizer as a whole are named below it.

    Raises:
      ValueError: the name is empty.
    """

    GATE_NONE = 0
    GATE_OP = 1
    GATE_GRAPH = 2

    def __init__(self, use_locking: bool, name: str, use_own_namescope_for_non_slot_vars: bool = False) -> None:
        if not name:
            raise ValueError("Must specify the optimizer name")
        self._non_slot_scope: Any = None
        if use_own_namescope_for_non_slot_vars:
            with variable_scope(None, default_name=name) as scope:
                self._non_slot_scope = scope
        self._use_locking = use_locking
        self._name = name
        self._slots: dict[str, dict[Any, Any]] = {}
        self._non_slots: dict[Any, Any] = {}
        #: Positions in checkpoints that wait for a slot, by its name and the key of the variable.
        self._deferred_slot_restorations: dict[tuple[str, Any], list[Any]] = {}

    def get_name(self) -> str:
        """Returns the optimizer's name."""
        return self._name

    # Training.

    def minimize(
        self,
        loss: Any,
        global_step: Any = None,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        name: str | None = None,
        grad_loss: Any = None,
    ) -> Any:
        """Returns an operation that takes one step to make ``loss`` smaller; eagerly, takes it.

        Args:
          loss: the tensor to minimize; eagerly, a function without arguments that computes it.
          global_step: a variable to increment with each step.
          var_list: the variables to train; by default the trainable ones.
          gate_gradients, aggregation_method, colocate_gradients_with_ops: see :meth:`compute_gradients`.
          name: the name of the operation.
          grad_loss: the gradient of ``loss``; ones by default.

        Raises:
          ValueError: no variable has a gradient, or ``loss`` is of a dtype that has none.
        """
        pairs = self.compute_gradients(
            loss,
            var_list=var_list,
            gate_gradients=gate_gradients,
            aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
            grad_loss=grad_loss,
        )
        if all(gradient is None for gradient, _ in pairs):
            raise ValueError(
                "No gradients provided for any variable, check your graph for ops that do not support "
                "gradients, "
                f"between variables {[str(variable) for _, variable in pairs]} and loss {loss}."
            )
        return self.apply_gradients(pairs, global_step=global_step, name=name)

    def compute_gradients(
        self,
        loss: Any,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: Any = None,
    ) -> list[tuple[Any, Any]]:
        """Returns pairs of a gradient (a tensor, ``IndexedSlices`` or None) and its variable.

        Args:
          loss: the tensor to minimize; eagerly, a function without arguments that computes it.
          var_list: the variables; by default the trainable ones, or eagerly those that ``loss`` reads.
          gate_gradients: ``GATE_GRAPH`` to compute all gradients before any of them is used.
          aggregation_method: kept for TensorFlow's signature.
          colocate_gradients_with_ops: whether each gradient is placed where its operation is.
          grad_loss: the gradient of ``loss``; ones by default.

        Raises:
          RuntimeError: operations run eagerly and ``loss`` is not a function.
          ValueError: there are no variables, or an argument is not one of those.
        """
        if callable(loss):
            return self._gradients_by_tape(loss, var_list, grad_loss)
        if context.executing_eagerly():
            raise RuntimeError(
                "`loss` passed to Optimizer.compute_gradients should be a function when eager execution is enabled."
            )
        if gate_gradients not in (self.GATE_NONE, self.GATE_OP, self.GATE_GRAPH):
            raise ValueError(
                "gate_gradients must be one of: Optimizer.GATE_NONE, Optimizer.GATE_OP, "
                "Optimizer.GATE_GRAPH.  "
                f"Not {gate_gradients}"
            )
        self._assert_valid_dtypes([loss])
        if grad_loss is not None:
            self._assert_valid_dtypes([grad_loss])
        if var_list is None:
            variables = trainable_variables()
        else:
            variables = nest.flatten(var_list)
        targets = [_target(variable) for variable in variables]
        if not variables:
            raise ValueError("No variables to optimize.")
        found = gradients(
            loss,
            targets,
            grad_ys=grad_loss,
            gate_gradients=gate_gradients == self.GATE_OP,
            aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
        )
        if gate_gradients == self.GATE_GRAPH:
            found = tuple_v1(found)
        pairs = list(zip(found, variables, strict=True))
        self._assert_valid_dtypes([variable for gradient, variable in pairs if gradient is not None])
        return pairs

    @staticmethod
    def _gradients_by_tape(loss: Callable[[], Any], var_list: Any, grad_loss: Any) -> list[tuple[Any, Any]]:
        with GradientTape() as tape:
            if var_list is not None:
                tape.watch(var_list)
            value = loss()
        variables = list(tape.watched_variables()) if var_list is None else nest.flatten(var_list)
        found = tape.gradient(value, variables, grad_loss)
        return list(zip(found, variables, strict=True))

    def apply_gradients(self, grads_and_vars: Iterable[Any], global_step: Any = None, name: str | None = None) -> Any:
        """Returns an operation that applies gradients to their variables; eagerly, applies them.

        Args:
          grads_and_vars: pairs of a gradient and a variable, as :meth:`compute_gradients` returns.
          global_step: a variable to increment after the updates.
          name: the name of the operation; the optimizer's by default.

        Raises:
          TypeError: a gradient is neither a tensor, nor ``IndexedSlices``, nor None.
          ValueError: there are no variables, or none has a gradient.
        """
        pairs = [(_gradient(gradient), variable) for gradient, variable in grads_and_vars]
        if not pairs:
            raise ValueError("No variables provided.")
        variables = [variable for gradient, variable in pairs if gradient is not None]
        if not variables:
            raise ValueError(f"No gradients provided for any variable: {[str(variable) for _, variable in pairs]}.")
        with init_scope():
            self._create_slots(variables)
        with name_scope(name, self._name) as scope:
            self._prepare()
            updates = [self._update(gradient, variable) for gradient, variable in pairs if gradient is not None]
            if global_step is None:
                done = self._finish(updates, scope)
            else:
                with control_dependencies(self._as_controls(self._finish(updates, "update"))):
                    done = _increment(global_step, scope)
        if context.executing_eagerly():
            return done
        done = done.op if isinstance(done, Tensor) else done
        train_ops = context.default_graph().get_collection_ref(GraphKeys.TRAIN_OP)
        if done not in train_ops:
            train_ops.append(done)
        return done

    @staticmethod
    def _as_controls(operation: Any) -> list[Any]:
        return [] if operation is None else [operation]

    def _update(self, gradient: Any, variable: Any) -> Any:
        """Returns the update of one variable."""
        if isinstance(variable, Tensor) or not isinstance(variable, Variable):
            raise NotImplementedError("Trying to update a Tensor ", variable)
        resource = is_resource_variable(variable)
        if context.executing_eagerly():
            return self._apply(gradient, variable, resource)
        label = "" if resource and not variable._in_graph else variable.op.name
        with name_scope(f"update_{label}"), slot_creator.beside(variable):
            return self._apply(gradient, variable, resource)

    def _apply(self, gradient: Any, variable: Any, resource: bool) -> Any:
        constraint = variable.constraint
        if isinstance(gradient, IndexedSlices):
            if constraint is not None:
                raise RuntimeError("Cannot use a constraint function on a sparse variable.")
            if resource:
                return self._resource_apply_sparse_duplicate_indices(gradient.values, variable, gradient.indices)
            return self._apply_sparse_duplicate_indices(gradient, variable)
        update = self._resource_apply_dense(gradient, variable) if resource else self._apply_dense(gradient, variable)
        if constraint is None:
            return update
        with control_dependencies(self._as_controls(update)):
            return variable.assign(constraint(variable))

    def _assert_valid_dtypes(self, tensors: Iterable[Any]) -> None:
        valid = self._valid_dtypes()
        for tensor in tensors:
            dtype = tensor.dtype.base_dtype
            if dtype not in valid:
                raise ValueError(f"Invalid type {dtype!r} for {tensor.name}, expected: {list(valid)}.")

    def _valid_dtypes(self) -> Sequence[Any]:
        """Returns the dtypes that losses and variables may have."""
        return [dtypes.float32, dtypes.float64, dtypes.float16, dtypes.bfloat16]

    # Slots.

    def get_slot(self, var: Any, name: str) -> Any:
        """Returns the slot ``name`` of a variable, or None if it has none."""
        return self._slots.get(name, {}).get(_key(var))

    def get_slot_names(self) -> list[str]:
        """Returns the names of the slots, sorted."""
        return sorted(self._slots)

    def variables(self) -> list[Any]:
        """Returns the variables that the optimizer itself keeps, sorted by name."""
        graph = context.current_graph()

        def is_here(variable: Any) -> bool:
            if graph is None:
                return not variable._in_graph
            return not variable._in_graph or variable.graph is graph

        kept = [variable for variable in self._non_slots.values() if is_here(variable)]
        for slots in self._slots.values():
            kept.extend(variable for variable in slots.values() if is_here(variable))
        return sorted(kept, key=lambda variable: variable.name)

    def _slot_dict(self, slot_name: str) -> dict[Any, Any]:
        return self._slots.setdefault(slot_name, {})

    def _get_or_make_slot(self, var: Any, val: Any, slot_name: str, op_name: str) -> Any:
        slots = self._slot_dict(slot_name)
        key = _key(var)
        if key not in slots:
            slots[key] = slot_creator.create_slot(var, val, op_name)
            self._restore_slot_variable(slot_name, var, slots[key])
        return slots[key]

    def _get_or_make_slot_with_initializer(
        self, var: Any, initializer: Any, shape: Any, dtype: Any, slot_name: str, op_name: str
    ) -> Any:
        slots = self._slot_dict(slot_name)
        key = _key(var)
        if key not in slots:
            slots[key] = slot_creator.create_slot_with_initializer(var, initializer, shape, dtype, op_name)
            self._restore_slot_variable(slot_name, var, slots[key])
        return slots[key]

    def _zeros_slot(self, var: Any, slot_name: str, op_name: str) -> Any:
        slots = self._slot_dict(slot_name)
        key = _key(var)
        if key not in slots:
            slots[key] = slot_creator.create_zeros_slot(var, op_name)
            self._restore_slot_variable(slot_name, var, slots[key])
        return slots[key]

    def _create_non_slot_variable(self, initial_value: Any, name: str, colocate_with: Any) -> Any:
        """Makes a variable that belongs to the optimizer as a whole, once for each graph."""
        key = (name, context.current_graph())
        variable = self._non_slots.get(key)
        if variable is None:
            make: Any = VariableV1
            use_resource = is_resource_variable(colocate_with)
            arguments: dict[str, Any] = {"name": name, "trainable": False, "use_resource": use_resource}
            with slot_creator.beside(colocate_with):
                if self._non_slot_scope is None:
                    variable = make(initial_value, **arguments)
                else:
                    with name_scope(""), variable_scope(self._non_slot_scope):
                        variable = get_variable(initializer=initial_value, **arguments)
            self._maybe_initialize_trackable()
            self._handle_deferred_dependencies(name=name, trackable=variable)
            self._non_slots[key] = variable
        return variable

    def _get_non_slot_variable(self, name: str, graph: Any = None) -> Any:
        found = self._non_slots.get((name, graph))
        return self._non_slots.get((name, None)) if found is None else found

    def _non_slot_variables(self) -> Any:
        return self._non_slots.values()

    # Checkpoints.

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """Returns the variables that belong to the optimizer as a whole, those of the current graph."""
        graph = context.current_graph()
        children = {
            name: variable
            for (name, _), variable in sorted(self._non_slots.items(), key=lambda item: item[0][0])
            if graph is None or (variable._in_graph and variable.graph is graph)
        }
        return {**children, **super()._trackable_children(save_type, **kwargs)}

    def _lookup_dependency(self, name: str, cached_dependencies: dict[str, Any] | None = None) -> Any:
        found = super()._lookup_dependency(name, cached_dependencies)
        return self._get_non_slot_variable(name, context.current_graph()) if found is None else found

    def _restore_slot_variable(self, slot_name: str, variable: Any, slot_variable: Any) -> None:
        """Restores a new slot, if checkpoints that were restored earlier have a value for it: the latest one's."""
        waiting = self._deferred_slot_restorations.pop((slot_name, _key(variable)), [])
        for position in sorted(waiting, key=lambda position: position.restore_uid, reverse=True):
            position.restore(slot_variable)

    def _create_or_restore_slot_variable(self, slot_variable_position: Any, slot_name: str, variable: Any) -> None:
        """Restores a slot, which is made first, eagerly, or is waited for."""
        slots, key = self._slot_dict(slot_name), _key(variable)
        if key not in slots and context.executing_eagerly() and slot_variable_position.is_simple_variable():
            initializer = CheckpointInitialValueCallable(slot_variable_position)
            self._get_or_make_slot_with_initializer(
                variable, initializer, variable.shape, variable.dtype, slot_name, self._name
            )
        if key in slots:
            slot_variable_position.restore(slots[key])
        else:
            self._deferred_slot_restorations.setdefault((slot_name, key), []).append(slot_variable_position)

    # What subclasses define.

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        """Makes the slots of the variables about to be trained."""

    def _prepare(self) -> None:
        """Makes tensors of the hyperparameters, before the updates are made."""

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        """Returns the operation that updates a reference variable."""
        raise NotImplementedError(f"{type(self).__name__} must define _apply_dense.")

    def _resource_apply_dense(self, grad: Any, handle: Any) -> Any:
        """Returns the operation that updates a resource variable."""
        raise NotImplementedError(f"{type(self).__name__} must define _resource_apply_dense.")

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        """Returns the operation that updates rows of a reference variable, each at most once."""
        raise NotImplementedError(f"{type(self).__name__} must define _apply_sparse.")

    def _resource_apply_sparse(self, grad: Any, handle: Any, indices: Any) -> Any:
        """Returns the operation that updates rows of a resource variable, each at most once."""
        raise NotImplementedError(f"{type(self).__name__} must define _resource_apply_sparse.")

    def _apply_sparse_duplicate_indices(self, grad: Any, var: Any) -> Any:
        """Returns the operation that updates rows of a reference variable, some named more than once."""
        values, indices = summed_rows(grad.values, grad.indices)
        return self._apply_sparse(IndexedSlices(values, indices, grad.dense_shape), var)

    def _resource_apply_sparse_duplicate_indices(self, grad: Any, handle: Any, indices: Any) -> Any:
        """Returns the operation that updates rows of a resource variable, some named more than once."""
        values, unique_indices = summed_rows(grad, indices)
        return self._resource_apply_sparse(values, handle, unique_indices)

    def _finish(self, update_ops: Sequence[Any], name_scope: str) -> Any:
        """Returns the operation that is done when all updates are."""
        return group(*[update for update in update_ops if update is not None], name=name_scope)

    @staticmethod
    def _call_if_callable(param: Any) -> Any:
        return param() if callable(param) else param


def _key(variable: Any) -> Any:
    if getattr(variable, "_in_graph", True):
        return variable.op.graph, variable.op.name
    return variable._unique_id


def _target(variable: Any) -> Any:
    """Returns what to differentiate by."""
    if isinstance(variable, Tensor):
        return variable
    if not isinstance(variable, Variable):
        raise NotImplementedError("Trying to optimize unsupported type ", variable)
    return variable


def _gradient(gradient: Any) -> Any:
    if gradient is None or isinstance(gradient, Tensor | IndexedSlices):
        return gradient
    try:
        return convert_to_tensor(gradient)
    except TypeError:
        raise TypeError(f"Gradient must be convertible to a Tensor or IndexedSlices, or None: {gradient}") from None


def _increment(step: Any, scope: str) -> Any:
    """Adds one to the global step."""
    with slot_creator.beside(step):
        if not is_resource_variable(step):
            return assignment.assign_add(step, 1, name=scope)
        if context.executing_eagerly():
            return step.assign_add(1, read_value=False)
        return assign_add_variable_op(step.handle, convert_to_tensor(1, step.dtype), name=scope)


def summed_rows(values: Any, indices: Any) -> tuple[Any, Any]:
    """Adds the rows that have the same index; returns the sums and their indices, each once."""
    unique_indices, positions = raw.Unique(indices)
    count = raw.Shape(unique_indices)[0]
    return raw.UnsortedSegmentSum(values, positions, count), unique_indices


def cast_like(value: Any, other: Any) -> Any:
    """Returns a hyperparameter in the dtype of a variable or gradient."""
    return cast(value, other.dtype.base_dtype)
