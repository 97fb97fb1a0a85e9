"""Defines ``StubOutForTesting``: replaces attributes for the time of a test, and puts them back."""

from __future__ import annotations

import inspect
from types import TracebackType
from typing import Any


class StubOutForTesting:
    """Replaces attributes of modules, classes and objects; ``CleanUp``, or leaving its block, restores them."""

    def __init__(self) -> None:
        self._cache: list[tuple[Any, str, Any]] = []
        self._smart: list[tuple[Any, str, Any]] = []

    def __enter__(self) -> StubOutForTesting:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.CleanUp()

    def CleanUp(self) -> None:
        """Restores everything that was replaced."""
        self.SmartUnsetAll()
        self.UnsetAll()

    def SmartSet(self, obj: Any, attr_name: str, new_attr: Any) -> None:
        """Replaces an attribute where it is defined: in the object itself, or in the class that it comes from.

        Raises:
          AttributeError: there is no such attribute.
        """
        if inspect.ismodule(obj) or (not inspect.isclass(obj) and attr_name in vars(obj)):
            owner, original = obj, getattr(obj, attr_name)
        else:
            classes = inspect.getmro(obj if inspect.isclass(obj) else obj.__class__)
            owner = next((item for item in classes if attr_name in vars(item)), None)
            if owner is None:
                raise AttributeError("Attribute not found.")
            original = vars(owner)[attr_name]
        self._smart.append((owner, attr_name, original))
        setattr(owner, attr_name, new_attr)

    def SmartUnsetAll(self) -> None:
        """Restores what ``SmartSet`` replaced, the last first."""
        while self._smart:
            setattr(*self._smart.pop())

    def Set(self, parent: Any, child_name: str, new_child: Any) -> None:
        """Replaces ``parent.child_name``."""
        old = getattr(parent, child_name)
        defined = vars(parent).get(child_name) if hasattr(parent, "__dict__") else None
        if isinstance(defined, staticmethod | classmethod):
            old = defined
        self._cache.append((parent, child_name, old))
        setattr(parent, child_name, new_child)

    def UnsetAll(self) -> None:
        """Restores what ``Set`` replaced, the last first."""
        while self._cache:
            setattr(*self._cache.pop())
