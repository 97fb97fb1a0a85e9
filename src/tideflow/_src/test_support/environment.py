"""Tells tests about the machine: devices, builds, directories."""

from __future__ import annotations

import atexit
import functools
import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from typing import Any

from tideflow._src.core import context
from tideflow._src.runtime import devices, engine

#: The names of processors that TensorFlow knows, with those that Python's ``platform`` gives them.
_PROCESSORS = {
    "x86_64": ("x86_64", "amd64"),
    "aarch64": ("aarch64", "arm64"),
    "arm": ("arm", "armv7l", "armv6l"),
    "systemz": ("s390x",),
    "ppc": ("ppc64le", "ppc64", "ppc"),
}
_temporary: str | None = None


def get_temp_dir() -> str:
    """Returns a directory for the files of tests, which is removed when the process ends."""
    global _temporary
    if _temporary is None:
        parent = os.environ.get("TEST_TMPDIR") or None
        if parent is not None:
            os.makedirs(parent, exist_ok=True)
        _temporary = tempfile.mkdtemp(dir=parent)
        atexit.register(shutil.rmtree, _temporary, ignore_errors=True)
    return _temporary


def test_src_dir_path(relative_path: str) -> str:
    """Returns the path of a test's data: ``relative_path`` below the sources that ``TEST_SRCDIR`` names.

    Raises:
      KeyError: the environment has no ``TEST_SRCDIR``.
    """
    return os.path.join(os.environ["TEST_SRCDIR"], "org_tensorflow/tensorflow", relative_path)


def is_built_with_cuda() -> bool:
    """Tells whether compiled programs can run on NVIDIA's GPUs here."""
    return _has_platform("cuda")


def is_built_with_rocm() -> bool:
    """Tells whether compiled programs can run on AMD's GPUs here."""
    return _has_platform("rocm")


def is_built_with_gpu_support() -> bool:
    """Tells whether compiled programs can run on GPUs here."""
    return is_built_with_cuda() or is_built_with_rocm()


def is_built_with_xla() -> bool:
    """Tells whether programs can be compiled with XLA: always."""
    return True


@functools.cache
def _has_platform(name: str) -> bool:
    jax = engine.load()
    try:
        return bool(jax.devices(name))
    except RuntimeError:  # JAX knows no such platform here
        return False


def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: Any = None) -> bool:
    """Tells whether there is a GPU.

    Args:
      cuda_only: whether it has to be one of NVIDIA's.
      min_cuda_compute_capability: the least compute capability that it must have, a pair of integers.
    """
    if not devices.list_physical_devices("GPU") or (cuda_only and not is_built_with_cuda()):
        return False
    if min_cuda_compute_capability is None:
        return True
    for device in engine.load().devices():
        capability = getattr(device, "compute_capability", None)
        if capability is not None:
            if tuple(int(part) for part in str(capability).split(".")) >= tuple(min_cuda_compute_capability):
                return True
    return False


def gpu_device_name() -> str:
    """Returns the name of the first GPU, or an empty string."""
    found = devices.list_logical_devices("GPU")
    return found[0].name.partition("/replica:0/task:0")[2] or found[0].name if found else ""


def is_cpu_target_available(target: str) -> bool:
    """Tells whether compiled programs can be made for a kind of processor: here, for the one that they run on.

    Raises:
      AssertionError: there is no such processor.
    """
    names = _PROCESSORS.get(target)
    if names is None:
        raise AssertionError(f"Unknown CPU target: {target}")
    return platform.machine().lower() in names


def disable_with_predicate(pred: Callable[[], bool], skip_message: str) -> Callable[..., Any]:
    """Returns a decorator of test methods that skips them if ``pred()`` holds when they are run."""

    def decorator(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            if pred():
                self.skipTest(skip_message)
            return function(self, *args, **kwargs)

        return wrapper

    return decorator


def with_eager_op_as_function(cls: Any = None, only_as_function: bool = False) -> Any:
    """Returns the class as it is; TensorFlow keeps this decorator for the sake of older tests."""
    del only_as_function
    return cls if cls is not None else lambda decorated: decorated


def sync_devices() -> None:
    """Waits for the end of every operation: for measuring how long one takes.

    Raises:
      RuntimeError: operations do not run eagerly here.
    """
    if not context.executing_eagerly():
        raise RuntimeError("sync_devices() must only be called in Eager mode, outside tf.functions")
    if engine.is_loaded():
        for array in engine.load().live_arrays():
            array.block_until_ready()
