"""Options of ``tf.config`` about how programs run: threads, compilation, functions."""

from __future__ import annotations

import os
from typing import Any

_threads = {"inter": 0, "intra": 0}
_optimizer: dict[str, Any] = {"jit": ""}
_functions = {"eagerly": False}
_tracebacks = {"filtered": True}


def get_inter_op_parallelism_threads() -> int:
    """Returns how many operations may run at once; 0 leaves it to the system."""
    return _threads["inter"]


def set_inter_op_parallelism_threads(num_threads: int) -> None:
    """Asks for a number of operations that may run at once; a plan here runs one after the other."""
    _threads["inter"] = int(num_threads)


def get_intra_op_parallelism_threads() -> int:
    """Returns how many threads one operation may use; 0 leaves it to the engines."""
    return _threads["intra"]


def set_intra_op_parallelism_threads(num_threads: int) -> None:
    """Asks for a number of threads for one operation; NumPy reads its own from the environment.

    Compiled programs run in one thread where one is asked for, and else in as many as there are processors.
    """
    _threads["intra"] = int(num_threads)


def processors() -> int:
    """Returns how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_count() -> int:
    """Returns how many threads one operation may use."""
    wanted = get_intra_op_parallelism_threads()
    return wanted if wanted > 0 else processors()


def get_jit() -> str:
    """Returns what ``set_jit`` chose."""
    return str(_optimizer["jit"])


def set_jit(enabled: Any) -> None:
    """Chooses whether sessions compile at once (``"autoclustering"`` or True) or when it pays (the default)."""
    _optimizer["jit"] = "autoclustering" if enabled in (True, "autoclustering") else ""


def get_experimental_options() -> dict[str, Any]:
    """Returns what ``set_experimental_options`` set."""
    return {name: value for name, value in _optimizer.items() if name != "jit"}


def set_experimental_options(options: dict[str, Any]) -> None:
    """Keeps options of TensorFlow's graph optimizer, which has no counterpart here."""
    _optimizer.update(options)


def run_functions_eagerly(run_eagerly: bool) -> None:
    """Chooses whether functions run operation by operation."""
    _functions["eagerly"] = bool(run_eagerly)


def functions_run_eagerly() -> bool:
    """Tells whether functions run operation by operation."""
    return _functions["eagerly"]


def enable_traceback_filtering() -> None:
    """Asks for tracebacks without the frames of this library; here they are short, and shown as they are."""
    _tracebacks["filtered"] = True


def disable_traceback_filtering() -> None:
    """Asks for tracebacks with the frames of this library."""
    _tracebacks["filtered"] = False


def is_traceback_filtering_enabled() -> bool:
    """Tells what was chosen last; by default, filtering."""
    return _tracebacks["filtered"]
