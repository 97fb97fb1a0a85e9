"""Estimators: what canned ones learn, against the numbers of TensorFlow 2.15; own model functions; files; errors."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import tideflow as tf

v1, fc = tf.compat.v1, tf.feature_column
ROWS = 200


def _data() -> tuple[dict[str, Any], np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    age = random.uniform(20, 60, ROWS).astype(np.float32)
    job = random.choice(["cook", "smith", "clerk"], ROWS).astype(object)
    features = {"age": age, "job": job, "w": random.uniform(0.5, 2, ROWS).astype(np.float32)}
    two = ((age > 40) ^ (job == "smith")).astype(np.int64)
    three = np.digitize(age, [33, 47]).astype(np.int64)
    return features, two, three, (age * 0.1 + (job == "cook") * 2).astype(np.float32)


FEATURES, TWO, THREE, NUMBERS = _data()
JOBS = fc.categorical_column_with_vocabulary_list("job", ["cook", "smith", "clerk"])
WIDE = [
    fc.bucketized_column(fc.numeric_column("age"), [30.0, 40.0, 50.0]),
    JOBS,
    fc.crossed_column([fc.bucketized_column(fc.numeric_column("age"), [40.0]), "job"], 30),
]
DEEP = [fc.numeric_column("age", normalizer_fn=lambda x: (x - 40.0) / 20.0), fc.indicator_column(JOBS)]


def inputs(labels: Any, epochs: int | None = None) -> Any:
    return v1.estimator.inputs.numpy_input_fn(FEATURES, labels, batch_size=40, num_epochs=epochs, shuffle=False)


#: What TensorFlow 2.15.1 gives after 30 steps over these data, in their order, from weights that are 0.
CANNED: list[tuple[str, Any, Any, dict[str, float], Any]] = [
    (
        "linear, two classes",
        lambda folder: v1.estimator.LinearClassifier(WIDE, model_dir=folder),
        TWO,
        {
            "accuracy": 1.0,
            "auc": 1.0,
            "average_loss": 0.257,
            "loss": 10.281,
            "prediction/mean": 0.4742,
            "label/mean": 0.475,
        },
        ("logits", [2.375]),
    ),
    (
        "linear, weights and names",
        lambda folder: v1.estimator.LinearClassifier(
            WIDE,
            model_dir=folder,
            weight_column="w",
            label_vocabulary=["no", "yes"],
            optimizer=lambda: v1.train.GradientDescentOptimizer(0.01),
        ),
        np.where(TWO == 1, "yes", "no").astype(object),
        {"accuracy_baseline": 0.5141, "average_loss": 0.3707, "loss": 18.8996, "prediction/mean": 0.4834},
        ("logits", [1.609]),
    ),
    (
        "linear, later reduction",
        lambda folder: tf.estimator.LinearClassifier(WIDE, model_dir=folder),
        TWO,
        {"accuracy": 0.95, "average_loss": 0.3799, "loss": 0.3799, "recall": 0.8947},
        ("logits", [1.526]),
    ),
    (
        "baseline, three classes",
        lambda folder: v1.estimator.BaselineClassifier(n_classes=3, model_dir=folder),
        THREE,
        {"accuracy": 0.375, "average_loss": 1.0924, "loss": 43.6963},
        ("logits", [-0.007, 0.187, 0.292]),
    ),
    (
        "linear, numbers",
        lambda folder: v1.estimator.LinearRegressor(
            WIDE, model_dir=folder, weight_column="w", sparse_combiner="mean", loss_reduction="weighted_mean"
        ),
        NUMBERS,
        {"average_loss": 0.9314, "loss": 0.9273, "label/mean": 4.8079, "prediction/mean": 4.3443},
        ("predictions", [4.378]),
    ),
]


@pytest.mark.parametrize(
    ("make", "labels", "metrics", "first"), [each[1:] for each in CANNED], ids=[each[0] for each in CANNED]
)
def test_linear_models_learn_what_tensorflow_s_learn(make, labels, metrics, first, tmp_path) -> None:
    estimator = make(str(tmp_path))
    estimator.train(inputs(labels), steps=30)
    found = estimator.evaluate(inputs(labels, 1))
    assert found["global_step"] == 30
    for name, value in metrics.items():
        assert found[name] == pytest.approx(value, abs=2e-4), name
    (prediction, *others) = estimator.predict(inputs(None, 1))
    assert len(others) == ROWS - 1
    np.testing.assert_allclose(prediction[first[0]], first[1], atol=2e-3)


@pytest.mark.parametrize(
    ("make", "labels", "metric", "bound"),
    [
        (lambda: v1.estimator.DNNClassifier([8, 4], DEEP, n_classes=3), THREE, "accuracy", 0.9),
        (
            lambda: v1.estimator.DNNLinearCombinedClassifier(
                None, WIDE, "Ftrl", DEEP, v1.train.AdamOptimizer(0.05), [8]
            ),
            TWO,
            "accuracy",
            0.9,
        ),
        (
            lambda: tf.estimator.DNNRegressor([8], DEEP, optimizer=v1.train.AdamOptimizer(0.05), batch_norm=True),
            NUMBERS,
            "prediction/mean",
            3.0,
        ),
        (lambda: tf.estimator.LinearRegressor(WIDE, sparse_combiner="mean"), NUMBERS, "prediction/mean", 3.0),
        (lambda: tf.estimator.BaselineClassifier(n_classes=3), THREE, "accuracy", 0.34),
        (lambda: tf.estimator.BaselineRegressor(), NUMBERS, "prediction/mean", 3.0),
    ],
    ids=["deep", "wide and deep", "deep, numbers", "linear, numbers", "baseline", "baseline, numbers"],
)
def test_canned_estimators_learn(make, labels, metric, bound) -> None:
    estimator = make()
    estimator.train(inputs(labels), steps=150)
    assert estimator.evaluate(inputs(labels, 1))[metric] > bound


def _line(features: Any, labels: Any, mode: str, params: Any) -> Any:
    y = v1.layers.dense(features["x"], 1, name="line")[:, 0]
    if mode == tf.estimator.ModeKeys.PREDICT:
        return tf.estimator.EstimatorSpec(mode, {"y": y})
    loss = tf.reduce_mean(tf.square(y - labels))
    step = v1.train.get_global_step()
    return tf.estimator.EstimatorSpec(
        mode,
        {"y": y},
        loss,
        v1.train.AdamOptimizer(params["rate"]).minimize(loss, step),
        {"error": v1.metrics.mean_absolute_error(labels, y)},
    )


def _points(**_: Any) -> Any:
    x = np.linspace(0, 1, 40, dtype=np.float32)[:, np.newaxis]
    return tf.data.Dataset.from_tensor_slices(({"x": x}, 3 * x[:, 0] - 1)).batch(20)


def test_a_model_function_learns_goes_on_and_is_found_again(tmp_path) -> None:
    """Twice 100 steps are 200; another estimator on the same folder has learned them; the input may be a dataset."""
    folder = str(tmp_path)

    def estimator() -> Any:
        return tf.estimator.Estimator(_line, folder, tf.estimator.RunConfig(save_checkpoints_steps=60), {"rate": 0.2})

    def endless() -> Any:
        return _points().repeat()

    first = estimator()
    assert first.train(endless, steps=100) is first
    first.train(endless, max_steps=200)
    first.train(endless, max_steps=150)  # that is behind it
    again = estimator()
    found = again.evaluate(_points)
    assert found["global_step"] == 200
    assert found["error"] < 0.05
    assert abs(again.get_variable_value("line/kernel").item() - 3) < 0.2
    assert {"line/kernel", "line/bias", "global_step"} <= set(again.get_variable_names())
    predictions = list(again.predict(_points))
    assert len(predictions) == 40
    assert abs(predictions[0]["y"] + 1) < 0.2
    (batch, _) = again.predict(_points, yield_single_examples=False)
    assert batch["y"].shape == (20,)
    assert os.path.exists(again.eval_dir())


def test_training_ends_with_the_input(tmp_path) -> None:
    estimator = tf.estimator.Estimator(_line, str(tmp_path), params={"rate": 0.1})
    estimator.train(_points)
    assert estimator.get_variable_value("global_step") == 2


def test_exported_models_answer_examples_and_features(tmp_path) -> None:
    classifier = v1.estimator.LinearClassifier(WIDE, model_dir=str(tmp_path / "model"))
    classifier.train(inputs(TWO), steps=30)
    spec = fc.make_parse_example_spec(WIDE)
    path = classifier.export_saved_model(
        tmp_path / "out", tf.estimator.export.build_parsing_serving_input_receiver_fn(spec)
    )
    assert os.listdir(tmp_path / "out") == [os.path.basename(path.decode())]
    signatures = tf.saved_model.load(path.decode()).signatures
    assert set(signatures) == {"serving_default", "classification", "regression", "predict"}

    def example(age: float, job: bytes) -> bytes:
        feature = {
            "age": tf.train.Feature(float_list=tf.train.FloatList(value=[age])),
            "job": tf.train.Feature(bytes_list=tf.train.BytesList(value=[job])),
        }
        return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()

    found = signatures["predict"](examples=tf.constant([example(25.0, b"cook"), example(55.0, b"cook")]))
    assert found["class_ids"].numpy().tolist() == [[0], [1]]
    raw = tf.estimator.export.build_raw_serving_input_receiver_fn(
        {"age": tf.zeros([3]), "job": tf.constant(["", "", ""])}
    )
    path = classifier.export_saved_model(tmp_path / "raw", raw)
    served = tf.saved_model.load(path.decode()).signatures
    assert set(served) == {"predict"}  # the others take examples only
    found = served["predict"](age=tf.constant([25.0, 55.0]), job=tf.constant(["cook", "cook"]))
    assert found["class_ids"].numpy().tolist() == [[0], [1]]


def test_train_and_evaluate(tmp_path) -> None:
    """Each checkpoint is evaluated and exported; at the end the last one is, once."""
    config = tf.estimator.RunConfig(save_checkpoints_steps=20)
    estimator = v1.estimator.LinearClassifier(WIDE, model_dir=str(tmp_path), config=config)
    receiver = tf.estimator.export.build_parsing_serving_input_receiver_fn(fc.make_parse_example_spec(WIDE))
    exporters = [
        tf.estimator.FinalExporter("final", receiver),
        tf.estimator.LatestExporter("latest", receiver, exports_to_keep=2),
        tf.estimator.BestExporter("best", receiver),
    ]
    result, exported = tf.estimator.train_and_evaluate(
        estimator,
        tf.estimator.TrainSpec(inputs(TWO), max_steps=60),
        tf.estimator.EvalSpec(inputs(TWO, 1), throttle_secs=0, exporters=exporters),
    )
    assert result["global_step"] == 60
    assert result["accuracy"] == 1.0
    assert len(exported) == 3
    assert len(os.listdir(tmp_path / "export" / "final")) == 1
    assert len(os.listdir(tmp_path / "export" / "latest")) == 2


def test_warm_start(tmp_path) -> None:
    first = tf.estimator.Estimator(_line, str(tmp_path / "a"), params={"rate": 0.2})
    first.train(lambda: _points().repeat(), steps=150)
    second = tf.estimator.Estimator(
        _line, str(tmp_path / "b"), params={"rate": 0.0}, warm_start_from=str(tmp_path / "a")
    )
    second.train(_points, steps=1)
    np.testing.assert_allclose(
        second.get_variable_value("line/kernel"), first.get_variable_value("line/kernel"), rtol=1e-5
    )


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: tf.estimator.Estimator(None), ValueError, "model_fn must be provided"),
        (lambda: tf.estimator.Estimator(lambda x: x), ValueError, "must include features argument"),
        (lambda: tf.estimator.Estimator(lambda features: 1, params={"a": 1}), ValueError, "does not include params"),
        (lambda: tf.estimator.Estimator(_line).train(_points, steps=0), ValueError, "Must specify steps > 0"),
        (
            lambda: tf.estimator.Estimator(_line).train(_points, steps=1, max_steps=2),
            ValueError,
            "both steps and max_steps",
        ),
        (lambda: tf.estimator.Estimator(_line).train(_points, [3], 1), TypeError, "SessionRunHook"),
        (lambda: tf.estimator.Estimator(_line).get_variable_names(), ValueError, "Could not find trained model"),
        (
            lambda: tf.estimator.Estimator(lambda features, labels: 1).train(_points, steps=1),
            ValueError,
            "EstimatorSpec",
        ),
        (lambda: tf.estimator.EstimatorSpec("train", loss=tf.constant(1.0)), ValueError, "Missing train_op"),
        (lambda: tf.estimator.EstimatorSpec("eval"), ValueError, "Missing loss"),
        (lambda: tf.estimator.EstimatorSpec("infer"), ValueError, "Missing predictions"),
        (lambda: tf.estimator.EstimatorSpec("eval", loss=tf.zeros([3])), ValueError, "Loss must be scalar"),
        (
            lambda: tf.estimator.RunConfig(save_checkpoints_steps=1, save_checkpoints_secs=2),
            ValueError,
            "cannot be both",
        ),
        (lambda: tf.estimator.RunConfig().replace(task_id=3), ValueError, "Replacing task_id is not supported"),
        (lambda: tf.estimator.TrainSpec(3), TypeError, "must be callable"),
        (lambda: tf.estimator.EvalSpec(_points, steps=0), ValueError, "Must specify steps > 0"),
        (lambda: v1.estimator.inputs.numpy_input_fn(FEATURES, TWO), ValueError, "shuffle must be provided"),
        (lambda: v1.estimator.inputs.numpy_input_fn(FEATURES, TWO[:3], shuffle=False), ValueError, "mismatched"),
        (lambda: tf.estimator.LinearClassifier(WIDE, label_vocabulary=["a"]), ValueError, "must equal to n_classes"),
        (
            lambda: tf.estimator.LinearClassifier(WIDE, optimizer="Nothing").train(inputs(TWO), steps=1),
            ValueError,
            "Unsupported optimizer",
        ),
        (
            lambda: tf.estimator.LinearClassifier(WIDE).train(inputs(TWO + 5), steps=1),
            tf.errors.InvalidArgumentError,
            "Labels must be",
        ),
    ],
)
def test_what_is_wrong_is_said(make, error, text) -> None:
    with pytest.raises(error, match=text):
        make()
