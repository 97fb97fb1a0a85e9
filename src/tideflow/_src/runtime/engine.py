"""Loads and configures JAX, the engine of compiled programs, when it is first needed."""

from __future__ import annotations

import functools
import os
import threading
from typing import Any

from tideflow._src.runtime import host_memory
from tideflow._src.runtime.program_options import processors

_lock = threading.Lock()
_jax: Any = None
#: What tells the engine how many threads to keep, as it reads it from the environment.
_THREADS = "NPROC"


def virtual_accelerators() -> int:
    """Returns how many of the engine's CPU devices play an accelerator, which shows what needs one where there is none.

    The first CPU device stays the host. The environment says so before the engine is loaded.
    """
    return int(os.environ.get("TIDEFLOW_VIRTUAL_ACCELERATORS") or 0)


def load() -> Any:
    """Returns the module ``jax``, configured: 64-bit types real, calls on the CPU synchronous."""
    global _jax
    if _jax is None:
        with _lock:
            if _jax is None:
                os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")  # XLA's own start-up chatter
                os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # memory of accelerators as needed
                if virtual_accelerators():
                    count = f"--xla_force_host_platform_device_count={virtual_accelerators() + 1}"
                    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {count}".strip()
                host_memory.keep()
                import jax

                jax.config.update("jax_enable_x64", True)
                jax.config.update("jax_cpu_enable_async_dispatch", False)
                _jax = jax
    return _jax


def is_loaded() -> bool:
    """Tells whether JAX has been loaded."""
    return _jax is not None


def host_device() -> Any:
    """Returns the engine's device that shares the memory of the host."""
    return load().local_devices(backend="cpu")[0]


def undivided_device() -> Any:
    """Returns a device of the engine, in the host's memory, whose programs run in one thread; None if all do so anyway.

    The engine hands the pieces of a program from thread to thread. For a small program that takes longer than it saves.
    It keeps its threads by client, so that this device belongs to a second one.
    """
    load()
    with _lock:  # what is cached could be made twice, and the environment be put back to what another thread has set
        return _undivided_device()


@functools.cache
def _undivided_device() -> Any:
    if processors() == 1 or virtual_accelerators():
        return None
    host_device()  # the first client keeps a thread for each processor
    from jaxlib import xla_client

    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = "1"
    try:
        client: Any = xla_client.make_cpu_client(asynchronous=False)
        return client.local_devices()[0]
    finally:
        if before is None:
            del os.environ[_THREADS]
        else:
            os.environ[_THREADS] = before
