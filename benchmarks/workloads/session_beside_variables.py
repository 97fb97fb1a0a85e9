"""``Session.run(p + p)`` in a session that holds thousands of variables, and in one that holds none."""

from __future__ import annotations

from typing import Any

import numpy as np
from harness.verification import gives
from harness.workload import SteadyWorkload, Step, Target

X = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
COUNT = 5_000
ALONE, BESIDE = "beside none", f"beside {COUNT:,} variables"


def _step(tf: Any, variables: int) -> Step:
    with tf.Graph().as_default() as graph:
        p = tf.placeholder(tf.float32, [2, 2])
        y = p + p
        for index in range(variables):
            tf.get_variable(f"v{index}", initializer=tf.constant(0.5), use_resource=True)
        initialize = tf.global_variables_initializer()
    session = tf.Session(graph=graph)
    session.run(initialize)
    return lambda: session.run(y, feed_dict={p: X})


def tensorflow_program(tf: Any) -> dict[str, Step]:
    return {ALONE: _step(tf, 0), BESIDE: _step(tf, COUNT)}


WORKLOAD = SteadyWorkload(
    name="session_beside_variables",
    title="Session.run(p + p)",
    programs={"tideflow": tensorflow_program, "tensorflow": tensorflow_program},
    verify=gives({ALONE: X + X, BESIDE: X + X}),
    dialect="v1",
    targets={BESIDE: (Target(1.2, "tideflow", ALONE),)},
)
