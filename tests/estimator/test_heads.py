"""Heads, estimators that take them, and hooks that evaluate: against the numbers of TensorFlow 2.15.1."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tideflow as tf

E = tf.estimator
RANDOM = np.random.RandomState(0)
FEATURES = {"x": RANDOM.rand(4, 3).astype("float32"), "w": np.array([1.0, 2.0, 0.5, 1.0], "float32")}


def _logits(dimension: int, examples: int = 4) -> Any:
    return RANDOM.randn(examples, dimension).astype("float32")


TWO = np.array([[0], [1], [1], [0]])
#: A head, its logits, labels, and the loss of both with 0.5 for regularization.
LOSSES: list[tuple[Any, Any, Any, float]] = [
    (E.BinaryClassHead(), _logits(1), TWO, 1.287),
    (E.BinaryClassHead(weight_column="w", thresholds=[0.3, 0.7], name="h"), _logits(1), TWO, 1.4819),
    (
        E.BinaryClassHead(loss_reduction="sum", label_vocabulary=["a", "b"]),
        _logits(1),
        np.array([["a"], ["b"], ["b"], ["a"]]),
        1.7347,
    ),
    (E.MultiClassHead(3, weight_column="w"), _logits(3), np.array([[0], [2], [1], [0]]), 1.6997),
    (
        E.MultiLabelHead(3, weight_column="w"),
        _logits(3),
        np.array([[0, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 1]]),
        1.2982,
    ),
    (
        E.MultiLabelHead(3, label_vocabulary=["a", "b", "c"]),
        _logits(3, 2),
        tf.SparseTensor([[0, 0], [0, 1], [1, 0]], ["a", "c", "b"], [2, 2]),
        1.4633,
    ),
    (E.RegressionHead(2, weight_column="w"), _logits(2), _logits(2), 1.417),
    (E.PoissonRegressionHead(), _logits(1), np.array([[1.0], [3.0], [0.0], [2.0]], "float32"), 3.099),
    (E.LogisticRegressionHead(), _logits(1), np.array([[0.1], [0.3], [0.0], [1.0]], "float32"), 1.2154),
    (
        E.RegressionHead(loss_fn=lambda labels, logits: tf.abs(labels - logits)),
        _logits(1),
        np.array([[0.1], [0.3], [0.0], [1.0]], "float32"),
        0.9799,
    ),
]
MANY = E.MultiHead([E.RegressionHead(name="a"), E.MultiLabelHead(2, name="b")], head_weights=[1.0, 0.5])
MANY_LOGITS = _logits(3)
MANY_LABELS = {"a": _logits(1), "b": np.array([[0, 1], [1, 0], [0, 0], [1, 1]])}


@pytest.mark.parametrize("reduction", ["MEAN", "SUM_BY_NONZERO_WEIGHTS"])
def test_the_weight_of_an_example_counts_for_each_of_its_losses(reduction: str) -> None:
    head = E.RegressionHead(2, "w", getattr(tf.compat.v1.losses.Reduction, reduction))

    def loss(weights: list[float]) -> float:
        given = {"labels": [[1.0, 1.0], [0.0, 0.0]], "logits": [[2.0, 3.0], [-1.0, 1.0]]}
        return float(head.loss(**given, features={"w": weights}))

    assert loss([1.0, 0.0]) == 2.5
    assert loss([0.0, 0.0]) == 0.0


@pytest.mark.parametrize(("head", "logits", "labels", "loss"), LOSSES)
def test_losses(head: Any, logits: Any, labels: Any, loss: float) -> None:
    features = FEATURES if len(logits) == 4 else {}
    found = head.loss(labels, logits, features=features, regularization_losses=[0.5])
    np.testing.assert_allclose(found, loss, atol=1e-4)


def test_the_loss_of_several_heads_is_their_weighted_sum() -> None:
    np.testing.assert_allclose(MANY.loss(MANY_LABELS, MANY_LOGITS, features={}), 0.9816, atol=1e-4)
    parts = {"a": MANY_LOGITS[:, :1], "b": MANY_LOGITS[:, 1:]}
    np.testing.assert_allclose(MANY.loss(MANY_LABELS, parts, features={}), 0.9816, atol=1e-4)
    assert sorted(MANY.predictions(MANY_LOGITS)) == [
        ("a", "predictions"),
        ("b", "classes"),
        ("b", "logits"),
        ("b", "probabilities"),
    ]


def test_predictions_can_be_chosen() -> None:
    found = E.PoissonRegressionHead().predictions([[0.0], [1.0]])
    np.testing.assert_allclose(found["predictions"], [[1.0], [np.e]], rtol=1e-6)
    assert list(E.BinaryClassHead(label_vocabulary=["no", "yes"]).predictions([[2.0]], keys=["classes"])) == ["classes"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: E.MultiLabelHead(1), "n_classes must be > 1"),
        (lambda: E.MultiClassHead(2), "n_classes must be > 2"),
        (lambda: E.BinaryClassHead(thresholds=[1.5]), r"thresholds must be in \(0, 1\)"),
        (lambda: E.MultiLabelHead(2, classes_for_class_based_metrics=["a"]), "label_vocabulary must be provided"),
        (lambda: E.MultiLabelHead(2, classes_for_class_based_metrics=[2]), r"in range \[0, 1\]"),
        (lambda: E.RegressionHead(0), "Invalid label_dimension"),
        (lambda: E.MultiHead([]), "Must specify heads"),
        (lambda: E.MultiHead([E.RegressionHead()]), "must have name specified"),
        (lambda: E.RegressionHead(loss_fn=lambda logits: logits), "loss_fn must contain argument: labels"),
        (lambda: E.BinaryClassHead(loss_reduction="x"), "Invalid loss_reduction: x"),
        (lambda: E.BinaryClassHead().loss(None, MANY_LOGITS[:, :1]), "You must provide a labels Tensor"),
        (lambda: E.BinaryClassHead().loss(TWO, MANY_LOGITS), r"logits shape must be \[D0, D1"),
        (lambda: E.BinaryClassHead().loss(np.zeros((4, 2)), MANY_LOGITS[:, :1]), "Mismatched label shape"),
        (lambda: MANY.loss({"a": [[1.0]]}, MANY_LOGITS), "labels has missing values"),
        (lambda: MANY.loss(MANY_LABELS, MANY_LOGITS[:, :2]), "Could not split logits"),
        (lambda: E.BinaryClassHead().predictions([[1.0]], keys=["foo"]), "Prediction key must be"),
    ],
)
def test_what_cannot_be_used(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("label", [2, -1])
def test_labels_out_of_range(label: int) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="Labels must be <= n_classes - 1 and >= 0"):
        E.BinaryClassHead().loss([[label]], [[0.5]])


# Estimators.

ROWS = np.random.RandomState(1).rand(200, 3).astype("float32")
SUMS = ROWS @ np.array([1.0, 2.0, -1.0], "float32")
LABELS = {"reg": SUMS, "ml": (ROWS > 0.5).astype("int64"), "poi": np.floor(ROWS.sum(1) * 2).astype("float32")}
COLUMNS = [tf.feature_column.numeric_column("x", shape=(3,))]


def inputs(labels: Any, epochs: int = 1) -> Any:
    return lambda: tf.data.Dataset.from_tensor_slices(({"x": ROWS}, labels)).batch(20).repeat(epochs)


def _descent() -> Any:
    return tf.compat.v1.train.GradientDescentOptimizer(0.1)


@pytest.mark.parametrize(
    ("head", "key", "worst"),
    [
        (E.RegressionHead(), "reg", 0.12),
        (E.MultiLabelHead(3, thresholds=[0.5]), "ml", 0.69),
        (E.PoissonRegressionHead(), "poi", 1.5),
    ],
)
def test_linear_estimators_learn_what_the_head_asks(head: Any, key: str, worst: float, tmp_path: Any) -> None:
    estimator = E.LinearEstimator(head, COLUMNS, model_dir=str(tmp_path), optimizer=_descent)
    estimator.train(inputs(LABELS[key], 5))
    found = estimator.evaluate(inputs(LABELS[key]))
    assert found["loss"] < worst
    np.testing.assert_allclose(found["average_loss"], found["loss"], rtol=1e-5)
    learned = estimator.get_variable_value("linear/linear_model/x/weights")
    # The same descent by hand.
    weights, bias = np.zeros((3, head.logits_dimension)), np.zeros(head.logits_dimension)
    target = LABELS[key].reshape(200, -1).astype(float)
    for start in list(range(0, 200, 20)) * 5:
        x, y = ROWS[start : start + 20], target[start : start + 20]
        logits = x @ weights + bias
        slope = {"reg": 2 * (logits - y), "ml": (1 / (1 + np.exp(-logits)) - y) / 3, "poi": np.exp(logits) - y}[key]
        weights, bias = weights - 0.1 * x.T @ slope / 20, bias - 0.1 * slope.mean(0)
    np.testing.assert_allclose(learned, weights, rtol=1e-3, atol=1e-4)


def test_other_estimators_take_heads(tmp_path: Any) -> None:
    head = E.MultiLabelHead(3, name="three")
    for number, estimator in enumerate(
        [
            E.DNNEstimator(head, [4], COLUMNS, model_dir=str(tmp_path / "0")),
            E.DNNLinearCombinedEstimator(
                head, str(tmp_path / "1"), COLUMNS, dnn_feature_columns=COLUMNS, dnn_hidden_units=[4]
            ),
            E.BaselineEstimator(head, str(tmp_path / "2")),
        ]
    ):
        before = estimator.train(inputs(LABELS["ml"]), max_steps=1).evaluate(inputs(LABELS["ml"]))
        after = estimator.train(inputs(LABELS["ml"], 5)).evaluate(inputs(LABELS["ml"]))
        assert after["loss"] < before["loss"], number
        assert {"auc/three", "average_loss/three"} <= set(after)


def _two_heads(features: Any, labels: Any, mode: str) -> Any:
    head = E.MultiHead([E.RegressionHead(name="r"), E.MultiLabelHead(3, name="m")])
    weights = tf.compat.v1.get_variable("w", [3, 4], initializer=tf.compat.v1.zeros_initializer())
    return head.create_estimator_spec(
        features,
        mode,
        features["x"] @ weights,
        labels,
        optimizer=_descent(),
        trainable_variables=[weights],
        regularization_losses=[0.0 * tf.reduce_sum(weights)],
    )


def test_a_model_of_two_heads_that_is_evaluated_while_it_learns(tmp_path: Any) -> None:
    estimator = E.Estimator(_two_heads, model_dir=str(tmp_path))
    labels = {"r": LABELS["reg"], "m": LABELS["ml"]}
    evaluator = E.experimental.InMemoryEvaluatorHook(estimator, inputs(labels), every_n_iter=20)
    estimator.train(inputs(labels, 5), hooks=[evaluator])
    found = estimator.evaluate(inputs(labels))
    np.testing.assert_allclose(found["loss"], found["loss/r"] + found["loss/m"], rtol=1e-5)
    assert {"auc/m", "average_loss/r", "label/mean/r", "regularization_loss/r_m"} <= set(found)
    first = next(iter(estimator.predict(inputs(labels))))
    assert first["r", "predictions"].shape == (1,) and first["m", "probabilities"].shape == (3,)
    # Before the first step, after runs 20 and 40, and at the end; the last as from the checkpoint.
    written = _evaluations(str(tmp_path / "eval"))
    assert sorted(written) == [0, 20, 40, 50]
    assert written[0]["loss"] > written[20]["loss"] > written[50]["loss"]
    np.testing.assert_allclose(written[50]["loss"], found["loss"], rtol=1e-5)


def _evaluations(folder: str) -> dict[int, dict[str, float]]:
    found: dict[int, dict[str, float]] = {}
    for path in tf.io.gfile.glob(f"{folder}/*"):
        for event in tf.compat.v1.train.summary_iterator(path):
            for value in event.summary.value:
                found.setdefault(event.step, {})[value.tag] = value.simple_value
    return found


def test_training_stops_early(tmp_path: Any) -> None:
    estimator = E.LinearEstimator(E.RegressionHead(), COLUMNS, model_dir=str(tmp_path), optimizer=_descent)
    never = E.experimental.make_early_stopping_hook(estimator, lambda: False, run_every_secs=None, run_every_steps=1)
    estimator.train(inputs(LABELS["reg"]), max_steps=3, hooks=[never])
    estimator.evaluate(inputs(LABELS["reg"]))
    options: dict[str, Any] = {"run_every_secs": None, "run_every_steps": 1}
    kinds = E.experimental
    stopping = [
        kinds.stop_if_lower_hook(estimator, "loss", 1e9, **options),
        kinds.stop_if_higher_hook(estimator, "loss", -1.0, **options),
        kinds.stop_if_no_decrease_hook(estimator, "loss", 0, **options),
        kinds.stop_if_no_increase_hook(estimator, "loss", 0, **options),
        kinds.make_stop_at_checkpoint_step_hook(estimator, 8),
    ]
    for hook in stopping:
        estimator.train(inputs(LABELS["reg"], 5), hooks=[hook])
    assert estimator.get_variable_value("global_step") == 8
    going_on = kinds.stop_if_lower_hook(estimator, "loss", 1e9, min_steps=100, **options)
    estimator.train(inputs(LABELS["reg"]), steps=5, hooks=[going_on])
    assert estimator.get_variable_value("global_step") == 13
    with pytest.raises(ValueError, match="Only one of"):
        kinds.make_early_stopping_hook(estimator, lambda: True, 1, 1)


def test_metrics_are_added(tmp_path: Any) -> None:
    estimator = E.LinearEstimator(E.RegressionHead(), COLUMNS, model_dir=str(tmp_path), optimizer=_descent)
    estimator.train(inputs(LABELS["reg"]))
    more = E.add_metrics(
        estimator, lambda labels, predictions: {"mine": tf.compat.v1.metrics.mean(predictions["predictions"])}
    )
    found = more.evaluate(inputs(LABELS["reg"]))
    np.testing.assert_allclose(found["mine"], found["prediction/mean"], rtol=1e-6)
    with pytest.raises(ValueError, match="not expected args"):
        E.add_metrics(estimator, lambda other: {})


def test_examples_with_labels_are_described() -> None:
    found = E.classifier_parse_example_spec(COLUMNS, "label", weight_column="w")
    assert found == {
        "label": tf.io.FixedLenFeature((1,), tf.int64),
        "w": tf.io.FixedLenFeature((1,), tf.float32),
        "x": tf.io.FixedLenFeature((3,), tf.float32),
    }
    assert E.regressor_parse_example_spec(COLUMNS, "y", label_dimension=2)["y"] == tf.io.FixedLenFeature(
        (2,), tf.float32
    )
    with pytest.raises(ValueError, match="label should not be used as feature"):
        E.regressor_parse_example_spec(COLUMNS, "x")
    with pytest.raises(ValueError, match="weight_column should not be used as feature"):
        E.regressor_parse_example_spec(COLUMNS, "y", weight_column="x")


def test_a_model_may_give_variables_where_tensors_are_asked_for(tmp_path: Any) -> None:
    def model_fn(features: Any, labels: Any, mode: str) -> Any:
        kept = tf.Variable(3.0, name="kept")
        step = tf.compat.v1.train.get_global_step()
        loss = tf.constant(0.5) + 0.0 * tf.reduce_sum(features["x"])
        return E.EstimatorSpec(mode, predictions={"kept": kept}, train_op=step.assign_add(1), loss=loss)

    estimator = E.Estimator(model_fn, str(tmp_path))
    estimator.train(inputs(LABELS["reg"]), steps=3)
    assert estimator.get_variable_value("global_step") == 3
