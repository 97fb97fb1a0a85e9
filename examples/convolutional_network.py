"""A convolutional network on handwritten digits, in TensorFlow 1.x.

python -m tideflow --v1 examples/convolutional_network.py
"""

import os

import numpy as np
import tensorflow as tf

here = os.path.dirname(os.path.abspath(__file__))
digits = np.load(os.path.join(here, "data", "digits.npz"))
random = np.random.RandomState(0)
order = random.permutation(len(digits["labels"]))
images = digits["images"].reshape(-1, 8, 8, 1)[order] / 16.0
labels = np.eye(10)[digits["labels"][order]]
train_images, test_images = images[:1437], images[1437:]
train_labels, test_labels = labels[:1437], labels[1437:]

n_epochs, batch_size = 10, 32
tf.set_random_seed(0)


def weight_variable(shape, seed):
    """Makes weights with a little noise, to break the symmetry between units."""
    return tf.Variable(tf.truncated_normal(shape, stddev=0.1, seed=seed), name="weights")


def bias_variable(shape):
    """Makes biases that are slightly positive, so that no rectified unit starts dead."""
    return tf.Variable(tf.constant(0.1, shape=shape), name="biases")


def conv2d(x, filters, seed):
    """Convolves 3x3 and rectifies, keeping the size of the image."""
    W = weight_variable([3, 3, int(x.shape[-1]), filters], seed)
    return tf.nn.relu(tf.nn.conv2d(x, W, strides=[1, 1, 1, 1], padding="SAME") + bias_variable([filters]))


def max_pool_2x2(x):
    """Halves height and width."""
    return tf.nn.max_pool(x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")


x = tf.placeholder(tf.float32, shape=[None, 8, 8, 1])
y_ = tf.placeholder(tf.float32, shape=[None, 10])
keep_prob = tf.placeholder(tf.float32)

with tf.name_scope("conv1"):
    h = max_pool_2x2(conv2d(x, 16, seed=1))
with tf.name_scope("conv2"):
    h = max_pool_2x2(conv2d(h, 32, seed=2))
with tf.name_scope("dense"):
    h = tf.reshape(h, [-1, 2 * 2 * 32])
    h = tf.nn.relu(tf.matmul(h, weight_variable([2 * 2 * 32, 64], seed=3)) + bias_variable([64]))
    h = tf.nn.dropout(h, keep_prob, seed=4)
with tf.name_scope("readout"):
    y = tf.matmul(h, weight_variable([64, 10], seed=5)) + bias_variable([10])

cross_entropy = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=y_, logits=y))
train_step = tf.train.AdamOptimizer(3e-3).minimize(cross_entropy)
accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(y, 1), tf.argmax(y_, 1)), tf.float32))

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for epoch in range(1, n_epochs + 1):
        order = random.permutation(len(train_images))
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            train_step.run({x: train_images[batch], y_: train_labels[batch], keep_prob: 0.8})
        if epoch % 2 == 0:
            train_accuracy = accuracy.eval({x: train_images, y_: train_labels, keep_prob: 1.0})
            print("epoch %d: training accuracy %.4f" % (epoch, train_accuracy))
    print("test accuracy: %.4f" % accuracy.eval({x: test_images, y_: test_labels, keep_prob: 1.0}))
