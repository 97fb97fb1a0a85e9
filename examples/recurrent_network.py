"""A recurrent network reads handwritten digits row by row.

    python -m tideflow --v1 examples/recurrent_network.py

The cell is a gated recurrent unit written out; tf.nn.dynamic_rnn runs it over the eight rows of an image.
"""

import os

import numpy as np
import tensorflow as tf

here = os.path.dirname(os.path.abspath(__file__))
digits = np.load(os.path.join(here, "data", "digits.npz"))
random = np.random.RandomState(0)
order = random.permutation(len(digits["labels"]))
images = digits["images"].reshape(-1, 8, 8)[order].astype(np.float32) / 16.0
labels = digits["labels"][order].astype(np.int64)
train_images, test_images = images[:1437], images[1437:]
train_labels, test_labels = labels[:1437], labels[1437:]
units, n_epochs, batch_size = 48, 20, 32


class GatedCell:
    """A gated recurrent unit: the state is its output."""

    def __init__(self, inputs, units):
        self.state_size = self.output_size = units
        initializer = tf.glorot_uniform_initializer
        self.gates = tf.get_variable("gates", [inputs + units, 2 * units], initializer=initializer(seed=1))
        self.candidate = tf.get_variable("candidate", [inputs + units, units], initializer=initializer(seed=2))
        self.gate_bias = tf.get_variable("gate_bias", [2 * units], initializer=tf.ones_initializer())

    def zero_state(self, batch, dtype):
        return tf.zeros([batch, self.state_size], dtype)

    def __call__(self, inputs, state, scope=None):
        gates = tf.sigmoid(tf.matmul(tf.concat([inputs, state], 1), self.gates) + self.gate_bias)
        reset, update = tf.split(gates, 2, axis=1)
        candidate = tf.tanh(tf.matmul(tf.concat([inputs, reset * state], 1), self.candidate))
        state = update * state + (1.0 - update) * candidate
        return state, state


x = tf.placeholder(tf.float32, [None, 8, 8])
y = tf.placeholder(tf.int64, [None])
_, last = tf.nn.dynamic_rnn(GatedCell(8, units), x, dtype=tf.float32)
W = tf.get_variable("W", [units, 10], initializer=tf.glorot_uniform_initializer(seed=3))
logits = tf.matmul(last, W)
loss = tf.losses.sparse_softmax_cross_entropy(labels=y, logits=logits)
accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), y), tf.float32))
train = tf.train.AdamOptimizer(0.005).minimize(loss)

with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for epoch in range(1, n_epochs + 1):
        shuffled = random.permutation(len(train_labels))
        losses = []
        for start in range(0, len(shuffled), batch_size):
            batch = shuffled[start : start + batch_size]
            losses.append(session.run([train, loss], {x: train_images[batch], y: train_labels[batch]})[1])
        if epoch % 5 == 0:
            print("epoch %2d  mean loss %.3f" % (epoch, np.mean(losses)))
    print("test accuracy: %.3f" % session.run(accuracy, {x: test_images, y: test_labels}))
