"""Losses of linear models with the steps that dual coordinate ascent takes for one example.

Of each loss ``phi`` of a prediction ``p`` there is what Shalev-Shwartz and Zhang (2013) need: its conjugate, and the
value of the dual variable ``a`` that is best for one example while those of all others stay as they are. With ``k``
parts that are trained at once (CoCoA+, Ma et al., 2015), weight ``w`` and squared norm ``q`` (over the strength of
the regularization), that is the zero of ``d phi(p + k w q (a - a0)) / dp + a``, up to its sign.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core.errors import invalid_argument

_NEWTON_STEPS = 10
_NONE = float(np.finfo(np.float64).max)


class DualLoss(NamedTuple):
    """Is a loss as the ascent sees it; all numbers are NumPy's ``float64``, so that none of them raises.

    Attributes:
      best_dual: ``(label, dual, prediction, pull)`` to the new dual variable; ``pull`` is ``k w q``.
      conjugate: ``(dual, label)`` to the loss of the dual problem.
      primal: ``(prediction, label)`` to the loss.
      slope: ``(prediction, label)`` to the derivative of the loss.
      smoothness: one over the greatest second derivative; 0 where the loss has a kink.
      label: checks a label and gives the one that the formulas use.
    """

    best_dual: Callable[[Any, Any, Any, Any], Any]
    conjugate: Callable[[Any, Any], Any]
    primal: Callable[[Any, Any], Any]
    slope: Callable[[Any, Any], Any]
    smoothness: float
    label: Callable[[Any], Any]


def _binary(label: Any) -> Any:
    if label not in (0, 1):
        raise invalid_argument(
            f"Only labels of 0.0 or 1.0 are supported right now. Found example with label: {label:g}"
        )
    return np.float64(1 if label else -1)


def _count(label: Any) -> Any:
    if label < 0:
        raise invalid_argument(
            f"Only non-negative labels can be used with the Poisson log loss. Found example with label: {label:g}"
        )
    return label


def _within(dual: Any, label: Any) -> Any:
    """Limits a dual variable to those between 0 and the label."""
    if label * dual < 0:
        return np.float64(0)
    return label if label * dual > 1 else dual


# Squared error.


def _squared_best(label: Any, dual: Any, prediction: Any, pull: Any) -> Any:
    return dual + (label - dual - prediction) / (1 + pull)


_SQUARED = DualLoss(
    _squared_best,
    lambda dual, label: dual * (dual / 2 - label),
    lambda prediction, label: (prediction - label) ** 2 / 2,
    lambda prediction, label: prediction - label,
    1.0,
    lambda label: label,
)


# Logistic: the dual variable is (1 + tanh x) / 2 of a number that Newton's method looks for.


def _logistic_best(label: Any, dual: Any, prediction: Any, pull: Any) -> Any:
    x = np.float64(0)
    for _ in range(_NEWTON_STEPS):
        bend = np.tanh(x)
        error = 2 * label * x + prediction + pull * ((1 + bend) / (2 * label) - dual)
        x = x - error / (2 * label + pull * (1 - bend * bend) / (2 * label))
    return (1 + np.tanh(x)) / (2 * label)


def _entropy(share: Any) -> Any:
    return share * np.log(share) if share > 0 else np.float64(0)


def _logistic_slope(prediction: Any, label: Any) -> Any:
    return -label / (1 + np.exp(label * prediction))


_LOGISTIC = DualLoss(
    _logistic_best,
    lambda dual, label: _entropy(dual * label) + _entropy(1 - dual * label),
    lambda prediction, label: np.logaddexp(0.0, -label * prediction),
    _logistic_slope,
    4.0,
    _binary,
)


# Hinge, and hinge with a parabola in place of its kink.


def _hinge_best(label: Any, dual: Any, prediction: Any, pull: Any) -> Any:
    return _within(dual + (label - prediction) / pull, label)


def _smooth_hinge_best(label: Any, dual: Any, prediction: Any, pull: Any) -> Any:
    return _within(dual + (label - prediction - dual) / (pull + 1), label)


def _hinge_conjugate(dual: Any, label: Any) -> Any:
    return -label * dual if 0 <= label * dual <= 1 else _NONE


def _smooth_hinge_conjugate(dual: Any, label: Any) -> Any:
    return dual * dual / 2 - label * dual if 0 <= label * dual <= 1 else _NONE


def _smooth_hinge(prediction: Any, label: Any) -> Any:
    margin = label * prediction
    if margin >= 1:
        return np.float64(0)
    return 0.5 - margin if margin <= 0 else (1 - margin) ** 2 / 2


def _smooth_hinge_slope(prediction: Any, label: Any) -> Any:
    margin = label * prediction
    if margin >= 1:
        return np.float64(0)
    return -label if margin <= 0 else prediction - label


_HINGE = DualLoss(
    _hinge_best,
    _hinge_conjugate,
    lambda prediction, label: np.maximum(0.0, 1 - label * prediction),
    lambda prediction, label: -label if label * prediction < 1 else np.float64(0),
    0.0,
    _binary,
)
_SMOOTH_HINGE = DualLoss(_smooth_hinge_best, _smooth_hinge_conjugate, _smooth_hinge, _smooth_hinge_slope, 1.0, _binary)


# Poisson: the prediction is the logarithm of the expected count.


def _poisson_best(label: Any, dual: Any, prediction: Any, pull: Any) -> Any:
    rest = label - dual
    x = np.log(rest) if rest > 0 else np.float64(0)
    for _ in range(_NEWTON_STEPS):
        rate = np.exp(x)
        x = x - (x - prediction - pull * (rest - rate)) / (1 + pull * rate)
    return label - np.exp(x)


def _poisson_conjugate(dual: Any, label: Any) -> Any:
    rest = label - dual
    if rest == 0:
        return np.float64(0)
    return _NONE if rest < 0 else rest * (np.log(rest) - 1)


_POISSON = DualLoss(
    _poisson_best,
    _poisson_conjugate,
    lambda prediction, label: np.exp(prediction) - prediction * label,
    lambda prediction, label: np.exp(prediction) - label,
    1.0,
    _count,
)

LOSSES = {
    "logistic_loss": _LOGISTIC,
    "squared_loss": _SQUARED,
    "hinge_loss": _HINGE,
    "smooth_hinge_loss": _SMOOTH_HINGE,
    "poisson_loss": _POISSON,
}
