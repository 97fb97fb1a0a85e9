"""A graph of 20,000 chained ops in a fresh process: building it, its first run, its next run.

Sums and tanh alternate, so that no simplifier can fold the chain. Tideflow also does ten times as many, to
show that the cost grows no faster than the graph: 13 times, where 10 would be exactly linear.
"""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from harness.timing import best_of
from harness.workload import ColdWorkload, Target

SMALL = 20_000
LARGE = 200_000
LINEAR = 13.0


def measure(tf: Any, length: int) -> dict[str, float]:
    """Builds and runs one chain; returns the seconds of each phase."""
    x = np.full((2, 2), 0.5, np.float32)
    start = perf_counter()
    with tf.Graph().as_default() as graph:
        p = tf.placeholder(tf.float32, [2, 2])
        y = p
        for _ in range(length // 2):
            y = tf.tanh(y + p)
    session = tf.Session(graph=graph)
    built = perf_counter()
    answer = session.run(y, feed_dict={p: x})
    ran = perf_counter()
    expected = x
    for _ in range(200):  # The chain has long settled on its fixed point by then.
        expected = np.tanh(expected + x)
    np.testing.assert_allclose(answer, expected, rtol=1e-4)
    return {
        f"{length:,} ops, build": built - start,
        f"{length:,} ops, first run": ran - built,
        f"{length:,} ops, next run": best_of(lambda: session.run(y, feed_dict={p: x}), calls=1),
    }


def program(tf: Any, lengths: tuple[int, ...]) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for length in lengths:
        seconds.update(measure(tf, length))
    return seconds


WORKLOAD = ColdWorkload(
    name="chained_graph",
    title="chained graph",
    programs={
        "tideflow": partial(program, lengths=(SMALL, LARGE)),
        "tensorflow": partial(program, lengths=(SMALL,)),
    },
    dialect="v1",
    targets={
        f"{SMALL:,} ops, build": (Target(1 / 4, "tensorflow"),),
        f"{SMALL:,} ops, first run": (Target(1 / 4, "tensorflow"),),
        f"{SMALL:,} ops, next run": (Target(2, "tensorflow"),),
        **{
            f"{LARGE:,} ops, {phase}": (Target(LINEAR, "tideflow", f"{SMALL:,} ops, {phase}"),)
            for phase in ("build", "first run", "next run")
        },
    },
    max_rounds=3,
)
