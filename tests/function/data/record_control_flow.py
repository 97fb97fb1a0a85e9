"""Records graphs with TensorFlow 1.x control flow, and what TensorFlow computes with them, as test data.

Run it with a Python that has TensorFlow: ``python record_control_flow.py``. Each graph is written as a serialized
``GraphDef``; ``control_flow.npz`` holds the feeds and the expected values, under ``<graph>/<run>/feed/<tensor>`` and
``<graph>/<run>/fetch/<tensor>``.
"""

from __future__ import annotations

import os

import numpy as np
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
v1 = tf.compat.v1
v1.disable_control_flow_v2()
v1.disable_eager_execution()
v1.disable_resource_variables()

recorded: dict[str, np.ndarray] = {}


def record(name, build, runs):
    """Builds a graph, runs it and keeps both; ``runs`` are dictionaries of feeds."""
    with v1.Graph().as_default() as graph:
        v1.set_random_seed(1)
        fetches = build()
        init = v1.global_variables_initializer()
        for position, feeds in enumerate(runs):
            with v1.Session() as session:
                session.run(init)
                values = session.run(fetches, {f"{key}:0": value for key, value in feeds.items()})
            for key, value in feeds.items():
                recorded[f"{name}/{position}/feed/{key}:0"] = np.asarray(value)
            for tensor, value in zip(fetches, values, strict=True):
                recorded[f"{name}/{position}/fetch/{tensor.name}"] = np.asarray(value)
        recorded[f"{name}/init"] = np.asarray(init.name)
        with open(os.path.join(HERE, f"{name}.pb"), "wb") as file:
            definition = graph.as_graph_def()
            del definition.library.function[:]
            file.write(definition.SerializeToString())


def f(*shape):
    return np.random.RandomState(sum(shape) + 1).randn(*shape).astype(np.float32)


def cond():
    x = v1.placeholder(tf.float32, [None, 2], "x")
    p = v1.placeholder(tf.bool, [], "p")
    y = v1.cond(p, lambda: tf.exp(x) * 2.0, lambda: tf.concat([x, x], 0) - tf.constant(1.0))
    a, b = v1.cond(p, lambda: (x[0, 0], tf.constant(3)), lambda: (tf.reduce_sum(x), tf.constant(4)))
    return [y, a, b, v1.gradients(tf.reduce_sum(y * y) + a, x)[0]]


def nested_cond():
    x = v1.placeholder(tf.float32, [], "x")

    def inner():
        return v1.cond(x > 2.0, lambda: x * x * x, lambda: -x)

    y = v1.cond(x > 0.0, inner, lambda: v1.cond(x < -2.0, lambda: tf.constant(7.0), lambda: tf.sin(x)))
    return [y, v1.gradients(y, x)[0]]


def loop():
    n = v1.placeholder(tf.int32, [], "n")
    x = v1.placeholder(tf.float32, [3], "x")
    w = v1.get_variable("w", initializer=tf.constant(f(3)))
    i, y = v1.while_loop(lambda i, y: i < n, lambda i, y: (i + 1, tf.tanh(y * w) + x), [tf.constant(0), x])
    gradients = v1.gradients(tf.reduce_sum(y * y), [x, w])
    return [i, y, *gradients]


def nested_loop():
    n = v1.placeholder(tf.int32, [], "n")
    x = v1.placeholder(tf.float32, [2], "x")

    def body(i, y):
        _, inner = v1.while_loop(lambda j, z: j < i, lambda j, z: (j + 1, tf.sin(z) + y), [tf.constant(0), y])
        return i + 1, inner * 0.5

    i, y = v1.while_loop(lambda i, y: i < n, body, [tf.constant(0), x])
    return [i, y, v1.gradients(tf.reduce_sum(y), x)[0]]


def cond_in_loop():
    n = v1.placeholder(tf.int32, [], "n")
    x = v1.placeholder(tf.float32, [2], "x")

    def body(i, y):
        y = v1.cond(tf.equal(i % 2, 0), lambda: y * x, lambda: tf.cos(y) + tf.constant(1.0))
        return i + 1, y

    i, y = v1.while_loop(lambda i, y: i < n, body, [tf.constant(0), x])
    return [i, y, v1.gradients(tf.reduce_sum(y), x)[0]]


def loop_in_cond():
    p = v1.placeholder(tf.bool, [], "p")
    x = v1.placeholder(tf.float32, [2], "x")

    def run():
        return v1.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * y), [tf.constant(0), x])[1]

    y = v1.cond(p, run, lambda: x + 1.0)
    return [y, v1.gradients(tf.reduce_sum(y), x)[0]]


def tensor_array():
    x = v1.placeholder(tf.float32, [None, 2], "x")
    n = tf.shape(x)[0]
    source = tf.TensorArray(tf.float32, n).unstack(x)
    target = tf.TensorArray(tf.float32, n)
    _, total, target = v1.while_loop(
        lambda i, s, t: i < n,
        lambda i, s, t: (i + 1, s + source.read(i), t.write(i, tf.exp(s))),
        [tf.constant(0), tf.zeros([2]), target],
    )
    y = target.stack()
    parts = tf.TensorArray(tf.float32, 2, infer_shape=False).split(x, [1, n - 1])
    joined = parts.concat()
    some = tf.TensorArray(tf.float32, n, clear_after_read=False).scatter([1, 0], x[:2]).gather([0, 0])
    loss = tf.reduce_sum(y * y) + tf.reduce_sum(joined * joined * joined) + tf.reduce_sum(some * some)
    return [y, total, joined, some, v1.gradients(loss, x)[0]]


class Cell:
    """Is the least that ``dynamic_rnn`` takes for a cell."""

    output_size = state_size = 5

    def zero_state(self, batch, dtype):
        return tf.zeros([batch, 5], dtype)

    def __call__(self, inputs, state, scope=None):
        kernel = v1.get_variable("kernel", [8, 5], initializer=v1.constant_initializer(f(8, 5)))
        output = tf.tanh(tf.matmul(tf.concat([inputs, state], 1), kernel))
        return output, output


def dynamic_rnn():
    x = v1.placeholder(tf.float32, [2, 4, 3], "x")
    with v1.variable_scope("rnn"):
        outputs, state = v1.nn.dynamic_rnn(Cell(), x, sequence_length=tf.constant([4, 2]), dtype=tf.float32)
    loss = tf.reduce_sum(outputs * outputs)
    return [outputs, state, *v1.gradients(loss, [x, *v1.trainable_variables()])]


def assign_in_branch():
    p = v1.placeholder(tf.bool, [], "p")
    v = v1.get_variable("v", initializer=tf.constant(1.0))
    done = v1.cond(p, lambda: v1.assign_add(v, 10.0), lambda: v1.assign_sub(v, 1.0))
    with tf.control_dependencies([done]):
        return [tf.identity(done), tf.identity(v.read_value() if hasattr(v, "read_value") else v)]


def written_in_loops():
    """Loops and branches that read the variables that they write, or that are written before."""
    p = v1.placeholder_with_default(True, [], "p")
    u, v, w, x = (v1.get_variable(name, initializer=tf.constant(0.0)) for name in "uvwx")

    def after(op, result):
        with tf.control_dependencies([op]):
            return result()

    def add_and_total(i, total):
        total = after(v1.assign_add(v, 1.0), lambda: total + v)
        return after(total, lambda: (i + 1, total))

    def nested(i):
        small = v1.cond(
            w < 5.0,
            lambda: after(v1.assign_add(w, 2.0), lambda: w + 0.0),
            lambda: v1.assign_add(w, 100.0) + 0.0,
        )
        return after(small, lambda: i + 1)

    return [
        v1.while_loop(lambda i: u < 4.0, lambda i: after(v1.assign_add(u, 1.0), lambda: i + 1), [0]),
        v1.while_loop(lambda i, total: i < 3, add_and_total, [0, 0.0], parallel_iterations=1)[1],
        v1.while_loop(lambda i: w < 50.0, nested, [0]),
        after(v1.assign_add(x, 1.0), lambda: v1.cond(p, lambda: x * 10.0, lambda: x * 100.0)),
    ]


def written_in_branch():
    p = v1.placeholder(tf.bool, [], "p")
    v = v1.get_variable("v", initializer=tf.constant(1.0))

    def write():
        with tf.control_dependencies([v1.assign_add(v, 1.0)]):
            return v * 10.0

    return [v1.cond(p, write, lambda: v * 100.0)]


def main():
    record("cond", cond, [{"x": f(2, 2), "p": True}, {"x": f(3, 2), "p": False}])
    record("nested_cond", nested_cond, [{"x": np.float32(v)} for v in (3.0, 1.0, -1.0, -3.0)])
    record("loop", loop, [{"n": np.int32(n), "x": f(3)} for n in (0, 1, 5, 40)])
    record("nested_loop", nested_loop, [{"n": np.int32(n), "x": f(2)} for n in (0, 1, 4)])
    record("cond_in_loop", cond_in_loop, [{"n": np.int32(n), "x": f(2)} for n in (0, 1, 5)])
    record("loop_in_cond", loop_in_cond, [{"p": p, "x": f(2)} for p in (True, False)])
    record("tensor_array", tensor_array, [{"x": f(4, 2)}, {"x": f(2, 2)}])
    record("assign_in_branch", assign_in_branch, [{"p": True}, {"p": False}])
    record("written_in_branch", written_in_branch, [{"p": True}, {"p": False}])
    record("written_in_loops", written_in_loops, [{"p": True}, {"p": False}])
    record("dynamic_rnn", dynamic_rnn, [{"x": f(2, 4, 3)}])
    np.savez_compressed(os.path.join(HERE, "control_flow.npz"), **recorded)


if __name__ == "__main__":
    main()
