"""The laws of packs: variables that live in one array are what they are apart, to the bit, to whoever uses them."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.runtime.packs import PackedBuffer, held_by
from tideflow.compat import v1

SHAPES = [(3, 4), (5,), (), (2, 1, 3), (4, 4), (1,), (7,), (3, 4)]


@pytest.fixture(autouse=True)
def packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    monkeypatch.setenv("TIDEFLOW_PACKS", "always")


def _values(seed: int = 0) -> list[Any]:
    random = np.random.default_rng(seed)
    return [np.asarray(random.standard_normal(shape), np.float32) for shape in SHAPES]


def _variables() -> list[Any]:
    return [tf.Variable(value) for value in _values()]


def _are_packed(variables: list[Any]) -> list[bool]:
    return [isinstance(variable._buffer, PackedBuffer) for variable in variables]


def _decay(variables: list[Any]) -> Any:
    """Returns a function that takes a part off every variable, and gives their sum."""

    @tf.function
    def step(part: Any) -> Any:
        for variable in variables:
            variable.assign_sub(part * variable)
        return tf.add_n([tf.reduce_sum(variable) for variable in variables])

    return step


def _bits(variables: list[Any]) -> list[bytes]:
    return [variable.numpy().tobytes() for variable in variables]


OPTIMIZERS = {
    "descent": lambda: v1.train.GradientDescentOptimizer(0.1),
    "momentum": lambda: v1.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adam": lambda: v1.train.AdamOptimizer(0.01),
    "rmsprop": lambda: v1.train.RMSPropOptimizer(0.01, centered=True),
    "adagrad": lambda: v1.train.AdagradOptimizer(0.1),
}


def _trained(optimizer: Callable[[], Any], use_resource: bool) -> list[bytes]:
    """Trains a small network of several layers in a session; returns the losses and the variables."""
    random = np.random.default_rng(1)
    with tf.Graph().as_default():
        x = hidden = v1.placeholder(tf.float32, [None, 6])
        for layer in range(2):
            weight = v1.get_variable(f"w{layer}", initializer=_layer(random), use_resource=use_resource)
            bias = v1.get_variable(f"b{layer}", initializer=np.zeros(6, np.float32), use_resource=use_resource)
            hidden = tf.tanh(tf.matmul(hidden, weight) + bias)
        loss = tf.reduce_mean(tf.square(hidden - tf.sin(x)))
        train = optimizer().minimize(loss)
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            found = [
                session.run([loss, train], {x: random.standard_normal((count, 6)).astype(np.float32)})[0].tobytes()
                for count in (8, 8, 8)
            ]
            return found + [value.tobytes() for value in session.run(v1.global_variables())]


def _layer(random: Any) -> Any:
    return random.standard_normal((6, 6)).astype(np.float32)


@pytest.mark.parametrize(("name", "use_resource"), [*((name, True) for name in OPTIMIZERS), ("adam", False)])
def test_a_session_computes_the_same_bits(monkeypatch, name: str, use_resource: bool) -> None:
    together = _trained(OPTIMIZERS[name], use_resource)
    monkeypatch.setenv("TIDEFLOW_PACKS", "never")
    assert together == _trained(OPTIMIZERS[name], use_resource)


def test_a_function_computes_the_same_bits(monkeypatch) -> None:
    def run() -> tuple[list[bytes], list[bytes]]:
        variables = _variables()
        step = _decay(variables)
        sums = [step(tf.constant(0.25)).numpy().tobytes() for _ in range(5)]
        return sums, _bits(variables)

    together = run()
    monkeypatch.setenv("TIDEFLOW_PACKS", "never")
    assert together == run()


def test_what_was_read_never_changes() -> None:
    variables = _variables()
    step = _decay(variables)
    kept: list[tuple[Any, bytes]] = []
    for _ in range(5):
        step(tf.constant(0.25))
        assert all(_are_packed(variables))
        for variable in variables:
            for value in (variable.numpy(), variable.read_value(), np.asarray(variable), variable.value()):
                kept.append((value, np.array(value).tobytes()))
        assert all(_are_packed(variables)), "who reads takes nothing out of a pack"
    assert all(np.asarray(value).tobytes() == bits for value, bits in kept)
    assert len({bits for value, bits in kept if value.shape == (5,)}) == 5


def _assign(variable: Any) -> None:
    variable.assign(np.full(variable.shape, 2.0, np.float32))


def _count(variable: Any) -> None:
    variable.assign_add(np.ones(variable.shape, np.float32))


def _scatter(variable: Any) -> None:
    variable.scatter_nd_update([[1]], [np.full(variable.shape[1:], 9.0, np.float32)])


def _slice(variable: Any) -> None:
    variable[0].assign(np.full(variable.shape[1:], -3.0, np.float32))


def _interpreted(variable: Any) -> None:
    tf.raw_ops.ResourceApplyGradientDescent(var=variable.handle, alpha=0.5, delta=np.ones(variable.shape, np.float32))


@pytest.mark.parametrize("change", [_assign, _count, _scatter, _slice, _interpreted])
def test_a_variable_that_is_changed_by_itself_comes_back(monkeypatch, change) -> None:
    def run() -> list[bytes]:
        variables = _variables()
        step = _decay(variables)
        for turn in range(4):
            step(tf.constant(0.25))
            change(variables[turn and 4])
        step(tf.constant(0.25))
        return _bits(variables)

    together = run()
    monkeypatch.setenv("TIDEFLOW_PACKS", "never")
    assert together == run()


def test_a_checkpoint_reads_and_restores_it(graph, tmp_path) -> None:
    variables = [v1.get_variable(f"v{index}", initializer=value) for index, value in enumerate(_values())]
    step = tf.group(*[v1.assign_add(variable, variable) for variable in variables])
    saver = v1.train.Saver()
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        session.run(step)
        saver.save(session, str(tmp_path / "packed"))
        session.run(step)
        for value, start in zip(session.run(variables), _values(), strict=True):
            np.testing.assert_array_equal(value, 4 * start)
        saver.restore(session, str(tmp_path / "packed"))
        for value, start in zip(session.run(variables), _values(), strict=True):
            np.testing.assert_array_equal(value, 2 * start)
        session.run(step)
        for value, start in zip(session.run(variables), _values(), strict=True):
            np.testing.assert_array_equal(value, 4 * start)


def test_a_run_that_fails_leaves_every_bit() -> None:
    variables = _variables()

    @tf.function
    def step(index: Any) -> Any:
        for variable in variables:
            variable.assign_add(tf.ones_like(variable))
        return tf.gather(tf.constant([1.0, 2.0]) * variables[2], index)

    step(tf.constant(1))
    before = _bits(variables)
    kept = [variable.read_value() for variable in variables]
    with pytest.raises(tf.errors.InvalidArgumentError):
        step(tf.constant(5))
    assert all(_are_packed(variables))
    assert _bits(variables) == before == [value.numpy().tobytes() for value in kept]
    step(tf.constant(0))
    np.testing.assert_array_equal(variables[1].numpy(), kept[1].numpy() + 1)


def test_a_part_of_a_larger_run_is_given_back() -> None:
    variables = _variables()
    step = _decay(variables)
    step(tf.constant(0.5))
    before = _bits(variables)

    def fail() -> Any:
        raise ValueError("afterwards")

    @tf.function
    def larger() -> Any:
        with tf.control_dependencies([step(tf.constant(0.5))]):
            return tf.numpy_function(fail, [], tf.float32)

    with pytest.raises(tf.errors.InvalidArgumentError, match="afterwards"):
        larger()
    assert _bits(variables) == before


@pytest.mark.parametrize("policy", ["always", "auto"])
def test_threads_count_to_n(monkeypatch, policy: str) -> None:
    monkeypatch.setenv("TIDEFLOW_PACKS", policy)
    monkeypatch.setattr("tideflow._src.runtime.cost_model._COMPILE", 0.0)
    monkeypatch.setattr("tideflow._src.runtime.cost_model._COMPILE_PER_OP", 0.0)
    variables = [tf.Variable(np.zeros(3, np.float32)) for _ in range(20)]
    one = tf.ones([3])

    @tf.function
    def count_all() -> None:
        for variable in variables:
            variable.assign_add(one)

    @tf.function
    def count_some() -> None:
        for variable in variables[:17]:
            variable.assign_add(one)

    @tf.function
    def count_one() -> None:
        variables[4].assign_add(one)

    def count_eagerly() -> None:
        variables[2].assign_add(one)
        tf.raw_ops.AssignAddVariableOp(resource=variables[3].handle, value=one)

    works = [count_all, count_all, count_some, count_one, count_eagerly]
    for work in works:
        work()

    def repeat(work: Callable[[], None]) -> None:
        for _ in range(100):
            work()

    threads = [threading.Thread(target=repeat, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    expected = np.array([3, 3, 4, 4, 4, *[3] * 12, 2, 2, 2]) * 101
    np.testing.assert_array_equal([variable.numpy() for variable in variables], np.tile(expected[:, None], 3))


def test_readers_see_one_step_whole() -> None:
    variables = [tf.Variable(np.zeros(5, np.float32)) for _ in range(10)]

    @tf.function
    def count() -> None:
        for variable in variables:
            variable.assign_add(tf.ones([5]))

    @tf.function
    def looked_at() -> Any:
        return tf.stack([variable.read_value() for variable in variables])

    count()
    looked_at()
    done = threading.Event()
    torn: list[Any] = []

    def look() -> None:
        while not done.is_set():
            torn.extend(value for value in [variables[3].numpy()] if len(set(value.tolist())) > 1)
            looked_at()

    thread = threading.Thread(target=look)
    thread.start()
    for _ in range(200):
        count()
    done.set()
    thread.join(600)
    assert not torn
    np.testing.assert_array_equal(looked_at().numpy(), np.full((10, 5), 201.0))


def _packed_in(step: Any) -> int:
    """Returns how many variables the program of a function says that it keeps in packs."""
    (trace,) = step.explain().traces
    ((stage,),) = (program["stages"] for program in trace.programs)
    found = int(stage["packed_variables"])
    assert (f"{found} variables in packs" in str(step.explain())) == (found > 0)
    return found


def test_companies_that_alternate_stay_apart(monkeypatch) -> None:
    monkeypatch.setenv("TIDEFLOW_PACKS", "auto")
    monkeypatch.setattr("tideflow._src.runtime.cost_model._COMPILE", 0.0)
    monkeypatch.setattr("tideflow._src.runtime.cost_model._COMPILE_PER_OP", 0.0)
    variables = [tf.Variable(np.ones(2, np.float32)) for _ in range(24)]
    first, second = _decay(variables[:16]), _decay(variables[8:])
    part = tf.constant(0.5)
    first(part)
    assert sum(_are_packed(variables)) == 16
    for _ in range(8):
        first(part)
        second(part)
    assert not any(_are_packed(variables))
    assert _packed_in(first) == _packed_in(second) == 0
    expected = np.repeat(np.float32([0.5**9, 0.5**17, 0.5**8]), 8)
    np.testing.assert_array_equal([variable.numpy() for variable in variables], np.tile(expected[:, None], 2))


def test_programs_of_one_company_share_a_pack(monkeypatch) -> None:
    monkeypatch.setenv("TIDEFLOW_PACKS", "auto")
    monkeypatch.setattr("tideflow._src.runtime.cost_model._COMPILE", 0.0)
    monkeypatch.setattr("tideflow._src.runtime.cost_model._COMPILE_PER_OP", 0.0)
    variables = [tf.Variable(np.ones(4, np.float32)) for _ in range(16)]
    first, second = _decay(variables), _decay(variables)
    part = tf.constant(0.5)
    for _ in range(10):
        first(part)
        second(part)
        assert all(_are_packed(variables))
    np.testing.assert_array_equal(variables[8].numpy(), np.full(4, 0.5**20, np.float32))


def test_what_is_packed_is_decided_by_size_and_number(monkeypatch) -> None:
    monkeypatch.setenv("TIDEFLOW_PACKS", "auto")
    shapes = [(8,)] * 17 + [(100, 100)]
    variables = [tf.Variable(np.ones(shape, np.float32)) for shape in shapes]
    counts = [tf.Variable(0) for _ in range(17)]
    doubles = [tf.Variable(np.ones(2)) for _ in range(15)]
    numbers = [tf.Variable(1.0) for _ in range(20)]

    @tf.function
    def step() -> None:
        for variable in (*variables, *counts, *doubles, *numbers):
            variable.assign_add(tf.ones_like(variable))

    monkeypatch.setattr("tideflow._src.runtime.cost_model.runs_before_packing", lambda variables, operations: 3)
    for _ in range(3):
        step()
    assert not any(_are_packed(variables))
    assert _packed_in(step) == 0
    step()
    assert _are_packed([*variables, *counts, *doubles, *numbers]) == [True] * 17 + [False] * 53
    assert _packed_in(step) == 17
    assert {float(np.max(v.numpy())) for v in (*variables, *doubles)} == {5.0} and counts[0].numpy() == 4


def test_more_operations_take_more_runs_to_pack_and_more_variables_fewer() -> None:
    from tideflow._src.runtime.cost_model import runs_before_packing

    assert 0 < runs_before_packing(100, 100) < runs_before_packing(10, 100) < runs_before_packing(10, 1000)


def test_a_variable_outlives_its_program_without_the_others() -> None:
    variables = _variables()
    step = _decay(variables)
    step(tf.constant(0.5))
    kept = variables[1]
    expected = kept.numpy()
    pack = weakref.ref(held_by(kept._buffer).pack)
    gone = [weakref.ref(variable._buffer) for variable in variables if variable is not kept]
    del step, variables
    gc.collect()
    assert not any(reference() for reference in gone), "a pack keeps no variable"
    np.testing.assert_array_equal(kept.numpy(), expected)
    gc.collect()
    assert pack() is None, "the variable has a value of its own now"


def test_a_value_of_another_shape_leaves_the_variables_apart(graph) -> None:
    variable = v1.get_variable("changes", initializer=np.float32([1.0, 2.0]), use_resource=False, validate_shape=False)
    others = [v1.get_variable(f"v{index}", initializer=float(index), use_resource=False) for index in range(3)]
    longer = v1.assign(variable, tf.ones([3]), validate_shape=False)
    grow = tf.group(longer, *[v1.assign_add(other, 1.0) for other in others])
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        for _ in range(3):
            session.run(grow)
        np.testing.assert_array_equal(session.run(variable), np.ones(3))
        assert session.run(others) == [3.0, 4.0, 5.0]


def test_a_variable_without_a_value_is_named(graph) -> None:
    variables = [v1.get_variable(f"unset{index}", initializer=float(index)) for index in range(3)]
    count = tf.group(*[v1.assign_add(variable, 1.0) for variable in variables])
    with v1.Session() as session:
        session.run([variables[0].initializer, variables[2].initializer])
        with pytest.raises(tf.errors.FailedPreconditionError, match="unset1"):
            session.run(count)
        session.run(variables[1].initializer)
        session.run(count)
        assert session.run(variables) == [1.0, 2.0, 3.0]
        assert session.run(v1.report_uninitialized_variables()).size == 0
        session.run(count)
        assert session.run(variables) == [2.0, 3.0, 4.0]


def test_the_policy_is_one_that_there_is(monkeypatch) -> None:
    monkeypatch.setenv("TIDEFLOW_PACKS", "sometimes")
    variable = tf.Variable(1.0)

    @tf.function
    def count() -> None:
        variable.assign_add(1.0)

    with pytest.raises(ValueError, match="sometimes"):
        count()
