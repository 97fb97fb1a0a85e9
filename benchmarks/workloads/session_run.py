"""``Session.run(p + p)`` with a fed 2×2 array: NumPy in, NumPy out."""

from __future__ import annotations

from typing import Any

import numpy as np
from harness.verification import gives
from harness.workload import SteadyWorkload, Step, Target

X = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)


def tensorflow_program(tf: Any) -> dict[str, Step]:
    with tf.Graph().as_default() as graph:
        p = tf.placeholder(tf.float32, [2, 2])
        y = p + p
    session = tf.Session(graph=graph)
    return {"": lambda: session.run(y, feed_dict={p: X})}


def jax_program(jax: Any) -> dict[str, Step]:
    double = jax.jit(lambda p: p + p)
    return {"": lambda: np.asarray(double(X))}


WORKLOAD = SteadyWorkload(
    name="session_run",
    title="Session.run(p + p), 2×2 fed",
    programs={"tideflow": tensorflow_program, "tensorflow": tensorflow_program, "jax": jax_program},
    verify=gives({"": X + X}),
    dialect="v1",
    targets={"": (Target(7e-6),)},
)
