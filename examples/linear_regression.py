"""Linear regression as the lecture on TensorFlow 0.8 has it, with the plot it shows.

python -m tideflow --v0 examples/linear_regression.py [picture.png]
"""

import os
import sys

import matplotlib
import numpy as np
import tensorflow as tf

matplotlib.use("Agg")
import matplotlib.pyplot as plt

picture = sys.argv[1] if len(sys.argv) > 1 else os.path.join("out", "linear_regression.png")
random = np.random.RandomState(0)

# Define input data
X_data = np.arange(100, step=0.1)
y_data = X_data + 20 * np.sin(X_data / 10)

# Plot input data
plt.scatter(X_data, y_data, s=4, label="data")

# Define data size and batch size
n_samples = 1000
batch_size = 100

# Tensorflow is finicky about shapes, so resize
X_data = np.reshape(X_data, (n_samples, 1))
y_data = np.reshape(y_data, (n_samples, 1))

# Define placeholders for input
X = tf.placeholder(tf.float32, shape=(batch_size, 1))
y = tf.placeholder(tf.float32, shape=(batch_size, 1))

# Define variables to be learned
with tf.variable_scope("linear-regression"):
    W = tf.get_variable("weights", (1, 1), initializer=tf.random_normal_initializer(seed=1))
    b = tf.get_variable("bias", (1,), initializer=tf.constant_initializer(0.0))
    y_pred = tf.matmul(X, W) + b
    loss = tf.reduce_sum((y - y_pred) ** 2 / n_samples)

# Define optimizer operation
opt_operation = tf.train.AdamOptimizer(learning_rate=0.02).minimize(loss)

with tf.Session() as sess:
    # Initialize Variables in graph
    sess.run(tf.initialize_all_variables())
    # Gradient descent loop for 500 steps
    for step in range(1, 501):
        # Select random minibatch
        indices = random.choice(n_samples, batch_size)
        X_batch, y_batch = X_data[indices], y_data[indices]
        # Do gradient descent step
        _, loss_val = sess.run([opt_operation, loss], feed_dict={X: X_batch, y: y_batch})
        if step % 100 == 0:
            print("step %d: loss %.4f" % (step, loss_val))
    slope, intercept = sess.run(W)[0, 0], sess.run(b)[0]

print("learned: y = %.4f x + %.4f" % (slope, intercept))
plt.plot(X_data, slope * X_data + intercept, "r-", linewidth=2, label="learned line")
plt.xlabel("x")
plt.ylabel("y")
plt.legend()
os.makedirs(os.path.dirname(picture) or ".", exist_ok=True)
plt.savefig(picture, dpi=100)
print("saved", picture)
