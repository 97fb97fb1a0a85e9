"""Logistic regression by Newton-Raphson: each step solves with the Hessian of the loss.

    python -m tideflow --v1 examples/newton_logistic_regression.py

The negative log-likelihood of the weights w for inputs X and labels y has, with p = sigmoid(X w),

    gradient  X' (p - y)        Hessian  X' diag(p (1 - p)) X

and Newton's step is w <- w - Hessian^-1 gradient. It converges in about six steps.
"""

import numpy as np
import tensorflow as tf

# Two overlapping clouds of points, labelled 0 and 1, and a column of ones for the bias.
random = np.random.RandomState(0)
n_each = 200
points = np.concatenate([random.randn(n_each, 2) - [1.0, 0.5], random.randn(n_each, 2) + [1.0, 0.5]])
X_data = np.hstack([np.ones((2 * n_each, 1)), points])
y_data = np.repeat([0.0, 1.0], n_each).reshape(-1, 1)

X = tf.placeholder(tf.float64, shape=(None, 3), name="X")
y = tf.placeholder(tf.float64, shape=(None, 1), name="y")
w = tf.Variable(tf.zeros((3, 1), dtype=tf.float64), name="weights")

logits = tf.matmul(X, w)
p = tf.sigmoid(logits)
loss = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits))

gradient = tf.matmul(X, p - y, transpose_a=True)
hessian = tf.matmul(X, p * (1.0 - p) * X, transpose_a=True)
step = tf.matrix_solve(hessian, gradient)
update = tf.assign_sub(w, step)

# The closed form above agrees with what automatic differentiation finds.
(autodiff_gradient,) = tf.gradients(loss, w)
difference = tf.reduce_max(tf.abs(gradient - autodiff_gradient))
accuracy = tf.reduce_mean(tf.cast(tf.equal(p > 0.5, y > 0.5), tf.float32))

feed = {X: X_data, y: y_data}
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for i in range(20):
        loss_value, step_value = sess.run([loss, step], feed)
        length = np.linalg.norm(step_value)
        print("step %d: loss %.6f, length of the step %.6f" % (i, loss_value, length))
        if length < 1e-6:
            break
        sess.run(update, feed)
    bias, w1, w2 = sess.run(w)[:, 0]
    print("decision boundary: %.4f + %.4f x1 + %.4f x2 = 0" % (bias, w1, w2))
    print("closed form agrees with tf.gradients: %s" % (sess.run(difference, feed) < 1e-9))
    print("accuracy: %.4f" % sess.run(accuracy, feed))
