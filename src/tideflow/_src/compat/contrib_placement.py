"""Where parameters go that several servers share, by their size: of ``tf.contrib.training``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class GreedyLoadBalancingStrategy:
    """Gives each parameter to the server that has the least so far.

    Args:
      num_tasks: the number of servers.
      load_fn: says what an operation weighs.
    """

    def __init__(self, num_tasks: int, load_fn: Callable[[Any], float]) -> None:
        self._load_fn = load_fn
        self._loads = np.zeros(num_tasks)

    def __call__(self, op: Any) -> int:
        """Returns the number of the server for an operation."""
        task = int(np.argmin(self._loads))
        self._loads[task] += self._load_fn(op)
        return task


def byte_size_load_fn(op: Any) -> int:
    """Returns how many bytes the one output of an operation takes.

    Raises:
      ValueError: the operation has several outputs, or its shape is not known.
    """
    if len(op.outputs) != 1:
        raise ValueError(f"Op {op} must have a single output")
    output = op.outputs[0]
    if not output.shape.is_fully_defined():
        raise ValueError(f"The shape of {output} is not known")
    return int(output.dtype.size * output.shape.num_elements())
