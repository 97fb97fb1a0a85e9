"""The law of Ctrl-C: wherever it comes in a run, nothing stays locked, and a step has happened whole or not at all.

The interpreter looks for signals when a function begins, when a call of C ends, and when a loop turns. Each such point
of a run, in the package's runtime, is interrupted once.
"""

from __future__ import annotations

import dis
import functools
import sys
import threading
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.runtime import buffers, packs, rollback

_LOOKS = frozenset(code for name, code in dis.opmap.items() if name.startswith(("CALL", "JUMP_BACKWARD")))


@functools.cache
def _handlers(code: CodeType) -> list[Any]:
    return list(dis._parse_exception_table(code))  # type: ignore[attr-defined]


def _handler(code: CodeType, offset: int) -> Any:
    """Returns where an exception at an instruction goes; what ends a call in a block is in the block itself."""
    return next((entry.target for entry in reversed(_handlers(code)) if entry.start <= offset < entry.end), None)


def _is_interrupted(run: Callable[[], Any], wanted: int) -> bool:
    """Interrupts a run at one of its points; tells whether it has so many."""
    before: dict[Any, int | None] = {}
    left = wanted

    def see(frame: Any, event: str, argument: Any) -> Any:
        nonlocal left
        if event == "opcode":
            code, here, last = frame.f_code, frame.f_lasti, before[frame]
            before[frame] = here
            if last is None or (code.co_code[last] in _LOOKS and _handler(code, last) == _handler(code, here)):
                left -= 1
                if not left:
                    sys.settrace(None)
                    raise KeyboardInterrupt
        return see

    def enter(frame: Any, event: str, argument: Any) -> Any:
        if not frame.f_globals.get("__name__", "").startswith("tideflow._src.runtime"):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        before[frame] = None
        return see

    outer = sys.gettrace()
    try:
        sys.settrace(enter)
        run()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(outer)
    return False


def _steps(variables: list[Any]) -> Iterator[tuple[Any, float]]:
    """Makes functions that add ones to all variables, with what each adds; one has a step in the other home."""
    one, wide = tf.Variable(tf.ones([8])), tf.constant(np.zeros((300, 300), np.float32))

    @tf.function
    def small(index: Any) -> Any:
        for variable in variables:
            variable.assign_add(one)
        return tf.gather(one, index)

    @tf.function
    def large(index: Any) -> Any:
        zero = tf.reduce_sum(wide @ wide)
        for variable in variables:
            variable.assign_add(one + zero)
        return zero

    @tf.function
    def halves(index: Any) -> Any:
        small(index)
        tf.numpy_function(lambda: np.float32(1), [], tf.float32)
        for variable in variables:
            variable.assign_add(one)
        return tf.reduce_sum(one)

    yield small, 1.0
    yield large, 1.0
    yield halves, 2.0


@pytest.mark.skipif(sys.gettrace() is not None, reason="a tracer has the interpreter's hook")
@pytest.mark.parametrize(("tier", "policy"), [("host", "never"), ("xla", "never"), ("xla", "always")])
def test_wherever_it_comes(monkeypatch: pytest.MonkeyPatch, tier: str, policy: str) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", tier)
    monkeypatch.setenv("TIDEFLOW_PACKS", policy)
    variables = [tf.Variable(tf.zeros([8])) for _ in range(3)]
    index = tf.constant(1)
    steps = list(_steps(variables))
    for step, _ in steps * 2:
        step(index)
    own = {variable._buffer for variable in variables}
    locks = [buffer.lock for buffer in own]
    locks += [pack.lock for pack in packs._packs.values() if own & set(pack.members)]

    def can_be_taken() -> list[bool]:
        found: list[bool] = []

        def take() -> None:
            for lock in locks:
                found.append(lock.acquire(blocking=False))
                if found[-1]:
                    lock.release()

        thread = threading.Thread(target=take)
        thread.start()
        thread.join()
        return found

    for step, added in steps:
        other = steps[0][0] if step is steps[1][0] else steps[1][0]
        value, point = float(variables[0].numpy()[0]), 1
        while True:
            if point % 2:
                other(index)  # the variables come from the other home
                value += 1
            if not _is_interrupted(lambda step=step: step(index), point):
                break
            assert all(can_be_taken()), point
            assert not any(buffer.pins for buffer in own), point
            assert np.geterr()["divide"] == "warn", point
            assert (buffers.this_thread.state, rollback.this_thread.log, rollback.this_thread.depth) == (None, None, 0)
            found = np.unique([variable.numpy() for variable in variables])
            assert found.tolist() in ([value], [value + added]), point
            value = float(found[0]) + 2 * added
            step(index)
            step(index)  # whose values nobody has read
            point += 1
        assert point > 10
