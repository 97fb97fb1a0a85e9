"""A ``tf.while_loop`` of 50 turns with dropout in its body, forward only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from harness.workload import SteadyWorkload, Step, Target

from workloads.family import normal

TURNS, ROWS, UNITS = 50, 32, 64


def tensorflow_program(tf: Any) -> dict[str, Step]:
    tf.enable_control_flow_v2()
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [ROWS, UNITS])
        weights = tf.constant(normal(UNITS, UNITS) * np.float32(0.1))

        def turn(i: Any, a: Any) -> Any:
            return i + 1, tf.nn.dropout(tf.tanh(tf.matmul(a, weights)) + x, rate=0.1)

        _, last = tf.while_loop(lambda i, a: i < TURNS, turn, [0, x])
        total = tf.reduce_sum(last)
    session = tf.Session(graph=graph)
    fed = normal(ROWS, UNITS, seed=1)
    return {"": lambda: session.run(total, {x: fed})}


def _verify(steps: Mapping[str, Step]) -> None:
    found = {float(steps[""]()) for _ in range(5)}
    assert len(found) == 5 and np.all(np.isfinite(list(found))), f"five runs give {found}"


WORKLOAD = SteadyWorkload(
    name="loop_with_dropout",
    title="a loop of 50 turns with dropout, forward",
    programs={"tideflow": tensorflow_program, "tensorflow": tensorflow_program},
    verify=_verify,
    dialect="v1",
    warm_up=5.0,
    targets={"": (Target(1, "tensorflow"),)},
)
