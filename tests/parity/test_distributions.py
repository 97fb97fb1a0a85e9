"""Compares `tf.distributions` with TensorFlow's: every method of every class, samples with seeds, and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tideflow as tf

from .oracle import Oracle

CASES = {
    "Normal([0., 1.], [1., 2.])": "[[0.3, 1.5], [-30., 9.]]",
    "Normal(np.float64(0.5), np.array([[1.], [3.]]))": "np.array([0.5, -100., 40.])",
    "Laplace(1., [1., 2.])": "[[0.3, 1.5], [-30., 9.]]",
    "Uniform([0., -1.], [2., 3.])": "[[0.3, 1.5], [-30., 9.], [2., float('nan')]]",
    "StudentT([0.5, 1.5, 3.], [0., 1., 2.], 2.)": "[0.2, 3., -4.]",
    "Gamma([0.5, 2.], [1., 3.])": "[[0.2, 3.], [0., 1.]]",
    "Exponential([1., 4.])": "[[0.2, 3.], [0., 1.]]",
    "Beta([0.5, 2.], [3., 2.5])": "[0.2, 0.3]",
    "Dirichlet([1.5, 2., 3.])": "[[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]]",
    "DirichletMultinomial(3., [1., 2., 3.])": "[[1., 1., 1.], [2., 1., 0.]]",
    "Multinomial([4., 3.], logits=[[0.2, 0.3, 0.5], [0., 1., 2.]])": "[[1., 1., 2.], [3., 0., 0.]]",
    "Bernoulli(logits=[-1., 0., 2.])": "[[0, 1, 1], [1, 0, 1]]",
    "Bernoulli(probs=0.7, dtype=tf.float32)": "[0., 1., 1.]",
    "Categorical(probs=[[0.1, 0.9], [0.5, 0.5]], dtype=tf.int64)": "[[0, 1], [1, 1]]",
    "Categorical(logits=np.arange(12., dtype=np.float32).reshape(2, 2, 3))": "[0, 1]",
}

_QUESTION = """
d, tf1 = tf.compat.v1.distributions, tf.compat.v1
result = {{}}
def keep(name, function):
    try:
        value = function()
        result[name] = value if isinstance(value, (str, list)) else [value.dtype.name, value.numpy().tolist()]
    except Exception as error:
        result[name] = type(error).__name__
make = lambda **more: d.{made}
for name in ("log_prob", "prob", "log_cdf", "cdf", "log_survival_function", "survival_function"):
    keep(name, lambda: getattr(make(), name)({value}))
keep("quantile", lambda: make().quantile(np.array([[0.], [1e-20], [0.3], [0.97], [1.]], make().dtype.as_numpy_dtype)))
for name in ("entropy", "mean", "variance", "stddev", "covariance", "mode", "batch_shape_tensor", "event_shape_tensor"):
    keep(name, lambda: getattr(make(), name)())
tf.random.set_seed(3)  # else the numbers depend on what was drawn before
keep("sample", lambda: make().sample([2, 3], seed=5))
keep("samples", lambda: make().sample(4, seed=7))
keep("repr", lambda: repr(make()) + str(make()) + repr(make().copy()) + repr(make().reparameterization_type))
keep("parameters", lambda: sorted(make().parameters))
with tf1.Graph().as_default():
    tf1.set_random_seed(11)
    made = make()
    over = [each for each in made._graph_parents if each.dtype.is_floating]
    drawn, probability = made.sample([2, 3]), made.log_prob({value})
    gradients = tf1.gradients(probability, over)
    names = [drawn.name, probability.name, str(drawn.shape), str(probability.shape), repr(made)]
    with tf1.Session() as session:
        result["graph"] = [session.run(each).tolist() for each in (drawn, probability)] + names
        result["gradients"] = [None if each is None else session.run(each).tolist() for each in gradients]
"""

_DIVERGENCES = """
d = tf.compat.v1.distributions
result = []
for a, b in (
    (d.Normal(0., [1., 2.]), d.Normal([1., 2.], 3.)),
    (d.Gamma(2., [1., 2.]), d.Gamma([1., 2.], 3.)),
    (d.Exponential(2.), d.Gamma(1., 3.)),
    (d.Beta(2., [1., 2.]), d.Beta([1., 2.], 3.)),
    (d.Dirichlet([2., 1., 2.]), d.Dirichlet([1., 2., 3.])),
    (d.Bernoulli(probs=[0.2, 0.5]), d.Bernoulli(logits=0.)),
    (d.Categorical(probs=[0.2, 0.8]), d.Categorical(logits=[0., 0.])),
):
    result += [d.kl_divergence(a, b).numpy().tolist(), a.cross_entropy(b).numpy().tolist()]
"""


def ours(question: str) -> Any:
    names: dict[str, Any] = {"tf": tf, "np": np}
    exec(compile(question, "<question>", "exec"), names)
    return names["result"]


def differs(found: Any, wanted: Any) -> bool:
    """Tells whether numbers differ by more than operations in another order explain, or anything else at all."""
    if isinstance(wanted, dict):
        return set(found) != set(wanted) or any(differs(found[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list):
        return not isinstance(found, list) or len(found) != len(wanted) or any(map(differs, found, wanted))
    if isinstance(wanted, float) and isinstance(found, float):
        return not np.isclose(found, wanted, rtol=4e-6, atol=1e-6, equal_nan=True)
    return bool(found != wanted)


@pytest.mark.parametrize("made", CASES)
def test_a_distribution(oracle: Oracle, made: str) -> None:
    question = _QUESTION.format(made=made, value=CASES[made])
    wanted = oracle.ask("evaluate", source=question)["result"]
    found = ours(question)
    if made.startswith("Multinomial"):  # draws in a loop, whose numbers depend on the loops that TensorFlow ran before
        found["graph"][0] = wanted["graph"][0]
    problems = {name: (found.get(name), wanted[name]) for name in wanted if differs(found.get(name), wanted[name])}
    assert problems == {}


def test_divergences(oracle: Oracle) -> None:
    assert not differs(ours(_DIVERGENCES), oracle.ask("evaluate", source=_DIVERGENCES)["result"])
