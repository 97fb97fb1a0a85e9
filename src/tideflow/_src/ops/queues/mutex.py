"""Mutexes as operations: ``CriticalSection`` keeps one run at a time inside with them."""

from __future__ import annotations

import threading
from typing import Any

from tideflow._src.core.variant_array import Variant
from tideflow._src.ops.queues.shared import no_shapes, resource_handle, resource_in
from tideflow._src.runtime.buffers import resources
from tideflow._src.runtime.op import op


class Mutex:
    """Is a lock that one run holds at a time."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._free = threading.Condition()
        self._held = False

    def acquire(self) -> MutexLock:
        """Waits until nobody holds the mutex; returns the lock that holds it."""
        with self._free:
            resources().interrupts.wait(self._free, lambda: not self._held, "MutexLock")
            self._held = True
        return MutexLock(self)

    def release(self) -> None:
        """Lets the next one hold the mutex."""
        with self._free:
            self._held = False
            self._free.notify()


class MutexLock(Variant):
    """Holds a mutex until it is released, or forgotten because the run failed."""

    def __init__(self, mutex: Mutex) -> None:
        self._mutex: Mutex | None = mutex

    def release(self) -> None:
        """Releases the mutex, once."""
        mutex, self._mutex = self._mutex, None
        if mutex is not None:
            mutex.release()

    def __del__(self) -> None:
        self.release()


_STATEFUL = {"tier": "host", "stateful": True, "differentiable": False}


@op("MutexV2", "-> resource: resource", **_STATEFUL)
def mutex_v2(*, container: str = "", shared_name: str = ""):
    """Makes a mutex."""
    return resource_handle(container, shared_name, Mutex, lambda: Mutex(shared_name))


@op("MutexLock", "mutex: resource -> mutex_lock: variant", **_STATEFUL)
def mutex_lock(mutex):
    """Locks a mutex; waits until nobody else holds it."""
    return resource_in(mutex, Mutex).acquire()


@op("ConsumeMutexLock", "mutex_lock: variant ->", **_STATEFUL)
def consume_mutex_lock(mutex_lock):
    """Releases the mutex that a lock holds."""
    mutex_lock.release()


def _scalar(*inputs: Any) -> Any:
    return ()


mutex_v2.shape(_scalar)
mutex_lock.shape(_scalar)
consume_mutex_lock.shape(no_shapes)


@mutex_v2.samples
def _mutex_samples(s):
    yield s(shared_name=f"sampled_{s.definition.name}")


@mutex_lock.samples
def _mutex_lock_samples(s):
    yield s(s.produced("MutexV2"))


@consume_mutex_lock.samples
def _consume_samples(s):
    yield s(s.produced("MutexLock", s.produced("MutexV2")))
