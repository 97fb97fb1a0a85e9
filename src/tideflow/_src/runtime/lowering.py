"""Gives what XLA makes of a plan as text or messages: for reading, and for other tools."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from tideflow._src.runtime import engine, xla
from tideflow._src.runtime.lazy import jax
from tideflow._src.runtime.plan import Plan
from tideflow._src.runtime.state import RunState

#: The forms in which a program can be given.
STAGES = (
    "hlo",
    "hlo_serialized",
    "optimized_hlo",
    "optimized_hlo_serialized",
    "optimized_hlo_dot",
    "stablehlo",
    "stablehlo_serialized",
)


def described(shape: Any, dtype: Any) -> Any:
    """Returns what stands for a value of which only shape and dtype are known."""
    engine.load()
    return jax.ShapeDtypeStruct(tuple(shape), dtype)


def compiler_ir(plan: Plan, state: RunState, values: Sequence[Any], stage: str) -> str | bytes:
    """Returns the program that XLA runs for a plan.

    Args:
      plan: the plan.
      state: the state that it runs on.
      values: values for its feeds, or what :func:`described` gives.
      stage: one of ``STAGES``: as it is lowered, or as XLA optimized it.

    Raises:
      NotCompilable: a part of the plan runs on the host.
    """
    engine.load()
    lowered = xla.CompiledPlan(plan, state).lowered(values)
    if stage == "stablehlo":
        return str(lowered.as_text())
    if stage == "stablehlo_serialized":
        from jax.interpreters import mlir

        return bytes(mlir.module_to_bytecode(lowered.compiler_ir("stablehlo")))
    if stage == "hlo":
        return str(lowered.as_text("hlo"))
    if stage == "hlo_serialized":
        return bytes(lowered.compiler_ir("hlo").as_serialized_hlo_module_proto())
    (module,) = lowered.compile().runtime_executable().hlo_modules()
    if stage == "optimized_hlo_serialized":
        return bytes(module.as_serialized_hlo_module_proto())
    if stage == "optimized_hlo_dot":
        return str(importlib.import_module("jaxlib._hlo").hlo_module_to_dot_graph(module))
    return str(module.to_string())
