"""Sets and hands out seeds: ``tf.random.set_seed`` and the two seeds that every random operation gets.

The rules are in :mod:`tideflow._src.runtime.seed_rules`; here they meet the context that a call is made in.
"""

from __future__ import annotations

import weakref
from typing import Any

from tideflow._src.core import context
from tideflow._src.runtime import seed_rules
from tideflow._src.runtime.random_state import eager_seeds
from tideflow._src.runtime.seed_rules import DEFAULT_GRAPH_SEED

__all__ = ["DEFAULT_GRAPH_SEED", "get_seed", "operation_seeds", "set_random_seed", "set_seed"]

_seeds_made_up: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()


def set_seed(seed: Any) -> None:
    """Sets the global seed: of eager execution, or of the current graph while one is being built.

    Eagerly, all streams start anew, so that the same calls draw the same numbers again.

    Args:
      seed: an integer.

    Example:

    >>> set_seed(5)
    >>> get_seed(3)
    (5, 3)
    >>> eager_seeds.set_seed(None)
    """
    graph = context.current_graph()
    if graph is None:
        eager_seeds.set_seed(seed)
    else:
        graph.seed = seed


#: The name of ``set_seed`` in TF 0.x and 1.x, where it sets the seed of the default graph.
set_random_seed = set_seed


def get_seed(op_seed: Any) -> tuple[Any, Any]:
    """Returns the two seeds of a random operation that is called now.

    Args:
      op_seed: the seed that the call gives, or None.

    Returns:
      The seeds of the program and of the operation; ``(None, None)`` if neither is set, which asks for
      numbers that cannot be repeated.
    """
    graph = context.current_graph()
    if graph is None:
        return eager_seeds.get_seed(op_seed)

    def next_operation_seed() -> int:
        number = _seeds_made_up.get(graph, 0)
        _seeds_made_up[graph] = number + 1
        return number

    return seed_rules.get_seed(graph.seed, op_seed, next_operation_seed=next_operation_seed)


def operation_seeds(op_seed: Any) -> dict[str, int]:
    """Returns the attributes ``seed`` and ``seed2`` of a random operation that is called now."""
    seed, seed2 = get_seed(op_seed)
    return {"seed": 0, "seed2": 0} if seed is None else {"seed": int(seed), "seed2": int(seed2)}
