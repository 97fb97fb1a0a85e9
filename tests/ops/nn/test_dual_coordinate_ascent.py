"""Linear models that dual coordinate ascent trains reach the optimum that other ways find."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tideflow as tf

_RANDOM = np.random.default_rng(4)
FEATURES = _RANDOM.normal(size=(20, 3)).astype(np.float32)
WEIGHTS = _RANDOM.uniform(0.5, 2, 20).astype(np.float32)


def trained(loss: str, labels: Any, *, l1: float = 0.0, l2: float = 2.0, passes: int = 60, **options: Any) -> Any:
    """Returns the weights after some passes over the examples, in a dense column of two and a sparse one."""
    rows, features = np.arange(20), np.full(20, 5)
    state = np.zeros((20, 4), np.float32)
    sparse, dense = np.zeros(1, np.float32), np.zeros(2, np.float32)
    for _ in range(passes):
        found = tf.raw_ops.SdcaOptimizerV2(
            sparse_example_indices=[rows],
            sparse_feature_indices=[features],
            sparse_feature_values=[FEATURES[:, 2]],
            dense_features=[FEATURES[:, :2]],
            example_weights=WEIGHTS,
            example_labels=labels,
            sparse_indices=[np.int64([5])],
            sparse_weights=[sparse],
            dense_weights=[dense],
            example_state_data=state,
            loss_type=loss,
            l1=l1,
            l2=l2,
            num_loss_partitions=1,
            num_inner_iterations=1,
            **options,
        )
        state = found.out_example_state_data.numpy()
        sparse = sparse + found.out_delta_sparse_weights[0].numpy()
        dense = dense + found.out_delta_dense_weights[0].numpy()
    weights = np.concatenate([dense, sparse])
    return np.sign(weights) * np.maximum(np.abs(weights) - l1 / l2, 0), state


@pytest.mark.parametrize("likely", [False, True])
def test_squared_error_gives_the_solution_of_the_normal_equations(likely: bool) -> None:
    labels = _RANDOM.normal(size=20).astype(np.float32)
    weights, state = trained("squared_loss", labels, adaptive=likely)
    x = FEATURES.astype(np.float64)
    wanted = np.linalg.solve(x.T @ (WEIGHTS[:, None] * x) + 2 * np.eye(3), x.T @ (WEIGHTS * labels))
    np.testing.assert_allclose(weights, wanted, atol=1e-4)
    # Where the model is best, the two problems have one value: primal + penalty = -(dual + penalty).
    np.testing.assert_allclose(state[:, 1].sum() + 2 * (wanted**2).sum(), -state[:, 2].sum(), rtol=1e-3)


@pytest.mark.parametrize(
    ("loss", "slope"),
    [
        ("logistic_loss", lambda p, y: -(2 * y - 1) / (1 + np.exp((2 * y - 1) * p))),
        ("smooth_hinge_loss", lambda p, y: (2 * y - 1) * (np.clip((2 * y - 1) * p, 0, 1) - 1)),
        ("poisson_loss", lambda p, y: np.exp(p) - y),
    ],
)
@pytest.mark.parametrize("l1", [0.0, 0.5])
def test_no_direction_leads_down_from_the_optimum(loss: str, slope: Any, l1: float) -> None:
    labels = (FEATURES[:, 0] + FEATURES[:, 1] > 0).astype(np.float32)
    weights, _ = trained(loss, labels, l1=l1)
    gradient = FEATURES.T @ (WEIGHTS * slope(FEATURES @ weights, labels)) + 2 * weights
    assert weights[0] != 0
    held = np.where(weights != 0, gradient + l1 * np.sign(weights), np.maximum(np.abs(gradient) - l1, 0))
    np.testing.assert_allclose(held, 0, atol=2e-3)


def test_hinge_loss_separates() -> None:
    labels = (FEATURES[:, 0] > 0).astype(np.float32)
    weights, _ = trained("hinge_loss", labels, l2=0.1)
    assert ((FEATURES @ weights > 0) == (labels > 0)).mean() > 0.9


def test_a_pass_can_be_repeated() -> None:
    labels = _RANDOM.normal(size=20).astype(np.float32)
    for likely in (False, True):
        runs = [trained("squared_loss", labels, passes=2, adaptive=likely)[1] for _ in range(2)]
        np.testing.assert_array_equal(*runs)


def test_shapes_that_do_not_fit_are_refused() -> None:
    """TensorFlow reads beyond the ends of some of these."""
    common: dict[str, Any] = {
        "example_weights": np.ones(2, np.float32),
        "example_labels": np.ones(2, np.float32),
        "example_state_data": np.zeros((2, 4), np.float32),
        "loss_type": "squared_loss",
        "l1": 0.0,
        "l2": 1.0,
        "num_loss_partitions": 1,
        "num_inner_iterations": 1,
    }
    names = "sparse_example_indices sparse_feature_indices sparse_feature_values sparse_indices sparse_weights"
    nothing: dict[str, Any] = {name: [] for name in names.split()}
    with pytest.raises(tf.errors.InvalidArgumentError, match="must have shape"):
        tf.compat.v1.train.sdca_optimizer(
            dense_features=[np.ones((1, 3), np.float32)], dense_weights=[np.ones(3)], **nothing, **common
        )
    with pytest.raises(tf.errors.InvalidArgumentError, match="must have shape"):
        tf.compat.v1.train.sdca_optimizer(
            dense_features=[np.ones((2, 3), np.float32)], dense_weights=[np.ones(4)], **nothing, **common
        )


def test_shrinking_keeps_what_a_failed_run_found() -> None:
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        weights = v1.Variable([1.0, -0.25, 3.0], use_resource=False)
        shrink = v1.train.sdca_shrink_l1([weights], l1=0.5, l2=1.0)
        with pytest.raises(tf.errors.FailedPreconditionError):
            session.run(shrink)
        session.run(weights.initializer)
        with tf.control_dependencies([shrink]):
            fails = tf.debugging.check_numerics(weights.read_value() / 0.0, "no")
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(fails)
        assert session.run(weights).tolist() == [1.0, -0.25, 3.0]
        session.run(shrink)
        assert session.run(weights).tolist() == [0.5, 0.0, 2.5]
