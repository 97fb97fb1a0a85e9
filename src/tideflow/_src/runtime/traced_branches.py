"""Runs one of several functions in a compiled program, and lets the checks of their kernels out of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.runtime import checks
from tideflow._src.runtime.lazy import jnp, lax

_MOST = 1 << 16  # checks that one function may hold


def choose(index: Any, branches: Sequence[Callable[..., list[Any]]], values: Sequence[Any]) -> list[Any]:
    """Calls the function at a traced index.

    What a kernel requires is known inside its function only: each also returns the number of its first failed check.

    Raises:
      TypeError: the functions return values of different shapes.
    """
    messages: dict[int, str] = {}

    def checked(position: int, branch: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
        def call(*values: Any) -> list[Any]:
            results, conditions = checks.collected(branch, values)
            failed: Any = np.int32(-1)
            for offset, (holds, message) in enumerate(conditions):
                number = position * _MOST + offset
                messages[number] = message
                broken = jnp.logical_and(failed < 0, jnp.logical_not(jnp.asarray(holds)).reshape(()))
                failed = jnp.where(broken, np.int32(number), failed)
            return [*results, jnp.asarray(failed)]

        return call

    *results, failed = lax.switch(index, [checked(*item) for item in enumerate(branches)], *values)
    for number, message in messages.items():
        checks.require(failed != number, message)
    return list(results)
