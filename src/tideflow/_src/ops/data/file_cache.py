"""A dataset that keeps the elements of another in a file, for this program and the next."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from tideflow._src.core.errors import AlreadyExistsError
from tideflow._src.ops.data.blocks import Singles
from tideflow._src.ops.data.element_files import elements_in, written
from tideflow._src.ops.data.elements import Element
from tideflow._src.ops.data.stage import Run, Running, Stage, named
from tideflow._src.ops.files import file_system


class FileCache(Stage):
    """Is its input, which is read once and then had from a file.

    Args:
      kind, types, shapes, source: as of a stage.
      path: the beginning of the names of the files.
    """

    def __init__(self, kind: str, types: Any, shapes: Any, source: Stage, path: str) -> None:
        super().__init__(kind, types, shapes, [source])
        self._path = path

    is_light = False
    starts_at_once = True  # a file that is there then is read

    @property
    def _file(self) -> str:
        return f"{self._path}.data-00000-of-00001"

    def cardinality(self) -> int:
        return self.inputs[0].cardinality()

    def iterate(self, run: Run) -> Running:
        if file_system.exists(self._file):
            return _Reading(self._file, self.types)
        return _Writing(self.inputs[0].start(run), self._path, self._file, self.kind)

    def describe(self) -> str:
        return f"cache({self._path!r}), {'complete' if file_system.exists(self._file) else 'to be filled'}"


class _Reading(Running):
    def __init__(self, path: str, types: Any) -> None:
        self._elements: Iterator[Element] = elements_in(path, types)
        self._given = 0

    def next(self) -> Element | None:
        element = next(self._elements, None)
        self._given += element is not None
        return element

    def save(self) -> Any:
        return "read", self._given

    def restore(self, position: Any) -> None:
        self.skip(int(position[1]))


class _Writing(Running):
    """Writes what it gives; the file gets its name once it is whole."""

    def __init__(self, source: Running, path: str, target: str, kind: str) -> None:
        self._running = source
        self._source: Singles | None = Singles(source)
        self._lock = f"{path}.lockfile"
        self._target = target
        self._kind = kind
        self._file: Any = None

    def _begin(self) -> None:
        with file_system.translated(self._lock):
            try:
                os.close(os.open(file_system.local(self._lock), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            except FileExistsError:
                problem = (
                    "There appears to be a concurrent caching iterator running - cache lockfile already exists "
                    f"({self._lock!r}). If you are sure no other running TF computations are using this cache prefix, "
                    "delete the lockfile and re-initialize the iterator."
                )
                raise named(AlreadyExistsError(None, None, problem), self._kind) from None
            self._file = open(file_system.local(f"{self._target}.tempstate"), "wb")  # noqa: SIM115 - closed at the end

    def next(self) -> Element | None:
        if self._source is None:
            return None
        if self._file is None:
            self._begin()
        element = self._source.next()
        if element is None:
            self._source = None
            self._file.close()
            self._file = None
            file_system.rename(f"{self._target}.tempstate", self._target, True)
            file_system.remove(self._lock)
        else:
            self._file.write(written(element))
        return element

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            file_system.remove(f"{self._target}.tempstate")
            file_system.remove(self._lock)
        self._source = None
        self._running.close()
