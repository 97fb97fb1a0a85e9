"""A convolutional network in Keras reads handwritten digits that are shifted, turned and scaled while it learns.

python -m tideflow examples/image_classification.py
"""

import os

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

tf.keras.utils.set_random_seed(1)
digits = np.load(os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "digits.npz"))
images = digits["images"][..., np.newaxis].astype(np.float32)
labels = digits["labels"].astype(np.int64)
order = np.random.permutation(len(labels))
train, test = order[:1437], order[1437:]

model = tf.keras.Sequential(
    [
        layers.Input((8, 8, 1)),
        layers.Rescaling(1.0 / 16.0),
        layers.RandomTranslation(0.1, 0.1, fill_mode="constant"),
        layers.RandomRotation(0.03, fill_mode="constant"),
        layers.Conv2D(16, 3, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(64, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
slower = tf.keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.3, patience=3)
model.fit(
    images[train],
    labels[train],
    batch_size=32,
    epochs=8,
    validation_split=0.1,
    callbacks=[slower],
    verbose=2,
)
loss, accuracy = model.evaluate(images[test], labels[test], verbose=0)
confused = tf.math.confusion_matrix(labels[test], model.predict(images[test], verbose=0).argmax(axis=1), 10).numpy()
print(confused)
print(f"result: test accuracy {accuracy:.4f}, must be above 0.93")
assert accuracy > 0.93 and np.trace(confused) == round(accuracy * len(test))
