"""Keeps the Philox states of eager random operations, as TensorFlow's kernel cache does."""

from __future__ import annotations

from typing import Any

from tideflow._src.graph.op_def import OpDef
from tideflow._src.runtime.philox import PhiloxState
from tideflow._src.runtime.random_seed import EagerSeeds

eager_seeds = EagerSeeds()


class Generator:
    """Is what a random kernel draws from: a Philox key and the counter of its first block."""

    __slots__ = ("key", "counter")

    def __init__(self, key: Any, counter: Any) -> None:
        self.key = key
        self.counter = counter


def eager_generator(definition: OpDef, attrs: dict[str, Any], blocks: int) -> Generator:
    """Reserves blocks of the state that an eager call with these attributes continues."""
    others = tuple((name, str(value)) for name, value in attrs.items() if name not in ("seed", "seed2"))
    state = eager_seeds.state((definition.name, others), attrs.get("seed", 0), attrs.get("seed2", 0))
    return Generator(state.key, state.reserve(blocks))
