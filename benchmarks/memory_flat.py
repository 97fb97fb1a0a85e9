"""Checks that work which is done again and again leaves memory and threads flat.

    python benchmarks/memory_flat.py [--work steps|calls|retraces|sessions] [--steps N] [--limit MIB] [--module NAME]

The work is 100,000 training steps of a session, fed from NumPy; 100,000 calls of a ``tf.function``; 10,000 functions
that are made, traced, called and dropped; or 1,000 sessions that are opened, train a little, with a branch and a loop
in the graph, and are closed.

Three things are asserted from the end of the warm-up to the last step: that the resident memory grows by less
than a limit, that the number of Python objects the collector knows does not grow with the steps, and that there are no
more threads. The module may be TensorFlow's, to see that the check passes where memory is known to be flat.
``--leak`` keeps what every step returns, to see that it fails where it should.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import resource
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from harness.peers import SOURCES
from workloads.mlp_step import tensorflow_program

STATISTICS = Path("/proc/self/statm")
SAMPLES = 10
OBJECT_LIMIT = 1000


def resident_mebibytes() -> float:
    """Returns the resident memory of this process; where the system does not tell, its peak."""
    if STATISTICS.exists():
        return int(STATISTICS.read_text().split()[1]) * resource.getpagesize() / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def threads() -> int:
    """Returns the number of threads of this process; where the system does not tell, of those of Python."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.exists() else threading.active_count()


def training_step(tf: Any) -> Callable[[], Any]:
    """Returns a training step of a session."""
    return tensorflow_program(tf)[""]


def function_call(tf: Any) -> Callable[[], Any]:
    """Returns a call of a function over a variable that it updates."""
    variable = tf.Variable(np.zeros([2, 2], np.float32))
    x = tf.constant(np.ones([2, 2], np.float32))

    @tf.function
    def step(x: Any) -> Any:
        variable.assign_add(0.5 * x)
        return tf.reduce_sum(variable)

    return lambda: float(step(x)) > 0


def new_function(tf: Any) -> Callable[[], Any]:
    """Returns what makes, traces, calls and drops a function that holds a branch and a loop."""
    variable = tf.Variable(1.0)
    x = tf.constant(2.0)

    def step() -> Any:
        @tf.function
        def function(x: Any) -> Any:
            y = tf.cond(x > 1.0, lambda: x * variable, lambda: x)
            return tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a + y), [0, x])[1]

        return float(function(x)) > 0

    return step


def new_session(tf: Any) -> Callable[[], Any]:
    """Returns what opens, uses and closes a session on one graph that trains with a branch and a loop in it."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [4, 8])
        weights = tf.get_variable("w", [8, 8], use_resource=True)
        kept = tf.cond(tf.reduce_sum(x) > 0.0, lambda: tf.matmul(x, weights), lambda: x)
        last = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, tf.tanh(tf.matmul(a, weights))), [0, kept])[1]
        loss = tf.reduce_sum(tf.square(last))
        train = tf.train.AdamOptimizer(0.01).minimize(loss)
        initialize = tf.global_variables_initializer()
    fed = np.random.default_rng(0).standard_normal((4, 8), np.float32)

    def step() -> Any:
        with tf.Session(graph=graph) as session:
            session.run(initialize)
            return [float(session.run([train, loss], {x: fed})[1]) for _ in range(2)][-1]

    return step


class Work(NamedTuple):
    """Is something that is done again and again.

    Attributes:
      make: makes what is done, given the module.
      module: the module that it is for.
      steps, warm_up: how often it is done, after how many times that do not count.
    """

    make: Callable[[Any], Callable[[], Any]]
    module: str
    steps: int
    warm_up: int


WORK = {
    "steps": Work(training_step, "tideflow.v1", 100_000, 5_000),
    "calls": Work(function_call, "tideflow", 100_000, 5_000),
    "retraces": Work(new_function, "tideflow", 10_000, 500),
    "sessions": Work(new_session, "tideflow.v1", 1_000, 100),
}


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", choices=WORK, default="steps", help="what is done (steps)")
    parser.add_argument("--steps", type=int, help="how often, after the warm-up (100,000; 10,000; 1,000)")
    parser.add_argument("--warm-up", type=int, help="how often before the first sample (a twentieth; a tenth)")
    parser.add_argument("--limit", type=float, default=8.0, metavar="MIB", help="growth allowed in MiB (8)")
    parser.add_argument("--module", help="the module to do it with (tideflow or tideflow.v1)")
    parser.add_argument("--leak", action="store_true", help="leak on purpose, to see the check fail")
    arguments = parser.parse_args()
    work = WORK[arguments.work]
    arguments.steps = work.steps if arguments.steps is None else arguments.steps
    arguments.warm_up = work.warm_up if arguments.warm_up is None else arguments.warm_up
    arguments.module = arguments.module or work.module
    if arguments.steps < SAMPLES:
        parser.error(f"--steps must be at least {SAMPLES}, not {arguments.steps}")
    return arguments


def load(name: str) -> Any:
    """Imports the module; the real TensorFlow is put in its 1.x behaviour."""
    sys.path.insert(0, str(SOURCES))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    module = importlib.import_module(name)
    if name == "tensorflow.compat.v1":
        module.disable_v2_behavior()
    return module


class Sample(NamedTuple):
    """Is what the process takes after some steps."""

    memory: float
    objects: int
    threads: int


def main() -> int:
    arguments = parse_arguments()
    step = WORK[arguments.work].make(load(arguments.module))
    kept: list[Any] = []

    def run(steps: int) -> Sample:
        """Does some steps; returns what the process takes after them."""
        for _ in range(steps):
            result = step()
            if arguments.leak:
                kept.append([float(result)])
        gc.collect()
        return Sample(resident_mebibytes(), len(gc.get_objects()), threads())

    def tell(done: int, sample: Sample) -> None:
        print(
            f"{done:>9,} {arguments.work}  {sample.memory:8.1f} MiB  {sample.objects:>9,} objects  "
            f"{sample.threads:>4} threads",
            flush=True,
        )

    first = last = run(arguments.warm_up)
    tell(0, first)
    start = perf_counter()
    for sample in range(1, SAMPLES + 1):
        last = run(arguments.steps // SAMPLES)
        tell(sample * (arguments.steps // SAMPLES), last)
    taken = perf_counter() - start

    growth, new_objects, new_threads = (after - before for before, after in zip(first, last, strict=True))
    print(f"{growth:+.1f} MiB, at most {arguments.limit:g} allowed")
    print(f"{new_objects:+,} objects, at most {OBJECT_LIMIT:,} allowed")
    print(f"{new_threads:+,} threads, none allowed")
    print(f"{taken:.0f} s")
    flat = growth <= arguments.limit and new_objects <= OBJECT_LIMIT and new_threads <= 0
    print("memory is flat" if flat else "memory grows")
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
