"""``tensorflow.python.util.object_identity``: sets and dicts that tell objects apart by identity, not by equality."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, MutableMapping, MutableSet
from typing import Any

from tideflow._src.core.reference import Reference as Reference
from tideflow._src.core.reference import Wrapper


class _WeakWrapper(Wrapper):
    __slots__ = ("_hash",)

    def __init__(self, wrapped: Any) -> None:
        super().__init__(weakref.ref(wrapped))
        self._hash = id(wrapped)

    @property
    def unwrapped(self) -> Any:
        return self._wrapped()

    def __hash__(self) -> int:
        return self._hash


class ObjectIdentityDictionary(MutableMapping[Any, Any]):
    """Is a dict whose keys are told apart by identity."""

    _wrap: type[Wrapper] = Wrapper

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._storage: dict[Wrapper, Any] = {}
        self.update(dict(*args, **kwargs) if kwargs or not args else args[0])

    def __getitem__(self, key: Any) -> Any:
        return self._storage[self._wrap(key)]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._storage[self._wrap(key)] = value

    def __delitem__(self, key: Any) -> None:
        del self._storage[self._wrap(key)]

    def __len__(self) -> int:
        return len(self._storage)

    def __iter__(self) -> Iterator[Any]:
        for key in list(self._storage):
            yield key.unwrapped


def _alive(storage: dict[Wrapper, Any]) -> Iterator[Any]:
    """Yields the objects behind weak keys, and removes the keys of those that are gone."""
    for key in list(storage):
        found = key.unwrapped
        if found is None:
            storage.pop(key, None)
        else:
            yield found


class ObjectIdentityWeakKeyDictionary(ObjectIdentityDictionary):
    """Is such a dict that does not keep its keys alive."""

    _wrap = _WeakWrapper

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Any]:
        return _alive(self._storage)


class ObjectIdentitySet(MutableSet[Any]):
    """Is a set whose elements are told apart by identity."""

    _wrap: type[Wrapper] = Wrapper

    def __init__(self, iterable: Iterable[Any] = ()) -> None:
        self._storage = {self._wrap(item): None for item in iterable}

    def __contains__(self, key: object) -> bool:
        return self._wrap(key) in self._storage

    def add(self, key: Any) -> None:
        """Adds an object."""
        self._storage[self._wrap(key)] = None

    def discard(self, key: Any) -> None:
        """Removes an object, if it is there."""
        self._storage.pop(self._wrap(key), None)

    def update(self, items: Iterable[Any]) -> None:
        """Adds objects."""
        for item in items:
            self.add(item)

    def __len__(self) -> int:
        return len(self._storage)

    def __iter__(self) -> Iterator[Any]:
        for key in list(self._storage):
            yield key.unwrapped


class ObjectIdentityWeakSet(ObjectIdentitySet):
    """Is such a set that does not keep its elements alive."""

    _wrap = _WeakWrapper

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Any]:
        return _alive(self._storage)
