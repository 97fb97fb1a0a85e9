"""Transfer learning: a network that has learned the digits 0 to 4 learns 5 to 9 from ten images of each.

    python -m tideflow examples/transfer_learning.py

The base is saved and loaded, frozen under a new head, and at last tuned as a whole, at a low learning rate.
"""

import os
import tempfile

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

tf.keras.utils.set_random_seed(1)
digits = np.load(os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "digits.npz"))
images = digits["images"][..., np.newaxis].astype(np.float32) / 16.0
labels = digits["labels"].astype(np.int64)
order = np.random.permutation(len(labels))
early = order[labels[order] < 5]
late = [order[labels[order] == digit] for digit in range(5, 10)]
few = np.concatenate([indices[:10] for indices in late])
rest = np.concatenate([indices[10:] for indices in late])


def with_head(base, rate):
    model = tf.keras.Sequential([base, layers.Dropout(0.2), layers.Dense(5)])
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=tf.keras.optimizers.Adam(rate), loss=loss, metrics=["accuracy"])
    return model


base = tf.keras.Sequential(
    [
        layers.Input((8, 8, 1)),
        layers.Conv2D(16, 3, activation="relu", padding="same"),
        layers.Conv2D(32, 3, activation="relu", padding="same"),
        layers.MaxPooling2D(),
        layers.BatchNormalization(),
        layers.Flatten(),
    ]
)
with_head(base, 0.001).fit(images[early], labels[early], epochs=8, verbose=2)
with tempfile.TemporaryDirectory() as folder:
    base.save(os.path.join(folder, "base.keras"))
    base = tf.keras.models.load_model(os.path.join(folder, "base.keras"))

base.trainable = False
frozen = [weight.numpy() for weight in base.weights]
model = with_head(base, 0.01)
model.fit(images[few], labels[few] - 5, epochs=20, batch_size=10, verbose=0)
assert all(np.array_equal(before, after) for before, after in zip(frozen, base.weights))
head_only = model.evaluate(images[rest], labels[rest] - 5, verbose=0)[1]

base.trainable = True
model.compile(optimizer=tf.keras.optimizers.Adam(0.0003), loss=model.loss, metrics=["accuracy"])
model.fit(images[few], labels[few] - 5, epochs=10, batch_size=10, verbose=0)
tuned = model.evaluate(images[rest], labels[rest] - 5, verbose=0)[1]
print(f"result: test accuracy with the base frozen {head_only:.4f}, tuned {tuned:.4f}; both must be above 0.9")
assert min(head_only, tuned) > 0.9
