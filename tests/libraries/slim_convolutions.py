"""Trains a convolutional network of tf_slim with `arg_scope` and `slim.learning`, and evaluates its checkpoint."""

import sys
import tempfile

import numpy as np
import tensorflow as tf
import tf_slim as slim

tf.logging.set_verbosity(tf.logging.ERROR)
tf.set_random_seed(1)


def data(count, seed):
    """Bars that lie or stand, in noise."""
    random = np.random.RandomState(seed)
    labels = random.randint(0, 2, count)
    images = 0.3 * random.randn(count, 12, 12, 1)
    for image, label, place in zip(images, labels, random.randint(2, 10, count)):
        if label:
            image[place] += 1.0
        else:
            image[:, place] += 1.0
    return images.astype(np.float32), labels


def network(images, is_training):
    with slim.arg_scope([slim.conv2d, slim.fully_connected], weights_regularizer=slim.l2_regularizer(1e-4)):
        with slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training):
            net = slim.repeat(images, 2, slim.conv2d, 8, [3, 3], normalizer_fn=slim.batch_norm, scope="conv")
            net = slim.max_pool2d(net, [2, 2], scope="pool")
            net = slim.flatten(net)
            net = slim.dropout(slim.fully_connected(net, 16, scope="hidden"), 0.8)
            return slim.fully_connected(net, 2, activation_fn=None, scope="logits")


directory = tempfile.mkdtemp()
images, labels = data(256, 1)
with tf.Graph().as_default():
    tf.set_random_seed(1)
    image, label = tf.train.slice_input_producer([tf.constant(images), tf.constant(labels)], seed=1)
    batch, targets = tf.train.batch([image, label], 32)
    tf.losses.sparse_softmax_cross_entropy(targets, network(batch, True))
    assert len(slim.losses.get_regularization_losses()) == 4
    total = tf.losses.get_total_loss()
    train = slim.learning.create_train_op(total, tf.train.AdamOptimizer(0.01))
    last = slim.learning.train(train, directory, number_of_steps=60, log_every_n_steps=30, save_summaries_secs=0)

with tf.Graph().as_default():
    images, labels = data(200, 2)
    predictions = tf.argmax(network(tf.constant(images), False), 1)
    values, updates = slim.metrics.aggregate_metric_map({"accuracy": tf.metrics.accuracy(labels, predictions)})
    accuracy = slim.evaluation.evaluate_once(
        "",
        tf.train.latest_checkpoint(directory),
        directory,
        num_evals=1,
        eval_op=list(updates.values()),
        final_op=values["accuracy"],
    )
print("loss %.3f, accuracy %.3f" % (last, accuracy))
sys.exit(not (last < 0.4 and accuracy > 0.9))
