"""A training loop written out: a network learns to read handwritten digits, step by step under a gradient tape.

    python -m tideflow examples/custom_training_loop.py

The step is a tf.function; the loop over epochs and batches, the optimizer and the metrics are called by hand.
"""

import os

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(1)
digits = np.load(os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "digits.npz"))
images = digits["images"].astype(np.float32) / 16.0
labels = digits["labels"].astype(np.int64)
order = np.random.permutation(len(labels))
train, test = order[:1437], order[1437:]
train_data = tf.data.Dataset.from_tensor_slices((images[train], labels[train])).shuffle(1437).batch(32)
test_data = tf.data.Dataset.from_tensor_slices((images[test], labels[test])).batch(120)

model = tf.keras.Sequential(
    [
        tf.keras.layers.Input((8, 8)),
        tf.keras.layers.Flatten(),
        tf.keras.layers.Dense(64, activation="relu"),
        tf.keras.layers.Dropout(0.2),
        tf.keras.layers.Dense(10),
    ]
)
loss_of = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = tf.keras.optimizers.Adam(0.003)
mean_loss = tf.keras.metrics.Mean()
accuracy = tf.keras.metrics.SparseCategoricalAccuracy()


@tf.function
def train_step(x, y):
    with tf.GradientTape() as tape:
        loss = loss_of(y, model(x, training=True))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    mean_loss.update_state(loss)


for epoch in range(1, 16):
    mean_loss.reset_state()
    accuracy.reset_state()
    for x, y in train_data:
        train_step(x, y)
    for x, y in test_data:
        accuracy.update_state(y, model(x, training=False))
    if epoch % 5 == 0:
        print(f"epoch {epoch:2d}: loss {mean_loss.result():.4f}, test accuracy {accuracy.result():.4f}")

print(f"result: test accuracy {accuracy.result():.4f}, must be above 0.93")
assert accuracy.result() > 0.93
