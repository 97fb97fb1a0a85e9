"""Checks that sessions and traced functions run what XLA can compile on the accelerator that their nodes ask for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tideflow as tf
import tideflow.compat.v1 as v1
from tideflow._src.core.device_tensor import Transfers
from tideflow._src.runtime import compiled_stage
from tideflow._src.runtime.devices import configuration

CPU = "/job:localhost/replica:0/task:0/device:CPU:0"
GPU = "/job:localhost/replica:0/task:0/device:GPU:0"
OTHER = "/job:localhost/replica:0/task:0/device:GPU:1"


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The engine's devices of the stages that were compiled."""
    found: list[Any] = []
    make = compiled_stage.CompiledStage.__init__

    def recorded(
        self: Any, stage: Any, plan: Any, state: Any, static: Any, donates: bool, home: Any, *packs: Any
    ) -> None:
        found.append(home.device)
        make(self, stage, plan, state, static, donates, home, *packs)

    monkeypatch.setattr(compiled_stage.CompiledStage, "__init__", recorded)
    return found


def test_a_session_runs_where_nodes_ask(graph: Any, used: list[Any]) -> None:
    with tf.device("/GPU:1"):
        x = v1.placeholder(tf.float32, [2])
        w = v1.get_variable("w", initializer=[1.0, 2.0])
        y = v1.assign_add(w, x) * 2.0
    text = tf.strings.as_string(y)
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        used.clear()
        values = [session.run([y, text], {x: [1.0, 1.0]}) for _ in range(3)]
        assert session.run(w).tolist() == [4.0, 5.0]
    assert values[2][0].tolist() == [8.0, 10.0]
    assert values[2][1].tolist() == [b"8.000000", b"10.000000"]
    assert set(used) == {configuration.engine_device(OTHER)}


def test_a_graph_that_asks_for_the_cpu_stays_there(graph: Any, used: list[Any], monkeypatch: Any) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    with tf.device("/CPU:0"):
        y = v1.placeholder_with_default([1.0, 2.0], [2]) * 3.0
    with v1.Session() as session:
        assert session.run(y).tolist() == [3.0, 6.0]
    assert [device.platform for device in used] == ["cpu"]
    assert used != [configuration.engine_device(GPU)]


def test_devices_that_do_not_exist(graph: Any) -> None:
    with tf.device("/GPU:9"):
        y = tf.identity(v1.placeholder_with_default(1.0, []), name="there")
    with v1.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="Cannot assign a device"):
        session.run(y)
    with v1.Session(config=v1.ConfigProto(allow_soft_placement=True)) as session:
        assert session.run(y) == 1.0


def test_device_functions_of_graphs(graph: Any, used: list[Any]) -> None:
    with graph.device(lambda op: "/GPU:1" if op.type == "Mul" else None):
        y = v1.placeholder_with_default([1.0], [1]) * 3.0
    assert y.device == "/device:GPU:1"
    with v1.Session() as session:
        assert session.run(y).tolist() == [3.0]
    assert used == [configuration.engine_device(OTHER)]


def test_a_training_step_stays_on_the_accelerator() -> None:
    weights = tf.Variable([1.0, 2.0])

    @tf.function
    def step(x: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum((weights * x) ** 2)
        weights.assign_sub(0.1 * tape.gradient(loss, weights))
        return loss

    x = tf.constant([1.0, 1.0])
    step(x)
    kept = weights.value()
    before = Transfers.to_host
    losses = [step(x) for _ in range(3)]
    assert Transfers.to_host == before
    assert {loss.device for loss in losses} == {GPU}
    assert weights.value().device == GPU
    np.testing.assert_allclose(kept.numpy(), [0.8, 1.6], rtol=1e-6)
    np.testing.assert_allclose(weights.numpy(), np.array([1.0, 2.0]) * 0.8**4, rtol=1e-6)
    np.testing.assert_allclose([float(loss) for loss in losses], [5 * 0.8 ** (2 * n) for n in (1, 2, 3)], rtol=1e-6)


def test_a_function_is_differentiated_from_outside() -> None:
    weights = tf.Variable([1.0, 2.0])
    f = tf.function(lambda x: tf.reduce_sum(weights * x * x))
    x = tf.constant([3.0, 4.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    by_weights, by_x = tape.gradient(y, [weights, x])
    assert by_weights.device == by_x.device == GPU
    assert by_weights.numpy().tolist() == [9.0, 16.0]
    assert by_x.numpy().tolist() == [6.0, 16.0]


def test_a_function_with_operations_of_the_host() -> None:
    @tf.function
    def f(x: Any) -> Any:
        _, total = tf.while_loop(lambda i, s: i < 3, lambda i, s: (i + 1, s + x), [0, tf.zeros([2])])
        return total, tf.strings.as_string(total), tf.where(total > 4.0)

    total, text, where = f(tf.constant([1.0, 2.0]))
    assert total.numpy().tolist() == [3.0, 6.0]
    assert text.numpy().tolist() == [b"3.000000", b"6.000000"]
    assert where.numpy().tolist() == [[1]]


def test_a_function_that_asks_for_another_accelerator() -> None:
    @tf.function
    def f(x: Any) -> Any:
        with tf.device("/GPU:1"):
            return x * 2.0

    y = f(tf.constant([1.0, 2.0]))
    assert y.device == OTHER
    assert y.numpy().tolist() == [2.0, 4.0]


def test_random_numbers_of_functions_are_those_of_the_host() -> None:
    def draw(device: str) -> list[list[float]]:
        tf.random.set_seed(3)
        with tf.device(device):
            f = tf.function(lambda: tf.random.normal([3]))
            return [f().numpy().tolist() for _ in range(2)]

    np.testing.assert_allclose(draw("/GPU:0"), draw("/CPU:0"), rtol=2e-6)
