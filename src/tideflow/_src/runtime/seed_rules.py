"""From what a program says about seeds to the attributes `seed` and `seed2` of a random op.

A stateful random op has two seeds. The first comes from the program (`tf.random.set_seed`, or the graph's
seed), the second from the call (`seed=` of `tf.random.uniform`); what is missing is made up, so that
a program with a global seed repeats itself although no call has a seed of its own:

| global seed | seed of the call | `(seed, seed2)` |
|---|---|---|
| none | none | `(None, None)`, written `(0, 0)` into the op: cannot be repeated |
| none | given | `(87654321, given)` |
| given | none | `(global, the next made-up seed)` |
| given | given | `(global, given)` |

In a graph the made-up seeds are 0, 1, 2, ... in the order in which ops ask; every `tf.function` trace is
a graph of its own and takes the global seed with it. Eagerly they are drawn from Python's `random.Random`,
which `tf.random.set_seed` seeds.

What an op has drawn is remembered with its kernel. In a graph, that is the operation in one session.
Eagerly, TensorFlow keeps a kernel for each op name and set of attributes, and the seeds are attributes. So
two calls `tf.random.uniform([2], seed=1)` and `tf.random.uniform([3], seed=1)` continue one stream, while
another dtype, another dtype of the shape tensor, another op or another seed starts its own.
`tf.random.set_seed` drops all kernels, and with them all streams: the same calls afterwards give the same
numbers again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

import numpy as np

from tideflow._src.runtime.philox import PhiloxState

if TYPE_CHECKING:
    import random

__all__ = ["DEFAULT_GRAPH_SEED", "EagerSeeds", "determinism", "get_seed"]

DEFAULT_GRAPH_SEED = 87654321
_LARGEST_INT32 = 2**31 - 1
# States that were used once and are kept in case the same seeds come again.
_MOST_USED_ONCE = 1 << 16


class _Determinism:
    """Is the choice that random ops without any seed are errors: `tf.config.experimental.enable_op_determinism`."""

    enabled = False


determinism = _Determinism()


def get_seed(global_seed: Any, op_seed: Any, *, next_operation_seed: Callable[[], int]) -> tuple[Any, Any]:
    """Returns the two seeds of an op.

    Args:
      global_seed: The seed of the graph or of the eager context, or None.
      op_seed: The seed that the call gives, or None.
      next_operation_seed: Makes up the seed of an op without one; called only where it is needed.

    Returns:
      `(seed, seed2)`, reduced to 31 bits, or `(None, None)` if neither seed is given. `(0, 0)`, which would
      mean the same as no seeds, is changed to `(0, 2**31 - 1)`.

    >>> get_seed(None, 3, next_operation_seed=lambda: 0)
    (87654321, 3)
    >>> get_seed(5, None, next_operation_seed=lambda: 11)
    (5, 11)
    """
    if global_seed is None:
        if op_seed is None:
            if determinism.enabled:
                raise RuntimeError(
                    "Random ops require a seed to be set when determinism is enabled. Please set a seed before running "
                    "the op, e.g. by calling tf.random.set_seed(1)."
                )
            return None, None
        seeds = DEFAULT_GRAPH_SEED, op_seed % _LARGEST_INT32
    else:
        if op_seed is None:
            op_seed = next_operation_seed()
        seeds = global_seed % _LARGEST_INT32, op_seed % _LARGEST_INT32
    return (0, _LARGEST_INT32) if seeds == (0, 0) else seeds


class EagerSeeds:
    """The global seed of eager execution, and the random states of its kept kernels."""

    def __init__(self) -> None:
        self.global_seed: Any = None
        self.generation = 0
        self._random: random.Random | None = None
        self._used_once: dict[Hashable, PhiloxState] = {}
        self._used_again: dict[Hashable, PhiloxState] = {}
        self._lock = threading.Lock()

    def set_seed(self, seed: Any) -> None:
        """Sets the global seed and drops every kept state, as `tf.random.set_seed` does.

        `generation` grows with every call: who keeps states elsewhere (the compiled functions) compares it
        and drops his own. Functions that are traced already keep the seeds of their ops.

        Raises:
          TypeError: If `seed` can neither seed Python's generator nor become an integer.
        """
        import random  # many programs draw nothing eagerly

        try:
            hash(seed)
            generator = random.Random(seed)
        except TypeError:
            # numpy scalars and arrays: Python's generator takes only its own types.
            seed = int(np.array(seed))
            generator = random.Random(seed)
        with self._lock:
            self.global_seed, self._random = seed, generator
            self._used_once.clear()
            self._used_again.clear()
            self.generation += 1

    def internal_operation_seed(self) -> int:
        """Makes up the seed of an eager op that has none."""
        generator = self._random
        if generator is None:
            import random  # many programs draw nothing eagerly

            with self._lock:
                generator = self._random = self._random or random.Random()
        return generator.randint(0, _LARGEST_INT32)

    def get_seed(self, op_seed: Any) -> tuple[Any, Any]:
        """Returns the two seeds of an op that runs eagerly."""
        return get_seed(self.global_seed, op_seed, next_operation_seed=self.internal_operation_seed)

    def state(self, kernel: Hashable, seed: int, seed2: int) -> PhiloxState:
        """Returns the state of the kept kernel, which starts when it is first asked for.

        Under a global seed, every call without a seed of its own has a new one and so a state that nobody asks
        for again: of the states that were used once, the oldest are dropped when there are very many.

        Args:
          kernel: What TensorFlow tells kernels apart by, apart from the seeds: the op's name, its other
            attributes (type attributes included) and the device.
          seed: The attribute `seed`.
          seed2: The attribute `seed2`.
        """
        identity = (kernel, seed, seed2)
        state = self._used_again.get(identity)
        if state is not None:
            return state
        with self._lock:
            state = self._used_again.get(identity) or self._used_once.pop(identity, None)
            if state is not None:
                self._used_again[identity] = state
                return state
            state = self._used_once[identity] = PhiloxState(seed, seed2)
            if len(self._used_once) > _MOST_USED_ONCE:
                del self._used_once[next(iter(self._used_once))]
        return state
