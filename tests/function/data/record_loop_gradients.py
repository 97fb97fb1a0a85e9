"""Records loops of TensorFlow 1.x and the gradients that TensorFlow computes through them, as test data.

Run it with a Python that has TensorFlow: ``python record_loop_gradients.py``. ``loop_gradients.npz`` holds for each
loop its graph, names and values, under ``<loop>/graph``, ``<loop>/y``, ``<loop>/xs``, ``<loop>/init``,
``<loop>/<run>/feed/<tensor>``, and ``<loop>/<run>/y``, ``<loop>/<run>/gradient/<number>`` (of ``y``) and
``<loop>/<run>/square/<number>`` (of its square).
"""

from __future__ import annotations

import os

import numpy as np
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
v1 = tf.compat.v1
v1.disable_control_flow_v2()
v1.disable_eager_execution()

cases = {}


def case(function):
    cases[function.__name__] = function
    return function


@case
def simple():
    x = v1.placeholder(tf.float64, [3], name="x")
    n = v1.placeholder(tf.int32, [], name="n")
    _, y = tf.while_loop(lambda i, a: i < n, lambda i, a: (i + 1, tf.sin(a) * x), [0, x])
    return y, [x], [{"x:0": [1.0, 2.0, 0.5], "n:0": k} for k in (0, 1, 5)]


@case
def nested():
    x = v1.placeholder(tf.float64, [], name="x")
    n = v1.placeholder(tf.int32, [], name="n")
    w = tf.constant(1.1, tf.float64) * x

    def body(i, a):
        _, b = tf.while_loop(lambda j, b: j < i, lambda j, b: (j + 1, b * w + tf.cast(i, tf.float64)), [0, a])
        return i + 1, tf.tanh(b)

    _, y = tf.while_loop(lambda i, a: i < n, body, [0, x])
    return y, [x, w], [{"x:0": 0.3, "n:0": k} for k in (0, 1, 4)]


@case
def array():
    x = v1.placeholder(tf.float64, [4, 2], name="x")
    ta = tf.TensorArray(tf.float64, 4).unstack(x)
    out = tf.TensorArray(tf.float64, 4)

    def body(i, s, o):
        s = s * ta.read(i) + 1.0
        return i + 1, s, o.write(i, s * s)

    _, s, o = tf.while_loop(lambda i, *_: i < 4, body, [0, tf.ones([2], tf.float64), out])
    y = o.stack() * tf.reshape(tf.range(8.0, dtype=tf.float64), [4, 2]) + s
    return y, [x], [{"x:0": np.arange(8.0).reshape(4, 2) / 5}]


@case
def conds():
    x = v1.placeholder(tf.float64, [], name="x")
    n = v1.placeholder(tf.int32, [], name="n")
    z = x * 2.0

    def body(i, a, c):
        def t():
            b = a * z
            return tf.cond(a > 2.0, lambda: b + 1.0, lambda: tf.sin(b)), c + 1.0

        def f():
            return tf.exp(-a), c * a

        a2, c2 = v1.cond(tf.equal(i % 2, 0), t, f)
        a3 = v1.cond(tf.equal(i % 2, 0), lambda: a2 * c2, lambda: a2)
        return i + 1, a3, c2

    _, y, c = tf.while_loop(lambda i, *_: i < n, body, [0, x, x])
    return y + c, [x, z], [{"x:0": v, "n:0": k} for k in (0, 1, 4, 5) for v in (0.4, 1.7)]


@case
def loop_in_cond_in_loop():
    x = v1.placeholder(tf.float64, [2], name="x")
    n = v1.placeholder(tf.int32, [], name="n")

    def body(i, a):
        def t():
            return tf.while_loop(lambda j, b: j < 3, lambda j, b: (j + 1, b * tf.cos(x)), [0, a])[1]

        return i + 1, v1.cond(tf.reduce_sum(a) > 0.0, t, lambda: a + x)

    _, y = tf.while_loop(lambda i, a: i < n, body, [0, x])
    return y, [x], [{"x:0": v, "n:0": k} for k in (0, 1, 4, 5) for v in ([0.4, 0.2], [-1.0, 0.2])]


@case
def loop_in_root_cond():
    x = v1.placeholder(tf.float64, [], name="x")
    p = v1.placeholder(tf.bool, [], name="p")
    y = v1.cond(
        p, lambda: tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * a + x), [0, x])[1], lambda: x * 3.0
    )
    return y * y, [x], [{"x:0": 0.5, "p:0": b} for b in (True, False)]


@case
def growing():
    x = v1.placeholder(tf.float64, [1], name="x")
    _, y = tf.while_loop(
        lambda i, a: i < 4,
        lambda i, a: (i + 1, tf.concat([a, a[-1:] * x], 0)),
        [0, x],
        shape_invariants=[tf.TensorShape([]), tf.TensorShape([None])],
    )
    return y, [x], [{"x:0": [0.7]}]


@case
def two_loops_parallel():
    x = v1.placeholder(tf.float64, [2], name="x")
    _, y = tf.while_loop(lambda i, a: i < 4, lambda i, a: (i + 1, a * x), [0, x], parallel_iterations=1)
    _, z = tf.while_loop(lambda a, b: tf.reduce_sum(b) < 20.0, lambda a, b: (b, a + b), [y, x], parallel_iterations=3)
    return z, [x, y], [{"x:0": [0.7, 1.1]}]


@case
def mapfn():
    x = v1.placeholder(tf.float64, [3, 2], name="x")
    y = tf.map_fn(lambda r: tf.reduce_sum(r) * r, x)
    s = tf.scan(lambda a, r: a * r, y)
    return s, [x], [{"x:0": np.arange(6.0).reshape(3, 2) / 4 + 0.3}]


@case
def rnn():
    x = v1.placeholder(tf.float64, [2, 4, 3], name="x")
    w = v1.placeholder(tf.float64, [5, 2], name="w")
    ta = tf.TensorArray(tf.float64, 4).unstack(tf.transpose(x, [1, 0, 2]))
    lens = tf.constant([4, 2])

    def body(t, h, o):
        xt = ta.read(t)
        nh = tf.tanh(tf.matmul(tf.concat([xt, h], 1), w))
        nh = tf.where((t < lens)[:, None] & tf.ones([1, 2], tf.bool), nh, h)
        return t + 1, nh, o.write(t, nh)

    _, h, o = tf.while_loop(
        lambda t, *_: t < 4, body, [0, tf.zeros([2, 2], tf.float64), tf.TensorArray(tf.float64, 4)], swap_memory=True
    )
    return (
        tf.reduce_sum(o.stack()) + tf.reduce_sum(h * h),
        [x, w],
        [{"x:0": np.random.RandomState(0).randn(2, 4, 3), "w:0": np.random.RandomState(1).randn(5, 2)}],
    )


@case
def variables():
    v = v1.get_variable("v", [2], initializer=v1.constant_initializer([0.5, 1.5]), dtype=tf.float64, use_resource=False)
    r = v1.get_variable(
        "r", [2], initializer=v1.constant_initializer([0.25, -1.0]), dtype=tf.float64, use_resource=True
    )
    x = v1.placeholder(tf.float64, [2], name="x")
    _, y = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * v + r * x), [0, x])
    return y, [x, v, r], [{"x:0": [1.0, 2.0]}]


@case
def accumulate_only_cond():
    x = v1.placeholder(tf.float64, [], name="x")

    def body(i, a):
        c = v1.case([(a < 1.0, lambda: a * 3.0), (a < 5.0, lambda: a + x)], default=lambda: a * x, exclusive=False)
        return i + 1, c

    _, y = tf.while_loop(lambda i, a: i < 5, body, [0, x])
    return y, [x], [{"x:0": v} for v in (0.2, 1.5, 3.0)]


@case
def array_in_cond():
    x = v1.placeholder(tf.float64, [4, 2], name="x")
    ta = tf.TensorArray(tf.float64, 4).unstack(x)
    out = tf.TensorArray(tf.float64, 4)

    def b2(i, s, fl):
        o = tf.TensorArray(tf.float64, handle=out.handle, flow=fl)
        s = s * v1.cond(i < 2, lambda: ta.read(i) * 2.0, lambda: ta.read(i) + s)
        return i + 1, s, v1.cond(i < 3, lambda: o.write(i, s * s).flow, lambda: o.write(i, s).flow)

    _, s, fl = tf.while_loop(lambda i, *_: i < 4, b2, [0, tf.ones([2], tf.float64), out.flow])
    y = (
        tf.TensorArray(tf.float64, handle=out.handle, flow=fl).stack()
        * tf.reshape(tf.range(8.0, dtype=tf.float64), [4, 2])
        + s
    )
    return y, [x], [{"x:0": np.arange(8.0).reshape(4, 2) / 5}]


@case
def effects():
    v = v1.get_variable("v", [], initializer=v1.constant_initializer(0.5), dtype=tf.float64, use_resource=True)
    x = v1.placeholder(tf.float64, [], name="x")

    def body(i, a):
        with tf.control_dependencies([v.assign_add(1.0)]):
            r = v.read_value()
        return i + 1, a * r

    _, y = tf.while_loop(lambda i, a: i < 3, body, [0, x])
    return y, [x], [{"x:0": 2.0}, {"x:0": 3.0}]


def main():
    recorded = {}
    for name, build in cases.items():
        with v1.Graph().as_default() as graph:
            y, xs, runs = build()
            init = v1.global_variables_initializer()
            definition = graph.as_graph_def()
            del definition.library.function[:]
            recorded[f"{name}/graph"] = np.frombuffer(definition.SerializeToString(), np.uint8)
            recorded[f"{name}/y"] = np.array(y.name)
            recorded[f"{name}/init"] = np.array(init.name)
            recorded[f"{name}/xs"] = np.array([x.handle.name if hasattr(x, "handle") else x.name for x in xs])
            gradients, squares = v1.gradients(y, xs), v1.gradients(y * y, xs)
            for number, feeds in enumerate(runs):
                with v1.Session() as session:
                    session.run(init)
                    values = session.run([y, gradients, squares], feeds)
                for key, value in feeds.items():
                    dtype = graph.get_tensor_by_name(key).dtype.as_numpy_dtype
                    recorded[f"{name}/{number}/feed/{key}"] = np.asarray(value, dtype)
                recorded[f"{name}/{number}/y"] = values[0]
                for kind, found in zip(("gradient", "square"), values[1:], strict=True):
                    for place, value in enumerate(found):
                        recorded[f"{name}/{number}/{kind}/{place}"] = value
    np.savez_compressed(os.path.join(HERE, "loop_gradients.npz"), **recorded)


if __name__ == "__main__":
    main()
