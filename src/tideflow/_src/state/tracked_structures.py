"""Lists, tuples and dictionaries that an object depends on, as it depends on what they hold.

What is assigned to an attribute of an ``AutoTrackable`` is put into one of these wrappers: a ``ListWrapper`` is a
list, a ``_DictWrapper`` and a ``_TupleWrapper`` pass for the dictionary or tuple that they hold. A wrapper changes
the structure that was assigned, and sees what is done to that.
"""

from __future__ import annotations

import collections
import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tideflow._src.core import node_kinds
from tideflow._src.state.trackable import NoDependency, Trackable
from tideflow._src.state.variable import Variable


class TrackableDataStructure(Trackable):
    """Is the base class of structures whose elements are dependencies.

    It has the lists of variables and layers among its elements that a layer has.
    """

    @property
    def _values(self) -> Iterable[Any]:
        """The elements."""
        raise TypeError(f"{type(self).__name__} does not say what its elements are: it must define `_values`.")

    def _elements(self) -> list[Any]:
        """Returns the elements that are objects with variables, or variables."""
        return [value for value in self._values if isinstance(value, Trackable | Variable)]

    def _track_value(self, value: Any, name: str) -> Any:
        """Returns an element as it is kept: wrapped, and a dependency if it can be one.

        A value that waits for it in a checkpoint and does not fit is given up, as in TensorFlow: Keras's optimizers,
        which hold their variables in a list, come to such values where a program makes its variables anew.
        """
        try:
            return sticky_attribute_assignment(self, name, value)
        except ValueError as error:
            from tideflow._src.core.logger import get_logger  # lazy: logging is not worth its time in every program

            get_logger().warning("Element %s of a structure keeps its own value: %s", name, error)
            return sticky_attribute_assignment(self, name, value)  # nothing waits for it any more

    @property
    def layers(self) -> list[Any]:
        """The elements that have variables of their own, those of structures inside among them."""
        found: list[Any] = []
        for value in self._elements():
            if isinstance(value, TrackableDataStructure):
                found += value.layers
            elif not isinstance(value, Variable):
                found.append(value)
        return found

    def _collected(self, attribute: str, own: Callable[[Any], bool]) -> list[Any]:
        found: list[Any] = []
        for value in self._elements():
            if isinstance(value, Variable):
                if own(value):
                    found.append(value)
            else:
                found += getattr(value, attribute, ())
        return list({id(variable): variable for variable in found}.values())

    @property
    def trainable_variables(self) -> list[Any]:
        """The variables among the elements and in them that are trained."""
        return self._collected("trainable_variables", lambda variable: bool(variable.trainable))

    trainable_weights = trainable_variables

    @property
    def non_trainable_variables(self) -> list[Any]:
        """The variables among the elements and in them that are not trained."""
        return self._collected("non_trainable_variables", lambda variable: not variable.trainable)

    non_trainable_weights = non_trainable_variables

    @property
    def variables(self) -> list[Any]:
        """All variables among the elements and in them."""
        return self.trainable_variables + self.non_trainable_variables

    weights = variables

    def __hash__(self) -> int:  # by identity: what compares equal may change
        return id(self)


def _unsavable(structure: Any, kind: str, reason: str) -> ValueError:
    return ValueError(
        f"Unable to save the object {structure!r} (a {kind} wrapper constructed to track trackable TensorFlow "
        f"objects). {reason}\n\nIf you don't need this {kind} checkpointed, wrap it in a NoDependency object; it will "
        "be subsequently ignored."
    )


def _needs_tracking(value: Any) -> bool:
    return isinstance(value, Trackable)


class ListWrapper(TrackableDataStructure, list[Any]):
    """Is a list that depends on its elements, under their positions.

    Args:
      wrapped_list: the list, which is changed with this one.
    """

    def __init__(self, wrapped_list: list[Any]) -> None:
        self._storage = wrapped_list
        self._non_append_mutation = False
        for position, value in enumerate(wrapped_list):
            wrapped_list[position] = self._track_value(value, str(position))
        super().__init__(wrapped_list)
        self._last_wrapped_list_snapshot = list(wrapped_list)

    # The list that C code sees holds what the wrapped list held when it was last looked at through the wrapper.

    def _current(self) -> list[Any]:
        """Returns the wrapped list, after this one has taken over what was done to it."""
        if len(self._storage) != list.__len__(self) or any(
            mine is not theirs for mine, theirs in zip(list.__iter__(self), self._storage, strict=True)
        ):
            list.__setitem__(self, slice(None), self._storage)
        return self._storage

    def _of_this_length(self) -> list[Any]:
        """Returns the wrapped list, after this one has become as long; for one element that has to do."""
        if len(self._storage) != list.__len__(self):
            list.__setitem__(self, slice(None), self._storage)
        return self._storage

    def _changed(self) -> None:
        list.__setitem__(self, slice(None), self._storage)
        self._last_wrapped_list_snapshot = list(self._storage)

    @property
    def _values(self) -> Iterable[Any]:
        return list(self._current())

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        current = self._current()
        if self._non_append_mutation and any(map(_needs_tracking, current)):
            raise _unsavable(
                self, "list", "A list element was replaced (__setitem__, __setslice__), deleted (__delitem__, "
                "__delslice__), or moved (sort). In order to support restoration on object creation, tracking is "
                "exclusively for append-only data structures.",
            )  # fmt: skip
        if self._last_wrapped_list_snapshot != current and any(map(_needs_tracking, current)):
            raise _unsavable(
                self, "list", f"The wrapped list was modified outside the wrapper (its final value was {current}, its "
                f"value when a checkpoint dependency was added was {self._last_wrapped_list_snapshot}), which breaks "
                "restoration on object creation.",
            )  # fmt: skip
        children = super()._trackable_children(save_type, **kwargs)
        return {name: child for name, child in children.items() if int(name) < len(current)}

    def append(self, value: Any) -> None:
        current = self._of_this_length()
        tracked = self._track_value(value, str(len(current)))
        current.append(tracked)
        list.append(self, tracked)
        self._last_wrapped_list_snapshot.append(tracked)

    def extend(self, values: Iterable[Any]) -> None:
        for value in list(values):  # which may be this list
            self.append(value)

    def insert(self, index: Any, value: Any) -> None:
        self._non_append_mutation = True
        current = self._current()
        current.insert(index, wrap_or_unwrap(value))
        self._changed()

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(key, slice):
            self._non_append_mutation = True
            self._current()[key] = [wrap_or_unwrap(each) for each in value]
            self._changed()
            return
        current = self._of_this_length()
        position = range(len(current))[key]
        if _needs_tracking(current[position]) or _needs_tracking(wrap_or_unwrap(value)):
            self._non_append_mutation = True
        tracked = current[position] = self._track_value(value, str(position))
        list.__setitem__(self, position, tracked)
        if position < len(self._last_wrapped_list_snapshot):
            self._last_wrapped_list_snapshot[position] = tracked

    def __delitem__(self, key: Any) -> None:
        self._non_append_mutation = True
        del self._current()[key]
        self._changed()

    def pop(self, *position: Any) -> Any:
        self._non_append_mutation = True
        value = self._current().pop(*position)
        self._changed()
        return value

    def remove(self, value: Any) -> None:
        self._non_append_mutation = True
        self._current().remove(value)
        self._changed()

    def clear(self) -> None:
        self._non_append_mutation = True
        self._current().clear()
        self._changed()

    def sort(self, **options: Any) -> None:
        self._non_append_mutation = True
        self._current().sort(**options)
        self._changed()

    def reverse(self) -> None:
        self._non_append_mutation = True
        self._current().reverse()
        self._changed()

    def __iadd__(self, values: Iterable[Any]) -> Any:  # type: ignore[misc]
        self.extend(values)
        return self

    def __imul__(self, count: Any) -> Any:
        once = list(self._current())
        if count <= 0:
            self.clear()
        for _ in range(count - 1):
            self.extend(once)
        return self

    def __add__(self, other: Any) -> Any:
        return self._current() + list(other)

    def __radd__(self, other: Any) -> Any:
        return other + self._current()

    def __mul__(self, count: Any) -> Any:
        return self._current() * count

    __rmul__ = __mul__

    def __getitem__(self, key: Any) -> Any:
        return self._of_this_length()[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._current())

    def __reversed__(self) -> Iterator[Any]:
        return reversed(self._current())

    def __contains__(self, value: object) -> bool:
        return value in self._current()

    def __len__(self) -> int:
        return len(self._storage)

    def index(self, *arguments: Any) -> int:
        return self._current().index(*arguments)

    def count(self, value: Any) -> int:
        return self._current().count(value)

    def copy(self) -> Any:
        return self.__copy__()

    def __copy__(self) -> Any:
        return ListWrapper(list(self._current()))

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return ListWrapper(copy.deepcopy(self._current(), memo))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return ListWrapper, (list(self._current()),)

    def __eq__(self, other: object) -> bool:
        return self._current() == (other._current() if isinstance(other, ListWrapper) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: Any) -> bool:
        return self._current() < list(other)

    def __le__(self, other: Any) -> bool:
        return self._current() <= list(other)

    def __gt__(self, other: Any) -> bool:
        return self._current() > list(other)

    def __ge__(self, other: Any) -> bool:
        return self._current() >= list(other)

    __hash__ = TrackableDataStructure.__hash__  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ListWrapper({self._current()!r})"


class _Proxy(TrackableDataStructure):
    """Passes for what it holds: it has the class, the attributes and the operators of that.

    Args:
      wrapped: what it holds.
    """

    __wrapped__: Any
    #: How it is taken apart as a nested structure.
    _node_kind: node_kinds.NodeKind

    def __init__(self, wrapped: Any) -> None:
        object.__setattr__(self, "__wrapped__", wrapped)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(self.__wrapped__)

    def __getattr__(self, name: str) -> Any:
        if name == "__wrapped__" or name.startswith("_self_"):
            raise AttributeError(name)
        return getattr(self.__wrapped__, name)

    def __len__(self) -> int:
        return len(self.__wrapped__)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.__wrapped__)

    def __contains__(self, value: object) -> bool:
        return value in self.__wrapped__

    def __getitem__(self, key: Any) -> Any:
        return self.__wrapped__[key]

    def __eq__(self, other: object) -> bool:
        return bool(self.__wrapped__ == unwrapped(other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: Any) -> bool:
        return bool(self.__wrapped__ < unwrapped(other))

    def __le__(self, other: Any) -> bool:
        return bool(self.__wrapped__ <= unwrapped(other))

    def __gt__(self, other: Any) -> bool:
        return bool(self.__wrapped__ > unwrapped(other))

    def __ge__(self, other: Any) -> bool:
        return bool(self.__wrapped__ >= unwrapped(other))

    __hash__ = TrackableDataStructure.__hash__

    def __str__(self) -> str:
        return str(self.__wrapped__)

    def __copy__(self) -> Any:
        return type(self)(copy.copy(self.__wrapped__))

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return type(self)(copy.deepcopy(self.__wrapped__, memo))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self.__wrapped__,)


class _DictWrapper(_Proxy):
    """Passes for a dictionary, and depends on its values, under their keys.

    Args:
      wrapped_dict: the dictionary, which is changed with this one; a new one of pairs of a key and a value, if it is no
        mapping, and an empty one by default.
    """

    def __init__(self, wrapped_dict: Any = None) -> None:
        if wrapped_dict is None:
            wrapped_dict = {}
        elif not isinstance(wrapped_dict, Mapping):
            wrapped_dict = dict(wrapped_dict)
        super().__init__(wrapped_dict)
        object.__setattr__(self, "_self_non_string_key", False)
        object.__setattr__(self, "_self_external_modification", False)
        for key, value in list(wrapped_dict.items()):
            wrapped_dict[key] = self._tracked(key, value)
        self._snapshot()

    def _snapshot(self) -> None:
        object.__setattr__(self, "_self_last_wrapped_dict_snapshot", dict(self.__wrapped__))

    def _tracked(self, key: Any, value: Any) -> Any:
        """Returns a value as it is kept under a key."""
        if isinstance(key, str):
            return self._track_value(value, key)
        value = wrap_or_unwrap(value)
        if _needs_tracking(value):
            object.__setattr__(self, "_self_non_string_key", True)
        return value

    @property
    def _values(self) -> Iterable[Any]:
        return list(self.__wrapped__.values())

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        current = self.__wrapped__
        if self._self_non_string_key:
            raise _unsavable(
                self, "dictionary", "The wrapped dictionary contains a non-string key which maps to a trackable object "
                "or mutable data structure.",
            )  # fmt: skip
        if self._self_last_wrapped_dict_snapshot != current and any(map(_needs_tracking, current.values())):
            raise _unsavable(
                self, "dictionary", "The wrapped dictionary was modified outside the wrapper (its final value was "
                f"{current}, its value when a checkpoint dependency was added was "
                f"{self._self_last_wrapped_dict_snapshot}), which breaks restoration on object creation.",
            )  # fmt: skip
        children = super()._trackable_children(save_type, **kwargs)
        return {name: child for name, child in children.items() if current.get(name) is child}

    def __setitem__(self, key: Any, value: Any) -> None:
        self.__wrapped__[key] = self._tracked(key, value)
        self._snapshot()

    def __delitem__(self, key: Any) -> None:
        del self.__wrapped__[key]
        self._snapshot()

    def __reversed__(self) -> Iterator[Any]:
        return reversed(self.__wrapped__)

    def __or__(self, other: Any) -> Any:
        return self.__wrapped__ | unwrapped(other)

    def __ror__(self, other: Any) -> Any:
        return unwrapped(other) | self.__wrapped__

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self

    def update(self, *others: Any, **named: Any) -> None:
        for key, value in dict(*others, **named).items():
            self[key] = value

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self.__wrapped__:
            self[key] = default
        return self[key]

    def pop(self, key: Any, *default: Any) -> Any:
        value = self.__wrapped__.pop(key, *default)
        self._snapshot()
        return value

    def popitem(self) -> Any:
        item = self.__wrapped__.popitem()
        self._snapshot()
        return item

    def clear(self) -> None:
        self.__wrapped__.clear()
        self._snapshot()

    def copy(self) -> Any:
        return copy.copy(self)

    def __repr__(self) -> str:
        return f"DictWrapper({self.__wrapped__!r})"


class _TupleWrapper(_Proxy):
    """Passes for a tuple or named tuple, and depends on its elements, under their positions.

    Args:
      original: the tuple.
    """

    def __init__(self, original: tuple[Any, ...]) -> None:
        elements = [self._track_value(value, str(position)) for position, value in enumerate(original)]
        kept = type(original)(*elements) if hasattr(original, "_fields") else type(original)(elements)
        super().__init__(kept)
        self._maybe_initialize_trackable()

    @property
    def _values(self) -> Iterable[Any]:
        return self.__wrapped__

    def __add__(self, other: Any) -> Any:
        return self.__wrapped__ + unwrapped(other)

    def __radd__(self, other: Any) -> Any:
        return unwrapped(other) + self.__wrapped__

    def __mul__(self, count: Any) -> Any:
        return self.__wrapped__ * count

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return f"_TupleWrapper({self.__wrapped__!r})"


def unwrapped(value: Any) -> Any:
    """Returns what a wrapper that passes for a dictionary or tuple holds, or else the value itself."""
    return value.__wrapped__ if type(value) in (_DictWrapper, _TupleWrapper) else value


def _holds_trackables(value: tuple[Any, ...]) -> bool:
    return any(_needs_tracking(wrap_or_unwrap(element)) for element in value)


def wrap_or_unwrap(value: Any) -> Any:
    """Returns a value as an attribute keeps it: lists and dictionaries, and tuples that hold what can be tracked, in a
    wrapper; what ``NoDependency`` wraps, as it was."""
    if isinstance(value, NoDependency):
        return value.value
    if isinstance(value, Trackable):
        return value
    kind = type(value)
    if kind is list:
        return ListWrapper(value)
    if kind is dict or kind is collections.OrderedDict:
        return _DictWrapper(value)
    if isinstance(value, tuple) and (kind is tuple or hasattr(kind, "_fields")) and _holds_trackables(value):
        return _TupleWrapper(value)
    return value


def sticky_attribute_assignment(trackable: Any, name: str, value: Any) -> Any:
    """Returns what an attribute is to keep, and makes it a dependency of an object if it can be one.

    Args:
      trackable: the object that the attribute is of.
      name: the attribute's name.
      value: what is assigned to it.
    """
    tracked = not isinstance(value, NoDependency)
    value = wrap_or_unwrap(value)
    if tracked and isinstance(value, Trackable):
        trackable._track_trackable(value, name, overwrite=True)
    return value


def _kind_of_wrapped(wrapper: Any) -> node_kinds.NodeKind:
    kind = node_kinds.PLAIN[type(wrapper.__wrapped__)]
    assert kind is not None
    return kind


def _node_kind(name: str, wrapper: Callable[[Any], Any]) -> node_kinds.NodeKind:
    """Returns how wrappers are taken apart, as what they hold, and put together, as wrappers."""
    return node_kinds.NodeKind(
        name,
        lambda node: _kind_of_wrapped(node).values(node.__wrapped__),
        lambda node: _kind_of_wrapped(node).keys(node.__wrapped__),
        lambda node, children: wrapper(_kind_of_wrapped(node).rebuild(node.__wrapped__, children)),
    )


_DictWrapper._node_kind = _node_kind("mapping", _DictWrapper)
_TupleWrapper._node_kind = _node_kind("sequence", _TupleWrapper)
