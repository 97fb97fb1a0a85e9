"""A multi-layer perceptron on handwritten digits: two hidden layers, dropout, Adam, clipped gradients.

python -m tideflow --v1 examples/multilayer_perceptron.py
"""

import os

import numpy as np
import tensorflow as tf

here = os.path.dirname(os.path.abspath(__file__))
digits = np.load(os.path.join(here, "data", "digits.npz"))
random = np.random.RandomState(0)
order = random.permutation(len(digits["labels"]))
images = digits["images"].reshape(-1, 64)[order] / 16.0
labels = digits["labels"][order].astype(np.int64)
train_images, test_images = images[:1437], images[1437:]
train_labels, test_labels = labels[:1437], labels[1437:]

n_epochs, batch_size = 15, 32
tf.set_random_seed(0)


def dense(inputs, units, name, activation=None, seed=None):
    """Adds a fully connected layer."""
    with tf.variable_scope(name):
        width = inputs.shape[1].value
        W = tf.get_variable("W", [width, units], initializer=tf.glorot_uniform_initializer(seed=seed))
        b = tf.get_variable("b", [units], initializer=tf.zeros_initializer())
        outputs = tf.nn.bias_add(tf.matmul(inputs, W), b)
        return outputs if activation is None else activation(outputs)


x = tf.placeholder(tf.float32, [None, 64], name="images")
y = tf.placeholder(tf.int64, [None], name="labels")
keep_prob = tf.placeholder_with_default(1.0, [], name="keep_prob")

layer = dense(x, 128, "hidden1", tf.nn.relu, seed=1)
layer = tf.nn.dropout(layer, keep_prob=keep_prob, seed=2)
layer = dense(layer, 64, "hidden2", tf.nn.relu, seed=3)
logits = dense(layer, 10, "logits", seed=4)

loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
accuracy = tf.reduce_mean(tf.cast(tf.nn.in_top_k(logits, y, 1), tf.float32))

optimizer = tf.train.AdamOptimizer(0.003)
gradients, variables = zip(*optimizer.compute_gradients(loss), strict=True)
gradients, norm = tf.clip_by_global_norm(gradients, 5.0)
train = optimizer.apply_gradients(zip(gradients, variables, strict=True))

n_parameters = sum(int(np.prod(v.shape.as_list())) for v in tf.trainable_variables())
print("%d parameters in %d variables" % (n_parameters, len(tf.trainable_variables())))

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for epoch in range(1, n_epochs + 1):
        losses = []
        for batch in np.array_split(random.permutation(len(train_images)), len(train_images) // batch_size):
            feed = {x: train_images[batch], y: train_labels[batch], keep_prob: 0.8}
            losses.append(sess.run([train, loss], feed)[1])
        if epoch % 5 == 0:
            print("epoch %d: training loss %.4f" % (epoch, np.mean(losses)))
    print("test accuracy: %.4f" % sess.run(accuracy, {x: test_images, y: test_labels}))
