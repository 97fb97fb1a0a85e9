"""Operations that a SavedModel runs when it is loaded."""

from __future__ import annotations

from typing import Any

from tideflow._src.ops.control.grouping import control_dependencies, group
from tideflow._src.state.variable_collections import (
    global_variables_initializer,
    local_variables_initializer,
    tables_initializer,
)


def main_op() -> Any:
    """Returns an operation that initializes all variables, local variables and tables of the default graph."""
    return group(global_variables_initializer(), local_variables_initializer(), tables_initializer())


def main_op_with_restore(restore_op_name: Any) -> Any:
    """Returns an operation that does what `main_op` does, and then restores.

    Args:
      restore_op_name: the operation that restores.
    """
    with control_dependencies([main_op()]):
        return group(restore_op_name)
