"""Keras in estimators: its optimizers and metrics, and models that become estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tideflow as tf

keras, v1 = tf.keras, tf.compat.v1

X = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)
Y = (X.sum(1) > 0).astype(np.int32)
COLUMNS = [tf.feature_column.numeric_column("x", (3,))]


def _dict_inputs(epochs: int | None = None) -> Any:
    return v1.estimator.inputs.numpy_input_fn({"x": X}, Y, batch_size=16, num_epochs=epochs, shuffle=False)


def _inputs() -> Any:
    return tf.data.Dataset.from_tensor_slices((X, Y)).repeat().batch(16)


def _once() -> Any:
    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(16)


def _trained(optimizer: Any, folder: Any, steps: tuple[int, ...] = (20,)) -> Any:
    config = tf.estimator.RunConfig(tf_random_seed=3)
    estimator = tf.estimator.DNNClassifier([4], COLUMNS, model_dir=folder, optimizer=optimizer, config=config)
    for each in steps:
        estimator.train(_dict_inputs(), steps=each)
    return estimator


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (keras.optimizers.Adam(0.05, epsilon=1e-8), v1.train.AdamOptimizer(0.05)),
        (lambda: keras.optimizers.SGD(0.1, momentum=0.9), lambda: v1.train.MomentumOptimizer(0.1, 0.9)),
    ],
)
def test_an_optimizer_of_keras_learns_what_that_of_1x_learns(new: Any, old: Any, tmp_path: Any) -> None:
    ours = _trained(new, tmp_path / "new")
    theirs = _trained(old, tmp_path / "old")
    for name in ("dnn/hiddenlayer_0/kernel", "dnn/logits/bias"):
        np.testing.assert_allclose(ours.get_variable_value(name), theirs.get_variable_value(name), rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize("optimizer", [keras.optimizers.Adam(0.05), lambda: keras.optimizers.Adam(0.05)])
def test_training_goes_on_where_it_ended(optimizer: Any, tmp_path: Any) -> None:
    keras.layers.Dense(1)  # names that the program has made itself do not matter
    halves = _trained(optimizer, tmp_path / "halves", (4, 4))
    keras.optimizers.Adam()
    whole = _trained(optimizer, tmp_path / "whole", (4,))
    assert halves.get_variable_value("adam/iteration") == 8
    assert halves.get_variable_value("global_step") == 8
    # The second half reads the same four batches as the first.
    whole.train(_dict_inputs(), steps=4)
    np.testing.assert_array_equal(
        halves.get_variable_value("dnn/logits/kernel"), whole.get_variable_value("dnn/logits/kernel")
    )


def test_a_loss_without_the_variables(tmp_path: Any) -> None:
    def model_fn(features: Any, labels: Any, mode: str) -> Any:
        from tideflow._src.estimator import keras_updates

        w = v1.get_variable("w", [])
        keras_updates.minimize(keras.optimizers.SGD(), tf.reduce_sum(features["x"]), [w])

    with pytest.raises(ValueError, match="No gradients provided for any variable"):
        tf.estimator.Estimator(model_fn, tmp_path).train(_dict_inputs(), steps=1)


def test_metrics_of_keras_in_a_model_function(tmp_path: Any) -> None:
    def model_fn(features: Any, labels: Any, mode: str) -> Any:
        w = v1.get_variable("w", [3, 1], initializer=v1.ones_initializer())
        logits = features["x"] @ w
        accuracy = keras.metrics.BinaryAccuracy(threshold=0.0)
        accuracy.update_state(labels[:, None], logits)
        train_op = v1.assign_add(v1.train.get_global_step(), 1).op
        return tf.estimator.EstimatorSpec(
            mode, logits, tf.reduce_mean(logits), train_op, eval_metric_ops={"right": accuracy, "also": accuracy}
        )

    estimator = tf.estimator.Estimator(model_fn, tmp_path)
    estimator.train(_dict_inputs(), steps=1)
    for _ in range(2):  # each evaluation counts from the beginning
        found = estimator.evaluate(_dict_inputs(1))
        assert found["right"] == found["also"] == 1.0
    assert estimator.get_variable_names() == ["global_step", "w"]

    def forgot(features: Any, labels: Any, mode: str) -> Any:
        return tf.estimator.EstimatorSpec(mode, loss=tf.constant(0.0), eval_metric_ops={"a": keras.metrics.Mean()})

    with pytest.raises(ValueError, match="update_state"):
        tf.estimator.Estimator(forgot, tmp_path).evaluate(_dict_inputs(1))


def _model() -> Any:
    layers = [keras.Input((3,)), keras.layers.Dense(8, "relu", name="dense")]
    layers.append(keras.layers.BatchNormalization(momentum=0.5, name="normal"))
    model = keras.Sequential([*layers, keras.layers.Dense(2, name="scores")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.05), loss, metrics=["accuracy"])
    return model


def test_a_model_becomes_an_estimator(tmp_path: Any) -> None:
    model = _model()
    before = model.get_weights()
    expected = model.predict(X[:16], verbose=0)
    estimator = keras.estimator.model_to_estimator(model, model_dir=tmp_path)
    # It begins with the weights of the model: as Keras's own first step, so is that of the estimator.
    estimator.train(_inputs, steps=1)
    model.train_on_batch(X[:16], Y[:16])
    for weight in model.weights:
        name = "/".join(weight.path.split("/")[-2:])
        np.testing.assert_allclose(estimator.get_variable_value(name), weight.numpy(), rtol=1e-4, atol=1e-5)
    assert not np.array_equal(before[0], model.get_weights()[0])
    estimator.train(_inputs, steps=59)
    result = estimator.evaluate(_once)
    assert result["accuracy"] > 0.9
    assert result["global_step"] == 60
    predictions = np.stack([each["scores"] for each in estimator.predict(_once)])
    assert predictions.shape == (64, 2)
    assert np.mean(predictions.argmax(1) == Y) == pytest.approx(result["accuracy"])
    assert not np.allclose(predictions[:16], expected)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's variables, and NumPy 2
def test_a_functional_model_of_several_inputs_and_outputs(tmp_path: Any) -> None:
    a, b = keras.Input((3,), name="a"), keras.Input((1,), name="b")
    both = keras.layers.Concatenate()([a, b])
    outputs = {"c": keras.layers.Dense(1, name="c")(both), "d": keras.layers.Dense(1, "sigmoid", name="d")(both)}
    model = keras.Model({"a": a, "b": b}, outputs)
    model.compile("sgd", {"c": "mse", "d": "binary_crossentropy"}, metrics={"c": ["mae"], "d": ["accuracy"]})
    target = {"c": X[:, :1], "d": (X[:, 1:2] > 0).astype(np.float32)}

    def inputs() -> Any:
        return tf.data.Dataset.from_tensor_slices(({"a": X, "b": X[:, 2:]}, target)).repeat().batch(16)

    path = tmp_path / "model.keras"
    model.save(path)
    exports = {"c": tf.estimator.export.PredictOutput}
    estimator = keras.estimator.model_to_estimator(
        keras_model_path=path, model_dir=tmp_path / "e", export_outputs=exports
    )
    estimator.train(inputs, steps=5)
    result = estimator.evaluate(inputs, steps=4)
    model.fit(inputs().take(5), verbose=0, shuffle=False)
    own = model.evaluate({"a": X, "b": X[:, 2:]}, target, verbose=0, return_dict=True)
    assert result["loss"] == pytest.approx(own["loss"], rel=1e-4)
    assert result["c_mae"] == pytest.approx(own["c_mae"], rel=1e-4)
    assert result["d_accuracy"] == pytest.approx(own["d_accuracy"])

    def serving() -> Any:
        given = {"a": v1.placeholder(tf.float32, [None, 3]), "b": v1.placeholder(tf.float32, [None, 1])}
        return tf.estimator.export.ServingInputReceiver(given, given)

    exported = tf.saved_model.load(estimator.export_saved_model(tmp_path / "export", serving).decode())
    found = exported.signatures["serving_default"](a=tf.constant(X), b=tf.constant(X[:, 2:]))
    own = model.predict({"a": X, "b": X[:, 2:]}, verbose=0)
    np.testing.assert_allclose(found["c"], own["c"], rtol=1e-4, atol=1e-6)
    assert "c" in exported.signatures
    with pytest.raises(KeyError, match="missed keys"):
        estimator.train(lambda: tf.data.Dataset.from_tensor_slices(({"a": X}, target)).batch(16), steps=1)


def test_sample_weights(tmp_path: Any) -> None:
    def inputs(weights: Any) -> Any:
        given = {"features": X, "sample_weights": np.asarray(weights, np.float32)}
        return lambda: tf.data.Dataset.from_tensor_slices((given, Y)).batch(64)

    estimator = keras.estimator.model_to_estimator(_model(), model_dir=tmp_path)
    estimator.train(inputs(np.ones(64)), steps=1)
    assert estimator.evaluate(inputs(np.zeros(64)))["loss"] == 0.0
    assert estimator.evaluate(inputs(np.ones(64)))["loss"] > 0.0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "Either `keras_model` or `keras_model_path`"),
        ({"keras_model": keras.Sequential(), "keras_model_path": "a"}, "but not both"),
        ({"keras_model": keras.Sequential([keras.layers.Dense(1)])}, "has not been compiled"),
        ({"keras_model": _model(), "checkpoint_format": "h5"}, "Checkpoint format must be"),
    ],
)
def test_what_is_no_model(arguments: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        keras.estimator.model_to_estimator(**arguments)


def test_names_of_metrics(tmp_path: Any) -> None:
    def estimator(names: Any) -> Any:
        return keras.estimator.model_to_estimator(_model(), model_dir=tmp_path, metric_names_map=names)

    estimator({"accuracy": "right"}).train(_inputs, steps=1)
    assert "right" in estimator({"accuracy": "right"}).evaluate(_once)
    with pytest.raises(ValueError, match="do not exist"):
        estimator({"loss": "l"}).evaluate(_once)
    with pytest.raises(ValueError, match="unexpected keys"):
        estimator({"accuracy": "right", "x": "y"}).evaluate(_once)
