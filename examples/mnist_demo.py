"""The demo: the MNIST program of the courses, and a picture of what it learned.

    make demo        or        python -m tideflow examples/mnist_demo.py [picture.png]

This is a plain TensorFlow 2 program. It prints Keras's progress and the test accuracy, and saves one picture: the
curves of loss and accuracy, and test images with what the network takes them for (what it gets wrong, in red, first).
Without a network `python -m tideflow` gives it other handwritten digits in MNIST's format, and says so.
"""

import os
import sys

import matplotlib
import numpy as np
import tensorflow as tf

matplotlib.use("Agg")
import matplotlib.pyplot as plt

picture = sys.argv[1] if len(sys.argv) > 1 else os.path.join("out", "mnist_demo.png")
tf.keras.utils.set_random_seed(1)

mnist = tf.keras.datasets.mnist
(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train, x_test = x_train / 255.0, x_test / 255.0

model = tf.keras.models.Sequential(
    [
        tf.keras.layers.Input(shape=(28, 28)),
        tf.keras.layers.Flatten(),
        tf.keras.layers.Dense(128, activation="relu"),
        tf.keras.layers.Dropout(0.2),
        tf.keras.layers.Dense(10),
    ]
)
loss_fn = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer="adam", loss=loss_fn, metrics=["accuracy"])
history = model.fit(x_train, y_train, epochs=5).history
loss, accuracy = model.evaluate(x_test, y_test, verbose=2)

probability_model = tf.keras.Sequential([model, tf.keras.layers.Softmax()])
probabilities = probability_model.predict(x_test, verbose=0)
predictions = probabilities.argmax(axis=1)

figure = plt.figure(figsize=(12, 7))
curves = figure.add_subplot(3, 1, 1)
epochs = np.arange(1, len(history["loss"]) + 1)
curves.plot(epochs, history["loss"], marker="o", label="training loss")
curves.plot(epochs, history["accuracy"], marker="o", label="training accuracy")
curves.axhline(accuracy, linestyle="--", color="gray", label=f"test accuracy {accuracy:.1%}")
curves.set_xlabel("epoch")
curves.set_xticks(epochs)
curves.legend()
wrong = predictions != y_test
for place, index in enumerate(np.argsort(~wrong, kind="stable")[:24]):
    axes = figure.add_subplot(3, 12, 13 + place)
    axes.imshow(x_test[index], cmap="gray_r")
    axes.set_title(
        f"{predictions[index]} ({probabilities[index].max():.0%})",
        color="red" if wrong[index] else "green",
        fontsize=8,
    )
    axes.axis("off")
figure.tight_layout()
os.makedirs(os.path.dirname(picture) or ".", exist_ok=True)
figure.savefig(picture)
print(f"test accuracy {accuracy:.1%}; what it read is drawn in {picture}")
