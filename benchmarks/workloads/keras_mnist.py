"""The course's MNIST program in Keras, on its TensorFlow, PyTorch and JAX backends, Tideflow in TensorFlow's place."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from harness.workload import SteadyWorkload, Step, Target

TRAINING, TEST, BATCH = 6_400, 10_000, 32
BACKENDS = {"tideflow": "tensorflow", "tensorflow": "tensorflow", "torch": "torch", "jax": "jax"}


def _images(count: int, seed: int) -> tuple[Any, Any]:
    """Returns images that can be told apart: noise, and a bright square whose place is the label."""
    random = np.random.default_rng(seed)
    images = random.random((count, 28, 28), np.float32) * 0.5
    labels = random.integers(0, 10, count)
    for digit in range(10):
        images[labels == digit, 2 * digit : 2 * digit + 6, 10:16] += 0.5
    return images, labels


def _program(peer: str) -> Callable[[Any], Mapping[str, Step]]:
    def program(module: Any) -> Mapping[str, Step]:
        os.environ["KERAS_BACKEND"] = BACKENDS[peer]
        if peer == "tideflow":
            module.install_as_tensorflow()
        import keras

        model = keras.Sequential(
            [
                keras.layers.Input((28, 28)),
                keras.layers.Flatten(),
                keras.layers.Dense(128, activation="relu"),
                keras.layers.Dropout(0.2),
                keras.layers.Dense(10),
            ]
        )
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
        images, labels = _images(TRAINING, 1)
        test_images, test_labels = _images(TEST, 2)
        one = test_images[:1]
        batch = images[:BATCH], labels[:BATCH]

        def fit() -> Any:
            return model.fit(images, labels, batch_size=BATCH, verbose=0).history["loss"][-1]

        def fit_one_batch() -> Any:
            return model.fit(*batch, batch_size=BATCH, verbose=0).history["loss"][-1]

        def evaluate() -> Any:
            return model.evaluate(test_images, test_labels, batch_size=BATCH, verbose=0)[1]

        def predict_one() -> Any:
            return model.predict(one, verbose=0)

        return {
            "fit, 200 batches of 32": fit,
            "fit, one batch": fit_one_batch,
            "evaluate, 10,000 images": evaluate,
            "predict, one image": predict_one,
        }

    return program


def _verify(steps: Mapping[str, Step]) -> None:
    first, *_, last = (steps["fit, 200 batches of 32"]() for _ in range(2))
    assert np.isfinite(last) and last < 0.5 * first, f"the loss went from {first} to {last}"
    accuracy = steps["evaluate, 10,000 images"]()
    assert accuracy > 0.97, f"the accuracy on images not seen before is {accuracy}"
    assert steps["predict, one image"]().shape == (1, 10)
    assert np.isfinite(steps["fit, one batch"]())


WORKLOAD = SteadyWorkload(
    name="keras_mnist",
    title="Keras, the MNIST program",
    programs={peer: _program(peer) for peer in BACKENDS},
    verify=_verify,
    max_rounds=5,
    warm_up=4.0,  # the program that evaluates is interpreted for a thousand batches
    targets={
        "fit, 200 batches of 32": (Target(0.9, "jax"), Target(0.2, "tensorflow")),
        "fit, one batch": (Target(1.0, "jax"),),
        "evaluate, 10,000 images": (Target(1.0, "jax"),),
        "predict, one image": (Target(1.0, "jax"),),
    },
)
