"""The MNIST program from the start of its process: to the end of the imports, and of a first epoch of 3,200 images."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from time import perf_counter

from harness.workload import ProcessWorkload, Target

from workloads.keras_mnist import BACKENDS

PROGRAM = """
import os
from time import perf_counter as clock

start = clock()
os.environ["KERAS_BACKEND"] = {backend!r}
if {peer!r} == "tideflow":
    import tideflow
    tideflow.install_as_tensorflow()
import keras
import numpy as np

imported = clock() - start
random = np.random.default_rng(1)
images, labels = random.random((3_200, 28, 28), np.float32), random.integers(0, 10, 3_200)
for digit in range(10):
    images[labels == digit, 2 * digit : 2 * digit + 6, 10:16] += 1.0
model = keras.Sequential([
    keras.layers.Input((28, 28)),
    keras.layers.Flatten(),
    keras.layers.Dense(128, activation="relu"),
    keras.layers.Dropout(0.2),
    keras.layers.Dense(10),
])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
loss = model.fit(images, labels, batch_size=32, verbose=0).history["loss"][-1]
if not 0.0 < loss < 2.3:
    raise RuntimeError(f"the loss after an epoch is {{loss}}")
print(imported)
"""


def measure(label: str, python: str, environment: Mapping[str, str]) -> dict[str, float]:
    """Measures one process."""
    code = PROGRAM.format(backend=BACKENDS[label], peer=label)
    start = perf_counter()
    done = subprocess.run([python, "-c", code], env=dict(environment), capture_output=True, text=True, check=True)
    return {"first epoch of 3,200": perf_counter() - start, "imports": float(done.stdout.split()[-1])}


WORKLOAD = ProcessWorkload(
    name="keras_start",
    title="Keras, the MNIST program, from its start",
    measure=measure,
    measured=("tideflow", "tensorflow", "torch", "jax"),
    max_rounds=5,
    targets={"first epoch of 3,200": (Target(1.8),), "imports": ()},
)
