"""The workloads: one module for each, holding the same work written for every peer."""

from __future__ import annotations

import importlib

from harness.workload import Workload

NAMES = (
    "import_time",
    "eager_add",
    "eager_ops",
    "tape_gradient",
    "session_run",
    "session_beside_variables",
    "first_session_run",
    "function_call",
    "function_trace",
    "autograph",
    "elementwise_chain",
    "mlp_step",
    "mlp_function",
    "many_variables",
    "recurrent",
    "loop_with_dropout",
    "convolution_step",
    "chained_graph",
    "math_family",
    "array_family",
    "linalg_family",
    "signal_family",
    "random_family",
    "window_family",
    "image_family",
    "string_family",
    "composites",
    "summaries",
    "loop_family",
    "keras_mnist",
    "keras_start",
)


def load_workload(name: str) -> Workload:
    """Imports the module of that name and returns its ``WORKLOAD``."""
    if name not in NAMES:
        raise ValueError(f"no workload {name!r}; there are: {', '.join(NAMES)}")
    workload: Workload = importlib.import_module(f"workloads.{name}").WORKLOAD
    return workload
