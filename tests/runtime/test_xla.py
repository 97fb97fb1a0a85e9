"""Checks compiled programs: donated variables, random streams, checks, static feeds."""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Iterator

import jax
import numpy as np
import pytest

import tideflow as tf2
import tideflow.v1 as tf
from tideflow._src.runtime import compiled_stage
from tideflow._src.runtime import xla as tier_of_xla


def test_variables_are_updated_in_place_and_views_keep_their_values(graph, monkeypatch) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    variable = tf.Variable(np.zeros(50_000, np.float32))
    update = variable.assign_add(np.ones(50_000, np.float32)).op
    with tf.Session() as session:
        session.run(variable.initializer)
        session.run(update)
        (buffer,) = session._resources._resources.values()
        view = np.asarray(buffer.value)
        session.run(update)
        session.run(update)
        assert view[0] == 1.0
        assert session.run(variable)[0] == 3.0


def test_tiers_read_what_the_other_wrote(graph, monkeypatch) -> None:
    variable = tf.Variable([1.0, 2.0])
    x = tf.placeholder(tf.float32, [2])
    update, reading = variable.assign(tf.sin(x)).op, tf.reshape(variable, [2, 1]) * 2.0
    with tf.Session() as session:
        for tier, fetch in [("host", variable.initializer), ("xla", update), ("host", reading), ("xla", reading)]:
            monkeypatch.setenv("TIDEFLOW_TIER", tier)
            result = session.run(fetch, {x: [0.0, 1.0]}) if fetch is not variable.initializer else session.run(fetch)
            assert result is None or type(result) is np.ndarray
        np.testing.assert_allclose(result[:, 0], np.sin([0.0, 1.0]) * 2.0, rtol=1e-6)


def test_random_streams_are_those_of_the_host_for_every_shape(graph, monkeypatch) -> None:
    x = tf.placeholder(tf.float32, [None])
    drawn = tf.random_uniform(tf.shape(x), seed=7)
    sizes = (3, 700, 3, 700, 3)  # different numbers of blocks
    streams = []
    for tier in ("host", "xla"):
        monkeypatch.setenv("TIDEFLOW_TIER", tier)
        with tf.Session() as session:
            streams.append([session.run(drawn, {x: np.zeros(size)}) for size in sizes])
    for host, xla in zip(*streams, strict=True):
        np.testing.assert_array_equal(host, xla)
    assert not np.array_equal(streams[0][0], streams[0][2])


def test_a_run_that_cannot_be_compiled_takes_no_random_numbers(graph, tier) -> None:
    x = tf.placeholder(tf.float32)
    y = tf.random_uniform([2], seed=3) + x
    with tf.Session() as session:
        first = [session.run(y, {x: np.zeros(2)}), session.run(y, {x: np.zeros(2)})]
    with tf.Session() as session:
        again = [session.run(y, {x: np.zeros(2)})]
        if tier == "xla":
            with pytest.raises(tf.errors.InvalidArgumentError):
                session.run(y, {x: np.zeros(3)})
            session.run(y, {x: np.zeros((5, 2))})
        again.append(session.run(y, {x: np.zeros(2)}))
    np.testing.assert_array_equal(first[0], again[0])
    assert not np.array_equal(again[0], again[1])


def test_shapes_that_depend_on_feeds(graph, tier) -> None:
    shape, x = tf.placeholder(tf.int32, [2]), tf.placeholder(tf.float32, [6])
    count = tf.placeholder(tf.int32, [])
    y, z = tf.reshape(x, shape), tf.range(count * 2)
    with tf.Session() as session:
        for size in ([2, 3], [3, 2], [1, 6]):
            assert session.run(y, {shape: size, x: np.arange(6)}).shape == tuple(size)
        with pytest.raises(tf.errors.InvalidArgumentError, match="16"):
            session.run(y, {shape: [4, 4], x: np.arange(6)})
        for n in range(20):
            assert len(session.run(z, {count: n})) == 2 * n


def test_shapes_that_depend_on_data(graph, tier) -> None:
    x = tf.placeholder(tf.float32, [6])
    where = tf.where(x > 2.0)
    total = tf.reduce_sum(tf.gather_nd(x, where)) * 2.0
    with tf.Session() as session:
        places, value = session.run([where, total], {x: np.arange(6)})
        assert (places.tolist(), value) == ([[3], [4], [5]], 24.0)
        assert session.run(total, {x: np.arange(6) + 2}) == 50.0


def test_strings_beside_numbers(graph, tier) -> None:
    x = tf.placeholder(tf.float32, [2])
    text = tf.py_func(lambda value: np.char.mod("%d", value).astype(object), [x * 2.0], tf.string)
    with tf.Session() as session:
        doubled, shown = session.run([x * 2.0, text], {x: [1, 2]})
    assert (doubled.tolist(), shown.tolist()) == ([2.0, 4.0], [b"2", b"4"])


def test_ctrl_c_in_a_run_leaves_every_variable_readable(monkeypatch) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    import tideflow as tf2

    variable = tf2.Variable(np.ones(8, np.float32))

    @tf2.function
    def step():
        def turn(index, total):
            product = tf2.matmul(tf2.ones([200, 200]) * total, tf2.ones([200, 200]))
            return index + 1, total + tf2.reduce_sum(product) * 0.0

        turns = tf2.while_loop(lambda index, total: index < 200, turn, [tf2.constant(0), tf2.constant(0.0)])[0]
        variable.assign_add(tf2.ones([8]) * tf2.cast(turns, tf2.float32))

    step()
    step()
    assert variable.numpy()[0] == 401.0
    lock, over = variable._buffer.lock, threading.Event()

    def interrupt() -> None:
        while not over.is_set():
            if not lock.acquire(blocking=False):  # a run holds it
                _thread.interrupt_main()
                return
            lock.release()

    thread = threading.Thread(target=interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            thread.start()
            for _ in range(100_000):
                step()
    finally:
        over.set()
        thread.join()
        signal.signal(signal.SIGINT, before)
    value = variable.numpy()
    assert value[0] % 200.0 == 1.0 and (value == value[0]).all()
    step()
    np.testing.assert_array_equal(variable.numpy(), value + 200.0)


def test_a_program_with_random_loops_is_compiled_while_others_may_draw(graph, monkeypatch) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    held: list[bool] = []
    prepare = compiled_stage.CompiledStage._prepare

    def watched(self, *arguments):
        held.append(self._state.streams_lock._is_owned())
        return prepare(self, *arguments)

    monkeypatch.setattr(compiled_stage.CompiledStage, "_prepare", watched)
    start = tf.placeholder(tf.float32, [])
    total = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a + tf.random_normal([])), [0, start])[1]
    with tf.Session() as session:
        session.run(total, {start: 0.0})
    assert held == [False]


@pytest.mark.parametrize("tier", ["host", "xla"])
def test_a_branch_that_is_not_taken_may_hold_what_never_works(graph, monkeypatch, tier) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", tier)
    chosen = tf.placeholder(tf.bool, [])
    result = tf.cond(chosen, lambda: tf.gather(tf.constant([1, 2, 3]), tf.constant(7)), lambda: tf.constant(5))
    with tf.Session() as session:
        assert session.run(result, {chosen: False}) == 5
        if tier == "xla":
            with pytest.raises(tf.errors.InvalidArgumentError, match="7 is not in"):
                session.run(result, {chosen: True})


def test_ever_new_values_of_static_feeds_are_not_compiled_without_end(graph, monkeypatch) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    compiled: list[int] = []
    compile = compiled_stage.CompiledStage._compile
    monkeypatch.setattr(
        compiled_stage.CompiledStage, "_compile", lambda self, *rest: compiled.append(1) or compile(self, *rest)
    )
    x, size = tf.placeholder(tf.float32, [30]), tf.placeholder(tf.int32, [])
    doubled = x[:size] * 2.0
    with tf.Session() as session:
        for wanted in [*range(1, 21), *range(1, 21)]:
            result = session.run(doubled, {x: np.arange(30.0), size: wanted})
            np.testing.assert_array_equal(result, np.arange(wanted) * 2.0)
    assert len(compiled) == tier_of_xla._MOST_STATIC_VALUES


@pytest.mark.parametrize("front", ["session", "function"])
def test_a_program_is_traced_and_compiled_once(monkeypatch, front) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    traced: list[int] = []
    trace = compiled_stage.CompiledStage._trace
    monkeypatch.setattr(
        compiled_stage.CompiledStage,
        "_trace",
        lambda self, *rest, **more: traced.append(1) or trace(self, *rest, **more),
    )
    counts = []
    if front == "session":
        with tf.Graph().as_default(), tf.Session() as session:
            x = tf.placeholder(tf.float32, [4])
            count = tf.Variable(tf.zeros([4]), use_resource=True)
            with tf.control_dependencies([count.assign_add(x)]):
                y = x * 2.0 + tf.random_normal([4])
            session.run(count.initializer)
            for _ in range(4):
                session.run(y, {x: np.ones(4, "f")})
                counts.append(len(traced))
    else:
        count = tf2.Variable(tf2.zeros([4]))
        step = tf2.function(lambda x: count.assign_add(x) * 2.0 + tf2.random.normal([4]))
        for _ in range(4):
            step(tf2.ones([4]))
            counts.append(len(traced))
    assert counts == counts[:1] * 4


def test_ctrl_c_while_a_step_is_waited_for_loses_no_variable(monkeypatch) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    variables = [tf2.Variable([float(number)] * 3) for number in range(4)]

    @tf2.function
    def step(labels):
        loss = tf2.nn.sparse_softmax_cross_entropy_with_logits(labels, tf2.zeros([2, 5]))  # may reject its labels
        for variable in variables:
            variable.assign_add(variable + 1.0)
        return loss

    labels = tf2.constant([1, 4])
    for _ in range(3):
        step(labels)
    before = [variable.numpy() for variable in variables]
    step(labels)
    interrupted = []

    class Interrupting:
        def __getattr__(self, name: str):
            return getattr(np, name)

        def asarray(self, value, *arguments):
            if not interrupted:
                interrupted.append(value)
                raise KeyboardInterrupt
            return np.asarray(value, *arguments)

    monkeypatch.setattr(tier_of_xla, "np", Interrupting())
    with pytest.raises(KeyboardInterrupt):
        step(labels)
    monkeypatch.setattr(tier_of_xla, "np", np)
    assert len(interrupted) == 1
    for variable, value in zip(variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), 4.0 * value + 3.0)
    step(labels)
    for variable, value in zip(variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), 8.0 * value + 7.0)
    with pytest.raises(tf2.errors.InvalidArgumentError, match="label"):
        step(tf2.constant([1, 5]))
    np.testing.assert_array_equal(variables[0].numpy(), 8.0 * before[0] + 7.0)


@pytest.fixture
def compiled() -> Iterator[list[str]]:
    """Is filled with the names of the functions that XLA compiles: ``jit(call)`` is a stage of a program."""
    names: list[str] = []

    def listen(event: str, seconds: float, **what: str) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            names.append(what["fun_name"])

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield names
    jax.monitoring.unregister_event_duration_listener(listen)


@pytest.mark.parametrize("packs", ["always", "never"])
def test_a_function_is_compiled_once_wherever_its_variables_are(monkeypatch, compiled, packs) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    monkeypatch.setenv("TIDEFLOW_PACKS", packs)
    changed, also_changed, read = (tf2.Variable(np.ones(5, np.float32)) for _ in range(3))
    count = tf2.Variable(0)

    @tf2.function
    def step(x):
        changed.assign_sub(x * read)
        also_changed.assign_add(changed)
        count.assign_add(1)

    def assigned() -> None:
        changed.assign(np.ones(5, np.float32))  # a value in the memory of the host
        count.assign_sub(1)  # of NumPy it is a scalar, not an array

    def leased() -> None:
        kept.append(changed.read_value())

    kept: list[object] = []
    for prepare in (lambda: None, lambda: None, assigned, leased, leased, lambda: None):
        prepare()
        step(tf2.constant(0.5))
    assert compiled.count("jit(call)") == 1
    np.testing.assert_array_equal(changed, np.full(5, 1 - 4 * 0.5))
    np.testing.assert_array_equal([value.numpy()[0] for value in kept], [0.5, 0.0])
    assert count.numpy() == 5


@pytest.mark.parametrize("use_resource", [True, False])
def test_a_step_of_training_is_compiled_once(graph, monkeypatch, compiled, use_resource) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    weights = tf.get_variable("weights", [5], use_resource=use_resource)
    train = tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(tf.square(weights - 1.0)))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert compiled.count("jit(call)") == 1
        for _ in range(3):
            session.run(train)
        assert compiled.count("jit(call)") == 2
