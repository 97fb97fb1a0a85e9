"""Timing of one step: as many calls as fill a fixed time, the best of several such timings."""

from __future__ import annotations

import gc
from collections.abc import Callable
from itertools import repeat
from time import perf_counter
from typing import Any

TIMINGS = 5
TIMING_SECONDS = 0.02
WARM_UP_CALLS = 20


def warm_up(step: Callable[[], Any], seconds: float) -> None:
    """Calls a step for so many seconds and at least the warm-up calls, so that compiling is over."""
    start = perf_counter()
    calls = 0
    while calls < WARM_UP_CALLS or perf_counter() - start < seconds:
        step()
        calls += 1


def time_calls(step: Callable[[], Any], calls: int) -> float:
    """Returns the seconds that a number of calls of a step take."""
    iterations = repeat(None, calls)
    start = perf_counter()
    for _ in iterations:
        step()
    return perf_counter() - start


def calls_to_fill(step: Callable[[], Any], seconds: float = TIMING_SECONDS) -> int:
    """Returns how many calls of a step take about that many seconds, at least one."""
    calls = 1
    while (taken := time_calls(step, calls)) < seconds / 4:
        calls *= 2
    return max(1, round(calls * seconds / taken))


def best_of(step: Callable[[], Any], calls: int, timings: int = TIMINGS) -> float:
    """Returns the seconds of one call, in the fastest of several timings of ``calls`` calls each.

    Garbage left by others is collected before; the collector stays on, since it is on in a user's program.
    """
    gc.collect()
    step()
    return min(time_calls(step, calls) for _ in range(timings)) / calls
