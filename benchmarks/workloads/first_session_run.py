"""The first ``Session.run`` of a small graph, in a fresh process that has just built it.

Tideflow must answer it without loading JAX: compiling is for work that runs again.
"""

from __future__ import annotations

import sys
from time import perf_counter
from typing import Any

import numpy as np
from harness.workload import ColdWorkload, Target

X = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)


def _first_call(call: Any) -> dict[str, float]:
    """Times the first call and checks its answer."""
    start = perf_counter()
    answer = call()
    seconds = perf_counter() - start
    np.testing.assert_allclose(answer, (X @ X + X).sum())
    return {"": seconds}


def tensorflow_program(tf: Any) -> dict[str, float]:
    with tf.Graph().as_default() as graph:
        p = tf.placeholder(tf.float32, [None, 2])
        y = tf.reduce_sum(tf.matmul(p, p) + p)
    session = tf.Session(graph=graph)
    return _first_call(lambda: session.run(y, feed_dict={p: X}))


def tideflow_program(tf: Any) -> dict[str, float]:
    seconds = tensorflow_program(tf)
    assert "jax" not in sys.modules, "the first Session.run loaded jax"
    return seconds


def torch_program(torch: Any) -> dict[str, float]:
    def call() -> Any:
        p = torch.from_numpy(X)
        return torch.sum(torch.matmul(p, p) + p).numpy()

    return _first_call(call)


def jax_program(jax: Any) -> dict[str, float]:
    function = jax.jit(lambda p: (p @ p + p).sum())
    return _first_call(lambda: np.asarray(function(X)))


WORKLOAD = ColdWorkload(
    name="first_session_run",
    title="first Session.run of a small graph",
    programs={
        "tideflow": tideflow_program,
        "tensorflow": tensorflow_program,
        "torch": torch_program,
        "jax": jax_program,
    },
    dialect="v1",
    targets={"": (Target(10e-3),)},
)
