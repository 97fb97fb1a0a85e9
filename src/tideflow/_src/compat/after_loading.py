"""Changes modules of others right after they have been loaded, wherever they are found."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType


class AfterLoading(MetaPathFinder):
    """Finds some modules where the other finders of ``sys.meta_path`` find them, to change them once they are loaded.

    Args:
      names: the full names of the modules.
      change: is called with each of them.
    """

    def __init__(self, names: Collection[str], change: Callable[[ModuleType], None]) -> None:
        self._names = names
        self._change = change
        self._finding = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._names or self._finding:
            return None
        self._finding = True  # the others are to find it
        try:
            spec = find_spec(fullname)
        finally:
            self._finding = False
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._change)
        return spec


class _Loader(Loader):
    """Loads a module with another loader, and changes it."""

    def __init__(self, loader: Loader, change: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._change = change

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._change(module)
