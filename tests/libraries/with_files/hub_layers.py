"""Loads a SavedModel with TensorFlow Hub, as a function and as a Keras layer that is trained on."""

from __future__ import annotations

import tempfile

import numpy as np
import tensorflow as tf
import tensorflow_hub as hub
import tf_keras


class Encoder(tf.train.Checkpoint):
    """Is a small text-book module of Hub's kind: callable, with variables, and a loss of its weights."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = tf.Variable(tf.reshape(tf.range(6, dtype=tf.float32), [3, 2]) / 10.0, name="kernel")
        self.variables = [self.kernel]
        self.trainable_variables = [self.kernel]
        self.regularization_losses = [tf.function(lambda: 0.01 * tf.nn.l2_loss(self.kernel), input_signature=[])]

    @tf.function(input_signature=[tf.TensorSpec([None, 3]), tf.TensorSpec([], tf.bool)])
    def __call__(self, inputs: tf.Tensor, training: tf.Tensor = False) -> tf.Tensor:
        return tf.cond(training, lambda: 2.0 * inputs, lambda: inputs) @ self.kernel


folder = tempfile.mkdtemp()
tf.saved_model.save(Encoder(), folder)
inputs = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)
expected = inputs @ (np.arange(6, dtype=np.float32).reshape(3, 2) / 10)

assert hub.resolve(folder) == folder
np.testing.assert_allclose(hub.load(folder)(tf.constant(inputs), False), expected, rtol=1e-6)

for trainable in (False, True):
    layer = hub.KerasLayer(folder, trainable=trainable, input_shape=[3])
    model = tf_keras.Sequential([layer, tf_keras.layers.Dense(1, kernel_initializer="ones")])
    np.testing.assert_allclose(layer(inputs), expected, rtol=1e-6)
    assert len(model.trainable_weights) == 2 + trainable
    model.compile(tf_keras.optimizers.SGD(0.001), "mse")
    losses = model.fit(inputs, np.ones((2, 1)), epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    print(f"hub.KerasLayer, trainable={trainable}: loss {losses[0]:.3f} -> {losses[-1]:.3f}")
