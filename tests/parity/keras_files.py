"""Writes and reads files of Keras models; `test_keras_files.py` runs it on Tideflow and, as a program, on TensorFlow.

As a program it is called with three folders: it reads what is in the first, writes what it finds to the second, and
writes files of its own to the third.
"""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

_random = np.random.default_rng(11)
IMAGES = _random.normal(size=(6, 8, 8, 3)).astype(np.float32)
WORDS = _random.integers(1, 20, size=(6, 5)).astype(np.int32)
NUMBERS = _random.normal(size=(6, 7)).astype(np.float32)
TARGETS = _random.normal(size=(6, 2)).astype(np.float32)


def _images(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, activation="relu", padding="same"),
            layers.BatchNormalization(),
            layers.SeparableConv2D(5, 3),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.25, seed=3),
            layers.Dense(2),
        ]
    )


def _words(keras: Any) -> Any:
    layers = keras.layers
    words = keras.Input((5,), dtype="int32")
    embedded = layers.Embedding(20, 6)(words)
    read = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(embedded)
    seen = layers.LayerNormalization()(layers.Add()([embedded, read]))
    return keras.Model(words, layers.Dense(2)(layers.GRU(4)(seen)))


def _numbers(keras: Any) -> Any:
    layers = keras.layers
    numbers = keras.Input((7,))
    normal = layers.Normalization(mean=[0.5] * 7, variance=[2.0] * 7)(numbers)
    two = [layers.Dense(4, activation=name, name=name)(normal) for name in ("gelu", "softmax")]
    return keras.Model(numbers, layers.Dense(2, kernel_regularizer="l2")(layers.Concatenate()(two)))


#: By name: what makes the model, what it is given, and its optimizer.
MODELS: dict[str, tuple[Callable[[Any], Any], Any, str]] = {
    "images": (_images, IMAGES, "adam"),
    "words": (_words, WORDS, "rmsprop"),
    "numbers": (_numbers, NUMBERS, "sgd"),
}
KINDS = ("keras", "h5", "weights.h5")


def write(keras: Any, folder: pathlib.Path) -> None:
    """Trains each model for two steps, and saves it in each format beside its predictions."""
    for name, (make, inputs, optimizer) in MODELS.items():
        keras.utils.set_random_seed(5)
        model = make(keras)
        model.compile(optimizer, keras.losses.MeanSquaredError())
        model.fit(inputs, TARGETS, batch_size=3, verbose=0, shuffle=False)
        model.save(folder / f"{name}.keras")
        model.save(folder / f"{name}.h5")
        model.save_weights(folder / f"{name}.weights.h5")
        np.savez(folder / f"{name}.npz", **_state(model, inputs))


def read(keras: Any, folder: pathlib.Path) -> dict[str, dict[str, Any]]:
    """Returns, for each model in each format, what it predicts and the state of its optimizer."""
    found = {}
    for name, (make, inputs, optimizer) in MODELS.items():
        for kind in KINDS:
            path = folder / f"{name}.{kind}"
            if kind == "weights.h5":
                keras.utils.set_random_seed(6)
                model = make(keras)
                model.compile(optimizer, keras.losses.MeanSquaredError())
                model.optimizer.build(model.trainable_variables)
                model.load_weights(path)
            else:
                model = keras.models.load_model(path)
            found[f"{name}.{kind}"] = _state(model, inputs)
            if kind == "h5":  # Keras 3 leaves the optimizer out when it reads this format
                found[f"{name}.{kind}"] = {"predictions": found[f"{name}.{kind}"]["predictions"]}
    return found


def _state(model: Any, inputs: Any) -> dict[str, Any]:
    """Returns what a model predicts, and the variables of its optimizer in their order."""
    slots = {f"slot{index}": np.array(variable) for index, variable in enumerate(model.optimizer.variables)}
    return {"predictions": np.array(model.predict(inputs, verbose=0)), **slots}


def main(theirs: pathlib.Path, answers: pathlib.Path, own: pathlib.Path) -> None:
    """Is the program: on TensorFlow, since it is what `keras` finds."""
    import keras

    assert keras.backend.backend() == "tensorflow"
    for name, state in read(keras, theirs).items():
        np.savez(answers / f"{name}.npz", **state)
    write(keras, own)


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
