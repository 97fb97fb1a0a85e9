"""Products are taken out of compiled loops, and the loops compute what they did."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.runtime import loop_fission
from tideflow.compat import v1

STEPS, BATCH, SIZE, UNITS = 7, 3, 5, 4


def _normal(*shape: int, seed: int = 0, dtype: Any = np.float32) -> Any:
    return (np.random.default_rng(seed).standard_normal(shape) / 2).astype(dtype)


def _x(dtype: Any = np.float32) -> Any:
    return tf.constant(_normal(STEPS, BATCH, SIZE, dtype=dtype))


def _weights(gates: int = 4, dtype: Any = np.float32) -> Any:
    return tf.constant(_normal(SIZE + UNITS, gates * UNITS, seed=1, dtype=dtype))


def _lstm(x: Any, weights: Any, drop: Callable[[Any], Any] = lambda h: h) -> Any:
    def step(state: Any, row: Any) -> Any:
        h, c = state
        i, j, f, o = tf.split(tf.matmul(tf.concat([row, h], 1), weights), 4, 1)
        c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(j)
        return drop(tf.sigmoid(o) * tf.tanh(c)), c

    zeros = tf.zeros([BATCH, UNITS], x.dtype)
    return tf.scan(step, x, (zeros, zeros))[0]


def _gru(x: Any, weights: Any) -> Any:
    return _gru_of(x, *tf.split(weights, [2 * UNITS, UNITS], 1))


def _gru_of(x: Any, of_gates: Any, of_candidate: Any) -> Any:
    def step(h: Any, row: Any) -> Any:
        r, z = tf.split(tf.sigmoid(tf.matmul(tf.concat([row, h], 1), of_gates)), 2, 1)
        new = tf.tanh(tf.matmul(tf.concat([row, r * h], 1), of_candidate))
        return z * h + (1 - z) * new

    return tf.scan(step, x, tf.zeros([BATCH, UNITS], x.dtype))


def _apart(x: Any, weights: Any) -> Any:
    """Is a cell with two products, the states first, that reads its inputs from the end."""

    def step(h: Any, row: Any) -> Any:
        return tf.tanh(tf.matmul(h, weights[SIZE:]) + tf.matmul(tf.nn.relu(row), weights[:SIZE]))

    return tf.scan(step, x, tf.zeros([BATCH, UNITS], x.dtype), reverse=True)


def _columns(x: Any, weights: Any) -> Any:
    """Is a cell on columns: the weights come first in each product."""

    def step(h: Any, row: Any) -> Any:
        return tf.tanh(tf.matmul(weights, tf.concat([row, h], 1), transpose_a=True, transpose_b=True))

    def turned(h: Any, row: Any) -> Any:
        return tf.transpose(step(h, row))

    return tf.scan(turned, x, tf.zeros([BATCH, UNITS], x.dtype))


def _projected(x: Any, weights: Any) -> Any:
    """Gives products that no later turn reads."""

    def step(state: Any, row: Any) -> Any:
        h, _ = state
        h = tf.tanh(tf.matmul(tf.concat([h, row], 1), weights))
        return h, tf.matmul(h, weights[:UNITS]) * tf.reduce_mean(row)

    return tf.scan(step, x, (tf.zeros([BATCH, UNITS], x.dtype), tf.zeros([BATCH, UNITS], x.dtype)))[1]


def _ended(x: Any, weights: Any) -> Any:
    """Is a cell of sequences that end."""

    def step(state: Any, item: Any) -> Any:
        row, time = item
        new = tf.tanh(tf.matmul(tf.concat([row, state], 1), weights))
        return tf.where((time < tf.constant([2, 7, 4]))[:, None], new, state)

    return tf.scan(step, (x, tf.range(STEPS)), tf.zeros([BATCH, UNITS], x.dtype))


NETWORKS = {
    "lstm": (_lstm, 4), "gru": (_gru, 3), "apart": (_apart, 1), "columns": (_columns, 1),
    "projected": (_projected, 1), "ended": (_ended, 1),
}  # fmt: skip


def _gradients(network: Callable[..., Any], x: Any, weights: Any) -> Any:
    with tf.GradientTape() as tape:
        tape.watch([x, weights])
        total = tf.reduce_sum(network(x, weights) ** 2)
    return [total, *tape.gradient(total, [x, weights])]


def _both_tiers(function: Callable[..., Any], *arguments: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found = []
    for tier in ("host", "xla"):
        monkeypatch.setenv("TIDEFLOW_TIER", tier)
        found.append([np.asarray(item) for item in tf.nest.flatten(tf.function(function)(*arguments))])
    return found


@pytest.mark.parametrize(("name", "dtype"), [*((name, np.float32) for name in NETWORKS), ("lstm", np.float64)])
def test_values_and_gradients_are_those_of_the_loop(name: str, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    network, gates = NETWORKS[name]
    x, weights = _x(dtype), _weights(gates, dtype)
    host, compiled = _both_tiers(lambda a, b: _gradients(network, a, b), x, weights, monkeypatch=monkeypatch)
    for expected, found in zip(host, compiled, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=200 * np.finfo(dtype).eps * np.abs(expected).max())


def test_second_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    def second(x: Any, weights: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([x, weights])
            norm = tf.add_n([tf.reduce_sum(item**2) for item in _gradients(_lstm, x, weights)[1:]])
        return tape.gradient(norm, [x, weights])

    arguments = _x(np.float64), _weights(dtype=np.float64)
    for expected, found in zip(*_both_tiers(second, *arguments, monkeypatch=monkeypatch), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_value_and_gradient_of_what_is_linear_agree_with_dropout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")

    @tf.function
    def loss(scale: Any) -> Any:
        x = tf.nn.dropout(_x(), 0.4) * scale

        def step(h: Any, row: Any) -> Any:
            return tf.nn.dropout(tf.matmul(tf.concat([row, h], 1), _weights(1)), 0.4)

        with tf.GradientTape() as tape:
            tape.watch(scale)
            total = (
                tf.reduce_sum(tf.scan(step, tf.nn.dropout(_x(), 0.4) * scale, tf.zeros([BATCH, UNITS]))) + x[0, 0, 0]
            )
        return total, tape.gradient(total, scale) + x[0, 0, 0] / scale

    for _ in range(3):
        value, gradient = loss(tf.constant(2.0))
        np.testing.assert_allclose(value / 2.0, gradient, rtol=1e-4)


def test_sums_and_products_of_integers_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    def total(x: Any, weights: Any) -> Any:
        def turn(i: Any, sums: Any, kept: Any) -> Any:
            product = tf.matmul(tf.gather(x, i), weights)
            return i + 2, sums + tf.matmul(product, product, transpose_a=True), kept.write(i // 2, product)

        start = (tf.constant(1), tf.ones([2, 2], tf.int32), tf.TensorArray(tf.int32, 3, element_shape=[3, 2]))
        i, sums, kept = tf.while_loop(lambda i, *_: i < STEPS, turn, start)
        return i, sums, kept.stack()

    random = np.random.default_rng(5)
    arguments = [tf.constant(random.integers(-9, 9, shape), tf.int32) for shape in ((STEPS, 3, 4), (4, 2))]
    for expected, found in zip(*_both_tiers(total, *arguments, monkeypatch=monkeypatch), strict=True):
        np.testing.assert_array_equal(found, expected)


def _square(*shape: int, seed: int = 0) -> Any:
    return tf.constant(_normal(*shape, SIZE, SIZE, seed=seed))


def _turns(turn: Callable[..., Any], x: Any, *start: Any) -> Any:
    """Runs a loop whose turns take a counter, a state that only the turn before knows, and what a turn adds to."""

    def whole(i: Any, state: Any, *others: Any) -> Any:
        return i + 1, state - tf.gather(x, i), *turn(i, state, *others)

    loop = tf.while_loop(lambda i, *_: i < STEPS, whole, (tf.constant(0), tf.ones_like(x[0]), *start))
    return [item.stack() if isinstance(item, tf.TensorArray) else item for item in loop]


def _rows_transposed(array: Any, i: Any, product: Any, other: Any) -> Any:
    return array.write(i, tf.transpose(array.read(i)) + product), other


def _rows_turned(array: Any, i: Any, product: Any, other: Any) -> Any:
    row = tf.reshape(array.read(i), [SIZE * SIZE])
    return array.write(i, tf.reshape(row, [SIZE, SIZE]) + product), other + tf.reshape(row[:SIZE], [1, SIZE])


def _rows_read(array: Any, i: Any, product: Any, other: Any) -> Any:
    row = array.read(i)
    return array.write(i, row + product), row


def _rows_added(array: Any, i: Any, product: Any, other: Any) -> Any:
    row = array.read(i) + _square()
    return array.write(i, row), row


@pytest.mark.parametrize("rows", [_rows_transposed, _rows_turned, _rows_read, _rows_added])
def test_rows_that_are_read_for_more_than_their_sum_stay(rows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def function(x: Any, weights: Any) -> Any:
        array = tf.TensorArray(tf.float32, STEPS, clear_after_read=False, element_shape=[SIZE, SIZE]).unstack(x)
        total = tf.zeros([SIZE, SIZE])

        def turn(i: Any, state: Any, array: Any, other: Any, total: Any) -> Any:
            product = tf.matmul(state, weights)
            return *rows(array, i, product, other), total + product

        return _turns(turn, x, array, total, total)

    arguments = _square(STEPS), _square(seed=1)
    for expected, found in zip(*_both_tiers(function, *arguments, monkeypatch=monkeypatch), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_a_quotient_of_integers_is_rounded_in_each_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    def total(x: Any, weights: Any) -> Any:
        def turn(i: Any, state: Any, sums: Any) -> Any:
            return (sums + tf.truncatediv(tf.matmul(state, weights), 7),)

        return _turns(turn, x, tf.zeros([3, 3], tf.int32))

    random = np.random.default_rng(5)
    arguments = [tf.constant(random.integers(-9, 9, shape), tf.int32) for shape in ((STEPS, 3, 3), (3, 3))]
    for expected, found in zip(*_both_tiers(total, *arguments, monkeypatch=monkeypatch), strict=True):
        np.testing.assert_array_equal(found, expected)


_HALF = tf.float16


def _brain(x: Any) -> Any:
    return tf.cast(x, tf.bfloat16)


NARROW: dict[str, tuple[Any, Callable[..., Any]]] = {
    "quotients": (_HALF, lambda h, w: tf.matmul(h, w) / 100),
    "one small matrix": (_HALF, lambda h, w: tf.matmul(h, w * tf.constant(1e-3, _HALF))),
    "wider sums": (tf.float32, lambda h, w: tf.cast(tf.matmul(h, w), tf.float32)),
    "exact sums": (tf.float32, lambda h, w: tf.cast(tf.matmul(_brain(h), _brain(w)), tf.float32)),
    "differences": (_HALF, lambda h, w: tf.matmul(h, w) - tf.matmul(h, w + tf.constant(0.01, _HALF))),
}  # fmt: skip


@pytest.mark.parametrize("name", NARROW)
def test_sums_of_16_bits_stay_in_their_range(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dtype, added = NARROW[name]

    def total(x: Any, weights: Any) -> Any:
        def turn(i: Any, state: Any, sums: Any) -> Any:
            return i + 1, tf.abs(state), sums + added(state, weights)

        start = tf.constant(0), x + tf.zeros_like(x), tf.zeros([2, 2], dtype)
        return tf.cast(tf.while_loop(lambda i, *_: i < 100, turn, start)[2], tf.float32)

    arguments = tf.constant([[1000.0, 900.0], [800.0, 700.0]], _HALF), tf.constant([[0.5, 0.25], [0.5, 0.5]], _HALF)
    (expected,), (found,) = _both_tiers(total, *arguments, monkeypatch=monkeypatch)
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(found, expected, rtol=0.02 if dtype == _HALF else 1e-6)


def test_the_effects_of_a_condition_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    count = tf.Variable(0)

    def function(x: Any, weights: Any) -> Any:
        count.assign(0)

        def goes_on(i: Any, total: Any) -> Any:
            with tf.control_dependencies([count.assign_add(1)]):
                return tf.less(i, STEPS)

        def turn(i: Any, total: Any) -> Any:
            return i + 1, total + tf.matmul(tf.gather(x, i), weights)

        ends = tf.while_loop(goes_on, turn, (tf.constant(0), tf.zeros([SIZE, SIZE])))
        with tf.control_dependencies(ends):
            return count.read_value()

    host, compiled = _both_tiers(function, _square(STEPS), _square(), monkeypatch=monkeypatch)
    assert host == compiled == [STEPS + 1]


@pytest.mark.parametrize(
    ("dtype", "first", "change"),
    [
        (tf.uint64, 2**63 + 1, 3), (tf.uint64, 50, 2**64 - 3), (tf.int64, 2**62, 2**62), (tf.int64, -5, -(2**59)),
        (tf.uint8, 250, 255), (tf.int8, 125, 1), (tf.int32, 2**30, 2**20),
    ],
)  # fmt: skip
def test_counters_of_every_integer_dtype_count(
    dtype: Any, first: int, change: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def function(x: Any, weights: Any) -> Any:
        def turn(i: Any, state: Any, up: Any, down: Any, seen: Any, total: Any) -> Any:
            by = tf.constant(change, dtype)
            return up + by, down - by, seen + tf.bitwise.bitwise_xor(up, down), total + tf.matmul(state, weights)

        begin = tf.constant(first, dtype)
        return _turns(turn, x, begin, begin, tf.constant(0, dtype), tf.zeros([SIZE, SIZE]))[2:5]

    arguments = _square(STEPS), _square(seed=1)
    for expected, found in zip(*_both_tiers(function, *arguments, monkeypatch=monkeypatch), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_loop_of_very_many_turns_is_not_looked_at() -> None:
    def turn(*_: Any) -> Any:
        pytest.fail("A turn is traced.")

    assert loop_fission.run(turn, [], [], 1 << 30) is None


def test_a_long_way_from_a_product_to_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    def function(x: Any, weights: Any) -> Any:
        def turn(i: Any, state: Any, array: Any) -> Any:
            row = tf.matmul(state, weights)
            for _ in range(300):  # each doubles the ways to the product
                row = tf.sin(row) * row
            return (array.write(i, row),)

        return _turns(turn, x, tf.TensorArray(tf.float32, STEPS, element_shape=[SIZE, SIZE]))

    arguments = _square(STEPS), _square(seed=1)
    for expected, found in zip(*_both_tiers(function, *arguments, monkeypatch=monkeypatch), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def _of_one_hots(x: Any, weights: Any) -> Any:
    def step(state: Any, i: Any) -> Any:
        return tf.tanh(tf.matmul(tf.one_hot([i], 1000), weights) + state)

    return tf.scan(step, tf.range(STEPS) + tf.cast(x[0, 0, 0], tf.int32), tf.zeros([1, UNITS]))


def _of_logits(x: Any, weights: Any) -> Any:
    def step(states: Any, row: Any) -> Any:
        state, total = states
        logits = tf.matmul(state, weights, transpose_b=True)
        return tf.tanh(state * 2 + tf.reduce_sum(row)), total + tf.reduce_sum(tf.nn.log_softmax(logits))

    return tf.foldl(step, x, (tf.zeros([1, UNITS]), tf.zeros([])))[1]


@pytest.mark.parametrize("network", [_of_one_hots, _of_logits])
def test_what_is_too_large_is_not_kept_for_all_turns(network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tf.constant(_normal(1000, UNITS))

    def sizes() -> Any:
        function = tf.function(network, jit_compile=True)
        hlo = function.experimental_get_compiler_ir(_x(), weights)(stage="hlo")
        return re.findall(rf"f32\[{STEPS},(?:1,)?1000\]", str(hlo))

    assert sizes()
    monkeypatch.setattr(loop_fission, "_MOST_BYTES", STEPS * 1000)
    assert not sizes()


def test_the_sum_of_products_with_one_matrix_is_one_product_of_a_sum() -> None:
    def total(x: Any, weights: Any) -> Any:
        return _turns(lambda i, state, sums: (sums + tf.matmul(state, weights),), x, tf.zeros([2, SIZE]))

    x = tf.constant(_normal(STEPS, 2, SIZE))
    hlo = tf.function(total, jit_compile=True).experimental_get_compiler_ir(x, _square())(stage="hlo")
    assert re.search(rf"f32\[2,{SIZE}\]\S* dot\(", str(hlo))
    assert not re.search(rf"f32\[{STEPS},{SIZE},{SIZE}\]", str(hlo))


def test_what_a_turn_rejects_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")

    @tf.function
    def picked(x: Any, weights: Any, rows: Any) -> Any:
        def step(h: Any, item: Any) -> Any:
            row, index = item
            return tf.tanh(tf.matmul(tf.concat([row, h], 1), weights)) + tf.gather(weights, index)[0]

        return tf.scan(step, (x, rows), tf.zeros([BATCH, UNITS]))

    rows = np.arange(STEPS)
    picked(_x(), _weights(1), tf.constant(rows))
    rows[3] = 99
    with pytest.raises(tf.errors.InvalidArgumentError, match="not all in"):
        picked(_x(), _weights(1), tf.constant(rows))


def test_a_loop_stays_whole_if_a_step_cannot_be_done_for_all_turns_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = []

    def refuses(self: Any, step: Any) -> Any:
        refused.append(step.name)
        raise NotImplementedError

    monkeypatch.setattr("tideflow._src.runtime.loop_fission._Fission._mapped", refuses)
    host, compiled = _both_tiers(_apart, _x(), _weights(1), monkeypatch=monkeypatch)
    np.testing.assert_allclose(compiled[0], host[0], rtol=1e-5, atol=1e-6)
    assert refused


def _hlo(network: Callable[..., Any], *weights: Any) -> str:
    def gradients(x: Any, *weights: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(weights)
            total = tf.reduce_sum(network(x, *weights) ** 2)
        return tape.gradient(total, weights)

    function = tf.function(gradients, jit_compile=True)
    return str(function.experimental_get_compiler_ir(_x(), *weights)(stage="optimized_hlo"))


def _loop_bodies(hlo: str) -> list[str]:
    """Returns the texts of the loops' bodies, with the computations that they call."""
    parts = {part.split(" ", 1)[0].lstrip("%"): part for part in re.split(r"\n\n+", hlo)}
    found = []
    for name in re.findall(r"body=%?([\w.\-]+)", hlo):
        text, pending, seen = "", [name], set()
        while pending:
            part = pending.pop()
            if part not in seen and part in parts:
                seen.add(part)
                text += parts[part]
                pending += re.findall(r"(?:calls|to_apply)=%?([\w.\-]+)", parts[part])
        found.append(text)
    return found


@pytest.mark.parametrize(("network", "gates"), [(_lstm, (4,)), (_gru_of, (2, 1))])
def test_the_loops_of_cells_hold_the_products_of_their_states_alone(
    network: Callable[..., Any], gates: tuple[int, ...]
) -> None:
    hlo = _hlo(network, *map(_weights, gates))
    bodies = _loop_bodies(hlo)
    assert len(bodies) == 2
    for text in bodies:
        products = re.findall(r"= (f32\[[\d,]*\])\S* dot\(", text)
        assert len(products) == len(gates)
        assert set(products) <= {f"f32[{BATCH},{count * UNITS}]" for count in (1, *gates)}
        assert not re.search(rf"f32\[{STEPS},[\d,]*\]\S* copy\(", text), "an array of all turns is copied in each"
    for count in gates:
        assert re.search(rf"f32\[{STEPS * BATCH},{count * UNITS}\]\S* dot\(", hlo), "inputs are multiplied at once"
        assert re.search(rf"f32\[{SIZE + UNITS},{count * UNITS}\]\S* dot\(", hlo), "gradients are one product"


def test_the_cell_of_1x_computes_the_same_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for tier in ("host", "xla"):
        monkeypatch.setenv("TIDEFLOW_TIER", tier)
        with v1.Graph().as_default():
            v1.set_random_seed(3)
            x = v1.placeholder(tf.float32, [STEPS, BATCH, SIZE])
            cell = v1.nn.rnn_cell.LSTMCell(UNITS, use_peepholes=True, num_proj=3)
            outputs, state = v1.nn.dynamic_rnn(cell, x, [2, 7, 4], dtype=tf.float32, time_major=True)
            total = tf.reduce_sum(outputs**2) + tf.reduce_sum(state.c)
            gradients = v1.gradients(total, [x, *v1.trainable_variables()])
            with v1.Session() as session:
                session.run(v1.global_variables_initializer())
                found.append(session.run([total, *gradients], {x: _normal(STEPS, BATCH, SIZE)}))
    for expected, other in zip(*found, strict=True):
        np.testing.assert_allclose(other, expected, rtol=1e-4, atol=1e-5)
