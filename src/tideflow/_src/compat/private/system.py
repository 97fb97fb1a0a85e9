"""What TensorFlow was built with, as its private modules tell it: none of it is here."""

from __future__ import annotations

from typing import Any

#: How the engine was built.
build_info: dict[str, Any] = {"is_cuda_build": False, "is_rocm_build": False, "is_tensorrt_build": False}
#: The versions of libraries for accelerators.
cuda_version_number = cudnn_version_number = ""

#: How often a module warns of deprecated names: not at all.
_PER_MODULE_WARNING_LIMIT = 0


def InstallStackTraceHandler() -> None:
    """Would make a crash print its stack."""


def IsMklEnabled() -> bool:
    """Tells whether kernels are oneDNN's."""
    return False


def is_xla_enabled() -> bool:
    """Tells whether all that is tested is to be compiled."""
    return False


def disable_cudnn_autotune(function: Any) -> Any:
    """Returns a test as it is: nothing here is tuned while it runs."""
    return function


def TF_ListPluggablePhysicalDevices() -> list[bytes]:
    """Returns the names of devices that plug-ins bring: there are none."""
    return []


def get_tpu_context() -> None:
    """Returns the context of a program for TPUs: there is none."""
