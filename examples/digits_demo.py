"""A small convolutional network of TensorFlow 1.x learns to read handwritten digits, and draws what it learned.

    python -m tideflow --v1 examples/digits_demo.py [picture.png]

This is a plain TensorFlow 1.x program. It prints progress and the test accuracy, and saves one picture: the
curve of the loss, and test digits with what the network takes them for (what it gets wrong, in red, first).
"""

import os
import sys
import time

import matplotlib
import numpy as np
import tensorflow as tf

matplotlib.use("Agg")
import matplotlib.pyplot as plt

picture = sys.argv[1] if len(sys.argv) > 1 else os.path.join("out", "digits_demo.png")
here = os.path.dirname(os.path.abspath(__file__))
digits = np.load(os.path.join(here, "data", "digits.npz"))
random = np.random.RandomState(0)
order = random.permutation(len(digits["labels"]))
images = digits["images"].reshape(-1, 8, 8, 1)[order].astype(np.float32) / 16.0
labels = digits["labels"][order].astype(np.int64)
train_images, test_images = images[:1437], images[1437:]
train_labels, test_labels = labels[:1437], labels[1437:]
n_epochs, batch_size = 12, 32


def layer(name, inputs, shape, seed):
    """Adds a convolution (if the weights have four dimensions) or a dense layer, without activation."""
    with tf.variable_scope(name):
        W = tf.get_variable("W", shape, initializer=tf.glorot_uniform_initializer(seed=seed))
        b = tf.get_variable("b", shape[-1:], initializer=tf.zeros_initializer())
    if len(shape) == 4:
        return tf.nn.bias_add(tf.nn.conv2d(inputs, W, strides=[1, 1, 1, 1], padding="SAME"), b)
    return tf.matmul(inputs, W) + b


tf.set_random_seed(1)
x = tf.placeholder(tf.float32, [None, 8, 8, 1], name="images")
y = tf.placeholder(tf.int64, [None], name="labels")
keep_prob = tf.placeholder_with_default(1.0, [], name="keep_prob")

h = tf.nn.relu(layer("conv1", x, [3, 3, 1, 16], seed=1))
h = tf.nn.relu(layer("conv2", h, [3, 3, 16, 32], seed=2))
h = tf.nn.max_pool(h, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
h = tf.nn.relu(layer("dense", tf.reshape(h, [-1, 4 * 4 * 32]), [4 * 4 * 32, 64], seed=3))
logits = layer("logits", tf.nn.dropout(h, keep_prob, seed=4), [64, 10], seed=5)

loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
prediction = tf.argmax(logits, axis=1)
accuracy = tf.reduce_mean(tf.cast(tf.equal(prediction, y), tf.float32))
global_step = tf.train.get_or_create_global_step()
rate = tf.train.exponential_decay(0.003, global_step, decay_steps=180, decay_rate=0.7)
train = tf.train.AdamOptimizer(rate).minimize(loss, global_step=global_step)

losses = []
start = time.time()
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for epoch in range(1, n_epochs + 1):
        shuffled = random.permutation(len(train_images))
        for first in range(0, len(shuffled), batch_size):
            batch = shuffled[first : first + batch_size]
            feed = {x: train_images[batch], y: train_labels[batch], keep_prob: 0.7}
            _, loss_value = sess.run([train, loss], feed)
            losses.append(loss_value)
        test_accuracy = sess.run(accuracy, {x: test_images, y: test_labels})
        print("epoch %2d: loss %.4f, test accuracy %.4f" % (epoch, np.mean(losses[-45:]), test_accuracy))
    predicted = sess.run(prediction, {x: test_images})
print("test accuracy: %.4f, %.1f seconds" % (test_accuracy, time.time() - start))

figure = plt.figure(figsize=(12, 5))
curve, grid = figure.add_gridspec(1, 2, width_ratios=[1, 1.4], left=0.06, right=0.98, wspace=0.1)
axes = figure.add_subplot(curve)
axes.semilogy(losses, color="tab:blue", linewidth=0.8)
axes.set_xlabel("training step")
axes.set_ylabel("cross entropy")
axes.set_title("loss")
shown = np.argsort(predicted == test_labels, kind="stable")[:40]
for cell, i in zip(grid.subgridspec(5, 8, hspace=0.45), shown, strict=True):
    axes = figure.add_subplot(cell)
    axes.imshow(test_images[i, :, :, 0], cmap="gray_r")
    axes.set_title(str(predicted[i]), color="green" if predicted[i] == test_labels[i] else "red", pad=2)
    axes.axis("off")
os.makedirs(os.path.dirname(picture) or ".", exist_ok=True)
figure.savefig(picture, dpi=100)
print("saved", picture)
