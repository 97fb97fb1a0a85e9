"""Lets a thread that works for another one take over what that one has chosen: graph, tapes, devices, scopes.

What a thread keeps for itself alone is in objects of ``threading.local``. Those that say how the program around goes
on, and not what one call is in the middle of, are marked by :func:`inherited` where they are made. ``Inheritance()``
takes down what they hold in this thread, and ``take_over`` gives it to another. Lists, sets and dictionaries are
copied: a scope that the heir opens is its own.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any, TypeVar

_Local = TypeVar("_Local", bound=threading.local)
#: By identity; a dictionary, since it is copied in one step that no other thread can come between.
_inherited: dict[int, weakref.ref[threading.local]] = {}
_COPIED = (list, dict, set)


def inherited(local: _Local) -> _Local:
    """Marks an object as one whose values go along to threads that work for this one; returns it."""
    key = id(local)
    _inherited[key] = weakref.ref(local, lambda reference: _inherited.pop(key, None))
    return local


class _Identity(threading.local):
    """Knows for which thread this one works; itself, if for none."""

    def __init__(self) -> None:
        self.number = threading.get_ident()


_identity = inherited(_Identity())


def identity() -> int:
    """Returns the number of the thread that this one works for, or else its own: they own the same locks."""
    return _identity.number


class Inheritance:
    """Is what the thread that makes it has chosen."""

    def __init__(self) -> None:
        self._values: list[tuple[threading.local, dict[str, Any]]] = []
        for reference in tuple(_inherited.values()):
            local = reference()
            if local is not None:
                self._values.append((local, _copied(local.__dict__)))

    def take_over(self) -> None:
        """Gives it to this thread, in the place of what it has itself."""
        for local, values in self._values:
            own = local.__dict__
            own.clear()
            own.update(_copied(values))


def _copied(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.copy() if value.__class__ in _COPIED else value for name, value in values.items()}
