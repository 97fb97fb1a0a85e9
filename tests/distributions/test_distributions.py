"""Tests `tf.distributions`; `tests/parity/test_distributions.py` compares it with TensorFlow."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf2
import tideflow.compat.v1 as tf

d = tf.distributions


def test_densities() -> None:
    np.testing.assert_allclose(d.Normal(0.0, 2.0).log_prob([0.0, 1.0]), [-1.612086, -1.737086], rtol=1e-6)
    np.testing.assert_allclose(d.Gamma(2.0, 3.0).prob(0.5), 1.0040857, rtol=1e-6)
    np.testing.assert_allclose(d.Dirichlet([1.5, 2.0, 3.0]).log_prob([0.2, 0.3, 0.5]), 1.6952109, rtol=1e-6)
    np.testing.assert_allclose(d.StudentT(3.0, 0.0, 1.0).cdf([-1.0, 0.0]), [0.19550111, 0.5], rtol=1e-6)


def test_tails_are_exact() -> None:
    assert float(d.Normal(0.0, 1.0).log_cdf(-30.0)) == pytest.approx(-454.32123, rel=1e-6)
    assert float(d.Normal(0.0, 1.0).quantile(1e-20)) == pytest.approx(-9.262340, rel=1e-6)


def test_a_seed_draws_the_same_numbers_again() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(1)
        sampled = d.Normal(1.0, 2.0).sample(3, seed=1)
        drawn = 2.0 * tf.random_normal([3], seed=1) + 1.0
        np.testing.assert_allclose(session.run(sampled), session.run(drawn), rtol=1e-6)


@pytest.mark.parametrize(
    "made",
    [
        d.Normal(np.zeros((0, 2), np.float32), 1.0),
        d.Beta(np.ones((0,), np.float32), 1.0),
        d.Bernoulli(logits=np.zeros((0,), np.float32)),
    ],
)
def test_an_empty_batch(made: d.Distribution) -> None:
    assert made.sample(3).shape == (3, *made.batch_shape)
    assert made.mean().shape == made.batch_shape


def test_shapes_that_are_not_known() -> None:
    with tf.Graph().as_default():
        loc = tf.placeholder(tf.float32, None)
        count = tf.placeholder(tf.int32, None)
        normal = d.Normal(loc, [1.0, 2.0])
        sampled = normal.sample(count, seed=1)
        fixed = d.Categorical(logits=tf.placeholder(tf.float32, [None, 3])).sample([4, 5])
        assert normal.batch_shape.ndims is None and fixed.shape.as_list() == [4, 5, None]
        with tf.Session() as session:
            assert session.run(sampled, {loc: 0.0, count: 3}).shape == (3, 2)
            assert session.run(sampled, {loc: np.zeros((4, 1)), count: [3, 2]}).shape == (3, 2, 4, 2)
            assert session.run(normal.is_scalar_batch(), {loc: 0.0}) == np.False_


@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_pass_through_samples(compiled: bool) -> None:
    @tf2.function(jit_compile=compiled)
    def gradient(scale: tf2.Tensor) -> tf2.Tensor:
        with tf2.GradientTape() as tape:
            tape.watch(scale)
            value = tf2.reduce_mean(d.Normal(0.0, scale).sample(1000, seed=3) ** 2.0)
        return tape.gradient(value, scale)

    assert abs(float(gradient(tf2.constant(2.0))) - 4.0) < 0.5


def test_undefined_statistics() -> None:
    assert np.isnan(d.Gamma(0.5, 1.0).mode())
    with pytest.raises(tf.errors.InvalidArgumentError, match="mode not defined when any concentration <= 1"):
        d.Gamma(0.5, 1.0, allow_nan_stats=False).mode()
    np.testing.assert_array_equal(np.isnan(d.Dirichlet([[2.0, 3.0], [0.5, 3.0]]).mode()), [[False] * 2, [True] * 2])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: d.Bernoulli(logits=0.0, probs=0.5), ValueError, "Must pass probs or logits, but not both."),
        (lambda: d.Categorical(), ValueError, "Must pass probs or logits, but not both."),
        (lambda: d.Normal(0.0, np.float64(1.0)), ValueError, "must be of the same type"),
        (lambda: d.Normal(0.0, -1.0, validate_args=True), tf.errors.InvalidArgumentError, "Condition x > 0"),
        (lambda: d.Uniform(1.0, 0.0, validate_args=True), tf.errors.InvalidArgumentError, "low >= high"),
        (lambda: d.Categorical(probs=[0.5, 0.6], validate_args=True), tf.errors.InvalidArgumentError, "sum to 1"),
        (lambda: d.Laplace(0.0, 1.0).kl_divergence(d.Normal(0.0, 1.0)), NotImplementedError, "No KL"),
        (lambda: d.Laplace(0.0, 1.0).quantile(0.5), NotImplementedError, "quantile is not implemented: Laplace"),
        (lambda: d.Normal(0.0, 1.0).sample([[2]]), ValueError, "Input is neither scalar nor vector."),
        (lambda: d.RegisterKL(d.Normal, d.Normal)(print), ValueError, "has already been registered"),
        (lambda: d.RegisterKL(d.Normal, d.Beta)(3), TypeError, "kl_fn must be callable"),
    ],
)
def test_wrong_calls(make, error, message) -> None:
    with pytest.raises(error, match=message):
        make()


def test_a_subclass_takes_over_a_method() -> None:
    class Doubled(d.Normal):
        def _log_prob(self, value):
            return 2.0 * super()._log_prob(value)

    np.testing.assert_allclose(Doubled(0.0, 1.0).log_prob(1.0), 2.0 * d.Normal(0.0, 1.0).log_prob(1.0))
    assert isinstance(Doubled(0.0, 1.0).copy(scale=3.0), Doubled)
    assert float(Doubled(0.0, 1.0).kl_divergence(d.Normal(1.0, 1.0))) == 0.5
