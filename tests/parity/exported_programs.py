"""Programs whose frozen graphs other readers get: see `test_readers.py`."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import tideflow as tf2
import tideflow.v1 as tf
from tideflow._src.function.func_graph import build
from tideflow._src.graph.op_def import OpDef
from tideflow._src.io.frozen_functions import convert_variables_to_constants_v2_as_graph


class Program(NamedTuple):
    """Is a frozen graph, from ``x`` to ``y``, or the folder of a SavedModel, with what it gives for each feed."""

    graph_def: Any
    feeds: list[np.ndarray[Any, Any]]
    results: list[np.ndarray[Any, Any]]


_random = np.random.default_rng(7)


def _variable(name: str, *shape: int) -> Any:
    value = (_random.normal(size=shape) * 0.3).astype(np.float32)
    return tf.get_variable(name, initializer=tf.constant(value), use_resource=True)


def _mlp(x: Any) -> Any:
    hidden = tf.nn.relu(tf.matmul(x, _variable("w1", 8, 16)) + _variable("b1", 16))
    return tf.nn.softmax(tf.matmul(hidden, _variable("w2", 16, 4)) + _variable("b2", 4))


def _convolutions(x: Any) -> Any:
    hidden = tf.nn.bias_add(tf.nn.conv2d(x, _variable("k", 3, 3, 3, 8), [1, 2, 2, 1], "SAME"), _variable("b", 8))
    hidden = tf.nn.depthwise_conv2d(tf.nn.relu(hidden), _variable("d", 3, 3, 8, 2), [1, 1, 1, 1], "SAME")
    hidden = tf.nn.max_pool(hidden, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    return tf.matmul(tf.reshape(hidden, [-1, 4 * 4 * 16]), _variable("w", 256, 5))


def _cond(x: Any) -> Any:
    w = _variable("w", 4, 4)
    return tf.cond(tf.reduce_sum(x) > 0.0, lambda: tf.matmul(x, w) + 1.0, lambda: x * 2.0)


def _loop(x: Any) -> Any:
    w = _variable("w", 4, 4)
    return tf.while_loop(lambda i, a: i < 5, lambda i, a: (i + 1, tf.tanh(tf.matmul(a, w)) + x), [0, x])[1]


def _bounded_loop(x: Any) -> Any:
    w = _variable("w", 4, 4)
    return tf.while_loop(
        lambda a: tf.reduce_sum(tf.abs(a)) < 1e6, lambda a: tf.tanh(tf.matmul(a, w)) + x, [x], maximum_iterations=3
    )


def _open_loop(x: Any) -> Any:
    """Takes as many turns as the values ask for."""
    return tf.while_loop(lambda a: tf.reduce_sum(tf.abs(a)) < 100.0, lambda a: a * 1.5 + tf.sin(x), [x])


def _nested_function(x: Any) -> Any:
    w = _variable("w", 4, 4)
    registry: Any = OpDef.registry
    parameters = [(tf.float32, (2, 4), "x"), (tf.float32, (4, 4), "w")]

    def called(name: str, body: Callable[..., Any]) -> Callable[..., Any]:
        function, _ = build(name, body, parameters)

        def call(*inputs: Any) -> Any:
            (result,) = registry["PartitionedCall"](list(inputs), Tout=[tf.float32], f=function)
            result.set_shape([2, 4])
            return result

        return call

    inner = called("inner", lambda x, w: tf.tanh(tf.matmul(x, w)))
    outer = called("outer", lambda x, w: inner(inner(x, w), w) + x)
    return outer(x, tf.identity(w)) * 2.0


def _traced_function(x: Any) -> Any:
    w = _variable("w", 4, 4)

    @tf2.function
    def layer(x: Any) -> Any:
        return tf.tanh(tf.matmul(x, w)) - x

    @tf2.function
    def network(x: Any) -> Any:
        return layer(layer(x)) + x

    return network(x) * 2.0


def _lstm(x: Any) -> Any:
    units, steps = 6, 7
    kernel, bias = _variable("kernel", 4 + units, 4 * units), _variable("bias", 4 * units)
    inputs = tf.TensorArray(tf.float32, steps).unstack(tf.transpose(x, [1, 0, 2]))
    start = tf.zeros([tf.shape(x)[0], units])

    def step(t: Any, c: Any, h: Any, outputs: Any) -> Any:
        gates = tf.matmul(tf.concat([inputs.read(t), h], 1), kernel) + bias
        i, j, f, o = tf.split(gates, 4, 1)
        c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(j)
        h = tf.sigmoid(o) * tf.tanh(c)
        return t + 1, c, h, outputs.write(t, h)

    state = tf.TensorShape([None, units])
    loop = tf.while_loop(
        lambda t, *_: t < steps,
        step,
        [0, start, start, tf.TensorArray(tf.float32, steps)],
        shape_invariants=[tf.TensorShape([]), state, state, tf.TensorShape([])],
    )
    return tf.transpose(loop[3].stack(), [1, 0, 2])


def _dynamic_rnn(x: Any) -> Any:
    outputs, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.BasicLSTMCell(5), x, dtype=tf.float32)
    return outputs


def _map(x: Any) -> Any:
    return tf.map_fn(lambda row: tf.nn.softmax(row) * tf.reduce_max(row), x)


def _switch(x: Any) -> Any:
    w = _variable("w", 4, 4)
    return tf.switch_case(tf.cast(x[0, 0], tf.int32), [lambda: x + 1.0, lambda: tf.matmul(x, w), lambda: x * 3.0])


def _loop_in_branch(x: Any) -> Any:
    w = _variable("w", 4, 4)

    def turns() -> Any:
        return tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, tf.tanh(tf.matmul(a, w))), [0, x])[1]

    return tf.cond(tf.reduce_sum(x) > 0.0, turns, lambda: tf.matmul(x, w))


def _loop_gradient(x: Any) -> Any:
    return tf.gradients(tf.reduce_sum(tf.square(_loop(x))), x)[0]


def _branch_gradient(x: Any) -> Any:
    return tf.gradients(tf.reduce_sum(tf.square(_cond(x))), x)[0]


#: The program, the static shape of ``x``, and the shape of what is fed.
PROGRAMS: dict[str, tuple[Callable[[Any], Any], list[int | None], list[int]]] = {
    "mlp": (_mlp, [None, 8], [3, 8]),
    "convolutions": (_convolutions, [None, 16, 16, 3], [2, 16, 16, 3]),
    "cond": (_cond, [2, 4], [2, 4]),
    "loop": (_loop, [2, 4], [2, 4]),
    "bounded loop": (_bounded_loop, [2, 4], [2, 4]),
    "open loop": (_open_loop, [2, 4], [2, 4]),
    "nested function": (_nested_function, [2, 4], [2, 4]),
    "traced function": (_traced_function, [2, 4], [2, 4]),
    "lstm": (_lstm, [None, 7, 4], [2, 7, 4]),
    "dynamic rnn": (_dynamic_rnn, [2, 6, 4], [2, 6, 4]),
    "map": (_map, [3, 4], [3, 4]),
    "switch": (_switch, [2, 4], [2, 4]),
    "loop in a branch": (_loop_in_branch, [2, 4], [2, 4]),
    "gradient of a loop": (_loop_gradient, [2, 4], [2, 4]),
    "gradient of a branch": (_branch_gradient, [2, 4], [2, 4]),
}


def _values(*shape: int) -> Any:
    return tf2.Variable((_random.normal(size=shape) * 0.3).astype(np.float32))


def _layers() -> Any:
    kernel, bias, scale, weights = _values(3, 3, 3, 8), _values(8), _values(8), _values(128, 5)

    @tf2.function
    def normalized(x: Any) -> Any:
        mean, variance = tf2.nn.moments(x, [0, 1, 2])
        return tf2.nn.batch_normalization(x, mean, variance, bias, scale, 1e-3)

    @tf2.function
    def layer(x: Any) -> Any:
        return tf2.nn.relu(normalized(tf2.nn.conv2d(x, kernel, 2, "SAME")))

    return lambda x: tf2.nn.softmax(tf2.reshape(layer(x), [2, 128]) @ weights)


def _repeated() -> Any:
    weights = _values(4, 4)
    step = tf2.function(lambda x: tf2.tanh(x @ weights))
    return lambda x: tf2.while_loop(lambda i, v: i < 4, lambda i, v: (i + 1, step(v) + x), [0, x])[1]


def _chosen() -> Any:
    weights = _values(4, 4)
    product = tf2.function(lambda x: x @ weights)
    return lambda x: tf2.cond(tf2.reduce_sum(x) > 0.0, lambda: product(x) + 1.0, lambda: product(product(x)))


#: Functions that call others, each with the shape of its argument.
FUNCTIONS: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "function of layers": (_layers, (2, 8, 8, 3)),
    "function with a loop": (_repeated, (3, 4)),
    "function with a branch": (_chosen, (3, 4)),
}


def _export_function(name: str) -> Program:
    make, shape = FUNCTIONS[name]
    feed = _random.normal(size=shape).astype(np.float32)
    feed *= np.sign(feed.sum())
    concrete = tf2.function(make()).get_concrete_function(tf2.TensorSpec(shape, name="x"))
    frozen, message = convert_variables_to_constants_v2_as_graph(concrete)
    results = [frozen(tf2.constant(value))[0].numpy() for value in (feed, -feed)]
    last = message.node.add(name="y", op="Identity", input=[frozen.outputs[0].op.name])
    last.attr["T"].type = 1
    return Program(message.SerializeToString(), [feed, -feed], results)


#: Programs that are saved with their variables.
SAVED = ("mlp", "convolutions")


def save(name: str, folder: pathlib.Path) -> Program:
    """Returns a program as the SavedModel of a session, whose signature takes ``x`` and gives ``y``."""
    function, static, shape = PROGRAMS[name]
    feed = _random.normal(size=shape).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, static, name="x")
        y = function(x)
        session.run(tf.global_variables_initializer())
        results = [session.run(y, {x: value}) for value in (feed, -feed)]
        tf.saved_model.simple_save(session, folder / name, {"x": x}, {"y": y})
    return Program(folder / name, [feed, -feed], results)


def export(name: str) -> Program:
    """Returns a program frozen, with what Tideflow computes for two feeds, one of either sign in the sum."""
    if name in FUNCTIONS:
        return _export_function(name)
    function, static, shape = PROGRAMS[name]
    feed = _random.normal(size=shape).astype(np.float32)
    feed *= np.sign(feed.sum())
    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(tf.float32, static, name="x")
        y = tf.identity(function(x), name="y")
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            results = [session.run(y, {x: value}) for value in (feed, -feed)]
            message = tf.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ["y"])
    return Program(message.SerializeToString(), [feed, -feed], results)
