"""Checks recurrent networks against their formulas, for known and unknown numbers of steps, with gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tideflow.v1 as tf

pytestmark = pytest.mark.usefixtures("graph")

CELLS = tf.nn.rnn_cell
X = np.random.default_rng(3).normal(size=(2, 4, 3)).astype(np.float32)


def run(fetches, feeds=None) -> Any:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(fetches, feeds)


def names(variables) -> list[str]:
    return [variable.name for variable in variables]


def sigmoid(x) -> Any:
    return 1 / (1 + np.exp(-x))


def lstm(x, kernel, bias, cells, forget_bias=1.0) -> Any:
    c = h = np.zeros((x.shape[0], cells))
    outputs = []
    for time in range(x.shape[1]):
        i, j, f, o = np.split(np.concatenate([x[:, time], h], 1) @ kernel + bias, 4, 1)
        c = c * sigmoid(f + forget_bias) + sigmoid(i) * np.tanh(j)
        h = np.tanh(c) * sigmoid(o)
        outputs.append(h)
    return np.stack(outputs, 1), c, h


@pytest.mark.parametrize("known", [True, False])
def test_lstm_over_time(known: bool, tier: str) -> None:
    x = tf.placeholder(tf.float32, [None, 4 if known else None, 3])
    outputs, state = tf.nn.dynamic_rnn(CELLS.BasicLSTMCell(5), x, dtype=tf.float32)
    assert names(tf.trainable_variables()) == ["rnn/basic_lstm_cell/kernel:0", "rnn/basic_lstm_cell/bias:0"]
    assert outputs.shape.as_list() == [None, 4 if known else None, 5]
    y, last, kernel, bias = run([outputs, state, *tf.trainable_variables()], {x: X})
    expected, c, h = lstm(X, kernel, bias, 5)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(last.c, c, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(last.h, h, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make", [
    lambda: CELLS.BasicRNNCell(3),
    lambda: CELLS.GRUCell(3),
    lambda: CELLS.LSTMCell(4, use_peepholes=True, num_proj=3, cell_clip=1.0, proj_clip=0.9),
    lambda: CELLS.MultiRNNCell([CELLS.BasicLSTMCell(3), CELLS.ResidualWrapper(CELLS.GRUCell(3))]),
    lambda: CELLS.LSTMCell(3, state_is_tuple=False),
])  # fmt: skip
def test_known_and_unknown_numbers_of_steps_agree_with_gradients(make) -> None:
    lengths = [2, 4]
    known = tf.constant(X)
    unknown = tf.placeholder_with_default(X, [None, None, 3])
    results = []
    for x in (known, unknown):
        with tf.variable_scope(
            "net", reuse=tf.AUTO_REUSE, initializer=tf.random_uniform_initializer(-0.5, 0.5, seed=1)
        ):
            outputs, state = tf.nn.dynamic_rnn(make(), x, sequence_length=lengths, dtype=tf.float32)
        gradients = tf.gradients(tf.reduce_sum(outputs * outputs), tf.trainable_variables())
        assert None not in gradients
        results.append([outputs, tf.nest.flatten(state), gradients])
    first, second = run(results)
    assert (first[0][0, 2:] == 0).all()
    for one, other in zip(tf.nest.flatten(first), tf.nest.flatten(second), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_gru_formula() -> None:
    cell = CELLS.GRUCell(4)
    state = tf.constant(X[:, 1, :1] * np.ones((2, 4), np.float32))
    _, new = cell(tf.constant(X[:, 0]), state)
    assert names(cell.weights) == [
        "gru_cell/gates/kernel:0", "gru_cell/gates/bias:0", "gru_cell/candidate/kernel:0", "gru_cell/candidate/bias:0",
    ]  # fmt: skip
    h, result, gate_kernel, gate_bias, kernel, bias = run([state, new, *cell.weights])
    assert (gate_bias == 1).all()
    r, u = np.split(sigmoid(np.concatenate([X[:, 0], h], 1) @ gate_kernel + gate_bias), 2, 1)
    candidate = np.tanh(np.concatenate([X[:, 0], r * h], 1) @ kernel + bias)
    np.testing.assert_allclose(result, u * h + (1 - u) * candidate, rtol=1e-5, atol=1e-6)


def test_static_and_dynamic_agree() -> None:
    cell = CELLS.BasicLSTMCell(3)
    steps = tf.unstack(tf.constant(X), axis=1)
    outputs, state = tf.nn.static_rnn(cell, steps, dtype=tf.float32)
    with tf.variable_scope("", reuse=True):
        other, last = tf.nn.dynamic_rnn(CELLS.BasicLSTMCell(3), tf.constant(X), dtype=tf.float32)
    a, b, c, d = run([tf.stack(outputs, 1), other, state, last])
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(c, d, rtol=1e-5, atol=1e-6)


def test_both_directions() -> None:
    lengths = [2, 4]
    (forwards, backwards), (_, last) = tf.nn.bidirectional_dynamic_rnn(
        CELLS.GRUCell(2), CELLS.GRUCell(2), tf.constant(X), sequence_length=lengths, dtype=tf.float32
    )
    assert names(tf.trainable_variables())[::4] == [
        "bidirectional_rnn/fw/gru_cell/gates/kernel:0", "bidirectional_rnn/bw/gru_cell/gates/kernel:0",
    ]  # fmt: skip
    with tf.variable_scope("", reuse=True):
        static, *_ = tf.nn.static_bidirectional_rnn(
            CELLS.GRUCell(2), CELLS.GRUCell(2), tf.unstack(tf.constant(X), axis=1), sequence_length=lengths,
            dtype=tf.float32,
        )  # fmt: skip
    f, b, state, both = run([forwards, backwards, last, tf.stack(static, 1)])
    np.testing.assert_allclose(np.concatenate([f, b], 2), both, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(b[:, 0], state, rtol=1e-6)
    assert (b[0, 2:] == 0).all()


def test_raw_rnn_stops_each_sequence_by_itself() -> None:
    cell = CELLS.BasicRNNCell(3)
    source = tf.TensorArray(tf.float32, size=4).unstack(tf.transpose(tf.constant(X), [1, 0, 2]))

    def loop(time, output, state, loop_state):
        finished = time >= tf.constant([2, 4])
        following = cell.zero_state(2, tf.float32) if output is None else state
        inputs = tf.cond(tf.reduce_all(finished), lambda: tf.zeros([2, 3]), lambda: source.read(time))
        return finished, inputs, following, output, None

    emitted, last, loop_state = tf.nn.raw_rnn(cell, loop)
    assert loop_state is None
    with tf.variable_scope("rnn", reuse=True):
        outputs, state = tf.nn.static_rnn(
            CELLS.BasicRNNCell(3), tf.unstack(tf.constant(X), axis=1), dtype=tf.float32, sequence_length=[2, 4],
            scope=tf.get_variable_scope(),
        )  # fmt: skip
    a, b, c, d = run([emitted.stack(), tf.stack(outputs), last, state])
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(c, d, rtol=1e-5, atol=1e-6)


def test_dropout_wrapper() -> None:
    x = tf.ones([4, 100])
    plain = CELLS.DropoutWrapper(CELLS.BasicRNNCell(100, activation=lambda y: y * 0 + 1), output_keep_prob=0.5)
    first, second = tf.nn.static_rnn(plain, [x, x], dtype=tf.float32)[0]
    a, b = run([first, second])
    assert set(np.unique(a)) == {0.0, 2.0}
    assert (a != b).any()
    fixed = CELLS.DropoutWrapper(
        CELLS.BasicRNNCell(100, activation=lambda y: y * 0 + 1), output_keep_prob=0.5, variational_recurrent=True,
        dtype=tf.float32,
    )  # fmt: skip
    with tf.variable_scope("fixed"):
        first, second = tf.nn.static_rnn(fixed, [x, x], dtype=tf.float32)[0]
    a, b = run([first, second])
    np.testing.assert_array_equal(a, b)
    assert 0 < (a == 0).mean() < 1


def test_training_lowers_the_loss() -> None:
    outputs, _ = tf.nn.dynamic_rnn(CELLS.BasicLSTMCell(8), tf.constant(X), dtype=tf.float32)
    loss = tf.losses.mean_squared_error([[1.0], [-1.0]], tf.layers.dense(outputs[:, -1], 1))
    train = tf.train.AdamOptimizer(0.05).minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        before = session.run(loss)
        for _ in range(30):
            session.run(train)
        assert session.run(loss) < 0.1 * before


def test_wrong_arguments() -> None:
    cell = CELLS.GRUCell(3)
    with pytest.raises(TypeError, match="is not an RNNCell"):
        tf.nn.dynamic_rnn(3, tf.zeros([2, 3, 3]), dtype=tf.float32)
    with pytest.raises(ValueError, match="argument `dtype` must be specified"):
        tf.nn.dynamic_rnn(cell, tf.zeros([2, 3, 3]))
    with pytest.raises(ValueError, match="sequence_length must be a vector"):
        tf.nn.dynamic_rnn(cell, tf.zeros([2, 3, 3]), sequence_length=[[1, 2]], dtype=tf.float32)
    with pytest.raises(ValueError, match="must not be empty"):
        tf.nn.static_rnn(cell, [], dtype=tf.float32)
    with pytest.raises(ValueError, match="at least one cell"):
        CELLS.MultiRNNCell([])
    with pytest.raises(ValueError, match="must be between 0 and 1"):
        CELLS.DropoutWrapper(cell, 2.0)
    with pytest.raises(ValueError, match="to be known"):
        cell(tf.placeholder(tf.float32, [2, None]), tf.zeros([2, 3]))
