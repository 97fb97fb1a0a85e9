"""Holds the state that operations read and write: variables' buffers, and the handles that refer to resources."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import AlreadyExistsError, FailedPreconditionError, NotFoundError
from tideflow._src.runtime.blocking import Interrupts

Shape = tuple[int | None, ...] | None
_HOST_VALUES = (np.ndarray, np.generic)

dtypes.of_numpy[dtypes.resource] = dtypes.resource
dtypes.of_numpy[dtypes.variant] = dtypes.variant


class Buffer:
    """Is the storage of one variable.

    ``value`` is None before initialization; else an array that is never changed in place, so that whoever read it
    keeps what was read. Assignment replaces it.
    """

    __slots__ = ("value", "name", "dtype", "shape", "__weakref__")

    def __init__(self, name: str, dtype: DType, shape: Shape) -> None:
        self.value: Any = None
        self.name = name
        self.dtype = dtype
        self.shape = shape

    def read(self) -> Any:
        """Returns the value as an array of the host.

        Raises:
          FailedPreconditionError: the variable is not initialized.
        """
        value = self.value
        if isinstance(value, _HOST_VALUES):
            return value
        if value is None:
            raise FailedPreconditionError(None, None, f"Attempting to use uninitialized value {self.name}")
        with resources().lock:  # a compiled program of another thread may be about to take this memory over
            return np.asarray(self.value)

    def take(self) -> Any:
        """Returns the value as an array that the caller may change and then stores again.

        It is the array itself if nobody else refers to it, and a copy otherwise: what was read keeps its value.
        """
        value = self.value
        if value.__class__ is np.ndarray and sys.getrefcount(value) == _ALONE and value.flags.owndata:
            if value.flags.writeable:
                return value
        del value
        return np.array(self.read())

    def __repr__(self) -> str:
        return f"<Buffer {self.name!r} {self.dtype.name}{self.shape}>"


def _references_of_a_value(buffer: Buffer) -> int:
    """Returns how many references Python counts to an array that only a buffer holds, seen as ``take`` sees it."""
    value = buffer.value
    return sys.getrefcount(value)


_measured = Buffer("", dtypes.float32, None)
_measured.value = np.zeros(1)
_ALONE = _references_of_a_value(_measured)


class ResourceHandle:
    """Is the value of a tensor of dtype ``resource``: it refers to a buffer, a queue, a table..."""

    __slots__ = ("resource", "name", "container", "__weakref__")

    dtype = dtypes.resource
    shape: tuple[int, ...] = ()
    ndim = 0
    size = 1

    def __init__(self, resource: Any, name: str, container: str = "localhost") -> None:
        self.resource = resource
        self.name = name
        self.container = container

    def __repr__(self) -> str:
        return f"<ResourceHandle(name={self.name!r}, resource={self.resource!r})>"


class ResourceManager:
    """Keeps the resources of one session, or of eager execution, by container and name.

    Attributes:
      lock: is held while a compiled program updates variables in place.
      interrupts: ends the waits of operations when the session is closed.
    """

    #: The RunState that programs run with this manager use; set by its maker.
    run_state: Any = None
    #: Whether other sessions use the same resources, so that they outlive this one.
    is_shared = False

    def __init__(self) -> None:
        self._resources: dict[tuple[str, str], Any] = {}
        self.lock = threading.RLock()
        self.interrupts = Interrupts()

    def shared(self) -> ResourceManager:
        """Returns a manager, for one more session, of the same resources."""
        other = ResourceManager()
        other._resources, other.lock, other.is_shared = self._resources, self.lock, True
        return other

    def get_or_create(self, container: str, name: str, kind: type, create: Callable[[], Any]) -> Any:
        """Returns the resource of that name, made on first use.

        Raises:
          InvalidArgumentError-like AlreadyExistsError: a resource of another kind has that name.
        """
        key = (container, name)
        with self.lock:
            resource = self._resources.get(key)
            if resource is None:
                resource = self._resources[key] = create()
        if not isinstance(resource, kind):
            raise AlreadyExistsError(
                None, None, f"Resource {container}/{name} is a {type(resource).__name__}, not a {kind.__name__}."
            )
        return resource

    def lookup(self, container: str, name: str) -> Any:
        """Returns the resource of that name.

        Raises:
          NotFoundError: there is none.
        """
        try:
            return self._resources[container, name]
        except KeyError:
            raise NotFoundError(None, None, f"Resource {container}/{name} does not exist.") from None

    def delete(self, container: str, name: str) -> bool:
        """Removes a resource; tells whether it was there."""
        with self.lock:
            return self._resources.pop((container, name), None) is not None

    def clear(self, containers: Sequence[str] | None = None) -> None:
        """Removes every resource, or those of the containers named; the empty name stands for the default one."""
        with self.lock:
            if not containers:
                self._resources.clear()
                return
            names = {name or "localhost" for name in containers}
            for key in [key for key in self._resources if key[0] in names]:
                del self._resources[key]

    def buffers(self) -> list[Buffer]:
        """Returns the variables' buffers."""
        return [resource for resource in list(self._resources.values()) if isinstance(resource, Buffer)]


def buffer_in(value: Any) -> Buffer:
    """Returns the buffer that a value refers to: a handle of a variable, or the buffer itself."""
    return value if value.__class__ is Buffer else value.resource


class _Current(threading.local):
    def __init__(self) -> None:
        self.manager: ResourceManager | None = None


_current = _Current()
eager_resources = ResourceManager()


def resources() -> ResourceManager:
    """Returns the resources of the session that runs in this thread, or those of eager execution."""
    return _current.manager or eager_resources


def enter_resources(manager: ResourceManager | None) -> ResourceManager | None:
    """Makes ``manager`` the current one of this thread and returns the one before."""
    before = _current.manager
    _current.manager = manager
    return before
