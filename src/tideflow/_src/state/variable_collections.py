"""The collections of variables, and the operations that initialize them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import context
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.branching import conditional
from tideflow._src.ops.control.grouping import group
from tideflow._src.ops.control.init_scope import init_scope
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.state.variables import read_variable_op, var_handle_op, var_is_initialized_op
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.assignment import is_variable_initialized
from tideflow._src.state.graph_keys import GraphKeys


def _collection(key: str, scope: str | None = None) -> list[Any]:
    return context.default_graph().get_collection(key, scope)


def global_variables(scope: str | None = None) -> list[Any]:
    """Returns the variables that all parts of the program share; with ``scope``, those whose name matches it."""
    return _collection(GraphKeys.GLOBAL_VARIABLES, scope)


def all_variables() -> list[Any]:
    """Returns the global variables; the older name of :func:`global_variables`."""
    return global_variables()


def local_variables(scope: str | None = None) -> list[Any]:
    """Returns the variables that belong to this process only."""
    return _collection(GraphKeys.LOCAL_VARIABLES, scope)


def model_variables(scope: str | None = None) -> list[Any]:
    """Returns the variables that a model's forward pass uses."""
    return _collection(GraphKeys.MODEL_VARIABLES, scope)


def trainable_variables(scope: str | None = None) -> list[Any]:
    """Returns the variables that optimizers train by default."""
    return _collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def moving_average_variables(scope: str | None = None) -> list[Any]:
    """Returns the variables whose moving averages are kept."""
    return _collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


def variables_initializer(var_list: Sequence[Any] | None, name: str = "init") -> Any:
    """Returns an operation that initializes the variables of a list, at once or in any order.

    Args:
      var_list: the variables.
      name: the name of the operation.
    """
    if var_list and not context.executing_eagerly():
        return group(*[variable.initializer for variable in var_list], name=name)
    return group(name=name)


def global_variables_initializer() -> Any:
    """Returns an operation that initializes the global variables; eagerly there is nothing to do."""
    if context.executing_eagerly():
        return group(name="global_variables_initializer")
    return variables_initializer(global_variables())


def local_variables_initializer() -> Any:
    """Returns an operation that initializes the local variables; eagerly there is nothing to do."""
    if context.executing_eagerly():
        return group(name="local_variables_initializer")
    return variables_initializer(local_variables())


def tables_initializer(name: str = "init_all_tables") -> Any:
    """Returns an operation that initializes the lookup tables of the default graph; eagerly there is nothing to do."""
    initializers = [] if context.executing_eagerly() else context.default_graph().get_collection("table_initializer")
    return group(*initializers, name=name)


def initialize_all_variables() -> Any:
    """Returns an operation that initializes the global variables; the name of TensorFlow 0.x."""
    return global_variables_initializer()


def initialize_local_variables() -> Any:
    """Returns an operation that initializes the local variables; the name of TensorFlow 0.x."""
    return local_variables_initializer()


def initialize_variables(var_list: Sequence[Any], name: str = "init") -> Any:
    """Returns an operation that initializes the variables of a list; the name of TensorFlow 0.x."""
    return variables_initializer(var_list, name)


def report_uninitialized_variables(
    var_list: Sequence[Any] | None = None, name: str = "report_uninitialized_variables"
) -> Any:
    """Returns a vector with the names of the variables that are not initialized, when it is computed.

    Args:
      var_list: the variables to look at; the global and local ones by default.
      name: the name scope.
    """
    if var_list is None:
        var_list = global_variables() + local_variables()
        if not var_list:
            var_list = [
                op.outputs[0]
                for op in context.default_graph().get_operations()
                if op.type in ("Variable", "VariableV2", "AutoReloadVariable")
            ]
    with name_scope(name):
        if not var_list:
            return convert_to_tensor(np.array([], dtype=object), name="Const")
        flags = raw.Pack([is_variable_initialized(variable) for variable in var_list], axis=0, name="stack")
        missing = raw.LogicalNot(flags)
        names = np.array([_node_name(variable) for variable in var_list], dtype=object)
        return _masked(convert_to_tensor(names, name="Const"), missing)


def _masked(names: Any, mask: Any) -> Any:
    from tideflow._src.ops.array.masking import boolean_mask

    return boolean_mask(names, mask)


def _node_name(variable: Any) -> bytes:
    return str(variable.op.name).encode()


def assert_variables_initialized(var_list: Sequence[Any] | None = None) -> Any:
    """Returns an operation that fails with FailedPreconditionError if a variable is not initialized.

    Args:
      var_list: the variables; the global and local ones by default.
    """
    if var_list is None:
        var_list = global_variables() + local_variables()
    if not var_list:
        return None
    ranks = []
    for variable in var_list:
        with context.current_graph().colocate_with(variable.op):
            ranks.append(raw.Rank(variable))
    return ranks[0] if len(ranks) == 1 else raw.Pack(ranks, axis=0)


def value_or_initial(variable: Any) -> Any:
    """Returns a variable's value, or where a run finds it uninitialized, the value that it would start with."""
    with init_scope():
        if variable.dtype._is_ref_dtype:
            # A reference is read before it is passed to a branch; a handle is read inside the branch.
            handle = var_handle_op(
                dtype=variable.dtype.base_dtype,
                shape=variable.shape._dims,
                shared_name=variable.op.attrs.get("shared_name") or variable.op.name,
                name=f"{variable.op.name}/handle",
            )
            initial = variable._guarded_value
        else:
            handle = variable.handle
            initial = variable._initializer_op.inputs[1]

        def read() -> Any:
            value = read_variable_op(handle, dtype=variable.dtype.base_dtype)
            value.set_shape(variable.shape)
            return value

        return conditional(var_is_initialized_op(handle), read, lambda: raw.Identity(initial))
