"""Traces a loop: finds how many turns it takes, gives its lists room for that many, and hands it to XLA.

What goes through a loop unchanged stays outside of it, so that what is known there is known inside. A loop whose
condition compares a counter with a bound, both known, takes a known number of turns: then its lists have a known
length, and the counter a known end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.runtime import checks, loop_fission, tracing
from tideflow._src.runtime.lazy import jax, jnp, lax
from tideflow._src.runtime.traced_list import TracedList, Unrepresentable

_KNOWN = (np.ndarray, np.generic)
_GROWS = {"TensorListPushBack": 1, "TensorListPopBack": -1}
_CHANGES = frozenset(("TensorListSetItem", "TensorListScatterIntoExistingList", "Identity", "AddN", "ZerosLike"))


def run(values: list[Any], condition: Any, body: Any) -> list[Any]:
    """Evaluates a loop on known and traced values.

    Args:
      values: the initial values of the loop variables.
      condition: the function graph of the condition.
      body: the function graph of a turn.

    Raises:
      Unrepresentable: a list in it has no known bound.
      TypeError: a value changes its shape or type from one turn to the next.
    """
    loop = _Loop(values, condition, body)
    turns, exact = loop.turns()
    moving = [index for index, output in enumerate(body.outputs) if output is not body.inputs[index]]
    if exact and turns == 0:
        return list(values)
    carried = tracing.Carried([condition, body], values)

    def whole(parts: Any) -> list[Any]:
        found = list(values)
        for index, part in zip(moving, parts, strict=True):
            found[index] = part
        return found

    messages: list[str] = []

    def turn(parts: Any) -> Any:
        moved, state, failed = parts
        with carried.inside(state):
            results, conditions = checks.collected(lambda *all: tracing.evaluate(body, all), whole(moved))
            after = carried.values()
        messages[:] = [message for _, message in conditions]
        for number, (holds, _) in enumerate(conditions):
            broken = jnp.logical_not(jnp.asarray(holds)).reshape(())
            failed = jnp.where(jnp.logical_and(failed < 0, broken), np.int32(number), failed)
        return [_as_array(results[index]) for index in moving], after, failed

    def test(moved: Any, state: Any) -> Any:
        with carried.inside(state):
            results, conditions = checks.collected(lambda *all: tracing.evaluate(condition, all), whole(moved))
            after = carried.values()
        if conditions:
            raise Unrepresentable("The condition of a loop rejects values.")
        if np.ndim(results[0]):
            raise Unrepresentable("The condition of a loop is not a scalar.")
        return jnp.asarray(results[0]).astype(bool), after

    start = [_as_array(values[index]) for index in moving]
    first = [values[index] for index in moving]
    state = carried.values()
    if any(isinstance(part, TracedList) for part in start):
        start = _with_room(start, lambda parts: turn((parts, state, jnp.int32(-1)))[0], loop, moving, turns)
    fission = None
    is_plain = tracing.Carried([condition], values).is_empty
    if is_plain and exact and turns is not None:
        jax.eval_shape(test, start, state)  # what cannot be represented is refused
        fission = _divided(turn, (start, state, np.int32(-1)), first, turns)
    if fission is not None:
        ends, state, failed = fission
    elif is_plain:
        ends, state, failed = lax.while_loop(
            lambda parts: jnp.logical_and(test(parts[0], parts[1])[0], parts[2] < 0),
            turn,
            (start, state, jnp.int32(-1)),
        )
    else:  # XLA's conditions change nothing: the next one is evaluated at the end of each turn

        def turn_and_test(parts: Any) -> Any:
            moved, state, failed = turn(parts[:3])
            goes_on, state = test(moved, state)
            return moved, state, failed, goes_on

        goes_on, state = test(start, state)
        ends, state, failed, _ = lax.while_loop(
            lambda parts: jnp.logical_and(parts[3], parts[2] < 0),
            turn_and_test,
            (start, state, jnp.int32(-1), goes_on),
        )
    carried.set(state)
    if not tracing.is_known(failed):
        for number, message in enumerate(messages):
            checks.require(failed != number, message)
    results = whole(ends)
    if exact:
        for index in moving:
            results[index] = loop.known_end(index, results[index], turns)
    return results


def _divided(turn: Any, start: Any, first: Sequence[Any], turns: int) -> Any:
    """Evaluates a loop with its products taken out; returns what is left after the last turn, or None.

    Args:
      turn: evaluates a turn: loop variables, state, and the number of the first condition that does not hold.
      start: what that begins with.
      first: the first values of the loop variables, before lists were given room.
      turns: how many turns the loop takes.
    """
    leaves, structure = jax.tree_util.tree_flatten(start)
    known: list[Any] = []
    for part, value in zip(start[0], first, strict=True):
        count = len(jax.tree_util.tree_leaves(part))
        if isinstance(part, TracedList):
            known += [None] * count
            if not part.is_static and value.is_static:
                known[-1] = np.int32(value.length)
        else:
            known.append(value if isinstance(value, _KNOWN) and value.size == 1 else None)
    known += [None] * (len(leaves) - len(known) - 1) + [start[2]]
    try:
        ends = loop_fission.run(
            lambda *flat: jax.tree_util.tree_leaves(turn(jax.tree_util.tree_unflatten(structure, flat))),
            leaves,
            known,
            turns,
        )
    except NotImplementedError:  # one of JAX's primitives cannot be applied to all turns at once
        return None
    return None if ends is None else jax.tree_util.tree_unflatten(structure, ends)


def _as_array(value: Any) -> Any:
    return value if isinstance(value, TracedList) else jnp.asarray(value)


def _with_room(start: list[Any], turn: Any, loop: _Loop, moving: list[int], turns: int | None) -> list[Any]:
    """Gives the lists among the loop variables the form that they have after a turn."""
    for position, index in enumerate(moving):
        part = start[position]
        if not isinstance(part, TracedList):
            continue
        grows = loop.growth(index)
        if grows == 0 or not part.is_static:
            continue
        if grows is not None and grows < 0:
            start[position] = part.dynamic(part.length)
            continue
        if turns is None or grows is None:
            raise Unrepresentable("A list grows in a loop whose number of turns is not known.")
        start[position] = part.dynamic(part.length + turns * grows)
    for _ in range(2):
        after = jax.eval_shape(turn, start)
        missing = False
        for position, part in enumerate(start):
            if isinstance(part, TracedList) and part.data is None and after[position].data is not None:
                start[position] = part.allocated_as(after[position])
                missing = True
        if not missing:
            break
    return start


class _Loop:
    """Is what the graphs of a loop say about its counters and lists."""

    def __init__(self, values: list[Any], condition: Any, body: Any) -> None:
        self._values = values
        self._condition = condition
        self._body = body
        self._positions = {tensor: index for index, tensor in enumerate(condition.inputs)}
        self._body_positions = {tensor: index for index, tensor in enumerate(body.inputs)}
        self._plan = condition.plan()
        self._body_plan = body.plan()

    def turns(self) -> tuple[int | None, bool]:
        """Returns a bound of the number of turns, or None, and whether it is exactly that number."""
        return self._bound(self._condition.outputs[0])

    def _bound(self, tensor: Any) -> tuple[int | None, bool]:
        tensor = self._plan.resolve(tensor)
        op = tensor._op
        if op.type in ("Identity", "LoopCond"):
            return self._bound(op.inputs[0])
        if op.type == "LogicalAnd":
            first, second = self._bound(op.inputs[0]), self._bound(op.inputs[1])
            known = [count for count, _ in (first, second) if count is not None]
            return (min(known) if known else None), first[1] and second[1]
        if op.type not in ("Less", "LessEqual", "Greater", "GreaterEqual"):
            return None, False
        left, right = op.inputs
        falls = op.type.startswith("Greater")
        counter, limit = self._counter(left), self._known(right)
        if counter is None or limit is None:
            counter, limit = self._counter(right), self._known(left)
            falls = not falls
        if counter is None or limit is None:
            return None, False
        start, step = counter
        distance = (start - limit) if falls else (limit - start)
        step = -step if falls else step
        if step <= 0:
            return (0, True) if distance < 0 else (None, False)
        if op.type.endswith("Equal"):
            return max(0, math.floor(distance / step) + 1), True
        return max(0, math.ceil(distance / step)), True

    def _known(self, tensor: Any) -> Any:
        """Returns the value of a scalar that is known and stays so, or None."""
        tensor = self._plan.resolve(tensor)
        value = self._plan.constants.get(tensor)
        if value is None:
            index = self._positions.get(tensor)
            if index is None:
                return self._known(tensor._op.inputs[0]) if tensor._op.type == "Identity" else None
            if self._body.outputs[index] is not self._body.inputs[index]:
                return None
            value = self._values[index]
        return value.item() if isinstance(value, _KNOWN) and value.size == 1 else None

    def _counter(self, tensor: Any) -> tuple[Any, Any] | None:
        """Returns where a loop variable begins and what a turn adds to it, if both are known integers."""
        tensor = self._plan.resolve(tensor)
        index = self._positions.get(tensor)
        return None if index is None else self._count(index)

    def _count(self, index: int) -> tuple[Any, Any] | None:
        start = self._values[index]
        step = self._step(index)
        if step is None or not isinstance(start, _KNOWN) or start.size != 1 or start.dtype.kind not in "iu":
            return None
        return start.item(), step

    def _step(self, index: int) -> int | None:
        resolve = self._body_plan.resolve
        op = resolve(self._body.outputs[index])._op
        while op.type == "Identity":
            op = resolve(op.inputs[0])._op
        if op.type not in ("AddV2", "Add", "Sub"):
            return None
        left, right = (resolve(tensor) for tensor in op.inputs)
        if op.type != "Sub" and right is self._body.inputs[index]:
            left, right = right, left
        added = self._body_plan.constants.get(right)
        if left is not self._body.inputs[index] or added is None or added.size != 1 or added.dtype.kind not in "iu":
            return None
        return -added.item() if op.type == "Sub" else added.item()  # type: ignore[no-any-return]

    def growth(self, index: int) -> int | None:
        """Returns how many elements a turn adds to a list, or None if that is not clear."""
        total = 0
        tensor = self._body_plan.resolve(self._body.outputs[index])
        while tensor is not self._body.inputs[index]:
            op = tensor._op
            if op.type in _GROWS:
                total += _GROWS[op.type]
            elif op.type not in _CHANGES:
                return None
            tensor = self._body_plan.resolve(op.inputs[0])
        return total

    def known_end(self, index: int, end: Any, turns: int | None) -> Any:
        """Returns the last value of a loop variable, with what is known of it after so many turns."""
        assert turns is not None
        if isinstance(end, TracedList):
            start, grows = self._values[index], self.growth(index)
            if not end.is_static and start.is_static and grows is not None:
                return end.static(start.length + turns * grows)
            return end
        counter = self._count(index)
        if counter is None:
            return end
        start = self._values[index]
        last = np.uint64((counter[0] + turns * counter[1]) % (1 << 64))  # integers of fewer bits are its last ones
        return np.asarray(last).astype(start.dtype).reshape(start.shape)
