"""Trains networks of Sonnet 2, saves them as checkpoints, and exports one as a SavedModel."""

from __future__ import annotations

import tempfile

import numpy as np
import sonnet as snt
import tensorflow as tf

tf.random.set_seed(1)
inputs = tf.constant(np.random.RandomState(0).rand(32, 8, 8, 1), tf.float32)
labels = tf.cast(tf.reduce_mean(inputs, [1, 2, 3]) > 0.5, tf.int32)


class Classifier(snt.Module):
    """Classifies small images."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = snt.Conv2D(4, 3)
        self.normalization = snt.BatchNorm(create_scale=True, create_offset=True)
        self.perceptron = snt.nets.MLP([16, 2])

    def __call__(self, images: tf.Tensor, is_training: bool) -> tf.Tensor:
        features = tf.nn.relu(self.normalization(self.convolution(images), is_training=is_training))
        return self.perceptron(snt.flatten(features))


network = Classifier()
assert snt.build(network, inputs, is_training=True).shape == [32, 2]
optimizer = snt.optimizers.Adam(0.01)


@tf.function
def step(images: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    with tf.GradientTape() as tape:
        logits = network(images, is_training=True)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits))
    gradients = tape.gradient(loss, network.trainable_variables)
    optimizer.apply(gradients, network.trainable_variables)
    return loss


losses = [float(step(inputs, labels)) for _ in range(30)]
assert losses[-1] < 0.5 * losses[0], losses
print(f"convolution, BatchNorm and MLP with Adam: loss {losses[0]:.3f} -> {losses[-1]:.3f}")

folder = tempfile.mkdtemp()
path = tf.train.Checkpoint(network=network, optimizer=optimizer).save(f"{folder}/checkpoint")
other = Classifier()
snt.build(other, inputs, is_training=True)
tf.train.Checkpoint(network=other).restore(path).expect_partial()
np.testing.assert_array_equal(other(inputs, is_training=False), network(inputs, is_training=False))

exported = tf.Module()
exported.inference = tf.function(
    lambda images: network(images, is_training=False), input_signature=[tf.TensorSpec([None, 8, 8, 1])]
)
exported.all_variables = list(network.variables)
tf.saved_model.save(exported, f"{folder}/model")
loaded = tf.saved_model.load(f"{folder}/model")
np.testing.assert_allclose(loaded.inference(inputs), network(inputs, is_training=False), rtol=1e-5)

cell = snt.LSTM(5)
outputs, state = snt.dynamic_unroll(cell, tf.random.normal([6, 2, 3]), cell.initial_state(2))
assert outputs.shape == [6, 2, 5] and state.hidden.shape == [2, 5]
np.testing.assert_array_equal(outputs[-1], state.hidden)
