"""A variational autoencoder learns to draw digits: a model with a step of its own, and a layer that draws samples.

python -m tideflow examples/variational_autoencoder.py
"""

import os

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

LATENT = 4
tf.keras.utils.set_random_seed(1)
digits = np.load(os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "digits.npz"))
images = np.random.permutation(digits["images"].reshape(-1, 64)).astype(np.float32) / 16.0
train, test = images[:1437], images[1437:]


class VariationalAutoencoder(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.encoder = tf.keras.Sequential([layers.Dense(128, activation="relu"), layers.Dense(2 * LATENT)])
        self.decoder = tf.keras.Sequential([layers.Dense(128, activation="relu"), layers.Dense(64)])
        self.trackers = [tf.keras.metrics.Mean(name=name) for name in ("reconstruction", "divergence")]

    @property
    def metrics(self):
        return self.trackers

    def losses_of(self, x):
        """Returns the two terms of the negative evidence lower bound (Kingma and Welling, 2014), in nats an image."""
        mean, log_variance = tf.split(self.encoder(x), 2, axis=1)
        z = mean + tf.exp(0.5 * log_variance) * tf.random.normal(tf.shape(mean))
        cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=self.decoder(z))
        divergence = 0.5 * tf.reduce_sum(tf.exp(log_variance) + mean**2 - 1.0 - log_variance, axis=1)
        return tf.reduce_mean(tf.reduce_sum(cross_entropy, axis=1)), tf.reduce_mean(divergence)

    def train_step(self, x):
        with tf.GradientTape() as tape:
            terms = self.losses_of(x)
            loss = tf.add_n(terms)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        return self.test_step(x, terms)

    def test_step(self, x, terms=None):
        for tracker, term in zip(self.trackers, terms or self.losses_of(x)):
            tracker.update_state(term)
        return {tracker.name: tracker.result() for tracker in self.trackers}


model = VariationalAutoencoder()
model.compile(optimizer=tf.keras.optimizers.Adam(0.003))
model.fit(train, batch_size=32, epochs=20, verbose=2)
bound = sum(model.evaluate(test, verbose=0, return_dict=True).values())
for row in tf.sigmoid(model.decoder(tf.random.normal((1, LATENT)))).numpy().reshape(8, 8):
    print("".join(" .:-=+*#%@"[int(9.99 * shade)] * 2 for shade in row))
print(f"result: negative lower bound {bound:.2f} nats an image, must be below 27")
assert bound < 27.0
