"""AND, OR and XNOR networks: first with the weights a lecture writes down, then learned.

    python -m tideflow --v1 examples/logic_gates.py

One sigmoid unit draws one line through the plane, enough for AND and OR. XNOR needs a hidden layer.
"""

import numpy as np
import tensorflow as tf

inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
x = tf.placeholder(tf.float32, shape=(None, 2), name="x")


def neuron(inputs, bias, *weights):
    """Returns sigmoid(bias + weights . inputs) for each row of inputs, as a column."""
    return tf.sigmoid(tf.matmul(inputs, tf.reshape(tf.constant(weights), [-1, 1])) + bias)


both = neuron(x, -30.0, 20.0, 20.0)
either = neuron(x, -10.0, 20.0, 20.0)
neither = neuron(x, 10.0, -20.0, -20.0)
xnor = neuron(tf.concat([both, neither], axis=1), -10.0, 20.0, 20.0)


def dense(inputs, units, name, seed):
    """Adds a layer of sigmoid units with weights to be learned; returns its logits."""
    with tf.variable_scope(name):
        width = int(inputs.get_shape()[1])
        W = tf.get_variable("W", (width, units), initializer=tf.random_normal_initializer(seed=seed))
        b = tf.get_variable("b", (units,), initializer=tf.constant_initializer(0.0))
    return tf.matmul(inputs, W) + b


gates = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "XNOR": [1, 0, 0, 1]}
outputs, losses = {}, []
for i, (gate, table) in enumerate(gates.items()):
    with tf.variable_scope(gate):
        layer = x
        if gate == "XNOR":
            layer = tf.sigmoid(dense(layer, 4, "hidden", seed=10 + i))
        logits = dense(layer, 1, "output", seed=20 + i)
    labels = tf.constant(table, dtype=tf.float32, shape=(4, 1))
    losses.append(tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)))
    outputs[gate] = tf.sigmoid(logits)
loss = tf.add_n(losses)
train = tf.train.AdamOptimizer(0.1).minimize(loss)


def show(title, values):
    """Prints one truth table and the network's outputs beside it."""
    print(title)
    for (x1, x2), value in zip(inputs, values[:, 0], strict=True):
        print("  %d %d -> %d  (%.4f)" % (x1, x2, value > 0.5, value))


with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for title, gate in [
        ("AND, written down", both),
        ("OR, written down", either),
        ("XNOR, written down", xnor),
    ]:
        show(title, sess.run(gate, {x: inputs}))
    for step in range(1, 601):
        _, loss_value = sess.run([train, loss], {x: inputs})
        if step % 200 == 0:
            print("step %d: loss %.4f" % (step, loss_value))
    for gate, values in sess.run(outputs, {x: inputs}).items():
        show(gate + ", learned", values)
        assert [int(value > 0.5) for value in values[:, 0]] == gates[gate]
