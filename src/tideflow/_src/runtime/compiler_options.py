"""The options with which XLA compiles programs for the CPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime import effects
from tideflow._src.runtime.lazy import jax

_CONVOLUTIONS = frozenset(
    "Conv Conv2D Conv2DBackpropInput Conv2DBackpropInputV2 Conv2DBackpropFilter Conv2DBackpropFilterV2 "
    "Conv3D Conv3DBackpropInput Conv3DBackpropInputV2 Conv3DBackpropFilter Conv3DBackpropFilterV2".split()
)
_BATCHED_PRODUCTS = frozenset("BatchMatMul BatchMatMulV2 BatchMatMulV3 Einsum".split())
_LOOPS = frozenset(["While", "StatelessWhile", "For"])

#: Keeps XLA from dropping ``optimization_barrier`` before it decides what to fuse, which on the CPU it does by default.
_KEEP_BARRIERS = {"xla_disable_hlo_passes": "cse_barrier_expander"}
#: The same for programs with loops. What makes one kernel of a whole small loop cannot keep a barrier, but saves many
#: calls; so this is for loops that draw random numbers, which XLA would otherwise compute four times over, and for
#: those that convolve, whose transforms it would compute again for each place of a tile.
_KEEP_BARRIERS_IN_LOOPS = {"xla_disable_hlo_passes": "cse_barrier_expander,small-while-loop-hoisting"}
#: Says for what XLA takes a library in place of its own code.
_LIBRARY = "xla_cpu_experimental_ynn_fusion_type"


def compiler_options(
    ops: Sequence[Operation], device: Any = None, *, is_undivided: bool = False
) -> dict[str, Any] | None:
    """Returns the options that make XLA's programs for the CPU fast, given what they contain and where they run."""
    if (jax.default_backend() if device is None else device.platform) != "cpu":
        return None
    kinds = effects.kinds_in(ops)
    if not kinds & _LOOPS:
        options = dict(_KEEP_BARRIERS)
    elif kinds & _CONVOLUTIONS or any(OpDef.registry[kind].random is not None for kind in kinds):
        options = dict(_KEEP_BARRIERS_IN_LOOPS)
    else:
        options = {}
    if kinds & (_CONVOLUTIONS | _BATCHED_PRODUCTS) or is_undivided:
        # In one thread XLA's own products are faster; and the library runs several shapes of convolutions, and batches
        # of products, in one thread.
        options[_LIBRARY] = ""
    return options


def keep_barriers(options: Mapping[str, Any]) -> bool:
    """Tells whether barriers are kept, across which nothing is fused."""
    return "xla_disable_hlo_passes" in options


def without_barriers(options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options for a program in which XLA cannot keep barriers."""
    return {name: value for name, value in options.items() if name not in _KEEP_BARRIERS}
