"""Kullback-Leibler divergences, registered by pairs of classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tideflow._src.distributions import operations as ops

_DIVERGENCES: dict[tuple[type, type], Callable[..., Any]] = {}


class RegisterKL:
    """Registers a function that computes the divergence between distributions of two classes.

    Args:
      dist_cls_a: the class of the first distribution.
      dist_cls_b: the class of the second.

    The decorated function takes the two distributions and `name`. `kl_divergence` finds it for subclasses, too, and
    takes the nearest.

    >>> import tideflow.compat.v1 as tf
    >>> class Point(tf.distributions.Normal):
    ...     pass
    >>> @tf.distributions.RegisterKL(Point, Point)
    ... def _between_points(a, b, name=None):
    ...     return tf.abs(a.loc - b.loc)
    >>> print(float(tf.distributions.kl_divergence(Point(1.0, 1.0), Point(3.0, 1.0))))
    2.0
    """

    def __init__(self, dist_cls_a: type, dist_cls_b: type) -> None:
        self._key = (dist_cls_a, dist_cls_b)

    def __call__(self, kl_fn: Callable[..., Any]) -> Callable[..., Any]:
        """Registers `kl_fn` and returns it.

        Raises:
          TypeError: it cannot be called.
          ValueError: there is a function for these classes.
        """
        if not callable(kl_fn):
            raise TypeError(f"kl_fn must be callable, received: {kl_fn}")
        if self._key in _DIVERGENCES:
            first, second = (each.__name__ for each in self._key)
            raise ValueError(f"KL({first} || {second}) has already been registered to: {_DIVERGENCES[self._key]}")
        _DIVERGENCES[self._key] = kl_fn
        return kl_fn


def kl_divergence(
    distribution_a: Any, distribution_b: Any, allow_nan_stats: bool = True, name: str | None = None
) -> Any:
    """Computes the Kullback-Leibler divergence of `distribution_b` from `distribution_a`, in nats.

    Args:
      distribution_a: a `Distribution`, over which the mean is taken.
      distribution_b: a `Distribution` of a class that is registered with that of the first.
      allow_nan_stats: whether the result may be NaN; otherwise a NaN raises `InvalidArgumentError` when it is computed.
      name: a name for the operations.

    Returns:
      A tensor of the batch shape of both, broadcast.

    Raises:
      NotImplementedError: no function is registered for these classes.

    >>> import tideflow.compat.v1 as tf
    >>> normal = tf.distributions.Normal
    >>> print(float(tf.distributions.kl_divergence(normal(0.0, 1.0), normal(1.0, 1.0))))
    0.5
    """
    function = _registered(type(distribution_a), type(distribution_b))
    if function is None:
        raise NotImplementedError(
            "No KL(distribution_a || distribution_b) registered for distribution_a type "
            f"{type(distribution_a).__name__} and distribution_b type {type(distribution_b).__name__}"
        )
    with ops.name_scope("KullbackLeibler"):
        result = function(distribution_a, distribution_b, name=name)
        if allow_nan_stats:
            return result
        result = ops.identity(result, name="kl")
        message = (
            f"KL calculation between {distribution_a.name} and {distribution_b.name} returned NaN values "
            "(and was called with allow_nan_stats=False). Values:"
        )
        is_number = ops.logical_not(ops.reduce_any(ops.is_nan(result)))
        return ops.with_dependencies([ops.Assert(is_number, [message, result])], result, name="checked_kl")


def cross_entropy(ref: Any, other: Any, allow_nan_stats: bool = True, name: str | None = None) -> Any:
    """Computes the cross entropy of `other` relative to `ref`, in nats: the entropy of `ref` and the divergence."""
    with ops.name_scope(name, "cross_entropy"):
        return ref.entropy() + kl_divergence(ref, other, allow_nan_stats=allow_nan_stats)


def _registered(class_a: type, class_b: type) -> Callable[..., Any] | None:
    """Returns the function of the nearest registered ancestors: the fewest steps up, in sum."""
    found = [
        (steps_a + steps_b, steps_a, _DIVERGENCES[parent_a, parent_b])
        for steps_a, parent_a in enumerate(class_a.__mro__)
        for steps_b, parent_b in enumerate(class_b.__mro__)
        if (parent_a, parent_b) in _DIVERGENCES
    ]
    return min(found, key=lambda item: item[:2])[2] if found else None
