"""Logistic regression in TensorFlow's style: state the loss, and let an optimizer do the calculus.

    python -m tideflow --v1 examples/logistic_regression.py

The data are those of newton_logistic_regression.py, so both arrive at the same boundary.
"""

import numpy as np
import tensorflow as tf

random = np.random.RandomState(0)
n_each = 200
X_data = np.concatenate([random.randn(n_each, 2) - [1.0, 0.5], random.randn(n_each, 2) + [1.0, 0.5]])
y_data = np.repeat([0.0, 1.0], n_each).reshape(-1, 1)

X = tf.placeholder(tf.float32, shape=(None, 2), name="X")
y = tf.placeholder(tf.float32, shape=(None, 1), name="y")

with tf.variable_scope("logistic"):
    W = tf.get_variable("weights", (2, 1), initializer=tf.random_normal_initializer(seed=1))
    b = tf.get_variable("bias", (1,), initializer=tf.zeros_initializer())
logits = tf.matmul(X, W) + b
loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits))
accuracy = tf.reduce_mean(tf.cast(tf.equal(logits > 0.0, y > 0.5), tf.float32))

global_step = tf.train.get_or_create_global_step()
rate = tf.train.exponential_decay(1.0, global_step, decay_steps=200, decay_rate=0.5)
optimizer = tf.train.GradientDescentOptimizer(rate)
gradients_and_variables = optimizer.compute_gradients(loss)
train = optimizer.apply_gradients(gradients_and_variables, global_step=global_step)

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    print("trainable:", ", ".join(v.name for v in tf.trainable_variables()))
    feed = {X: X_data, y: y_data}
    for _ in range(400):
        _, loss_value, step = sess.run([train, loss, global_step], feed)
        if step % 100 == 0:
            print("step %d: loss %.6f, learning rate %.4f" % (step, loss_value, sess.run(rate)))
    (w1, w2), (bias,) = sess.run(W)[:, 0], sess.run(b)
    print("decision boundary: %.4f + %.4f x1 + %.4f x2 = 0" % (bias, w1, w2))
    print("accuracy: %.4f" % sess.run(accuracy, feed))
