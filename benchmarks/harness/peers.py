"""The peers: which Python runs each of them, which module they are, and the conditions all run under.

A *label* names one contestant: a peer (``"torch"``) or a variant of one (``"torch:compile"``).
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Literal

Dialect = Literal["v1", "v2"]

PEERS = ("tideflow", "tensorflow", "torch", "jax")
DISPLAY_NAMES = {"tideflow": "Tideflow", "tensorflow": "TensorFlow", "torch": "PyTorch", "jax": "JAX"}

# TensorFlow imports JAX if it finds it, for TensorFlow Lite: it must not pay for a peer that lives beside it.
HIDDEN = {"tensorflow": ("jax",)}

BENCHMARKS = Path(__file__).resolve().parent.parent
SOURCES = BENCHMARKS.parent / "src"


def peer_of(label: str) -> str:
    """Returns the peer of a label: ``"torch"`` for ``"torch:compile"``."""
    return label.partition(":")[0]


def python_of(peer: str) -> str:
    """Returns the interpreter that runs a peer: ``TIDEFLOW_BENCH_<PEER>_PYTHON``, or this one."""
    return os.environ.get(f"TIDEFLOW_BENCH_{peer.upper()}_PYTHON", sys.executable)


def environment(threads: int) -> dict[str, str]:
    """Returns the environment that every process of every peer gets.

    The thread count is the same for all; no peer may use a GPU; the checkout's ``src`` comes first on the
    path, so that the Tideflow measured is the one beside this harness.
    """
    paths = [str(SOURCES), *filter(None, [os.environ.get("PYTHONPATH")])]
    count = str(threads)
    # Without bytecode Tideflow would be compiled anew at each import; that of the peers came with them.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {
        **inherited,
        "PYTHONPATH": os.pathsep.join(paths),
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "TF_NUM_INTRAOP_THREADS": count,
        "TF_NUM_INTEROP_THREADS": count,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "-1",
    }


def hide_others(peer: str) -> None:
    """Makes this process unable to import what ``HIDDEN`` says is none of the peer's business."""
    for name in HIDDEN.get(peer, ()):
        sys.modules[name] = None  # type: ignore[assignment]


def load(peer: str, dialect: Dialect) -> ModuleType:
    """Imports a peer; ``dialect`` chooses between the 1.x and the 2.x API of the two that have both.

    TensorFlow's 1.x API is put in its 1.x behaviour, in which resource variables are off by default.
    """
    hide_others(peer)
    if dialect == "v1" and peer == "tensorflow":
        module = importlib.import_module("tensorflow.compat.v1")
        module.disable_v2_behavior()
        return module
    if dialect == "v1" and peer == "tideflow":
        return importlib.import_module("tideflow.v1")
    return importlib.import_module(peer)
