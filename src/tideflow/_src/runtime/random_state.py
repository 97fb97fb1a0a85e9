"""Keeps the Philox states of eager random operations, as TensorFlow's kernel cache does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.graph.op_def import OpDef
from tideflow._src.runtime.philox import PhiloxState
from tideflow._src.runtime.seed_rules import EagerSeeds

eager_seeds = EagerSeeds()


class Generator:
    """Is what a random kernel draws from: a Philox key and the counter of its first block.

    On the host ``state`` is the stream itself, whose ``memory`` keeps what a kernel remembers from call to call.
    """

    __slots__ = ("key", "counter", "state")

    def __init__(self, key: Any, counter: Any, state: PhiloxState | None = None) -> None:
        self.key = key
        self.counter = counter
        self.state = state


def eager_generator(definition: OpDef, values: Sequence[Any], attrs: dict[str, Any], blocks: int) -> Generator:
    """Reserves blocks of the state that an eager call continues.

    Args:
      definition: the operation.
      values: the inputs; their dtypes stand for the type attributes that are not in ``attrs``.
      attrs: the attributes that the kernel takes.
      blocks: how many blocks the call needs.
    """
    seed, seed2 = attrs.get("seed", 0), attrs.get("seed2", 0)
    others = tuple(
        [
            tuple(value) if value.__class__ is list else value
            for name, value in attrs.items()
            if name != "seed" and name != "seed2"
        ]
    )
    types = tuple([getattr(value, "dtype", None) for value in values])
    state = eager_seeds.state((definition.name, types, others), seed, seed2)
    return Generator(state.key, state.reserve(blocks), state)
