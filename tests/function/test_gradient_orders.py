"""Compares first and second derivatives of nested control flow with those that TensorFlow 2.21 computes."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf

v1 = tf.compat.v1


def loop(x, w):
    return tf.while_loop(lambda i, y: i < 4, lambda i, y: (i + 1, tf.tanh(y @ w) * tf.cast(i + 1, tf.float64)), [0, x])[
        1
    ]


def branch(x, w):
    return tf.cond(tf.reduce_sum(x) > 0.0, lambda: tf.sin(x @ w) * x, lambda: x * w[:2])


def loop_in_branch(x, w):
    return tf.cond(tf.reduce_sum(x) > 0.0, lambda: loop(x, w), lambda: x)


def branch_in_loop(x, w):
    def body(i, y):
        return i + 1, tf.cond(tf.equal(i % 2, 0), lambda: tf.tanh(y @ w), lambda: y * tf.exp(-y * y))

    return tf.while_loop(lambda i, y: i < 4, body, [0, x])[1]


def loop_in_loop(x, w):
    return tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, loop(y, w)), [0, x])[1]


def mapped(x, w):
    return tf.map_fn(lambda row: tf.tanh(tf.linalg.matvec(w, row)) * row, x)


def scanned(x, w):
    return tf.scan(lambda s, row: tf.tanh(tf.linalg.matvec(w, s) + row), x, tf.zeros([3], tf.float64))


def map_in_scan(x, w):
    return tf.scan(lambda s, row: s * tf.reduce_sum(tf.map_fn(lambda t: tf.tanh(t * row), s)), x)


def folded(x, w):
    return tf.foldl(lambda s, row: tf.tanh(tf.linalg.matvec(w, s) + row), x)


def switched(x, w):
    index = tf.cast(tf.reduce_sum(x) > 0.0, tf.int32)
    return tf.switch_case(index, [lambda: x, lambda: branch_in_loop(x, w), lambda: tf.exp(x)])


def array_read_and_written(x, w):
    array = tf.TensorArray(tf.float64, 5, clear_after_read=False).write(0, x[0])

    def body(i, array):
        return i + 1, array.write(i, tf.sin(array.read(i - 1)) * 1.5)

    return tf.while_loop(lambda i, array: i < 5, body, [1, array])[1].stack()


PROGRAMS = [
    loop,
    branch,
    loop_in_branch,
    branch_in_loop,
    loop_in_loop,
    mapped,
    scanned,
    map_in_scan,
    folded,
    switched,
    array_read_and_written,
]


def checksum(value):
    flat = np.asarray(value, "d").ravel()
    return float(np.sum(flat * np.cos(np.arange(flat.size))))


def derivatives(program, x, w):
    y = program(x, w)
    gx, gw = v1.gradients(y * y, [x, w], unconnected_gradients="zero")
    hx, hw = v1.gradients(tf.reduce_sum(gx * gx) + tf.reduce_sum(gw * gw), [x, w], unconnected_gradients="zero")
    return [y, gx, gw, hx, hw]


X = np.array([[0.1, 0.5, -0.3], [0.7, -0.2, 0.4]])
W = np.array([[0.9, -0.2, 0.3], [0.4, 0.6, -0.5], [-0.1, 0.2, 0.7]])

#: Checksums of the value, both gradients, and both gradients of the sum of their squares, by TensorFlow 2.21.
EXPECTED = {
    "loop": [-0.763364439, 29.1009054, 222.866842, 37437.9029, 69361.455],
    "branch": [-0.260213342, -0.590967198, 0.396763491, -5.76817878, 3.8699381],
    "loop_in_branch": [-0.763364439, 29.1009054, 222.866842, 37437.9029, 69361.455],
    "branch_in_loop": [0.365625567, 0.0547717519, -0.109134949, 0.110350941, -1.0996543],
    "loop_in_loop": [-1.26048035, -2.63940293, 129.915905, -105744.023, 9323705.07],
    "mapped": [-0.344564526, -0.539319157, 0.077186288, -4.18664462, 0.961152403],
    "scanned": [-0.15891778, 0.675197955, 0.373235069, 5.84951767, 1.12959626],
    "map_in_scan": [0.363441341, 1.16487946, 0.0, 7.542911, 0.0],
    "folded": [0.575919071, -0.101881963, 0.373953984, 1.67839452, 1.49047148],
    "switched": [0.365625567, 0.0547717519, -0.109134949, 0.110350941, -1.0996543],
    "array_read_and_written": [0.991922541, 19.67689, 0.0, 863.506178, 0.0],
}


def derivatives_by_tapes(function, x, w):
    with tf.GradientTape() as outer:
        outer.watch([x, w])
        with tf.GradientTape() as inner:
            inner.watch([x, w])
            y = function(x, w)
            target = y * y
        gx, gw = inner.gradient(target, [x, w], unconnected_gradients="zero")
        total = tf.reduce_sum(gx * gx) + tf.reduce_sum(gw * gw)
    return [y, gx, gw, *outer.gradient(total, [x, w], unconnected_gradients="zero")]


def check(program, found) -> None:
    checksums = [checksum(value) for value in found]
    np.testing.assert_allclose(checksums, EXPECTED[program.__name__], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("known", [True, False], ids=["static", "dynamic"])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_as_in_tensorflow(program, known, tier) -> None:
    with v1.Graph().as_default(), v1.Session() as session:
        x, w = v1.placeholder(tf.float64, [2 if known else None, 3]), v1.placeholder(tf.float64, [3, 3])
        check(program, session.run(derivatives(program, x, w), {x: X, w: W}))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_tapes_in_a_function(program) -> None:
    both = tf.function(lambda x, w: derivatives_by_tapes(program, x, w))
    check(program, both(tf.constant(X), tf.constant(W)))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_tapes_around_a_function(program) -> None:
    check(program, derivatives_by_tapes(tf.function(program), tf.constant(X), tf.constant(W)))


def test_third_derivative_by_tapes_around_a_function() -> None:
    @tf.function
    def function(x):
        return tf.while_loop(lambda i, y: i < 4, lambda i, y: (i + 1, y * x + tf.sin(y)), [0, x])[1]

    x = tf.constant(0.7, tf.float64)
    with tf.GradientTape() as third:
        third.watch(x)
        with tf.GradientTape() as second:
            second.watch(x)
            with tf.GradientTape() as first:
                first.watch(x)
                y = function(x)
            dy = first.gradient(y, x)
        ddy = second.gradient(dy, x)
    found = [y, dy, ddy, third.gradient(ddy, x)]
    expected = [2.346326812219605, 2.653760587096067, -4.535491319329738, 56.60926051165471]
    np.testing.assert_allclose([float(value) for value in found], expected, rtol=1e-10)


def _stopped_factor(x):
    return tf.stop_gradient(x) * x * x


def _stopped_factor_in_loop(x):
    return tf.while_loop(lambda i, y: i < 2, lambda i, y: (i + 1, tf.stop_gradient(y) * x * y), [0, x])[1]


def _stopped_factor_in_branch(x):
    return tf.cond(x > 0.0, lambda: _stopped_factor(x), lambda: x)


def _stopped_factor_in_function(x):
    return tf.function(_stopped_factor)(x) * x


# By hand: with c = stop_gradient(x), (c x²)'' = 2 c and (c x³)'' = 6 c x; the loop gives c d x³ with c = 1.5, d = 1.5³.
@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (_stopped_factor, 3.0),
        (_stopped_factor_in_branch, 3.0),
        (_stopped_factor_in_function, 13.5),
        (_stopped_factor_in_loop, 6 * 1.5 * 1.5 * 1.5**3),
    ],
    ids=lambda item: getattr(item, "__name__", ""),
)
@pytest.mark.parametrize("compiled", [None, True], ids=["host", "compiled"])
def test_a_stopped_gradient_stays_stopped_in_the_second_derivative(program, expected, compiled) -> None:
    function = tf.function(program, jit_compile=compiled)
    x = tf.constant(1.5)
    with tf.GradientTape() as second:
        second.watch(x)
        with tf.GradientTape() as first:
            first.watch(x)
            y = function(x)
        dy = first.gradient(y, x)
    assert float(second.gradient(dy, x)) == pytest.approx(expected, rel=1e-6)
