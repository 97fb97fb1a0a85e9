"""Runs one of several functions in a compiled program; what they change and check comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.runtime import absent, checks, tracing
from tideflow._src.runtime.buffers import Buffer, ResourceHandle
from tideflow._src.runtime.lazy import jnp, lax

_MOST = 1 << 16  # checks that one function may hold
#: What stays outside of a branch, since it is no value of the program.
_OUTSIDE = (np.ndarray, np.generic, ResourceHandle, Buffer)


def choose(index: Any, branches: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    """Calls the function graph at a traced index.

    Values that are known stay outside of the program's operands, so that they are known inside the functions. What a
    kernel requires is known inside its function only: each also returns the number of its first failed check.

    Raises:
      TypeError: the functions return values of different shapes.
    """
    messages: dict[int, str] = {}
    carried = tracing.Carried(branches, values)
    inner = [position for position, value in enumerate(values) if not isinstance(value, _OUTSIDE)]
    handles: list[Any] = []

    def evaluated(branch: Any, given: list[Any], state: list[Any]) -> Any:
        whole = list(values)
        for place, value in zip(inner, given, strict=True):
            whole[place] = value
        with carried.inside(state), absent.beside_others():
            results, conditions = checks.collected(lambda *all: tracing.evaluate(branch, all), whole)
            return results, conditions, carried.values()

    operands = [values[place] for place in inner], carried.values()
    # What the gradient reads of one branch, the others do not have.
    incomplete = any(output._op.type == "FakeParam" for branch in branches for output in branch.outputs)
    shapes: list[Any] = []
    if incomplete:
        shapes = absent.shapes([lambda *parts, of=branch: evaluated(of, *parts)[0] for branch in branches], operands)

    def checked(position: int, branch: Any) -> Any:
        def call(given: list[Any], state: list[Any]) -> Any:
            results, conditions, after = evaluated(branch, given, state)
            if incomplete:
                results = absent.completed(results, shapes)
            failed: Any = np.int32(-1)
            for offset, (holds, message) in enumerate(conditions):
                number = position * _MOST + offset
                messages[number] = message
                broken = jnp.logical_and(failed < 0, jnp.logical_not(jnp.asarray(holds)).reshape(()))
                failed = jnp.where(broken, np.int32(number), failed)
            handles[:] = [result if isinstance(result, ResourceHandle | Buffer) else None for result in results]
            numbers = [result for result in results if not isinstance(result, ResourceHandle | Buffer)]
            return numbers, after, jnp.asarray(failed)

        return call

    found, after, failed = lax.switch(index, [checked(*item) for item in enumerate(branches)], *operands)
    carried.set(after)
    for number, message in messages.items():
        checks.require(failed != number, message)
    rest = iter(found)
    return [next(rest) if handle is None else handle for handle in handles]
