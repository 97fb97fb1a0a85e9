"""Exports Keras models and uses exports; `test_keras_exports.py` runs it here and, as a program, on TensorFlow.

As a program it is called with three folders: it uses what is in the first, writes what comes out to the second, and
exports models of its own to the third.
"""

from __future__ import annotations

import pathlib
import pickle
import sys
from typing import Any

import numpy as np

_random = np.random.default_rng(3)
IMAGES = _random.normal(size=(3, 8, 8, 3)).astype(np.float32)
WORDS = _random.integers(0, 20, (3, 5)).astype(np.int32)
PAIRS = {"x": IMAGES[:, 0, 0], "y": IMAGES[:, 1, 1, :2]}
INPUTS = {"images": IMAGES, "words": WORDS, "pairs": PAIRS}


def models(keras: Any) -> dict[str, Any]:
    """Builds the models: a sequence, a recurrent network, and a class of the user's."""
    layers = keras.layers

    class Pairs(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = layers.Dense(3), layers.Dense(2)

        def call(self, inputs: Any, training: bool = False) -> Any:
            return {"a": self.first(inputs["x"]), "b": self.second(inputs["y"])}

    images = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dropout(0.2),
            layers.Dense(2),
        ]
    )
    images.compile("adam", "mse")
    images.fit(IMAGES, np.zeros((3, 2)), verbose=0)
    words = keras.Input((5,), dtype="int32")
    last = layers.Dense(3, activation="softmax")(layers.LSTM(4)(layers.Embedding(20, 6)(words)))
    pairs = Pairs()
    pairs(PAIRS)
    return {"images": images, "words": keras.Model(words, last), "pairs": pairs}


def export(tf: Any, folder: pathlib.Path) -> None:
    """Exports the models, and with an ``ExportArchive`` one that has several endpoints."""
    found = models(tf.keras)
    results = {name: tf.nest.map_structure(np.asarray, model(INPUTS[name])) for name, model in found.items()}
    for name, model in found.items():
        model.export(str(folder / name), verbose=False)
    images = found["images"]
    archive = tf.keras.export.ExportArchive()
    archive.track(images)
    spec = tf.TensorSpec([None, 8, 8, 3], tf.float32)
    archive.add_endpoint("serve", fn=images.call, input_signature=[spec])
    archive.add_endpoint("twice", fn=lambda x: 2 * images(x), input_signature=[spec])
    archive.add_variable_collection("kernels", [images.layers[0].kernel])
    archive.write_out(str(folder / "archive"), verbose=False)
    tf.saved_model.save(images, str(folder / "plain"))
    (folder / "results").write_bytes(pickle.dumps(results))


def use(tf: Any, folder: pathlib.Path) -> dict[str, Any]:
    """Returns what the exports in a folder compute, and how many variables they have."""
    found: dict[str, Any] = {}
    for name, value in INPUTS.items():
        path = str(folder / name)
        loaded = tf.saved_model.load(path)
        layer = tf.keras.layers.TFSMLayer(path, call_endpoint="serve")
        found[name] = tf.nest.map_structure(np.asarray, loaded.serve(value))
        found[f"{name} as a layer"] = tf.nest.map_structure(np.asarray, layer(value))
        counts = len(loaded.variables), len(loaded.trainable_variables), len(layer.weights)
        found[f"{name}: counts"] = (*counts, sorted(loaded.signatures))
    archive = tf.saved_model.load(str(folder / "archive"))
    found["archive"] = np.asarray(archive.twice(IMAGES)) / 2
    found["archive: counts"] = (len(archive.kernels), sorted(archive.signatures))
    plain = tf.saved_model.load(str(folder / "plain"))
    (name,) = plain.signatures["serving_default"].structured_input_signature[1]
    result = plain.signatures["serving_default"](**{name: tf.constant(IMAGES)})
    found["plain"] = np.asarray(result["output_0"])
    found["plain: counts"] = sorted(key for key in vars(plain) if not key.startswith("_self"))
    return found


if __name__ == "__main__":
    import tensorflow

    theirs, answers, own = map(pathlib.Path, sys.argv[1:])
    (answers / "found").write_bytes(pickle.dumps(use(tensorflow, theirs)))
    export(tensorflow, own)
    (answers / "own").write_bytes(pickle.dumps(use(tensorflow, own)))
