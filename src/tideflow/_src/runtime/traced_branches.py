"""Runs one of several functions in a compiled program, and lets the checks of their kernels out of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.runtime import absent, checks
from tideflow._src.runtime.lazy import jnp, lax

_MOST = 1 << 16  # checks that one function may hold


def choose(index: Any, branches: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    """Calls the function graph at a traced index.

    Values that are known stay outside of the program's operands, so that they are known inside the functions. What a
    kernel requires is known inside its function only: each also returns the number of its first failed check.

    Raises:
      TypeError: the functions return values of different shapes.
    """
    messages: dict[int, str] = {}
    traced = [index for index, value in enumerate(values) if not isinstance(value, np.ndarray | np.generic)]

    def whole(parts: Sequence[Any]) -> list[Any]:
        found = list(values)
        for index, part in zip(traced, parts, strict=True):
            found[index] = part
        return found

    calls = [branch.traced() for branch in branches]
    # What the gradient reads of one branch, the others do not have.
    incomplete = any(output._op.type == "FakeParam" for branch in branches for output in branch.outputs)
    shapes = absent.shapes(calls, whole, [values[index] for index in traced]) if incomplete else []

    def checked(position: int, branch: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
        def call(*parts: Any) -> list[Any]:
            results, conditions = checks.collected(branch, whole(parts))
            if incomplete:
                results = absent.completed(results, shapes)
            failed: Any = np.int32(-1)
            for offset, (holds, message) in enumerate(conditions):
                number = position * _MOST + offset
                messages[number] = message
                broken = jnp.logical_and(failed < 0, jnp.logical_not(jnp.asarray(holds)).reshape(()))
                failed = jnp.where(broken, np.int32(number), failed)
            return [*results, jnp.asarray(failed)]

        return call

    *results, failed = lax.switch(index, [checked(*item) for item in enumerate(calls)], *[values[i] for i in traced])
    for number, message in messages.items():
        checks.require(failed != number, message)
    return list(results)
