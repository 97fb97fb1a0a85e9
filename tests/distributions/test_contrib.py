"""Tests what only `tf.contrib.distributions` has, against SciPy and by the laws that distributions obey."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import tideflow.v1 as tf
from tideflow._src.distributions import contrib as d


def value(build) -> np.ndarray:
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(1)
        return session.run(build())


@pytest.mark.parametrize(
    ("make", "reference", "points"),
    [
        (lambda: d.Binomial(5.0, probs=[0.2, 0.7]), stats.binom(5, [0.2, 0.7]), [[0.0, 1.0], [5.0, 3.0]]),
        (lambda: d.Poisson([0.5, 3.0]), stats.poisson([0.5, 3.0]), [[0.0, 1.0], [5.0, 3.0]]),
        (lambda: d.Chi2([2.0, 5.0]), stats.chi2([2.0, 5.0]), [[0.3, 1.0], [5.0, 3.0]]),
        (lambda: d.InverseGamma(3.0, [1.0, 2.0]), stats.invgamma(3.0, scale=[1.0, 2.0]), [[0.3, 1.0], [5.0, 3.0]]),
    ],
)
def test_univariate(make, reference, points) -> None:
    density = reference.logpmf if hasattr(reference.dist, "logpmf") else reference.logpdf
    np.testing.assert_allclose(value(lambda: make().log_prob(points)), density(points), rtol=2e-5)
    np.testing.assert_allclose(value(lambda: make().cdf(points)), reference.cdf(points), rtol=2e-5)
    np.testing.assert_allclose(value(lambda: make().mean()), np.broadcast_to(reference.mean(), 2), rtol=1e-5)
    np.testing.assert_allclose(value(lambda: make().variance()), reference.var(), rtol=1e-5)
    if isinstance(make(), d.Binomial):
        with pytest.raises(NotImplementedError, match="sample_n is not implemented: Binomial"):
            make().sample()
    else:
        sampled = value(lambda: make().sample(4000, seed=2))
        np.testing.assert_allclose(sampled.mean(0), reference.mean() * np.ones(2), rtol=0.1)


def test_normal_vectors() -> None:
    tril = np.array([[2.0, 0.0], [0.5, 1.0]], np.float32)
    points = np.array([[0.0, 1.0], [1.0, -1.0]], np.float32)
    reference = stats.multivariate_normal([1.0, 2.0], tril @ tril.T)
    make = lambda: d.MultivariateNormalTriL([1.0, 2.0], tril)  # noqa: E731
    np.testing.assert_allclose(value(lambda: make().log_prob(points)), reference.logpdf(points), rtol=1e-5)
    np.testing.assert_allclose(value(lambda: make().covariance()), tril @ tril.T, rtol=1e-6)
    np.testing.assert_allclose(value(lambda: make().entropy()), reference.entropy(), rtol=1e-5)
    np.testing.assert_allclose(np.cov(value(lambda: make().sample(4000, seed=1)).T), tril @ tril.T, atol=0.3)
    diagonal = stats.multivariate_normal([1.0, 2.0], np.diag([4.0, 9.0]))
    diag = lambda: d.MultivariateNormalDiag([1.0, 2.0], [2.0, 3.0])  # noqa: E731
    np.testing.assert_allclose(value(lambda: diag().log_prob(points)), diagonal.logpdf(points), rtol=1e-5)
    np.testing.assert_allclose(value(lambda: diag().covariance()), np.diag([4.0, 9.0]))
    assert value(lambda: d.kl_divergence(diag(), diag())) == 0.0


def test_one_hot_vectors() -> None:
    make = lambda: d.OneHotCategorical(probs=[0.25, 0.75])  # noqa: E731
    np.testing.assert_allclose(value(lambda: make().prob([[1, 0], [0, 1]])), [0.25, 0.75], rtol=1e-6)
    sampled = value(lambda: make().sample(1000, seed=1))
    assert sampled.shape == (1000, 2) and (sampled.sum(1) == 1).all() and abs(sampled[:, 1].mean() - 0.75) < 0.1


@pytest.mark.parametrize(
    ("bijector", "x"),
    [
        (d.bijectors.Identity(), 0.5),
        (d.bijectors.Exp(), 0.5),
        (d.bijectors.Sigmoid(), 0.5),
        (d.bijectors.Softplus(), 0.5),
        (d.bijectors.Invert(d.bijectors.Exp()), 0.5),
    ],
)
def test_maps_are_inverted_and_know_their_slope(bijector, x: float) -> None:
    def both():
        point = tf.constant(x)
        y = bijector.forward(point)
        slope = tf.gradients(y, point)[0]
        logs = [bijector.forward_log_det_jacobian(point), -bijector.inverse_log_det_jacobian(y), tf.log(slope)]
        return [bijector.inverse(y), *logs]

    back, *logs = value(both)
    assert back == pytest.approx(x, rel=1e-5)
    np.testing.assert_allclose(logs, logs[:1] * 3, rtol=1e-4, atol=1e-6)


def test_a_map_onto_the_simplex() -> None:
    bijector = d.bijectors.SoftmaxCentered(event_ndims=1)
    x = np.array([[0.2, -1.0]], np.float32)
    y, back = value(lambda: [bijector.forward(x), bijector.inverse(bijector.forward(x))])
    np.testing.assert_allclose(y.sum(1), [1.0], rtol=1e-6)
    np.testing.assert_allclose(back, x, rtol=1e-5)
    assert bijector.forward_event_shape([2]).as_list() == [3]


def test_a_transformed_variable() -> None:
    make = lambda: d.TransformedDistribution(d.Normal(0.5, 2.0), d.bijectors.Exp())  # noqa: E731
    reference = stats.lognorm(2.0, scale=np.exp(0.5))
    np.testing.assert_allclose(value(lambda: make().log_prob([0.5, 3.0])), reference.logpdf([0.5, 3.0]), rtol=1e-5)
    np.testing.assert_allclose(value(lambda: make().cdf([0.5, 3.0])), reference.cdf([0.5, 3.0]), rtol=1e-5)
    assert (value(lambda: make().sample(10, seed=1)) > 0).all()
