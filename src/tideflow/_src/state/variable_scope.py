"""Variable scopes: ``variable_scope``, ``get_variable`` and the sharing of variables by name."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from tideflow._src.core import context, dtypes
from tideflow._src.core.inheritance import inherited
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.replication import VariableAggregation, VariableSynchronization
from tideflow._src.state.variable import kinds
from tideflow._src.state.variable_store import AUTO_REUSE, VariableStore, sharing_graph, variable_store

_KEY = ("__varscope",)


class VariableScope:
    """Holds the defaults that ``get_variable`` uses inside a variable scope.

    Attributes:
      name: the prefix of the names of variables.
      initializer, regularizer, caching_device, partitioner, custom_getter, dtype, use_resource, constraint: what
        ``get_variable`` uses where its caller does not say.
      reuse: True to share existing variables only, ``AUTO_REUSE`` to share or make them, None or False to make them.
    """

    def __init__(
        self,
        reuse: Any,
        name: str = "",
        initializer: Any = None,
        regularizer: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Any = None,
        name_scope: str = "",
        dtype: Any = dtypes.float32,
        use_resource: bool | None = None,
        constraint: Any = None,
    ) -> None:
        self._name = name
        self._initializer = initializer
        self._regularizer = regularizer
        self._reuse = reuse
        self._caching_device = caching_device
        self._partitioner = partitioner
        self._custom_getter = custom_getter
        self._name_scope = name_scope
        self._dtype = dtype
        self._use_resource = use_resource
        self._constraint = constraint
        if context.executing_eagerly():
            if caching_device is not None:
                raise NotImplementedError("Caching devices is not yet supported when eager execution is enabled.")
            self._reuse = AUTO_REUSE
            self._use_resource = True

    @property
    def name(self) -> str:
        """The prefix of the names of variables."""
        return self._name

    @property
    def original_name_scope(self) -> str:
        """The name scope that was opened with the variable scope, with a slash at its end."""
        return self._name_scope

    @property
    def reuse(self) -> Any:
        """Whether variables are shared."""
        return self._reuse

    @property
    def initializer(self) -> Any:
        """The default initializer."""
        return self._initializer

    @property
    def dtype(self) -> Any:
        """The default dtype."""
        return self._dtype

    @property
    def use_resource(self) -> bool | None:
        """Whether variables are resource variables, or None for the default."""
        return self._use_resource

    @property
    def regularizer(self) -> Any:
        """The default regularizer."""
        return self._regularizer

    @property
    def caching_device(self) -> Any:
        """The default caching device."""
        return self._caching_device

    @property
    def partitioner(self) -> Any:
        """The default partitioner."""
        return self._partitioner

    @property
    def custom_getter(self) -> Any:
        """The default custom getter."""
        return self._custom_getter

    @property
    def constraint(self) -> Any:
        """The default constraint."""
        return self._constraint

    def reuse_variables(self) -> None:
        """Makes the rest of the scope share existing variables."""
        self._reuse = True

    def set_initializer(self, initializer: Any) -> None:
        """Sets the default initializer."""
        self._initializer = initializer

    def set_dtype(self, dtype: Any) -> None:
        """Sets the default dtype."""
        self._dtype = dtype

    def set_use_resource(self, use_resource: bool) -> None:
        """Sets whether variables are resource variables.

        Raises:
          ValueError: eager execution is on, which has no others.
        """
        if context.executing_eagerly() and not use_resource:
            raise ValueError("When eager execution is enabled, use_resource cannot be set to false.")
        self._use_resource = use_resource

    def set_regularizer(self, regularizer: Any) -> None:
        """Sets the default regularizer."""
        self._regularizer = regularizer

    def set_caching_device(self, caching_device: Any) -> None:
        """Sets the default caching device.

        Raises:
          NotImplementedError: eager execution is on.
        """
        if context.executing_eagerly():
            raise NotImplementedError("Caching devices are not yet supported when eager execution is enabled.")
        self._caching_device = caching_device

    def set_partitioner(self, partitioner: Any) -> None:
        """Sets the default partitioner."""
        self._partitioner = partitioner

    def set_custom_getter(self, custom_getter: Any) -> None:
        """Sets the default custom getter."""
        self._custom_getter = custom_getter

    def get_collection(self, name: str) -> list[Any]:
        """Returns the items of a collection whose names are below this scope."""
        scope = f"{self._name}/" if self._name else self._name
        return context.default_graph().get_collection(name, scope)

    def trainable_variables(self) -> list[Any]:
        """Returns the trainable variables of this scope."""
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def global_variables(self) -> list[Any]:
        """Returns the global variables of this scope."""
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def local_variables(self) -> list[Any]:
        """Returns the local variables of this scope."""
        return self.get_collection(GraphKeys.LOCAL_VARIABLES)

    def get_variable(
        self,
        var_store: VariableStore,
        name: str,
        shape: Any = None,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        reuse: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        validate_shape: bool = True,
        use_resource: bool | None = None,
        custom_getter: Any = None,
        constraint: Any = None,
        synchronization: Any = VariableSynchronization.AUTO,
        aggregation: Any = VariableAggregation.NONE,
    ) -> Any:
        """Returns the variable ``name`` below this scope; see :func:`get_variable`."""
        if context.executing_eagerly():
            reuse, use_resource = False, True
        else:
            reuse = self._reuse if reuse is None else reuse
            use_resource = self._use_resource if use_resource is None else use_resource
        full_name = f"{self._name}/{name}" if self._name else name
        with name_scope(None):  # variables' names follow variable scopes, not name scopes
            if dtype is not None and initializer is not None and not callable(initializer):
                found = convert_to_tensor(initializer).dtype.base_dtype
                if found != dtype:
                    raise ValueError(f"Initializer type '{found}' and explicit dtype '{dtype}' don't match.")
            return var_store.get_variable(
                full_name,
                shape=shape,
                dtype=self._dtype if dtype is None else dtype,
                initializer=self._initializer if initializer is None else initializer,
                regularizer=self._regularizer if regularizer is None else regularizer,
                reuse=reuse,
                trainable=trainable,
                collections=collections,
                caching_device=self._caching_device if caching_device is None else caching_device,
                partitioner=self._partitioner if partitioner is None else partitioner,
                validate_shape=validate_shape,
                use_resource=use_resource,
                custom_getter=self._custom_getter if custom_getter is None else custom_getter,
                constraint=self._constraint if constraint is None else constraint,
                synchronization=synchronization,
                aggregation=aggregation,
            )


class _Scopes(threading.local):
    """Is what a thread knows of one graph's variable scopes: the current one, and how often each was opened."""

    def __init__(self) -> None:
        self.current = VariableScope(False)
        self.counts: dict[str, int] = {}

    def open(self, name: str) -> None:
        """Counts the opening of a scope."""
        self.counts[name] = self.counts.get(name, 0) + 1

    def forget_below(self, name: str) -> None:
        """Forgets the scopes opened below one that is being left, so that opening it again repeats their names."""
        for key in self.counts:
            if not name or key.startswith(f"{name}/"):
                self.counts[key] = 0

    def unique(self, prefix: str) -> str:
        """Returns ``prefix``, with a number behind it if a scope of that name was opened here."""
        base = f"{self.current.name}/{prefix}" if self.current.name else prefix
        if not self.counts.get(base):
            return prefix
        number = 1
        while self.counts.get(f"{base}_{number}"):
            number += 1
        return f"{prefix}_{number}"


def _scopes() -> _Scopes:
    kept = sharing_graph().get_collection_ref(_KEY)
    if not kept:
        kept.append(inherited(_Scopes()))
    return kept[0]


def get_variable_scope() -> VariableScope:
    """Returns the current variable scope."""
    return _scopes().current


def _scope_choice() -> bool | None:
    graph = context.current_graph()
    if graph is None or not sharing_graph().get_collection(_KEY):
        return None
    return get_variable_scope().use_resource


kinds.scope_choice = _scope_choice


def _chained(getter: Callable[..., Any] | None, outer: Callable[..., Any] | None) -> Any:
    """Returns a custom getter that calls ``getter`` with ``outer`` between it and the real getter."""
    if getter is None:
        return outer
    if outer is None:
        return getter

    def chained(innermost: Any, *arguments: Any, **options: Any) -> Any:
        return getter(partial(outer, innermost), *arguments, **options)

    def called(*arguments: Any, **options: Any) -> Any:
        return (
            chained(options.pop("getter"), *arguments, **options)
            if "getter" in options
            else chained(*arguments, **options)
        )

    return called


class variable_scope:
    """Is a scope in which ``get_variable`` prefixes names, shares variables, and has defaults.

    Args:
      name_or_scope: the name, or a scope to enter again; None to use ``default_name``.
      default_name: the name, made unique, used if ``name_or_scope`` is None; sharing is then impossible.
      values: tensors that the code inside works on.
      initializer, regularizer, caching_device, partitioner, custom_getter, dtype, use_resource, constraint: defaults
        for the variables made inside; those of the scope around where None.
      reuse: True to share existing variables, ``tf.AUTO_REUSE`` to share or make them, None to inherit.
      auxiliary_name_scope: whether to open a name scope of the same name, too.

    Raises:
      TypeError: no name is given, or it is of a wrong type.
      ValueError: ``reuse`` is not one of those, or True without ``name_or_scope``.
    """

    def __init__(
        self,
        name_or_scope: str | VariableScope | None,
        default_name: str | None = None,
        values: Sequence[Any] | None = None,
        initializer: Any = None,
        regularizer: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Any = None,
        reuse: Any = None,
        dtype: Any = None,
        use_resource: bool | None = None,
        constraint: Any = None,
        auxiliary_name_scope: bool = True,
    ) -> None:
        self._name_or_scope = name_or_scope
        self._default_name = default_name
        self._values = values
        self._changes = {
            "initializer": initializer,
            "regularizer": regularizer,
            "caching_device": caching_device,
            "partitioner": partitioner,
            "dtype": dtype,
            "use_resource": use_resource,
        }
        self._custom_getter = custom_getter
        self._constraint = constraint
        if default_name is None and name_or_scope is None:
            raise TypeError("If default_name is None then name_or_scope is required")
        if reuse is False:
            reuse = None  # a scope around that shares cannot be undone
        if reuse not in (True, None) and reuse is not AUTO_REUSE:
            raise ValueError("The reuse parameter must be True or False or None.")
        if name_or_scope is None and reuse:
            raise ValueError("reuse=True cannot be used without a name_or_scope")
        if name_or_scope is not None and not isinstance(name_or_scope, str | VariableScope):
            raise TypeError("VariableScope: name_or_scope must be a string or VariableScope.")
        if not isinstance(auxiliary_name_scope, bool):
            raise TypeError(f"The auxiliary_name_scope must be `True` or `False`, while get {auxiliary_name_scope}")
        self._reuse = reuse
        self._auxiliary_name_scope = auxiliary_name_scope
        self._entered: list[ExitStack] = []

    def __enter__(self) -> VariableScope:
        with ExitStack() as stack:
            graph = self._graph()
            if graph is not None:
                stack.enter_context(graph.as_default())
            scope = stack.enter_context(self._opened(stack))
            self._entered.append(stack.pop_all())
            return scope

    def __exit__(self, kind: Any, value: Any, trace: Any) -> Any:
        return self._entered.pop().__exit__(kind, value, trace)

    def _graph(self) -> Any:
        """The graph of the values, if that is not the current one."""
        current = context.current_graph()
        if current is None or current.building_function:
            return None
        for value in self._values or ():
            graph = getattr(getattr(value, "op", None), "graph", None) if not isinstance(value, str) else None
            if graph is not None:
                return graph if graph is not current else None
        return None

    def _opened(self, stack: ExitStack) -> Any:
        name_or_scope = self._name_or_scope
        if self._auxiliary_name_scope:
            if name_or_scope is None:
                wanted: str | None = self._default_name
            elif isinstance(name_or_scope, str):
                wanted = name_or_scope
            else:
                wanted = name_or_scope.name.split("/")[-1]
        else:
            wanted = _current_name_scope()
        opened = None
        if wanted or not self._auxiliary_name_scope:
            opened = stack.enter_context(name_scope(wanted or None))
        if isinstance(name_or_scope, VariableScope):
            return self._jumped(name_or_scope)
        name = name_or_scope if name_or_scope is not None else _scopes().unique(str(self._default_name))
        return self._prolonged(name, opened)

    @contextmanager
    def _jumped(self, shared: VariableScope) -> Iterator[VariableScope]:
        """Enters a scope that exists, wherever it was opened."""
        scopes = _scopes()
        before = scopes.current
        scope = VariableScope(
            self._reuse or shared.reuse,
            name=shared.name,
            name_scope=shared.original_name_scope,
            custom_getter=_chained(self._custom_getter, shared.custom_getter),
            constraint=self._constraint,
            **self._merged(shared),
        )
        scopes.open(shared.name)
        counts = dict(scopes.counts)
        scopes.current = scope
        try:
            yield scope
        finally:
            self._check_nesting(scopes, scope)
            scopes.counts = counts
            scopes.current = before

    @contextmanager
    def _prolonged(self, name: str, opened: str | None) -> Iterator[VariableScope]:
        """Opens a scope below the current one."""
        scopes = _scopes()
        before = scopes.current
        full_name = f"{before.name}/{name}" if before.name else name
        scope = VariableScope(
            self._reuse or before.reuse,
            name=full_name,
            name_scope=name if opened is None else opened,
            custom_getter=_chained(self._custom_getter, before.custom_getter),
            constraint=self._constraint,
            **self._merged(before),
        )
        scopes.open(full_name)
        scopes.current = scope
        try:
            yield scope
        finally:
            self._check_nesting(scopes, scope)
            scopes.forget_below(full_name)
            scopes.current = before

    @staticmethod
    def _check_nesting(scopes: _Scopes, scope: VariableScope) -> None:
        if scopes.current is not scope:
            raise RuntimeError("Improper nesting of variable_scope.")

    def _merged(self, base: VariableScope) -> dict[str, Any]:
        return {key: getattr(base, key) if value is None else value for key, value in self._changes.items()}


def _current_name_scope() -> str:
    graph = context.current_graph()
    scope = graph.get_name_scope() if graph is not None else context.state.eager_scope
    return scope if not scope or scope.endswith("/") else f"{scope}/"


def variable_op_scope(
    values: Sequence[Any],
    name_or_scope: Any,
    default_name: str | None = None,
    initializer: Any = None,
    regularizer: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    custom_getter: Any = None,
    reuse: Any = None,
    dtype: Any = None,
    use_resource: bool | None = None,
    constraint: Any = None,
) -> variable_scope:
    """Returns a ``variable_scope``; the form of TensorFlow 0.x, with the values first."""
    return variable_scope(
        name_or_scope,
        default_name=default_name,
        values=values,
        initializer=initializer,
        regularizer=regularizer,
        caching_device=caching_device,
        partitioner=partitioner,
        custom_getter=custom_getter,
        reuse=reuse,
        dtype=dtype,
        use_resource=use_resource,
        constraint=constraint,
    )


def get_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool | None = None,
    collections: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    custom_getter: Any = None,
    constraint: Any = None,
    synchronization: Any = VariableSynchronization.AUTO,
    aggregation: Any = VariableAggregation.NONE,
) -> Any:
    """Returns the variable of that name below the current variable scope: a new one, or one to share.

    Args:
      name: the name.
      shape: the shape; None if ``initializer`` is a value.
      dtype: the dtype; that of the scope by default, which is float32.
      initializer: an initializer, a function without arguments, or a value; by default that of the scope, or
        Glorot's uniform distribution for floats and zeros for others.
      regularizer: a function of the variable whose result joins the regularization losses.
      trainable: whether optimizers train the variable.
      collections: the collections to join; the global variables by default.
      caching_device: a device that keeps a copy for reading.
      partitioner: a function that cuts the variable into parts.
      validate_shape: whether the shape is fixed.
      use_resource: whether it is a resource variable.
      custom_getter: ``custom_getter(getter, name, **arguments)`` makes the variable, usually by calling ``getter``.
      constraint: a function that optimizers apply after each update.
      synchronization, aggregation: as of ``tf.Variable``.

    Raises:
      ValueError: the variable exists and the scope does not share, or it does not exist and the scope only shares, or
        shape or dtype differ from those of the variable to share.
    """
    return get_variable_scope().get_variable(
        variable_store(),
        name,
        shape=shape,
        dtype=dtype,
        initializer=initializer,
        regularizer=regularizer,
        trainable=trainable,
        collections=collections,
        caching_device=caching_device,
        partitioner=partitioner,
        validate_shape=validate_shape,
        use_resource=use_resource,
        custom_getter=custom_getter,
        constraint=constraint,
        synchronization=synchronization,
        aggregation=aggregation,
    )


def get_local_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = False,
    collections: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    custom_getter: Any = None,
    constraint: Any = None,
    synchronization: Any = VariableSynchronization.AUTO,
    aggregation: Any = VariableAggregation.NONE,
) -> Any:
    """Returns a local variable, which is not trained and not saved; otherwise as :func:`get_variable`."""
    del trainable
    return get_variable(
        name,
        shape=shape,
        dtype=dtype,
        initializer=initializer,
        regularizer=regularizer,
        trainable=False,
        collections=[*(collections or ()), GraphKeys.LOCAL_VARIABLES],
        caching_device=caching_device,
        partitioner=partitioner,
        validate_shape=validate_shape,
        use_resource=use_resource,
        custom_getter=custom_getter,
        constraint=constraint,
        synchronization=synchronization,
        aggregation=aggregation,
    )


def no_regularizer(_: Any) -> None:
    """Is the regularizer that prevents the scope's regularizer from being used."""
    return
