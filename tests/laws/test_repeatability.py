"""Laws of running: the clock, other threads and what ran before have no say in what a program computes."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.runtime.op import op
from tideflow.compat import v1

#: Seconds after which a thread that should not wait has waited: a guard, for a law that is broken.
PATIENCE = 600.0

# A seeded program: a network with dropout learns, in a session and eagerly. It prints the bits of what it learned.
PROGRAM = """
    import hashlib
    import numpy as np
    import tideflow as tf
    from tideflow.compat import v1

    data = np.random.default_rng(0)
    x, y = data.normal(size=(64, 40)).astype("float32"), data.integers(0, 10, 64)

    def loss(x, y, weights):
        hidden = tf.nn.dropout(tf.nn.relu(x @ weights[0]), rate=0.3, seed=7)
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=hidden @ weights[1]))

    with tf.Graph().as_default():
        v1.set_random_seed(5)
        features, labels = v1.placeholder("float32", [None, 40]), v1.placeholder("int64", [None])
        weights = [v1.get_variable("a", [40, 100]), v1.get_variable("b", [100, 10])]
        step = v1.train.AdamOptimizer(0.01).minimize(loss(features, labels, weights))
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            for _ in range(STEPS):
                session.run(step, {features: x, labels: y})
            learned = session.run(weights)

    tf.random.set_seed(5)
    weights = [tf.Variable(tf.random.normal([40, 100])), tf.Variable(tf.random.normal([100, 10]))]
    for _ in range(STEPS // 4):
        with tf.GradientTape() as tape:
            value = loss(x, y, weights)
        for variable, gradient in zip(weights, tape.gradient(value, weights)):
            variable.assign_sub(0.01 * gradient)
    learned += [variable.numpy() for variable in weights]
    print(hashlib.sha256(b"".join(array.tobytes() for array in learned)).hexdigest())
"""

# Clocks that run a million times too fast, and that stand still.
CLOCKS = {
    "fast": "import time\nreal = time.perf_counter\ntime.perf_counter = time.monotonic = lambda: real() * 1e6\n",
    "still": "import time\ntime.perf_counter = time.monotonic = lambda: 1000.0\n",
}


def bits(steps: int, before: str = "") -> str:
    source = before + textwrap.dedent(PROGRAM).replace("STEPS", str(steps))
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def busy() -> Iterator[None]:
    """Keeps every processor busy with something else."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    yield
    for other in others:
        other.kill()
        other.wait()


def test_a_program_gives_the_same_bits_whatever_the_clock_says() -> None:
    assert len({bits(120), bits(120, CLOCKS["fast"]), bits(120, CLOCKS["still"])}) == 1


def test_a_program_gives_the_same_bits_beside_a_busy_neighbour(busy: None) -> None:
    first = bits(120)
    assert bits(120) == first


# Threads that count.

THREADS, TURNS = 4, 1500


def count(turn: Callable[[], Any]) -> None:
    """Calls a function in several threads, so that they interrupt each other as often as can be."""
    errors: list[BaseException] = []
    together = threading.Barrier(THREADS)

    def work() -> None:
        try:
            together.wait(PATIENCE)
            for _ in range(TURNS):
                turn()
        except BaseException as error:
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not errors


def test_eager_updates_of_threads_all_arrive() -> None:
    total, row = tf.Variable(0.0), tf.Variable(np.zeros(3, np.float32))
    count(lambda: (total.assign_add(1.0), row.scatter_add(tf.IndexedSlices(tf.ones([1]), tf.constant([1])))))
    assert float(total) == THREADS * TURNS
    assert row.numpy().tolist() == [0, THREADS * TURNS, 0]


@pytest.mark.parametrize("use_resource", [True, False])
def test_updates_of_threads_in_one_session_all_arrive(use_resource: bool, tier: str) -> None:
    with tf.Graph().as_default(), v1.Session() as session:
        total = v1.get_variable("total", [], initializer=v1.zeros_initializer(), use_resource=use_resource)
        add = total.assign_add(1.0) if use_resource else v1.assign_add(total, 1.0, use_locking=True)
        session.run(v1.global_variables_initializer())
        count(lambda: session.run(add.op))
        assert session.run(total) == THREADS * TURNS


def test_updates_of_threads_in_functions_all_arrive() -> None:
    total = tf.Variable(0.0)
    count(tf.function(lambda: total.assign_add(1.0)))
    assert float(total) == THREADS * TURNS


# What was read.


def test_what_was_read_eagerly_never_changes() -> None:
    variable = tf.Variable(np.zeros((4, 3), np.float32))
    rows = tf.IndexedSlices(tf.ones([2, 3]), tf.constant([0, 2]))
    updates: list[Callable[[], Any]] = [
        lambda: variable.assign_add(tf.ones([4, 3])),
        lambda: variable.scatter_add(rows),
        lambda: variable.scatter_update(rows),
        lambda: variable.assign(np.full((4, 3), 9, np.float32)),
        lambda: variable[1].assign([5.0, 5.0, 5.0]),
    ]
    readings: list[Callable[[], Any]] = [
        lambda: variable.read_value(),
        lambda: np.asarray(variable.read_value()),
        lambda: variable.read_value()._value,
        lambda: memoryview(np.asarray(variable.read_value())),
        lambda: variable.numpy(),
        lambda: np.asarray(variable.read_value())[1:],
    ]
    for update in updates:
        held = [read() for read in readings]
        before = [np.array(item) for item in held]
        update()
        update()
        for item, expected in zip(held, before, strict=True):
            np.testing.assert_array_equal(np.asarray(item), expected)


@pytest.mark.parametrize("use_resource", [True, False])
def test_what_a_session_gave_never_changes(use_resource: bool, tier: str) -> None:
    with tf.Graph().as_default(), v1.Session() as session:
        variable = v1.get_variable("v", [4, 3], initializer=v1.zeros_initializer(), use_resource=use_resource)
        updates = [
            variable.assign_add(tf.ones([4, 3])).op,
            v1.scatter_add(variable, [0, 2], tf.ones([2, 3])).op,
            v1.scatter_update(variable, [1], tf.fill([1, 3], 7.0)).op,
        ]
        value = variable.value()
        session.run(v1.global_variables_initializer())
        for update in updates:
            held = session.run([variable, value])
            view = held[0][1:]
            before = np.array(held[0])
            session.run(update)
            session.run(update)
            for item in held:
                np.testing.assert_array_equal(item, before)
            np.testing.assert_array_equal(view, before[1:])


# Compiling.


@pytest.fixture
def gate() -> Iterator[tuple[threading.Event, threading.Event]]:
    """Registers an operation that, when it is compiled, tells so and waits until it may go on."""
    from tideflow._src.graph.op_def import OpDef

    reached, release = threading.Event(), threading.Event()

    def kernel(xp: Any, x: Any) -> Any:
        if xp is not np:
            reached.set()
            assert release.wait(PATIENCE), "another step waited for this one to be compiled"
        return x + 1

    op("TestGate", "x: T -> y: T", T=("float",))(kernel).shape(lambda x: x)
    yield reached, release
    release.set()
    del OpDef.registry["TestGate"]


@pytest.mark.parametrize("same_session", [True, False])
def test_no_step_waits_while_another_is_compiled(
    gate: Any, same_session: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tideflow._src.graph.op_def import OpDef

    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    reached, release = gate
    with tf.Graph().as_default() as graph:
        fed = v1.placeholder("float32", [2])
        written = v1.get_variable("written", [2], initializer=v1.ones_initializer(), use_resource=True)
        slow = written.assign_add(OpDef.registry["TestGate"](fed), read_value=True)
        total = v1.get_variable("total", [], initializer=v1.zeros_initializer(), use_resource=True)
        step = total.assign_add(1.0)
    with v1.Session(graph=graph) as session, v1.Session(graph=graph) as other:
        if same_session:
            other = session
        for each in (session, other):
            each.run([total.initializer, written.initializer])
        other.run(step)
        found: list[Any] = []

        def compile_slowly() -> None:
            try:
                found.append(session.run(slow, {fed: [1.0, 2.0]}).tolist())
            except BaseException as error:
                found.append(error)

        thread = threading.Thread(target=compile_slowly)
        thread.start()
        try:
            assert reached.wait(PATIENCE)
            assert other.run(step) == 2.0  # compiled before
            assert other.run(total * 3.0) == 6.0  # compiled now
            assert not found
        finally:
            release.set()
            thread.join()
    assert found == [[3.0, 4.0]]


# What is left behind.


def test_sessions_that_were_closed_leave_nothing_behind() -> None:
    with tf.Graph().as_default() as graph:
        x = v1.placeholder("float32", [3])
        variable = v1.get_variable("v", [3], initializer=v1.ones_initializer(), use_resource=True)
        branch = tf.cond(tf.reduce_sum(x) > 0, lambda: x * variable, lambda: x - variable)
        loop = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a + variable), [0, branch])[1]
        initialize = v1.global_variables_initializer()

    def use() -> None:
        with v1.Session(graph=graph) as session:
            session.run(initialize)
            assert session.run(loop, {x: [1.0, 1.0, 1.0]}).tolist() == [4.0, 4.0, 4.0]

    def left() -> tuple[int, int]:
        gc.collect()
        return len(gc.get_objects()), threading.active_count()

    for _ in range(20):
        use()
    objects, threads = left()
    for _ in range(1000):
        use()
    more_objects, more_threads = left()
    assert more_threads <= threads
    assert more_objects - objects < 500  # less than one for each session
