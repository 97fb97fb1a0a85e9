"""Keras 3 on Tideflow: how it is loaded, and that programs as users write them run."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings(
        "ignore:__array__ implementation:DeprecationWarning"
    ),  # Keras's variables have an old one
]


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a program of its own on Tideflow."""
    variables = {**os.environ, **environment}
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=variables)


def test_keras_is_loaded_at_its_first_use_and_is_one_package_under_all_names():
    done = run(
        "import tideflow as tf, sys\n"
        "assert 'keras' not in sys.modules\n"
        "layers = tf.keras.layers\n"
        "import keras, tensorflow\n"
        "from tensorflow.keras.layers import Dense\n"
        "assert Dense is keras.layers.Dense is layers.Dense\n"
        "assert tensorflow.optimizers.Adam is tf.keras.optimizers.Adam is keras.optimizers.Adam\n"
        "assert tf.keras.backend.backend() == 'tensorflow' and tf.keras.__version__ == keras.__version__\n"
    )
    assert done.returncode == 0, done.stderr


def test_another_backend_is_not_mixed_in():
    done = run("import keras, tideflow as tf; tf.keras", KERAS_BACKEND="numpy")
    assert "Keras is already loaded in this process with backend 'numpy'" in done.stderr


def test_a_program_of_1_x_is_told_that_keras_is_for_2():
    done = run("import tideflow; tideflow.install_as_tensorflow('v1'); import tideflow as tf; tf.keras")
    assert "Run it with `python -m tideflow` (without --v1)" in done.stderr


@pytest.fixture(scope="module")
def keras():
    import tideflow as tf

    return tf.keras


def _data() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    x = random.normal(size=(96, 4)).astype(np.float32)
    return x, (x.sum(axis=1) > 0).astype(np.int32)


def test_a_model_is_compiled_fitted_evaluated_and_asked(keras):
    keras.utils.set_random_seed(1)
    x, y = _data()
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.05), loss, metrics=["accuracy"])
    history = model.fit(x, y, batch_size=32, epochs=12, verbose=0, validation_split=0.25)
    assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]
    assert model.evaluate(x, y, verbose=0)[1] > 0.9
    np.testing.assert_allclose(model.predict(x[:3], verbose=0), model(x[:3]), rtol=1e-5, atol=1e-6)


def test_a_training_loop_of_the_program_s_own(keras):
    import tideflow as tf

    x, y = _data()
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    optimizer = keras.optimizers.SGD(0.5)

    @tf.function
    def step(inputs, labels):
        with tf.GradientTape() as tape:
            logits = model(inputs, training=True)
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    losses = [float(step(tf.constant(x), tf.constant(y[:, None], tf.float32))) for _ in range(30)]
    assert losses[-1] < 0.5 * losses[0]


def test_a_saved_model_and_saved_weights_come_back(keras, tmp_path):
    x, _ = _data()
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Dense(5, activation="tanh")(inputs)))
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(x), model(x))
    other = keras.models.clone_model(model)
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(other(x), model(x))


def test_weights_of_another_shape_are_told(keras, tmp_path):
    narrow, wide = (keras.Sequential([keras.Input((3,)), keras.layers.Dense(units)]) for units in (5, 6))
    narrow.save_weights(tmp_path / "narrow.weights.h5")
    with pytest.raises(ValueError, match="must match"):
        wide.load_weights(tmp_path / "narrow.weights.h5")
