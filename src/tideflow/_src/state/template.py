"""Functions that share the variables of their first call: ``make_template``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tideflow._src.core import context
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.variable_scope import VariableScope, variable_scope
from tideflow._src.state.variable_store import VariableStore, set_variable_store, sharing_graph


class Template:
    """Wraps a function so that all of its calls share variables.

    Attributes:
      name: the name of the template.
      func: the function.
    """

    def __init__(
        self, name: str, func: Callable[..., Any], create_scope_now: bool, unique_name: str | None, custom_getter: Any
    ) -> None:
        if not name:
            raise ValueError("name cannot be None.")
        if unique_name is not None and context.executing_eagerly():
            raise ValueError("unique_name cannot be used when eager execution is enabled.")
        self._func = func
        self._name = name
        self._unique_name = unique_name
        self._custom_getter = custom_getter
        self._variable_scope: VariableScope | None = None
        self._called = False
        #: What keeps the variables where no graph does.
        self._store: VariableStore | None = None
        if context.executing_eagerly():
            self._store = VariableStore()
            self._store.keeps_eager_variables = True
        if create_scope_now:
            with variable_scope(unique_name, default_name=name, custom_getter=custom_getter) as scope:
                self._variable_scope = scope

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function; from the second call on, its variables are those of the first.

        Raises:
          ValueError: a later call makes trainable variables that the first did not.
        """
        if self._variable_scope is None:
            with variable_scope(self._unique_name, default_name=self._name, custom_getter=self._custom_getter) as scope:
                self._variable_scope = scope
                return self._call(args, kwargs)
        if self._called:
            with variable_scope(self._variable_scope, reuse=None if self._store is not None else True):
                return self._call(args, kwargs)
        with variable_scope(self._variable_scope):
            return self._call(args, kwargs)

    def _call(self, args: Any, kwargs: Any) -> Any:
        if self._store is not None:
            before = set_variable_store(self._store)
            try:
                result = self._func(*args, **kwargs)
            finally:
                set_variable_store(before)
            self._called = True
            return result
        graph = sharing_graph()
        count = len(graph.get_collection(GraphKeys.TRAINABLE_VARIABLES))
        everything = len(graph.get_collection(GraphKeys.GLOBAL_VARIABLES))
        result = self._func(*args, **kwargs)
        if self._called:
            trained = graph.get_collection(GraphKeys.TRAINABLE_VARIABLES)
            if len(trained) != count:
                raise ValueError(
                    "Trainable variable created when calling a template after the first time, perhaps you used "
                    "tf.Variable when you meant tf.get_variable: "
                    f"{[variable.name for variable in trained[count:]]}"
                )
        elif len(graph.get_collection(GraphKeys.GLOBAL_VARIABLES)) != everything or self._variable_scope is not None:
            self._called = True
        return result

    @property
    def name(self) -> str:
        """The name of the template."""
        return self._name

    @property
    def func(self) -> Callable[..., Any]:
        """The function."""
        return self._func

    @property
    def variable_scope(self) -> VariableScope | None:
        """The variable scope, or None before the first call."""
        return self._variable_scope

    @property
    def variable_scope_name(self) -> str | None:
        """The name of the variable scope, with a slash at its end; None before the first call."""
        if self._variable_scope is None:
            return None
        name = self._variable_scope.name
        return f"{name}/" if name and not name.endswith("/") else name

    def _variables(self, key: str) -> list[Any]:
        if self._store is not None:
            found = list(self._store.variables.values())
            if key == GraphKeys.TRAINABLE_VARIABLES:
                return [variable for variable in found if variable.trainable]
            return [] if key == GraphKeys.LOCAL_VARIABLES else found
        if self._variable_scope is None:
            return []
        prefix = self._variable_scope.name
        return sharing_graph().get_collection(key, f"{prefix}/" if prefix else None)

    @property
    def variables(self) -> list[Any]:
        """The global and local variables of the template."""
        return self.global_variables + self.local_variables

    @property
    def trainable_variables(self) -> list[Any]:
        """The trainable variables of the template."""
        return self._variables(GraphKeys.TRAINABLE_VARIABLES)

    @property
    def non_trainable_variables(self) -> list[Any]:
        """The other variables of the template."""
        trained = {id(variable) for variable in self.trainable_variables}
        return [variable for variable in self.variables if id(variable) not in trained]

    @property
    def global_variables(self) -> list[Any]:
        """The global variables of the template."""
        return self._variables(GraphKeys.GLOBAL_VARIABLES)

    @property
    def local_variables(self) -> list[Any]:
        """The local variables of the template."""
        return self._variables(GraphKeys.LOCAL_VARIABLES)

    @property
    def weights(self) -> list[Any]:
        """The variables of the template."""
        return self.variables

    @property
    def trainable_weights(self) -> list[Any]:
        """The trainable variables of the template."""
        return self.trainable_variables

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The other variables of the template."""
        return self.non_trainable_variables


def make_template(
    name_: str,
    func_: Callable[..., Any],
    create_scope_now_: bool = False,
    unique_name_: str | None = None,
    custom_getter_: Any = None,
    **kwargs: Any,
) -> Any:
    """Returns a function that calls ``func_`` and shares its variables between calls.

    Args:
      name_: the name of the variable scope, made unique.
      func_: the function; it gets its variables with ``tf.get_variable``.
      create_scope_now_: whether to open the variable scope now, and not at the first call.
      unique_name_: a name of the variable scope that is not made unique.
      custom_getter_: a custom getter of the variable scope.
      **kwargs: arguments to give to ``func_`` with each call.

    Raises:
      ValueError: the name is missing, or ``unique_name_`` is given while operations run eagerly.

    >>> import tideflow.compat.v1 as tf
    >>> with tf.Graph().as_default():
    ...     scale = tf.make_template("scale", lambda x: x * tf.get_variable("by", []))
    ...     y = scale(scale(tf.constant(2.0)))
    ...     [variable.name for variable in scale.variables]
    ['scale/by:0']
    """
    if kwargs:
        func_ = functools.partial(func_, **kwargs)
    return Template(name_, func_, create_scope_now_, unique_name_, custom_getter_)
