"""Trains a `tflearn.DNN` with a convolution, saves it, loads it again and predicts."""

import os
import sys
import tempfile

import numpy as np
import tensorflow as tf
import tflearn

random = np.random.RandomState(0)
patterns = random.randn(4, 8, 8, 1)
labels = random.randint(0, 4, 400)
images = patterns[labels] + 0.7 * random.randn(400, 8, 8, 1)
targets = tflearn.data_utils.to_categorical(labels, 4)


def model():
    tf.set_random_seed(2)
    net = tflearn.input_data([None, 8, 8, 1])
    net = tflearn.conv_2d(net, 8, 3, activation="relu", regularizer="L2")
    net = tflearn.max_pool_2d(net, 2)
    net = tflearn.batch_normalization(net)
    net = tflearn.dropout(tflearn.fully_connected(net, 32, activation="tanh"), 0.8)
    net = tflearn.fully_connected(net, 4, activation="softmax")
    net = tflearn.regression(net, optimizer="adam", learning_rate=0.01, loss="categorical_crossentropy")
    return tflearn.DNN(net, tensorboard_verbose=0, tensorboard_dir=tempfile.mkdtemp())


path = os.path.join(tempfile.mkdtemp(), "model")
with tf.Graph().as_default():
    network = model()
    before = network.evaluate(images, targets)[0]
    network.fit(images, targets, n_epoch=4, validation_set=0.1, batch_size=32, show_metric=True, run_id="test")
    after = network.evaluate(images, targets)[0]
    network.save(path)
    predicted = network.predict(images[:5])
with tf.Graph().as_default():
    network = model()
    network.load(path)
    same = np.allclose(network.predict(images[:5]), predicted, atol=1e-5)

with tf.Graph().as_default():  # a sequence: is the sum of its numbers positive?
    tf.set_random_seed(3)
    sequences = random.randn(200, 6, 1)
    signs = tflearn.data_utils.to_categorical((sequences.sum(1)[:, 0] > 0).astype(int), 2)
    net = tflearn.lstm(tflearn.input_data([None, 6, 1]), 16)
    net = tflearn.regression(tflearn.fully_connected(net, 2, activation="softmax"), learning_rate=0.02)
    recurrent = tflearn.DNN(net, tensorboard_dir=tempfile.mkdtemp())
    recurrent.fit(sequences, signs, n_epoch=8, batch_size=20, show_metric=False, run_id="recurrent")
    of_signs = recurrent.evaluate(sequences, signs)[0]
print("\naccuracy %.3f, then %.3f; of sequences %.3f; loaded the same: %s" % (before, after, of_signs, same))
sys.exit(not (after > 0.9 > before and of_signs > 0.85 and same))
