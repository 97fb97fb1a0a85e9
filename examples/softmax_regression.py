"""Softmax regression on handwritten digits, in the words of the TensorFlow 0.8 tutorial.

python -m tideflow --v0 examples/softmax_regression.py
"""

import os

import numpy as np
import tensorflow as tf

here = os.path.dirname(os.path.abspath(__file__))
digits = np.load(os.path.join(here, "data", "digits.npz"))
random = np.random.RandomState(0)
order = random.permutation(len(digits["labels"]))
images = digits["images"].reshape(-1, 64)[order] / 16.0
labels = np.eye(10)[digits["labels"][order]]
train_images, test_images = images[:1437], images[1437:]
train_labels, test_labels = labels[:1437], labels[1437:]

x = tf.placeholder(tf.float32, [None, 64])
W = tf.Variable(tf.zeros([64, 10]))
b = tf.Variable(tf.zeros([10]))
y = tf.nn.softmax(tf.matmul(x, W) + b)

y_ = tf.placeholder(tf.float32, [None, 10])
cross_entropy = tf.reduce_mean(tf.neg(tf.reduce_sum(tf.mul(y_, tf.log(y)), reduction_indices=[1])))
train_step = tf.train.GradientDescentOptimizer(0.5).minimize(cross_entropy)

correct_prediction = tf.equal(tf.argmax(y, 1), tf.argmax(y_, 1))
accuracy = tf.reduce_mean(tf.cast(correct_prediction, tf.float32))

sess = tf.InteractiveSession()
sess.run(tf.initialize_all_variables())
for i in range(1, 1001):
    batch = random.choice(len(train_images), 100)
    sess.run(train_step, feed_dict={x: train_images[batch], y_: train_labels[batch]})
    if i % 250 == 0:
        loss = cross_entropy.eval(feed_dict={x: train_images, y_: train_labels})
        print("step %d: cross entropy %.4f" % (i, loss))
print("test accuracy: %.4f" % accuracy.eval(feed_dict={x: test_images, y_: test_labels}))
sess.close()
