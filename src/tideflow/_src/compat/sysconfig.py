"""Tells how this library was built: ``tf.sysconfig``.

It is Python all through; the flags are those of TensorFlow's wheels.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import Any

CXX11_ABI_FLAG = 1
CXX_VERSION = 201703
MONOLITHIC_BUILD = 0


def get_include() -> str:
    """Returns the directory that would hold the headers of TensorFlow: the one below this package."""
    return os.path.join(get_lib(), "include")


def get_lib() -> str:
    """Returns the directory of this package."""
    here = os.path.abspath(__file__)
    return os.path.dirname(os.path.dirname(os.path.dirname(here)))


def get_compile_flags() -> list[str]:
    """Returns the flags for compiling an operation of one's own in C++."""
    return [
        f"-I{get_include()}",
        f"-D_GLIBCXX_USE_CXX11_ABI={CXX11_ABI_FLAG}",
        "--std=c++17",
        "-DEIGEN_MAX_ALIGN_BYTES=64",
    ]


def get_link_flags() -> list[str]:
    """Returns the flags for linking an operation of one's own in C++."""
    return [f"-L{get_lib()}", "-l:libtensorflow_framework.so.2"]


def get_build_info() -> OrderedDict[str, Any]:
    """Returns what the build has: this one needs no CUDA of its own, programs reach GPUs through XLA."""
    return OrderedDict([("is_cuda_build", False), ("is_rocm_build", False), ("is_tensorrt_build", False)])
