"""Variables that a traced function creates: on its first call only, with values that outlive the call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tideflow._src.core import context
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.function.conditional import cond
from tideflow._src.function.python_tracing import function_around
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.init_scope import init_scope
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.state.variables import assign_variable_op, var_is_initialized_op
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.lifting import depends_on_arguments, lifted
from tideflow._src.state.resource_variable import ResourceVariable, UninitializedVariable
from tideflow._src.state.variable import function_creator_scope

_SINGLETON = (
    "tf.function only supports singleton tf.Variables created on the first call. Make sure the tf.Variable is only "
    "created once or created outside tf.function. See "
    "https://www.tensorflow.org/guide/function#creating_tfvariables for more information."
)


class CreatedVariables:
    """Is what the first trace of a function creates.

    Attributes:
      count: how many variables that is; the program must keep them.
      depends_on_arguments: whether an initial value was made of the function's arguments, so that the first trace
        itself has to run.
    """

    def __init__(self) -> None:
        self.count = 0
        self.depends_on_arguments = False

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Makes the variables created inside ones of this function."""
        with function_creator_scope(self._create):
            yield

    def _create(self, next_creator: Callable[..., Any], **arguments: Any) -> Any:
        graph = context.current_graph()
        if function_around(graph) is None:
            return next_creator(**arguments)
        variable = self._lifted(arguments)
        self.count += 1
        return variable

    def _lifted(self, arguments: dict[str, Any]) -> Any:
        initial = arguments.pop("initial_value", None)
        if initial is None:
            raise ValueError("`initial_value` must be a Tensor or a Python object convertible to a Tensor, not None.")
        arguments.pop("use_resource", None)
        arguments.pop("variable_def", None)
        arguments.pop("import_scope", None)
        dtype = arguments.get("dtype")
        with name_scope("Initializer"):
            if callable(initial):
                initial = initial()
            tensor = convert_to_tensor(initial, dtype, name="initial_value")
        arguments["dtype"] = None
        if not isinstance(tensor, SymbolicTensor) or not depends_on_arguments(tensor):
            return ResourceVariable(initial_value=lifted(tensor), **arguments)
        self.depends_on_arguments = True
        with init_scope():
            variable = UninitializedVariable(tensor, **arguments)
        cond(var_is_initialized_op(variable.handle), raw.NoOp, lambda: assign_variable_op(variable.handle, tensor))
        return variable


@contextmanager
def none_created() -> Iterator[None]:
    """Makes the creation of a variable inside an error.

    Raises:
      ValueError: a variable is created.
    """

    def create(next_creator: Callable[..., Any], **arguments: Any) -> Any:
        graph = context.current_graph()
        if function_around(graph) is None:
            return next_creator(**arguments)
        raise ValueError(_SINGLETON)

    with function_creator_scope(create):
        yield
