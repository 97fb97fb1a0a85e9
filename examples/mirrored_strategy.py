"""Two replicas learn to read handwritten digits: `fit` in a scope, then a training loop written out.

    python -m tideflow examples/mirrored_strategy.py

The devices are two parts of the host, as tests of many devices have them; with GPUs, leave the first lines out.
"""

import os

import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
print(f"{strategy.num_replicas_in_sync} replicas")

tf.keras.utils.set_random_seed(1)
digits = np.load(os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "digits.npz"))
images = digits["images"].astype(np.float32) / 16.0
labels = digits["labels"].astype(np.int64)
order = np.random.permutation(len(labels))
train, test = order[:1437], order[1437:]
batch_size = 64  # of all replicas together
train_data = tf.data.Dataset.from_tensor_slices((images[train], labels[train])).shuffle(1437).batch(batch_size)

with strategy.scope():
    layers = tf.keras.layers
    model = tf.keras.Sequential([layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(10)])
    losses = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
    optimizer = tf.keras.optimizers.Adam(0.003)
    model.compile("adam", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])

history = model.fit(train_data, epochs=5, shuffle=False, verbose=0)
print(f"fit: training accuracy {history.history['accuracy'][-1]:.4f}")


def step(x, y):
    with tf.GradientTape() as tape:
        loss = tf.nn.compute_average_loss(losses(y, model(x, training=True)), global_batch_size=batch_size)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss


@tf.function
def train_step(batch):
    return strategy.reduce("SUM", strategy.run(step, args=batch), axis=None)


for _ in range(5):
    mean_loss = np.mean([train_step(batch) for batch in strategy.experimental_distribute_dataset(train_data)])
print(f"loop: loss {mean_loss:.4f}")

accuracy = model.evaluate(images[test], labels[test], verbose=0)[1]
print(f"result: test accuracy {accuracy:.4f}, must be above 0.93")
assert accuracy > 0.93
