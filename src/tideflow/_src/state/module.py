"""Defines ``tf.Module``: an object that finds the variables and modules among its attributes."""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from tideflow._src.core import nest
from tideflow._src.ops.scopes import name_scope
from tideflow._src.state.autotrackable import AutoTrackable
from tideflow._src.state.variable import Variable

_Method = TypeVar("_Method", bound=Callable[..., Any])
#: Where a module keeps what it depends on.
_DEPENDENCIES = frozenset(("_self_unconditional_checkpoint_dependencies", "_self_unconditional_dependency_names"))


class ModuleScope:
    """Is the name scope of a module: it is entered again at each use, and has a name.

    Args:
      name: the full name of the scope, with a trailing slash.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._open = threading.local()

    @property
    def name(self) -> str:
        """The full name, with a trailing slash."""
        return self._name

    def __enter__(self) -> Any:
        scope = name_scope(self._name)
        self._open.__dict__.setdefault("scopes", []).append(scope)
        return scope.__enter__()

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        self._open.scopes.pop().__exit__(kind, value, trace)

    def __reduce__(self) -> Any:
        return ModuleScope, (self._name,)


class Module(AutoTrackable):
    """Is the base class of what holds variables: layers, models, optimizers.

    Variables and modules that are attributes, directly or in lists, tuples and dictionaries, are found by
    ``variables``, ``trainable_variables`` and ``submodules``. Such structures are kept in wrappers that depend on
    their elements, as those of any object that is tracked are.

    Args:
      name: the name, an identifier of Python; by default the name of the class, in small letters with underscores.

    Raises:
      ValueError: the name is not an identifier.

    >>> import tideflow as tf
    >>> class Dense(tf.Module):
    ...     def __init__(self, inputs, outputs):
    ...         super().__init__()
    ...         self.w = tf.Variable(tf.ones([inputs, outputs]), name="w")
    ...         self.b = tf.Variable(tf.zeros([outputs]), name="b", trainable=False)
    >>> dense = Dense(2, 3)
    >>> dense.name, [variable.name for variable in dense.variables]
    ('dense', ['b:0', 'w:0'])
    """

    #: Attributes that are not looked into: subclasses add to them.
    _TF_MODULE_IGNORED_PROPERTIES: frozenset[str] = _DEPENDENCIES

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = _snake_case(type(self).__name__)
        elif not _is_identifier(name):
            raise ValueError(
                f"{name!r} is not a valid module name. Module names must be valid Python identifiers (e.g. a valid "
                "class "
                "name)."
            )
        self._name = name
        with name_scope(name) as scope:
            self._name_scope = ModuleScope(scope)

    @property
    def name(self) -> str:
        """The name that was given, or that of the class."""
        return self._name

    @property
    def name_scope(self) -> ModuleScope:
        """The name scope of the module: ``with module.name_scope:`` names what is made inside after it."""
        return self._name_scope

    @property
    def variables(self) -> tuple[Any, ...]:
        """All variables of the module and of those in it: its own first, by the names of the attributes."""
        return tuple(self._flatten(predicate=_is_variable, expand_composites=True))

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """The variables that are trained."""
        return tuple(self._flatten(predicate=_is_trainable_variable, expand_composites=True))

    @property
    def non_trainable_variables(self) -> tuple[Any, ...]:
        """The variables that are not trained."""
        return tuple(self._flatten(predicate=_is_non_trainable_variable, expand_composites=True))

    @property
    def submodules(self) -> tuple[Module, ...]:
        """All modules inside of this one: its own first, by the names of the attributes."""
        return tuple(self._flatten(predicate=_is_module))

    def _flatten(
        self,
        recursive: bool = True,
        predicate: Callable[[Any], bool] | None = None,
        attribute_traversal_key: Callable[[str], Any] | None = None,
        with_path: bool = False,
        expand_composites: bool = False,
    ) -> Iterator[Any]:
        """Yields what the attributes hold, structures taken apart, those of this module before those of modules in it.

        Args:
          recursive: whether to look into modules.
          predicate: what to yield; everything by default.
          attribute_traversal_key: gives the order of attributes, from their names; alphabetical by default.
          with_path: whether to yield pairs of path and value, as often as a value is found.
          expand_composites: whether tensors made of several are taken apart.

        Raises:
          ValueError: an attribute cannot be taken apart.
        """
        return _leaves(
            self, recursive, predicate or (lambda _: True), attribute_traversal_key, with_path, expand_composites, (),
            {id(self)},
        )  # fmt: skip

    @classmethod
    def with_name_scope(cls, method: _Method) -> _Method:
        """Makes a method run in the name scope of its module, so that the variables it makes are named after that."""

        @functools.wraps(method)
        def in_scope(self: Any, *args: Any, **kwargs: Any) -> Any:
            with self.name_scope:
                return method(self, *args, **kwargs)

        return in_scope  # type: ignore[return-value]


def _leaves(
    module: Any,
    recursive: bool,
    predicate: Callable[[Any], bool],
    key: Callable[[str], Any] | None,
    with_path: bool,
    expand_composites: bool,
    path: tuple[Any, ...],
    seen: set[int],
) -> Iterator[Any]:
    attributes = vars(module)
    inside: list[tuple[tuple[Any, ...], Any]] = []
    for name in sorted(attributes, key=key):
        if name in module._TF_MODULE_IGNORED_PROPERTIES or name in _DEPENDENCIES:
            continue
        value = attributes[name]
        try:
            leaves = nest.flatten_with_tuple_paths(value, expand_composites=expand_composites)
        except Exception as error:
            raise ValueError(f"Error processing property {name!r} of {value!r}") from error
        for inner_path, leaf in leaves:
            full = (*path, name, *inner_path)
            if not with_path:
                if id(leaf) in seen:
                    continue
                seen.add(id(leaf))
            if predicate(leaf):
                yield (full, leaf) if with_path else leaf
            if recursive and _is_module(leaf):
                inside.append((full, leaf))
    for full, leaf in inside:
        yield from _leaves(leaf, recursive, predicate, key, with_path, expand_composites, full, seen)


def _is_module(value: Any) -> bool:
    return isinstance(value, Module)


def _is_variable(value: Any) -> bool:
    return isinstance(value, Variable)


def _is_trainable_variable(value: Any) -> bool:
    return _is_variable(value) and bool(getattr(value, "trainable", False))


def _is_non_trainable_variable(value: Any) -> bool:
    return _is_variable(value) and not getattr(value, "trainable", False)


def _is_identifier(name: Any) -> bool:
    return isinstance(name, str) and _IDENTIFIER.match(name) is not None


_IDENTIFIER = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_BEFORE_WORD = re.compile(r"((?<=[a-z0-9])[A-Z]|(?!^)(?<!_)[A-Z](?=[a-z]))")


def _snake_case(name: str) -> str:
    """Returns the name of a class in small letters: ``ResNet50V2`` as ``res_net50_v2``."""
    snake = _BEFORE_WORD.sub(r"_\1", name).lower()
    return f"_{snake}" if name.startswith("_") else snake
