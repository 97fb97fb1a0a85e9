"""Models of Keras train as users train them, whatever the data comes in and however many steps a call takes."""

from __future__ import annotations

import gc
import signal
import threading
from typing import Any

import numpy as np
import pytest

import tideflow as tf

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings(
        "ignore:__array__ implementation:DeprecationWarning"
    ),  # Keras's variables have an old one
    pytest.mark.filterwarnings("ignore:`shuffle=True` was passed:UserWarning"),
]


@pytest.fixture(scope="module")
def keras() -> Any:
    return tf.keras


def _data() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 4)).astype(np.float32)
    return x, (x.sum(axis=1) > 0).astype(np.int32)


def _model(keras: Any, sparse: bool = False, **options: Any) -> Any:
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Input((4,), sparse=sparse), keras.layers.Dense(2, activation="softmax")])
    model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy", metrics=["accuracy"], **options)
    return model


def _losses(model: Any, *arguments: Any, **options: Any) -> list[float]:
    return model.fit(*arguments, epochs=3, verbose=0, shuffle=False, **options).history["loss"]


def test_a_dataset_trains_as_its_arrays_do(keras):
    x, y = _data()
    expected = _losses(_model(keras), x, y, batch_size=16)
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)
    model = _model(keras)
    assert _losses(model, dataset) == pytest.approx(expected, rel=1e-5)
    assert expected[-1] < expected[0]
    assert model.evaluate(dataset, verbose=0) == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-5)
    np.testing.assert_allclose(
        model.predict(dataset.map(lambda x, y: x), verbose=0), model.predict(x, verbose=0), rtol=1e-5
    )


@pytest.mark.parametrize("steps", [2, 3, 100])
def test_several_steps_a_call_are_those_steps(keras, steps):
    x, y = _data()
    expected = _losses(_model(keras), x, y, batch_size=16)
    model = _model(keras, steps_per_execution=steps)
    assert _losses(model, x, y, batch_size=16) == pytest.approx(expected, rel=1e-5)
    assert int(model.optimizer.iterations.numpy()) == 12
    assert model.evaluate(x, y, verbose=0, batch_size=7)[1] > 0.5
    assert model.predict(x, verbose=0, batch_size=7).shape == (60, 2)


def test_sparse_inputs_train_as_dense_ones(keras):
    x, y = _data()
    x = np.where(x > 0.5, x, 0.0).astype(np.float32)
    expected = _losses(_model(keras), x, y, batch_size=16)
    sparse = tf.sparse.from_dense(x)
    assert _losses(_model(keras, sparse=True), sparse, y, batch_size=16) == pytest.approx(expected, rel=1e-5)
    dataset = tf.data.Dataset.from_tensor_slices((sparse, y)).batch(16)
    assert _losses(_model(keras, sparse=True), dataset) == pytest.approx(expected, rel=1e-5)


def test_preprocessing_adapts_to_datasets(keras):
    x, _ = _data()
    for layer in (keras.layers.Normalization(), keras.layers.Discretization(num_bins=4)):
        other = type(layer).from_config(layer.get_config())
        layer.adapt(x)
        other.adapt(tf.data.Dataset.from_tensor_slices(x).batch(len(x)))
        np.testing.assert_allclose(layer(x), other(x), rtol=1e-5)


def test_training_goes_on_after_ctrl_c(keras, request):
    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if batch == 2:
                signal.raise_signal(signal.SIGINT)

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # what starts the tests may ignore it
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, handler))

    x, y = _data()
    arrays = {"x": x, "y": y, "batch_size": 8}
    dataset = {"x": tf.data.Dataset.from_tensor_slices((x, y)).shuffle(60).batch(8).prefetch(2)}
    threads = threading.active_count()
    for data in (arrays, dataset):
        model = _model(keras)
        with pytest.raises(KeyboardInterrupt):
            model.fit(**data, epochs=5, verbose=0, callbacks=[Interrupt()])
        assert int(model.optimizer.iterations.numpy()) == 2
        losses = model.fit(**data, epochs=5, verbose=0).history["loss"]
        assert losses[-1] < losses[0] and int(model.optimizer.iterations.numpy()) == 42
    gc.collect()
    assert threading.active_count() == threads
