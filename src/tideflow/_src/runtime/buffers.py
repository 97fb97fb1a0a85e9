"""Holds the state that operations read and write: variables' buffers, and the handles that refer to resources."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import AlreadyExistsError, FailedPreconditionError, NotFoundError
from tideflow._src.core.inheritance import inherited
from tideflow._src.core.variant_array import ObjectArray
from tideflow._src.runtime.blocking import Interrupts

Shape = tuple[int | None, ...] | None
#: The classes of values in the host's memory: of one number, NumPy's functions give a scalar.
HOST_VALUES = (np.ndarray, np.generic)

dtypes.of_numpy[dtypes.resource] = dtypes.resource
dtypes.of_numpy[dtypes.variant] = dtypes.variant


class Buffer:
    """Is the storage of one variable.

    A value that is *leased* was handed out: it never changes, and no program takes its memory over; the next update
    makes a new one. What is not leased belongs to the buffer alone, and is updated in place. Whoever changes the value
    holds ``lock`` from reading the old one to storing the new one; who holds several takes them in the order of their
    numbers (:func:`in_order`).

    Attributes:
      value: None before initialization; else an array of the host, or one in the engine's memory.
      lease: the value once it is leased, or None: an array of the host, or with a placement whatever the value is.
      pins: how many programs read the value at the moment, so that none may take its memory over.
      writer: the undo log of the run that changed the value last; None if none keeps one.
      lock: makes reading and writing one step.
      placement: the full name of the device that holds the value, or None for the host.
    """

    __slots__ = (
        "value", "lease", "pins", "writer", "lock", "number", "name", "dtype", "shape", "placement", "__weakref__"
    )  # fmt: skip

    def __init__(self, name: str, dtype: DType, shape: Shape, placement: Any = None) -> None:
        self.value: Any = None
        self.lease: Any = None
        self.pins = 0
        self.writer: Any = None
        self.lock = threading.RLock()
        self.number = next(_numbers)
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.placement = placement

    @property
    def is_initialized(self) -> bool:
        """Whether there is a value."""
        return self.value is not None

    @property
    def nbytes(self) -> int:
        """The bytes of the value; 0 if there is none."""
        return int(getattr(self.value, "nbytes", 0))

    def read(self) -> Any:
        """Returns the value as an array of the host, and leases it.

        Raises:
          FailedPreconditionError: the variable is not initialized.
        """
        lease = self.lease
        if lease is not None:
            return lease if self.placement is None else np.asarray(lease)
        with self.lock:
            value = self.peek()
            if value.__class__ is np.ndarray:
                value.flags.writeable = False
            self.lease = value
            return value

    def peek(self) -> Any:
        """Returns the value as an array of the host for use under the lock.

        Raises:
          FailedPreconditionError: the variable is not initialized.
        """
        value = self.value
        if isinstance(value, HOST_VALUES):
            return value
        if value is None:
            raise FailedPreconditionError(None, None, f"Attempting to use uninitialized value {self.name}")
        return np.asarray(value)

    def read_in_place(self) -> Any:
        """Returns the value where it is, and leases it: what :meth:`read` does for a buffer that has a placement.

        Raises:
          FailedPreconditionError: the variable is not initialized.
        """
        with self.lock:
            if self.value is None:
                raise FailedPreconditionError(None, None, f"Attempting to use uninitialized value {self.name}")
            self.lease = self.value
            return self.value

    def take(self) -> Any:
        """Returns, under the lock, the value as an array that the caller may change and then stores again."""
        value = self.value
        if value.__class__ is np.ndarray and self.lease is None and not self.pins:
            flags = value.flags
            if flags.writeable and flags.owndata:
                return value
        return np.array(self.peek())

    def store(self, value: Any, writer: Any = None) -> None:
        """Replaces the value, under the lock, by one that belongs to the buffer alone."""
        self.value = value
        self.lease = None
        self.writer = writer

    def move(self, value: Any) -> None:
        """Puts the same value, under the lock, into another memory."""
        self.value = value
        self.lease = None

    def share(self, value: Any) -> None:
        """Replaces the value by an array of the host that others hold, too, and that nobody changes."""
        if value.__class__ is np.ndarray:
            value.flags.writeable = False
        with self.lock:
            self.value = self.lease = value
            self.writer = None

    def update(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Replaces the value by ``function(value, *arguments)``, in one step."""
        with self.lock:
            self.store(function(self.peek(), *arguments))

    def __repr__(self) -> str:
        return f"<Buffer {self.name!r} {self.dtype.name}{self.shape}>"


_numbers = itertools.count()


def in_order(buffers: Iterable[Buffer]) -> list[Buffer]:
    """Returns buffers in the order in which their locks are taken."""
    return sorted(buffers, key=_number)


def _number(buffer: Buffer) -> int:
    return buffer.number


@contextmanager
def locked(buffers: Iterable[Buffer]) -> Iterator[None]:
    """Holds the locks of buffers while the block runs."""
    held: list[Buffer] = []
    try:
        for buffer in in_order(buffers):
            held.append(buffer)  # before it is locked: Ctrl-C may come as soon as it is
            buffer.lock.acquire()
        yield
    finally:
        for buffer in held[:-1]:
            buffer.lock.release()
        with suppress(RuntimeError):  # the wait for the last lock was interrupted
            for buffer in held[-1:]:
                buffer.lock.release()


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

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> HandleArray:
        return HandleArray.of([self], ())

    def reshape(self, *shape: Any) -> Any:
        """Returns an array that holds this handle alone, as an array's method does."""
        return HandleArray.of([self], ()).reshape(*shape)

    def __repr__(self) -> str:
        return f"<ResourceHandle(name={self.name!r}, resource={self.resource!r})>"


class HandleArray(ObjectArray):
    """Is an array of resource handles; one of rank 0 refers to what its handle refers to."""

    _element_dtype = dtypes.resource

    @property
    def resource(self) -> Any:
        return self.item().resource

    @property
    def name(self) -> str:
        name: str = self.item().name
        return name

    @property
    def container(self) -> str:
        container: str = self.item().container
        return container


class ResourceManager:
    """Keeps the resources of one session, or of eager execution, by container and name.

    Attributes:
      lock: guards the table of resources.
      interrupts: ends the waits of operations when the session is closed.
    """

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


def buffer_in(value: Any) -> Buffer:
    """Returns the buffer that a value refers to: a handle of a variable, or the buffer itself."""
    kind = value.__class__
    buffer: Buffer = value.resource if kind is ResourceHandle or kind is HandleArray else value
    return buffer


class _ThisThread(threading.local):
    """Is what runs in this thread.

    Attributes:
      state: the state of the innermost program, or None. Whoever sets it puts back what was there before, with a plain
        assignment, since Ctrl-C may come before any call.
    """

    def __init__(self) -> None:
        self.state: Any = None


this_thread = inherited(_ThisThread())
eager_resources = ResourceManager()


def resources() -> ResourceManager:
    """Returns the resources of the session that runs in this thread, or those of eager execution."""
    state = this_thread.state
    return eager_resources if state is None else state.resources
