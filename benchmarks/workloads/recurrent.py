"""A gradient step of an LSTM of 128 units, 100 steps, batch 32: ``scan`` and ``dynamic_rnn``, plain and with dropout.

What comes out is the sum of the weights' gradient, so that all of it is computed and little is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from harness.workload import SteadyWorkload, Step, Target

from workloads.family import normal

STEPS, BATCH, UNITS = 100, 32, 128
KEEP = 0.9
SCAN, RNN, SCAN_DROPOUT, RNN_DROPOUT = "scan", "dynamic_rnn", "scan, dropout", "dynamic_rnn, dropout"


def _inputs() -> Any:
    return normal(STEPS, BATCH, UNITS)


def _weights() -> Any:
    return normal(2 * UNITS, 4 * UNITS) * np.float32(0.05)


def _cell(tf: Any, x: Any, h: Any, c: Any, weights: Any, dropout: bool) -> Any:
    i, j, f, o = tf.split(tf.matmul(tf.concat([x, h], 1), weights), 4, 1)
    c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(j)
    h = tf.sigmoid(o) * tf.tanh(c)
    return (tf.nn.dropout(h, rate=1 - KEEP) if dropout else h), c


class _Cell:
    """Is such a cell as ``dynamic_rnn`` takes it; TensorFlow's own went with Keras 2."""

    state_size = (UNITS, UNITS)
    output_size = UNITS

    def __init__(self, tf: Any, weights: Any, dropout: bool) -> None:
        self._tf = tf
        self._weights = weights
        self._dropout = dropout

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Returns the state before the first step."""
        return self._tf.zeros([BATCH, UNITS], dtype), self._tf.zeros([BATCH, UNITS], dtype)

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        h, c = _cell(self._tf, inputs, *state, self._weights, self._dropout)
        return h, (h, c)


def _scanned(tf: Any, x: Any, weights: Any, dropout: bool) -> Any:
    zeros = tf.zeros([BATCH, UNITS])
    return tf.scan(lambda state, row: _cell(tf, row, *state, weights, dropout), x, (zeros, zeros))[0]


def _unrolled(tf: Any, x: Any, weights: Any, dropout: bool) -> Any:
    return tf.nn.dynamic_rnn(_Cell(tf, weights, dropout), x, dtype=tf.float32, time_major=True)[0]


def _step(tf: Any, network: Callable[..., Any], dropout: bool) -> Step:
    with tf.Graph().as_default() as graph:
        x = tf.get_variable("x", initializer=_inputs(), use_resource=True).read_value()
        weights = tf.get_variable("w", initializer=_weights(), use_resource=True).read_value()
        (gradient,) = tf.gradients(tf.reduce_sum(network(tf, x, weights, dropout)), [weights])
        total = tf.reduce_sum(gradient)
        initialize = tf.global_variables_initializer()
    session = tf.Session(graph=graph)
    session.run(initialize)
    return lambda: session.run(total)


def tensorflow_program(tf: Any) -> dict[str, Step]:
    tf.enable_control_flow_v2()
    return {
        SCAN: _step(tf, _scanned, False),
        RNN: _step(tf, _unrolled, False),
        SCAN_DROPOUT: _step(tf, _scanned, True),
        RNN_DROPOUT: _step(tf, _unrolled, True),
    }


def torch_program(torch: Any) -> dict[str, Step]:
    network, x = torch.nn.LSTM(UNITS, UNITS), torch.from_numpy(_inputs())

    def step() -> Any:
        network.zero_grad()
        network(x)[0].sum().backward()
        return sum(parameter.grad.sum() for parameter in network.parameters()).numpy()

    return {RNN: step}


def jax_program(jax: Any) -> dict[str, Step]:
    jnp = jax.numpy
    x, weights = jnp.array(_inputs()), jnp.array(_weights())

    def total(weights: Any) -> Any:
        def step(state: Any, row: Any) -> Any:
            h, c = state
            i, j, f, o = jnp.split(jnp.concatenate([row, h], 1) @ weights, 4, 1)
            c = jax.nn.sigmoid(f + 1.0) * c + jax.nn.sigmoid(i) * jnp.tanh(j)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        zeros = jnp.zeros((BATCH, UNITS))
        return jnp.sum(jax.lax.scan(step, (zeros, zeros), x)[1])

    gradient = jax.jit(lambda weights: jnp.sum(jax.grad(total)(weights)))
    return {SCAN: lambda: np.asarray(gradient(weights))}


def _verify(steps: Mapping[str, Step]) -> None:
    """Checks that the ways to compute one gradient agree, and that dropout draws anew at every step."""
    plain = [float(np.asarray(step())) for metric, step in steps.items() if "dropout" not in metric]
    np.testing.assert_allclose(plain, np.full(len(plain), plain[0]), rtol=1e-3)
    assert np.isfinite(plain[0]) and plain[0] != 0
    for metric, step in steps.items():
        if "dropout" in metric:
            first, second = float(step()), float(step())
            assert np.isfinite(first) and first != second, f"{metric} gives {first} twice"
            np.testing.assert_allclose(first, plain[0], rtol=0.5)


WORKLOAD = SteadyWorkload(
    name="recurrent",
    title="LSTM, T 100, batch 32, 128 units, with gradient",
    programs={
        "tideflow": tensorflow_program,
        "tensorflow": tensorflow_program,
        "torch": torch_program,
        "jax": jax_program,
    },
    verify=_verify,
    dialect="v1",
    warm_up=5.0,
    targets={
        SCAN: (Target(0.8, "tensorflow"),),
        RNN: (Target(0.8, "tensorflow"), Target(1.2, "torch")),
        SCAN_DROPOUT: (Target(1, "tensorflow"),),
        RNN_DROPOUT: (Target(1, "tensorflow"),),
    },
)
